//! Pages far behind: where one begins is asked for first, by the index of the first sort key alone,
//! and remembered until this process writes or hears of somebody who did.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use deadpool_postgres::ClientWrapper;
use serde_json::{Map, Value as Json};

use super::{bind::Bound, fault, read};
use crate::{
    Kind, StoreError, Value,
    catalog::Catalog,
    query::{Output, Rows, Select},
    sql::{self, Dialect, SqlWriter},
    starts::{self, BESIDE_MAX, Found, Starts},
};

/// Where pages begin, and the writes after which it has to be asked for anew.
#[derive(Default)]
pub(super) struct Places {
    starts: Starts,
    begun: AtomicU64,
    ended: AtomicU64,
}

/// While it lives somebody writes.
pub(super) struct Writing<'a>(&'a Places);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, SeqCst);
    }
}

impl Places {
    /// Somebody writes for as long as the value lives, answers included.
    pub(super) fn write(&self) -> Writing<'_> {
        self.begun.fetch_add(1, SeqCst);
        Writing(self)
    }

    /// Writes so far; none while somebody writes.
    fn writes(&self) -> Option<u64> {
        let begun = self.begun.load(SeqCst);
        (self.ended.load(SeqCst) == begun).then_some(begun)
    }
}

/// Reads rows; those of a page far behind from where it begins.
pub(super) async fn select(
    client: &ClientWrapper,
    catalog: &Catalog,
    places: &Places,
    select: &Select,
) -> Result<Rows, StoreError> {
    let table = catalog.table(&select.table);
    let key = sql::far_key(catalog, select);
    let column = key.and_then(|(key, _)| table?.column(key));
    let (Some((key, descends)), Some(column)) = (key, column) else {
        return read::select(client, catalog, select).await;
    };
    let writes = places.writes();
    let mut writer = SqlWriter::new(Dialect::Postgres, catalog);
    sql::write_keys_before(&mut writer, select, key, descends, BESIDE_MAX as u64)
        .map_err(fault::unsupported)?;
    let id = starts::id_of(&writer);
    let known = writes.and_then(|writes| places.starts.find(id, writes));
    let found = match known {
        Some(start) => Found::At(start),
        None => {
            let found = Found::of(keys(client, catalog, &writer, key, &column.kind).await?);
            if let (Found::At(start), Some(writes)) = (&found, writes) {
                places.starts.learn(id, writes, start.clone());
            }
            found
        }
    };
    match found {
        Found::At(start) => read::select(client, catalog, &start.page(select, key, descends)).await,
        Found::Nothing => Ok(Rows::default()),
        Found::Tied => read::select(client, catalog, select).await,
    }
}

async fn keys(
    client: &ClientWrapper,
    catalog: &Catalog,
    writer: &SqlWriter<'_>,
    key: &str,
    kind: &Kind,
) -> Result<Vec<Value>, StoreError> {
    let parameters: Vec<Bound<'_>> = writer.parameters.iter().map(|value| Bound(value)).collect();
    let output = Output { name: "key".into(), column: key.into(), kind: kind.clone() };
    let rows = read::rows(client, catalog, &writer.text, &parameters, &[output]).await?;
    let value = |place: usize| {
        let row: Map<String, Json> = serde_json::from_slice(rows.row(place)?).ok()?;
        kind.parse_json(row.get("key")?).ok()
    };
    let keys: Option<Vec<Value>> = (0..rows.len()).map(value).collect();
    keys.ok_or_else(|| StoreError::Fault(format!("a key of {key} cannot be read")))
}
