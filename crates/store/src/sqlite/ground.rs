//! SQLite as a comparison sees it: what its rows say, and how it writes what it is asked.

use rusqlite::Connection;

use super::{define, fault};
use crate::{
    Kind, StoreError,
    catalog::Catalog,
    change::{Ground, measure::Measure},
    schema::{Column, Table},
    sql::{Dialect, Unsupported},
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

    fn added_columns(&self, table: &Table) -> Result<Option<Vec<Column>>, StoreError> {
        self.look(added_columns(self.0, table))
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
        let kind = match storage.to_ascii_uppercase().as_str() {
            "INTEGER" | "INT" => Kind::Integer { bits: 64 },
            "REAL" => Kind::Real { bits: 64 },
            "BLOB" => Kind::Bytes,
            _ => Kind::Text { length_max: None },
        };
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
