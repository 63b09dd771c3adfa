//! Cells as JSON bytes, by a plan that is made once for all rows of a statement.

use std::{error::Error, net::IpAddr};

use tokio_postgres::{
    Column, Row,
    types::{FromSql, Kind as TypeKind, Type},
};

use super::bind::{EPOCH_DAYS, EPOCH_MICROSECONDS, base, is_text};
use crate::{Kind, Value, decimal::Decimal, json, moment, query::Output};

/// Digits that a floating-point number keeps.
const DIGITS_EXACT: usize = 15;

/// A cell as it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell<'a>(pub(super) Option<&'a [u8]>);

impl<'a> FromSql<'a> for Cell<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// How the bytes of a cell are to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    Boolean,
    Whole,
    /// A whole number that is shown with so many digits after its point.
    Scaled(u16),
    Real,
    Numeric(Digits),
    Text,
    Uuid,
    Moment,
    Day,
    Clock,
    Length,
    Json,
    JsonBinary,
    Bytes,
    Network,
    Array(Box<Shape>),
}

/// How many digits of a decimal number are shown after its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digits {
    /// So many.
    Exactly(u16),
    /// Those that are not zeros at the end.
    Needed,
    /// The same, of a number that was computed and that other stores compute in doubles.
    Computed,
}

/// How the columns of a row are written.
pub(super) struct RowPlan {
    /// `{"id":`, `,"title":`, … one after the other.
    keys: Vec<u8>,
    /// Where each key ends, and how its value is written.
    columns: Vec<(usize, Shape)>,
    /// Columns of the row before the first.
    skipped: usize,
}

impl RowPlan {
    /// A plan for outputs that stand in these columns; `skipped` stand before them.
    pub(super) fn of(outputs: &[Output], columns: &[Column], skipped: usize) -> Self {
        let columns = columns.iter().skip(skipped);
        let named = outputs
            .iter()
            .zip(columns)
            .map(|(output, column)| (output.name.as_ref(), &output.kind, column.type_()));
        Self { skipped, ..Self::named(named) }
    }

    /// A plan for columns with names and kinds.
    pub(super) fn named<'n>(columns: impl Iterator<Item = (&'n str, &'n Kind, &'n Type)>) -> Self {
        let mut keys = Vec::with_capacity(128);
        let columns = columns
            .enumerate()
            .map(|(place, (name, kind, own))| {
                keys.push(if place == 0 { b'{' } else { b',' });
                json::write_string(name, &mut keys);
                keys.push(b':');
                (keys.len(), shape(own, kind).unwrap_or(Shape::Text))
            })
            .collect();
        Self { keys, columns, skipped: 0 }
    }

    /// Writes the members of a row with its opening brace, and no closing one.
    pub(super) fn write(&self, row: &Row, out: &mut Vec<u8>) -> Result<(), tokio_postgres::Error> {
        let mut start = 0;
        for (place, (end, shape)) in self.columns.iter().enumerate() {
            out.extend_from_slice(self.keys.get(start..*end).unwrap_or_default());
            let Cell(cell) = row.try_get(place + self.skipped)?;
            match cell {
                Some(bytes) => write_cell(shape, bytes, out),
                None => out.extend_from_slice(b"null"),
            }
            start = *end;
        }
        if self.columns.is_empty() {
            out.push(b'{');
        }
        Ok(())
    }
}

impl RowPlan {
    /// The same for values that were given and are kept as they are; none where a column would keep one
    /// in another form.
    pub(super) fn write_given(&self, values: &[&Value], out: &mut Vec<u8>) -> Option<()> {
        let mut start = 0;
        for ((end, shape), value) in self.columns.iter().zip(values) {
            out.extend_from_slice(self.keys.get(start..*end).unwrap_or_default());
            if !holds_as_given(shape, value) {
                return None;
            }
            value.write_json(out);
            start = *end;
        }
        Some(())
    }
}

/// True where a cell of this shape holds the value in the form in which it was given.
fn holds_as_given(shape: &Shape, value: &Value) -> bool {
    matches!(
        (shape, value),
        (_, Value::Null)
            | (Shape::Boolean, Value::Boolean(_))
            | (Shape::Whole, Value::Integer(_))
            | (Shape::Text, Value::Text(_))
            | (Shape::Uuid, Value::Uuid(_))
            | (Shape::Moment, Value::Timestamp(_))
            | (Shape::Day, Value::Date(_))
    )
}

/// True where cells of the type can be written; others have to come as text.
pub(super) fn is_readable(own: &Type) -> bool {
    shape(own, &Kind::Text { length_max: None }).is_some()
}

