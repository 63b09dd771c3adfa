//! Pages far behind. The rows before a page are skipped by the index of the first sort key alone,
//! once; where the page begins is remembered for as long as nobody writes, so that asking for it again
//! skips nothing.

use rusqlite::{Connection, types::ValueRef};

use super::{Shared, bind::bind_all, fault, read};
use crate::{
    StoreError, Value,
    catalog::Catalog,
    query::{Rows, Select},
    sql::{self, Dialect, SqlWriter, Start},
    starts::{self, BESIDE_MAX, Starts},
};

/// Reads rows; those of a page far behind from where it begins.
pub(super) fn select(
    connection: &Connection,
    shared: &Shared,
    select: &Select,
) -> Result<Rows, StoreError> {
    let catalog = &*shared.catalog();
    if sql::far_key(catalog, select).is_none() {
        return read::select(connection, catalog, select);
    }
    // What is written later makes what is remembered old, never wrong.
    let writes = shared.snapshots.writes();
    let execute = |sql: &str| {
        let run = |mut statement: rusqlite::CachedStatement<'_>| statement.raw_execute();
        connection.prepare_cached(sql).and_then(run).map_err(|error| fault::explain(error, catalog))
    };
    execute("BEGIN")?;
    let rows = page(connection, catalog, &shared.starts, writes, select);
    execute("COMMIT")?;
    rows
}

fn page(
    connection: &Connection,
    catalog: &Catalog,
    starts: &Starts,
    writes: Option<u64>,
    select: &Select,
) -> Result<Rows, StoreError> {
    let Some((key, descends)) = sql::far_key(catalog, select) else {
        return read::select(connection, catalog, select);
    };
    let mut writer = SqlWriter::new(Dialect::Sqlite, catalog);
    sql::write_keys_before(&mut writer, select, key, descends, BESIDE_MAX as u64)
        .map_err(fault::unsupported)?;
    let id = starts::id_of(&writer);
    let (at, beside) = match writes.and_then(|writes| starts.find(id, writes)) {
        Some(known) => known,
        None => {
            let keys = keys(connection, &writer).map_err(|error| fault::explain(error, catalog))?;
            // There are fewer rows than are to be skipped.
            let Some((at, before)) = keys.split_last().filter(|(_, rest)| rest.len() == BESIDE_MAX)
            else {
                return Ok(Rows::default());
            };
            let beside = before.iter().rev().take_while(|key| *key == at).count();
            if beside == BESIDE_MAX {
                return read::select(connection, catalog, select);
            }
            if let Some(writes) = writes {
                starts.learn(id, writes, at, beside as u64);
            }
            (at.clone(), beside as u64)
        }
    };
    read::select_from(connection, catalog, select, &Start { key, descends, at, beside })
}

fn keys(connection: &Connection, writer: &SqlWriter<'_>) -> rusqlite::Result<Vec<Value>> {
    let mut statement = connection.prepare_cached(&writer.text)?;
    bind_all(&mut statement, &writer.parameters)?;
    let mut rows = statement.raw_query();
    let mut keys = Vec::with_capacity(BESIDE_MAX + 1);
    while let Some(row) = rows.next()? {
        keys.push(match row.get_ref(0)? {
            ValueRef::Integer(number) => Value::Integer(number),
            other => Value::Text(String::from_utf8_lossy(other.as_bytes()?).into_owned()),
        });
    }
    Ok(keys)
}
