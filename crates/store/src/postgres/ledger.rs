//! What was applied last and what was done when, kept beside the tables.

use tokio_postgres::Client;

use super::{talk::Talk, there::There};
use crate::{
    StoreError,
    change::ledger::{Snapshot, history_text},
    plan::Step,
    schema::Schema,
};

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS _vitruvius_schema (
      id integer PRIMARY KEY CHECK (id = 1),
      snapshot text NOT NULL
    );
    CREATE TABLE IF NOT EXISTS _vitruvius_history (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      applied_at timestamptz NOT NULL DEFAULT now(),
      document_hash text NOT NULL,
      steps text NOT NULL
    )";
const EXISTS: &str = "
    SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_tables
      WHERE schemaname = current_schema() AND tablename = '_vitruvius_schema')";
const SNAPSHOT: &str = "SELECT snapshot FROM _vitruvius_schema WHERE id = 1";

/// The schema that was served last; an empty one where nothing was applied yet.
pub(super) async fn served(client: &Client) -> Result<Schema, StoreError> {
    let fault = |error: tokio_postgres::Error| StoreError::Unavailable(error.to_string());
    let exists: bool = client.query_one(EXISTS, &[]).await.map_err(fault)?.get(0);
    if !exists {
        return Ok(Schema::default());
    }
    let row = client.query_opt(SNAPSHOT, &[]).await.map_err(fault)?;
    Ok(Snapshot::parse(row.as_ref().map(|row| row.get(0)))?.schema())
}

/// The last snapshot; an empty one in a fresh database.
pub(super) fn read(talk: &Talk) -> Result<Snapshot, StoreError> {
    let exists = talk.rows(EXISTS, &[])?;
    if !exists.first().is_some_and(|row| row.get(0)) {
        return Ok(Snapshot::default());
    }
    let rows = talk.rows(SNAPSHOT, &[])?;
    Snapshot::parse(rows.first().map(|row| row.get(0)))
}

/// Keeps the snapshot and adds to the history, inside the transaction at hand.
pub(super) fn write(
    talk: &Talk,
    snapshot: &mut Snapshot,
    steps: &[Step],
    document_hash: &str,
) -> Result<(), StoreError> {
    talk.settle(TABLES)?;
    snapshot.version += 1;
    snapshot.objects = There::read(talk)?.objects();
    // What nobody's document mentions is nobody's business.
    snapshot.objects.retain(|name, _| {
        snapshot.tables.iter().any(|table| super::names::kept(&table.table.name) == name.as_str())
    });
    let text = snapshot.text().map_err(|error| StoreError::Fault(error.to_string()))?;
    talk.change(
        "INSERT INTO _vitruvius_schema (id, snapshot) VALUES (1, $1)
         ON CONFLICT (id) DO UPDATE SET snapshot = excluded.snapshot",
        &[&text],
    )?;
    talk.change(
        "INSERT INTO _vitruvius_history (document_hash, steps) VALUES ($1, $2)",
        &[&document_hash, &history_text(steps)],
    )
}
