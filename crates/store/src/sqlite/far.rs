//! Pages far behind. The rows before a page are skipped by the index of the first sort key alone,
//! once; where the page begins is remembered for as long as nobody writes, so that asking for it again
//! skips nothing.

use rusqlite::{Connection, types::ValueRef};

use super::{Shared, bind::bind_all, connection, fault, read};
use crate::{
    StoreError, Value,
    catalog::Catalog,
    query::{Rows, Select},
    sql::{self, Dialect, SqlWriter},
    starts::{self, BESIDE_MAX, Found, Starts},
};

/// Reads rows; those of a page far behind from where it begins.
pub(super) fn select(
    connection: &Connection,
    shared: &Shared,
    select: &Select,
) -> Result<Rows, StoreError> {
    let catalog = &*shared.catalog();
    let Some((key, descends)) = sql::far_key(catalog, select) else {
        return read::select(connection, catalog, select);
    };
    let explained = |error| fault::explain(error, catalog);
    // What is written later makes what is remembered old, never wrong.
    let writes = shared.snapshots.writes();
    connection::execute(connection, "BEGIN").map_err(explained)?;
    let rows = start(connection, catalog, &shared.starts, writes, select, key, descends).and_then(
        |found| match found {
            Found::At(start) => {
                read::select(connection, catalog, &start.page(select, key, descends))
            }
            Found::Nothing => Ok(Rows::default()),
            Found::Tied => read::select(connection, catalog, select),
        },
    );
    connection::execute(connection, "COMMIT").map_err(explained)?;
    rows
}

/// Where the page begins, remembered or found out.
fn start(
    connection: &Connection,
    catalog: &Catalog,
    starts: &Starts,
    writes: Option<u64>,
    select: &Select,
    key: &str,
    descends: bool,
) -> Result<Found, StoreError> {
    let mut writer = SqlWriter::new(Dialect::Sqlite, catalog);
    sql::write_keys_before(&mut writer, select, key, descends, BESIDE_MAX as u64)
        .map_err(fault::unsupported)?;
    let id = starts::id_of(&writer);
    if let Some(start) = writes.and_then(|writes| starts.find(id, writes)) {
        return Ok(Found::At(start));
    }
    let keys = keys(connection, &writer).map_err(|error| fault::explain(error, catalog))?;
    let found = Found::of(keys);
    if let (Found::At(start), Some(writes)) = (&found, writes) {
        starts.learn(id, writes, start.clone());
    }
    Ok(found)
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
