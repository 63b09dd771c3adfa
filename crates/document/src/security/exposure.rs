//! Who may do what: one row per table and action, with the sentence that allows it. `serve` prints
//! it at every start, `check --exposure` on demand, and the page shows it.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    Span,
    expression::{Expression, Literal},
    security::{Action, Grant, Who},
    system::System,
};

/// One act on one table, with everybody who may do it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Exposure {
    /// The table.
    pub table: String,
    /// The act.
    pub action: Action,
    /// Who may do it besides the admin; nobody where empty.
    pub allowed: Vec<Allowed>,
}

/// Somebody who may do an act.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Allowed {
    /// Who.
    pub who: Who,
    /// On which rows.
    pub rows: Rows,
    /// The sentence that allows it, as written.
    pub text: String,
    /// Where it is written.
    pub span: Span,
}

/// On which rows an act is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    /// On all.
    All,
    /// On those that belong to whoever asks.
    Own,
    /// On those for which the sentence's condition holds.
    Some,
}

/// Who may do what with each table, in the order of the document. What is done by transitions is
/// listed after reading, creating, updating and deleting.
pub fn exposure(system: &System) -> Vec<Exposure> {
    let mut rows = Vec::new();
    let mut by_table: HashMap<&str, Vec<&Grant>> = HashMap::new();
    for grant in &system.security.grants {
        by_table.entry(grant.table.as_str()).or_default().push(grant);
    }
    let all = [Action::Read, Action::Create, Action::Update, Action::Delete];
    let tables = system.data.tables.iter().map(|table| (table.name.as_str(), &all[..]));
    // A view is only read.
    let views = system.data.views.iter().map(|view| (view.name.as_str(), &all[..1]));
    for (table, acts) in tables.chain(views) {
        let mut actions = acts.to_vec();
        let mine = || by_table.get(table).into_iter().flatten().copied();
        for action in mine().flat_map(|grant| &grant.actions) {
            if acts.len() > 1 && !actions.contains(action) {
                actions.push(action.clone());
            }
        }
        for action in actions {
            let allowed: Vec<Allowed> = mine()
                .filter(|grant| grant.actions.contains(&action) && grant.who != Who::Admin)
                .filter(|grant| !never_holds(grant))
                .map(|grant| Allowed {
                    who: grant.who.clone(),
                    rows: rows_of(system, grant, &action),
                    text: grant.text.clone(),
                    span: grant.span,
                })
                .collect();
            rows.push(Exposure { table: table.to_owned(), action, allowed });
        }
    }
    rows
}

fn never_holds(grant: &Grant) -> bool {
    grant.condition == Some(Expression::Literal { literal: Literal::Boolean(false) })
}

fn rows_of(system: &System, grant: &Grant, action: &Action) -> Rows {
    let owner = system.security.owners.iter().find(|owner| owner.table == grant.table);
    let condition =
        if *action == Action::Create { grant.check.as_ref() } else { grant.condition.as_ref() };
    match condition {
        _ if grant.who == Who::Owner => Rows::Own,
        None => Rows::All,
        Some(Expression::Literal { literal: Literal::Boolean(true) }) => Rows::All,
        Some(condition) => {
            let is_own = owner.is_some_and(|owner| {
                *condition == owner.condition
                    || owner.path.first().is_some_and(|first| {
                        *condition == Expression::column(first).equals(Expression::principal_id())
                    })
            });
            if is_own { Rows::Own } else { Rows::Some }
        }
    }
}
