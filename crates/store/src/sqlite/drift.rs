//! What was changed in the file from outside since the last apply: reported, never overwritten.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::{ledger::Snapshot, measure::counted};
use crate::{
    Kind,
    plan::{Class, Step},
    schema::{Column, Schema, Table},
};

/// Steps that say what drifted. Columns that were added from outside are taken into the snapshot,
/// as columns that are kept.
pub(super) fn look(
    connection: &Connection,
    snapshot: &mut Snapshot,
    wished: &Schema,
    actual: &BTreeMap<String, String>,
) -> rusqlite::Result<Vec<Step>> {
    let mut steps = Vec::new();
    for physical in &mut snapshot.tables {
        let name = physical.table.name.clone();
        let Some(now) = actual.get(&name) else {
            if !physical.is_kept {
                let needs = "bring it back from a backup, or drop it in the document too";
                let summary = format!("drift: table {name} was removed from outside");
                steps.push(step(Class::Blocked, summary, &physical.table, Some(needs.into())));
            }
            continue;
        };
        if snapshot.objects.get(&name) == Some(now) {
            continue;
        }
        match added_columns(connection, &physical.table)? {
            Some(added) if !added.is_empty() => {
                for column in added {
                    let rows = counted(super::measure::Measure(connection).rows(&name)?);
                    let summary = format!(
                        "kept: column {name}.{} was added from outside; it stays ({rows} rows)",
                        column.name
                    );
                    steps.push(step(Class::Safe, summary, &physical.table, None));
                    physical.kept_columns.insert(column.name.clone());
                    physical.table.columns.push(column);
                }
            }
            _ => {
                let recorded = snapshot.objects.get(&name).cloned().unwrap_or_default();
                let needs = format!(
                    "bring back its definition, which was: {}",
                    recorded.split_whitespace().collect::<Vec<_>>().join(" ")
                );
                let summary = format!("drift: table {name} was changed from outside");
                steps.push(step(Class::Blocked, summary, &physical.table, Some(needs)));
            }
        }
    }
    for table in &wished.tables {
        if snapshot.table(&table.name).is_none() && actual.contains_key(&table.name) {
            let needs = "rename it, or the table of the document: what is there is not overwritten";
            let summary = format!("drift: a table {} is there that no document made", table.name);
            steps.push(step(Class::Blocked, summary, table, Some(needs.into())));
        }
    }
    Ok(steps)
}

fn step(class: Class, summary: String, table: &Table, needs: Option<String>) -> Step {
    Step { summary, sql: Vec::new(), origin: table.origin.clone(), class, rows: None, needs }
}

/// Columns that are there beyond the known ones, where nothing else changed that matters; none
/// where a known one is gone or a new one would refuse our rows.
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
