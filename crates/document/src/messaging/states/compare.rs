//! Compares drawings with the column they are tied to and with each other: states that one knows
//! and the other does not, moves that disagree, states that nothing reaches.

use std::collections::HashSet;

use super::{
    drawing::{Drawing, Edge, Form, Name},
    tie::StateColumn,
};
use crate::{
    Diagnostic,
    compile::Reading,
    diagnostic::similar,
    messaging::{StateMachine, codes},
    security::name_key,
};

/// States that one diagnostic names; the rest is counted.
const NAMED_MAX: usize = 8;

/// Diagrams and tables of one column that are compared with each other.
const WHOLE_MAX: usize = 8;

/// Adds what does not fit.
pub(super) fn report(reading: &mut Reading<'_>, column: &StateColumn<'_>, drawings: &[Drawing]) {
    report_unknown(reading, column, drawings);
    report_undrawn(reading, column, drawings);
    report_start(reading, column, drawings);
    report_moves(reading, drawings);
}

/// States that are drawn but that the column does not take.
fn report_unknown(reading: &mut Reading<'_>, column: &StateColumn<'_>, drawings: &[Drawing]) {
    let Some((values, span)) = &column.values else { return };
    let mut told: HashSet<String> = HashSet::new();
    let named = drawings.iter().filter(|drawing| drawing.form != Form::Arrows);
    let unknown: Vec<&Name> = named
        .flat_map(|drawing| &drawing.states)
        .filter(|name| column.stored(&name.key()).is_none() && told.insert(name.key()))
        .collect();
    let Some((first, others)) = unknown.split_first() else { return };
    let (table, field) = (&column.table.name, &column.column.name);
    let shown = |names: &[&Name]| {
        let names: Vec<String> =
            names.iter().take(NAMED_MAX).map(|name| format!("`{}`", name.text)).collect();
        names.join(", ")
    };
    let close = similar(&first.text, values.iter().map(String::as_str));
    let help = match (close.first(), others.is_empty()) {
        (Some(close), true) => format!("a value with a similar name exists: `{close}`"),
        (None, true) => format!("to allow it, add `{}` to the values of `{field}`", first.text),
        (_, false) => format!("to allow them, add them to the values of `{field}`"),
    };
    let message = match unknown.len() {
        1 => format!("`{table}.{field}` does not take the state `{}`", first.text),
        count if count > NAMED_MAX => format!(
            "`{table}.{field}` does not take {count} states, among them {}",
            shown(&unknown)
        ),
        _ => format!("`{table}.{field}` does not take the states {}", shown(&unknown)),
    };
    let mut diagnostic = Diagnostic::new(&codes::M002, first.span, message).label("a state here");
    for name in others.iter().take(NAMED_MAX) {
        diagnostic = diagnostic.also(name.span, "another state here");
    }
    reading.diagnostics.push(diagnostic.also(*span, "all values of the column").help(help));
}

/// Values of the column that no drawing shows. Lines of arrows show only paths, so they are not
/// expected to be complete.
fn report_undrawn(reading: &mut Reading<'_>, column: &StateColumn<'_>, drawings: &[Drawing]) {
    let Some((values, span)) = &column.values else { return };
    let Some(whole) = drawings.iter().find(|drawing| drawing.form != Form::Arrows) else { return };
    let missing: Vec<&String> = values
        .iter()
        .filter(|value| {
            let key = name_key(value);
            !drawings.iter().any(|drawing| drawing.states.iter().any(|name| name.key() == key))
        })
        .collect();
    if missing.is_empty() {
        return;
    }
    let shown = missing.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
    let (table, field) = (&column.table.name, &column.column.name);
    let message = format!("`{table}.{field}` takes {shown}, which no arrow reaches or leaves");
    reading.diagnostics.push(
        Diagnostic::new(&codes::M003, *span, message)
            .label("all values of the column")
            .also(whole.span, "all moves")
            .help("to say how rows get there, draw an arrow to it"),
    );
}

/// The drawing's start against the column's default.
fn report_start(reading: &mut Reading<'_>, column: &StateColumn<'_>, drawings: &[Drawing]) {
    let Some(initial) = drawings.iter().find_map(|drawing| drawing.initial.as_ref()) else {
        return;
    };
    let Some(default) = column.default() else { return };
    if name_key(default) == initial.key() {
        return;
    }
    let (table, field) = (&column.table.name, &column.column.name);
    let message = format!(
        "rows of `{table}` start as `{}` here and as `{default}` by the default of `{field}`",
        initial.text
    );
    reading.diagnostics.push(
        Diagnostic::new(&codes::M005, initial.span, message)
            .label("the start that is drawn")
            .also(column.column.span, "the default of this column")
            .help(format!("to start rows as drawn, write `DEFAULT '{}'`", initial.text)),
    );
}

