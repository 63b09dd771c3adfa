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
        Kind::Other { name } if is_known(name) => name.to_string().into(),
        Kind::Other { .. } => "text".into(),
    }
}

/// The type of a parameter that stands for a value of the kind: the same without limits, which
/// would cut or round.
pub(crate) fn parameter_type(kind: &Kind) -> Cow<'static, str> {
    match kind {
        Kind::Text { .. } => "text".into(),
        Kind::Numeric { .. } => "numeric".into(),
        Kind::Array { element } => format!("{}[]", parameter_type(element)).into(),
        Kind::Other { name } if is_known(name) => base_of(name).to_owned().into(),
        kind => type_of(kind),
    }
}

/// Types of PostgreSQL beside those of a kind of their own. Any other name is of another database
/// or a slip, and its values are kept as text.
pub(crate) const KNOWN: &[&str] = &[
    "bit",
    "box",
    "cidr",
    "circle",
    "datemultirange",
    "daterange",
    "hstore",
    "int4multirange",
    "int4range",
    "int8multirange",
    "int8range",
    "line",
    "lseg",
    "ltree",
    "macaddr",
    "macaddr8",
    "money",
    "nummultirange",
    "numrange",
    "path",
    "point",
    "polygon",
    "timetz",
    "tsmultirange",
    "tsquery",
    "tsrange",
    "tstzmultirange",
    "tstzrange",
    "tsvector",
    "varbit",
    "xml",
];

/// The name without what stands in parentheses behind it, in lower case.
fn base_of(name: &str) -> &'static str {
    let base = name.split('(').next().unwrap_or_default().trim();
    KNOWN.iter().find(|known| known.eq_ignore_ascii_case(base)).copied().unwrap_or("text")
}

/// True for a type of PostgreSQL that has no kind of its own.
pub(crate) fn is_known(name: &str) -> bool {
    base_of(name) != "text"
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
