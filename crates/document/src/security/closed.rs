//! Tells which tables only the admin reaches, and where a signed-in user sees all rows of a table
//! whose rows have owners.

use std::collections::HashSet;

use crate::{
    Diagnostic, Level, Span,
    data::Data,
    security::{Action, Identity, Security, Who, codes, owners::Ownership},
};

/// Adds the summarising warnings.
pub(super) fn report(
    data: &Data,
    security: &Security,
    ownership: &Ownership,
    diagnostics: &mut Vec<Diagnostic>,
) {
    report_closed(data, security, diagnostics);
    report_open_reads(security, ownership, diagnostics);
}

fn report_closed(data: &Data, security: &Security, diagnostics: &mut Vec<Diagnostic>) {
    let granted: HashSet<&str> = security.grants.iter().map(|grant| grant.table.as_str()).collect();
    let closed: Vec<(&str, Span)> = data
        .tables
        .iter()
        .filter(|table| !granted.contains(table.name.as_str()))
        .map(|table| (table.name.as_str(), table.span))
        .collect();
    let Some(&(first, span)) = closed.first() else { return };
    let shown = closed.iter().take(8).map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>();
    let more = closed.len() - shown.len();
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message = format!(
        "only the admin reaches {}{rest}: no sentence allows anybody else",
        shown.join(", ")
    );
    // Users see and change their own row through what is built in: `/auth/me`.
    let is_identity = match &security.identity {
        Identity::Table { table, .. } => closed.len() == 1 && table == first,
        Identity::BuiltIn => false,
    };
    let mut diagnostic = Diagnostic::new(&codes::S002, span, message).label("no sentence opens it");
    for (_, span) in closed.iter().skip(1).take(7) {
        diagnostic = diagnostic.also(*span, "also closed");
    }
    if is_identity {
        diagnostic = diagnostic.at(Level::Info);
    }
    diagnostics.push(diagnostic.help(format!(
        "to open a table, write who may do what under a heading `Authorization Levels`, \
         such as `- **Authenticated**: read {first}`, or in an `Auth` column beside its endpoints"
    )));
}

/// One info per table for the first sentence that shows all rows to any signed-in user.
fn report_open_reads(
    security: &Security,
    ownership: &Ownership,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut told: HashSet<&str> = HashSet::new();
    for grant in &security.grants {
        let is_open = grant.who == Who::Authenticated
            && grant.condition.is_none()
            && grant.actions.contains(&Action::Read);
        if !is_open || told.contains(grant.table.as_str()) {
            continue;
        }
        let Some(owner) = ownership.of(&grant.table) else { continue };
        told.insert(&grant.table);
        let message =
            format!("any signed-in user sees all rows of `{}`, not only their own", grant.table);
        diagnostics.push(
            Diagnostic::new(&codes::S003, grant.span, message)
                .label("allows all rows")
                .also(owner.span, "says whose rows they are")
                .help("to show users only their own rows, write `Owner` here"),
        );
    }
}
