//! Where pages far behind begin, remembered for as long as nobody writes: finding it out means
//! skipping every row before.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{Value, sql::SqlWriter};

/// Rows right before a page that are looked at, to know how many have the same key as its first.
pub(crate) const BESIDE_MAX: usize = 64;
/// Beginnings that are remembered.
const KNOWN_MAX: usize = 1_024;
/// For how long: another process may write too, and a page may then begin a few rows off for so
/// long, with every row as it is.
const KNOWN_FOR: Duration = Duration::from_secs(1);

/// Where pages begin, by the statement that finds it out.
#[derive(Default)]
pub(crate) struct Starts(Mutex<HashMap<u64, Known>>);

/// Where a page began, and after how many writes.
struct Known {
    at: Value,
    beside: u64,
    writes: u64,
    since: Instant,
}

impl Starts {
    /// Where a page begins: the key of its first row, and how many rows with that key come before.
    pub(crate) fn find(&self, id: u64, writes: u64) -> Option<(Value, u64)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(&id)?;
        let counts = known.writes == writes && known.since.elapsed() < KNOWN_FOR;
        counts.then(|| (known.at.clone(), known.beside))
    }

    /// Remembers where a page begins.
    pub(crate) fn learn(&self, id: u64, writes: u64, at: &Value, beside: u64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        let since = Instant::now();
        known.insert(id, Known { at: at.clone(), beside, writes, since });
    }
}

/// Identifies a statement and its values.
pub(crate) fn id_of(writer: &SqlWriter<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    writer.text.hash(&mut hasher);
    format!("{:?}", writer.parameters).hash(&mut hasher);
    hasher.finish()
}
