//! The cache of several processes on one database, in Redis. A value is kept with the generations
//! of the tables that it was read from; a write counts them up before and after its commit. A
//! process that could not count, or has lost sight of Redis, begins a new epoch before it believes
//! anything that is kept there: nothing of an older one is ever served.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use redis::Script;
use serde::{Deserialize, Serialize};
use store::query::Rows;
use tokio::sync::Mutex;

use super::{Kept, Rule, key::Key, reach::Generation};
use crate::shared::{Away, Redis};

/// How long a write may take at most, in milliseconds: so long nothing of its tables is kept where
/// the process dies in between.
const WRITE_MS_MAX: u64 = 60_000;
/// A replica that is read from has everything that is older, the read itself included.
const REPLICA_LAG_MAX: Duration = Duration::from_secs(60);
/// How long nothing is believed after another process said that it cannot count its writes. It says
/// so again in time where it goes on writing.
const DOUBT: Duration = Duration::from_secs(5);
/// How often a process says so.
const WARN_EVERY: Duration = Duration::from_secs(1);
/// One value takes at most so much, in bytes.
const VALUE_BYTES_MAX: usize = 1024 * 1024;

static LOOK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("look.lua")));
static KEEP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("keep.lua")));
static WRITE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("write.lua")));

/// The way to what processes keep together.
pub(crate) struct Together {
    redis: Arc<Redis>,
    /// Names this process's writes.
    name: String,
    /// So long nothing of a table is kept that was changed.
    quiet: Duration,
    writes: AtomicU64,
    /// Lost connections of Redis for which a new epoch was begun, and one.
    settled: AtomicU64,
    /// A write could not be counted.
    owes: AtomicBool,
    settling: Mutex<()>,
    /// Until then another process may be writing without counting.
    doubted_until: ArcSwapOption<Instant>,
    /// When this process last said that it cannot count.
    warned: ArcSwapOption<Instant>,
}

/// What was found under a key, and what a new value has to match.
pub(super) struct Glance {
    pub(super) kept: Option<(Kept, Timestamp)>,
    epoch: Vec<u8>,
    generations: Vec<Vec<u8>>,
}

/// What stands before a value's rows.
#[derive(Serialize, Deserialize)]
struct Head {
    epoch: String,
    generations: Vec<String>,
    until_micros: i64,
    ends: Vec<usize>,
    has_next: bool,
    next_cursor: Option<String>,
    total: Option<u64>,
}

/// A write that is on its way.
pub(super) struct Writing {
    name: String,
    keys: Vec<String>,
    /// False where Redis could not be told of it.
    pub(super) is_counted: bool,
}

impl Together {
    /// Keeps values in this Redis. `name` is this process's alone. With replicas, what another
    /// process wrote may be read a moment late: until that is over nothing is kept.
    pub(crate) fn new(redis: Arc<Redis>, name: String, has_replicas: bool) -> Self {
        Self {
            redis,
            name,
            quiet: if has_replicas { REPLICA_LAG_MAX } else { Duration::ZERO },
            writes: AtomicU64::new(0),
            settled: AtomicU64::new(0),
            owes: AtomicBool::new(false),
            settling: Mutex::new(()),
            doubted_until: ArcSwapOption::empty(),
            warned: ArcSwapOption::empty(),
        }
    }

    /// What is kept under a key.
    ///
    /// # Errors
    /// [`Away`]: nothing may be believed or kept.
    pub(super) async fn look(
        &self,
        rule: &Rule,
        key: &Key,
        tables: &[Arc<Generation>],
    ) -> Result<Glance, Away> {
        self.settle().await?;
        let mut invocation = LOOK.prepare_invoke();
        invocation.key(self.epoch()).key(self.value(rule, key));
        tables.iter().for_each(|table| {
            invocation.key(self.generation(table));
        });
        let found: Vec<Vec<u8>> = self.redis.script(&invocation).await?;
        let mut found = found.into_iter();
        let (Some(epoch), Some(value)) = (found.next(), found.next()) else { return Err(Away) };
        let generations: Vec<Vec<u8>> = found.collect();
        // The connection may have been lost and found since the epoch was settled.
        if !self.is_settled() {
            return Err(Away);
        }
        let kept = read(&value, &epoch, &generations);
        Ok(Glance { kept, epoch, generations })
    }

    /// Keeps what was read after a glance; false where it changed meanwhile or is too large.
    pub(super) async fn keep(
        &self,
        rule: &Rule,
        key: &Key,
        tables: &[Arc<Generation>],
        glance: &Glance,
        kept: &Kept,
        until: Timestamp,
    ) -> bool {
        let Some(bytes) = written(glance, kept, until) else { return false };
        if !self.is_settled() {
            return false;
        }
        let life_ms = u64::try_from(rule.ttl.as_millis()).unwrap_or(u64::MAX >> 1).max(1);
        let mut invocation = KEEP.prepare_invoke();
        invocation.key(self.value(rule, key)).key(self.epoch());
        for name in self.names(tables) {
            invocation.key(name);
        }
        let quiet = u64::try_from(self.quiet.as_micros()).unwrap_or(u64::MAX >> 1);
        invocation.arg(bytes).arg(life_ms).arg(&glance.epoch).arg(quiet);
        glance.generations.iter().for_each(|generation| {
            invocation.arg(generation);
        });
        matches!(self.redis.script::<u8>(&invocation).await, Ok(1))
    }

    /// Says that tables are about to change.
    pub(super) async fn begin(&self, tables: &[Arc<Generation>]) -> Writing {
        let number = self.writes.fetch_add(1, Relaxed);
        let name = format!("{}-{number}", self.name);
        let mut writing = Writing { name, keys: self.names(tables), is_counted: true };
        writing.is_counted = self.count(&writing, WRITE_MS_MAX).await;
        writing
    }

