//! A file that no document made, described from its own catalog. SQLite's types say little, so
//! what is stored decides.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use super::{
    Sqlite,
    connection::{self, Access},
    fault,
};
use crate::{
    Kind, StoreError,
    catalog::Catalog,
    description::{
        DescribedColumn, DescribedTable, Description, Reference, name_in_sql, names_in_sql,
    },
    sql::write_identifier,
};

impl Sqlite {
    pub(crate) async fn describe(&self) -> Result<Description, StoreError> {
        self.read(|connection, _| {
            describe(connection).map_err(|error| fault::explain(error, &Catalog::default()))
        })
        .await
    }
}

/// The same of any file, which is only read.
pub(crate) fn of_file(path: &std::path::Path) -> Result<Description, StoreError> {
    if !path.is_file() {
        return Err(StoreError::Unavailable(format!("{}: there is no such file", path.display())));
    }
    connection::open(path, Access::Read)
        .and_then(|connection| describe(&connection))
        .map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))
}

fn describe(connection: &Connection) -> rusqlite::Result<Description> {
    let mut description = Description::default();
    let objects: Vec<(String, String, String)> = connection
        .prepare(
            "SELECT type, name, coalesce(sql, '') FROM sqlite_schema
             WHERE type IN ('table', 'view', 'trigger')
             AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_vitruvius\\_%' ESCAPE '\\'
             ORDER BY rowid",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (kind, name, sql) in objects {
        match kind.as_str() {
            "table" if sql.to_ascii_uppercase().starts_with("CREATE VIRTUAL") => {
                description.left_out.push(format!("table `{name}`: it is virtual"));
            }
            "table" => description.tables.push(table(connection, &name)?),
            "view" => match select_of(&sql) {
                Some(select) => description.views.push((name, select.to_owned())),
                None => description.left_out.push(format!("view `{name}`")),
            },
            _ => description.left_out.push(format!("trigger `{name}`")),
        }
    }
    description.keep_what_can_be_said();
    Ok(description)
}

