//! Index sentences in lists: `Composite index on (author_id, created_at)`, `Index on users.email`.

use crate::{
    Span,
    data::name::snake,
    outline::{Inline, Mark},
};

/// An index that a sentence asks for.
pub(crate) struct IndexSentence {
    /// The table, where the sentence names one.
    pub(crate) table: Option<String>,
    /// The script of its section, whose only table it is about otherwise.
    pub(crate) script: Option<Span>,
    /// Its columns with their places.
    pub(crate) columns: Vec<(String, Span)>,
    /// True where the columns are surely meant as such: in parentheses or in code.
    pub(crate) is_certain: bool,
    /// The sentence.
    pub(crate) span: Span,
}

/// Reads an item; none where it is no such sentence.
pub(crate) fn read(inline: &Inline, script: Option<Span>) -> Option<IndexSentence> {
    let line = inline.text.lines().next()?;
    let lower = line.to_lowercase();
    let at = lower.find("index on ")?;
    // What is found in lower case stands at the same place only where lengths agree.
    if lower.len() != line.len() || at > HEAD_BYTES_MAX {
        return None;
    }
    let from = at + "index on ".len();
    let rest = line.get(from..)?;
    let (head, list) = match rest.find('(') {
        Some(open) if rest.get(..open)?.split_whitespace().count() <= 1 => {
            let close = rest.find(')')?;
            (rest.get(..open)?.trim(), Some((open + 1, close)))
        }
        _ => (rest.split([' ', ',', ':', ';']).next()?.trim_end_matches('.'), None),
    };
    let mut table = None;
    let mut columns = Vec::new();
    let mut is_certain = true;
    match list {
        Some((start, end)) => {
            table = Some(head).filter(|head| is_name(head)).map(snake);
            let mut offset = from + start;
            for piece in line.get(from + start..from + end)?.split(',') {
                let name = piece.split_whitespace().next()?;
                if !is_name(name) {
                    return None;
                }
                let at = offset + piece.find(name)?;
                columns.push((snake(name), inline.span_of(at..at + name.len())));
                offset += piece.len() + 1;
            }
        }
        None => {
            let (own, column) = match head.rsplit_once('.') {
                Some((own, column)) => (Some(own), column),
                None => (None, head),
            };
            if !is_name(column) {
                return None;
            }
            table = own.filter(|own| is_name(own)).map(snake).or(table);
            let at = from + rest.find(column)?;
            let span = inline.span_of(at..at + column.len());
            is_certain = inline.marked(Mark::Code).any(|(_, code)| code.contains(span));
            columns.push((snake(column), span));
        }
    }
    Some(IndexSentence { table, script, columns, is_certain, span: inline.span })
}

/// The words before `index on` are few, or the sentence is about something else.
const HEAD_BYTES_MAX: usize = 24;

fn is_name(text: &str) -> bool {
    text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}
