//! What a store refuses, found out beforehand: everything is created once where it does not
//! matter, and what cannot be is left out with its reason.

use super::NotServed;
use crate::{
    catalog::Catalog,
    schema::{Exclusion, ForeignKey, Index, ReferentialAction, Schema, Table, UniqueKey, View},
};

/// A place where definitions are tried. Reasons complete the sentence "not served: …".
pub(crate) trait Trial {
    /// Creates a table without its foreign keys.
    fn table(&mut self, table: &Table, catalog: &Catalog) -> Result<(), String>;

    fn unique_key(&mut self, table: &str, key: &UniqueKey, catalog: &Catalog)
    -> Result<(), String>;

    fn index(&mut self, table: &str, index: &Index, catalog: &Catalog) -> Result<(), String>;

    fn exclusion(
        &mut self,
        table: &Table,
        exclusion: &Exclusion,
        catalog: &Catalog,
    ) -> Result<(), String>;

    /// Once all tables and unique keys are there.
    fn foreign_key(&mut self, table: &str, key: &ForeignKey) -> Result<(), String>;

    /// Creates the view; gives its SELECT in the words of the store.
    fn view(&mut self, view: &View, catalog: &Catalog) -> Result<String, String>;
}

/// `schema` without what the store refuses, and what that is. Views come back translated.
pub(crate) fn refine(trial: &mut dyn Trial, schema: &Schema) -> (Schema, Vec<NotServed>) {
    let mut refined = schema.clone();
    let mut refused = Vec::new();
    for table in &mut refined.tables {
        refine_foreign_keys(table, schema, &mut refused);
    }
    let catalog = Catalog::of(&refined);
    for table in &mut refined.tables {
        refine_table(trial, table, &catalog, &mut refused);
    }
    for table in &mut refined.tables {
        let (name, origin) = (table.name.clone(), table.origin.clone());
        table.foreign_keys.retain(|key| {
            let what = format!("foreign key {name}({})", key.columns.join(", "));
            note(&mut refused, trial.foreign_key(&name, key), what, &origin)
        });
    }
    refined.views.retain_mut(|view| {
        let tried = trial.view(view, &catalog).map(|select| view.select = select);
        note(&mut refused, tried, format!("view {}", view.name), &view.origin)
    });
    (refined, refused)
}

fn refine_table(
    trial: &mut dyn Trial,
    table: &mut Table,
    catalog: &Catalog,
    refused: &mut Vec<NotServed>,
) {
    if let Err(first) = trial.table(table, catalog) {
        leave_out(trial, table, catalog, refused);
        if trial.table(table, catalog).is_err() {
            refused.push(NotServed {
                what: format!("table {}", table.name),
                why: first,
                origin: table.origin.clone(),
                is_fatal: true,
            });
            return;
        }
    }
    let name = table.name.clone();
    table.unique_keys.retain(|key| {
        let tried = trial.unique_key(&name, key, catalog);
        note(refused, tried, format!("unique key {}", key.name), &key.origin)
    });
    let alone = table.clone();
    table.exclusions.retain(|own| {
        let tried = trial.exclusion(&alone, own, catalog);
        note(refused, tried, format!("exclusion {}", own.name), &own.origin)
    });
    table.indexes.retain(|index| {
        let tried = trial.index(&name, index, catalog);
        note(refused, tried, format!("index {}", index.name), &index.origin)
    });
}

/// A key to columns that are not unique would be found out only when a row is written.
fn refine_foreign_keys(table: &mut Table, schema: &Schema, refused: &mut Vec<NotServed>) {
    let (name, origin) = (table.name.clone(), table.origin.clone());
    let own: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    table.foreign_keys.retain_mut(|key| {
        let parent = schema.table(&key.table);
        if let Some(parent) = parent.filter(|_| key.referred.is_empty()) {
            key.referred.clone_from(&parent.primary_key);
        }
        let is_key = |columns: &[String]| {
            columns.len() == key.referred.len()
                && key.referred.iter().all(|column| columns.contains(column))
        };
        let tried = match parent {
            None => Err(format!("there is no table {}", key.table)),
            Some(_) if key.columns.iter().any(|column| !own.contains(column)) => {
                Err("one of its columns is not there".to_owned())
            }
            Some(_) if key.columns.len() != key.referred.len() => {
                Err("it refers to another number of columns".to_owned())
            }
            Some(parent)
                if !is_key(&parent.primary_key)
                    && !parent
                        .unique_keys
                        .iter()
                        .any(|unique| unique.condition.is_none() && is_key(&unique.columns)) =>
            {
                Err(format!("{}({}) is not unique", key.table, key.referred.join(", ")))
            }
            Some(_) => Ok(()),
        };
        let what = format!("foreign key {name}({})", key.columns.join(", "));
        note(refused, tried, what, &origin)
    });
    keep_one_of_each(&mut table.foreign_keys);
}

/// A key that is said twice, as a column's own and as the table's, is one: that which says what
/// happens to the referring row.
fn keep_one_of_each(keys: &mut Vec<ForeignKey>) {
    let is_same = |one: &ForeignKey, other: &ForeignKey| {
        one.columns == other.columns && one.table == other.table && one.referred == other.referred
    };
    let mut kept: Vec<ForeignKey> = Vec::with_capacity(keys.len());
    for key in keys.drain(..) {
        match kept.iter_mut().find(|own| is_same(own, &key)) {
            Some(own) if own.on_delete == ReferentialAction::NoAction => *own = key,
            Some(_) => {}
            None => kept.push(key),
        }
    }
    *keys = kept;
}

/// Takes away checks, computed columns and defaults that cannot be created one by one.
fn leave_out(
    trial: &mut dyn Trial,
    table: &mut Table,
    catalog: &Catalog,
    refused: &mut Vec<NotServed>,
) {
    let bare = Table { name: format!("{} alone", table.name), ..table.clone() };
    let mut bare = Table { checks: Vec::new(), ..bare };
    for column in &mut bare.columns {
        column.generated = None;
        column.default = None;
    }
    // A table of its own for each trial; only its failure is of interest.
    let mut trials = 0;
    let mut tried = |table: &Table| {
        trials += 1;
        trial.table(&Table { name: format!("{} {trials}", table.name), ..table.clone() }, catalog)
    };
    let name = table.name.clone();
    table.checks.retain(|check| {
        let trial = Table { checks: vec![check.clone()], ..bare.clone() };
        let what = format!("check {} of {name}", check.name);
        note(refused, tried(&trial), what, &check.origin)
    });
    for (place, column) in table.columns.iter_mut().enumerate() {
        let mut trial = bare.clone();
        if let Some(own) = trial.columns.get_mut(place) {
            own.clone_from(column);
        }
        if let Err(why) = tried(&trial) {
            let what = if column.generated.take().is_some() { "computation" } else { "default" };
            column.default = None;
            let what = format!("{what} of {name}.{}", column.name);
            note(refused, Err(why), what, &column.origin);
        }
    }
}

fn note(
    refused: &mut Vec<NotServed>,
    tried: Result<(), String>,
    what: String,
    origin: &str,
) -> bool {
    match tried {
        Ok(()) => true,
        Err(why) => {
            refused.push(NotServed { what, why, origin: origin.to_owned(), is_fatal: false });
            false
        }
    }
}
