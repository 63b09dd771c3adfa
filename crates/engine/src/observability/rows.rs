//! Counts the rows of each table now and then, so that nobody who looks at the page waits for it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use store::Expression;

use super::TableSnapshot;
use crate::service::Inner;

/// Shortest time between two counts of all tables.
const COUNT_EVERY_MIN: Duration = Duration::from_secs(2);
/// Counting takes at most this part of one thread's time.
const COUNTING_SHARE: u32 = 200;

/// Counts for as long as the service lives. Large tables are counted less often.
pub(crate) fn watch_tables(inner: Weak<Inner>) {
    tokio::spawn(async move {
        loop {
            let Some(strong) = inner.upgrade() else { break };
            let started = Instant::now();
            count(&strong).await;
            drop(strong);
            let pause = started.elapsed().saturating_mul(COUNTING_SHARE);
            tokio::time::sleep(pause.max(COUNT_EVERY_MIN)).await;
        }
    });
}

/// Counts all tables that are served now.
async fn count(inner: &Inner) {
    let running = inner.running.load_full();
    let mut tables = BTreeMap::new();
    for table in &running.compiled.system.data.tables {
        // A table that cannot be counted has no figure: the page shows none rather than a wrong one.
        if let Ok(rows) = inner.store.count(&table.name, &Expression::Always(true)).await {
            tables.insert(table.name.clone(), TableSnapshot { rows, at: inner.world.now() });
        }
    }
    inner.evidence.tables.store(Arc::new(tables));
}
