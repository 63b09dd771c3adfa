//! Reads that may take long, on a few threads of their own, each with a deadline.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{
    Shared,
    connection::{self, Access},
};
use crate::StoreError;

/// Threads that read.
pub(super) const THREADS: usize = 2;
/// Reads that may wait.
const QUEUE_MAX: usize = 1_000;
/// Steps of SQLite's machine between two looks at the clock.
const STEPS_BETWEEN_LOOKS: i32 = 2_000;

/// A read; it answers through a channel of its own.
pub(super) type Work = Box<dyn FnOnce(&Connection) + Send>;

/// Reader threads and their queue.
pub(super) struct Pool {
    queue: SyncSender<(Instant, Work)>,
}

impl Pool {
    /// Starts the threads; they end when the pool is dropped.
    pub(super) fn start(shared: &Arc<Shared>) -> std::io::Result<Self> {
        let (queue, waiting) = sync_channel(QUEUE_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..THREADS {
            let (shared, waiting) = (shared.clone(), waiting.clone());
            thread::Builder::new()
                .name(format!("store reader {number}"))
                .spawn(move || serve(&shared, &waiting))?;
        }
        Ok(Self { queue })
    }

    /// Queues a read.
    pub(super) fn run(&self, work: Work, wait_ms_max: u64) -> Result<(), StoreError> {
        let deadline = Instant::now() + Duration::from_millis(wait_ms_max);
        self.queue.try_send((deadline, work)).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => super::gone(),
        })
    }
}

fn serve(shared: &Shared, waiting: &Mutex<Receiver<(Instant, Work)>>) {
    let mut connection = None;
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((deadline, work)) = next else {
            return;
        };
        if connection.is_none() {
            connection = open(shared);
        }
        let Some(open) = &mut connection else {
            // The work is dropped, and its channel with it: whoever waits is told.
            continue;
        };
        let look = move || Instant::now() >= deadline;
        let is_watched = open.progress_handler(STEPS_BETWEEN_LOOKS, Some(look)).is_ok();
        // A panic is this read's own; the connection is replaced, for it may be halfway.
        let result = catch_unwind(AssertUnwindSafe(|| work(&*open)));
        if result.is_err() || !is_watched {
            connection = None;
        }
    }
}

fn open(shared: &Shared) -> Option<Connection> {
    match connection::open_with(&shared.path, Access::Read, shared.cache_kib) {
        Ok(connection) => Some(connection),
        Err(error) => {
            tracing::error!(%error, "a reader cannot open the database");
            None
        }
    }
}
