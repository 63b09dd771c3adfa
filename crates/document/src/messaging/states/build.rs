//! Makes one machine of all drawings that were tied to a column.

use std::collections::HashSet;

use super::{
    bind, compare,
    drawing::{Drawing, Edge, Form, Name},
    tie::StateColumn,
    verb,
};
use crate::{
    Span,
    compile::Reading,
    messaging::{StateMachine, Transition},
    security::name_key,
};

/// Moves of one machine.
const MOVES_MAX: usize = 2_000;

/// The machine of a column; none for a column whose states nobody lists.
pub(super) fn machine(
    reading: &mut Reading<'_>,
    column: &StateColumn<'_>,
    drawings: &[&Drawing],
) -> Option<StateMachine> {
    let drawings: Vec<Drawing> = drawings.iter().map(|&found| resolved(found)).collect();
    if drawings.is_empty() && column.values.is_none() {
        return None;
    }
    compare::report(reading, column, &drawings);
    let edges = chosen(&drawings);
    let spelled = |name: &Name| spelling(column, name);
    let mut states: Vec<String> =
        column.values.as_ref().map(|(values, _)| values.clone()).unwrap_or_default();
    if column.values.is_none() {
        for name in drawings.iter().flat_map(|drawing| &drawing.states) {
            let state = spelled(name);
            if states.len() < 1_000 && !states.contains(&state) {
                states.push(state);
            }
        }
    }
    let transitions = transitions(&edges, &spelled);
    let drawn = drawings.iter().find_map(|drawing| drawing.initial.as_ref()).map(&spelled);
    let initial =
        drawn.or_else(|| column.default().map(|text| known(&states, text))).or_else(|| {
            // The first state of a chain is where rows begin, unless something leads back to it.
            let first = transitions.first().map(|transition| transition.from.clone())?;
            (!transitions.iter().any(|transition| transition.to == first)).then_some(first)
        });
    let terminal = if transitions.is_empty() {
        Vec::new()
    } else {
        let leaves = |state: &&String| !transitions.iter().any(|found| found.from == **state);
        states.iter().filter(leaves).cloned().collect()
    };
    let machine = StateMachine {
        table: column.table.name.clone(),
        column: column.column.name.clone(),
        states,
        initial,
        terminal,
        transitions,
        span: drawings.first().map_or_else(
            || column.values.as_ref().map_or(column.column.span, |(_, span)| *span),
            |drawing| drawing.span,
        ),
    };
    let chosen = edges.iter().map(|edge| (edge.from.key(), edge.to.key())).collect();
    for drawing in &drawings {
        if compare::is_enforced(drawing, &chosen) {
            bind(reading, drawing, &machine);
        }
    }
    compare::report_unreachable(reading, column, &machine);
    Some(machine)
}

/// A line's pieces become moves: a chain, or `State → Action → State` where the text says so.
fn resolved(drawing: &Drawing) -> Drawing {
    let mut found = drawing.clone();
    if drawing.form != Form::Arrows || !drawing.edges.is_empty() {
        return found;
    }
    let edge = |from: &Name, to: &Name, label: Option<&Name>, span: Span| Edge {
        from: from.clone(),
        to: to.clone(),
        label: label.map(|name| name.text.clone()),
        who: Vec::new(),
        span,
        is_forbidden: false,
    };
    if drawing.is_triple && drawing.segments.len() == 3 {
        if let [sources, actions, targets] = drawing.segments.as_slice() {
            for from in sources {
                for to in targets {
                    found.connect(edge(from, to, actions.first(), drawing.span));
                }
            }
        }
        return found;
    }
    for pair in drawing.segments.windows(2) {
        let [sources, targets] = pair else { continue };
        for from in sources {
            for to in targets {
                found.connect(edge(from, to, None, drawing.span));
            }
        }
    }
    found
}

/// The moves that count: those of diagrams and tables where there are any (a line beside them is
/// only an example of a path), else those of the lines; without what is forbidden.
fn chosen(drawings: &[Drawing]) -> Vec<Edge> {
    let has_whole = drawings.iter().any(|drawing| drawing.form != Form::Arrows);
    let all = || drawings.iter().flat_map(|drawing| drawing.edges.iter());
    let forbidden: HashSet<(String, String)> = all()
        .filter(|edge| edge.is_forbidden)
        .map(|edge| (edge.from.key(), edge.to.key()))
        .collect();
    let is_forbidden = |edge: &Edge| forbidden.contains(&(edge.from.key(), edge.to.key()));
    drawings
        .iter()
        .filter(|drawing| !has_whole || drawing.form != Form::Arrows)
        .flat_map(|drawing| drawing.edges.iter())
        .filter(|edge| !edge.is_forbidden && !is_forbidden(edge))
        .take(MOVES_MAX)
        .cloned()
        .collect()
}

fn transitions(edges: &[Edge], spelled: &dyn Fn(&Name) -> String) -> Vec<Transition> {
    let mut found: Vec<Transition> = Vec::new();
    for edge in edges {
        let (from, to) = (spelled(&edge.from), spelled(&edge.to));
        let known = found.iter_mut().find(|known| known.from == from && known.to == to);
        if let Some(known) = known {
            if known.label.is_none() && edge.label.is_some() {
                known.label.clone_from(&edge.label);
                known.action = verb::action_of(edge.label.as_deref(), &to);
            }
            if known.roles.is_empty() {
                known.roles.clone_from(&edge.who);
            }
            continue;
        }
        found.push(Transition {
            action: verb::action_of(edge.label.as_deref(), &to),
            from,
            to,
            label: edge.label.clone(),
            roles: edge.who.clone(),
            span: edge.span,
        });
    }
    found
}

/// A state as the column stores it.
fn spelling(column: &StateColumn<'_>, name: &Name) -> String {
    if let Some(stored) = column.stored(&name.key()) {
        return stored.to_owned();
    }
    // Where the default shows that states are stored in lower case, so are all others.
    let is_lower = column.default().is_some_and(|text| {
        text.chars().any(char::is_alphabetic) && !text.chars().any(char::is_uppercase)
    });
    if is_lower { verb::words_of(&name.text).join("_") } else { name.text.clone() }
}

/// The known spelling of a text.
fn known(states: &[String], text: &str) -> String {
    let key = name_key(text);
    states.iter().find(|state| name_key(state) == key).cloned().unwrap_or_else(|| text.to_owned())
}
