//! The steps of one write on the writer's connection.

use rusqlite::Connection;

use super::{bind::bind_all, connection, fault, probe, show::RowPlan};
use crate::{
    StoreError,
    catalog::Catalog,
    query::{Outcome, Output, Step},
    sql::{self, Dialect, SqlWriter},
};

/// Runs all steps inside the transaction at hand. On an error nothing of them remains.
pub(super) fn run(
    connection: &Connection,
    catalog: &Catalog,
    steps: &[Step],
) -> Result<Vec<Outcome>, StoreError> {
    if !needs_savepoint(steps) {
        return run_all(connection, catalog, steps);
    }
    let fault = |error| fault::explain(error, catalog);
    connection::execute(connection, "SAVEPOINT write").map_err(fault)?;
    let result = run_all(connection, catalog, steps);
    let end = if result.is_ok() { "RELEASE write" } else { "ROLLBACK TO write; RELEASE write" };
    // Where the whole transaction is gone already there is no savepoint to go back to.
    if !connection.is_autocommit() {
        connection.execute_batch(end).map_err(fault)?;
    }
    result
}

/// A single statement undoes itself; a second one may have to undo the first.
fn needs_savepoint(steps: &[Step]) -> bool {
    let first_write = steps.iter().position(|step| !matches!(step, Step::Require { .. }));
    first_write.is_some_and(|first| first + 1 < steps.len())
}

fn run_all(
    connection: &Connection,
    catalog: &Catalog,
    steps: &[Step],
) -> Result<Vec<Outcome>, StoreError> {
    steps.iter().map(|step| run_step(connection, catalog, step)).collect()
}

fn run_step(
    connection: &Connection,
    catalog: &Catalog,
    step: &Step,
) -> Result<Outcome, StoreError> {
    let mut writer = SqlWriter::new(Dialect::Sqlite, catalog);
    let returning: &[Output] = match step {
        Step::Insert { table, values, returning } => {
            sql::write_insert(&mut writer, table, values, returning);
            returning
        }
        Step::Update { table, set, condition, returning } => {
            sql::write_update(&mut writer, table, set, condition, returning)
                .map_err(fault::unsupported)?;
            returning
        }
        Step::Delete { table, condition, returning } => {
            sql::write_delete(&mut writer, table, condition, returning)
                .map_err(fault::unsupported)?;
            returning
        }
        Step::Require { table, condition, .. } => {
            sql::write_require(&mut writer, table, condition).map_err(fault::unsupported)?;
            &[]
        }
    };
    let explained = |error| {
        let error = fault::explain(error, catalog);
        probe::foreign_key(connection, catalog, step, error)
    };
    if let Step::Require { exists, refusal, .. } = step {
        let is_there = exists_row(connection, &writer).map_err(explained)?;
        return if is_there == *exists {
            Ok(Outcome::default())
        } else {
            Err(StoreError::Refused { refusal: *refusal })
        };
    }
    change(connection, &writer, returning).map_err(explained)
}

fn exists_row(connection: &Connection, writer: &SqlWriter<'_>) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached(&writer.text)?;
    bind_all(&mut statement, &writer.parameters)?;
    let mut rows = statement.raw_query();
    Ok(rows.next()?.is_some())
}

fn change(
    connection: &Connection,
    writer: &SqlWriter<'_>,
    returning: &[Output],
) -> rusqlite::Result<Outcome> {
    let mut statement = connection.prepare_cached(&writer.text)?;
    bind_all(&mut statement, &writer.parameters)?;
    let mut outcome = Outcome::default();
    if returning.is_empty() {
        outcome.affected = statement.raw_execute()? as u64;
        return Ok(outcome);
    }
    let plan = RowPlan::of(returning);
    // Stepped to its end: a statement left open would keep the log from being moved.
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        if outcome.affected > 0 {
            outcome.rows.json.push(b',');
        }
        plan.write(row, &mut outcome.rows.json)?;
        outcome.rows.json.push(b'}');
        outcome.rows.ends.push(outcome.rows.json.len());
        outcome.affected += 1;
    }
    Ok(outcome)
}
