//! Which type of PostgreSQL holds a kind of column; `docs/decisions/0006-two-stores.md` says why.

use std::borrow::Cow;

use super::names;
use crate::{Kind, sql::write_identifier};

/// The type's name as a statement writes it, without a collation. Enums are types of their own,
/// made under their names; lists are arrays.
pub(crate) fn type_of(kind: &Kind) -> Cow<'static, str> {
    match kind {
        Kind::Uuid => "uuid".into(),
        Kind::Text { length_max: None } => "text".into(),
        Kind::Text { length_max: Some(length) } => format!("varchar({length})").into(),
        Kind::CaseInsensitiveText => "citext".into(),
        Kind::Integer { bits: 16 } | Kind::Serial { bits: 16 } => "smallint".into(),
        Kind::Integer { bits: 64 } | Kind::Serial { bits: 64 } => "bigint".into(),
        Kind::Integer { .. } | Kind::Serial { .. } => "integer".into(),
        Kind::Numeric { precision: None, .. } => "numeric".into(),
        Kind::Numeric { precision: Some(precision), scale } => {
            format!("numeric({precision},{})", scale.unwrap_or(0)).into()
        }
        Kind::Real { bits: 32 } => "real".into(),
        Kind::Real { .. } => "double precision".into(),
        Kind::Boolean => "boolean".into(),
        Kind::Timestamp { zoned: true } => "timestamptz".into(),
        Kind::Timestamp { zoned: false } => "timestamp".into(),
        Kind::Date => "date".into(),
        Kind::Time => "time".into(),
        Kind::Interval => "interval".into(),
        Kind::Json => "jsonb".into(),
        Kind::Bytes => "bytea".into(),
        Kind::Enum { name, .. } => {
            let mut quoted = String::new();
            write_identifier(&names::kept(name), &mut quoted);
            quoted.into()
        }
        Kind::Array { element } => format!("{}[]", type_of(element)).into(),
        Kind::Network => "inet".into(),
        Kind::Other { name } => name.to_string().into(),
    }
}

/// True where values are text: such columns are declared `COLLATE "C"`, so that they compare and
/// sort by code point whatever the database was created with.
pub(crate) fn is_text(kind: &Kind) -> bool {
    match kind {
        Kind::Text { .. } | Kind::CaseInsensitiveText => true,
        Kind::Array { element } => is_text(element),
        _ => false,
    }
}
