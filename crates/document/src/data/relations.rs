//! Relations between entities: drawn in diagrams, as arrows in plain fences, or in lists.

use crate::{
    Span,
    outline::{Fence, Inline},
};

/// A relation.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    /// One side.
    pub(crate) from: End,
    /// The other side.
    pub(crate) to: End,
    /// True for a diagram's relation, whose names are surely entities.
    pub(crate) is_drawn: bool,
    /// All of it.
    pub(crate) span: Span,
}

/// A side of a relation.
#[derive(Debug, Clone)]
pub(crate) struct End {
    /// The entity's name as written.
    pub(crate) name: String,
    /// Where.
    pub(crate) span: Span,
    /// True where there may be several.
    pub(crate) many: bool,
}

/// Reads the lines of a plain fence: `User (1) ───▶ (*) Posts`.
pub(crate) fn read_fence(fence: &Fence) -> Vec<Relation> {
    let mut relations = Vec::new();
    let mut offset = 0;
    for line in fence.text.split_inclusive('\n') {
        let found = read_line(line, |start, end| fence.span_of(offset + start..offset + end));
        relations.extend(found);
        offset += line.len();
    }
    relations
}

/// Reads a list item: `Order → OrderItem: one order has many items`.
pub(crate) fn read_item(inline: &Inline) -> Option<Relation> {
    let line = inline.text.lines().next()?;
    read_line(line, |start, end| inline.span_of(start..end))
}

fn read_line(line: &str, span: impl Fn(usize, usize) -> Span) -> Option<Relation> {
    let (arrow_start, arrow_end) = arrow(line)?;
    // What follows a colon or a second arrow explains.
    let right = line.get(arrow_end..)?;
    let right = right.split(':').next().unwrap_or(right);
    if arrow(right).is_some() {
        return None;
    }
    let (from, from_many) = end(line.get(..arrow_start)?, true)?;
    let (to, to_many) = end(right, false)?;
    let from_at = line.find(from)?;
    let to_at = arrow_end + right.find(to)?;
    Some(Relation {
        from: End {
            name: from.to_owned(),
            span: span(from_at, from_at + from.len()),
            many: from_many,
        },
        to: End { name: to.to_owned(), span: span(to_at, to_at + to.len()), many: to_many },
        is_drawn: false,
        span: span(from_at, to_at + to.len()),
    })
}

/// Where the first arrow begins and ends.
fn arrow(line: &str) -> Option<(usize, usize)> {
    const SIGNS: &[char] =
        &['─', '━', '-', '=', '>', '<', '→', '←', '↔', '⟶', '⇒', '▶', '◀', '►', '◄', '➜', '➔'];
    let mut start = None;
    let mut has_head = false;
    for (at, c) in line.char_indices() {
        let is_sign = SIGNS.contains(&c);
        match start {
            None if is_sign => {
                start = Some(at);
                has_head = !matches!(c, '-' | '=' | '─' | '━');
            }
            Some(_) if is_sign => has_head |= !matches!(c, '-' | '=' | '─' | '━'),
            Some(begin) => {
                if has_head {
                    return Some((begin, at));
                }
                start = None;
            }
            None => {}
        }
    }
    None
}

/// The entity of one side, and whether it is marked as many: `(*) Posts`, `User (1)`.
fn end(text: &str, is_left: bool) -> Option<(&str, bool)> {
    let text = text.trim();
    let many = text.contains(['*', 'N', 'M', 'n']) && text.contains(['(', '[']);
    let name = if is_left {
        text.split(['(', '[']).next().unwrap_or(text)
    } else {
        let after = text.find([')', ']']).filter(|_| text.starts_with(['(', '[']));
        let text = after.map_or(text, |at| text.get(at + 1..).unwrap_or(""));
        text.split(['(', '[']).next().unwrap_or(text)
    };
    let name = name.trim().trim_matches(['`', '*', ' ']);
    let is_name = name.chars().next().is_some_and(char::is_alphabetic)
        && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_name.then_some((name, many))
}
