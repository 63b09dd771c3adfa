//! What PostgreSQL can and SQLite cannot, as functions and collations of a connection.

mod moments;
mod texts;

use rusqlite::{
    Connection, Result, ToSql,
    functions::{Context, FunctionFlags},
    types::{Null, ToSqlOutput, Value, ValueRef},
};

use crate::{Kind, change::lineage::read_as, decimal};

/// The same answer for the same arguments; harmless inside checks and indexes.
const PURE: FunctionFlags = FunctionFlags::SQLITE_UTF8
    .union(FunctionFlags::SQLITE_DETERMINISTIC)
    .union(FunctionFlags::SQLITE_INNOCUOUS);
/// Another answer each time.
const CHANGING: FunctionFlags = FunctionFlags::SQLITE_UTF8.union(FunctionFlags::SQLITE_INNOCUOUS);

/// Registers all functions and collations.
pub(super) fn register(connection: &Connection) -> Result<()> {
    connection.create_collation("decimal", decimal::compare)?;
    // SQLite's own knows the letters of ASCII only; for those both agree.
    connection.create_collation("NOCASE", texts::compare_ignoring_case)?;
    texts::register(connection)?;
    super::exclusion::register(connection, PURE)?;
    moments::register(connection)?;
    register_numbers(connection)?;
    register_json(connection)?;
    connection.create_scalar_function("rank_interval", 1, PURE, |context| {
        Ok(text_of(context, 0).and_then(|text| crate::rank::interval(&text)))
    })?;
    connection.create_scalar_function("rank_network", 1, PURE, |context| {
        Ok(text_of(context, 0).and_then(|text| crate::rank::network(&text)))
    })?;
    connection.create_scalar_function("rank_range", 2, PURE, |context| {
        let (Some(kind), Some(text)) = (text_of(context, 0), text_of(context, 1)) else {
            return Ok(None);
        };
        Ok(crate::range::rank(&kind, &text))
    })?;
    connection.create_scalar_function("convert_kind", 3, PURE, convert_kind)?;
    connection.create_scalar_function("random_uuid", 0, CHANGING, |_| {
        Ok(uuid::Uuid::new_v4().to_string())
    })?;
    connection.create_scalar_function("greatest", -1, PURE, |context| {
        extreme(context, std::cmp::Ordering::Greater)
    })?;
    connection.create_scalar_function("least", -1, PURE, |context| {
        extreme(context, std::cmp::Ordering::Less)
    })
}

/// The text of an argument; none for NULL. Numbers are text too, as in PostgreSQL's implicit casts.
pub(super) fn text_of(context: &Context<'_>, place: usize) -> Option<String> {
    match context.get_raw(place) {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
    }
}

