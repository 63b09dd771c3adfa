//! Cursors: the place after a row, as the values of its sort keys. A cursor names no columns: they
//! come from the request's own `sort`, so a forged one reads nothing that a filter could not.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value as Json;
use store::{Expression, Operator, Value};

use super::{Field, Resource, truth};

/// Bytes of a cursor at most.
const CURSOR_BYTES_MAX: usize = 4_096;

/// The cursor after a row: its sort keys as JSON, with the order that they belong to.
pub(crate) fn write(resource: &Resource, order: &[(usize, bool)], keys: &[&str]) -> String {
    let mut text = format!("[\"{}\"", order_of(resource, order));
    for key in keys {
        text.push(',');
        text.push_str(key);
    }
    text.push(']');
    URL_SAFE_NO_PAD.encode(text)
}

/// What holds for rows after the cursor's place; none where it does not belong to this order.
pub(crate) fn read(
    resource: &Resource,
    order: &[(usize, bool)],
    cursor: &str,
) -> Option<Expression> {
    if cursor.len() > CURSOR_BYTES_MAX || resource.key.is_empty() {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let parts: Vec<Json> = serde_json::from_slice(&bytes).ok()?;
    let (first, keys) = parts.split_first()?;
    if first.as_str()? != order_of(resource, order) || keys.len() != order.len() {
        return None;
    }
    let mut sides = Vec::with_capacity(order.len());
    for ((position, descending), json) in order.iter().zip(keys) {
        let field = resource.field(*position)?;
        sides.push((field, *descending, field.kind.parse_json(json).ok()?));
    }
    let mut after = Expression::Always(false);
    for (field, descending, value) in sides.iter().rev() {
        after = truth::or(beyond(field, *descending, value), truth::and(tied(field, value), after));
    }
    // The same once more for the first key alone: an index on it is then entered where the page
    // begins, which no store finds out from the alternatives.
    match sides.first() {
        Some((field, descending, value)) if sides.len() > 1 => {
            Some(truth::and(from(field, *descending, value), after))
        }
        _ => Some(after),
    }
}

/// The order in words: table and keys.
fn order_of(resource: &Resource, order: &[(usize, bool)]) -> String {
    let mut words = resource.name.to_string();
    for (position, descending) in order {
        let name = resource.field(*position).map_or("", |field| &*field.name);
        words.push(if *descending { '-' } else { '+' });
        words.push_str(name);
    }
    words.replace(['"', '\\'], "")
}

/// Sorts after `value`: NULLs come last when ascending, first when descending.
fn beyond(field: &Field, descending: bool, value: &Value) -> Expression {
    let column = || Expression::column(&*field.name);
    match (value, descending) {
        (Value::Null, false) => Expression::Always(false),
        (Value::Null, true) => truth::is_null(column(), true),
        (value, true) => column().binary(Operator::Less, value.clone().into()),
        (value, false) => {
            let greater = column().binary(Operator::Greater, value.clone().into());
            match field.nullable {
                true => truth::or(greater, truth::is_null(column(), false)),
                false => greater,
            }
        }
    }
}

/// Sorts with `value` or after it.
fn from(field: &Field, descending: bool, value: &Value) -> Expression {
    let column = || Expression::column(&*field.name);
    match (value, descending) {
        (Value::Null, false) => truth::is_null(column(), false),
        (Value::Null, true) => Expression::Always(true),
        (value, true) => column().binary(Operator::LessOrEqual, value.clone().into()),
        (value, false) => {
            let not_less = column().binary(Operator::GreaterOrEqual, value.clone().into());
            match field.nullable {
                true => truth::or(not_less, truth::is_null(column(), false)),
                false => not_less,
            }
        }
    }
}

fn tied(field: &Field, value: &Value) -> Expression {
    let column = Expression::column(&*field.name);
    match value {
        Value::Null => truth::is_null(column, false),
        value => column.equals(value.clone()),
    }
}
