//! Tables and indexes as SQLite's DDL; `docs/decisions/0002-sqlite-representation.md` says why.

use crate::{
    Kind,
    catalog::Catalog,
    change::{kind_check_name, lineage::is_kept_alike},
    schema::{Column, Default, ForeignKey, Index, ReferentialAction, Table, UniqueKey, View},
    sql::{
        Dialect, SqlWriter, Unsupported, covering, write_identifier, write_names,
        write_text_literal,
    },
};

/// Digits of a decimal number that survive a double.
const PRECISION_REAL_MAX: u16 = 15;
/// Digits of a whole number that fit 64 bits.
const PRECISION_INTEGER_MAX: u16 = 18;

/// Now, as other tools can compute it too; to the millisecond.
const NOW: &str = "(strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z')";
const TODAY: &str = "(date('now'))";
const RANDOM_UUID: &str = "(lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || \
    substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (abs(random()) % 4), 1) || \
    substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))))";

/// SQLite's type of a column.
pub(super) fn storage(kind: &Kind) -> &'static str {
    match kind {
        Kind::Integer { .. } | Kind::Serial { .. } | Kind::Boolean => "INTEGER",
        Kind::Real { .. } => "REAL",
        Kind::Numeric { precision: Some(precision), scale } => match scale.unwrap_or(0) {
            0 if *precision <= PRECISION_INTEGER_MAX => "INTEGER",
            1.. if *precision <= PRECISION_REAL_MAX => "REAL",
            _ => "TEXT",
        },
        Kind::Bytes => "BLOB",
        _ => "TEXT",
    }
}

/// How the column compares, where not by its bytes.
fn collation(kind: &Kind) -> Option<&'static str> {
    match kind {
        Kind::CaseInsensitiveText => Some("NOCASE"),
        Kind::Numeric { .. } if storage(kind) == "TEXT" => Some("decimal"),
        _ => None,
    }
}

/// What keeps a column to its kind, over and above its storage.
fn kind_check(column: &Column) -> Option<String> {
    let mut name = String::new();
    write_identifier(&column.name, &mut name);
    match &column.kind {
        Kind::Text { length_max: Some(length) } => Some(format!("length({name}) <= {length}")),
        Kind::Boolean => Some(format!("{name} IN (0, 1)")),
        Kind::Integer { bits: 16 } | Kind::Serial { bits: 16 } => {
            Some(format!("{name} BETWEEN {} AND {}", i16::MIN, i16::MAX))
        }
        Kind::Integer { bits: 32 } | Kind::Serial { bits: 32 } => {
            Some(format!("{name} BETWEEN {} AND {}", i32::MIN, i32::MAX))
        }
        Kind::Enum { values, .. } => {
            let mut list = format!("{name} IN (");
            for (place, value) in values.iter().enumerate() {
                if place > 0 {
                    list.push_str(", ");
                }
                write_text_literal(value, &mut list);
            }
            list.push(')');
            Some(list)
        }
        Kind::Json => Some(format!("json_valid({name})")),
        Kind::Array { .. } => Some(format!("json_valid({name}) AND json_type({name}) = 'array'")),
        _ => None,
    }
}

/// The one serial column that is the whole primary key: SQLite's row number.
fn row_number(table: &Table) -> Option<&str> {
    let [key] = table.primary_key.as_slice() else {
        return None;
    };
    let column = table.column(key)?;
    matches!(column.kind, Kind::Serial { .. }).then_some(column.name.as_str())
}

/// True where SQLite itself numbers the rows.
pub(super) fn is_numbered(table: &Table) -> bool {
    row_number(table).is_some()
}

