//! The connection to Redis. It is made in the background, watched, and made again by itself; while
//! Redis is away every call fails at once and costs one load of a pointer.
//!
//! For whoever builds on it (limits, the second tier of the cache):
//!
//! - [`Redis::key`] gives a key that no other database's processes use. `kind` keeps the parts of the
//!   engine apart: `limit`, `cache`.
//! - [`Redis::get`], [`Redis::set`], [`Redis::delete`], [`Redis::count_up`] and [`Redis::script`]
//!   answer within a quarter of a second or with [`Away`]. `Away` is never an error of the request: go on
//!   with the memory of the process. It has been logged already.
//! - [`Redis::seen`] is what pages, metrics and probes show.
//! - [`Redis::losses`] changes with every connection that was lost: what was remembered about the
//!   contents of Redis before may have been missed since.

use std::{
    sync::{
        Arc, Weak,
        atomic::{
            AtomicU32, AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::Duration,
};

use crate::World;
use arc_swap::{ArcSwap, ArcSwapOption};
use jiff::Timestamp;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, FromRedisValue,
    IntoConnectionInfo, ScriptInvocation, aio::MultiplexedConnection,
};

/// Longest time for one command. A request that counts against a limit waits no longer.
const ANSWER_MAX: Duration = Duration::from_millis(250);
/// Longest time for making a connection.
const CONNECT_MAX: Duration = Duration::from_secs(1);
/// Between two attempts to reach a Redis that is away, and between two looks at one that is there.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// So many commands in a row may fail before the connection is given up.
const FAILURES_MAX: u32 = 3;
/// Commands that may be on their way at once; more would only wait for their deadline.
const ON_THEIR_WAY_MAX: usize = 10_000;

/// What is known before the first attempt.
const UNTRIED: &str = "not tried yet";

/// Redis does not answer, or not as it should. It has been logged; the caller goes on without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Away;

/// Why a Redis cannot be used at all: waiting will not mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedisError {
    /// The URL is none. Its text is not repeated: it may hold a password.
    #[error("Redis: the URL is not understood: redis://user:password@host:6379/0")]
    Url,
    /// The server is there and refuses.
    #[error("Redis at {place}: {why}")]
    Refused {
        /// Host and port, or socket.
        place: String,
        /// In words for the operator.
        why: String,
    },
}

/// What is known of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisSeen {
    /// Host and port, or socket; never the password.
    pub place: String,
    /// Since when it has been as it is.
    pub since: Timestamp,
    /// Why it is away; none while it answers.
    pub away: Option<String>,
}

/// A Redis that processes share.
pub struct Redis {
    client: Client,
    place: String,
    /// What all keys begin with.
    prefix: String,
    world: Arc<dyn World>,
    connection: ArcSwapOption<MultiplexedConnection>,
    /// Commands that failed in a row.
    failures: AtomicU32,
    losses: AtomicU64,
    seen: ArcSwap<RedisSeen>,
}

/// What is used of the URL: the client, and its place in words.
fn parsed(url: &str) -> Result<(Client, String), RedisError> {
    let info = url.into_connection_info().map_err(|_| RedisError::Url)?;
    let place = match info.addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            format!("{host}:{port}")
        }
        ConnectionAddr::Unix(path) => path.display().to_string(),
        _ => "an address".to_owned(),
    };
    Ok((Client::open(info).map_err(|_| RedisError::Url)?, place))
}

