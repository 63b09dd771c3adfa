//! When the write-ahead log is moved into the database: after those who wait for a commit have their
//! answers, and at the end, so that the next start has nothing to read again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering::Relaxed},
    },
    time::Duration,
};

use rusqlite::{Connection, hooks::Wal};

use super::connection::CHECKPOINT_PAGES;

/// How long the last checkpoint waits for readers.
const LAST_WAIT_MAX: Duration = Duration::from_millis(500);

/// Keeps the log of the one writer short.
pub(super) struct Checkpoints {
    /// Pages in the log after the last commit.
    pages: Arc<AtomicI32>,
}

impl Checkpoints {
    /// Takes over from SQLite, which would do it inside of the commit that fills the log: whoever
    /// waits for that commit would wait for both.
    pub(super) fn of(connection: &mut Connection) -> rusqlite::Result<Self> {
        let pages = Arc::new(AtomicI32::new(0));
        let seen = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut Wal, count| {
            seen.store(count, Relaxed);
            Ok(())
        }))?;
        Ok(Self { pages })
    }

    /// Moves the log into the database where it is long enough. What cannot be moved, because a reader
    /// still needs it or the disk is full, is tried again after the next commit.
    pub(super) fn after_commit(&self, connection: &Connection) {
        if i64::from(self.pages.load(Relaxed)) < CHECKPOINT_PAGES {
            return;
        }
        match run(connection, "PASSIVE") {
            Ok(()) => self.pages.store(0, Relaxed),
            Err(error) => tracing::debug!(%error, "the log could not be moved into the database"),
        }
    }

    /// Moves everything and empties the log.
    pub(super) fn last(&self, connection: &Connection) {
        let emptied =
            connection.busy_timeout(LAST_WAIT_MAX).and_then(|()| run(connection, "TRUNCATE"));
        if let Err(error) = emptied {
            tracing::info!(%error, "the next start moves the log into the database");
        }
    }
}

fn run(connection: &Connection, mode: &str) -> rusqlite::Result<()> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()))
}
