//! Values as PostgreSQL takes them: in binary where that is simple, as text for the rest.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use serde_json::Value as Json;
use tokio_postgres::types::{Format, IsNull, Kind as TypeKind, ToSql, Type, to_sql_checked};

use crate::{Value, json, moment};

/// Microseconds and days from 1970 to 2000, where PostgreSQL begins to count.
pub(super) const EPOCH_MICROSECONDS: i64 = 946_684_800_000_000;
pub(super) const EPOCH_DAYS: i32 = 10_957;
const DAY: i64 = 86_400_000_000;
/// Bytes of a cell with its length, about.
const CELL_BYTES: usize = 32;

type Fault = Box<dyn Error + Sync + Send>;

/// A value on its way into a parameter of whatever type the statement gives it.
#[derive(Debug)]
pub(super) struct Bound<'a>(pub(super) &'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self, own: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        if self.0.is_null() {
            return Ok(IsNull::Yes);
        }
        match base(own) {
            own if is_binary(own) => binary(self.0, own, out)?,
            own => match own.kind() {
                TypeKind::Array(element) => {
                    let items: Json = serde_json::from_str(&self.0.to_string())?;
                    if !items.is_array() {
                        return Err("is no list".into());
                    }
                    let mut text = String::new();
                    array_text(&items, element, &mut text);
                    out.put_slice(text.as_bytes());
                }
                _ => out.put_slice(self.0.to_string().as_bytes()),
            },
        }
        Ok(IsNull::No)
    }

    fn encode_format(&self, own: &Type) -> Format {
        if is_binary(base(own)) { Format::Binary } else { Format::Text }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// One column of many rows, as an array.
#[derive(Debug)]
pub(super) struct BoundColumn<'a>(pub(super) Vec<&'a Value>);

impl ToSql for BoundColumn<'_> {
    fn to_sql(&self, own: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        let TypeKind::Array(element) = own.kind() else {
            return Err("a column is no array".into());
        };
        array_head(self.0.iter().any(|value| value.is_null()), element, self.0.len(), out)?;
        // Gathered first: many small pieces are dear to add to a shared buffer.
        let mut cells = Vec::with_capacity(self.0.len() * CELL_BYTES);
        let element = base(element);
        for value in &self.0 {
            if value.is_null() {
                cells.put_i32(-1);
                continue;
            }
            let start = cells.len();
            cells.put_i32(0);
            binary(value, element, &mut cells)?;
            let length = i32::try_from(cells.len() - start - 4)?;
            if let Some(place) = cells.get_mut(start..start + 4) {
                place.copy_from_slice(&length.to_be_bytes());
            }
        }
        out.put_slice(&cells);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// Cells of rows that were read, handed back as an array of keys.
#[derive(Debug)]
pub(super) struct BoundKeys<'a>(pub(super) Vec<Option<&'a [u8]>>);