impl Redis {
    /// Tries to connect once, and goes on trying in the background for as long as it is held. Keys
    /// begin with `identity`, which tells databases apart.
    ///
    /// # Errors
    /// A URL that is none, and a server that refuses. One that is away is no error.
    pub async fn open(
        url: &str,
        identity: &str,
        world: Arc<dyn World>,
    ) -> Result<Arc<Self>, RedisError> {
        let (client, place) = parsed(url)?;
        let seen =
            RedisSeen { place: place.clone(), since: world.now(), away: Some(UNTRIED.to_owned()) };
        let redis = Arc::new(Self {
            client,
            place,
            // The braces keep all keys on one node of a cluster, so that one script may use several.
            prefix: format!("vitruvius:{{{identity}}}"),
            world,
            connection: ArcSwapOption::empty(),
            failures: AtomicU32::new(0),
            losses: AtomicU64::new(0),
            seen: ArcSwap::from_pointee(seen),
        });
        match redis.connected().await {
            Ok(connection) => redis.is_back(connection),
            Err(error) => {
                if let Some(why) = redis.refusal(&error) {
                    return Err(RedisError::Refused { place: redis.place.clone(), why });
                }
                redis.is_away(&redis.words(&error));
            }
        }
        tokio::spawn(keep(Arc::downgrade(&redis)));
        Ok(redis)
    }

    /// A key of this database's own. `name` may be anything.
    pub fn key(&self, kind: &str, name: &str) -> String {
        format!("{}:{kind}:{name}", self.prefix)
    }

    /// What is known of the connection.
    pub fn seen(&self) -> Arc<RedisSeen> {
        self.seen.load_full()
    }

    /// True while it answers.
    pub fn is_here(&self) -> bool {
        self.connection.load().is_some()
    }

    /// How many connections were lost so far.
    pub fn losses(&self) -> u64 {
        self.losses.load(SeqCst)
    }

    /// The bytes of a key.
    ///
    /// # Errors
    /// [`Away`].
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Away> {
        self.ask(redis::cmd("GET").arg(key)).await
    }

    /// Keeps bytes for a while; rounded up to a millisecond.
    ///
    /// # Errors
    /// [`Away`].
    pub async fn set(&self, key: &str, bytes: &[u8], life: Duration) -> Result<(), Away> {
        let life_ms = u64::try_from(life.as_millis()).unwrap_or(u64::MAX >> 1).max(1);
        self.ask(redis::cmd("SET").arg(key).arg(bytes).arg("PX").arg(life_ms)).await
    }

    /// Removes keys; gives how many there were.
    ///
    /// # Errors
    /// [`Away`].
    pub async fn delete(&self, keys: &[String]) -> Result<u64, Away> {
        match keys {
            [] => Ok(0),
            keys => self.ask(redis::cmd("DEL").arg(keys)).await,
        }
    }

    /// Adds one to a counter that begins at zero, and gives its new value.
    ///
    /// # Errors
    /// [`Away`].
    pub async fn count_up(&self, key: &str) -> Result<u64, Away> {
        self.ask(redis::cmd("INCR").arg(key)).await
    }

