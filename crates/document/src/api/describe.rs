//! What is written under an endpoint: examples of bodies, who may call it, query parameters, and
//! the query fence that it runs.

use std::collections::HashMap;

use super::{
    Example, Method,
    draft::{Draft, summary_of},
    labels::{Part, label},
    path,
};
use crate::{
    Span, json,
    outline::{Fence, Inline, Mark, NodeId, NodeKind, Outline},
    security::callers_of,
};

/// Adds to each endpoint what the blocks after it say.
pub(super) fn describe(outline: &Outline, drafts: &mut [Draft]) {
    let mut anchors: HashMap<NodeId, Vec<usize>> = HashMap::new();
    for (index, draft) in drafts.iter().enumerate().filter(|(_, draft)| draft.is_anchor) {
        anchors.entry(draft.node).or_default().push(index);
    }
    let mut nodes: Vec<NodeId> = anchors.keys().copied().collect();
    nodes.sort_unstable();
    for node in nodes {
        let Some(indexes) = anchors.get(&node) else { continue };
        let is_fence = matches!(outline.nodes[node].kind, NodeKind::Fence(_));
        if is_fence && indexes.len() > 1 {
            continue;
        }
        let (Some(&first), rest) = (indexes.first(), &indexes[1..]) else { continue };
        follow(outline, node, &anchors, &mut drafts[first]);
        let described = drafts[first].clone();
        for &other in rest {
            let other = &mut drafts[other];
            if other.callers.is_none() {
                other.callers.clone_from(&described.callers);
            }
        }
    }
}

/// Reads the nodes after an endpoint up to the next endpoint or the end of its section.
fn follow(
    outline: &Outline,
    anchor: NodeId,
    anchors: &HashMap<NodeId, Vec<usize>>,
    draft: &mut Draft,
) {
    let level_of = |id: NodeId| match outline.nodes[id].kind {
        NodeKind::Heading { level, .. } => level,
        _ => 0,
    };
    let level = match &outline.nodes[anchor].kind {
        NodeKind::Heading { level, .. } => *level,
        _ => outline.nodes[anchor].section.map_or(0, level_of),
    };
    let only_inside = matches!(outline.nodes[anchor].kind, NodeKind::Item { .. });
    let mut part: Option<Part> = None;
    // The rest of the endpoint's own paragraph may go on with labels.
    if let NodeKind::Paragraph(inline) = &outline.nodes[anchor].kind {
        lines(inline, draft, &mut part);
    }
    for (id, node) in outline.nodes.iter().enumerate().skip(anchor + 1) {
        if anchors.contains_key(&id) {
            break;
        }
        if only_inside && !is_inside(outline, id, anchor) {
            break;
        }
        match &node.kind {
            NodeKind::Heading { level: inner, .. } if *inner <= level => break,
            NodeKind::Heading { inline, .. } => {
                part = label(&inline.text).map(|(part, _)| part);
            }
            NodeKind::Paragraph(inline) => lines(inline, draft, &mut part),
            NodeKind::Item { inline, .. } => {
                let before = part;
                lines(inline, draft, &mut part);
                if part == before && part == Some(Part::Query) {
                    query_item(inline, draft);
                }
            }
            NodeKind::Row { cells } if part == Some(Part::Query) => {
                if let Some(cell) = cells.first() {
                    query_item(cell, draft);
                }
            }
            NodeKind::Fence(fence) => block(fence, draft, &mut part),
            _ => {}
        }
    }
}

fn is_inside(outline: &Outline, id: NodeId, item: NodeId) -> bool {
    let mut at = outline.nodes[id].parent;
    while let Some(parent) = at {
        if parent == item {
            return true;
        }
        at = outline.nodes[parent].parent;
    }
    false
}

