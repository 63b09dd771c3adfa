//! SQLite as a comparison sees it: what its rows say, and how it writes what it is asked.

use rusqlite::{Connection, OptionalExtension};

use super::{define, describe, exclusion, fault, translate};
use crate::{
    Kind, StoreError,
    catalog::Catalog,
    change::{
        Ground,
        adopt::{Found, FoundColumn, adopt, is_same_sql},
        ledger::PhysicalTable,
        measure::Measure,
    },
    schema::{Column, Exclusion, Table, View},
    sql::{Dialect, Unsupported, write_identifier},
};

/// One connection to the file.
pub(super) struct OnFile<'a>(pub(super) &'a Connection);

impl OnFile<'_> {
    fn look<T>(&self, result: rusqlite::Result<T>) -> Result<T, StoreError> {
        result.map_err(|error| fault::explain(error, &Catalog::default()))
    }
}

impl Ground for OnFile<'_> {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn count(&self, sql: &str) -> Result<u64, StoreError> {
        let count: i64 = self.look(self.0.query_row(sql, [], |row| row.get(0)))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    fn default_text(
        &self,
        table: &Table,
        column: &Column,
        catalog: &Catalog,
    ) -> Result<Option<String>, Unsupported> {
        define::default_text(table, column, catalog)
    }

    fn converted(&self, column: &str, from: &Kind, to: &Kind) -> String {
        define::converted(column, from, to)
    }

    fn misfits(
        &self,
        table: &str,
        column: &str,
        from: &Kind,
        to: &Column,
    ) -> Result<u64, StoreError> {
        Measure(self).where_present(table, column, &define::misfit(column, from, to))
    }

    fn conflict(&self, table: &Table, exclusion: &Exclusion) -> Result<String, Unsupported> {
        exclusion::conflict(table, exclusion, "one", "other")
    }

    fn added_columns(&self, table: &Table) -> Result<Option<Vec<Column>>, StoreError> {
        self.look(added_columns(self.0, table))
    }

    fn adopted(&self, table: &Table) -> Result<Result<PhysicalTable, Vec<String>>, StoreError> {
        let found = self.look(found(self.0, &table.name))?;
        Ok(adopt(&found, table, |own, kind| define::storage(&own.kind) == define::storage(kind)))
    }

    fn has_view(&self, view: &View, catalog: &Catalog) -> Result<Option<bool>, StoreError> {
        let sql: Option<String> = self.look(
            self.0
                .prepare("SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = ?1")
                .and_then(|mut it| it.query_row([&view.name], |row| row.get(0)).optional()),
        )?;
        Ok(sql.map(|sql| {
            let select = describe::select_of(&sql).unwrap_or_default();
            let translated = translate::select(select, catalog).unwrap_or_default();
            is_same_sql(select, &view.select) || is_same_sql(&translated, &view.select)
        }))
    }
}

/// A table as the file shows it. Checks stand nowhere but in its text.
fn found(connection: &Connection, table: &str) -> rusqlite::Result<Found> {
    let mut found = Found::default();
    let mut quoted = String::new();
    write_identifier(table, &mut quoted);
    let mut keys: Vec<(i64, String)> = Vec::new();
    let mut statement = connection.prepare(
        "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_xinfo(?1) ORDER BY cid",
    )?;
    let mut rows = statement.query([table])?;
    while let Some(row) = rows.next()? {
        let (name, place): (String, i64) = (row.get(0)?, row.get(4)?);
        let kind = describe::kind(connection, &quoted, &name, &row.get::<_, String>(1)?)?;
        // A whole number that is the key is the row's own number, which SQLite hands out.
        let has_default = row.get::<_, Option<String>>(3)?.is_some();
        let is_required = row.get::<_, bool>(2)? || place > 0;
        found.columns.push(FoundColumn { name: name.clone(), kind, is_required, has_default });
        if place > 0 {
            keys.push((place, name));
        }
    }
    keys.sort();
    found.primary_key = keys.into_iter().map(|(_, name)| name).collect();
    found.indexes = names(connection, table, "SELECT name FROM pragma_index_list(?1)")?;
    found.indexes.extend(describe::own_key_names(connection, table)?);
    let mut statement = connection.prepare(
        "SELECT id, \"from\", \"table\" FROM pragma_foreign_key_list(?1) ORDER BY id, seq",
    )?;
    let mut rows = statement.query([table])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        if last != Some(id) {
            found.foreign_keys.push((Vec::new(), row.get(2)?));
            last = Some(id);
        }
        if let Some((columns, _)) = found.foreign_keys.last_mut() {
            columns.push(row.get(1)?);
        }
    }
    Ok(found)
}

fn names(
    connection: &Connection,
    table: &str,
    sql: &str,
) -> rusqlite::Result<std::collections::BTreeSet<String>> {
    connection.prepare(sql)?.query_map([table], |row| row.get(0))?.collect()
}

/// What a declared type says of the form in which values are stored.
fn kind_of(declared: &str) -> Kind {
    match declared.to_ascii_uppercase().as_str() {
        "INTEGER" | "INT" | "BIGINT" => Kind::Integer { bits: 64 },
        "REAL" | "DOUBLE" | "FLOAT" => Kind::Real { bits: 64 },
        "BLOB" => Kind::Bytes,
        _ => Kind::Text { length_max: None },
    }
}

fn added_columns(connection: &Connection, table: &Table) -> rusqlite::Result<Option<Vec<Column>>> {
    let mut statement = connection
        .prepare("SELECT name, type, \"notnull\", dflt_value FROM pragma_table_xinfo(?1)")?;
    let found: Vec<(String, String, bool, Option<String>)> = statement
        .query_map([&table.name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let is_there = |name: &String| found.iter().any(|(own, ..)| own == name);
    if !table.columns.iter().all(|column| is_there(&column.name)) {
        return Ok(None);
    }
    let mut added = Vec::new();
    for (name, storage, is_required, default) in found {
        if table.column(&name).is_some() {
            continue;
        }
        if is_required && default.is_none() {
            return Ok(None);
        }
        let kind = kind_of(&storage);
        added.push(Column {
            name,
            kind,
            nullable: true,
            default: None,
            generated: None,
            renamed_from: None,
            origin: String::new(),
        });
    }
    Ok(Some(added))
}
