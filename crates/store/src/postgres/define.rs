//! Tables, keys and indexes as PostgreSQL's DDL; `docs/decisions/0006-two-stores.md` says why.

use std::{borrow::Cow, collections::BTreeMap};

use super::{names, native};
use crate::{
    Kind, Value,
    catalog::Catalog,
    change::{is_cyclic, kind_check_name},
    schema::{
        Check, Column, Default, Exclusion, ForeignKey, Index, Range, ReferentialAction, Schema,
        Table, UniqueKey, View,
    },
    sql::{Dialect, SqlWriter, Unsupported, covering, write_identifier, write_text_literal},
};

/// Values of enumerated types by name; none for other types.
pub(super) type Types = BTreeMap<String, Vec<String>>;

/// Extensions that bring a type, by the type's name.
const EXTENSIONS: &[(&str, &str)] = &[
    ("citext", "citext"),
    ("ltree", "ltree"),
    ("hstore", "hstore"),
    ("cube", "cube"),
    ("vector", "vector"),
    ("geometry", "postgis"),
    ("geography", "postgis"),
];
/// Brings indexes over parts of words.
pub(super) const TRIGRAMS: &str = "pg_trgm";

/// A name in double quotes, as PostgreSQL keeps it.
pub(super) fn quoted(name: &str) -> String {
    let mut sql = String::with_capacity(name.len() + 2);
    write_identifier(&names::kept(name), &mut sql);
    sql
}

/// Names in quotes with commas between.
pub(super) fn quoted_all(names: &[String]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

/// The name of the check that keeps a column to its kind.
pub(super) fn kind_check_quoted(table: &str, column: &str) -> String {
    quoted(&kind_check_name(table, column))
}

/// The extension that a kind needs.
pub(super) fn extension(kind: &Kind) -> Option<&'static str> {
    let name: Cow<'_, str> = match kind {
        Kind::CaseInsensitiveText => "citext".into(),
        Kind::Other { name } => {
            let base = name.split('(').next().unwrap_or_default();
            base.trim().to_ascii_lowercase().into()
        }
        Kind::Array { element } => return extension(element),
        _ => return None,
    };
    EXTENSIONS.iter().find(|(own, _)| *own == name).map(|(_, extension)| *extension)
}

/// The enumerated type of a kind, with its values.
pub(super) fn enumeration(kind: &Kind) -> Option<(&str, &[String])> {
    match kind {
        Kind::Enum { name, values } => Some((name, values)),
        Kind::Array { element } => enumeration(element),
        _ => None,
    }
}

/// `CREATE TYPE … AS ENUM`. `before` stands before the name.
pub(super) fn create_enumeration(before: &str, name: &str, values: &[String]) -> String {
    format!("CREATE TYPE {before}{} AS ENUM ({})", quoted(name), literals(values))
}

/// Texts in single quotes with commas between.
fn literals(values: &[String]) -> String {
    let mut list = String::new();
    for value in values {
        list.push_str(if list.is_empty() { "" } else { ", " });
        write_text_literal(value, &mut list);
    }
    list
}

/// `ALTER TYPE … ADD VALUE` for each value that the type does not have, in its place.
pub(super) fn extend_enumeration(name: &str, has: &[String], wanted: &[String]) -> Vec<String> {
    let mut last: Option<&String> = None;
    let mut statements = Vec::new();
    for value in wanted {
        if !has.contains(value) {
            let mut sql = format!("ALTER TYPE {} ADD VALUE IF NOT EXISTS ", quoted(name));
            write_text_literal(value, &mut sql);
            let neighbour = last.map(|last| (" AFTER ", last));
            let neighbour = neighbour.or_else(|| has.first().map(|first| (" BEFORE ", first)));
            if let Some((beside, neighbour)) = neighbour {
                sql.push_str(beside);
                write_text_literal(neighbour, &mut sql);
            }
            statements.push(sql);
        }
        last = Some(value);
    }
    statements
}