/// `CREATE TABLE` for `table` under the name `name`. `defers` tells which foreign keys wait for
/// the commit.
pub(super) fn create_table(
    table: &Table,
    name: &str,
    catalog: &Catalog,
    defers: impl Fn(&ForeignKey) -> bool,
) -> Result<String, Unsupported> {
    let mut sql = String::from("CREATE TABLE ");
    write_identifier(name, &mut sql);
    sql.push_str(" (");
    for (place, column) in table.columns.iter().enumerate() {
        sql.push_str(if place == 0 { "\n  " } else { ",\n  " });
        sql.push_str(&column_definition(table, column, catalog)?);
    }
    if !table.primary_key.is_empty() && row_number(table).is_none() {
        sql.push_str(",\n  PRIMARY KEY (");
        write_names(&table.primary_key, &mut sql);
        sql.push(')');
    }
    for check in &table.checks {
        sql.push_str(",\n  CONSTRAINT ");
        write_identifier(&check.name, &mut sql);
        let mut writer = SqlWriter::definition(Dialect::Sqlite, catalog, &table.name);
        writer.expression(&check.condition)?;
        sql.push_str(" CHECK (");
        sql.push_str(&writer.text);
        sql.push(')');
    }
    for key in &table.foreign_keys {
        sql.push_str(",\n  FOREIGN KEY (");
        write_names(&key.columns, &mut sql);
        sql.push_str(") REFERENCES ");
        write_identifier(&key.table, &mut sql);
        sql.push_str(" (");
        write_names(&key.referred, &mut sql);
        sql.push(')');
        write_action(" ON DELETE ", key.on_delete, &mut sql);
        write_action(" ON UPDATE ", key.on_update, &mut sql);
        if defers(key) {
            sql.push_str(" DEFERRABLE INITIALLY DEFERRED");
        }
    }
    sql.push_str("\n) STRICT");
    Ok(sql)
}

/// One column, as it stands in `CREATE TABLE` and in `ADD COLUMN`.
pub(super) fn column_definition(
    table: &Table,
    column: &Column,
    catalog: &Catalog,
) -> Result<String, Unsupported> {
    let mut sql = String::new();
    write_identifier(&column.name, &mut sql);
    sql.push(' ');
    sql.push_str(storage(&column.kind));
    if row_number(table) == Some(column.name.as_str()) {
        // Numbers of removed rows never come back, as with PostgreSQL's sequences.
        sql.push_str(" PRIMARY KEY AUTOINCREMENT");
        return Ok(sql);
    }
    if let Some(collation) = collation(&column.kind) {
        sql.push_str(" COLLATE ");
        sql.push_str(collation);
    }
    if !column.nullable || table.primary_key.contains(&column.name) {
        sql.push_str(" NOT NULL");
    }
    if let Some(expression) = &column.generated {
        let mut writer = SqlWriter::definition(Dialect::Sqlite, catalog, &table.name);
        writer.expression(expression)?;
        sql.push_str(" GENERATED ALWAYS AS (");
        sql.push_str(&writer.text);
        sql.push_str(") STORED");
    } else if let Some(text) = default_text(table, column, catalog)? {
        sql.push_str(" DEFAULT ");
        sql.push_str(&text);
    }
    if let Some(check) = kind_check(column) {
        sql.push_str(" CONSTRAINT ");
        write_identifier(&kind_check_name(&table.name, &column.name), &mut sql);
        sql.push_str(" CHECK (");
        sql.push_str(&check);
        sql.push(')');
    }
    Ok(sql)
}

/// The default as an expression; none where there is none.
pub(super) fn default_text(
    table: &Table,
    column: &Column,
    catalog: &Catalog,
) -> Result<Option<String>, Unsupported> {
    Ok(match &column.default {
        None => None,
        Some(Default::Now) => Some(NOW.to_owned()),
        Some(Default::Today) => Some(TODAY.to_owned()),
        Some(Default::RandomUuid) => Some(RANDOM_UUID.to_owned()),
        Some(Default::Value(value)) => {
            let mut text = String::new();
            let is_text = storage(&column.kind) == "TEXT";
            match value {
                crate::Value::Decimal(digits) if is_text => write_text_literal(digits, &mut text),
                value => crate::sql::write_literal(value, &mut text),
            }
            Some(text)
        }
        Some(Default::Expression(expression)) => {
            let mut writer = SqlWriter::definition(Dialect::Sqlite, catalog, &table.name);
            writer.expression(expression)?;
            Some(format!("({})", writer.text))
        }
    })
}