fn shape(own: &Type, kind: &Kind) -> Option<Shape> {
    let own = base(own);
    Some(match *own {
        Type::BOOL => Shape::Boolean,
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => match kind {
            Kind::Numeric { scale: Some(scale), .. } if *scale > 0 => Shape::Scaled(*scale),
            _ => Shape::Whole,
        },
        Type::FLOAT4 | Type::FLOAT8 => Shape::Real,
        Type::NUMERIC => Shape::Numeric(match kind {
            Kind::Numeric { precision: Some(_), scale } => Digits::Exactly(scale.unwrap_or(0)),
            Kind::Numeric { .. } => Digits::Needed,
            _ => Digits::Computed,
        }),
        Type::UUID => Shape::Uuid,
        Type::TIMESTAMPTZ | Type::TIMESTAMP => Shape::Moment,
        Type::DATE => Shape::Day,
        Type::TIME => Shape::Clock,
        Type::INTERVAL => Shape::Length,
        Type::JSON => Shape::Json,
        Type::JSONB => Shape::JsonBinary,
        Type::BYTEA => Shape::Bytes,
        Type::INET | Type::CIDR => Shape::Network,
        _ if is_text(own) => Shape::Text,
        _ => match (own.kind(), kind) {
            (TypeKind::Array(element), Kind::Array { element: inner }) => {
                Shape::Array(Box::new(shape(element, inner)?))
            }
            (TypeKind::Array(element), _) => Shape::Array(Box::new(shape(element, kind)?)),
            _ => return None,
        },
    })
}

/// One cell as JSON; none where its type has to come as text, or its bytes are not what that says.
pub(super) fn write_alone(own: &Type, kind: &Kind, bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    write_shape(&shape(own, kind)?, bytes, out)
}

/// Writes one cell as JSON; `null` where its bytes are not what its type says.
fn write_cell(shape: &Shape, bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    if write_shape(shape, bytes, out).is_none() {
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

fn write_shape(shape: &Shape, bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    match shape {
        Shape::Boolean => out.extend_from_slice(match bytes.first()? {
            0 => b"false",
            _ => b"true",
        }),
        Shape::Whole => json::write_integer(whole(bytes)?, out),
        Shape::Scaled(scale) => {
            json::write_integer(whole(bytes)?, out);
            out.push(b'.');
            out.resize(out.len() + usize::from(*scale), b'0');
        }
        Shape::Real => match bytes.len() {
            4 => {
                let number = f32::from_be_bytes(bytes.try_into().ok()?);
                json::write_real(f64::from(number), 32, out);
            }
            _ => json::write_real(f64::from_be_bytes(bytes.try_into().ok()?), 64, out),
        },
        Shape::Numeric(digits) => write_numeric(bytes, *digits, out)?,
        Shape::Text => match str::from_utf8(bytes) {
            Ok(text) => json::write_string(text, out),
            Err(_) => json::write_string(&String::from_utf8_lossy(bytes), out),
        },
        Shape::Uuid => json::write_uuid(uuid::Uuid::from_slice(bytes).ok()?, out),
        Shape::Moment => write_moment(i64::from_be_bytes(bytes.try_into().ok()?), out),
        Shape::Day => {
            let days = i32::from_be_bytes(bytes.try_into().ok()?);
            write_quoted(out, |text| moment::write_date(days.saturating_add(EPOCH_DAYS), text));
        }
        Shape::Clock => {
            let microseconds = i64::from_be_bytes(bytes.try_into().ok()?);
            write_quoted(out, |text| moment::write_time(microseconds, text));
        }
        Shape::Length => {
            let (microseconds, rest) = bytes.split_first_chunk::<8>()?;
            let (days, months) = rest.split_first_chunk::<4>()?;
            let microseconds = i64::from_be_bytes(*microseconds);
            let days = i64::from(i32::from_be_bytes(*days));
            let months = i64::from(i32::from_be_bytes(months.try_into().ok()?));
            write_quoted(out, |text| moment::write_interval(months, days, microseconds, text));
        }
        Shape::Json => write_compact(bytes, out),
        Shape::JsonBinary => write_compact(bytes.get(1..)?, out),
        Shape::Bytes => json::write_bytes(bytes, out),
        Shape::Network => {
            let text = network(bytes)?;
            json::write_string(&text, out);
        }
        Shape::Array(element) => write_array(element, bytes, out)?,
    }
    Some(())
}

fn whole(bytes: &[u8]) -> Option<i64> {
    Some(match bytes.len() {
        2 => i64::from(i16::from_be_bytes(bytes.try_into().ok()?)),
        4 => i64::from(i32::from_be_bytes(bytes.try_into().ok()?)),
        _ => i64::from_be_bytes(bytes.try_into().ok()?),
    })
}

fn write_quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut String)) {
    let mut text = String::new();
    write(&mut text);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn write_moment(microseconds: i64, out: &mut Vec<u8>) {
    match microseconds {
        i64::MAX => out.extend_from_slice(b"\"infinity\""),
        i64::MIN => out.extend_from_slice(b"\"-infinity\""),
        _ => json::write_timestamp(microseconds.saturating_add(EPOCH_MICROSECONDS), out),
    }
}

/// JSON without the spaces that `jsonb` puts between its parts.
fn write_compact(bytes: &[u8], out: &mut Vec<u8>) {
    let (mut is_inside, mut is_escaped) = (false, false);
    for byte in bytes {
        if is_inside {
            out.push(*byte);
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => is_inside = false,
                _ => {}
            }
        } else if !byte.is_ascii_whitespace() {
            is_inside = *byte == b'"';
            out.push(*byte);
        }
    }
}

