//! What SQLite refuses, found out beforehand: everything is created once in an empty database in
//! memory, and what cannot be is left out with its reason.

use rusqlite::Connection;

use super::{connection, define, translate};
use crate::{
    catalog::Catalog,
    change::NotServed,
    schema::{Schema, Table},
    sql::Unsupported,
};

/// `schema` without what SQLite refuses, and what that is. Views come back translated.
pub(super) fn refine(schema: &Schema) -> rusqlite::Result<(Schema, Vec<NotServed>)> {
    let shadow = connection::open_shadow()?;
    let mut refined = schema.clone();
    let mut refused = Vec::new();
    for table in &mut refined.tables {
        refine_foreign_keys(table, schema, &mut refused);
    }
    let catalog = Catalog::of(&refined);
    for table in &mut refined.tables {
        refine_table(&shadow, table, &catalog, &mut refused);
    }
    refined.views.retain_mut(|view| {
        let tried = translate::select(&view.select, &catalog).and_then(|select| {
            view.select = select;
            attempt(&shadow, Ok(define::create_view(view)))?;
            let mut sql = String::from("SELECT * FROM ");
            crate::sql::write_identifier(&view.name, &mut sql);
            shadow.prepare(&sql).map(|_| ()).map_err(|error| {
                let _ = attempt(&shadow, Ok(define::drop_view(&view.name)));
                words(&error)
            })
        });
        if let Err(why) = &tried {
            refused.push(NotServed {
                what: format!("view {}", view.name),
                why: why.clone(),
                origin: view.origin.clone(),
                is_fatal: false,
            });
        }
        tried.is_ok()
    });
    Ok((refined, refused))
}

fn refine_table(
    shadow: &Connection,
    table: &mut Table,
    catalog: &Catalog,
    refused: &mut Vec<NotServed>,
) {
    let create = |table: &Table| {
        attempt(shadow, define::create_table(table, &table.name, catalog, |_| false))
    };
    if let Err(first) = create(table) {
        leave_out(table, refused, &create);
        if create(table).is_err() {
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
        let tried = attempt(shadow, define::create_unique_key(&name, key, catalog));
        note(refused, tried, format!("unique key {}", key.name), &key.origin)
    });
    table.indexes.retain(|index| {
        let tried = attempt(shadow, define::create_index(&name, index, catalog));
        note(refused, tried, format!("index {}", index.name), &index.origin)
    });
}

/// SQLite would find a key to columns that are not unique only when a row is written.
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
}

/// Takes away checks, computed columns and defaults that cannot be created one by one.
fn leave_out(
    table: &mut Table,
    refused: &mut Vec<NotServed>,
    create: &impl Fn(&Table) -> Result<(), String>,
) {
    let bare = Table { name: format!("{} alone", table.name), ..table.clone() };
    let mut bare = Table { checks: Vec::new(), ..bare };
    for column in &mut bare.columns {
        column.generated = None;
        column.default = None;
    }
    // A table of its own for each trial; only its failure is of interest.
    let mut trials = 0;
    let mut tried = |trial: &Table| {
        trials += 1;
        create(&Table { name: format!("{} {trials}", trial.name), ..trial.clone() })
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

fn attempt(shadow: &Connection, sql: Result<String, Unsupported>) -> Result<(), String> {
    let sql = sql.map_err(|unsupported| unsupported.0)?;
    shadow.execute_batch(&sql).map_err(|error| words(&error))
}

/// An error without the statement around it.
fn words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}
