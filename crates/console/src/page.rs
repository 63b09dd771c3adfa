//! The living page: the bar with what is served, banners for what the reader must know first, the
//! document with its marks, and drawings of what it adds up to.

use document::{Class, Compiled, Level, security::Identity};
use engine::{
    Running, Settings,
    observability::substitutions,
    service::{RefusedSave, hash_of},
    shared::SharedSeen,
};
use maud::{DOCTYPE, Markup, html};

use crate::{
    body::{Body, back_ticked},
    diagram::{self, Diagram, Edge, Shape},
    served,
};

/// What the page is made from.
pub(crate) struct View<'a> {
    /// The version that is served.
    pub(crate) running: &'a Running,
    /// The operator's settings.
    pub(crate) settings: &'a Settings,
    /// The last save that was refused, until a good one follows.
    pub(crate) refused: Option<&'a RefusedSave>,
    /// What is known of Redis and of other processes.
    pub(crate) shared: SharedSeen,
}

/// The page of a running document.
pub(crate) fn page(view: &View<'_>) -> Markup {
    let compiled = view.running.compiled.as_ref();
    let body = Body::new(compiled);
    shell(
        title(compiled),
        true,
        html! {
            (bar(view.running))
            @if let Some(refused) = view.refused { (banner(refused)) }
            @for substitution in substitutions(compiled, view.settings) {
                p class="banner substitution" { (substitution.named) " is named; " (substitution.runs) " runs." }
            }
            (together(&view.shared))
            div.frame {
                nav.contents { (body.contents()) (further(compiled)) }
                main {
                    (legend())
                    (body.draw())
                    (served::access(compiled, &view.running.system))
                    (served::variables(compiled, view.settings))
                    (drawn(compiled))
                }
            }
        },
    )
}

/// What a reader must know of the processes that serve together.
fn together(seen: &SharedSeen) -> Markup {
    html! {
        @if let Some(redis) = &seen.redis { @if let Some(why) = &redis.away {
            p class="banner substitution" {
                "Redis at " (redis.place) " is away: " (why) ". Each process counts by itself."
            }
        } }
        @if seen.processes.is_some() && !seen.is_hearing {
            p class="banner substitution" { "Other processes on the database are not heard." }
        }
        @if seen.elsewhere > 0 {
            p class="banner substitution" {
                (seen.elsewhere) " other processes on the database serve other tables than these."
            }
        }
    }
}

/// A page's frame. Scripts and styles come from the service itself; nothing is written inline.
pub(crate) fn shell(title: &str, live: bool, inner: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (title) }
                link rel="stylesheet" href="/_/page.css";
                @if live { script src="/_/page.js" defer {} }
            }
            body { (inner) }
        }
    }
}

fn title(compiled: &Compiled) -> &str {
    let title = compiled.system.api.title.as_str();
    if title.is_empty() { "Vitruvius" } else { title }
}

/// Ways to what follows the document.
fn further(compiled: &Compiled) -> Markup {
    html! {
        p.as-served { "As served" }
        @if !compiled.system.data.tables.is_empty() { a href="#access" { "Who can do what" } }
        @if !compiled.system.delivery.variables.is_empty() { a href="#variables" { "Variables" } }
        @if !compiled.system.data.tables.is_empty() { a href="#tables" { "Tables" } }
        @if compiled.system.messaging.machines.iter().any(|machine| !machine.transitions.is_empty()) {
            a href="#states" { "States" }
        }
    }
}

fn bar(running: &Running) -> Markup {
    let compiled = running.compiled.as_ref();
    let since = running.since.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let version: String = hash_of(compiled).chars().take(8).collect();
    let count = |class: Class| {
        compiled.ledger.statements.iter().filter(|statement| statement.class == class).count()
    };
    let errors = compiled.diagnostics.iter().filter(|found| found.level == Level::Error).count();
    html! {
        header.bar {
            span.name { (title(compiled)) }
            span.count { b { (count(Class::Bound)) } " claims bound" }
            @for (class, words) in [
                (Class::Placeholder, "to fill in"),
                (Class::NotUnderstood, "not understood"),
                (Class::Prose, "prose"),
            ] {
                @let number = count(class);
                @if number > 0 { span.count { b { (number) } " " (words) } }
            }
            @if errors > 0 { span.count { b { (errors) } @if errors == 1 { " error" } @else { " errors" } } }
            span.count title=(format!("version {version} of the document")) { "version " b { (version) } " since " time datetime=(running.since) { (since) } }
            a href="/docs" { "API" }
            span.pulse { "connecting" }
        }
    }
}

