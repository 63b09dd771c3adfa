//! The store as the engine writes to it: every write counts up the tables that it may have changed,
//! after it was committed and before anybody is told.

use std::{
    collections::{BTreeSet, HashMap},
    ops::Deref,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use arc_swap::ArcSwap;
use store::{
    Expression, Store, StoreError,
    query::{Outcome, Step},
    schema::Schema,
};

use super::{
    reach::{Generation, Reach},
    together::Together,
};
use crate::{
    security::INTERNAL_PREFIX,
    shared::{Notice, Notices},
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

    /// True where other processes may keep what this one changes.
    pub(crate) fn is_shared(&self) -> bool {
        self.together().is_some()
    }

    /// Another process writes without counting what it changes.
    pub(crate) fn uncounted_elsewhere(&self) {
        if let Some(together) = self.together() {
            together.doubt();
        }
    }

    /// Other processes may have said that unheard.
    pub(crate) fn was_deaf(&self) {
        if let Some(together) = self.together() {
            together.begin_anew();
        }
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

    /// Another process wrote to a table: as if all that could follow from it had happened here.
    pub(crate) fn table_changed(&self, table: &str) {
        let table: Arc<str> = Arc::from(table);
        let (condition, returning) = (Expression::Always(true), Arc::from([]));
        let changed = Step::Update {
            table: Arc::clone(&table),
            set: Vec::new(),
            condition: condition.clone(),
            returning: Arc::clone(&returning),
        };
        let removed = Step::Delete { table, condition, returning };
        drop(CountUp(self.reach.load().written(&[changed, removed])));
    }

    /// Other processes may have written anything.
    pub(crate) fn everything_changed(&self) {
        let all = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().for_each(|generation| generation.count_up());
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
    others: Option<Arc<Notices>>,
}

impl WatchedStore {
    /// Watches a store.
    pub(crate) fn new(store: Store, cache: Arc<Cache>, others: Option<Arc<Notices>>) -> Self {
        Self { store, cache, others }
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
        let others = self.others.clone();
        let task = tokio::spawn(async move {
            let tables = others.as_ref().map(|_| tables_of(&steps)).unwrap_or_default();
            // An error may also mean that the answer was lost after the commit.
            let counted = CountUp(written);
            if let Some(together) = cache.together() {
                let writing = together.begin(&counted.0).await;
                if !writing.is_counted {
                    warn(together, others.as_deref()).await;
                }
                let outcomes = store.write(steps).await;
                if !together.end(&writing).await {
                    warn(together, others.as_deref()).await;
                }
                return outcomes;
            }
            let outcomes = store.write(steps).await;
            drop(counted);
            if let Some(others) = others {
                others.tell_all(tables.into_iter().map(Notice::Table)).await;
            }
            outcomes
        });
        task.await.unwrap_or_else(|error| Err(StoreError::Fault(error.to_string())))
    }
}

/// Says to the other processes that this one writes without being able to count: through the database,
/// which it reaches, and not often.
async fn warn(together: &Together, others: Option<&Notices>) {
    if let Some(others) = others.filter(|_| together.owes_a_warning()) {
        others.tell(Notice::Uncounted).await;
    }
}

/// The tables of the document that steps write to.
fn tables_of(steps: &[Step]) -> BTreeSet<String> {
    let tables = steps.iter().filter_map(|step| match step {
        Step::Insert { table, .. } | Step::Update { table, .. } | Step::Delete { table, .. } => {
            Some(table.to_string())
        }
        Step::Require { .. } => None,
    });
    tables.filter(|table| !table.starts_with(INTERNAL_PREFIX)).collect()
}

impl Deref for WatchedStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}
