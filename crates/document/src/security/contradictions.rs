//! Finds sentences that disagree about who may do the same thing with the same table.

use std::collections::HashMap;

use crate::{
    Diagnostic, Span,
    security::{
        Action, Who,
        access::{Permission, Source},
        codes,
        vocabulary::Allowance,
    },
};

/// Reported for one document at most.
const REPORTS_MAX: usize = 50;

/// Compared with each other for one table at most.
const SENTENCES_MAX: usize = 200;

/// Adds one diagnostic for each pair of sentences that disagree.
pub(super) fn report(permissions: &[Permission], diagnostics: &mut Vec<Diagnostic>) {
    let mut told: Vec<(Span, Span)> = Vec::new();
    let mut by_table: HashMap<&str, Vec<&Permission>> = HashMap::new();
    for permission in permissions {
        let mine = by_table.entry(permission.table.as_str()).or_default();
        if mine.len() < SENTENCES_MAX {
            mine.push(permission);
        }
    }
    for said in permissions.iter().filter(|said| said.source == Source::Endpoint) {
        let Some(permissions) = by_table.get(said.table.as_str()) else { continue };
        for other in permissions {
            let pair = (said.span, other.span);
            if told.len() >= REPORTS_MAX || told.contains(&pair) {
                continue;
            }
            let shared = said.actions.iter().find(|action| other.actions.contains(action));
            let Some(action) = shared else { continue };
            if let Some(diagnostic) = disagreement(permissions, said, other, action) {
                told.push(pair);
                diagnostics.push(diagnostic);
            }
        }
    }
}

fn disagreement(
    permissions: &[&Permission],
    said: &Permission,
    other: &Permission,
    action: &Action,
) -> Option<Diagnostic> {
    let act = format!("{} `{}`", words(action), said.table);
    let refuses = other.source == Source::List
        && other.allowance == Allowance::No
        && (other.who == said.who || said.who == Who::Public)
        && matches!(other.who, Who::Role { .. } | Who::Public | Who::Authenticated);
    if refuses {
        let message = disagree(&other.who, &act);
        return Some(diagnostic(message, (said.span, "allows it"), (other.span, "refuses it")));
    }
    // An endpoint that names roles leaves out a role that a table names.
    let names_role = other.source == Source::List
        && other.allowance != Allowance::No
        && matches!(other.who, Who::Role { .. });
    if names_role {
        let callers: Vec<&Who> = permissions
            .iter()
            .filter(|known| {
                known.source == Source::Endpoint
                    && known.table == said.table
                    && known.actions.contains(action)
            })
            .map(|known| &known.who)
            .collect();
        let only_roles = callers.iter().all(|who| matches!(who, Who::Role { .. } | Who::Admin));
        if only_roles && !callers.contains(&&other.who) {
            let message = disagree(&other.who, &act);
            let labels = ((other.span, "allows it"), (said.span, "names others only"));
            return Some(diagnostic(message, labels.0, labels.1));
        }
    }
    let is_public = said.who == Who::Public && other.source == Source::Policy;
    let lets_public_in = permissions.iter().any(|known| {
        known.source == Source::Policy
            && known.table == said.table
            && known.actions.contains(action)
            && known.who == Who::Public
    });
    (is_public && !lets_public_in).then(|| {
        let message = format!("anybody may {act} by an endpoint, and no policy lets them");
        diagnostic(message, (said.span, "open to all"), (other.span, "not open to all"))
    })
}

fn disagree(who: &Who, act: &str) -> String {
    format!("two sentences disagree about whether {} may {act}", name(who))
}

fn diagnostic(message: String, first: (Span, &str), second: (Span, &str)) -> Diagnostic {
    Diagnostic::new(&codes::S006, first.0, message)
        .label(first.1)
        .also(second.0, second.1)
        .help("make both the same; until then what is refused stays refused")
}

fn words(action: &Action) -> String {
    match action {
        Action::Read => "read".to_owned(),
        Action::Create => "create rows of".to_owned(),
        Action::Update => "change".to_owned(),
        Action::Delete => "delete from".to_owned(),
        Action::Transition { name } => format!("do `{name}` with rows of"),
    }
}

fn name(who: &Who) -> String {
    match who {
        Who::Public => "anybody".to_owned(),
        Who::Authenticated => "any signed-in user".to_owned(),
        Who::Role { name } => format!("`{name}`"),
        Who::Owner => "the owner".to_owned(),
        Who::Admin => "the admin".to_owned(),
    }
}