fn banner(refused: &RefusedSave) -> Markup {
    let errors: Vec<_> =
        refused.compiled.diagnostics.iter().filter(|found| found.level == Level::Error).collect();
    html! {
        div class="banner refused" role="status" {
            strong { "The last save is not served: " } (refused.reason) ". The version before it serves on."
            ul {
                @for found in errors.iter().take(5) {
                    li { code { (refused.compiled.sources.location(found.span)) } " " b { (found.code.code) } " " (back_ticked(&found.message)) }
                }
                @if errors.len() > 5 { li { "and " (errors.len() - 5) " more" } }
                @if let engine::StartError::Blocked(plan) = &refused.reason {
                    @for step in plan.steps.iter().filter(|step| step.class == store::plan::Class::Blocked) {
                        li { code { (step.summary) } @if let Some(needs) = &step.needs { " — " (needs) } }
                    }
                }
            }
        }
    }
}

fn legend() -> Markup {
    html! {
        div.legend {
            span.bound { "true here" }
            span.unenforced { "understood, not enforced yet" }
            span.placeholder { "to fill in" }
            span.unread { "not understood, or doubtful" }
            span.error { "in error" }
        }
    }
}

/// Drawings of what the document adds up to: its tables and its states.
fn drawn(compiled: &Compiled) -> Markup {
    let tables = entities(compiled);
    html! {
        @if !tables.boxes.is_empty() && !tables.is_too_large() {
            section.drawn id="tables" {
                h2 { "Tables" }
                figure { (diagram::draw(&tables, "tables as served")) }
            }
        }
        @for (index, machine) in compiled.system.messaging.machines.iter().filter(|machine| !machine.transitions.is_empty()).enumerate() {
            section.drawn id=[(index == 0).then_some("states")] {
                h2 { "States of " code { (machine.table) "." (machine.column) } }
                figure { (diagram::draw(&states(machine), &format!("states of {}", machine.table))) }
            }
        }
    }
}

fn entities(compiled: &Compiled) -> Diagram {
    /// Columns shown in one box.
    const COLUMNS_MAX: usize = 14;
    let system = &compiled.system;
    let mut diagram = Diagram::default();
    for table in &system.data.tables {
        let index = diagram.place(&table.name, None);
        let mut lines: Vec<String> = table
            .columns
            .iter()
            .take(COLUMNS_MAX)
            .map(|column| {
                let key = if table.primary_key.contains(&column.name) { " ⚷" } else { "" };
                format!("{}{key}", column.name)
            })
            .collect();
        if table.columns.len() > COLUMNS_MAX {
            lines.push(format!("… {} more", table.columns.len() - COLUMNS_MAX));
        }
        if let Some(drawn) = diagram.boxes.get_mut(index) {
            drawn.lines = lines;
            drawn.shape = Shape::Entity;
        }
    }
    for table in &system.data.tables {
        for key in table.foreign_keys.iter().filter(|key| system.data.table(&key.table).is_some()) {
            let from = diagram.place(&table.name, None);
            let to = diagram.place(&key.table, None);
            let label = key.columns.join(", ");
            diagram.edges.push(Edge { from: to, to: from, label, dashed: false, arrow: true });
        }
    }
    if let Identity::Table { table, .. } = &system.security.identity
        && let Some(users) = diagram.boxes.iter_mut().find(|drawn| &drawn.name == table)
    {
        users.title = format!("{table} (sign in)");
    }
    diagram
}

fn states(machine: &document::messaging::StateMachine) -> Diagram {
    let mut diagram = Diagram { sideways: true, ..Diagram::default() };
    if let Some(initial) = &machine.initial {
        let from = diagram.place("[*]", None);
        if let Some(dot) = diagram.boxes.get_mut(from) {
            dot.title.clear();
            dot.shape = Shape::Dot;
        }
        let to = diagram.place(initial, None);
        diagram.edges.push(Edge { from, to, label: String::new(), dashed: false, arrow: true });
    }
    for transition in &machine.transitions {
        let from = diagram.place(&transition.from, None);
        let to = diagram.place(&transition.to, None);
        let label = transition.action.clone().unwrap_or_default();
        diagram.edges.push(Edge { from, to, label, dashed: false, arrow: true });
    }
    for drawn in diagram.boxes.iter_mut().filter(|drawn| drawn.shape == Shape::Rectangle) {
        drawn.shape = Shape::Rounded;
    }
    diagram
}
