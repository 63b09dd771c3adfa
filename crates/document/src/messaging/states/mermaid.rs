//! Reads `stateDiagram` and `stateDiagram-v2`: arrows, labels, aliases and choices. Notes, styles
//! and what stands inside composite states are left out.

use super::drawing::{Drawing, Edge, Form, Name};
use crate::{
    outline::{Fence, NodeId},
    security::lines,
};

/// Arrows of one diagram that are looked at.
const ARROWS_MAX: usize = 1_000;

/// True for a fence that draws states.
pub(super) fn is_state_diagram(fence: &Fence) -> bool {
    (fence.language == "mermaid" || fence.language.is_empty())
        && fence
            .text
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty() && !line.starts_with("%%") && *line != "---")
            .is_some_and(|line| line.starts_with("stateDiagram"))
}

/// Reads a state diagram.
pub(super) fn read(fence: &Fence, node: NodeId) -> Drawing {
    let mut drawing = Drawing::new(Form::Diagram, node, fence.body);
    let mut aliases: Vec<(String, String)> = Vec::new();
    let mut choices: Vec<String> = Vec::new();
    let mut arrows: Vec<Edge> = Vec::new();
    let (mut in_note, mut depth) = (false, 0_usize);
    for (start, line) in lines(&fence.text) {
        let trimmed = line.trim();
        if in_note {
            in_note = !trimmed.eq_ignore_ascii_case("end note");
            continue;
        }
        if trimmed.starts_with("note ") {
            in_note = !trimmed.contains(':');
            continue;
        }
        if trimmed == "}" {
            depth = depth.saturating_sub(1);
            continue;
        }
        let declared = trimmed.strip_prefix("state ");
        if let Some(declaration) = declared.filter(|_| aliases.len() + choices.len() < ARROWS_MAX) {
            declare(declaration, &mut aliases, &mut choices);
        }
        if trimmed.ends_with('{') {
            depth += 1;
            continue;
        }
        if depth == 0 && declared.is_none() && arrows.len() < ARROWS_MAX {
            arrows.extend(arrow(fence, start, line));
        }
    }
    for edge in &mut arrows {
        for name in [&mut edge.from, &mut edge.to] {
            if let Some((_, shown)) = aliases.iter().find(|(id, _)| *id == name.text) {
                name.text.clone_from(shown);
            }
        }
    }
    for edge in through_choices(arrows, &choices) {
        match (edge.from.text.as_str(), edge.to.text.as_str()) {
            ("[*]", "[*]") => {}
            ("[*]", _) => {
                drawing.note(&edge.to);
                drawing.initial.get_or_insert(edge.to);
            }
            (_, "[*]") => drawing.note(&edge.from),
            _ => drawing.connect(edge),
        }
    }
    drawing
}

/// `state "Ready for pickup" as ready` and `state fork <<choice>>`.
fn declare(declaration: &str, aliases: &mut Vec<(String, String)>, choices: &mut Vec<String>) {
    if let Some((shown, id)) = declaration.split_once(" as ") {
        let shown = shown.trim().trim_matches('"').to_owned();
        aliases.push((id.trim().trim_end_matches('{').trim().to_owned(), shown));
    } else if let Some((id, _)) = declaration.split_once("<<") {
        choices.push(id.trim().to_owned());
    }
}

/// `A --> B : label`.
fn arrow(fence: &Fence, start: usize, line: &str) -> Option<Edge> {
    let at = line.find("-->")?;
    let (left, right) = (&line[..at], &line[at + 3..]);
    let (target, label) = match split_label(right) {
        Some((target, label)) => (target, Some(label.trim().to_owned())),
        None => (right, None),
    };
    let name = |raw: &str, offset: usize| {
        let bare = raw.split(":::").next().unwrap_or(raw);
        let text = bare.trim();
        let from = start + offset + bare.find(text).unwrap_or(0);
        let is_name = !text.is_empty()
            && (text == "[*]" || text.chars().all(|c| c.is_alphanumeric() || "_-. ".contains(c)));
        is_name
            .then(|| Name { text: text.to_owned(), span: fence.span_of(from..from + text.len()) })
    };
    let from = name(left, 0)?;
    let to = name(target, at + 3)?;
    let end = start + line.trim_end().len();
    let begin = start + (line.len() - line.trim_start().len());
    Some(Edge {
        from,
        to,
        label: label.filter(|label| !label.is_empty()),
        who: Vec::new(),
        span: fence.span_of(begin..end),
        is_forbidden: false,
    })
}

/// Splits at the colon before a label; `:::` belongs to the name.
fn split_label(text: &str) -> Option<(&str, &str)> {
    let at = text
        .char_indices()
        .filter(|&(_, c)| c == ':')
        .map(|(at, _)| at)
        .find(|&at| !text[at..].starts_with(":::") && !text[..at].ends_with(':'))?;
    Some((&text[..at], &text[at + 1..]))
}

/// `A --> choice` and `choice --> B : words` are `A --> B : words`.
fn through_choices(arrows: Vec<Edge>, choices: &[String]) -> Vec<Edge> {
    if choices.is_empty() {
        return arrows;
    }
    let is_choice = |name: &Name| choices.contains(&name.text);
    let mut joined = Vec::new();
    for edge in &arrows {
        if is_choice(&edge.from) {
            continue;
        }
        if !is_choice(&edge.to) {
            joined.push(edge.clone());
            continue;
        }
        for next in arrows.iter().filter(|next| next.from.text == edge.to.text).take(16) {
            let mut both = edge.clone();
            both.to = next.to.clone();
            both.label = next.label.clone().or(both.label);
            joined.push(both);
        }
    }
    joined.retain(|edge| !is_choice(&edge.to));
    joined
}
