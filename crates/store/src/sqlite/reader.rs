//! Short reads on the caller's own thread: each thread keeps a connection and its statements.

use std::{
    cell::RefCell,
    sync::{Arc, Weak},
};

use rusqlite::Connection;

use super::{
    Shared,
    connection::{self, Access},
    fault,
};
use crate::{StoreError, catalog::Catalog};

thread_local! {
    /// A connection for each store that this thread reads. Those of closed stores go when the next
    /// one is opened.
    static READERS: RefCell<Vec<(Weak<Shared>, Connection)>> = const { RefCell::new(Vec::new()) };
}

/// Runs `work` with this thread's connection.
pub(super) fn with<T>(
    shared: &Arc<Shared>,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    READERS.with(|readers| {
        let mut readers = readers.borrow_mut();
        let is_own =
            |(own, _): &(Weak<Shared>, Connection)| std::ptr::eq(own.as_ptr(), Arc::as_ptr(shared));
        if let Some((_, connection)) = readers.iter().find(|reader| is_own(reader)) {
            return work(connection);
        }
        readers.retain(|(store, _)| store.strong_count() > 0);
        let connection = connection::open(&shared.path, Access::Read)
            .map_err(|error| fault::explain(error, &Catalog::default()))?;
        readers.push((Arc::downgrade(shared), connection));
        readers.last().map_or_else(
            || Err(StoreError::Fault("no connection".to_owned())),
            |(_, connection)| work(connection),
        )
    })
}
