//! Reads tables with a row per move: `From | To | Trigger | Who`, and
//! `Current State | Allowed Next States`.

use super::drawing::{Drawing, Edge, Form, Name};
use crate::{
    outline::{Inline, Mark, NodeId, NodeKind, Outline},
    security::name_key,
};

/// Which column holds what.
struct Columns {
    from: usize,
    to: usize,
    label: Option<usize>,
    who: Option<usize>,
}

fn columns(header: &[Inline]) -> Option<Columns> {
    let keys: Vec<String> = header.iter().map(|cell| name_key(&cell.text)).collect();
    let place =
        |names: &[&str]| names.iter().find_map(|name| keys.iter().position(|key| key == name));
    let from = place(&[
        "from",
        "fromstate",
        "currentstate",
        "fromstatus",
        "currentstatus",
        "sourcestate",
        "source",
        "oldstate",
        "oldstatus",
        "state",
        "status",
        "current",
        "desde",
        "estadoactual",
    ])?;
    let to = place(&[
        "to",
        "tostate",
        "nextstate",
        "nextstates",
        "allowednextstates",
        "allowednextstate",
        "tostatus",
        "nextstatus",
        "nextstatuses",
        "targetstate",
        "target",
        "newstate",
        "newstatus",
        "allowedtransitions",
        "validtransitions",
        "transitions",
        "transitionsto",
        "cantransitionto",
        "allowednext",
        "next",
        "validnextstates",
        "possiblenextstates",
        "hasta",
        "allowednextstatuses",
    ])?;
    Some(Columns {
        from,
        to,
        label: place(&["action", "trigger", "event", "transition", "via", "operation", "method"]),
        who: place(&[
            "who",
            "actor",
            "role",
            "roles",
            "by",
            "performedby",
            "allowedroles",
            "actors",
            "whocan",
            "allowedby",
            "changedby",
            "permission",
        ]),
    })
}

/// True where the header itself speaks of states.
pub(super) fn names_states(header: &[Inline]) -> bool {
    header.iter().any(|cell| {
        let key = name_key(&cell.text);
        key.contains("state") || key.contains("status") || key.contains("transition")
    })
}

/// Reads a table of moves; none for any other table.
pub(super) fn read(outline: &Outline, id: NodeId, header: &[Inline]) -> Option<Drawing> {
    let columns = columns(header)?;
    if columns.from == columns.to {
        return None;
    }
    let span = outline.nodes.get(id)?.span;
    let mut drawing = Drawing::new(Form::Table, id, span);
    for (_, row) in outline.children(id) {
        let NodeKind::Row { cells } = &row.kind else { continue };
        let (Some(from), Some(to)) = (cells.get(columns.from), cells.get(columns.to)) else {
            continue;
        };
        let label = columns.label.and_then(|column| cells.get(column)).map(Inline::trimmed);
        let label = label.filter(|label| !label.is_empty() && *label != "-" && *label != "—");
        let who = columns.who.and_then(|column| cells.get(column)).map(|cell| people(&cell.text));
        let targets = names(to);
        let sources = names(from);
        if is_start(&from.text) {
            for target in &targets {
                drawing.note(target);
                drawing.initial.get_or_insert(target.clone());
            }
            continue;
        }
        for source in &sources {
            drawing.note(source);
            for target in &targets {
                drawing.connect(Edge {
                    from: source.clone(),
                    to: target.clone(),
                    label: label.map(str::to_owned),
                    who: who.clone().unwrap_or_default(),
                    span: row.span,
                    is_forbidden: false,
                });
            }
        }
    }
    (!drawing.edges.is_empty()).then_some(drawing)
}

/// Names separated by commas or slashes.
fn people(text: &str) -> Vec<String> {
    text.split([',', '/', '|', '&'])
        .flat_map(|piece| piece.split(" or "))
        .map(|piece| piece.trim().trim_matches('`').to_owned())
        .filter(|piece| !piece.is_empty() && piece != "-" && piece != "—")
        .collect()
}

/// `(new)`, `—`, `[*]`: the row does not exist yet.
fn is_start(text: &str) -> bool {
    let bare = text.trim().trim_matches(['(', ')', '*', '_', '[', ']', '`']).trim().to_lowercase();
    matches!(
        bare.as_str(),
        "" | "new"
            | "none"
            | "-"
            | "–"
            | "—"
            | "start"
            | "initial"
            | "∅"
            | "null"
            | "create"
            | "created"
            | "n/a"
    ) && !text.contains('`')
}

/// The states of a cell: its code spans, else its words between commas, slashes and bars.
pub(super) fn names(cell: &Inline) -> Vec<Name> {
    let coded: Vec<Name> = cell
        .parts
        .iter()
        .filter(|part| part.mark == Mark::Code)
        .map(|part| Name { text: cell.text[part.range.clone()].trim().to_owned(), span: part.span })
        .collect();
    if !coded.is_empty() {
        return coded;
    }
    let mut found = Vec::new();
    let mut start = 0;
    let separators = cell.text.match_indices([',', '/', '|', '\n', ';']);
    let ends = separators.map(|(at, mark)| (at, at + mark.len())).collect::<Vec<_>>();
    for (end, next) in ends.into_iter().chain([(cell.text.len(), cell.text.len())]) {
        let raw = cell.text.get(start..end).unwrap_or("");
        // `*(terminal)*` and `none` are no states.
        let text = raw.split('(').next().unwrap_or("").trim().trim_matches(['*', '_', '"']);
        let is_none = matches!(
            text.to_lowercase().as_str(),
            "" | "none"
                | "-"
                | "–"
                | "—"
                | "n/a"
                | "terminal"
                | "final"
                | "end"
                | "terminal state"
                | "final state"
                | "no transitions"
                | "[*]"
        );
        if !is_none {
            let at = start + raw.find(text).unwrap_or(0);
            found.push(Name { text: text.to_owned(), span: cell.span_of(at..at + text.len()) });
        }
        start = next;
    }
    found
}
