//! What was applied last and how it is kept, the same text in every store.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    plan::Step,
    schema::{Schema, Table, View},
};

/// Keeps what was applied last.
pub(crate) const SCHEMA_TABLE: &str = "_vitruvius_schema";
/// Keeps what was done when, for which document.
pub(crate) const HISTORY_TABLE: &str = "_vitruvius_history";

/// The tables as they were left, whether the document still has them or not.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// Counts what was applied.
    pub(crate) version: u64,
    pub(crate) tables: Vec<PhysicalTable>,
    pub(crate) views: Vec<View>,
    /// Definitions of tables and indexes by name, as the database showed them afterwards: what
    /// differs later was changed from outside.
    #[serde(default)]
    pub(crate) objects: BTreeMap<String, String>,
    /// What was reported as not served, so that it is reported once.
    #[serde(default)]
    pub(crate) not_served: BTreeSet<String>,
    /// Of the schema that was asked for.
    #[serde(default)]
    pub(crate) wish_fingerprint: String,
}

/// Tells apart what is asked for. Another version may take the same schema differently.
pub(crate) fn wish_fingerprint(schema: &Schema) -> String {
    format!("{} {}", env!("CARGO_PKG_VERSION"), schema.fingerprint())
}

/// A table as it is in the database.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PhysicalTable {
    pub(crate) table: Table,
    /// The document no longer has it, and nothing permits to drop it.
    pub(crate) is_kept: bool,
    /// Columns that the document no longer has.
    pub(crate) kept_columns: BTreeSet<String>,
}

impl Snapshot {
    pub(crate) fn table(&self, name: &str) -> Option<&PhysicalTable> {
        self.tables.iter().find(|table| table.table.name == name)
    }

    /// What is served: without what is only kept.
    pub(crate) fn schema(&self) -> Schema {
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

    /// What is served, where it is what is wished for now and the store took all of it: trying it again
    /// would give the same.
    pub(crate) fn accepted(&self, wished: &Schema, fingerprint: &str) -> Option<Schema> {
        let is_it = self.not_served.is_empty() && self.wish_fingerprint == fingerprint;
        is_it.then(|| Schema { drops: wished.drops.clone(), ..self.schema() })
    }

    /// What the document no longer has, in words.
    pub(crate) fn left_behind(&self) -> Vec<String> {
        let mut left = Vec::new();
        for physical in &self.tables {
            let table = &physical.table.name;
            if physical.is_kept {
                left.push(format!("table {table}"));
            }
            let columns = physical.kept_columns.iter().filter(|_| !physical.is_kept);
            left.extend(columns.map(|column| format!("column {table}.{column}")));
        }
        left
    }

    /// Reads what [`Snapshot::text`] wrote; an empty one where nothing was applied yet.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, StoreError> {
        text.map_or_else(
            || Ok(Snapshot::default()),
            |text| {
                serde_json::from_str(text).map_err(|error| {
                    StoreError::Fault(format!("`{SCHEMA_TABLE}` cannot be read: {error}"))
                })
            },
        )
    }

    /// The text in which a snapshot is kept.
    pub(crate) fn text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

/// Steps as the history keeps them.
pub(crate) fn history_text(steps: &[Step]) -> String {
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
    serde_json::Value::from(steps).to_string()
}