/// The type of a column with its collation.
pub(super) fn storage(kind: &Kind) -> String {
    let collation = if native::is_text(kind) { " COLLATE \"C\"" } else { "" };
    format!("{}{collation}", native::type_of(kind))
}

/// What keeps a column to its kind, over and above its type: a type's values are only ever added,
/// so that those which the document no longer has are kept out by a check.
pub(super) fn kind_check(column: &Column, types: &Types) -> Option<String> {
    let (enumeration, values) = enumeration(&column.kind)?;
    let has = types.get(names::kept(enumeration).as_ref())?;
    if has.iter().all(|value| values.contains(value)) {
        return None;
    }
    let (name, list) = (quoted(&column.name), literals(values));
    let native = native::type_of(&column.kind);
    Some(match column.kind {
        Kind::Array { .. } => format!("{name} <@ ARRAY[{list}]::{native}"),
        _ => format!("{name} IN ({list})"),
    })
}

/// The condition under which a column's value is none of its kind's.
pub(super) fn is_none_of(column: &str, from: &Kind, values: &[String]) -> String {
    format!("{} NOT IN ({})", shown(column, from), literals(values))
}

/// One column, as it stands in `CREATE TABLE` and in `ADD COLUMN`.
pub(super) fn column(
    table: &Table,
    column: &Column,
    catalog: &Catalog,
    types: &Types,
) -> Result<String, Unsupported> {
    let mut sql = format!("{} {}", quoted(&column.name), storage(&column.kind));
    if matches!(column.kind, Kind::Serial { .. }) {
        sql.push_str(" GENERATED BY DEFAULT AS IDENTITY");
        return Ok(sql);
    }
    if !column.nullable || table.primary_key.contains(&column.name) {
        sql.push_str(" NOT NULL");
    }
    if let Some(expression) = &column.generated {
        let mut writer = SqlWriter::definition(Dialect::Postgres, catalog, &table.name);
        writer.expression(expression)?;
        sql.push_str(&format!(" GENERATED ALWAYS AS ({}) STORED", writer.text));
    } else if let Some(text) = default_text(table, column, catalog)? {
        sql.push_str(" DEFAULT ");
        sql.push_str(&text);
    }
    if let Some(check) = kind_check(column, types) {
        let name = kind_check_quoted(&table.name, &column.name);
        sql.push_str(&format!(" CONSTRAINT {name} CHECK ({check})"));
    }
    Ok(sql)
}

/// The default as an expression; none where there is none.
pub(super) fn default_text(
    table: &Table,
    column: &Column,
    catalog: &Catalog,
) -> Result<Option<String>, Unsupported> {
    Ok(Some(match &column.default {
        None => return Ok(None),
        Some(Default::Now) => moment("now()", &column.kind),
        Some(Default::Today) => "((now() AT TIME ZONE 'UTC')::date)".to_owned(),
        Some(Default::RandomUuid) if column.kind == Kind::Uuid => "gen_random_uuid()".to_owned(),
        Some(Default::RandomUuid) => "(gen_random_uuid()::text)".to_owned(),
        Some(Default::Value(value)) => literal(value, &column.kind)?,
        Some(Default::Expression(expression)) => {
            let mut writer = SqlWriter::definition(Dialect::Postgres, catalog, &table.name);
            writer.expression(expression)?;
            format!("({})", writer.text)
        }
    }))
}

/// Now in UTC, whatever time zone whoever writes is in.
fn moment(now: &str, kind: &Kind) -> String {
    match kind {
        Kind::Timestamp { zoned: false } => format!("({now} AT TIME ZONE 'UTC')"),
        Kind::Date => format!("(({now} AT TIME ZONE 'UTC')::date)"),
        Kind::Time => format!("(({now} AT TIME ZONE 'UTC')::time)"),
        _ => now.to_owned(),
    }
}

