//! Values on their way in and out of a store.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{json, moment};

/// A value of a column or parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// A decimal number in canonical digits.
    Decimal(String),
    /// Text, enum values, networks, intervals.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A UUID.
    #[serde(with = "uuid_text")]
    Uuid(uuid::Uuid),
    /// Microseconds since 1970 in UTC.
    Timestamp(i64),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since midnight.
    Time(i64),
    /// JSON text, also for arrays.
    Json(String),
}

impl Value {
    /// True for NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Appends the value as JSON, in the form in which a row shows it.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Value::Null => out.extend_from_slice(b"null"),
            Value::Boolean(true) => out.extend_from_slice(b"true"),
            Value::Boolean(false) => out.extend_from_slice(b"false"),
            Value::Integer(number) => json::write_integer(*number, out),
            Value::Real(number) => json::write_real(*number, 64, out),
            Value::Decimal(digits) => out.extend_from_slice(digits.as_bytes()),
            Value::Json(text) => out.extend_from_slice(text.as_bytes()),
            Value::Bytes(bytes) => json::write_bytes(bytes, out),
            Value::Text(text) => json::write_string(text, out),
            Value::Uuid(uuid) => json::write_uuid(*uuid, out),
            Value::Timestamp(microseconds) => json::write_timestamp(*microseconds, out),
            Value::Date(_) | Value::Time(_) => {
                json::write_string(&self.to_string(), out);
            }
        }
    }
}

impl fmt::Display for Value {
    /// The text in which the value is stored and shown; nothing for NULL, base64 for bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        match self {
            Value::Null => {}
            Value::Boolean(truth) => return truth.fmt(f),
            Value::Integer(number) => return number.fmt(f),
            Value::Real(number) => return number.fmt(f),
            Value::Decimal(own) | Value::Text(own) | Value::Json(own) => return f.write_str(own),
            Value::Uuid(uuid) => return uuid.fmt(f),
            Value::Bytes(bytes) => {
                let mut quoted = Vec::new();
                json::write_bytes(bytes, &mut quoted);
                let quoted = String::from_utf8_lossy(&quoted);
                return f.write_str(quoted.trim_matches('"'));
            }
            Value::Timestamp(microseconds) => moment::write_timestamp(*microseconds, &mut text),
            Value::Date(days) => moment::write_date(*days, &mut text),
            Value::Time(microseconds) => moment::write_time(*microseconds, &mut text),
        }
        f.write_str(&text)
    }
}

/// A UUID as text, so that what is kept can be read by anybody.
mod uuid_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        uuid: &uuid::Uuid,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(uuid)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<uuid::Uuid, D::Error> {
        let text = String::deserialize(deserializer)?;
        uuid::Uuid::parse_str(&text).map_err(D::Error::custom)
    }
}
