//! Values with their types: as parameters, and as literals in definitions.

use std::{borrow::Cow, fmt::Write};

use super::{SqlWriter, TEXT};
use crate::{Kind, Value, json, moment, postgres::native, sql::write_text_literal};

impl SqlWriter<'_> {
    /// A value where something of this kind is expected. What cannot be of that kind is NULL of
    /// it: nothing is equal to it.
    pub(in crate::sql) fn typed(&mut self, value: &Value, kind: Option<&Kind>) {
        if value.is_null() {
            self.text.push_str("NULL");
            return;
        }
        let fitted = kind.map(|kind| fitted(value, kind));
        match (fitted, kind) {
            (Some(None), Some(kind)) => {
                self.text.push_str("NULL::");
                self.text.push_str(&native::parameter_type(kind));
            }
            (Some(Some(value)), Some(kind)) if self.is_definition => {
                self.text.push_str(&literal(&value, kind));
            }
            (Some(Some(value)), Some(kind)) => {
                let name = type_beside(&value, kind);
                self.parameter(value.into_owned(), &name);
            }
            _ if self.is_definition => {
                let own = own_kind(value);
                self.text.push_str(&literal(value, &own));
            }
            _ => {
                let name = native::parameter_type(&own_kind(value));
                self.parameter(value.clone(), &name);
            }
        }
    }

    /// A parameter with its type; a literal in a definition.
    pub(super) fn parameter(&mut self, value: Value, type_name: &str) {
        if self.is_definition {
            let own = own_kind(&value);
            self.text.push_str(&literal(&value, &own));
            return;
        }
        self.parameters.push(Cow::Owned(value));
        self.place();
        self.text.push_str("::");
        self.text.push_str(type_name);
    }

    /// The place of the last parameter.
    pub(in crate::sql) fn place(&mut self) {
        self.text.push('$');
        self.text.push_str(itoa::Buffer::new().format(self.parameters.len()));
    }
}

/// The kind that a value has by itself.
fn own_kind(value: &Value) -> Kind {
    match value {
        Value::Null | Value::Text(_) => TEXT,
        Value::Boolean(_) => Kind::Boolean,
        // A function's count or an index is a plain integer to PostgreSQL.
        Value::Integer(number) => {
            Kind::Integer { bits: if i32::try_from(*number).is_ok() { 32 } else { 64 } }
        }
        Value::Real(_) => Kind::Real { bits: 64 },
        Value::Decimal(_) => Kind::Numeric { precision: None, scale: None },
        Value::Bytes(_) => Kind::Bytes,
        Value::Uuid(_) => Kind::Uuid,
        Value::Timestamp(_) => Kind::Timestamp { zoned: true },
        Value::Date(_) => Kind::Date,
        Value::Time(_) => Kind::Time,
        Value::Json(_) => Kind::Json,
    }
}

/// A value as one of the kind; none where it cannot be one.
fn fitted<'v>(value: &'v Value, kind: &Kind) -> Option<Cow<'v, Value>> {
    let own = Cow::Borrowed(value);
    Some(match (kind, value) {
        (Kind::Text { .. } | Kind::CaseInsensitiveText | Kind::Other { .. }, Value::Text(_)) => own,
        (Kind::Text { .. } | Kind::CaseInsensitiveText | Kind::Other { .. }, _) => {
            Cow::Owned(Value::Text(value.to_string()))
        }
        (Kind::Enum { values, .. }, Value::Text(text)) => {
            return values.iter().any(|own| own == text).then_some(own);
        }
        (Kind::Enum { .. }, _) => return None,
        (Kind::Interval | Kind::Network, Value::Text(text)) => {
            Cow::Owned(kind.parse_text(text).ok()?)
        }
        (Kind::Json, Value::Text(text)) => match serde_json::from_str::<serde_json::Value>(text) {
            Ok(_) => Cow::Owned(Value::Json(text.clone())),
            Err(_) => {
                let mut quoted = Vec::new();
                json::write_string(text, &mut quoted);
                Cow::Owned(Value::Json(String::from_utf8_lossy(&quoted).into_owned()))
            }
        },
        (Kind::Array { .. }, Value::Json(text)) => {
            let items: serde_json::Value = serde_json::from_str(text).ok()?;
            let is_list = items.is_array() && kind.parse_json(&items).is_ok();
            return is_list.then_some(own);
        }
        (Kind::Real { .. }, Value::Integer(_) | Value::Decimal(_)) => {
            Cow::Owned(Value::Real(value.to_string().parse().ok()?))
        }
        (Kind::Numeric { .. }, Value::Integer(_) | Value::Real(_)) => {
            Cow::Owned(Value::Decimal(crate::decimal::Decimal::parse(&value.to_string())?.text()))
        }
        (_, Value::Text(text)) => Cow::Owned(kind.parse_text(text).ok()?),
        _ => own,
    })
}