/// A constant of a column's type.
fn literal(value: &Value, kind: &Kind) -> Result<String, Unsupported> {
    let mut text = String::new();
    match (value, kind) {
        (Value::Null, _) => return Ok("NULL".to_owned()),
        (Value::Boolean(truth), _) => return Ok(truth.to_string()),
        (Value::Json(json), Kind::Array { element }) => {
            let items: Vec<serde_json::Value> = serde_json::from_str(json)
                .map_err(|_| Unsupported("the default is no list".to_owned()))?;
            return array(&items, element);
        }
        (Value::Bytes(bytes), _) => {
            text.push_str("'\\x");
            bytes.iter().for_each(|byte| text.push_str(&format!("{byte:02x}")));
            text.push('\'');
        }
        (Value::Real(number), _) if number.is_infinite() => {
            text.push_str(if *number > 0.0 { "'Infinity'" } else { "'-Infinity'" });
        }
        (value, _) => write_text_literal(&value.to_string(), &mut text),
    }
    Ok(format!("{text}::{}", native::type_of(kind)))
}

fn array(items: &[serde_json::Value], element: &Kind) -> Result<String, Unsupported> {
    let items = items
        .iter()
        .map(|item| {
            let value = element.parse_json(item).map_err(Unsupported)?;
            literal(&value, element)
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(format!("ARRAY[{}]::{}[]", items.join(", "), native::type_of(element)))
}

/// `CREATE TABLE` without foreign keys. `before` stands before the word TABLE.
pub(super) fn create_table(
    table: &Table,
    before: &str,
    catalog: &Catalog,
    types: &Types,
) -> Result<String, Unsupported> {
    let mut parts = Vec::with_capacity(table.columns.len() + table.checks.len() + 1);
    for own in &table.columns {
        parts.push(column(table, own, catalog, types)?);
    }
    if !table.primary_key.is_empty() {
        parts.push(primary_key(table));
    }
    for own in &table.checks {
        parts.push(check(table, own, catalog)?);
    }
    let name = quoted(&table.name);
    Ok(format!("CREATE {before}TABLE {name} (\n  {}\n)", parts.join(",\n  ")))
}

/// The primary key as a constraint.
pub(super) fn primary_key(table: &Table) -> String {
    let name = quoted(&names::primary_key(&table.name));
    format!("CONSTRAINT {name} PRIMARY KEY ({})", quoted_all(&table.primary_key))
}

/// A check as a constraint.
pub(super) fn check(
    table: &Table,
    check: &Check,
    catalog: &Catalog,
) -> Result<String, Unsupported> {
    let mut writer = SqlWriter::definition(Dialect::Postgres, catalog, &table.name);
    writer.expression(&check.condition)?;
    Ok(format!("CONSTRAINT {} CHECK ({})", quoted(&check.name), writer.text))
}

/// The condition under which two rows stand against each other.
pub(super) fn conflict(exclusion: &Exclusion) -> String {
    let of = |row: &str, column: &str| format!("{row}.{}", quoted(column));
    let equal = exclusion
        .equal
        .iter()
        .map(|column| format!("{} = {}", of("one", column), of("other", column)));
    let ranges = exclusion.overlapping.iter().map(|range| match range {
        Range::Column(column) => format!("{} && {}", of("one", column), of("other", column)),
        Range::Made { kind, from, to, bounds } => {
            let made = |row| format!("{kind}({}, {}, '{bounds}')", of(row, from), of(row, to));
            format!("{} && {}", made("one"), made("other"))
        }
    });
    equal.chain(ranges).collect::<Vec<_>>().join(" AND ")
}

/// The extension by which a `gist` index compares for equality.
pub(super) const EQUALITY: &str = "btree_gist";

/// An exclusion as a constraint.
pub(super) fn exclusion(
    table: &Table,
    own: &Exclusion,
    catalog: &Catalog,
) -> Result<String, Unsupported> {
    let equal = own.equal.iter().map(|column| format!("{} WITH =", quoted(column)));
    let ranges = own.overlapping.iter().map(|range| match range {
        Range::Column(column) => format!("{} WITH &&", quoted(column)),
        Range::Made { kind, from, to, bounds } => {
            format!("{kind}({}, {}, '{bounds}') WITH &&", quoted(from), quoted(to))
        }
    });
    let parts: Vec<String> = equal.chain(ranges).collect();
    let mut sql =
        format!("CONSTRAINT {} EXCLUDE USING gist ({})", quoted(&own.name), parts.join(", "));
    sql.push_str(&covering(Dialect::Postgres, catalog, &table.name, own.condition.as_ref())?);
    Ok(sql)
}

/// The name of a foreign key: of its table and columns, and of its place where several keys share
/// their columns.
pub(super) fn foreign_key_name(table: &Table, key: &ForeignKey) -> String {
    let alike = table.foreign_keys.iter().filter(|own| own.columns == key.columns);
    match alike.take_while(|own| *own != key).count() {
        0 => names::foreign_key(&table.name, &key.columns),
        place => {
            let own = format!("{}_{}_fkey_{place}", table.name, key.columns.join("_"));
            names::kept(&own).into_owned()
        }
    }
}

/// A foreign key as a constraint. Keys on a cycle of tables wait for the commit, or neither row
/// could ever be first.
pub(super) fn foreign_key(table: &Table, key: &ForeignKey, schema: &Schema) -> String {
    let mut sql = format!(
        "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({})",
        quoted(&foreign_key_name(table, key)),
        quoted_all(&key.columns),
        quoted(&key.table),
        quoted_all(&key.referred)
    );
    for (before, action) in [(" ON DELETE ", key.on_delete), (" ON UPDATE ", key.on_update)] {
        let words = match action {
            ReferentialAction::NoAction => continue,
            ReferentialAction::Restrict => "RESTRICT",
            ReferentialAction::Cascade => "CASCADE",
            ReferentialAction::SetNull => "SET NULL",
            ReferentialAction::SetDefault => "SET DEFAULT",
        };
        sql.push_str(before);
        sql.push_str(words);
    }
    if is_cyclic(schema, &table.name, key) {
        sql.push_str(" DEFERRABLE INITIALLY DEFERRED");
    }
    sql
}

/// `CREATE UNIQUE INDEX`: it comes and goes without the table being locked for long.
pub(super) fn create_unique_key(
    table: &str,
    key: &UniqueKey,
    catalog: &Catalog,
    is_concurrent: bool,
) -> Result<String, Unsupported> {
    let how = if is_concurrent { "CONCURRENTLY " } else { "" };
    let mut sql = format!(
        "CREATE UNIQUE INDEX {how}{} ON {} ({})",
        quoted(&key.name),
        quoted(table),
        quoted_all(&key.columns)
    );
    sql.push_str(&covering(Dialect::Postgres, catalog, table, key.condition.as_ref())?);
    Ok(sql)
}

/// `CREATE INDEX`.
pub(super) fn create_index(
    table: &str,
    index: &Index,
    catalog: &Catalog,
    is_concurrent: bool,
) -> Result<String, Unsupported> {
    let how = if is_concurrent { "CONCURRENTLY " } else { "" };
    let method = if index.method.is_empty() { "btree" } else { index.method.as_str() };
    if !method.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
        return Err(Unsupported(format!("`{method}` is no index method")));
    }
    let mut parts = Vec::with_capacity(index.parts.len());
    for (part, descends) in &index.parts {
        let mut writer = SqlWriter::definition(Dialect::Postgres, catalog, table);
        writer.expression(part)?;
        let mut text = match part {
            crate::Expression::Column(name) => quoted(name),
            _ => format!("({})", writer.text),
        };
        if takes_trigrams(catalog, table, index, part) {
            text.push_str(&format!(" {method}_trgm_ops"));
        }
        text.push_str(if *descends { " DESC" } else { "" });
        parts.push(text);
    }
    let (name, table_name) = (quoted(&index.name), quoted(table));
    let mut sql =
        format!("CREATE INDEX {how}{name} ON {table_name} USING {method} ({})", parts.join(", "));
    sql.push_str(&covering(Dialect::Postgres, catalog, table, index.condition.as_ref())?);
    Ok(sql)
}

/// True where the part is text and the method indexes only what text is made of.
fn takes_trigrams(catalog: &Catalog, table: &str, index: &Index, part: &crate::Expression) -> bool {
    let crate::Expression::Column(name) = part else {
        return false;
    };
    let kind = catalog.table(table).and_then(|table| table.column(name)).map(|it| &it.kind);
    matches!(index.method.as_str(), "gin" | "gist")
        && matches!(kind, Some(Kind::Text { .. } | Kind::Enum { .. }))
}

/// The extension that an index needs.
pub(super) fn index_extension(
    catalog: &Catalog,
    table: &str,
    index: &Index,
) -> Option<&'static str> {
    let mut parts = index.parts.iter();
    if parts.any(|(part, _)| takes_trigrams(catalog, table, index, part)) {
        return Some(TRIGRAMS);
    }
    match index.method.as_str() {
        "gin" => Some("btree_gin").filter(|_| index.parts.len() > 1),
        "gist" => Some("btree_gist"),
        _ => None,
    }
}

