//! Memory of the process for kept answers: bounded in bytes, each entry with its own end. Whoever
//! misses takes a turn, so that many who want the same thing read it once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use moka::{Expiry, notification::RemovalCause, sync::Cache};
use tokio::sync::{Mutex as Waiting, OwnedMutexGuard};

use super::{Kept, Rule, key::Key, reach::Versions};
use crate::observability::CacheEvidence;

/// Memory for all entries where the document says nothing, in bytes.
pub(super) const BYTES_MAX_DEFAULT: u64 = 64 * 1024 * 1024;
/// The least that a document may give it, in bytes.
const BYTES_MIN: u64 = 64 * 1024;
/// One entry takes at most this part of the memory.
const ENTRY_SHARE: u64 = 16;
/// What an entry takes besides its answer, in bytes.
const ENTRY_OVERHEAD_BYTES: usize = 320;
/// Longest wait for somebody else's read; who waited longer reads alone, in milliseconds.
const TURN_MS_MAX: u64 = 2_000;
/// Keys that are waited for at once; beyond that everybody reads alone.
const TURNS_MAX: usize = 10_000;

/// Kept answers.
pub(crate) struct Tier {
    entries: Cache<Key, Arc<Entry>>,
    entry_bytes_max: u64,
    pub(super) turns: Turns,
}

/// One kept answer.
pub(super) struct Entry {
    pub(super) kept: Arc<Kept>,
    pub(super) versions: Versions,
    pub(super) until: Timestamp,
    ttl: Duration,
    bytes: u32,
    evidence: Arc<CacheEvidence>,
}

impl Entry {
    /// An answer that was read just now.
    pub(super) fn new(rule: &Rule, kept: Arc<Kept>, versions: Versions, now: Timestamp) -> Self {
        let bytes = u32::try_from(kept.bytes() + ENTRY_OVERHEAD_BYTES).unwrap_or(u32::MAX);
        let until = now.checked_add(rule.ttl).unwrap_or(now);
        let evidence = Arc::clone(&rule.evidence);
        evidence.kept(u64::from(bytes));
        Self { kept, versions, until, ttl: rule.ttl, bytes, evidence }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.evidence.dropped(u64::from(self.bytes));
    }
}

/// Each entry ends by its own rule.
struct OwnEnd;

impl Expiry<Key, Arc<Entry>> for OwnEnd {
    fn expire_after_create(&self, _: &Key, entry: &Arc<Entry>, _: Instant) -> Option<Duration> {
        use crate::sabotage::{self, Sabotage};
        (!sabotage::is(Sabotage::CacheForgetsTime)).then_some(entry.ttl)
    }

    fn expire_after_update(
        &self,
        key: &Key,
        entry: &Arc<Entry>,
        at: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.expire_after_create(key, entry, at)
    }
}

impl Tier {
    /// Nothing kept yet.
    pub(super) fn new(bytes_max: u64) -> Self {
        let bytes_max = bytes_max.max(BYTES_MIN);
        let entries = Cache::builder()
            .max_capacity(bytes_max)
            .weigher(|_: &Key, entry: &Arc<Entry>| entry.bytes)
            .expire_after(OwnEnd)
            .eviction_listener(|_, entry: Arc<Entry>, cause| {
                if cause == RemovalCause::Size {
                    entry.evidence.evicted();
                }
            })
            .build();
        Self { entries, entry_bytes_max: bytes_max / ENTRY_SHARE, turns: Turns::default() }
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<Entry>> {
        self.entries.get(key)
    }

    /// Keeps an answer; false where it is too large.
    pub(super) fn keep(&self, key: Key, entry: Entry) -> bool {
        if u64::from(entry.bytes) > self.entry_bytes_max {
            return false;
        }
        self.entries.insert(key, Arc::new(entry));
        // The bound holds at once, not whenever the cache finds the time.
        self.entries.run_pending_tasks();
        true
    }
}

/// Who reads what just now.
#[derive(Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<Key, Arc<Waiting<()>>>>>);

/// Leave to read.
pub(super) enum Turn {
    /// Nobody else reads this.
    First(#[expect(dead_code, reason = "held until the read is over")] Held),
    /// Somebody else has read it meanwhile.
    Waited(#[expect(dead_code, reason = "held until the read is over")] Held),
    /// Nobody is waited for.
    Alone,
}

/// One's turn, until dropped.
pub(super) struct Held {
    all: Arc<Mutex<HashMap<Key, Arc<Waiting<()>>>>>,
    key: Key,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits until nobody else reads this, for a while.
    pub(super) async fn turn(&self, key: &Key) -> Turn {
        let waiting = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= TURNS_MAX && !all.contains_key(key) {
                return Turn::Alone;
            }
            Arc::clone(all.entry(*key).or_default())
        };
        let mut held = Held { all: Arc::clone(&self.0), key: *key, guard: None };
        if let Ok(guard) = Arc::clone(&waiting).try_lock_owned() {
            drop(waiting);
            held.guard = Some(guard);
            return Turn::First(held);
        }
        let time_max = Duration::from_millis(TURN_MS_MAX);
        match tokio::time::timeout(time_max, waiting.lock_owned()).await {
            Ok(guard) => {
                held.guard = Some(guard);
                Turn::Waited(held)
            }
            Err(_) => Turn::Alone,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // The guard holds one reference and the map another: a third is somebody who waits.
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        self.guard = None;
        if all.get(&self.key).is_some_and(|waiting| Arc::strong_count(waiting) == 1) {
            all.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_is_forgotten_when_nobody_waits_for_it() {
        let turns = Turns::default();
        let select = |name: &str| Key::of_query(name, &[]);
        let first = turns.turn(&select("a")).await;
        assert!(matches!(first, Turn::First(_)));
        let other = turns.turn(&select("b")).await;
        assert!(matches!(other, Turn::First(_)), "another key has its own turn");
        drop((first, other));
        assert!(turns.0.lock().expect("the turns").is_empty());
    }

    #[tokio::test]
    async fn who_comes_second_waits_for_whoever_came_first() {
        let turns = Arc::new(Turns::default());
        let key = Key::of_query("a", &[]);
        let first = turns.turn(&key).await;
        let second = {
            let turns = Arc::clone(&turns);
            tokio::spawn(async move { matches!(turns.turn(&key).await, Turn::Waited(_)) })
        };
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!second.is_finished(), "the second waits");
        drop(first);
        assert!(second.await.expect("the second"), "and then has its turn");
        assert!(turns.0.lock().expect("the turns").is_empty());
    }
}