/// Moves that a diagram and a table do not both have, and moves that a sentence forbids.
fn report_moves(reading: &mut Reading<'_>, drawings: &[Drawing]) {
    let whole: Vec<&Drawing> =
        drawings.iter().filter(|drawing| drawing.form != Form::Arrows).take(WHOLE_MAX).collect();
    for (index, left) in whole.iter().enumerate() {
        for right in whole.iter().skip(index + 1) {
            let differing = missing_moves(left, right);
            let (only, other) = if differing.is_empty() {
                (missing_moves(right, left), left)
            } else {
                (differing, right)
            };
            if let Some(first) = only.first() {
                reading.diagnostics.push(disagreement(&only, first, other));
            }
        }
    }
    let forbidden: Vec<&Edge> = drawings
        .iter()
        .flat_map(|drawing| &drawing.edges)
        .filter(|edge| edge.is_forbidden)
        .take(50)
        .collect();
    for edge in forbidden {
        let drawn = whole
            .iter()
            .flat_map(|drawing| &drawing.edges)
            .find(|other| !other.is_forbidden && is_same(edge, other));
        if let Some(drawn) = drawn {
            let message = format!(
                "the move from `{}` to `{}` is both drawn and forbidden",
                edge.from.text, edge.to.text
            );
            reading.diagnostics.push(
                Diagnostic::new(&codes::M006, edge.span, message)
                    .label("forbidden here, which wins")
                    .also(drawn.span, "drawn here")
                    .help("to allow the move, take out the line that forbids it"),
            );
        }
    }
}

fn disagreement(only: &[&Edge], first: &Edge, other: &Drawing) -> Diagnostic {
    let shown = only
        .iter()
        .take(4)
        .map(|edge| format!("`{}` to `{}`", edge.from.text, edge.to.text))
        .collect::<Vec<_>>()
        .join(", from ");
    let moves = if only.len() == 1 { "move" } else { "moves" };
    let message = format!("two places disagree about the {moves} from {shown}");
    let mut diagnostic = Diagnostic::new(&codes::M006, first.span, message)
        .label("only here")
        .also(other.span, "not here");
    for edge in only.iter().skip(1).take(3) {
        diagnostic = diagnostic.also(edge.span, "only here, too");
    }
    diagnostic.help("a move that either place has is allowed; make both the same")
}

/// Moves of `left` that `right` does not have.
fn missing_moves<'a>(left: &'a Drawing, right: &Drawing) -> Vec<&'a Edge> {
    left.edges
        .iter()
        .filter(|edge| !edge.is_forbidden && !right.edges.iter().any(|other| is_same(edge, other)))
        .collect()
}

fn is_same(left: &Edge, right: &Edge) -> bool {
    left.from.key() == right.from.key() && left.to.key() == right.to.key()
}

/// True for a drawing whose moves are all enforced.
pub(super) fn is_enforced(drawing: &Drawing, chosen: &HashSet<(String, String)>) -> bool {
    drawing
        .edges
        .iter()
        .all(|edge| edge.is_forbidden || chosen.contains(&(edge.from.key(), edge.to.key())))
}

/// States that no path from the start reaches.
pub(super) fn report_unreachable(
    reading: &mut Reading<'_>,
    column: &StateColumn<'_>,
    machine: &StateMachine,
) {
    let Some(initial) = &machine.initial else { return };
    if machine.transitions.is_empty() {
        return;
    }
    let mut reached: Vec<&str> = vec![initial];
    let mut at = 0;
    while let Some(&state) = reached.get(at) {
        for transition in machine.transitions.iter().filter(|found| found.from == state) {
            if !reached.contains(&transition.to.as_str()) {
                reached.push(&transition.to);
            }
        }
        at += 1;
    }
    let is_drawn = |state: &str| {
        machine.transitions.iter().any(|found| found.from == state || found.to == state)
    };
    let lost: Vec<&String> = machine
        .states
        .iter()
        .filter(|state| is_drawn(state) && !reached.contains(&state.as_str()))
        .collect();
    let Some(first) = lost.first() else { return };
    let shown = lost.iter().map(|state| format!("`{state}`")).collect::<Vec<_>>().join(", ");
    let span = machine
        .transitions
        .iter()
        .find(|found| found.from == **first || found.to == **first)
        .map_or(machine.span, |found| found.span);
    let (table, field) = (&column.table.name, &column.column.name);
    reading.diagnostics.push(
        Diagnostic::new(
            &codes::M004,
            span,
            format!("no row of `{table}` gets from `{initial}` to {shown}"),
        )
        .label(format!("`{field}` is never `{first}`"))
        .help(format!("to let rows get there, draw an arrow that leads to `{first}`")),
    );
}
