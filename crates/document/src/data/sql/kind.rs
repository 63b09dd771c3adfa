//! SQL's column types: PostgreSQL's, and what MySQL, SQLite, T-SQL and warehouses call them.

use super::{
    cursor::{Cursor, Name, string_value},
    token::TokenKind,
};
use crate::{Span, data::ColumnType};

/// A type as it is written.
#[derive(Debug, Clone)]
pub(crate) struct WrittenType {
    /// What it is; [`ColumnType::Other`] for a name that is not known yet.
    pub(crate) kind: ColumnType,
    /// The name of a type that the document may declare.
    pub(crate) unknown: Option<Name>,
    /// The values of an inline `ENUM(…)`.
    pub(crate) values: Option<Vec<String>>,
    /// `UNSIGNED`.
    pub(crate) unsigned: bool,
    /// Where it is written.
    pub(crate) span: Span,
}

/// Reads a type; none where no type is ahead.
pub(crate) fn read_type(cursor: &mut Cursor<'_>) -> Option<WrittenType> {
    let first = cursor.peek()?;
    if !matches!(first.kind, TokenKind::Word | TokenKind::Quoted | TokenKind::Hole)
        || is_option_word(cursor.text(first))
    {
        return None;
    }
    let _ = cursor.takes("SETOF");
    let mut written = read_base(cursor)?;
    read_suffixes(cursor, &mut written);
    let last = cursor.previous().unwrap_or(first);
    written.span = cursor.span(first).to(cursor.span(last));
    Some(written)
}

/// Words that begin a column's options, so that a column whose type is missing is noticed.
fn is_option_word(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "PRIMARY",
        "NOT",
        "NULL",
        "DEFAULT",
        "UNIQUE",
        "REFERENCES",
        "CHECK",
        "CONSTRAINT",
        "GENERATED",
        "AUTO_INCREMENT",
        "AUTOINCREMENT",
        "COLLATE",
        "COMMENT",
        "ON",
    ];
    WORDS.iter().any(|option| option.eq_ignore_ascii_case(word))
}

fn read_base(cursor: &mut Cursor<'_>) -> Option<WrittenType> {
    let mut words = Vec::new();
    for phrase in [
        "DOUBLE PRECISION",
        "CHARACTER VARYING",
        "CHAR VARYING",
        "NATIONAL CHARACTER VARYING",
        "NATIONAL CHARACTER",
        "NATIONAL VARCHAR",
        "BIT VARYING",
        "LONG VARCHAR",
        "LONG RAW",
    ] {
        if cursor.takes(phrase) {
            words.push(phrase.to_owned());
            break;
        }
    }
    let mut name = None;
    if words.is_empty() {
        let token = cursor.peek()?;
        let bare = cursor.text(token).to_ascii_uppercase();
        let qualified = cursor.qualified_name()?;
        // `extensions.vector`, `pg_catalog.int4`: the schema of a type that is known says nothing.
        let last = cursor.previous().map_or("", |last| cursor.text(last)).to_ascii_uppercase();
        words.push(if token.kind == TokenKind::Word && !qualified.is_hole { last } else { bare });
        name = Some(qualified);
    }
    let word = words.concat();
    let is_hole = name.as_ref().is_some_and(|name| name.is_hole);
    let angle = read_angle(cursor);
    let group = cursor.group();
    let arguments: Vec<String> = group
        .map(|group| group.items().iter().map(|item| text_of_all(item)).collect::<Vec<_>>())
        .unwrap_or_default();
    let mut written = WrittenType {
        kind: ColumnType::Other { name: word.to_lowercase() },
        unknown: None,
        values: None,
        unsigned: false,
        span: Span::default(),
    };
    if matches!(word.as_str(), "ENUM" | "ENUM8" | "ENUM16") && !arguments.is_empty() {
        // ClickHouse numbers its values: `'a' = 1`.
        let text = |value: &String| string_value(value.split(" = ").next().unwrap_or(value));
        written.values = Some(arguments.iter().map(text).collect());
        return Some(written);
    }
    if let Some(inner) = angle.or_else(|| wrapped(&word, group.map(|group| group.cursor()))) {
        written.kind = inner;
        return Some(written);
    }
    match (known_type(&word, &arguments), name) {
        (Some(kind), _) if !is_hole => written.kind = kind,
        (_, Some(name)) => {
            written.kind = ColumnType::Other { name: name.name.clone() };
            written.unknown = Some(name);
        }
        _ => {}
    }
    Some(written)
}

/// `ARRAY<STRING>`, `MAP<…>`, `STRUCT<…>` of warehouses.
fn read_angle(cursor: &mut Cursor<'_>) -> Option<ColumnType> {
    if !cursor.is_symbol("<") {
        return None;
    }
    let is_array = cursor.previous().is_some_and(|token| {
        ["ARRAY", "SET", "LIST"].iter().any(|word| cursor.text(token).eq_ignore_ascii_case(word))
    });
    cursor.next();
    let element = if is_array { read_type(cursor).map(|inner| inner.kind) } else { None };
    let mut depth = 1usize;
    while depth > 0 {
        let Some(token) = cursor.next() else { break };
        match cursor.text(token) {
            "<" => depth += 1,
            ">" => depth -= 1,
            _ => {}
        }
    }
    Some(match element {
        Some(element) => ColumnType::Array { element: Box::new(element) },
        None => ColumnType::Json,
    })
}

