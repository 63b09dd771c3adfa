//! What was applied last, kept in the database itself, and the history of what was applied.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};

use crate::{
    StoreError,
    change::ledger::{Snapshot, history_text},
    plan::Step,
    sql::now_text,
};

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
    Snapshot::parse(text.as_deref())
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
    let text = snapshot
        .text()
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    connection.execute(
        "INSERT INTO _vitruvius_schema (id, snapshot) VALUES (1, ?1)
         ON CONFLICT (id) DO UPDATE SET snapshot = excluded.snapshot",
        [text],
    )?;
    connection.execute(
        "INSERT INTO _vitruvius_history (applied_at, document_hash, steps) VALUES (?1, ?2, ?3)",
        [now_text(), document_hash.to_owned(), history_text(steps)],
    )?;
    Ok(())
}

/// Tables, indexes and triggers that are not SQLite's or the store's own, with their definitions.
pub(super) fn objects(connection: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    connection
        .prepare(
            "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND type <> 'view'
             AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
             AND tbl_name NOT IN ('_vitruvius_schema', '_vitruvius_history', '_vitruvius_copy')",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
