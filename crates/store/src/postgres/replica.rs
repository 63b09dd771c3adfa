//! Read replicas: reads go to one that has everything which they could miss, else to the primary.
//!
//! A replica is asked several times a second how far it is. What this process wrote since then is
//! remembered by table, so that nobody misses a write of their own.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError, Weak, atomic::AtomicUsize, atomic::Ordering},
    time::{Duration, Instant},
};

use super::{
    Shared,
    address::Address,
    pool::{Planning, Pool},
};
use crate::{
    Expression, Options, StoreError,
    catalog::Catalog,
    query::{Select, Step},
};

/// Between two looks at a replica.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A replica that is further behind is not asked.
const BEHIND_MAX: Duration = Duration::from_secs(10);
/// A replica that takes longer to say how far it is, or to answer a short read, is away.
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// The replicas, and what was written that they may not have yet.
pub(super) struct Replicas {
    all: Vec<Replica>,
    next: AtomicUsize,
    written: Mutex<Written>,
}

struct Replica {
    pool: Pool,
    /// It has everything that was acknowledged before.
    complete_until: Mutex<Option<Instant>>,
    /// Whether the log says that it is read from; none before the first look.
    told: Mutex<Option<bool>>,
}

/// When this process wrote last.
#[derive(Default)]
struct Written {
    tables: HashMap<String, Instant>,
    /// Anything at all.
    last: Option<Instant>,
    /// The schema.
    schema: Option<Instant>,
}

/// A replica does not answer.
#[derive(Debug, Clone, Copy)]
struct Away;

/// What a read depends on.
pub(super) enum Reading<'a> {
    /// These tables.
    Tables(HashSet<&'a str>),
    /// Anything: a view, or a query of the document.
    Anything,
}

impl Replicas {
    pub(super) fn new(options: &Options) -> Result<Self, StoreError> {
        let all = options.replicas.iter().map(|url| {
            let pool = Pool::new(Address::parse(url)?, options)?;
            Ok(Replica { pool, complete_until: Mutex::default(), told: Mutex::default() })
        });
        Ok(Self {
            all: all.collect::<Result<_, StoreError>>()?,
            next: AtomicUsize::new(0),
            written: Mutex::default(),
        })
    }

    /// Looks at the replicas until the store is gone.
    pub(super) fn watch(shared: &Arc<Shared>) {
        if shared.replicas.all.is_empty() {
            return;
        }
        let shared = Arc::downgrade(shared);
        tokio::spawn(async move {
            while look(&shared).await {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
    }

    /// Remembers what was written, before anybody is told that it was.
    pub(super) fn wrote(&self, catalog: &Catalog, tables: &[Arc<str>]) {
        if self.all.is_empty() {
            return;
        }
        let now = Instant::now();
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.last = Some(now);
        let mut waiting: Vec<&str> = tables.iter().map(|table| &**table).collect();
        let mut seen = HashSet::new();
        // Rows that refer to a changed row may have been changed with it.
        while let Some(table) = waiting.pop() {
            if seen.insert(table) {
                written.tables.insert(table.to_owned(), now);
                let entry = catalog.table(table);
                waiting.extend(entry.iter().flat_map(|it| &it.referring).map(|(own, _)| &**own));
            }
        }
    }

    /// Remembers that the schema was changed.
    pub(super) fn changed(&self) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.schema = Some(Instant::now());
    }

    /// How many there are, and how many of them are read from.
    pub(super) fn seen(&self) -> (usize, usize) {
        let up = self.all.iter().filter(|replica| replica.has(None)).count();
        (self.all.len(), up)
    }

    /// A replica failed a read: until the next look it is not asked again.
    pub(super) fn failed(&self, pool: &Pool) {
        let failed = self.all.iter().find(|replica| std::ptr::eq(&replica.pool, pool));
        if let Some(replica) = failed {
            replica.is_complete_until(Err(Away));
        }
    }

    /// A replica that has everything which this read could miss.
    pub(super) fn for_reading<'r>(&self, reading: impl FnOnce() -> Reading<'r>) -> Option<&Pool> {
        if self.all.is_empty() {
            return None;
        }
        let needed = self.needed(&reading());
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let order = (0..self.all.len()).map(|place| (first.wrapping_add(place)) % self.all.len());
        order.filter_map(|place| self.all.get(place)).find(|it| it.has(needed)).map(|it| &it.pool)
    }

    /// The last write that a read must see.
    fn needed(&self, reading: &Reading<'_>) -> Option<Instant> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let last = match reading {
            Reading::Anything => written.last,
            Reading::Tables(tables) => {
                tables.iter().filter_map(|table| written.tables.get(*table)).max().copied()
            }
        };
        last.max(written.schema)
    }
}

impl Replica {
    fn has(&self, needed: Option<Instant>) -> bool {
        let until = *self.complete_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| {
            until.elapsed() < BEHIND_MAX && needed.is_none_or(|needed| needed < until)
        })
    }

    /// What a look has found: up to when it has everything, or that it was not to be told.
    fn is_complete_until(&self, until: Result<Option<Instant>, Away>) {
        let is_up = {
            let mut own = self.complete_until.lock().unwrap_or_else(PoisonError::into_inner);
            *own = match until {
                Ok(until) => until.or(own.filter(|own| own.elapsed() < BEHIND_MAX)),
                Err(Away) => None,
            };
            own.is_some()
        };
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).replace(is_up);
        if told == Some(is_up) {
            return;
        }
        let place = self.pool.place();
        match is_up {
            true => tracing::info!("the replica at {place} is read from"),
            false => tracing::warn!(
                "the replica at {place} is behind or away; the primary is read from meanwhile"
            ),
        }
    }
}