/// The number of an argument; none for NULL and for text that is no number.
pub(super) fn number_of(context: &Context<'_>, place: usize) -> Option<f64> {
    match context.get_raw(place) {
        #[allow(clippy::cast_precision_loss, reason = "floating-point functions round anyway")]
        ValueRef::Integer(number) => Some(number as f64),
        ValueRef::Real(number) => Some(number),
        ValueRef::Text(bytes) => str::from_utf8(bytes).ok()?.parse().ok(),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

/// A stored value of one kind as it is stored in another; NULL where it is none.
fn convert_kind(context: &Context<'_>) -> Result<ToSqlOutput<'static>> {
    let kind = |place: i32| {
        context.get_or_create_aux(place, |json| -> Result<Kind> {
            serde_json::from_str(json.as_str()?)
                .map_err(|error| rusqlite::Error::UserFunctionError(Box::new(error)))
        })
    };
    let (from, to) = (kind(0)?, kind(1)?);
    let cell = context.get_raw(2);
    let mut shown = Vec::new();
    super::show::write_cell(&from, cell, &mut shown);
    let text = match serde_json::from_slice(&shown) {
        Ok(serde_json::Value::Null) | Err(_) => return Ok(ToSqlOutput::from(Null)),
        Ok(serde_json::Value::String(text)) => text,
        // Digits as they are shown, and JSON as it stands.
        Ok(_) => String::from_utf8_lossy(&shown).into_owned(),
    };
    let Some(value) = read_as(&text, &to) else {
        return Ok(ToSqlOutput::from(Null));
    };
    Ok(match super::bind::Bound(&value).to_sql()? {
        ToSqlOutput::Borrowed(cell) => ToSqlOutput::Owned(Value::try_from(cell)?),
        ToSqlOutput::Owned(cell) => ToSqlOutput::Owned(cell),
        _ => ToSqlOutput::from(Null),
    })
}

/// The greatest or least argument that is not NULL.
fn extreme(context: &Context<'_>, wanted: std::cmp::Ordering) -> Result<Option<Value>> {
    let mut best: Option<ValueRef<'_>> = None;
    for place in 0..context.len() {
        let value = context.get_raw(place);
        if matches!(value, ValueRef::Null) {
            continue;
        }
        if best.is_none_or(|best| compare(value, best) == wanted) {
            best = Some(value);
        }
    }
    Ok(best.map(Value::try_from).transpose()?)
}

fn compare(left: ValueRef<'_>, right: ValueRef<'_>) -> std::cmp::Ordering {
    let number = |value: ValueRef<'_>| match value {
        #[allow(clippy::cast_precision_loss, reason = "two integers are compared exactly before")]
        ValueRef::Integer(number) => Some(number as f64),
        ValueRef::Real(number) => Some(number),
        _ => None,
    };
    match (left, right) {
        (ValueRef::Integer(left), ValueRef::Integer(right)) => left.cmp(&right),
        (ValueRef::Text(left), ValueRef::Text(right)) => left.cmp(right),
        (left, right) => match (number(left), number(right)) {
            (Some(left), Some(right)) => left.total_cmp(&right),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => std::cmp::Ordering::Equal,
        },
    }
}

/// A function of one number.
type Function = fn(f64) -> f64;

fn register_numbers(connection: &Connection) -> Result<()> {
    let one: [(&str, Function); 8] = [
        ("floor", f64::floor),
        ("ceil", f64::ceil),
        ("ceiling", f64::ceil),
        ("trunc", f64::trunc),
        ("sqrt", f64::sqrt),
        ("exp", f64::exp),
        ("ln", f64::ln),
        ("cbrt", f64::cbrt),
    ];
    for (name, function) in one {
        connection.create_scalar_function(name, 1, PURE, move |context| {
            Ok(number_of(context, 0).map(function))
        })?;
    }
    connection.create_scalar_function("power", 2, PURE, |context| {
        Ok(number_of(context, 0).zip(number_of(context, 1)).map(|(base, by)| base.powf(by)))
    })?;
    connection.create_scalar_function("mod", 2, PURE, |context| {
        Ok(match (context.get_raw(0), context.get_raw(1)) {
            (ValueRef::Integer(left), ValueRef::Integer(right)) => {
                left.checked_rem(right).map(Value::Integer)
            }
            _ => number_of(context, 0)
                .zip(number_of(context, 1))
                .map(|(left, right)| Value::Real(left % right)),
        })
    })?;
    connection.create_scalar_function("cast_boolean", 1, PURE, |context| {
        Ok(match context.get_raw(0) {
            ValueRef::Integer(number) => Some(number != 0),
            ValueRef::Real(number) => Some(number != 0.0),
            ValueRef::Text(text) => match text.to_ascii_lowercase().as_slice() {
                b"true" | b"t" | b"yes" | b"on" | b"1" => Some(true),
                b"false" | b"f" | b"no" | b"off" | b"0" => Some(false),
                _ => None,
            },
            ValueRef::Null | ValueRef::Blob(_) => None,
        })
    })
}

fn register_json(connection: &Connection) -> Result<()> {
    connection.create_scalar_function("json_text", 1, PURE, |context| {
        let Some(text) = text_of(context, 0) else {
            return Ok(None);
        };
        Ok(match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(serde_json::Value::Null) => None,
            Ok(serde_json::Value::String(inner)) => Some(inner),
            _ => Some(text),
        })
    })?;
    connection.create_scalar_function("json_typeof", 1, PURE, |context| {
        let json = text_of(context, 0)
            .and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
        Ok(json.map(|json| match json {
            serde_json::Value::Null => "null",
            serde_json::Value::Bool(_) => "boolean",
            serde_json::Value::Number(_) => "number",
            serde_json::Value::String(_) => "string",
            serde_json::Value::Array(_) => "array",
            serde_json::Value::Object(_) => "object",
        }))
    })?;
    connection.create_scalar_function("json_contains", 2, PURE, |context| {
        let (Some(outer), Some(inner)) = (text_of(context, 0), text_of(context, 1)) else {
            return Ok(None);
        };
        let parse = |text: &str| {
            serde_json::from_str::<serde_json::Value>(text)
                .map_err(|error| rusqlite::Error::UserFunctionError(Box::new(error)))
        };
        Ok(Some(contains(&parse(&outer)?, &parse(&inner)?)))
    })
}

/// PostgreSQL's `@>`: objects by member, arrays as sets, an array contains its scalar.
fn contains(outer: &serde_json::Value, inner: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Object};
    match (outer, inner) {
        (Object(outer), Object(inner)) => inner
            .iter()
            .all(|(name, value)| outer.get(name).is_some_and(|own| contains(own, value))),
        (Array(outer), Array(inner)) => {
            inner.iter().all(|value| outer.iter().any(|own| contains(own, value)))
        }
        (Array(outer), scalar) if !scalar.is_object() => outer.contains(scalar),
        (outer, inner) => match (outer.as_f64(), inner.as_f64()) {
            (Some(outer), Some(inner)) => outer.total_cmp(&inner).is_eq(),
            _ => outer == inner,
        },
    }
}

/// An argument given back as it came.
pub(super) fn unchanged<'a>(context: &Context<'_>, place: usize) -> Result<ToSqlOutput<'a>> {
    Ok(ToSqlOutput::Owned(Value::try_from(context.get_raw(place))?))
}