    /// Says that they have changed, or have not; false where nobody who keeps can know of it.
    pub(super) async fn end(&self, writing: &Writing) -> bool {
        let is_counted = self.count(writing, 0).await && writing.is_counted;
        // Who could not count settles it before the write is acknowledged, if Redis is back.
        self.settle().await.is_ok() || is_counted
    }

    /// True where the others have to be told again that this process writes without counting.
    pub(super) fn owes_a_warning(&self) -> bool {
        let is_told = self.warned.load().as_ref().is_some_and(|at| at.elapsed() < WARN_EVERY);
        if !is_told {
            self.warned.store(Some(Arc::new(Instant::now())));
        }
        !is_told
    }

    /// Another process writes without counting: for a while nothing is believed or kept, and what was
    /// kept until then counts for nobody afterwards.
    pub(super) fn doubt(&self) {
        self.doubted_until.store(Some(Arc::new(Instant::now() + DOUBT)));
        self.begin_anew();
    }

    fn is_doubted(&self) -> bool {
        self.doubted_until.load().as_ref().is_some_and(|until| Instant::now() < **until)
    }

    /// False where Redis could not be told.
    async fn count(&self, writing: &Writing, life_ms: u64) -> bool {
        let mut invocation = WRITE.prepare_invoke();
        for key in &writing.keys {
            invocation.key(key);
        }
        invocation.arg(&writing.name).arg(life_ms);
        let is_counted = self.redis.script::<u8>(&invocation).await.is_ok();
        if !is_counted {
            self.owes.store(true, SeqCst);
        }
        is_counted
    }

    /// Nothing that is kept so far counts any longer, for this and all other processes.
    pub(super) fn begin_anew(&self) {
        self.owes.store(true, SeqCst);
    }

    fn is_settled(&self) -> bool {
        self.settled.load(SeqCst) == self.redis.losses() + 1 && !self.owes.load(SeqCst)
    }

    /// Begins a new epoch where this process may have missed or left out anything.
    async fn settle(&self) -> Result<(), Away> {
        if self.is_doubted() {
            return Err(Away);
        }
        if self.is_settled() {
            return if self.redis.is_here() { Ok(()) } else { Err(Away) };
        }
        if !self.redis.is_here() {
            return Err(Away);
        }
        let _one_at_a_time = self.settling.lock().await;
        if self.is_settled() {
            return Ok(());
        }
        let losses = self.redis.losses();
        // Taken back first: a write that fails to count meanwhile owes another epoch.
        self.owes.store(false, SeqCst);
        let mut invocation = WRITE.prepare_invoke();
        invocation.key(self.epoch()).key(self.redis.key("cache", "epochs"));
        invocation.arg(&self.name).arg(0);
        match self.redis.script::<u8>(&invocation).await {
            Ok(_) => {
                self.settled.store(losses + 1, SeqCst);
                Ok(())
            }
            Err(away) => {
                self.owes.store(true, SeqCst);
                Err(away)
            }
        }
    }

    fn epoch(&self) -> String {
        self.redis.key("cache", "epoch")
    }

    fn value(&self, rule: &Rule, key: &Key) -> String {
        self.redis.key("cache", &format!("value:{}:{}", rule.version, key.text()))
    }

    fn generation(&self, table: &Generation) -> String {
        self.redis.key("cache", &format!("table:{}", table.name))
    }

    /// The generations' keys, and behind them those of the writes on their way.
    fn names(&self, tables: &[Arc<Generation>]) -> Vec<String> {
        let generations = tables.iter().map(|table| self.generation(table));
        let writes = tables.iter().map(|table| format!("writes:{}", table.name));
        generations.chain(writes.map(|name| self.redis.key("cache", &name))).collect()
    }
}

/// A value as it is kept: a line of JSON, then the rows as they are.
fn written(glance: &Glance, kept: &Kept, until: Timestamp) -> Option<Vec<u8>> {
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    let head = Head {
        epoch: text(&glance.epoch),
        generations: glance.generations.iter().map(text).collect(),
        until_micros: until.as_microsecond(),
        ends: kept.rows.ends.clone(),
        has_next: kept.has_next,
        next_cursor: kept.next_cursor.clone(),
        total: kept.total,
    };
    let mut bytes = serde_json::to_vec(&head).ok()?;
    bytes.push(b'\n');
    bytes.extend_from_slice(&kept.rows.json);
    (bytes.len() <= VALUE_BYTES_MAX).then_some(bytes)
}

/// A kept value, where it still counts.
fn read(value: &[u8], epoch: &[u8], generations: &[Vec<u8>]) -> Option<(Kept, Timestamp)> {
    use crate::sabotage::{self, Sabotage};
    let at = value.iter().position(|byte| *byte == b'\n')?;
    let head: Head = serde_json::from_slice(value.get(..at)?).ok()?;
    let same = head.generations.len() == generations.len()
        && head.generations.iter().zip(generations).all(|(own, now)| own.as_bytes() == now);
    if head.epoch.as_bytes() != epoch || !(same || sabotage::is(Sabotage::CacheForgetsWrites)) {
        return None;
    }
    let json = value.get(at + 1..)?.to_vec();
    if head.ends.last().copied().unwrap_or(0) > json.len() {
        return None;
    }
    let rows = Rows { json, ends: head.ends };
    let Head { has_next, next_cursor, total, .. } = head;
    let until = Timestamp::from_microsecond(head.until_micros).ok()?;
    Some((Kept { rows, has_next, next_cursor, total }, until))
}

/// How long an answer that is read now may be served.
pub(super) fn until(now: Timestamp, ttl: Duration) -> Timestamp {
    now.checked_add(ttl).unwrap_or(now)
}

#[cfg(test)]
mod tests;
