//! One plan: every wished-for table beside its past, then what is left behind, then the views.

use std::collections::BTreeSet;

use super::{
    Change, Finding, Ground, NotServed, Script, TableChange, Work,
    compare::Comparison,
    ledger::{PhysicalTable, Snapshot},
    lineage::{self, Lineage, Source},
    measure::amount,
};
use crate::{
    StoreError,
    catalog::Catalog,
    plan::{Class, Plan, Step},
    schema::{Schema, Table},
};

/// What is asked of a plan, and what was found before it.
pub(crate) struct Wish {
    /// Of the wished-for schema as it was asked for.
    pub(crate) fingerprint: String,
    /// The wished-for schema without what the store refuses.
    pub(crate) refined: Schema,
    pub(crate) refused: Vec<NotServed>,
    pub(crate) drifted: Vec<Finding>,
    /// What was applied last, with what drifted harmlessly.
    pub(crate) snapshot: Snapshot,
    /// Changes with whatever anybody changes in the database's schema.
    pub(crate) state: String,
}

/// A plan with everything that applying it takes.
pub(crate) struct Draft<S> {
    pub(crate) plan: Plan,
    pub(crate) script: S,
    /// What will be there.
    pub(crate) snapshot: Snapshot,
    pub(crate) served: Schema,
}

/// Compares what is wished for with what is there.
pub(crate) fn draft<S: Script>(
    ground: &dyn Ground,
    mut script: S,
    wish: Wish,
) -> Result<Draft<S>, StoreError> {
    let Wish { fingerprint, refined, refused, drifted, snapshot, state } = wish;
    let is_drifted = drifted.iter().any(|finding| finding.step.class == Class::Blocked);
    let catalog = Catalog::of(&refined);
    let (lineages, left) = lineage::trace(ground, &snapshot, &refined, &catalog);
    let mut comparison = Comparison {
        wished: &refined,
        catalog: &catalog,
        lineages: &lineages,
        ground,
        findings: drifted,
    };
    let mut next = Snapshot {
        version: snapshot.version,
        views: refined.views.clone(),
        wish_fingerprint: fingerprint,
        ..Snapshot::default()
    };
    report_refused(&mut comparison, &refused, &snapshot, &mut next);
    // On top of what drifted nothing is planned: it would overwrite it, or fail.
    if !is_drifted {
        let was = snapshot.schema();
        let mut planning = Planning {
            comparison: &mut comparison,
            script: &mut script,
            was: &was,
            will_be: &refined,
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
    let steps = comparison.findings.into_iter().map(|finding| finding.step).collect();
    let plan = Plan { steps, from: format!("{}.{state}", snapshot.version) };
    Ok(Draft { plan, script, snapshot: next, served: refined })
}

/// Refuses what nobody has seen: another starting point, new obstacles, other losses.
pub(crate) fn refuse_stale(plan: &Plan, now: &Plan) -> Result<(), StoreError> {
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

pub(crate) fn is_destructive(step: &Step) -> bool {
    step.class == Class::Permitted && step.summary.starts_with("- ")
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
            let step = comparison.step(class, Change::Words, summary, &refusal.origin);
            step.needs = Some(refusal.why.clone());
        }
    }
}

/// One pass over the tables, that leaves steps and statements.
struct Planning<'p, 'a, S> {
    comparison: &'p mut Comparison<'a>,
    script: &'p mut S,
    was: &'p Schema,
    will_be: &'p Schema,
}

impl<S: Script> Planning<'_, '_, S> {
    fn table(&mut self, lineage: &Lineage) -> Result<(), StoreError> {
        let table = &lineage.target.table;
        let catalog = self.comparison.catalog;
        let Some(source) = &lineage.source else {
            let columns = table.columns.len();
            let summary = format!("+ table {} ({columns} columns)", table.name);
            let work = self
                .script
                .create(table, self.will_be, catalog)
                .map_err(|unsupported| StoreError::Fault(unsupported.0))?;
            self.comparison.step(Class::Safe, Change::Words, summary, &table.origin).takes(work);
            return Ok(());
        };
        let first = self.comparison.findings.len();
        self.comparison.table(lineage, source)?;
        let work = self.change(lineage, source, catalog, first)?;
        if !work.sql.is_empty() {
            let what = if source.refers_to_renamed {
                "refers to the new name"
            } else {
                "is brought back to its definition"
            };
            let summary = format!("~ table {} {what}", table.name);
            self.comparison.step(Class::Safe, Change::Words, summary, &table.origin).takes(work);
        }
        Ok(())
    }

    /// Statements for the findings from `first` on; those that serve none are given back.
    fn change(
        &mut self,
        lineage: &Lineage,
        source: &Source,
        catalog: &Catalog,
        first: usize,
    ) -> Result<Work, StoreError> {
        let change = TableChange { lineage, source, was: self.was, will_be: self.will_be, catalog };
        let findings = self.comparison.findings.get_mut(first..).unwrap_or_default();
        self.script.change(change, findings).map_err(StoreError::Fault)
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
        let rows = self.comparison.measure().rows(name)?;
        let drops = &self.comparison.wished.drops;
        let drop = drops.iter().find(|drop| drop.table == name && drop.column.is_none());
        if let Some(drop) = drop.cloned() {
            let summary = format!("- table {name} ({})", amount(rows, "row"));
            let work = self.script.drop_table(name);
            let step = self.comparison.step(Class::Permitted, Change::Words, summary, &drop.origin);
            step.rows = Some(rows);
            step.takes(work);
            return Ok(None);
        }
        if physical.is_kept {
            return Ok(Some(physical.clone()));
        }
        if let Some(successor) = self.successor(&physical.table).filter(|_| rows > 0) {
            let (new, origin) = (successor.name.clone(), successor.origin.clone());
            let summary = format!("- table {name} ({})", amount(rows, "row"));
            let step = self.comparison.step(Class::Blocked, Change::Words, summary, &origin);
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
            "kept: table {name} ({}) stays in the database, out of the schema",
            amount(rows, "row")
        );
        let first = self.comparison.findings.len();
        let origin = &physical.table.origin;
        self.comparison.step(Class::Safe, Change::KeepTable, summary, origin).rows = Some(rows);
        if !kept.table.foreign_keys.is_empty() {
            kept.table.foreign_keys.clear();
            let lineage = lineage::unchanged(self.comparison.ground, physical, kept.clone());
            let Some(source) = &lineage.source else {
                return Ok(kept);
            };
            let catalog =
                Catalog::of(&Schema { tables: vec![kept.table.clone()], ..Schema::default() });
            self.change(&lineage, source, &catalog, first)?;
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
            let work = self.script.view(view);
            self.comparison.step(Class::Safe, Change::Words, summary, &view.origin).takes(work);
        }
        for own in &snapshot.views {
            if views.iter().all(|view| view.name != own.name) {
                let summary = format!("- view {}", own.name);
                let work = self.script.drop_view(&own.name);
                self.comparison.step(Class::Safe, Change::Words, summary, &own.origin).takes(work);
            }
        }
        if !self.comparison.findings.is_empty() {
            self.script.renew_views(&snapshot.views, views);
        }
    }
}
