//! What comments beside the DDL say: `renamed from NAME`, `dropped DATE: why`, a closed list of
//! values, and otherwise a description.

use super::{
    cursor::{Cursor, Group, Script},
    token::Token,
};
use crate::{
    Span,
    data::{
        ColumnType, Drop,
        draft::{Draft, DraftColumn, DraftTable, ValueList, ValueSource},
        name::snake,
        values::closed_values,
    },
};

/// Reads the comment beside a table: above `CREATE TABLE`, or on its line.
pub(crate) fn of_table(
    cursor: &Cursor<'_>,
    start: usize,
    table: &mut DraftTable,
    draft: &mut Draft,
) {
    let script = cursor.script;
    let Some(opened) = cursor.previous() else { return };
    let mut comments = above(script, start);
    comments.extend(on_line_after(script, opened.end));
    for comment in comments {
        let text = comment_text(script, comment);
        if let Some(old) = renamed_from(text) {
            table.renamed_from = Some(old);
        } else if let Some(dropped) = Dropped::read(text) {
            let (table_name, column) = dropped.target(None);
            let span = script.span(comment.start..comment.end);
            draft.drops.push(Drop {
                table: table_name.unwrap_or_else(|| table.name.name.clone()),
                column,
                date: dropped.date,
                reason: dropped.reason,
                span,
            });
        } else if table.comment.is_none() && !text.is_empty() && text.len() < COMMENT_BYTES_MAX {
            table.comment = Some(text.to_owned());
        }
    }
}

/// Comments longer than this describe something else.
const COMMENT_BYTES_MAX: usize = 300;

/// Reads the comment after a column.
pub(crate) fn of_column(
    item: &Cursor<'_>,
    table: &str,
    column: &mut DraftColumn,
    draft: &mut Draft,
) {
    let Some(last) = item.rest().last() else { return };
    let script = item.script;
    let Some(comment) = on_line_after(script, last.end) else { return };
    let text = comment_text(script, comment);
    let span = script.span(comment.start..comment.end);
    let column_name = column.column.name.clone();
    if let Some(old) = renamed_from(text) {
        column.column.renamed_from = Some(old);
        return;
    }
    if let Some(dropped) = Dropped::read(text) {
        draft.drops.push(Drop {
            table: table.to_owned(),
            column: Some(dropped.name.map_or(column_name, |name| snake(&name))),
            date: dropped.date,
            reason: dropped.reason,
            span,
        });
        return;
    }
    if column.column.comment.is_none() && !text.is_empty() {
        column.column.comment = Some(text.to_owned());
    }
    let is_text = matches!(column.column.kind, ColumnType::Text { .. });
    if is_text && column.values.is_none() && column.unknown_type.is_none() {
        column.values = closed_values(text).map(|values| ValueList {
            values,
            source: ValueSource::Comment,
            span,
        });
    }
}

/// Reads drop sentences on lines of their own inside a table: they name a column that is gone.
pub(crate) fn dropped_columns(group: &Group<'_>, table: &str, draft: &mut Draft) {
    let (Some(first), Some(last)) = (group.tokens.first(), group.tokens.last()) else { return };
    let script = group.cursor().script;
    let from = script.comments.partition_point(|comment| comment.start < first.start);
    // A comment before the first column stands after the parenthesis.
    let from = from.saturating_sub(above(script, first.start).len());
    let to = script.comments.partition_point(|comment| comment.start < last.end);
    let after = script
        .comments
        .get(to)
        .filter(|comment| !script.slice(last.end..comment.start).contains(')'));
    for &comment in script.comments.get(from..to).unwrap_or_default().iter().chain(after) {
        if !comment.first_on_line {
            continue;
        }
        let Some(dropped) = Dropped::read(comment_text(script, comment)) else { continue };
        let span = script.span(comment.start..comment.end);
        if dropped.name.is_none() {
            continue;
        }
        let (other, column) = dropped.target(Some(table));
        draft.drops.push(Drop {
            table: other.unwrap_or_else(|| table.to_owned()),
            column,
            date: dropped.date,
            reason: dropped.reason,
            span,
        });
    }
}

