//! Planning and applying: the document's schema, what was applied last, and what is in the file.

use std::{collections::BTreeSet, path::Path};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    Shared, Sqlite,
    compare::Comparison,
    connection::{self, Access},
    define, drift, fault,
    ledger::{self, PhysicalTable, Snapshot},
    lineage::{self, Lineage},
    measure::{Measure, counted},
    script::Script,
    shadow::{self, NotServed},
    writer::Job,
};
use crate::{
    StoreError,
    catalog::Catalog,
    plan::{Class, Plan, Step},
    schema::{Schema, Table},
};

/// Longest time that a plan may look at the data, in milliseconds.
const PLAN_MS_MAX: u64 = 600_000;
/// Copies of the database that are kept.
const BACKUPS_MAX: usize = 5;

/// A plan with everything that applying it takes.
struct Draft {
    plan: Plan,
    script: Script,
    snapshot: Snapshot,
    served: Schema,
}

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

/// Refuses what nobody has seen: another starting point, new obstacles, other losses.
fn refuse_stale(plan: &Plan, now: &Plan) -> Result<(), StoreError> {
    if plan.from != now.from {
        return Err(StoreError::Fault("the plan is stale: the schema has changed since".into()));
    }
    if let Some(step) = now.steps.iter().find(|step| step.class == Class::Blocked) {
        let needs = step.needs.clone().unwrap_or_default();
        return Err(StoreError::Fault(format!("blocked: {} ({needs})", step.summary)));
    }
    let subject = |step: &Step| step.summary.split(" (").next().unwrap_or_default().to_owned();
    let seen: BTreeSet<String> = plan.steps.iter().map(subject).collect();
    match now.steps.iter().find(|step| is_destructive(step) && !seen.contains(&subject(step))) {
        Some(step) => {
            Err(StoreError::Fault(format!("the plan is stale: it does not say `{}`", step.summary)))
        }
        None => Ok(()),
    }
}

