//! The store as the engine writes to it: every write counts up the tables that it may have changed,
//! after it was committed and before anybody is told.

use std::{
    collections::HashMap,
    ops::Deref,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use arc_swap::ArcSwap;
use store::{
    Store, StoreError,
    query::{Outcome, Step},
    schema::Schema,
};

use super::{
    reach::{Generation, Reach},
    together::Together,
};

/// What outlives versions of the document: how often each table changed, and what a write reaches.
#[derive(Default)]
pub struct Cache {
    generations: Mutex<HashMap<String, Arc<Generation>>>,
    reach: ArcSwap<Reach>,
    /// Where several processes keep together what they read.
    together: OnceLock<Together>,
}

impl Cache {
    /// From now on what is kept is kept together with other processes. The first call counts.
    pub(crate) fn join(&self, together: Together) {
        let _ = self.together.set(together);
    }

    /// Where several processes keep together what they read.
    pub(super) fn together(&self) -> Option<&Together> {
        self.together.get()
    }

    /// What the statements of a schema reach.
    pub(crate) fn reach_of(&self, schema: &Schema) -> Reach {
        Reach::of(schema, |table| self.generation(table))
    }

    /// From now on writes reach this.
    pub(crate) fn install(&self, reach: Arc<Reach>) {
        self.reach.store(reach);
        // What was done to the tables meanwhile was no write that anybody counted.
        if let Some(together) = self.together() {
            together.begin_anew();
        }
    }

    fn generation(&self, table: &str) -> Arc<Generation> {
        let mut all = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.entry(table.to_owned());
        Arc::clone(found.or_insert_with(|| Arc::new(Generation::new(table))))
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
        let (store, cache) = (self.store.clone(), Arc::clone(&self.cache));
        let task = tokio::spawn(async move {
            // An error may also mean that the answer was lost after the commit.
            let counted = CountUp(written);
            let Some(together) = cache.together() else { return store.write(steps).await };
            let writing = together.begin(&counted.0).await;
            let outcomes = store.write(steps).await;
            together.end(&writing).await;
            outcomes
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