/// Reads drop sentences that stand outside of every statement and name what is gone.
pub(crate) fn dropped_elsewhere(script: Script<'_>, statements: &[&[Token]], draft: &mut Draft) {
    let mut ranges = statements
        .iter()
        .filter_map(|statement| Some((statement.first()?.start, statement.last()?.end)));
    let mut range = ranges.next();
    for &comment in script.comments {
        while range.is_some_and(|(_, end)| end <= comment.start) {
            range = ranges.next();
        }
        let is_inside = range.is_some_and(|(start, _)| start <= comment.start);
        let text = comment_text(script, comment);
        let Some(dropped) = Dropped::read(text).filter(|_| !is_inside) else { continue };
        if dropped.name.is_none() {
            continue;
        }
        let (table, column) = dropped.target(None);
        let span: Span = script.span(comment.start..comment.end);
        if let Some(table) = table.filter(|_| draft.drops.iter().all(|drop| drop.span != span)) {
            draft.drops.push(Drop {
                table,
                column,
                date: dropped.date,
                reason: dropped.reason,
                span,
            });
        }
    }
}

/// The comment lines directly above a place, in order.
fn above(script: Script<'_>, start: usize) -> Vec<Token> {
    let mut found = Vec::new();
    let mut at = script.comments.partition_point(|comment| comment.start < start);
    let mut edge = start;
    while let Some(&comment) = at.checked_sub(1).and_then(|before| script.comments.get(before)) {
        let between = script.slice(comment.end..edge);
        let is_next = between.trim().is_empty() && between.matches('\n').count() <= 1;
        if !is_next || !comment.first_on_line {
            break;
        }
        found.push(comment);
        edge = comment.start;
        at -= 1;
    }
    found.reverse();
    found
}

/// The comment that follows on the same line, past a comma, semicolon or parenthesis.
fn on_line_after(script: Script<'_>, end: usize) -> Option<Token> {
    let at = script.comments.partition_point(|comment| comment.start < end);
    let comment = *script.comments.get(at)?;
    let between = script.slice(end..comment.start);
    between.chars().all(|c| matches!(c, ' ' | '\t' | ',' | ';' | '(')).then_some(comment)
}

/// A comment's words without its marks.
fn comment_text<'a>(script: Script<'a>, comment: Token) -> &'a str {
    script
        .slice(comment.start..comment.end)
        .trim_start_matches(['-', '/', '*', '#', '—'])
        .trim_end_matches(['*', '/', '-'])
        .trim()
}

/// `renamed from title` gives `title`.
fn renamed_from(text: &str) -> Option<String> {
    let rest = strip_words(text, "renamed from")?;
    let name = rest.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':')).next()?;
    let name = name.trim_matches(['`', '"', '\'', '.']);
    (!name.is_empty()).then(|| snake(name))
}

/// What follows these words, without case.
fn strip_words<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let head = text.get(..words.len())?;
    head.eq_ignore_ascii_case(words).then(|| text[words.len()..].trim_start())
}

/// `dropped [column|table] [NAME] DATE: why`, or `NAME dropped DATE: why`.
struct Dropped {
    name: Option<String>,
    is_table: bool,
    date: String,
    reason: String,
}

impl Dropped {
    fn read(text: &str) -> Option<Self> {
        let (head, reason) = text.split_once(':')?;
        let mut words: Vec<&str> = head.split_whitespace().collect();
        let date = words.pop()?;
        let is_date = date.len() == 10
            && date.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let at = words.iter().position(|word| word.eq_ignore_ascii_case("dropped"))?;
        if !is_date || words.len() > 4 || at > 1 {
            return None;
        }
        words.remove(at);
        let is_table = words.iter().any(|word| word.eq_ignore_ascii_case("table"));
        words.retain(|word| {
            !["table", "column", "on"].iter().any(|filler| word.eq_ignore_ascii_case(filler))
        });
        let name = words.first().map(|name| name.trim_matches(['`', '"']).to_owned());
        Some(Self { name, is_table, date: date.to_owned(), reason: reason.trim().to_owned() })
    }

    /// The table, where named, and the column.
    fn target(&self, around: Option<&str>) -> (Option<String>, Option<String>) {
        let Some(name) = &self.name else { return (None, None) };
        match name.rsplit_once('.') {
            Some((table, column)) => (Some(snake(table)), Some(snake(column))),
            None if around.is_some() && !self.is_table => (None, Some(snake(name))),
            None => (Some(snake(name)), None),
        }
    }
}
