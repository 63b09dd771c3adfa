//! Planning and applying: the document's schema, what was applied last, and what is in the file.

use std::path::Path;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    Shared, Sqlite,
    connection::{self, Access},
    fault,
    ground::OnFile,
    ledger,
    script::Script,
    shadow,
    writer::Job,
};
use crate::{
    StoreError,
    catalog::Catalog,
    change::{self, Draft, Wish, drift, is_destructive, ledger::wish_fingerprint, refuse_stale},
    plan::Plan,
    schema::Schema,
};

/// Longest time that a plan may look at the data, in milliseconds.
const PLAN_MS_MAX: u64 = 600_000;
/// Copies of the database that are kept.
const BACKUPS_MAX: usize = 5;

impl Sqlite {
    pub(crate) async fn plan(&self, schema: &Schema) -> Result<Plan, StoreError> {
        let schema = schema.clone();
        self.read_within(PLAN_MS_MAX, move |connection, _| {
            draft(connection, &schema).map(|draft| draft.plan)
        })
        .await
    }

    pub(crate) async fn apply(
        &self,
        plan: &Plan,
        schema: &Schema,
        document_hash: &str,
    ) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        let (plan, schema) = (plan.clone(), schema.clone());
        let (hash, shared) = (document_hash.to_owned(), self.shared.clone());
        self.writer.send(Job::Alone(Box::new(move |connection| {
            let _ = reply.send(apply(connection, &shared, &plan, &schema, &hash));
        })))?;
        answer.await.map_err(|_| super::gone())?
    }
}

fn explain(error: rusqlite::Error) -> StoreError {
    fault::explain(error, &Catalog::default())
}

fn apply(
    connection: &mut Connection,
    shared: &Shared,
    plan: &Plan,
    schema: &Schema,
    document_hash: &str,
) -> Result<(), StoreError> {
    // Tables are dropped and made again under the same name; that it adds up is checked at the end.
    connection.pragma_update(None, "foreign_keys", false).map_err(explain)?;
    let result = apply_in_transaction(connection, shared, plan, schema, document_hash);
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").map_err(explain)?;
    }
    connection.pragma_update(None, "foreign_keys", true).map_err(explain)?;
    let served = result?;
    shared.serve(Catalog::of(&served));
    Ok(())
}

/// What is served from now on.
fn apply_in_transaction(
    connection: &Connection,
    shared: &Shared,
    plan: &Plan,
    schema: &Schema,
    document_hash: &str,
) -> Result<Schema, StoreError> {
    connection.execute_batch("BEGIN IMMEDIATE").map_err(explain)?;
    let mut draft = draft(connection, schema)?;
    refuse_stale(plan, &draft.plan)?;
    if draft.script.is_empty() && draft.plan.is_empty() {
        return Ok(draft.served);
    }
    if draft.plan.steps.iter().any(is_destructive) {
        back_up(&shared.path).map_err(|error| {
            StoreError::Unavailable(format!("no copy could be made before the change: {error}"))
        })?;
    }
    for statement in draft.script.statements() {
        connection.execute_batch(statement).map_err(explain)?;
    }
    if draft.script.is_rebuilding {
        let broken: Option<String> = connection
            .prepare("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1")
            .and_then(|mut it| it.query_map([], |row| row.get(0))?.next().transpose())
            .map_err(explain)?;
        if let Some(table) = broken {
            let message = format!("after the change a foreign key of `{table}` would not hold");
            return Err(StoreError::Fault(message));
        }
    }
    ledger::write(connection, &mut draft.snapshot, &draft.plan.steps, document_hash)
        .map_err(explain)?;
    connection.execute_batch("COMMIT").map_err(explain)?;
    Ok(draft.served)
}

/// Copies the database as it was before the change.
fn back_up(path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let directory = path.with_file_name("backups");
    std::fs::create_dir_all(&directory)?;
    let moment = crate::sql::now_text().replace(':', "-");
    let source = connection::open(path, Access::Read)?;
    source.backup("main", directory.join(format!("before-{moment}.db")), None::<fn(_)>)?;
    let mut copies: Vec<_> = std::fs::read_dir(&directory)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "db"))
        .collect();
    copies.sort();
    let surplus = copies.len().saturating_sub(BACKUPS_MAX);
    for copy in copies.into_iter().take(surplus) {
        std::fs::remove_file(copy)?;
    }
    Ok(())
}

pub(super) fn draft<'c>(
    connection: &'c Connection,
    wished: &Schema,
) -> Result<Draft<Script<'c>>, StoreError> {
    let mut snapshot = ledger::read(connection)?;
    let actual = ledger::objects(connection).map_err(explain)?;
    let schema_version: i64 =
        connection.query_row("PRAGMA schema_version", [], |row| row.get(0)).map_err(explain)?;
    let fingerprint = wish_fingerprint(wished);
    let (refined, refused) = match snapshot.accepted(wished, &fingerprint) {
        Some(accepted) => (accepted, Vec::new()),
        None => shadow::refined(wished).map_err(explain)?,
    };
    let ground = OnFile(connection);
    let drifted = drift::look(&ground, &mut snapshot, &refined, &actual)?;
    let state = schema_version.to_string();
    change::draft(
        &ground,
        Script::on(connection),
        Wish { fingerprint, refined, refused, drifted, snapshot, state },
    )
}
