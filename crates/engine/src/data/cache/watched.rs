//! The store as the engine writes to it: every write counts up the tables that it may have changed,
//! after it was committed and before anybody is told.

use std::{
    collections::HashMap,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use store::{
    Store, StoreError,
    query::{Outcome, Step},
    schema::Schema,
};

use super::reach::{Generation, Reach};

/// What outlives versions of the document: how often each table changed, and what a write reaches.
#[derive(Default)]
pub struct Cache {
    generations: Mutex<HashMap<String, Arc<Generation>>>,
    reach: ArcSwap<Reach>,
}

impl Cache {
    /// What the statements of a schema reach.
    pub(crate) fn reach_of(&self, schema: &Schema) -> Reach {
        Reach::of(schema, |table| self.generation(table))
    }

    /// From now on writes reach this.
    pub(crate) fn install(&self, reach: Arc<Reach>) {
        self.reach.store(reach);
    }

    fn generation(&self, table: &str) -> Arc<Generation> {
        let mut all = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(table.to_owned()).or_default())
    }
}

/// Counts tables up when dropped, whatever became of the write.
struct CountUp(Vec<Arc<Generation>>);

impl Drop for CountUp {
    fn drop(&mut self) {
        self.0.iter().for_each(|generation| generation.count_up());
    }
}

/// The store, with its writes watched. Everything else is the store's own.
#[derive(Clone)]
pub struct WatchedStore {
    store: Store,
    cache: Arc<Cache>,
}

impl WatchedStore {
    /// Watches a store.
    pub(crate) fn new(store: Store, cache: Arc<Cache>) -> Self {
        Self { store, cache }
    }

    /// As [`Store::write`]. Where kept answers may depend on it, it goes on even when nobody waits
    /// for it any more: what is committed is also counted.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is written then.
    pub async fn write(&self, steps: Vec<Step>) -> Result<Vec<Outcome>, StoreError> {
        let written = self.cache.reach.load().written(&steps);
        if written.is_empty() {
            return self.store.write(steps).await;
        }
        let store = self.store.clone();
        let task = tokio::spawn(async move {
            // An error may also mean that the answer was lost after the commit.
            let _counted = CountUp(written);
            store.write(steps).await
        });
        task.await.unwrap_or_else(|error| Err(StoreError::Fault(error.to_string())))
    }
}

impl Deref for WatchedStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}