    /// Runs a script with its keys and arguments.
    ///
    /// # Errors
    /// [`Away`].
    pub async fn script<T: FromRedisValue>(
        &self,
        invocation: &ScriptInvocation<'_>,
    ) -> Result<T, Away> {
        let Some(connection) = self.connection.load_full() else { return Err(Away) };
        let mut own = MultiplexedConnection::clone(&connection);
        self.judged(&connection, invocation.invoke_async(&mut own).await)
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Away> {
        let Some(connection) = self.connection.load_full() else { return Err(Away) };
        let mut own = MultiplexedConnection::clone(&connection);
        self.judged(&connection, command.query_async(&mut own).await)
    }

    /// A connection that is broken is given up at once, one that is slow after a few times.
    fn judged<T>(
        &self,
        connection: &Arc<MultiplexedConnection>,
        result: redis::RedisResult<T>,
    ) -> Result<T, Away> {
        let error = match result {
            Ok(value) => {
                if self.failures.load(Relaxed) != 0 {
                    self.failures.store(0, Relaxed);
                }
                return Ok(value);
            }
            Err(error) => error,
        };
        let failed = self.failures.fetch_add(1, Relaxed) + 1;
        let is_broken = error.is_io_error() && !error.is_timeout();
        if is_broken || failed >= FAILURES_MAX {
            let held = self.connection.load_full();
            if held.is_some_and(|held| Arc::ptr_eq(&held, connection)) {
                self.is_away(&self.words(&error));
            }
        }
        Err(Away)
    }

    /// A new connection that reads and writes.
    async fn connected(&self) -> redis::RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_MAX))
            .set_response_timeout(Some(CONNECT_MAX))
            .set_concurrency_limit(ON_THEIR_WAY_MAX);
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        let mut connection = connecting.await?;
        // A server that is full or a replica answers a ping as if nothing were the matter.
        let mut probe = redis::cmd("SET");
        probe.arg(self.key("probe", "written")).arg(1).arg("PX").arg(1000);
        probe.query_async::<()>(&mut connection).await?;
        connection.set_response_timeout(ANSWER_MAX);
        Ok(connection)
    }

    fn is_back(&self, connection: MultiplexedConnection) {
        self.failures.store(0, Relaxed);
        self.connection.store(Some(Arc::new(connection)));
        if self.note(None) {
            let place = &self.place;
            tracing::info!("Redis at {place} answers");
        }
    }

    fn is_away(&self, why: &str) {
        if self.connection.swap(None).is_some() {
            self.losses.fetch_add(1, SeqCst);
        }
        if self.note(Some(why)) {
            let place = &self.place;
            tracing::warn!("Redis at {place}: {why}; this process counts and remembers by itself");
        }
    }

    /// Keeps what is known; true where it was otherwise before. Another reason of being away is no
    /// other state.
    fn note(&self, away: Option<&str>) -> bool {
        let was = self.seen.load();
        let is_turn = was.away.is_some() != away.is_some() || was.away.as_deref() == Some(UNTRIED);
        let since = if is_turn { self.world.now() } else { was.since };
        let place = self.place.clone();
        self.seen.store(Arc::new(RedisSeen { place, since, away: away.map(str::to_owned) }));
        is_turn
    }

    fn is_tls(&self) -> bool {
        matches!(self.client.get_connection_info().addr(), ConnectionAddr::TcpTls { .. })
    }

    /// Why it is away, for the operator.
    fn words(&self, error: &redis::RedisError) -> String {
        match error {
            // A server that waits for the rest of a line says nothing to a greeting in TLS.
            slow if slow.is_timeout() && self.is_tls() && !self.is_here() => {
                "it does not answer in time; does it speak TLS, as `rediss://` says?".to_owned()
            }
            slow if slow.is_timeout() => "it does not answer in time".to_owned(),
            none if none.is_connection_refusal() => "nobody listens there".to_owned(),
            error => error.to_string(),
        }
    }

    /// Why a server that is there will never do, where that is so.
    fn refusal(&self, error: &redis::RedisError) -> Option<String> {
        let code = error.code().unwrap_or_default();
        if error.kind() == ErrorKind::AuthenticationFailed
            || matches!(code, "WRONGPASS" | "NOAUTH" | "NOPERM")
        {
            return Some("it refuses the user or the password".to_owned());
        }
        let is_unreached = error.is_connection_refusal() || error.is_timeout();
        if self.is_tls() && error.is_io_error() && !is_unreached {
            let detail = error.to_string().to_lowercase();
            let is_tls_fault = ["certificate", "corrupt message", "tls", "handshake"];
            if is_tls_fault.iter().any(|word| detail.contains(word)) {
                return Some(format!("no TLS with it (rediss://): {error}"));
            }
        }
        (error.kind() == ErrorKind::InvalidClientConfig).then(|| error.to_string())
    }
}

/// Looks at the connection and makes it again where it is lost, for as long as anybody holds the
/// handle.
async fn keep(redis: Weak<Redis>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(redis) = redis.upgrade() else { return };
        if redis.is_here() {
            // Nobody may be asking anything: that it is gone is to be seen all the same.
            let _ = redis.ask::<String>(&redis::cmd("PING")).await;
            continue;
        }
        match redis.connected().await {
            Ok(connection) => redis.is_back(connection),
            Err(error) => redis.is_away(&redis.words(&error)),
        }
    }
}