/// Labels of a paragraph or item, line by line.
fn lines(inline: &Inline, draft: &mut Draft, part: &mut Option<Part>) {
    let mut offset = 0;
    for text in inline.text.split_inclusive('\n') {
        let at = offset;
        offset += text.len();
        let Some((found, after)) = label(text) else { continue };
        let value = &text[after..];
        let place = |range: std::ops::Range<usize>| {
            inline.span_of(at + after + range.start..at + after + range.end)
        };
        match found {
            Part::Callers => callers(value, place, draft),
            Part::Summary => {
                if draft.summary.is_none() {
                    draft.summary = summary_of(value);
                }
            }
            Part::Query => {
                query_names(value, draft);
                *part = Some(found);
            }
            Part::Other => *part = Some(found),
            Part::Request | Part::Response(_) | Part::Error(_) => {
                *part = Some(found);
                inline_example(value, found, place, draft);
            }
        }
    }
}

/// `none (guest). Rate limit: …`: the words up to the end of the sentence.
fn callers(value: &str, place: impl Fn(std::ops::Range<usize>) -> Span, draft: &mut Draft) {
    let start = value.len() - value.trim_start().len();
    let rest = &value[start..];
    let end = rest.find(". ").or_else(|| rest.find('\n')).unwrap_or(rest.len());
    let words = rest[..end].trim_end();
    if draft.callers.is_none() && !words.is_empty() {
        draft.callers = callers_of(words, place(start..start + words.len()), &[]);
    }
}

fn inline_example(
    value: &str,
    part: Part,
    place: impl Fn(std::ops::Range<usize>) -> Span,
    draft: &mut Draft,
) {
    let Some(open) = value.find(['{', '[']) else { return };
    // `[link]` and `{id}` are no bodies.
    if !value[open..].contains(['"', '\'']) {
        return;
    }
    let Ok(found) = json::read(&value[open..]) else { return };
    let range = open + found.range.start..open + found.range.end;
    keep(Example { status: None, body: found.value, span: place(range) }, Some(part), draft);
}

fn query_item(inline: &Inline, draft: &mut Draft) {
    let name = match inline.marked(Mark::Code).next() {
        Some((code, _)) => code,
        None => inline.text.split([' ', ':', '(', '=']).next().unwrap_or(""),
    };
    query_names(&format!("?{name}"), draft);
}

/// `?page=1&limit=20`, `page, limit`.
fn query_names(value: &str, draft: &mut Draft) {
    if !matches!(draft.method, Method::Get) {
        return;
    }
    let found = match value.find('?') {
        Some(at) => {
            let end = value[at..].find(['`', ' ', '\n']).map_or(value.len(), |end| at + end);
            path::read(&format!("/{}", &value[at..end])).map(|path| path.parameters)
        }
        None => Some(
            value
                .split(',')
                .map(|name| name.trim().trim_matches('`'))
                .filter(|name| {
                    !name.is_empty()
                        && name.len() < 40
                        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                        && name.starts_with(|c: char| c.is_ascii_lowercase())
                })
                .map(str::to_owned)
                .collect(),
        ),
    };
    for name in found.unwrap_or_default() {
        if !draft.parameters.contains(&name) {
            draft.parameters.push(name);
        }
    }
}

/// A code block after an endpoint: a body, an HTTP message, or the query it runs.
fn block(fence: &Fence, draft: &mut Draft, part: &mut Option<Part>) {
    if fence.language == "sql" || fence.language.starts_with("postgres") {
        query(fence, draft);
        return;
    }
    let may_hold_json = matches!(
        fence.language.as_str(),
        "" | "json" | "jsonc" | "json5" | "js" | "javascript" | "http" | "text"
    );
    if !may_hold_json || matches!(part, Some(Part::Other | Part::Query)) {
        return;
    }
    message(fence, 0..fence.text.len(), draft, part);
}

/// Bodies that cannot be read, after which a code block is left alone.
const FAILURES_MAX: usize = 20;

