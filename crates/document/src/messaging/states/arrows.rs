//! Reads arrows in text and fences: `pending → approved | rejected`, and the project template's
//! `State → Action → State`.

use std::ops::Range;

use super::drawing::{Drawing, Form, Name};
use crate::{
    Span,
    outline::{Fence, Inline, NodeId},
    security::{lines, name_key},
};

const ARROWS: [&str; 8] = ["-->", "→", "->", "=>", "⟶", "➔", "➜", "⇒"];
/// Longer lines are drawings or prose.
const LINE_LENGTH_MAX: usize = 400;

/// One reading per line with arrows.
pub(super) fn of_inline(inline: &Inline, node: NodeId) -> Vec<Drawing> {
    if !has_arrow(&inline.text) {
        return Vec::new();
    }
    lines(&inline.text)
        .filter_map(|(start, line)| {
            let place =
                |range: Range<usize>| inline.span_of(start + range.start..start + range.end);
            one_line(line, node, &place)
        })
        .collect()
}

/// The lines of an unlabelled fence; a line that begins with an arrow goes on from the line above.
pub(super) fn of_fence(fence: &Fence, node: NodeId) -> Vec<Drawing> {
    if !has_arrow(&fence.text) || is_art(&fence.text) {
        return Vec::new();
    }
    let mut drawings: Vec<Drawing> = Vec::new();
    let mut first: Option<Vec<Name>> = None;
    let mut is_triple = false;
    for (start, line) in lines(&fence.text) {
        let place = |range: Range<usize>| fence.span_of(start + range.start..start + range.end);
        let Some(mut drawing) = one_line(line, node, &place) else {
            first = None;
            continue;
        };
        if is_heading_of_triples(&drawing) {
            is_triple = true;
            continue;
        }
        match drawing.segments.first().map(Vec::is_empty) {
            Some(true) => match (&first, drawing.segments.first_mut()) {
                (Some(names), Some(segment)) => segment.clone_from(names),
                _ => continue,
            },
            _ => first = drawing.segments.first().cloned(),
        }
        drawing.is_triple = is_triple;
        drawings.push(drawing);
    }
    drawings
}

fn has_arrow(text: &str) -> bool {
    ARROWS.iter().any(|arrow| text.contains(arrow))
}

/// Boxes and vertical arrows: read by people only.
fn is_art(text: &str) -> bool {
    text.chars().any(|c| "│┌┐└┘├┤┬┴┼▼▲↓↑║╔╗".contains(c))
        || text.lines().any(|line| line.trim() == "|" || line.trim() == "v")
}

/// `Initial State → Action → New State`.
fn is_heading_of_triples(drawing: &Drawing) -> bool {
    let word = |index: usize| {
        drawing
            .segments
            .get(index)
            .and_then(|names| names.first())
            .map(|name| name_key(&name.text))
            .unwrap_or_default()
    };
    drawing.segments.len() == 3
        && word(0).contains("state")
        && matches!(word(1).as_str(), "action" | "event" | "trigger" | "transition")
}

fn one_line(line: &str, node: NodeId, place: &dyn Fn(Range<usize>) -> Span) -> Option<Drawing> {
    if line.len() > LINE_LENGTH_MAX {
        return None;
    }
    let marks = arrows(line);
    let (first, last) = (marks.first()?, marks.last()?);
    // A label before the first arrow says what the line is about.
    let head = &line[..first.start];
    let begin = head.rfind(": ").map_or(0, |at| at + 1);
    let subject = head[..begin].trim().trim_end_matches(':').trim();
    // What follows a colon or a dash after the last arrow explains.
    let tail = &line[last.end..];
    let cut = [": ", " - ", " – ", " — ", " #", " //", ". "];
    let end =
        cut.iter().filter_map(|mark| tail.find(mark)).min().map_or(line.len(), |at| last.end + at);
    let lower = line.to_lowercase();
    let is_forbidden =
        ["❌", "✗", "🚫"].iter().any(|mark| line.contains(mark)) || lower.contains("not allowed");
    let mut drawing = Drawing::new(Form::Arrows, node, place(0..line.len()));
    let mut at = begin;
    for mark in marks.iter().chain([&(end..end)]) {
        let names = alternatives(line, at..mark.start.max(at), place)?;
        drawing.segments.push(names);
        at = mark.end;
    }
    let inner_empty = drawing.segments.iter().skip(1).any(Vec::is_empty);
    if inner_empty || drawing.segments.len() < 2 {
        return None;
    }
    drawing.subject = (!subject.is_empty()).then(|| subject.to_owned());
    drawing.span = place(line.len() - line.trim_start().len()..line.trim_end().len());
    if is_forbidden {
        drawing.subject = drawing.subject.or(Some(String::new()));
        drawing.initial = None;
        drawing.is_triple = false;
    }
    mark_forbidden(&mut drawing, is_forbidden);
    Some(drawing)
}

/// Keeps in the drawing that its arrows are denied: one edge stands for it until it is tied.
fn mark_forbidden(drawing: &mut Drawing, is_forbidden: bool) {
    if !is_forbidden {
        return;
    }
    let (Some(from), Some(to)) = (
        drawing.segments.first().and_then(|names| names.first()).cloned(),
        drawing.segments.get(1).and_then(|names| names.first()).cloned(),
    ) else {
        return;
    };
    let span = drawing.span;
    drawing.edges.push(super::drawing::Edge {
        from,
        to,
        label: None,
        who: Vec::new(),
        span,
        is_forbidden: true,
    });
}

/// Where the arrows of a line are.
fn arrows(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = line.get(at..) {
        let next = ARROWS
            .iter()
            .filter_map(|arrow| rest.find(arrow).map(|offset| (offset, arrow.len())))
            .min_by_key(|&(offset, length)| (offset, usize::MAX - length));
        let Some((offset, length)) = next else { break };
        found.push(at + offset..at + offset + length);
        at += offset + length;
    }
    found
}

/// Names between two arrows: `approved | rejected`. None where they cannot be states.
fn alternatives(
    line: &str,
    range: Range<usize>,
    place: &dyn Fn(Range<usize>) -> Span,
) -> Option<Vec<Name>> {
    let mut names = Vec::new();
    let mut start = range.start;
    let raw = line.get(range.clone())?;
    let cuts: Vec<usize> =
        raw.match_indices(['|', '/', ',']).map(|(at, _)| range.start + at).collect();
    for end in cuts.into_iter().chain([range.end]) {
        let piece = line.get(start..end)?;
        let bare = piece.split(['(', '[']).next().unwrap_or("");
        let text = bare
            .trim_matches(|c: char| c.is_whitespace() || "`*_\"'.;❌✗🚫✅✓".contains(c))
            .trim_start_matches("or ");
        if text.chars().count() > 40 || text.split_whitespace().count() > 4 {
            return None;
        }
        if text.chars().any(char::is_alphanumeric) {
            let at = start + piece.find(text).unwrap_or(0);
            names.push(Name { text: text.to_owned(), span: place(at..at + text.len()) });
        }
        start = (end + 1).min(range.end);
    }
    Some(names)
}
