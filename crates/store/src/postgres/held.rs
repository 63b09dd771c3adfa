//! Tables that somebody keeps for themselves. Reads of them go over connections of their own for a
//! while: on a connection that many share, all others would wait behind them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// For how long a table counts as held after a read of it took too long.
const HELD_FOR: Duration = Duration::from_secs(5);

/// Which tables are held.
#[derive(Default)]
pub(super) struct Held {
    /// False where there are none: then nobody has to look.
    any: AtomicBool,
    until: Mutex<HashMap<Arc<str>, Instant>>,
}

impl Held {
    pub(super) fn holds(&self, table: &str) -> bool {
        if !self.any.load(Relaxed) {
            return false;
        }
        let now = Instant::now();
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.retain(|_, until| now < *until);
        self.any.store(!until.is_empty(), Relaxed);
        until.contains_key(table)
    }

    /// A read of the table took too long.
    pub(super) fn learn(&self, table: &Arc<str>) {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.insert(Arc::clone(table), Instant::now() + HELD_FOR);
        self.any.store(true, Relaxed);
    }
}
