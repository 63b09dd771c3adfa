//! What the document adds up to, as it is served now: who may do what, and which variables it
//! asks for. Values of variables are never shown.

use std::collections::HashMap;

use document::{
    Compiled, System,
    delivery::Variable,
    security::{Action, Allowed, Rows, Who, exposure},
};
use engine::Settings;
use maud::{Markup, html};

/// Acts that have a column of their own.
const ACTIONS: [(Action, &str); 4] = [
    (Action::Read, "read"),
    (Action::Create, "create"),
    (Action::Update, "change"),
    (Action::Delete, "delete"),
];

/// Who may do what with each table, with the sentence behind each word.
pub(crate) fn access(compiled: &Compiled, system: &System) -> Markup {
    let mut by_table: HashMap<String, Vec<(Action, Vec<Allowed>)>> = HashMap::new();
    for row in exposure(system) {
        by_table.entry(row.table).or_default().push((row.action, row.allowed));
    }
    if by_table.is_empty() {
        return html! {};
    }
    html! {
        section.drawn id="access" {
            h2 { "Who can do what" }
            p.note { "As all sentences of the document add up. The admin can do everything; the sentence behind a word shows where it is pointed at." }
            div.table { table.access {
                thead { tr {
                    th { "table" }
                    @for (_, name) in &ACTIONS { th { (name) } }
                    th { "actions" }
                } }
                tbody { @for table in &system.data.tables {
                    @if let Some(acts) = by_table.get(&table.name) { tr {
                        td { code { (table.name) } }
                        @for (action, _) in &ACTIONS {
                            td {
                                @if let Some((_, allowed)) = acts.iter().find(|(known, _)| known == action) {
                                    (who_may(compiled, allowed))
                                }
                            }
                        }
                        td { @for (action, allowed) in acts {
                            @if let Action::Transition { name } = action {
                                div { code { (name) } " " (who_may(compiled, allowed)) }
                            }
                        } }
                    } }
                } }
            } }
        }
    }
}

fn who_may(compiled: &Compiled, allowed: &[Allowed]) -> Markup {
    let mut shown: Vec<(String, &Allowed)> = Vec::new();
    for one in allowed {
        let words = words(one);
        if shown.iter().all(|(known, _)| *known != words) {
            shown.push((words, one));
        }
    }
    html! {
        @if shown.is_empty() { span.nobody { "admin" } }
        @for (index, (words, one)) in shown.iter().enumerate() {
            @if index > 0 { ", " }
            span class=(if one.who == Who::Public { "anybody" } else { "some" })
                title=(format!("{}: {}", compiled.sources.location(one.span), one.text)) { (words) }
        }
    }
}

fn words(allowed: &Allowed) -> String {
    let who = match &allowed.who {
        Who::Public => "anybody",
        Who::Authenticated => "signed in",
        Who::Role { name } => name,
        Who::Owner => return "owner".to_owned(),
        Who::Admin => "admin",
    };
    match allowed.rows {
        Rows::All => who.to_owned(),
        Rows::Own => format!("{who} (own rows)"),
        Rows::Some => format!("{who} (some rows)"),
    }
}

/// Variables that the document asks for, and whether they are set.
pub(crate) fn variables(compiled: &Compiled, settings: &Settings) -> Markup {
    let variables = &compiled.system.delivery.variables;
    if variables.is_empty() {
        return html! {};
    }
    html! {
        section.drawn id="variables" {
            h2 { "Variables" }
            div.table { table {
                thead { tr { th { "name" } th { "what for" } th { "required" } th { "now" } } }
                tbody { @for variable in variables {
                    tr {
                        td { code { (variable.name) } }
                        td { (variable.purpose.as_deref().unwrap_or("")) }
                        td { (if variable.required { "yes" } else { "no" }) }
                        td { (state(variable, settings)) }
                    }
                } }
            } }
        }
    }
}

fn state(variable: &Variable, settings: &Settings) -> Markup {
    let is_set = settings.variables.get(&variable.name).is_some_and(|value| !value.is_empty());
    let (words, style) = match (is_set, variable.default.is_some(), variable.required) {
        (true, ..) => ("set", "chip seen"),
        (false, true, _) => ("not set: the default counts", "chip unknown"),
        (false, false, true) => ("missing", "chip missed"),
        (false, false, false) => ("not set", "chip unknown"),
    };
    html! { span class=(style) { (words) } }
}
