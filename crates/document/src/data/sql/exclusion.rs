//! `EXCLUDE USING gist (room_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (…)`: rows
//! that may not be together.

use super::{
    cursor::{Cursor, Name, string_value, text_of},
    expression::sql_expression,
    token::TokenKind,
};
use crate::data::{Exclusion, Range, draft::DraftExclusion};

/// Functions that make a range of two values.
const MAKERS: &[&str] =
    &["tstzrange", "tsrange", "daterange", "int4range", "int8range", "numrange"];

/// Reads what follows `EXCLUDE`; none where it compares otherwise than by equality and overlap.
pub(super) fn read_exclusion(
    cursor: &mut Cursor<'_>,
    name: Option<String>,
) -> Option<DraftExclusion> {
    let span = cursor.span_of_all();
    let text = text_of(cursor.script, cursor.rest()).to_owned();
    if cursor.takes("USING") {
        cursor.name()?;
    }
    let mut columns = Vec::new();
    let mut exclusion = Exclusion {
        name,
        equal: Vec::new(),
        overlapping: Vec::new(),
        condition: None,
        text: format!("EXCLUDE {text}"),
        span,
    };
    for item in cursor.group()?.items() {
        read_part(item, &mut exclusion, &mut columns)?;
    }
    cursor.until(&["WHERE"]);
    if cursor.takes("WHERE") {
        let condition = sql_expression(cursor.script, cursor.rest());
        // Without its condition it would be about more rows than it says.
        condition.expression.as_ref()?;
        exclusion.condition = Some(condition);
    }
    (!columns.is_empty()).then_some(DraftExclusion { exclusion, columns })
}

fn read_part(
    mut item: Cursor<'_>,
    exclusion: &mut Exclusion,
    columns: &mut Vec<Name>,
) -> Option<()> {
    let name = item.name()?;
    let arguments = item.group();
    item.until(&["WITH"]);
    if !item.takes("WITH") {
        return None;
    }
    let operator = text_of(item.script, item.rest()).trim();
    match (operator, arguments) {
        ("=", None) => {
            exclusion.equal.push(name.name.clone());
            columns.push(name);
        }
        ("&&", None) => {
            exclusion.overlapping.push(Range::Column { column: name.name.clone() });
            columns.push(name);
        }
        ("&&", Some(group)) if MAKERS.contains(&name.name.as_str()) => {
            let mut items = group.items().into_iter();
            let mut column = || {
                let mut item = items.next()?;
                item.name().filter(|_| item.is_done())
            };
            let (from, to) = (column()?, column()?);
            let bounds = match items.next() {
                Some(mut item) => {
                    let text = item.next().filter(|text| text.kind == TokenKind::Text)?;
                    string_value(item.text(text))
                }
                None => "[)".to_owned(),
            };
            if !["[)", "[]", "(]", "()"].contains(&bounds.as_str()) {
                return None;
            }
            exclusion.overlapping.push(Range::Made {
                kind: name.name,
                from: from.name.clone(),
                to: to.name.clone(),
                bounds,
            });
            columns.extend([from, to]);
        }
        _ => return None,
    }
    Some(())
}