/// Reads headers, labels and bodies in a range of a code block. Begins as `part` says.
pub(super) fn message(
    fence: &Fence,
    range: std::ops::Range<usize>,
    draft: &mut Draft,
    part: &mut Option<Part>,
) {
    let mut at = range.start;
    let mut failures = 0;
    while at < range.end && failures < FAILURES_MAX {
        let rest = &fence.text[at..range.end];
        let line_end = rest.find('\n').map_or(rest.len(), |end| end + 1);
        let text = &rest[..line_end];
        let trimmed = text.trim_start();
        let indent = text.len() - trimmed.len();
        if trimmed.is_empty() && *part == Some(Part::Other) {
            *part = None;
        }
        let labelled = label(text);
        if let Some((Part::Callers, after)) = labelled {
            let value = &text[after..];
            callers(
                value,
                |inner| fence.span_of(at + after + inner.start..at + after + inner.end),
                draft,
            );
            at += line_end;
            continue;
        }
        if let Some((found, _)) = labelled {
            *part = match found {
                Part::Summary | Part::Callers => *part,
                found => Some(found),
            };
        }
        let open = match labelled {
            Some((_, after)) => text[after..].find(['{', '[']).map(|open| after + open),
            None => trimmed.starts_with(['{', '[']).then_some(indent),
        };
        let body = open.and_then(|open| {
            let found = json::read(&rest[open..]);
            failures += usize::from(found.is_err());
            Some((open, found.ok()?))
        });
        match body {
            Some((open, found)) => {
                let start = at + open + found.range.start;
                let end = at + open + found.range.end;
                let example =
                    Example { status: None, body: found.value, span: fence.span_of(start..end) };
                keep(example, *part, draft);
                at = end.max(at + 1);
            }
            None => at += line_end,
        }
    }
}

/// Keeps a body as request or response.
fn keep(example: Example, part: Option<Part>, draft: &mut Draft) {
    let sends = matches!(draft.method, Method::Post | Method::Put | Method::Patch);
    let is_request = match part {
        Some(Part::Other | Part::Query | Part::Callers | Part::Summary) => return,
        Some(Part::Request) => true,
        Some(_) => false,
        None => sends && draft.request.is_none() && draft.responses.is_empty(),
    };
    if is_request {
        if draft.request.is_none() {
            draft.request = Some(example);
        }
        return;
    }
    let status = match part {
        Some(Part::Response(status)) => status,
        Some(Part::Error(status)) => Some(status.unwrap_or(400)),
        _ => None,
    };
    draft.responses.push(Example { status, ..example });
}

/// The SELECT under an endpoint and its `:name` parameters.
fn query(fence: &Fence, draft: &mut Draft) {
    let text = fence.text.trim();
    let body: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"))
        .collect::<Vec<_>>()
        .join("\n");
    let upper = body.trim_start().get(..6).map(str::to_ascii_uppercase);
    let is_select = matches!(upper.as_deref(), Some("SELECT"))
        || body.trim_start().get(..5).is_some_and(|word| word.eq_ignore_ascii_case("WITH "));
    let statement = body.trim().trim_end_matches(';');
    if !is_select || statement.contains(';') || draft.query.is_some() {
        return;
    }
    let Some(parameters) = query_parameters(statement) else { return };
    let start = fence.text.find(text).unwrap_or(0);
    let span = fence.span_of(start..start + text.len());
    draft.query = Some((statement.to_owned(), parameters, span));
}

/// Names after colons; none where the statement has parameters of another style, which nothing
/// could fill.
fn query_parameters(statement: &str) -> Option<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    let mut quoted: Option<char> = None;
    let characters: Vec<char> = statement.chars().collect();
    for (index, &c) in characters.iter().enumerate() {
        match (quoted, c) {
            (Some(open), c) if c == open => quoted = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quoted = Some(c),
            (None, '?' | '$') => return None,
            (None, ':') => {
                let before = index.checked_sub(1).and_then(|at| characters.get(at));
                let name: String = characters[index + 1..]
                    .iter()
                    .take_while(|c| c.is_alphanumeric() || **c == '_')
                    .collect();
                let is_name = name.starts_with(|c: char| c.is_alphabetic());
                if before != Some(&':') && is_name && !names.contains(&name) {
                    names.push(name);
                }
            }
            _ => {}
        }
    }
    Some(names)
}