/// One look at all replicas; false once the store is gone.
async fn look(shared: &Weak<Shared>) -> bool {
    let Some(shared) = shared.upgrade() else {
        return false;
    };
    // What is acknowledged by now is before this place of the primary's log.
    let now = Instant::now();
    let place = match shared.pool.shared(shared.served().number, Planning::Free).await {
        Ok(link) => link.query_one("SELECT pg_current_wal_lsn()::text", &[]).await.ok(),
        Err(_) => None,
    };
    let place: Option<String> = place.and_then(|row| row.try_get(0).ok());
    for replica in &shared.replicas.all {
        let Some(place) = &place else {
            replica.is_complete_until(Ok(None));
            continue;
        };
        // One that hangs holds up neither the others nor those who read.
        let reached = tokio::time::timeout(ANSWER_MAX, reached(replica, place)).await;
        replica.is_complete_until(match reached {
            Ok(reached) => reached.map(|has_all| has_all.then_some(now)),
            Err(_) => Err(Away),
        });
    }
    true
}

/// True where a replica has replayed the log up to a place.
async fn reached(replica: &Replica, place: &str) -> Result<bool, Away> {
    let link = replica.pool.shared(0, Planning::Free).await.map_err(|_| Away)?;
    let sql = "SELECT coalesce(pg_last_wal_replay_lsn() >= $1::text::pg_lsn, FALSE)";
    let row = link.query_one(sql, &[&place]).await;
    row.and_then(|row| row.try_get(0)).map_err(|_| Away)
}

/// Reads from a replica; nothing where it fails or hangs, which is no reason to fail. What may take
/// long has as long as on the primary.
pub(super) async fn tried<T>(
    replicas: &Replicas,
    replica: &Pool,
    is_short: bool,
    read: impl Future<Output = Result<T, StoreError>>,
) -> Option<Result<T, StoreError>> {
    let read = async { Some(read.await) };
    let answer = match is_short {
        true => tokio::time::timeout(ANSWER_MAX, read).await.unwrap_or_default(),
        false => read.await,
    };
    match answer {
        None | Some(Err(StoreError::Unavailable(_))) => {
            replicas.failed(replica);
            None
        }
        Some(Err(StoreError::Busy | StoreError::Fault(_))) => None,
        answer => answer,
    }
}

/// The tables that steps write.
pub(super) fn written_by(steps: &[Step]) -> Vec<Arc<str>> {
    let tables = steps.iter().filter_map(|step| match step {
        Step::Insert { table, .. } | Step::Update { table, .. } | Step::Delete { table, .. } => {
            Some(table.clone())
        }
        Step::Require { .. } => None,
    });
    tables.collect()
}

/// The tables that a select reads.
pub(super) fn read_by<'a>(select: &'a Select, catalog: &Catalog) -> Reading<'a> {
    let mut tables = HashSet::new();
    selected(select, &mut tables);
    // What is no table is a view, and reads what it likes.
    match tables.iter().all(|table| catalog.table(table).is_some()) {
        true => Reading::Tables(tables),
        false => Reading::Anything,
    }
}

/// The tables that a count reads.
pub(super) fn counted_by<'a>(
    table: &'a str,
    condition: &'a Expression,
    catalog: &Catalog,
) -> Reading<'a> {
    let mut tables = HashSet::from([table]);
    asked(condition, &mut tables);
    match tables.iter().all(|table| catalog.table(table).is_some()) {
        true => Reading::Tables(tables),
        false => Reading::Anything,
    }
}

fn selected<'a>(select: &'a Select, tables: &mut HashSet<&'a str>) {
    tables.insert(&select.table);
    asked(&select.condition, tables);
    select.order.iter().for_each(|(part, _)| asked(part, tables));
    select.nested.iter().for_each(|nested| selected(&nested.select, tables));
}

/// The tables of the sub-selects of an expression.
fn asked<'a>(expression: &'a Expression, tables: &mut HashSet<&'a str>) {
    let mut waiting = vec![expression];
    while let Some(expression) = waiting.pop() {
        match expression {
            Expression::Exists { table, condition } => {
                tables.insert(table);
                waiting.push(condition);
            }
            Expression::InSelect { operand, table, condition, .. } => {
                tables.insert(table);
                waiting.extend([&**operand, &**condition]);
            }
            Expression::Not(inner)
            | Expression::Negate(inner)
            | Expression::IsNull { operand: inner, .. }
            | Expression::Cast { operand: inner, .. } => waiting.push(inner),
            Expression::Binary { left, right, .. } => waiting.extend([&**left, &**right]),
            Expression::In { operand, list, .. } => {
                waiting.push(operand);
                waiting.extend(list);
            }
            Expression::Between { operand, low, high, .. } => {
                waiting.extend([&**operand, &**low, &**high]);
            }
            Expression::Call { arguments, .. } => waiting.extend(arguments),
            Expression::Case { branches, otherwise } => {
                waiting.extend(branches.iter().flat_map(|(when, then)| [when, then]));
                waiting.extend(otherwise.as_deref());
            }
            Expression::Column(_)
            | Expression::Outer(_)
            | Expression::Value(_)
            | Expression::Always(_)
            | Expression::Now
            | Expression::Today
            | Expression::Interval { .. }
            | Expression::Search { .. } => {}
        }
    }
}
