//! What was changed in the database from outside since the last apply: reported, never overwritten.

use std::collections::BTreeMap;

use super::{
    Change, Finding, Ground,
    ledger::Snapshot,
    measure::{Measure, amount},
};
use crate::{
    StoreError,
    catalog::Catalog,
    plan::{Class, Step},
    schema::{Schema, Table},
};

/// Steps that say what drifted. Columns that were added from outside are taken into the snapshot,
/// as columns that are kept.
pub(crate) fn look(
    ground: &dyn Ground,
    snapshot: &mut Snapshot,
    wished: &Schema,
    actual: &BTreeMap<String, String>,
) -> Result<Vec<Finding>, StoreError> {
    let mut steps = Vec::new();
    for physical in &mut snapshot.tables {
        let name = physical.table.name.clone();
        let kept = ground.kept(&name);
        let Some(now) = actual.get(kept.as_ref()) else {
            if !physical.is_kept {
                let needs = "bring it back from a backup, or drop it in the document too";
                let summary = format!("drift: table {name} was removed from outside");
                steps.push(step(Class::Blocked, summary, &physical.table, Some(needs.into())));
            }
            continue;
        };
        if snapshot.objects.get(kept.as_ref()) == Some(now) {
            continue;
        }
        match ground.added_columns(&physical.table)? {
            Some(added) if !added.is_empty() => {
                for column in added {
                    let rows = amount(Measure(ground).rows(&name)?, "row");
                    let summary = format!(
                        "kept: column {name}.{} was added from outside; it stays ({rows})",
                        column.name
                    );
                    steps.push(step(Class::Safe, summary, &physical.table, None));
                    physical.kept_columns.insert(column.name.clone());
                    physical.table.columns.push(column);
                }
            }
            _ => {
                let recorded = snapshot.objects.get(kept.as_ref()).cloned().unwrap_or_default();
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
        if snapshot.table(&table.name).is_none()
            && actual.contains_key(ground.kept(&table.name).as_ref())
        {
            steps.push(adopt(ground, snapshot, table)?);
        }
    }
    steps.extend(views(ground, snapshot, wished)?);
    Ok(steps)
}

fn step(class: Class, summary: String, table: &Table, needs: Option<String>) -> Finding {
    let step = Step { class, needs, ..Step::new(class, summary, &table.origin) };
    Finding { step, change: Change::Words }
}

/// A table that no document made: taken over where it is what the document declares.
fn adopt(
    ground: &dyn Ground,
    snapshot: &mut Snapshot,
    table: &Table,
) -> Result<Finding, StoreError> {
    let name = &table.name;
    Ok(match ground.adopted(table)? {
        Ok(physical) => {
            let rows = amount(Measure(ground).rows(name)?, "row");
            let summary = format!("table {name} is there already: it is adopted ({rows})");
            snapshot.tables.push(physical);
            step(Class::Safe, summary, table, None)
        }
        Err(differences) => {
            let needs = format!(
                "{}: rename it, or the table of the document, or declare it as it is: what is \
                 there is not overwritten",
                differences.join("; ")
            );
            let summary = format!("drift: a table {name} is there that no document made");
            step(Class::Blocked, summary, table, Some(needs))
        }
    })
}

/// Views that no document made: taken over where they say the same.
fn views(
    ground: &dyn Ground,
    snapshot: &mut Snapshot,
    wished: &Schema,
) -> Result<Vec<Finding>, StoreError> {
    let mut steps = Vec::new();
    let catalog = Catalog::of(wished);
    for view in &wished.views {
        if snapshot.views.iter().any(|own| own.name == view.name) {
            continue;
        }
        let (class, summary, needs) = match ground.has_view(view, &catalog)? {
            None => continue,
            Some(true) => {
                snapshot.views.push(view.clone());
                (Class::Safe, format!("view {} is there already: it is adopted", view.name), None)
            }
            Some(false) => (
                Class::Blocked,
                format!("drift: a view {} is there that no document made", view.name),
                Some("rename the view of the document: what is there is not overwritten".into()),
            ),
        };
        let step = Step { needs, ..Step::new(class, summary, &view.origin) };
        steps.push(Finding { step, change: Change::Words });
    }
    Ok(steps)
}
