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
    starts::{self, BESIDE_MAX, Found, Start, Starts},
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

/// A page far behind, and the statement that finds out where it begins.
pub(super) struct Far<'a> {
    select: &'a Select,
    key: &'a str,
    descends: bool,
    kind: &'a Kind,
    writer: SqlWriter<'a>,
    id: u64,
}

impl<'a> Far<'a> {
    /// None where the page is near, or begins nowhere in one index.
    pub(super) fn of(catalog: &'a Catalog, select: &'a Select) -> Result<Option<Self>, StoreError> {
        let column = sql::far_key(catalog, select).and_then(|(key, descends)| {
            Some((key, descends, catalog.table(&select.table)?.column(key)?))
        });
        let Some((key, descends, column)) = column else {
            return Ok(None);
        };
        let mut writer = SqlWriter::new(Dialect::Postgres, catalog);
        sql::write_keys_before(&mut writer, select, key, descends, BESIDE_MAX as u64)
            .map_err(fault::unsupported)?;
        let id = starts::id_of(&writer);
        Ok(Some(Self { select, key, descends, kind: &column.kind, writer, id }))
    }

    /// The page from where it begins, where that is known.
    pub(super) fn known(&self, places: &Places) -> Option<Select> {
        Some(self.from(places.starts.find(self.id, places.writes()?)?))
    }

    /// Finds out where the page begins, and reads it.
    pub(super) async fn find(
        self,
        client: &ClientWrapper,
        catalog: &Catalog,
        places: &Places,
    ) -> Result<Rows, StoreError> {
        let writes = places.writes();
        let found = Found::of(keys(client, catalog, &self.writer, self.key, self.kind).await?);
        if let (Found::At(start), Some(writes)) = (&found, writes) {
            places.starts.learn(self.id, writes, start.clone());
        }
        match found {
            Found::At(start) => read::select(client, catalog, &self.from(start)).await,
            Found::Nothing => Ok(Rows::default()),
            Found::Tied => read::select(client, catalog, self.select).await,
        }
    }

    fn from(&self, start: Start) -> Select {
        start.page(self.select, self.key, self.descends)
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