impl ToSql for BoundKeys<'_> {
    fn to_sql(&self, own: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        let TypeKind::Array(element) = own.kind() else {
            return Err("keys are no array".into());
        };
        array_head(self.0.iter().any(Option::is_none), element, self.0.len(), out)?;
        for cell in &self.0 {
            match cell {
                None => out.put_i32(-1),
                Some(bytes) => {
                    out.put_i32(i32::try_from(bytes.len())?);
                    out.put_slice(bytes);
                }
            }
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The beginning of an array of one dimension.
fn array_head(
    has_nulls: bool,
    element: &Type,
    length: usize,
    out: &mut BytesMut,
) -> Result<(), Fault> {
    out.put_i32(1);
    out.put_i32(i32::from(has_nulls));
    out.put_u32(element.oid());
    out.put_i32(i32::try_from(length)?);
    out.put_i32(1);
    Ok(())
}

/// The type below a domain.
pub(super) fn base(own: &Type) -> &Type {
    match own.kind() {
        TypeKind::Domain(inner) => base(inner),
        _ => own,
    }
}

/// True where the type's values are text with another name.
pub(super) fn is_text(own: &Type) -> bool {
    matches!(*own, Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN)
        || matches!(own.kind(), TypeKind::Enum(_))
        || own.name() == "citext"
}

/// True where values of the type are written in binary.
pub(super) fn is_binary(own: &Type) -> bool {
    is_text(own)
        || matches!(
            *own,
            Type::BOOL
                | Type::INT2
                | Type::INT4
                | Type::INT8
                | Type::FLOAT4
                | Type::FLOAT8
                | Type::UUID
                | Type::TIMESTAMPTZ
                | Type::TIMESTAMP
                | Type::DATE
                | Type::TIME
                | Type::INTERVAL
                | Type::BYTEA
                | Type::JSON
                | Type::JSONB
        )
}

fn binary(value: &Value, own: &Type, out: &mut impl BufMut) -> Result<(), Fault> {
    match *own {
        Type::BOOL => out.put_u8(u8::from(boolean(value)?)),
        Type::INT2 => out.put_i16(i16::try_from(whole(value)?)?),
        Type::INT4 => out.put_i32(i32::try_from(whole(value)?)?),
        Type::INT8 => out.put_i64(whole(value)?),
        #[allow(clippy::cast_possible_truncation, reason = "the column holds 32 bits")]
        Type::FLOAT4 => out.put_f32(real(value)? as f32),
        Type::FLOAT8 => out.put_f64(real(value)?),
        Type::UUID => match value {
            Value::Uuid(uuid) => out.put_slice(uuid.as_bytes()),
            other => out.put_slice(uuid::Uuid::parse_str(&other.to_string())?.as_bytes()),
        },
        Type::TIMESTAMPTZ | Type::TIMESTAMP => {
            out.put_i64(microseconds(value)?.saturating_sub(EPOCH_MICROSECONDS));
        }
        Type::DATE => {
            let days = match value {
                Value::Date(days) => *days,
                other => i32::try_from(microseconds(other)?.div_euclid(DAY))?,
            };
            out.put_i32(days.saturating_sub(EPOCH_DAYS));
        }
        Type::TIME => out.put_i64(match value {
            Value::Time(microseconds) => *microseconds,
            other => moment::parse_time(&other.to_string()).ok_or("is no time")?,
        }),
        Type::INTERVAL => {
            let span = value.to_string().parse::<jiff::Span>()?;
            let (months, days, microseconds) = moment::interval_parts(&span);
            out.put_i64(microseconds);
            out.put_i32(i32::try_from(days)?);
            out.put_i32(i32::try_from(months)?);
        }
        Type::BYTEA => match value {
            Value::Bytes(bytes) => out.put_slice(bytes),
            other => out.put_slice(other.to_string().as_bytes()),
        },
        Type::JSON | Type::JSONB => {
            if *own == Type::JSONB {
                out.put_u8(1);
            }
            match value {
                Value::Json(text) | Value::Text(text) => out.put_slice(text.as_bytes()),
                other => {
                    let mut text = Vec::new();
                    other.write_json(&mut text);
                    out.put_slice(&text);
                }
            }
        }
        _ => match value {
            Value::Text(text) => out.put_slice(text.as_bytes()),
            other => out.put_slice(other.to_string().as_bytes()),
        },
    }
    Ok(())
}

fn boolean(value: &Value) -> Result<bool, Fault> {
    match value {
        Value::Boolean(truth) => Ok(*truth),
        Value::Integer(number @ 0..=1) => Ok(*number == 1),
        _ => Err("is not true or false".into()),
    }
}

fn whole(value: &Value) -> Result<i64, Fault> {
    match value {
        Value::Integer(number) => Ok(*number),
        Value::Boolean(truth) => Ok(i64::from(*truth)),
        other => Ok(other.to_string().parse()?),
    }
}

#[allow(clippy::cast_precision_loss, reason = "the column is a floating-point number")]
fn real(value: &Value) -> Result<f64, Fault> {
    match value {
        Value::Real(number) => Ok(*number),
        Value::Integer(number) => Ok(*number as f64),
        other => Ok(other.to_string().parse()?),
    }
}

fn microseconds(value: &Value) -> Result<i64, Fault> {
    match value {
        Value::Timestamp(microseconds) => Ok(*microseconds),
        Value::Date(days) => Ok(i64::from(*days) * DAY),
        other => {
            let text = other.to_string();
            let moment = moment::parse_timestamp(&text);
            let moment = moment.or_else(|| moment::parse_date(&text).map(|it| i64::from(it) * DAY));
            moment.ok_or_else(|| "is no moment".into())
        }
    }
}

/// An item of an array, in quotes.
pub(super) fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            out.push('\\');
        }
        out.push(letter);
    }
    out.push('"');
}

/// A JSON array as PostgreSQL writes arrays: `{a,"b c",NULL}`.
fn array_text(items: &Json, element: &Type, out: &mut String) {
    match items {
        Json::Array(items) if !matches!(*element, Type::JSON | Type::JSONB) || out.is_empty() => {
            out.push('{');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                array_text(item, element, out);
            }
            out.push('}');
        }
        Json::Null => out.push_str("NULL"),
        item if matches!(*element, Type::JSON | Type::JSONB) => {
            write_quoted(&item.to_string(), out)
        }
        Json::String(text) if *element == Type::BYTEA => {
            let bytes = json::read_bytes(text).unwrap_or_default();
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            write_quoted(&format!("\\x{hex}"), out);
        }
        Json::String(text) => write_quoted(text, out),
        other => out.push_str(&other.to_string()),
    }
}
