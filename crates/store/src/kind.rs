//! Kinds of columns, with PostgreSQL's meaning on every store.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A UUID, shown in lower case with hyphens.
    Uuid,
    /// Text of at most so many characters.
    Text {
        /// In characters.
        length_max: Option<u32>,
    },
    /// Text that compares without case.
    CaseInsensitiveText,
    /// A whole number of 16, 32 or 64 bits.
    Integer {
        /// 16, 32 or 64.
        bits: u8,
    },
    /// A whole number that the store hands out.
    Serial {
        /// 16, 32 or 64.
        bits: u8,
    },
    /// A decimal number without loss.
    Numeric {
        /// Digits in all.
        precision: Option<u16>,
        /// Digits after the point.
        scale: Option<u16>,
    },
    /// A floating-point number.
    Real {
        /// 32 or 64.
        bits: u8,
    },
    /// True or false.
    Boolean,
    /// A moment, stored and shown in UTC with microseconds.
    Timestamp {
        /// `TIMESTAMPTZ`; both kinds hold UTC.
        zoned: bool,
    },
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A length of time, as ISO 8601 text.
    Interval,
    /// Any JSON.
    Json,
    /// Bytes, shown in base64.
    Bytes,
    /// One of a closed list of words.
    Enum {
        /// The type's name.
        name: Arc<str>,
        /// Its values in order.
        values: Arc<[String]>,
    },
    /// A list of one kind.
    Array {
        /// The elements' kind.
        element: Box<Kind>,
    },
    /// An internet address or network.
    Network,
    /// A type stored as text under its own name.
    Other {
        /// As declared.
        name: Arc<str>,
    },
}

impl Kind {
    /// Types that PostgreSQL has and that other stores keep as text, as [`Kind::Other`] names them.
    pub const NATIVE: &[&str] = crate::postgres::native::KNOWN;

    /// A range as an example, where the kind is one of ranges that every store reads and shows alike.
    pub fn range_example(&self) -> Option<&'static str> {
        crate::range::of_kind(self).map(crate::range::example)
    }
}

impl fmt::Display for Kind {
    /// PostgreSQL's name of the type.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Uuid => f.write_str("UUID"),
            Kind::Text { length_max: None } => f.write_str("TEXT"),
            Kind::Text { length_max: Some(length) } => write!(f, "VARCHAR({length})"),
            Kind::CaseInsensitiveText => f.write_str("CITEXT"),
            Kind::Integer { bits: 16 } => f.write_str("SMALLINT"),
            Kind::Integer { bits: 64 } => f.write_str("BIGINT"),
            Kind::Integer { .. } => f.write_str("INTEGER"),
            Kind::Serial { bits: 16 } => f.write_str("SMALLSERIAL"),
            Kind::Serial { bits: 64 } => f.write_str("BIGSERIAL"),
            Kind::Serial { .. } => f.write_str("SERIAL"),
            Kind::Numeric { precision: None, .. } => f.write_str("NUMERIC"),
            Kind::Numeric { precision: Some(precision), scale } => {
                write!(f, "NUMERIC({precision},{})", scale.unwrap_or(0))
            }
            Kind::Real { bits: 32 } => f.write_str("REAL"),
            Kind::Real { .. } => f.write_str("DOUBLE PRECISION"),
            Kind::Boolean => f.write_str("BOOLEAN"),
            Kind::Timestamp { zoned: true } => f.write_str("TIMESTAMPTZ"),
            Kind::Timestamp { zoned: false } => f.write_str("TIMESTAMP"),
            Kind::Date => f.write_str("DATE"),
            Kind::Time => f.write_str("TIME"),
            Kind::Interval => f.write_str("INTERVAL"),
            Kind::Json => f.write_str("JSONB"),
            Kind::Bytes => f.write_str("BYTEA"),
            Kind::Enum { name, .. } | Kind::Other { name } => f.write_str(name),
            Kind::Array { element } => write!(f, "{element}[]"),
            Kind::Network => f.write_str("INET"),
        }
    }
}
