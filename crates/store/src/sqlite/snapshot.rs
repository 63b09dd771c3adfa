//! Snapshots that outlive one read. Entering and leaving a read transaction takes two locks on the
//! file, which cost as much as finding a row: while nobody writes, a reader keeps its transaction
//! for the reads that follow within a moment.
//!
//! No snapshot is kept across a write: the writer lets go of all of them before it begins and keeps
//! new ones from being taken until it has committed. So a read sees what was acknowledged before
//! it, and the write-ahead log is moved into the database as if there were no such thing. What
//! another process writes is seen a moment later, [`KEPT_MAX`] at most.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Acquire, SeqCst},
        },
    },
    thread,
    time::{Duration, Instant},
};

use super::{connection::execute, reader::Reader};

/// How long a snapshot is read from.
const KEPT_MAX: Duration = Duration::from_millis(1);
/// For so long nobody must have written: where writes follow each other, keeping gains nothing.
const QUIET_MIN: Duration = Duration::from_millis(2);

/// A thread's reader where the writer can reach it.
pub(super) struct Slot {
    pub(super) reader: Mutex<Reader>,
    /// Its transaction is open, or about to be.
    is_kept: AtomicBool,
}

/// The readers of a store, and whether somebody writes.
#[derive(Default)]
pub(super) struct Snapshots {
    is_writing: AtomicBool,
    /// Groups of writes so far.
    writes: AtomicU64,
    slots: Mutex<Vec<Weak<Slot>>>,
}

/// What a reader knows of its snapshot.
pub(super) struct Kept {
    /// When the transaction was opened; none where there is none.
    since: Option<Instant>,
    /// Writes as last seen, and when a new one was first seen.
    writes: u64,
    written_at: Instant,
}

impl Default for Kept {
    fn default() -> Self {
        Self { since: None, writes: 0, written_at: Instant::now() }
    }
}

/// While it lives somebody writes, and no snapshot is kept.
pub(super) struct Writing<'a>(&'a Snapshots);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.writes.fetch_add(1, SeqCst);
        self.0.is_writing.store(false, SeqCst);
    }
}

impl Snapshots {
    /// Takes in a thread's reader.
    pub(super) fn add(&self, reader: Reader) -> Arc<Slot> {
        let slot = Arc::new(Slot { reader: Mutex::new(reader), is_kept: AtomicBool::new(false) });
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|slot| slot.strong_count() > 0);
        slots.push(Arc::downgrade(&slot));
        slot
    }

    /// Lets go of all snapshots, and keeps new ones from being taken for as long as the value lives.
    /// Only the writer's thread may call it.
    pub(super) fn write(&self) -> Writing<'_> {
        self.is_writing.store(true, SeqCst);
        self.let_go();
        Writing(self)
    }

    /// Groups of writes so far: another number means that something may have been written since.
    /// None while somebody writes.
    pub(super) fn writes(&self) -> Option<u64> {
        let writes = self.writes.load(SeqCst);
        (!self.is_writing.load(SeqCst)).then_some(writes)
    }

    /// Lets go of snapshots that nobody reads from any more.
    pub(super) fn let_go_of_idle(&self) {
        self.is_writing.store(true, SeqCst);
        self.let_go();
        self.is_writing.store(false, SeqCst);
    }

    /// Waits for reads that are under way: they are short, and end their transaction themselves.
    fn let_go(&self) {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        for slot in slots.iter().filter_map(Weak::upgrade) {
            while slot.is_kept.load(SeqCst) {
                match slot.reader.try_lock() {
                    Ok(mut reader) => slot.end(&mut reader),
                    Err(std::sync::TryLockError::Poisoned(poisoned)) => {
                        slot.end(&mut poisoned.into_inner());
                    }
                    Err(std::sync::TryLockError::WouldBlock) => thread::yield_now(),
                }
            }
        }
    }
}

impl Slot {
    /// Runs one read, inside the snapshot that is kept or in one that may be kept.
    pub(super) fn read<T>(&self, snapshots: &Snapshots, work: impl FnOnce(&mut Reader) -> T) -> T {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        self.begin(snapshots, &mut reader);
        let result = work(&mut reader);
        // Who writes waits for this one.
        if reader.kept.since.is_some()
            && (snapshots.is_writing.load(SeqCst) || reader.connection.is_autocommit())
        {
            self.end(&mut reader);
        }
        result
    }

    /// Opens a transaction where it is worth it, and renews one that is too old.
    fn begin(&self, snapshots: &Snapshots, reader: &mut Reader) {
        let now = Instant::now();
        let writes = snapshots.writes.load(Acquire);
        if writes != reader.kept.writes {
            reader.kept.writes = writes;
            reader.kept.written_at = now;
        }
        if let Some(since) = reader.kept.since {
            if now.duration_since(since) < KEPT_MAX && !snapshots.is_writing.load(SeqCst) {
                return;
            }
            self.end(reader);
        }
        if now.duration_since(reader.kept.written_at) < QUIET_MIN {
            return;
        }
        // Said before it is asked whether somebody writes: the writer does it the other way round.
        self.is_kept.store(true, SeqCst);
        if snapshots.is_writing.load(SeqCst) || execute(&reader.connection, "BEGIN").is_err() {
            self.is_kept.store(false, SeqCst);
            return;
        }
        reader.kept.since = Some(now);
    }

    fn end(&self, reader: &mut Reader) {
        reader.kept.since = None;
        if !reader.connection.is_autocommit() && execute(&reader.connection, "COMMIT").is_err() {
            let _ = execute(&reader.connection, "ROLLBACK");
        }
        self.is_kept.store(false, SeqCst);
    }
}