/// `CREATE UNIQUE INDEX` for a unique key. A unique key is an index of its own, so that it can
/// come and go without the table being rebuilt.
pub(super) fn create_unique_key(
    table: &str,
    key: &UniqueKey,
    catalog: &Catalog,
) -> Result<String, Unsupported> {
    let mut sql = String::from("CREATE UNIQUE INDEX ");
    write_identifier(&key.name, &mut sql);
    sql.push_str(" ON ");
    write_identifier(table, &mut sql);
    sql.push_str(" (");
    write_names(&key.columns, &mut sql);
    sql.push(')');
    sql.push_str(&covering(Dialect::Sqlite, catalog, table, key.condition.as_ref())?);
    Ok(sql)
}

/// `CREATE INDEX`.
pub(super) fn create_index(
    table: &str,
    index: &Index,
    catalog: &Catalog,
) -> Result<String, Unsupported> {
    if !matches!(index.method.as_str(), "" | "btree" | "hash" | "brin") {
        return Err(Unsupported(format!(
            "SQLite has no `{}` index; queries answer alike without it, only slower",
            index.method
        )));
    }
    let mut sql = String::from("CREATE INDEX ");
    write_identifier(&index.name, &mut sql);
    sql.push_str(" ON ");
    write_identifier(table, &mut sql);
    sql.push_str(" (");
    for (place, (part, descends)) in index.parts.iter().enumerate() {
        if place > 0 {
            sql.push_str(", ");
        }
        let mut writer = SqlWriter::definition(Dialect::Sqlite, catalog, table);
        writer.expression(part)?;
        sql.push_str(&writer.text);
        sql.push_str(if *descends { " DESC" } else { "" });
    }
    sql.push(')');
    sql.push_str(&covering(Dialect::Sqlite, catalog, table, index.condition.as_ref())?);
    Ok(sql)
}

fn write_action(before: &str, action: ReferentialAction, sql: &mut String) {
    let words = match action {
        ReferentialAction::NoAction => return,
        ReferentialAction::Restrict => "RESTRICT",
        ReferentialAction::Cascade => "CASCADE",
        ReferentialAction::SetNull => "SET NULL",
        ReferentialAction::SetDefault => "SET DEFAULT",
    };
    sql.push_str(before);
    sql.push_str(words);
}

/// `CREATE VIEW`; the select is SQLite's already.
pub(super) fn create_view(view: &View) -> String {
    let mut sql = String::from("CREATE VIEW ");
    write_identifier(&view.name, &mut sql);
    sql.push_str(" AS ");
    sql.push_str(&view.select);
    sql
}

/// `DROP VIEW`.
pub(super) fn drop_view(name: &str) -> String {
    let mut sql = String::from("DROP VIEW IF EXISTS ");
    write_identifier(name, &mut sql);
    sql
}

/// A column's value in another kind.
pub(super) fn converted(column: &str, from: &Kind, to: &Kind) -> String {
    let mut sql = String::new();
    if from == to || is_kept_alike(from, to) {
        write_identifier(column, &mut sql);
        return sql;
    }
    sql.push_str("convert_kind(");
    for kind in [from, to] {
        write_text_literal(&serde_json::to_string(kind).unwrap_or_default(), &mut sql);
        sql.push_str(", ");
    }
    write_identifier(column, &mut sql);
    sql.push(')');
    sql
}

/// The condition under which a value of `column`, which was of kind `from`, does not fit.
pub(super) fn misfit(former: &str, from: &Kind, column: &Column) -> String {
    let value = converted(former, from, &column.kind);
    if is_kept_alike(from, &column.kind) {
        let as_former = Column { name: former.to_owned(), ..column.clone() };
        let fits = kind_check(&as_former).unwrap_or_else(|| "TRUE".to_owned());
        return format!("NOT ({fits})");
    }
    format!("{value} IS NULL")
}
