//! Which foreign key was violated: SQLite does not say, so it is looked up in the same transaction.

use std::borrow::Cow;

use rusqlite::Connection;

use super::bind::bind_all;
use crate::{
    Expression, StoreError, Value,
    catalog::{Catalog, TableEntry},
    query::Step,
    schema::{ForeignKey, ReferentialAction},
    sql::{Dialect, SqlWriter},
};

/// The same for a key that is checked at the commit, over all steps.
pub(super) fn deferred_key(
    connection: &Connection,
    catalog: &Catalog,
    steps: &[Step],
    error: StoreError,
) -> StoreError {
    steps.iter().fold(error, |error, step| match &error {
        StoreError::ForeignKey { columns, .. } if columns.is_empty() => {
            foreign_key(connection, catalog, step, error)
        }
        _ => error,
    })
}

/// Completes a foreign key's error with its table and columns; other errors pass.
pub(super) fn foreign_key(
    connection: &Connection,
    catalog: &Catalog,
    step: &Step,
    error: StoreError,
) -> StoreError {
    if !matches!(error, StoreError::ForeignKey { .. }) {
        return error;
    }
    let (table, given, condition) = match step {
        Step::Insert { table, values, .. } => {
            let given = values.iter().map(|(name, value)| (name.as_ref(), value)).collect();
            (table, given, None)
        }
        Step::Update { table, set, condition, .. } => {
            let constants = set.iter().filter_map(|(name, expression)| match expression {
                Expression::Value(value) => Some((name.as_ref(), value)),
                _ => None,
            });
            (table, constants.collect(), Some(condition))
        }
        Step::Delete { table, condition, .. } => (table, Vec::new(), Some(condition)),
        Step::Require { table, .. } => (table, Vec::new(), None),
    };
    let fallback =
        |missing| StoreError::ForeignKey { table: table.to_string(), columns: Vec::new(), missing };
    let Some(entry) = catalog.table(table) else {
        return fallback(false);
    };
    if let Some(key) = missing_parent(connection, catalog, entry, &given) {
        return StoreError::ForeignKey {
            table: table.to_string(),
            columns: key.columns.clone(),
            missing: true,
        };
    }
    let removes = matches!(step, Step::Delete { .. });
    let referring =
        condition.and_then(|it| referring_child(connection, catalog, entry, it, removes));
    match referring {
        Some((child, key)) => StoreError::ForeignKey {
            table: child.clone(),
            columns: key.columns.clone(),
            missing: false,
        },
        None => fallback(!given.is_empty()),
    }
}

/// The first foreign key whose values are given and refer to no row.
fn missing_parent<'k>(
    connection: &Connection,
    catalog: &Catalog,
    entry: &'k TableEntry,
    given: &[(&str, &Value)],
) -> Option<&'k ForeignKey> {
    let value_of =
        |column: &str| given.iter().find(|(name, _)| *name == column).map(|(_, value)| *value);
    entry.foreign_keys.iter().find(|key| {
        let values: Option<Vec<_>> = key.columns.iter().map(|name| value_of(name)).collect();
        let Some(values) = values.filter(|values| values.iter().all(|value| !value.is_null()))
        else {
            return false;
        };
        let mut writer = SqlWriter::new(Dialect::Sqlite, catalog);
        writer.text.push_str("SELECT 1 FROM ");
        writer.identifier(&key.table);
        for (place, (column, value)) in key.referred.iter().zip(values).enumerate() {
            writer.text.push_str(if place == 0 { " WHERE " } else { " AND " });
            writer.identifier(column);
            writer.text.push_str(" = ");
            writer.value(Cow::Borrowed(value));
        }
        finds(connection, &writer) == Some(false)
    })
}

/// The first table with rows that still refer to those of `condition`.
fn referring_child<'k>(
    connection: &Connection,
    catalog: &Catalog,
    entry: &'k TableEntry,
    condition: &Expression,
    removes: bool,
) -> Option<&'k (String, ForeignKey)> {
    let restricting = entry.referring.iter().filter(|(_, key)| {
        let action = if removes { key.on_delete } else { key.on_update };
        matches!(action, ReferentialAction::NoAction | ReferentialAction::Restrict)
    });
    restricting.into_iter().find(|(child, key)| {
        let mut writer = SqlWriter::new(Dialect::Sqlite, catalog);
        writer.text.push_str("SELECT 1 FROM ");
        writer.identifier(child);
        writer.text.push_str(" WHERE (");
        writer.identifiers(&key.columns);
        writer.text.push_str(") IN (");
        let written = writer.keys_of(&entry.name, &key.referred, condition);
        writer.text.push(')');
        written.is_ok() && finds(connection, &writer) == Some(true)
    })
}

/// Whether the statement finds a row; none where it cannot be run.
fn finds(connection: &Connection, writer: &SqlWriter<'_>) -> Option<bool> {
    let mut statement = connection.prepare(&writer.text).ok()?;
    bind_all(&mut statement, &writer.parameters).ok()?;
    let mut rows = statement.raw_query();
    rows.next().ok().map(|row| row.is_some())
}
