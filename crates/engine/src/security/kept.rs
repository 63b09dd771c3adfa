//! What the engine must remember about itself, by name: written by whoever needs it first, and read
//! by every other process on the database.

use jiff::Timestamp;
use store::{Store, StoreError, query::Step};

use super::{
    rows::{self, equal, moment, text},
    tables::{SETTINGS, TEXT},
};

/// The value of a name, which is `fresh` where nobody has written it yet. Of several processes that
/// write at once one is first, and all read what it wrote.
pub(super) async fn kept(
    store: &Store,
    name: &str,
    now: Timestamp,
    fresh: impl FnOnce() -> String,
) -> Result<String, StoreError> {
    if let Some(value) = read(store, name).await? {
        return Ok(value);
    }
    let fresh = fresh();
    let row =
        vec![("name", text(name)), ("value", text(fresh.as_str())), ("updated_at", moment(now))];
    match store.write(vec![rows::insert(SETTINGS, row)]).await {
        Ok(_) => Ok(fresh),
        Err(StoreError::Unique { .. }) => {
            let gone = || StoreError::Fault(format!("the setting `{name}` was just removed"));
            read(store, name).await?.ok_or_else(gone)
        }
        Err(error) => Err(error),
    }
}

/// The value of a name, where anybody has written it.
pub(super) async fn read(store: &Store, name: &str) -> Result<Option<String>, StoreError> {
    let outputs = rows::outputs([("value", TEXT)]);
    let found = rows::read(store, SETTINGS, outputs, equal("name", text(name)), 1).await?.pop();
    Ok(found.and_then(|row| row.get("value")?.as_str().map(str::to_owned)))
}

/// Writes values by their names, whatever was there; all or none.
pub(super) async fn write(
    store: &Store,
    values: &[(&str, &str)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let steps = values.iter().flat_map(|(name, value)| {
        [rows::delete(SETTINGS, equal("name", text(*name))), insert(name, value, now)]
    });
    store.write(steps.collect()).await.map(|_| ())
}

fn insert(name: &str, value: &str, now: Timestamp) -> Step {
    let row = vec![("name", text(name)), ("value", text(value)), ("updated_at", moment(now))];
    rows::insert(SETTINGS, row)
}