/// Columns of unique keys that stand in the table's own definition, where SQLite gives them no
/// name.
fn own_keys(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Vec<String>>> {
    let indexes: Vec<String> = connection
        .prepare("SELECT name FROM pragma_index_list(?1) WHERE origin = 'u' ORDER BY seq DESC")?
        .query_map([table], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut statement =
        connection.prepare("SELECT name FROM pragma_index_info(?1) ORDER BY seqno")?;
    indexes.iter().map(|index| statement.query_map([index], |row| row.get(0))?.collect()).collect()
}

/// The names that a document gives to such keys.
pub(super) fn own_key_names(
    connection: &Connection,
    table: &str,
) -> rusqlite::Result<BTreeSet<String>> {
    let keys = own_keys(connection, table)?;
    Ok(keys.iter().map(|columns| format!("{table}_{}_key", columns.join("_"))).collect())
}

/// What a view's text says after AS.
pub(super) fn select_of(sql: &str) -> Option<&str> {
    let lower = sql.to_ascii_lowercase();
    let place = lower.match_indices("as").map(|(place, _)| place).find(|place| {
        let is_space = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_whitespace);
        is_space(lower.as_bytes().get(place.wrapping_sub(1)))
            && is_space(lower.as_bytes().get(place + 2))
    })?;
    sql.get(place + 2..).map(str::trim)
}

fn table(connection: &Connection, name: &str) -> rusqlite::Result<DescribedTable> {
    let mut quoted = String::new();
    write_identifier(name, &mut quoted);
    let rows: i64 =
        connection.query_row(&format!("SELECT count(*) FROM {quoted}"), [], |row| row.get(0))?;
    let mut table = DescribedTable {
        name: name.to_owned(),
        rows: u64::try_from(rows).unwrap_or(0),
        ..DescribedTable::default()
    };
    columns(connection, name, &quoted, &mut table)?;
    if !table.primary_key.is_empty() {
        table.constraints.push(format!("PRIMARY KEY ({})", names_in_sql(&table.primary_key)));
    }
    for columns in own_keys(connection, name)? {
        table.constraints.push(format!("UNIQUE ({})", names_in_sql(&columns)));
    }
    foreign_keys(connection, name, &mut table)?;
    table.indexes = connection
        .prepare(
            "SELECT s.sql FROM pragma_index_list(?1) AS l
             JOIN sqlite_schema AS s ON s.name = l.name WHERE s.sql IS NOT NULL ORDER BY l.name",
        )?
        .query_map([name], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(table)
}

fn columns(
    connection: &Connection,
    name: &str,
    quoted: &str,
    table: &mut DescribedTable,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1)
         ORDER BY cid",
    )?;
    let mut found = statement.query([name])?;
    let mut keys = Vec::new();
    while let Some(row) = found.next()? {
        let (column, declared): (String, String) = (row.get(0)?, row.get(1)?);
        let (place, hidden): (i64, i64) = (row.get(4)?, row.get(5)?);
        let kind = kind(connection, quoted, &column, &declared)?;
        let is_whole = matches!(kind, Kind::Integer { .. });
        let default: Option<String> = row.get(3)?;
        table.columns.push(DescribedColumn {
            native: kind.to_string(),
            is_required: row.get::<_, bool>(2)? || place > 0,
            default: default.filter(|_| hidden == 0).and_then(|text| portable(&text, &kind)),
            generated: None,
            name: column.clone(),
        });
        if place > 0 {
            keys.push((place, column, is_whole));
        }
    }
    keys.sort();
    // The one whole number that is the key is counted up by SQLite itself.
    if let [(_, key, true)] = keys.as_slice()
        && let Some(own) = table.columns.iter_mut().find(|own| own.name == *key)
    {
        own.native = Kind::Serial { bits: 64 }.to_string();
    }
    table.primary_key = keys.into_iter().map(|(_, name, _)| name).collect();
    Ok(())
}

/// A default in words that PostgreSQL has too; others stay SQLite's own affair.
fn portable(default: &str, kind: &Kind) -> Option<String> {
    let lower = default.to_ascii_lowercase();
    let is_quoted = lower.starts_with('\'') && lower.ends_with('\'') && lower.len() > 1;
    let is_constant = is_quoted || matches!(lower.as_str(), "true" | "false" | "null");
    match kind {
        Kind::Boolean if lower == "1" => Some("true".to_owned()),
        Kind::Boolean if lower == "0" => Some("false".to_owned()),
        Kind::Timestamp { .. } if lower.contains("now") || lower == "current_timestamp" => {
            Some("now()".to_owned())
        }
        _ if is_constant || lower.parse::<f64>().is_ok() => Some(default.to_owned()),
        _ => None,
    }
}

/// What a column holds: what its type says, where everything that is stored reads as such.
pub(super) fn kind(
    connection: &Connection,
    table: &str,
    column: &str,
    declared: &str,
) -> rusqlite::Result<Kind> {
    let upper = declared.to_ascii_uppercase();
    let base = upper.split('(').next().unwrap_or_default().trim();
    let stored = stored(connection, table, column)?;
    let is_only = |kind: &str| stored.iter().all(|own| own == kind || own == "null");
    let is_number = stored.iter().all(|own| matches!(own.as_str(), "integer" | "real" | "null"));
    let wanted = match base {
        "BOOLEAN" | "BOOL" if is_only("integer") => Kind::Boolean,
        _ if base.contains("INT") && is_only("integer") => Kind::Integer { bits: 64 },
        "REAL" | "DOUBLE" | "DOUBLE PRECISION" | "FLOAT" if is_only("real") => {
            Kind::Real { bits: 64 }
        }
        "NUMERIC" | "DECIMAL" if is_number => decimal(&upper),
        "BLOB" if is_only("blob") => Kind::Bytes,
        "DATETIME" | "TIMESTAMP" | "TIMESTAMPTZ" => Kind::Timestamp { zoned: true },
        "DATE" => Kind::Date,
        "UUID" => Kind::Uuid,
        "JSON" | "JSONB" => Kind::Json,
        _ => Kind::Text { length_max: None },
    };
    let is_text = matches!(wanted, Kind::Timestamp { .. } | Kind::Date | Kind::Uuid | Kind::Json);
    if is_text && !reads_alike(connection, table, column, &wanted)? {
        return Ok(Kind::Text { length_max: None });
    }
    Ok(wanted)
}

