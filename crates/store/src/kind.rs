//! Kinds of columns, with PostgreSQL's meaning on every store.

use std::sync::Arc;

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