/// The type of a parameter beside something of a kind: the kind's, or the value's own where both
/// compare as they are, such as a fraction beside whole numbers.
fn type_beside(value: &Value, kind: &Kind) -> Cow<'static, str> {
    let is_of_kind = match kind {
        Kind::Integer { .. } | Kind::Serial { .. } => {
            // As wide as it gets: a number beyond a column's range is greater than all of it.
            return match value {
                Value::Integer(_) => "bigint".into(),
                _ => native::parameter_type(&own_kind(value)),
            };
        }
        Kind::Timestamp { .. } | Kind::Date => match value {
            Value::Timestamp(_) => matches!(kind, Kind::Timestamp { .. }),
            Value::Date(_) => matches!(kind, Kind::Date),
            _ => false,
        },
        Kind::Uuid => matches!(value, Value::Uuid(_)),
        Kind::Boolean => matches!(value, Value::Boolean(_)),
        Kind::Time => matches!(value, Value::Time(_)),
        Kind::Real { .. } => matches!(value, Value::Real(_)),
        Kind::Numeric { .. } => matches!(value, Value::Decimal(_)),
        Kind::Bytes => matches!(value, Value::Bytes(_)),
        Kind::Interval | Kind::Network | Kind::Enum { .. } => matches!(value, Value::Text(_)),
        Kind::Json => true,
        Kind::Array { .. } => matches!(value, Value::Json(_)),
        Kind::Text { .. } | Kind::CaseInsensitiveText | Kind::Other { .. } => true,
    };
    if is_of_kind { native::parameter_type(kind) } else { native::parameter_type(&own_kind(value)) }
}

/// A value as a literal of a kind, for definitions.
pub(crate) fn literal(value: &Value, kind: &Kind) -> String {
    let quoted = |text: &str, kind: &Kind| {
        let mut out = String::new();
        write_text_literal(text, &mut out);
        // A bare text takes the type of whatever it stands beside.
        if !matches!(kind, Kind::Text { .. } | Kind::Other { .. }) {
            let _ = write!(out, "::{}", native::parameter_type(kind));
        }
        out
    };
    match (value, kind) {
        (Value::Null, _) => "NULL".to_owned(),
        (Value::Boolean(truth), _) => if *truth { "TRUE" } else { "FALSE" }.to_owned(),
        (Value::Integer(number), _) => number.to_string(),
        (Value::Decimal(digits), _) => digits.clone(),
        (Value::Real(number), _) if number.is_finite() => {
            let mut digits = Vec::new();
            json::write_real(*number, 64, &mut digits);
            String::from_utf8_lossy(&digits).into_owned()
        }
        (Value::Real(number), _) => {
            let text = if number.is_nan() {
                "NaN"
            } else if *number > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            };
            quoted(text, &Kind::Real { bits: 64 })
        }
        (Value::Bytes(bytes), _) => {
            let mut text = String::from("\\x");
            for byte in bytes {
                let _ = write!(text, "{byte:02x}");
            }
            quoted(&text, &Kind::Bytes)
        }
        (Value::Json(text), Kind::Array { element }) => array(text, element),
        (Value::Json(text), _) => quoted(text, &Kind::Json),
        (Value::Text(text), Kind::Interval) => quoted(&interval(text), kind),
        (Value::Text(text), kind) => quoted(text, kind),
        (value, kind) => {
            let own = own_kind(value);
            let is_moment = matches!((value, kind), (Value::Timestamp(_), Kind::Timestamp { .. }));
            quoted(&value.to_string(), if is_moment { kind } else { &own })
        }
    }
}

/// A length of time in PostgreSQL's words; its ISO 8601 has no sign before the `P`.
fn interval(text: &str) -> String {
    let Ok(span) = text.parse::<jiff::Span>() else {
        return text.to_owned();
    };
    let (months, days, microseconds) = moment::interval_parts(&span);
    format!("{months} months {days} days {microseconds} microseconds")
}

/// A list as PostgreSQL writes it: `ARRAY['a','b']::text[]`.
fn array(text: &str, element: &Kind) -> String {
    let items: Vec<serde_json::Value> = serde_json::from_str(text).unwrap_or_default();
    let items: Vec<String> = items
        .iter()
        .map(|item| {
            let value = element.parse_json(item).unwrap_or(Value::Null);
            match (&value, element) {
                (Value::Json(text), Kind::Array { element }) => {
                    let inner = array(text, element);
                    inner.split("]::").next().map(|it| format!("{it}]")).unwrap_or(inner)
                }
                _ => literal(&value, element),
            }
        })
        .collect();
    format!("ARRAY[{}]::{}[]", items.join(", "), native::parameter_type(element))
}