/// `Nullable(String)`, `LowCardinality(String)`, `Array(String)` of ClickHouse.
fn wrapped(word: &str, inside: Option<Cursor<'_>>) -> Option<ColumnType> {
    let mut inside = inside?;
    match word {
        "NULLABLE" | "LOWCARDINALITY" => read_type(&mut inside).map(|inner| inner.kind),
        "ARRAY" => {
            read_type(&mut inside).map(|inner| ColumnType::Array { element: Box::new(inner.kind) })
        }
        "MAP" | "TUPLE" => Some(ColumnType::Json),
        _ => None,
    }
}

fn text_of_all(cursor: &Cursor<'_>) -> String {
    super::cursor::text_of(cursor.script, cursor.rest()).to_owned()
}

fn read_suffixes(cursor: &mut Cursor<'_>, written: &mut WrittenType) {
    loop {
        if cursor.takes("WITH TIME ZONE") || cursor.takes("WITH LOCAL TIME ZONE") {
            if let ColumnType::Timestamp { zoned } = &mut written.kind {
                *zoned = true;
            }
        } else if cursor.takes("UNSIGNED") {
            written.unsigned = true;
            if let ColumnType::Integer { bits } = &mut written.kind {
                *bits = bits.saturating_mul(2).min(64);
            }
        } else if cursor.takes("CHARACTER SET") || cursor.takes("CHARSET") {
            cursor.next();
        } else if cursor.takes("ARRAY") {
            wrap_in_array(written);
        } else if cursor.is_symbol("[") {
            cursor.next();
            while cursor.peek().is_some() && !cursor.takes_symbol("]") {
                cursor.next();
            }
            wrap_in_array(written);
        } else if !(cursor.takes("WITHOUT TIME ZONE")
            || cursor.takes("SIGNED")
            || cursor.takes("ZEROFILL")
            || cursor.takes("BINARY")
            || (matches!(written.kind, ColumnType::Interval)
                && ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "TO"]
                    .iter()
                    .any(|field| cursor.takes(field))))
        {
            return;
        }
    }
}

/// `TEXT[][]` is stored as an array too; its depth is not kept.
fn wrap_in_array(written: &mut WrittenType) {
    if !matches!(written.kind, ColumnType::Array { .. }) {
        written.kind = ColumnType::Array { element: Box::new(written.kind.clone()) };
    }
}

/// The type of a name in upper case, without its suffixes.
pub(crate) fn known_type(word: &str, arguments: &[String]) -> Option<ColumnType> {
    let number = |at: usize| arguments.get(at).and_then(|text| text.trim().parse::<u32>().ok());
    let small = |at: usize| number(at).and_then(|value| u16::try_from(value).ok());
    let kind = match word {
        "UUID" | "GUID" | "UNIQUEIDENTIFIER" => ColumnType::Uuid,
        "CITEXT" => ColumnType::CaseInsensitiveText,
        "CHAR" | "CHARACTER" | "NCHAR" | "NATIONAL CHARACTER" | "BPCHAR" | "FIXEDSTRING" => {
            ColumnType::Text { length_max: Some(number(0).unwrap_or(1)) }
        }
        "TEXT"
        | "VARCHAR"
        | "CHARACTER VARYING"
        | "CHAR VARYING"
        | "NVARCHAR"
        | "VARCHAR2"
        | "NATIONAL CHARACTER VARYING"
        | "NATIONAL VARCHAR"
        | "LONG VARCHAR"
        | "STRING"
        | "NVARCHAR2" => ColumnType::Text { length_max: number(0) },
        "TINYTEXT" | "MEDIUMTEXT" | "LONGTEXT" | "NTEXT" | "CLOB" | "NCLOB" | "XML" | "SYSNAME"
        | "NAME" | "SET" => ColumnType::Text { length_max: None },
        "ASCII" => ColumnType::Text { length_max: None },
        "TIMEUUID" => ColumnType::Uuid,
        "ULID" => ColumnType::Text { length_max: Some(26) },
        "TINYINT" if number(0) == Some(1) => ColumnType::Boolean,
        "BIT" if arguments.is_empty() || number(0) == Some(1) => ColumnType::Boolean,
        "BOOLEAN" | "BOOL" => ColumnType::Boolean,
        "SMALLINT" | "INT2" | "TINYINT" | "INT8_T" | "INT16" | "UINT8" | "YEAR" | "BYTEINT" => {
            ColumnType::Integer { bits: 16 }
        }
        "INTEGER" | "INT" | "INT4" | "MEDIUMINT" | "INT32" | "UINT16" => {
            ColumnType::Integer { bits: 32 }
        }
        "BIGINT" | "INT8" | "INT64" | "UINT32" | "UINT64" | "HUGEINT" | "COUNTER" => {
            ColumnType::Integer { bits: 64 }
        }
        "SMALLSERIAL" | "SERIAL2" => ColumnType::Serial { bits: 16 },
        "SERIAL" | "SERIAL4" => ColumnType::Serial { bits: 32 },
        "BIGSERIAL" | "SERIAL8" => ColumnType::Serial { bits: 64 },
        "NUMERIC" | "DECIMAL" | "DEC" | "NUMBER" | "FIXED" | "BIGNUMERIC" | "VARINT" | "INT128"
        | "UINT128" | "INT256" | "UINT256" | "DECIMAL64" | "DECIMAL128" => {
            ColumnType::Numeric { precision: small(0), scale: small(1).or(small(0).map(|_| 0)) }
        }
        "MONEY" | "SMALLMONEY" => ColumnType::Numeric { precision: Some(19), scale: Some(4) },
        "REAL" | "FLOAT4" | "FLOAT32" => ColumnType::Real { bits: 32 },
        "FLOAT" if number(0).is_some_and(|digits| digits <= 24) && arguments.len() == 1 => {
            ColumnType::Real { bits: 32 }
        }
        "FLOAT" | "DOUBLE PRECISION" | "DOUBLE" | "FLOAT8" | "FLOAT64" => {
            ColumnType::Real { bits: 64 }
        }
        _ => return known_other_type(word),
    };
    Some(kind)
}