/// A decimal number: groups of four digits, the weight of the first, a sign and a scale.
fn write_numeric(bytes: &[u8], digits: Digits, out: &mut Vec<u8>) -> Option<()> {
    let part = |place: usize| -> Option<i16> {
        let pair = bytes.get(place * 2..place * 2 + 2)?;
        Some(i16::from_be_bytes(pair.try_into().ok()?))
    };
    let (count, weight, sign, scale) = (part(0)?, part(1)?, part(2)?, part(3)?);
    match sign.cast_unsigned() {
        0xC000 => out.extend_from_slice(b"\"NaN\""),
        0xD000 => out.extend_from_slice(b"\"Infinity\""),
        0xF000 => out.extend_from_slice(b"\"-Infinity\""),
        sign => {
            let mut text = String::with_capacity(24);
            if sign == 0x4000 {
                text.push('-');
            }
            let group = |place: i16| -> i16 {
                let index = usize::try_from(place).ok().filter(|_| place < count);
                index.and_then(|index| part(4 + index)).unwrap_or(0)
            };
            if weight < 0 {
                text.push('0');
            }
            for place in 0..=weight {
                let group = group(place);
                if place == 0 {
                    text.push_str(&group.to_string());
                } else {
                    text.push_str(&format!("{group:04}"));
                }
            }
            if scale > 0 {
                text.push('.');
                let from = text.len();
                let mut place = weight + 1;
                while text.len() - from < usize::try_from(scale).ok()? {
                    text.push_str(&format!("{:04}", group(place)));
                    place += 1;
                }
                text.truncate(from + usize::try_from(scale).ok()?);
            }
            write_text_digits(&text, digits, out)?;
        }
    }
    Some(())
}

fn write_text_digits(text: &str, digits: Digits, out: &mut Vec<u8>) -> Option<()> {
    let scale = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    match digits {
        Digits::Exactly(wanted) if usize::from(wanted) == scale => {
            out.extend_from_slice(text.as_bytes());
        }
        Digits::Exactly(wanted) => {
            let mut decimal = Decimal::parse(text)?;
            decimal.round(usize::from(wanted));
            out.extend_from_slice(decimal.text().as_bytes());
        }
        Digits::Needed | Digits::Computed => {
            let mut decimal = Decimal::parse(text)?;
            decimal.trim();
            if digits == Digits::Computed
                && decimal.significant_digits() > DIGITS_EXACT
                && scale > 0
            {
                json::write_real(text.parse().ok()?, 64, out);
            } else {
                out.extend_from_slice(decimal.text().as_bytes());
            }
        }
    }
    Some(())
}

fn network(bytes: &[u8]) -> Option<String> {
    let (head, address) = bytes.split_at_checked(4)?;
    let (address, bits_max): (IpAddr, u8) = match address.len() {
        4 => (<[u8; 4]>::try_from(address).ok()?.into(), 32),
        _ => (<[u8; 16]>::try_from(address).ok()?.into(), 128),
    };
    let bits = *head.get(1)?;
    let is_whole = bits == bits_max && head.get(2) == Some(&0);
    Some(if is_whole { address.to_string() } else { format!("{address}/{bits}") })
}

/// Dimensions, whether NULLs are inside, the type; then length and bytes of each item.
fn write_array(element: &Shape, bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let number = |place: usize| -> Option<i32> {
        Some(i32::from_be_bytes(bytes.get(place..place + 4)?.try_into().ok()?))
    };
    let dimensions = usize::try_from(number(0)?).ok()?;
    if dimensions == 0 {
        out.extend_from_slice(b"[]");
        return Some(());
    }
    let lengths: Vec<usize> = (0..dimensions)
        .map(|place| usize::try_from(number(12 + place * 8)?).ok())
        .collect::<Option<_>>()?;
    let mut items = bytes.get(12 + dimensions * 8..)?;
    write_items(element, &lengths, &mut items, out)
}

fn write_items(
    element: &Shape,
    lengths: &[usize],
    items: &mut &[u8],
    out: &mut Vec<u8>,
) -> Option<()> {
    let (length, inner) = lengths.split_first()?;
    out.push(b'[');
    for place in 0..*length {
        if place > 0 {
            out.push(b',');
        }
        if !inner.is_empty() {
            write_items(element, inner, items, out)?;
            continue;
        }
        let (size, rest) = items.split_first_chunk::<4>()?;
        match usize::try_from(i32::from_be_bytes(*size)) {
            Ok(size) => {
                let (item, rest) = rest.split_at_checked(size)?;
                write_cell(element, item, out);
                *items = rest;
            }
            Err(_) => {
                out.extend_from_slice(b"null");
                *items = rest;
            }
        }
    }
    out.push(b']');
    Some(())
}
