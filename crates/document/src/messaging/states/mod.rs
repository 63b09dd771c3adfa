//! State machines: drawings, tables and arrow lines are read, tied to the column that holds the
//! state, and compared with the values which that column takes.

mod arrows;
mod build;
mod compare;
mod drawing;
mod mermaid;
mod tables;
mod tie;
mod verb;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use drawing::{Drawing, Form};

use super::{StateMachine, Transition};
use crate::{
    Chapter, ClaimKind, Diagnostic,
    compile::Reading,
    messaging::codes,
    outline::{NodeId, NodeKind, Outline},
    statement::{Claim, Class},
    system::System,
};

/// Drawings, tables and lines of one column that are looked at.
const DRAWINGS_MAX: usize = 200;

/// Reads all state machines.
pub(super) fn read(reading: &mut Reading<'_>, system: &mut System) {
    let drawings = drawings(reading);
    let columns = tie::Columns::new(&system.data);
    let mut tied: Vec<(usize, Drawing)> = Vec::new();
    for mut drawing in drawings {
        let context = tie::Context::of(&drawing, reading.outline);
        let mut found = columns.tie(&drawing, &context);
        // Where a line does not fit as a chain, its second piece may be an action.
        if matches!(found, tie::Tie::None) && drawing.segments.len() == 3 && !drawing.is_triple {
            drawing.is_triple = true;
            found = columns.tie(&drawing, &context);
        }
        match found {
            tie::Tie::To(column) => tied.push((column, drawing)),
            tie::Tie::Several(several) => untied(reading, &columns, &drawing, &context, &several),
            tie::Tie::None => untied(reading, &columns, &drawing, &context, &[]),
        }
    }
    let mut by_column: HashMap<usize, Vec<&Drawing>> = HashMap::new();
    for (column, drawing) in &tied {
        let mine = by_column.entry(*column).or_default();
        if mine.len() < DRAWINGS_MAX {
            mine.push(drawing);
        }
    }
    for (index, column) in columns.all.iter().enumerate() {
        let mine = by_column.remove(&index).unwrap_or_default();
        if mine.is_empty() && !column.is_state {
            continue;
        }
        if let Some(machine) = build::machine(reading, column, &mine) {
            system.messaging.machines.push(machine);
        }
    }
}

/// All that draws states, in the order of the document.
fn drawings(reading: &Reading<'_>) -> Vec<Drawing> {
    let outline = reading.outline;
    let mut found = Vec::new();
    for (id, node) in outline.nodes.iter().enumerate() {
        match &node.kind {
            NodeKind::Fence(fence) if mermaid::is_state_diagram(fence) => {
                found.push(mermaid::read(fence, id));
            }
            NodeKind::Fence(fence)
                if matches!(fence.language.as_str(), "" | "text" | "txt" | "plaintext") =>
            {
                found.extend(arrows::of_fence(fence, id));
            }
            NodeKind::Table { header } => {
                let table = tables::read(outline, id, header);
                // `From | To` alone could be anything: a migration, a mapping, a route.
                let is_about = tables::names_states(header) || is_about_states(outline, id);
                found.extend(table.filter(|_| is_about));
            }
            NodeKind::Paragraph(inline) | NodeKind::Item { inline, .. } => {
                found.extend(arrows::of_inline(inline, id));
            }
            _ => {}
        }
    }
    found
}

/// True under a heading that speaks of states.
fn is_about_states(outline: &Outline, node: NodeId) -> bool {
    outline.context(node).iter().take(2).any(|words| {
        ["state", "status", "lifecycle", "life cycle", "transition", "workflow"]
            .iter()
            .any(|telling| words.contains(telling))
    })
}