fn is_destructive(step: &Step) -> bool {
    step.class == Class::Permitted && step.summary.starts_with("- ")
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

fn draft(connection: &Connection, wished: &Schema) -> Result<Draft, StoreError> {
    let mut snapshot = ledger::read(connection)?;
    let actual = ledger::objects(connection).map_err(explain)?;
    let schema_version: i64 =
        connection.query_row("PRAGMA schema_version", [], |row| row.get(0)).map_err(explain)?;
    let (refined, refused) = shadow::refine(wished).map_err(explain)?;
    let drifted = drift::look(connection, &mut snapshot, &refined, &actual).map_err(explain)?;
    let is_drifted = drifted.iter().any(|step| step.class == Class::Blocked);
    let catalog = Catalog::of(&refined);
    let (lineages, left) = lineage::trace(&snapshot, &refined, &catalog);
    let mut comparison = Comparison {
        wished: &refined,
        catalog: &catalog,
        lineages: &lineages,
        measure: Measure(connection),
        steps: drifted,
    };
    let mut script = Script::default();
    let mut next =
        Snapshot { version: snapshot.version, views: refined.views.clone(), ..Snapshot::default() };
    report_refused(&mut comparison, &refused, &snapshot, &mut next);
    // On top of what drifted nothing is planned: it would overwrite it, or fail.
    if !is_drifted {
        let was = snapshot.schema();
        let mut planning = Planning {
            connection,
            comparison: &mut comparison,
            script: &mut script,
            schemas: (&was, &refined),
        };
        for lineage in &lineages {
            planning.table(lineage)?;
            next.tables.push(lineage.target.clone());
        }
        for name in &left {
            next.tables.extend(planning.left(&snapshot, name)?);
        }
        planning.views(&snapshot);
    }
    let plan =
        Plan { steps: comparison.steps, from: format!("{}.{schema_version}", snapshot.version) };
    Ok(Draft { plan, script, snapshot: next, served: refined })
}

fn report_refused(
    comparison: &mut Comparison<'_>,
    refused: &[NotServed],
    last: &Snapshot,
    next: &mut Snapshot,
) {
    for refusal in refused {
        next.not_served.insert(refusal.what.clone());
        if refusal.is_fatal || !last.not_served.contains(&refusal.what) {
            let class = if refusal.is_fatal { Class::Blocked } else { Class::NotServed };
            let summary = format!("not served: {}", refusal.what);
            comparison.step(class, summary, &refusal.origin).needs = Some(refusal.why.clone());
        }
    }
}

/// One pass over the tables, that leaves steps and statements.
struct Planning<'p, 'a> {
    connection: &'a Connection,
    comparison: &'p mut Comparison<'a>,
    script: &'p mut Script,
    /// What was served and what will be.
    schemas: (&'p Schema, &'p Schema),
}

impl Planning<'_, '_> {
    fn table(&mut self, lineage: &Lineage) -> Result<(), StoreError> {
        let table = &lineage.target.table;
        let catalog = self.comparison.catalog;
        let Some(source) = &lineage.source else {
            let columns = table.columns.len();
            let summary = format!("+ table {} ({columns} columns)", table.name);
            let sql =
                self.script.create(table, self.schemas.1, catalog).map_err(fault::unsupported)?;
            self.comparison.step(Class::Safe, summary, &table.origin).sql = sql;
            return Ok(());
        };
        let first = self.comparison.steps.len();
        self.comparison.table(lineage, source).map_err(explain)?;
        let sql = self
            .script
            .change(self.connection, lineage, source, self.schemas, catalog)
            .map_err(StoreError::Fault)?;
        if sql.is_empty() {
            return Ok(());
        }
        // One statement may serve several steps of a table: they stand with the last.
        if self.comparison.steps.len() == first {
            let what = if source.refers_to_renamed {
                "refers to the new name"
            } else {
                "is brought back to its definition"
            };
            let summary = format!("~ table {} {what}", table.name);
            self.comparison.step(Class::Safe, summary, &table.origin);
        }
        if let Some(step) = self.comparison.steps.last_mut() {
            step.sql = sql;
        }
        Ok(())
    }

    /// A table that the document no longer has: dropped where a sentence says so, else kept.
    fn left(
        &mut self,
        snapshot: &Snapshot,
        name: &str,
    ) -> Result<Option<PhysicalTable>, StoreError> {
        let Some(physical) = snapshot.table(name) else {
            return Ok(None);
        };
        let rows = self.comparison.measure.rows(name).map_err(explain)?;
        let drops = &self.comparison.wished.drops;
        let drop = drops.iter().find(|drop| drop.table == name && drop.column.is_none());
        if let Some(drop) = drop.cloned() {
            let summary = format!("- table {name} ({} rows)", counted(rows));
            let sql = self.script.drop_table(name);
            let step = self.comparison.step(Class::Permitted, summary, &drop.origin);
            (step.rows, step.sql) = (Some(rows), sql);
            return Ok(None);
        }
        if physical.is_kept {
            return Ok(Some(physical.clone()));
        }
        if let Some(successor) = self.successor(&physical.table).filter(|_| rows > 0) {
            let (new, origin) = (successor.name.clone(), successor.origin.clone());
            let summary = format!("- table {name} ({} rows)", counted(rows));
            let step = self.comparison.step(Class::Blocked, summary, &origin);
            step.rows = Some(rows);
            step.needs = Some(format!(
                "a table `{new}` with the same columns is new: to rename, write \
                 `-- renamed from {name}` beside `{new}`; to drop, write \
                 `-- dropped YYYY-MM-DD: reason` with `{name}`"
            ));
            return Ok(Some(physical.clone()));
        }
        self.keep(physical, rows).map(Some)
    }

    /// A new table that looks like the old one under another name.
    fn successor(&self, old: &Table) -> Option<&Table> {
        let new = self.comparison.lineages.iter().filter(|lineage| lineage.source.is_none());
        new.map(|lineage| &lineage.target.table).find(|table| {
            let shared = old
                .columns
                .iter()
                .filter(|column| {
                    table.column(&column.name).is_some_and(|own| own.kind == column.kind)
                })
                .count();
            // Half of the columns are the usual `id` and `created_at`; more is likeness.
            shared * 4 >= old.columns.len().max(table.columns.len()) * 3
        })
    }

    /// Keeps a table out of the schema. It no longer refers to others: its rows would stand in the
    /// way of theirs, where nobody sees them.
    fn keep(&mut self, physical: &PhysicalTable, rows: u64) -> Result<PhysicalTable, StoreError> {
        let mut kept = PhysicalTable { is_kept: true, ..physical.clone() };
        let name = &physical.table.name;
        let summary = format!(
            "kept: table {name} ({} rows) stays in the database, out of the schema",
            counted(rows)
        );
        let step = self.comparison.step(Class::Safe, summary, &physical.table.origin);
        step.rows = Some(rows);
        if !kept.table.foreign_keys.is_empty() {
            kept.table.foreign_keys.clear();
            let lineage = lineage::unchanged(physical, kept.clone());
            let Some(source) = &lineage.source else {
                return Ok(kept);
            };
            let catalog =
                Catalog::of(&Schema { tables: vec![kept.table.clone()], ..Schema::default() });
            let sql = self
                .script
                .change(self.connection, &lineage, source, self.schemas, &catalog)
                .map_err(StoreError::Fault)?;
            if let Some(step) = self.comparison.steps.last_mut() {
                step.sql = sql;
            }
        }
        Ok(kept)
    }

    /// Views are made anew whenever anything changes: they hold nothing.
    fn views(&mut self, snapshot: &Snapshot) {
        let views = &self.comparison.wished.views.clone();
        for view in views {
            let own = snapshot.views.iter().find(|own| own.name == view.name);
            let sign = match own {
                Some(own) if own.select == view.select => continue,
                Some(_) => '~',
                None => '+',
            };
            let summary = format!("{sign} view {}", view.name);
            self.comparison.step(Class::Safe, summary, &view.origin).sql =
                vec![define::create_view(view)];
        }
        for own in &snapshot.views {
            if views.iter().all(|view| view.name != own.name) {
                let summary = format!("- view {}", own.name);
                self.comparison.step(Class::Safe, summary, &own.origin).sql =
                    vec![define::drop_view(&own.name)];
            }
        }
        if !self.comparison.steps.is_empty() {
            let drop = snapshot.views.iter().map(|view| define::drop_view(&view.name)).collect();
            self.script.views(drop, views.iter().map(define::create_view).collect());
        }
    }
}
