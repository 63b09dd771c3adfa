//! What was observed of kept answers: how often one was served, how often the store was asked.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use jiff::Timestamp;

/// What was observed of one rule of the cache since the service started.
#[derive(Debug, Default)]
pub struct CacheEvidence {
    hits: AtomicU64,
    misses: AtomicU64,
    bypassed: AtomicU64,
    outdated: AtomicU64,
    evicted: AtomicU64,
    entries: AtomicU64,
    bytes: AtomicU64,
    hit_at: AtomicI64,
}

impl CacheEvidence {
    /// An answer was served from memory.
    pub(crate) fn hit(&self, at: Timestamp) {
        self.hits.fetch_add(1, Relaxed);
        self.hit_at.store(at.as_microsecond(), Relaxed);
    }

    /// The store was asked.
    pub(crate) fn missed(&self) {
        self.misses.fetch_add(1, Relaxed);
    }

    /// The store was asked, since the answer depends on more than rows.
    pub(crate) fn bypassed(&self) {
        self.bypassed.fetch_add(1, Relaxed);
    }

    /// What was kept had been overtaken by a write.
    pub(crate) fn outdated(&self) {
        self.outdated.fetch_add(1, Relaxed);
    }

    /// An answer is kept.
    pub(crate) fn kept(&self, bytes: u64) {
        self.entries.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes, Relaxed);
    }

    /// An answer is kept no longer.
    pub(crate) fn dropped(&self, bytes: u64) {
        self.entries.fetch_sub(1, Relaxed);
        self.bytes.fetch_sub(bytes, Relaxed);
    }

    /// An answer made room for another.
    pub(crate) fn evicted(&self) {
        self.evicted.fetch_add(1, Relaxed);
    }

    /// Its figures at rest.
    pub fn snapshot(&self) -> CacheSnapshot {
        let hit_at = self.hit_at.load(Relaxed);
        CacheSnapshot {
            hits: self.hits.load(Relaxed),
            misses: self.misses.load(Relaxed),
            bypassed: self.bypassed.load(Relaxed),
            outdated: self.outdated.load(Relaxed),
            evicted: self.evicted.load(Relaxed),
            entries: self.entries.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            hit_at: (hit_at != 0).then(|| Timestamp::from_microsecond(hit_at).ok()).flatten(),
        }
    }
}

/// Figures of one rule of the cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheSnapshot {
    /// Answers served from memory.
    pub hits: u64,
    /// Answers for which the store was asked.
    pub misses: u64,
    /// Answers that were never to be kept, since they depend on more than rows.
    pub bypassed: u64,
    /// Misses whose entry a write had overtaken.
    pub outdated: u64,
    /// Entries that made room for others.
    pub evicted: u64,
    /// Entries now.
    pub entries: u64,
    /// Memory that they take, in bytes.
    pub bytes: u64,
    /// When an answer was last served from memory.
    pub hit_at: Option<Timestamp>,
}

impl CacheSnapshot {
    /// Reads that could have been hits.
    pub fn count(&self) -> u64 {
        self.hits + self.misses
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: &Self) -> Self {
        Self {
            hits: self.hits + other.hits,
            misses: self.misses + other.misses,
            bypassed: self.bypassed + other.bypassed,
            outdated: self.outdated + other.outdated,
            evicted: self.evicted + other.evicted,
            entries: self.entries + other.entries,
            bytes: self.bytes + other.bytes,
            hit_at: self.hit_at.max(other.hit_at),
        }
    }

    /// The share of hits, from 0 to 1; none where nothing was read.
    pub fn hit_rate(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let share = self.hits as f64 / self.count() as f64;
        (self.count() > 0).then_some(share)
    }
}