/// Tells of a drawing that no column holds; arrows in running text are just arrows.
fn untied(
    reading: &mut Reading<'_>,
    columns: &tie::Columns<'_>,
    drawing: &Drawing,
    context: &tie::Context,
    several: &[usize],
) {
    if drawing.form == Form::Arrows || context.is_elsewhere || drawing.states.is_empty() {
        return;
    }
    let shown =
        drawing.states.iter().take(4).map(|name| format!("`{}`", name.text)).collect::<Vec<_>>();
    let mut diagnostic = if several.is_empty() {
        let message = format!("no column of a table holds the states {}", shown.join(", "));
        Diagnostic::new(&codes::M001, drawing.span, message).label("drawn here, not enforced").help(
            "to enforce it, give a table a column `status` with these values, \
             as an enumerated type or `CHECK (status IN (…))`",
        )
    } else {
        let message = format!("several columns could hold the states {}", shown.join(", "));
        Diagnostic::new(&codes::M001, drawing.span, message)
            .label("not enforced")
            .help("to tie it to one, name the table in the heading above it")
    };
    for index in several.iter().take(3) {
        if let Some(column) = columns.all.get(*index) {
            let text = format!("`{}.{}` could", column.table.name, column.column.name);
            diagnostic = diagnostic.also(column.column.span, text);
        }
    }
    reading.diagnostics.push(diagnostic);
    let reason = "states that no column holds";
    reading.ledger.class(drawing.span, form_word(drawing.form), Class::NotUnderstood, reason);
}

/// The word of the ledger for a form.
fn form_word(form: Form) -> &'static str {
    match form {
        Form::Diagram => "fence",
        Form::Table => "table",
        Form::Arrows => "line",
    }
}

/// Records that a drawing is enforced.
fn bind(reading: &mut Reading<'_>, drawing: &Drawing, machine: &StateMachine) {
    let subject = format!("machine:{}.{}", machine.table, machine.column);
    let count = drawing.edges.iter().filter(|edge| !edge.is_forbidden).count();
    let meaning = format!("states of `{}.{}`, {count} moves", machine.table, machine.column);
    let claim = |kind, meaning: String| {
        Claim::new(kind, Chapter::Messaging, meaning).about(subject.clone())
    };
    if drawing.form != Form::Table {
        let kind =
            if drawing.form == Form::Diagram { ClaimKind::States } else { ClaimKind::Transition };
        reading.ledger.bind(drawing.span, form_word(drawing.form), claim(kind, meaning));
        return;
    }
    let mut rows: Vec<(crate::Span, Vec<String>)> = Vec::new();
    for edge in &drawing.edges {
        let shown = format!("`{}` → `{}`", edge.from.text, edge.to.text);
        match rows.last_mut() {
            Some((span, moves)) if *span == edge.span => moves.push(shown),
            _ => rows.push((edge.span, vec![shown])),
        }
    }
    for (span, moves) in rows {
        reading.ledger.bind(span, "row", claim(ClaimKind::Transition, moves.join(", ")));
    }
}

impl StateMachine {
    /// The first move that a word names: see [`StateMachine::transitions_for`].
    pub fn transition_for(&self, word: &str) -> Option<&Transition> {
        self.transitions_for(word).into_iter().next()
    }

    /// All moves that a word names, such as the last word of `POST /orders/{id}/cancel`: by their
    /// action, else by a word of their label, else by the verb of their target state.
    pub fn transitions_for(&self, word: &str) -> Vec<&Transition> {
        let wanted = verb::words_of(word);
        let by = |names: &dyn Fn(&Transition) -> bool| -> Vec<&Transition> {
            self.transitions.iter().filter(|transition| names(transition)).collect()
        };
        let is_wanted = |words: &[String]| {
            words.len() == wanted.len()
                && words.iter().zip(&wanted).all(|(left, right)| verb::are_one_verb(left, right))
        };
        let exact = by(&|transition| {
            transition.action.as_deref().is_some_and(|action| is_wanted(&verb::words_of(action)))
        });
        if !exact.is_empty() || wanted.is_empty() {
            return exact;
        }
        let labelled = by(&|transition| {
            let words = transition.label.as_deref().map(verb::words_of).unwrap_or_default();
            wanted.iter().all(|word| words.iter().any(|found| verb::are_one_verb(word, found)))
                && !words.is_empty()
        });
        if !labelled.is_empty() {
            return labelled;
        }
        by(&|transition| is_wanted(&verb::words_of(&transition.to)))
    }
}
