//! A plan made true: one process at a time, each statement with a limit of its waiting, all that
//! can be in one transaction, and the rest so that it is found and finished after a crash.

use std::time::{Duration, Instant};

use super::{
    Postgres, ledger,
    plan::{PROBE_MS_MAX, drafted},
    pool::LOCK_MS_MAX,
    statement::Statement,
    talk::Talk,
};
use crate::{StoreError, catalog::Catalog, change::refuse_stale, plan::Plan, schema::Schema};

/// How long another process may take for its own change.
const TURN_MAX: Duration = Duration::from_secs(600);
/// How often it is looked whether that process is done.
const TURN_PAUSE: Duration = Duration::from_millis(200);
/// How long a statement waits for a table that somebody uses, in milliseconds. Everybody else
/// waits behind it, so it gives up soon and comes back.
const TABLE_MS_MAX: u64 = 2_000;
/// How long one waits that lets everybody else through meanwhile, in milliseconds.
const BESIDE_MS_MAX: u64 = 600_000;
/// How often it comes back.
const ATTEMPTS_MAX: u32 = 10;
/// How long it stays away, at first.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(250);
/// Longest time for a statement that looks at no row, in milliseconds.
const BRIEF_MS_MAX: u64 = 30_000;
/// Longest time for one that looks at all rows, in milliseconds.
const LONG_MS_MAX: u64 = 6 * 3_600_000;
/// The lock that processes take turns by, beside the name of the schema.
const TURN: &str = "hashtext('vitruvius'), hashtext(current_schema()::text)";

impl Postgres {
    /// Does what `plan` says and serves `schema` from then on.
    pub(crate) async fn apply(
        &self,
        plan: &Plan,
        schema: &Schema,
        document_hash: &str,
    ) -> Result<(), StoreError> {
        let (plan, schema) = (plan.clone(), schema.clone());
        let hash = document_hash.to_owned();
        let read_ms_max = self.shared.options.read_ms_max;
        let served = self
            .talk(move |talk| {
                take_turn(talk)?;
                let result = apply(talk, &plan, &schema, &hash);
                // What a connection was told for the change does not stay with it.
                let settings = format!(
                    "SET statement_timeout = {read_ms_max}; SET lock_timeout = {LOCK_MS_MAX}"
                );
                let settled = talk.settle(&settings);
                let released = talk.rows(&format!("SELECT pg_advisory_unlock({TURN})"), &[]);
                let served = result?;
                settled.and(released.map(|_| ()))?;
                Ok(served)
            })
            .await?;
        self.shared.serve(Catalog::of(&served));
        Ok(())
    }
}

/// Waits until no other process changes this schema. It is asked again and again: a statement
/// that waits would stand in the way of indexes that are built beside it.
fn take_turn(talk: &Talk) -> Result<(), StoreError> {
    let start = Instant::now();
    loop {
        let rows = talk.rows(&format!("SELECT pg_try_advisory_lock({TURN})"), &[])?;
        if rows.first().is_some_and(|row| row.get(0)) {
            return Ok(());
        }
        if start.elapsed() > TURN_MAX {
            let message = "another process has been changing the schema for too long";
            return Err(StoreError::Unavailable(message.to_owned()));
        }
        talk.pause(TURN_PAUSE);
    }
}

/// What is served from now on.
fn apply(
    talk: &Talk,
    plan: &Plan,
    schema: &Schema,
    document_hash: &str,
) -> Result<Schema, StoreError> {
    let mut is_prepared = false;
    loop {
        let turn = patiently(talk, || change(talk, plan, schema, document_hash, is_prepared))?;
        match turn {
            Turn::Prepare(statements) => {
                one_by_one(talk, &statements)?;
                is_prepared = true;
            }
            Turn::Done(served, statements) => {
                one_by_one(talk, &statements)?;
                return Ok(*served);
            }
        }
    }
}

/// How a transaction ended.
enum Turn {
    /// These have to be done first, outside of it.
    Prepare(Vec<Statement>),
    /// It is committed; these come after it.
    Done(Box<Schema>, Vec<Statement>),
}

fn change(
    talk: &Talk,
    plan: &Plan,
    schema: &Schema,
    document_hash: &str,
    is_prepared: bool,
) -> Result<Turn, StoreError> {
    let settings = format!(
        "SET LOCAL statement_timeout = {PROBE_MS_MAX}; SET LOCAL lock_timeout = {TABLE_MS_MAX}"
    );
    talk.transaction(&settings, || {
        drafted(talk, schema, |draft| {
            // Another process may have been first with the same document.
            if draft.plan.is_empty() && draft.script.is_empty() {
                return Ok((Turn::Done(Box::new(draft.served.clone()), Vec::new()), false));
            }
            // What was prepared may show already.
            if !is_prepared {
                refuse_stale(plan, &draft.plan)?;
            }
            let before = draft.script.before();
            if !before.is_empty() && !is_prepared {
                return Ok((Turn::Prepare(before), false));
            }
            for statement in draft.script.inside() {
                let wait = limit(&statement);
                talk.settle(&format!("SET LOCAL statement_timeout = {wait}"))?;
                talk.run(&statement.sql).map_err(|error| within(&statement, error))?;
            }
            talk.settle(&format!("SET LOCAL statement_timeout = {PROBE_MS_MAX}"))?;
            ledger::write(talk, &mut draft.snapshot, &draft.plan.steps, document_hash)?;
            Ok((Turn::Done(Box::new(draft.served.clone()), draft.script.after()), true))
        })
    })
}

/// Statements outside of any transaction. What is left over when one fails is found again by the
/// next plan.
fn one_by_one(talk: &Talk, statements: &[Statement]) -> Result<(), StoreError> {
    for statement in statements {
        patiently(talk, || {
            let wait = limit(statement);
            let lock = if statement.is_long { BESIDE_MS_MAX } else { TABLE_MS_MAX };
            talk.settle(&format!("SET statement_timeout = {wait}; SET lock_timeout = {lock}"))?;
            talk.run(&statement.sql).map_err(|error| {
                if let Some(undo) = &statement.undo {
                    // If even this fails, the next plan finds it.
                    let _ = talk.run(undo);
                }
                within(statement, error)
            })
        })?;
    }
    Ok(())
}

fn limit(statement: &Statement) -> u64 {
    if statement.is_long { LONG_MS_MAX } else { BRIEF_MS_MAX }
}

/// An error with the statement that it is about; that somebody held a table stays what it is.
fn within(statement: &Statement, error: StoreError) -> StoreError {
    match error {
        StoreError::Fault(words) => StoreError::Fault(format!("{words} (in: {})", statement.sql)),
        error => error,
    }
}

/// Does `work` again where somebody held a table for too long.
fn patiently<T>(talk: &Talk, work: impl Fn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let mut pause = ATTEMPT_PAUSE;
    for _ in 1..ATTEMPTS_MAX {
        match work() {
            Err(StoreError::Busy) => {
                talk.pause(pause);
                pause = pause.saturating_mul(2).min(Duration::from_secs(5));
            }
            result => return result,
        }
    }
    work().map_err(|error| match error {
        StoreError::Busy => StoreError::Unavailable(
            "a table that has to change is in use by others all the time".to_owned(),
        ),
        error => error,
    })
}
