//! What was applied last, kept in the database itself, and the history of what was applied.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    plan::Step,
    schema::{Schema, Table, View},
    sql::now_text,
};

/// The tables as they were left, whether the document still has them or not.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Snapshot {
    /// Counts what was applied.
    pub(super) version: u64,
    pub(super) tables: Vec<PhysicalTable>,
    pub(super) views: Vec<View>,
    /// Definitions of tables and indexes by name, as SQLite showed them afterwards: what differs
    /// later was changed from outside.
    #[serde(default)]
    pub(super) objects: BTreeMap<String, String>,
    /// What was reported as not served, so that it is reported once.
    #[serde(default)]
    pub(super) not_served: BTreeSet<String>,
}

/// A table as it is in the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PhysicalTable {
    pub(super) table: Table,
    /// The document no longer has it, and nothing permits to drop it.
    pub(super) is_kept: bool,
    /// Columns that the document no longer has.
    pub(super) kept_columns: BTreeSet<String>,
}

impl Snapshot {
    pub(super) fn table(&self, name: &str) -> Option<&PhysicalTable> {
        self.tables.iter().find(|table| table.table.name == name)
    }

    /// What is served: without what is only kept.
    pub(super) fn schema(&self) -> Schema {
        let tables = self.tables.iter().filter(|table| !table.is_kept);
        Schema {
            tables: tables
                .map(|physical| {
                    let mut table = physical.table.clone();
                    table.columns.retain(|column| !physical.kept_columns.contains(&column.name));
                    table
                })
                .collect(),
            views: self.views.clone(),
            drops: Vec::new(),
        }
    }
}

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS _vitruvius_schema (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      snapshot TEXT NOT NULL CHECK (json_valid(snapshot))
    ) STRICT;
    CREATE TABLE IF NOT EXISTS _vitruvius_history (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      applied_at TEXT NOT NULL,
      document_hash TEXT NOT NULL,
      steps TEXT NOT NULL CHECK (json_valid(steps))
    ) STRICT";

/// The last snapshot; an empty one in a fresh database.
pub(super) fn read(connection: &Connection) -> Result<Snapshot, StoreError> {
    let explain = |error| super::fault::explain(error, &crate::catalog::Catalog::default());
    let exists = connection
        .prepare("SELECT 1 FROM sqlite_schema WHERE name = '_vitruvius_schema'")
        .and_then(|mut statement| statement.exists([]))
        .map_err(explain)?;
    if !exists {
        return Ok(Snapshot::default());
    }
    let text: Option<String> = connection
        .query_row("SELECT snapshot FROM _vitruvius_schema", [], |row| row.get(0))
        .optional()
        .map_err(explain)?;
    text.map_or_else(
        || Ok(Snapshot::default()),
        |text| {
            serde_json::from_str(&text).map_err(|error| {
                StoreError::Fault(format!("`_vitruvius_schema` cannot be read: {error}"))
            })
        },
    )
}

/// Keeps the snapshot and adds to the history, inside the transaction at hand.
pub(super) fn write(
    connection: &Connection,
    snapshot: &mut Snapshot,
    steps: &[Step],
    document_hash: &str,
) -> rusqlite::Result<()> {
    connection.execute_batch(TABLES)?;
    snapshot.version += 1;
    snapshot.objects = objects(connection)?;
    let text = serde_json::to_string(&snapshot)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    connection.execute(
        "INSERT INTO _vitruvius_schema (id, snapshot) VALUES (1, ?1)
         ON CONFLICT (id) DO UPDATE SET snapshot = excluded.snapshot",
        [text],
    )?;
    let steps: Vec<_> = steps
        .iter()
        .map(|step| {
            serde_json::json!({
                "summary": step.summary,
                "class": format!("{:?}", step.class),
                "origin": step.origin,
                "rows": step.rows,
                "sql": step.sql,
            })
        })
        .collect();
    connection.execute(
        "INSERT INTO _vitruvius_history (applied_at, document_hash, steps) VALUES (?1, ?2, ?3)",
        [now_text(), document_hash.to_owned(), serde_json::Value::from(steps).to_string()],
    )?;
    Ok(())
}

/// Tables, indexes and triggers that are not SQLite's or the store's own, with their definitions.
pub(super) fn objects(connection: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    connection
        .prepare(
            "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND type <> 'view'
             AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
             AND tbl_name NOT IN ('_vitruvius_schema', '_vitruvius_history')",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