/// A decimal of so many digits as a double keeps exactly; a double where nothing is said.
fn decimal(declared: &str) -> Kind {
    let inside = declared.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let mut digits = inside.map_or("", |(inside, _)| inside).split(',').map(str::trim);
    let precision = digits.next().and_then(|text| text.parse::<u16>().ok());
    let scale = digits.next().and_then(|text| text.parse::<u16>().ok());
    match (precision, scale) {
        (Some(1..=15), Some(1..)) => Kind::Numeric { precision, scale },
        _ => Kind::Real { bits: 64 },
    }
}

/// In which forms values are stored.
fn stored(
    connection: &Connection,
    table: &str,
    column: &str,
) -> rusqlite::Result<BTreeSet<String>> {
    let mut quoted = String::new();
    write_identifier(column, &mut quoted);
    connection
        .prepare(&format!("SELECT DISTINCT typeof({quoted}) FROM {table}"))?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// True where every value is written as the store itself would write it.
fn reads_alike(
    connection: &Connection,
    table: &str,
    column: &str,
    kind: &Kind,
) -> rusqlite::Result<bool> {
    let mut quoted = String::new();
    write_identifier(column, &mut quoted);
    let sql = format!("SELECT {quoted} FROM {table} WHERE {quoted} IS NOT NULL");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let Ok(text) = row.get::<_, String>(0) else {
            return Ok(false);
        };
        if kind.parse_text(&text).map(|value| value.to_string()).as_deref() != Ok(text.as_str()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A foreign key on its way.
#[derive(Default)]
struct Key {
    columns: Vec<String>,
    referred: Vec<String>,
    parent: String,
    /// On delete and on update.
    actions: [String; 2],
}

fn foreign_keys(
    connection: &Connection,
    name: &str,
    table: &mut DescribedTable,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "SELECT id, \"from\", \"table\", \"to\", on_delete, on_update
         FROM pragma_foreign_key_list(?1) ORDER BY id, seq",
    )?;
    let mut rows = statement.query([name])?;
    let mut keys: BTreeMap<i64, Key> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let key = keys.entry(row.get(0)?).or_default();
        key.columns.push(row.get(1)?);
        key.referred.extend(row.get::<_, Option<String>>(3)?);
        key.parent = row.get(2)?;
        key.actions = [row.get(4)?, row.get(5)?];
    }
    for Key { columns, referred, parent, actions: [on_delete, on_update] } in keys.into_values() {
        let mut words =
            format!("FOREIGN KEY ({}) REFERENCES {}", names_in_sql(&columns), name_in_sql(&parent));
        if !referred.is_empty() {
            words.push_str(&format!(" ({})", names_in_sql(&referred)));
        }
        for (before, action) in [(" ON DELETE ", on_delete), (" ON UPDATE ", on_update)] {
            if action != "NO ACTION" {
                words.push_str(before);
                words.push_str(&action);
            }
        }
        let is_required = columns.iter().all(|name| {
            table.columns.iter().any(|column| column.name == *name && column.is_required)
        });
        let is_unique = table.primary_key == columns;
        table.references.push(Reference {
            constraint: words,
            columns,
            table: parent,
            is_unique,
            is_required,
        });
    }
    Ok(())
}
