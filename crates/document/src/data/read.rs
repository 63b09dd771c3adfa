//! Reads the data chapter: gathers declarations from all forms, resolves their names, and records
//! what was understood.

use std::collections::HashSet;

use super::{
    claim, codes, cross_check,
    draft::{Draft, Procedure},
    forms, native,
    resolve::resolve,
    sql::{self, Outcome},
};
use crate::{
    Diagnostic, Span, compile::Reading, outline::NodeKind, statement::Class, system::System,
};

/// Adds what the document says to the system, and classes each statement it understands.
pub(crate) fn read(reading: &mut Reading<'_>, system: &mut System) {
    let mut draft = Draft::default();
    let outline = reading.outline;
    for node in &outline.nodes {
        let NodeKind::Fence(fence) = &node.kind else { continue };
        if !sql::is_sql(fence) {
            continue;
        }
        let statements = sql::read_fence(fence, &mut draft, &mut reading.diagnostics);
        for statement in statements {
            class(reading, statement.span, &statement.outcome);
        }
    }
    report_procedural(&mut reading.diagnostics, &draft);
    let mut forms = forms::gather(reading);
    let drawn = forms::declare(&mut forms, &mut draft);
    forms::report_drawn(&drawn, outline, &mut reading.diagnostics);
    let mut resolved = resolve(draft, &mut reading.diagnostics);
    cross_check::check(&forms, &mut resolved, &mut reading.diagnostics);
    native::report(&resolved.data, &mut reading.diagnostics);
    claim::bind(&mut reading.ledger, &resolved);
    claim::bind_forms(&mut reading.ledger, &resolved, &forms);
    system.data = resolved.data;
}

fn class(reading: &mut Reading<'_>, span: Span, outcome: &Outcome) {
    let (class, meaning) = match outcome {
        Outcome::Declaration => return,
        Outcome::Sample(what) | Outcome::Ignored(what) => (Class::Prose, *what),
        Outcome::Procedural => (Class::NotUnderstood, "procedural code, left out"),
        Outcome::Unknown => (Class::NotUnderstood, "no statement that is known"),
    };
    reading.ledger.class(span, "line", class, meaning);
}

/// One diagnostic for all code of a document. A trigger that keeps `updated_at` moving, and its
/// function, say what is done anyway.
fn report_procedural(diagnostics: &mut Vec<Diagnostic>, draft: &Draft) {
    const LABELS_MAX: usize = 6;
    let touching: HashSet<&str> = draft
        .procedural
        .iter()
        .filter(|code| code.only_touches)
        .filter_map(|code| code.name.as_deref())
        .collect();
    let is_understood = |code: &Procedure| {
        let calls = code.calls.as_deref();
        code.only_touches
            || calls.is_some_and(|name| {
                touching.contains(name) || name == "moddatetime" || name.contains("updated_at")
            })
    };
    let left: Vec<&Procedure> =
        draft.procedural.iter().filter(|code| !is_understood(code)).collect();
    let Some((first, others)) = left.split_first() else { return };
    let message = match others.len() {
        0 => format!("{} is procedural code and is left out", first.what),
        more => format!("{} and {more} more pieces of procedural code are left out", first.what),
    };
    let mut diagnostic = Diagnostic::new(&codes::D016, first.span, message).label("not run");
    for other in others.iter().take(LABELS_MAX) {
        diagnostic = diagnostic.also(other.span, format!("nor is {}", other.what));
    }
    diagnostics.push(diagnostic);
}