/// Types of extensions and of other systems that are stored as text.
const STORED_AS_TEXT: &[&str] = &[
    "TSVECTOR",
    "TSQUERY",
    "VECTOR",
    "HALFVEC",
    "SPARSEVEC",
    "GEOGRAPHY",
    "GEOMETRY",
    "POINT",
    "LINESTRING",
    "POLYGON",
    "MULTIPOINT",
    "MULTIPOLYGON",
    "MULTILINESTRING",
    "LINE",
    "LSEG",
    "BOX",
    "PATH",
    "CIRCLE",
    "LTREE",
    "LQUERY",
    "HSTORE",
    "INT4RANGE",
    "INT8RANGE",
    "NUMRANGE",
    "TSRANGE",
    "TSTZRANGE",
    "DATERANGE",
    "BIT",
    "BIT VARYING",
    "VARBIT",
    "MACADDR",
    "MACADDR8",
    "OID",
    "REGCLASS",
    "REGTYPE",
    "PG_LSN",
    "CUBE",
    "HLL",
    "TXID_SNAPSHOT",
    "ROWVERSION",
    "HIERARCHYID",
    "SQL_VARIANT",
    "AGGREGATEFUNCTION",
    "TIMETZ",
    "ANY",
    "REGCONFIG",
    "REGPROC",
    "XID",
    "TID",
    "JSONPATH",
    "RASTER",
    "BOX2D",
    "BOX3D",
    "SEG",
    "ISBN",
    "EAN13",
    "SEMVER",
    "H3INDEX",
    "QUERY_INT",
    "NUMMULTIRANGE",
    "TSMULTIRANGE",
    "INT8MULTIRANGE",
    "SIMPLEAGGREGATEFUNCTION",
    "TIMESTAMP_LTZ",
    "ROWID",
    "GEOMETRYCOLLECTION",
    "VARIANT",
    "BITMAP",
    "INT4MULTIRANGE",
    "TSTZMULTIRANGE",
    "DATEMULTIRANGE",
];

fn known_other_type(word: &str) -> Option<ColumnType> {
    Some(match word {
        "TIMESTAMP" | "DATETIME" | "DATETIME2" | "SMALLDATETIME" | "TIMESTAMP_NTZ"
        | "DATETIME64" => ColumnType::Timestamp { zoned: false },
        "TIMESTAMPTZ" | "DATETIMEOFFSET" | "TIMESTAMP_TZ" | "TIMESTAMP_LTZ" => {
            ColumnType::Timestamp { zoned: true }
        }
        "DATE" | "DATE32" => ColumnType::Date,
        "TIME" => ColumnType::Time,
        "INTERVAL" => ColumnType::Interval,
        "JSON" | "JSONB" | "VARIANT" | "OBJECT" | "SUPER" | "MAP" | "STRUCT" | "NESTED"
        | "TUPLE" | "FROZEN" | "ROW" => ColumnType::Json,
        "BYTEA" | "BLOB" | "TINYBLOB" | "MEDIUMBLOB" | "LONGBLOB" | "BINARY" | "VARBINARY"
        | "IMAGE" | "RAW" | "LONG RAW" | "BYTES" => ColumnType::Bytes,
        "INET" | "CIDR" | "IPV4" | "IPV6" => ColumnType::Network,
        "ARRAY" => ColumnType::Array { element: Box::new(ColumnType::Text { length_max: None }) },
        _ if STORED_AS_TEXT.contains(&word) => ColumnType::Other { name: word.to_lowercase() },
        _ => return None,
    })
}