/// `CREATE VIEW`.
pub(super) fn create_view(view: &View, before: &str) -> String {
    format!("CREATE {before}VIEW {} AS {}", quoted(&view.name), view.select)
}

/// `DROP VIEW`.
pub(super) fn drop_view(name: &str) -> String {
    format!("DROP VIEW IF EXISTS {}", quoted(name))
}

/// The text in which a column's value is shown, as an expression.
pub(super) fn shown(column: &str, kind: &Kind) -> String {
    let name = quoted(column);
    match kind {
        Kind::Text { .. } => name,
        Kind::Timestamp { .. } => {
            format!("to_char({name}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
        }
        Kind::Bytes => format!("replace(encode({name}, 'base64'), E'\\n', '')"),
        Kind::Array { .. } => format!("to_jsonb({name})::text"),
        _ => format!("{name}::text"),
    }
}

/// A column's value in another kind. It must not be asked for values that do not fit.
pub(super) fn converted(column: &str, from: &Kind, to: &Kind) -> String {
    let name = quoted(column);
    let (was, is) = (native::type_of(from), native::type_of(to));
    let is_number = |kind: &Kind| {
        matches!(
            kind,
            Kind::Integer { .. } | Kind::Serial { .. } | Kind::Numeric { .. } | Kind::Real { .. }
        )
    };
    match (from, to) {
        _ if was == is => name,
        // Without a cast a value that is too long is an error; with one it would be cut.
        (Kind::Text { .. } | Kind::Enum { .. }, Kind::Text { .. }) => name,
        (_, Kind::Text { .. }) => shown(column, from),
        (from, to) if is_number(from) && is_number(to) => format!("{name}::{is}"),
        (Kind::Timestamp { .. }, Kind::Timestamp { .. } | Kind::Date)
        | (Kind::Date, Kind::Timestamp { .. }) => format!("{name}::{is}"),
        (Kind::Array { .. }, Kind::Array { .. }) => format!("{name}::{is}"),
        // There is no expression for these that a change of type may contain.
        (_, Kind::Array { .. }) => format!("NULL::{is}"),
        _ => format!("({})::{is}", shown(column, from)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_literal(value: Value, kind: Kind, expected: &str) {
        assert_eq!(literal(&value, &kind).expect("a literal"), expected);
    }

    #[test]
    fn constants_carry_their_type() {
        check_literal(Value::Text("it's".into()), Kind::Text { length_max: None }, "'it''s'::text");
        check_literal(Value::Integer(-3), Kind::Integer { bits: 32 }, "'-3'::integer");
        check_literal(Value::Bytes(vec![0, 255]), Kind::Bytes, "'\\x00ff'::bytea");
        let words = Kind::Array { element: Box::new(Kind::Text { length_max: None }) };
        check_literal(Value::Json("[\"a\"]".into()), words, "ARRAY['a'::text]::text[]");
    }
}
