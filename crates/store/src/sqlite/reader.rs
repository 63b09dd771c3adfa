//! Reads on the caller's own thread: each thread keeps a connection, its statements, and what it has
//! learnt of them. A read that turns out to take long is given up, for the reader threads to do.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{
    Shared,
    connection::{self, Access},
    fault,
    snapshot::{Kept, Slot},
};
use crate::{StoreError, catalog::Catalog};

/// Steps of SQLite's machine between two looks at what a read has used.
const STEPS_BETWEEN_LOOKS: i32 = 1_000;
/// Looks that a read gets: about half a millisecond of a processor.
const LOOKS_MAX: u32 = 10;
/// Longest time of a read that waits for the disk.
const READ_MAX: Duration = Duration::from_millis(3);
/// Statements of which something is remembered.
const HABITS_MAX: usize = 1_024;
/// How often something remembered is relied on before it is tried anew: rows change.
const RELIED_ON_MAX: u32 = 1_000;

thread_local! {
    /// A reader for each store that this thread reads. Those of closed stores go when the next one
    /// is opened.
    static READERS: RefCell<Vec<(Weak<Shared>, Arc<Slot>)>> = const { RefCell::new(Vec::new()) };
    /// What the read at hand has used.
    static USED: Used = const { Used { looks: Cell::new(0), since: Cell::new(None) } };
}

/// What a read has used so far.
struct Used {
    looks: Cell<u32>,
    since: Cell<Option<Instant>>,
}

impl Used {
    fn begin(&self) {
        self.looks.set(0);
        self.since.set(None);
    }

    /// Counts a look; true where the read has used too much.
    fn is_too_much(&self) -> bool {
        let looks = self.looks.get() + 1;
        self.looks.set(looks);
        let since = self.since.get().unwrap_or_else(Instant::now);
        self.since.set(Some(since));
        looks > LOOKS_MAX || since.elapsed() > READ_MAX
    }
}

/// A thread's connection, and what was learnt on it.
pub(super) struct Reader {
    pub(super) connection: Connection,
    pub(super) habits: Habits,
    pub(super) kept: Kept,
}

/// What was learnt of statements, by the hash of their text.
#[derive(Default)]
pub(super) struct Habits {
    /// They take long.
    pub(super) long: Learnt,
    /// Their rows stand beside others of the same rank.
    pub(super) tied: Learnt,
}

/// Statements of which something holds, each with how often that was relied on.
#[derive(Default)]
pub(super) struct Learnt(HashMap<u64, u32>);

impl Learnt {
    /// From now on it holds, for a while.
    pub(super) fn learn(&mut self, statement: u64) {
        if self.0.len() >= HABITS_MAX {
            self.0.clear();
        }
        self.0.insert(statement, 0);
    }

    /// True where it holds; forgotten when relied on often enough.
    pub(super) fn holds(&mut self, statement: u64) -> bool {
        let Some(relied_on) = self.0.get_mut(&statement) else { return false };
        *relied_on += 1;
        if *relied_on > RELIED_ON_MAX {
            self.0.remove(&statement);
            return false;
        }
        true
    }
}

/// The hash by which a statement is known.
pub(super) fn hash_of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Runs `work` with this thread's reader. A statement that uses too much ends in
/// [`StoreError::Deadline`].
pub(super) fn with<T>(
    shared: &Arc<Shared>,
    work: impl FnOnce(&mut Reader) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    USED.with(Used::begin);
    READERS.with_borrow_mut(|readers| {
        let is_own =
            |(own, _): &(Weak<Shared>, Arc<Slot>)| std::ptr::eq(own.as_ptr(), Arc::as_ptr(shared));
        let place = match readers.iter().position(is_own) {
            Some(place) => place,
            None => {
                readers.retain(|(store, _)| store.strong_count() > 0);
                let reader =
                    open(shared).map_err(|error| fault::explain(error, &Catalog::default()))?;
                readers.push((Arc::downgrade(shared), shared.snapshots.add(reader)));
                readers.len() - 1
            }
        };
        match readers.get(place) {
            Some((_, slot)) => slot.read(&shared.snapshots, work),
            None => Err(StoreError::Fault("no connection".to_owned())),
        }
    })
}

fn open(shared: &Shared) -> rusqlite::Result<Reader> {
    let mut connection = connection::open_with(&shared.path, Access::Read, shared.cache_kib)?;
    let look = || USED.with(Used::is_too_much);
    connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(look))?;
    Ok(Reader { connection, habits: Habits::default(), kept: Kept::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learnt_is_tried_anew_after_a_while() {
        let mut learnt = Learnt::default();
        assert!(!learnt.holds(1));
        learnt.learn(1);
        assert_eq!((0..2 * RELIED_ON_MAX).filter(|_| learnt.holds(1)).count(), 1_000);
    }

    #[test]
    fn what_is_learnt_is_bounded() {
        let mut learnt = Learnt::default();
        (0..10_000).for_each(|statement| learnt.learn(statement));
        assert!(learnt.0.len() <= HABITS_MAX);
    }
}
