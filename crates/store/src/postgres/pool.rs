//! Connections: a few that many short reads share, and exclusive ones from a pool for whatever
//! takes long or needs a transaction.

use std::{
    ops::{Deref, DerefMut},
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use deadpool_postgres::{
    ClientWrapper, Connect, Manager, ManagerConfig, Object, RecyclingMethod, Runtime,
};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_postgres::{Client, Config, Error, Statement};

use super::{address::Address, fault, held::Held, together::Reads};
use crate::{Durability, Options, StoreError, notice::Heard};

/// How long a statement waits for a row or table that another transaction holds, in milliseconds.
pub(super) const LOCK_MS_MAX: u64 = 5_000;
/// How long a session is waited for while all are taken.
const SESSION_MAX: Duration = Duration::from_secs(5);
/// Connections that short reads share. Two are faster than many: measured in `docs/decisions`.
const SHARED: usize = 2;
/// The same for reads whose plan depends on values: how much is skipped, how long a page is.
const SHARED_PLANNED_EACH: usize = 1;
/// How long a read on a shared connection may take, in milliseconds: all others wait behind it.
const SHARED_MS_MAX: u64 = 1_000;
/// Prepared statements that a connection keeps, give or take those between two looks.
const STATEMENTS_MAX: usize = 500;
/// Statements from one look at their number to the next: looking counts them all.
const LOOK_EVERY: usize = 64;
/// Between two attempts at the first connection.
const ATTEMPT_PAUSE: Duration = Duration::from_secs(1);
/// How long nobody tries again after a connection could not be made.
const PAUSE: Duration = Duration::from_millis(250);

/// Makes connections and keeps those that are not in use.
pub(super) struct Pool {
    connect: Arc<Prepared>,
    sessions: deadpool_postgres::Pool,
    shared: Vec<Slot>,
    planned_each: Vec<Slot>,
    next: AtomicUsize,
    pub(super) held: Held,
}

/// When PostgreSQL makes the plan of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Planning {
    /// Once for each connection: nobody has to make it anew to know that it is good.
    Once,
    /// As PostgreSQL likes: it may look at the values.
    Free,
}

/// A connection that many share: their statements are sent without waiting for one another.
pub(super) struct Link {
    client: Arc<ClientWrapper>,
    /// Short reads that meet on it.
    reads: OnceLock<Reads>,
    /// The schema for which its statements were prepared.
    pub(super) number: u64,
}

impl Link {
    fn new((client, moved): (Client, JoinHandle<()>), number: u64) -> Self {
        let client = Arc::new(ClientWrapper::new(client, moved));
        Self { client, reads: OnceLock::new(), number }
    }

    /// The short reads that share it.
    pub(super) fn reads(&self) -> &Reads {
        self.reads.get_or_init(|| Reads::start(self.client.clone()))
    }
}

impl Deref for Link {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        &self.client
    }
}

/// A place for a shared connection.
#[derive(Default)]
struct Slot {
    link: Mutex<Option<Arc<Link>>>,
    /// One connects, the others wait for it; when that failed last, and why.
    connecting: tokio::sync::Mutex<Option<(Instant, String)>>,
}

impl Slot {
    fn held(&self) -> Option<Arc<Link>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A connection that nobody else uses until it is dropped.
pub(super) struct Session(Object);

impl Session {
    /// Keeps a connection that has failed out of the pool.
    pub(super) fn give_up(self) {
        drop(Object::take(self.0));
    }
}

impl Deref for Session {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        &self.0
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut ClientWrapper {
        &mut self.0
    }
}

impl Pool {
    pub(super) fn new(address: Address, options: &Options) -> Result<Self, StoreError> {
        let connect = Arc::new(Prepared {
            address,
            read_ms_max: options.read_ms_max,
            durability: options.durability,
        });
        let manager = Manager::from_connect(
            connect.address.config().clone(),
            Shared(connect.clone()),
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let sessions = deadpool_postgres::Pool::builder(manager)
            .max_size(options.connections_max.max(1))
            .wait_timeout(Some(SESSION_MAX))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| StoreError::Fault(error.to_string()))?;
        let slots = |count: usize| std::iter::repeat_with(Slot::default).take(count).collect();
        let (shared, planned_each) = (slots(SHARED), slots(SHARED_PLANNED_EACH));
        Ok(Self {
            connect,
            sessions,
            shared,
            planned_each,
            next: AtomicUsize::new(0),
            held: Held::default(),
        })
    }

    /// Host, port and database.
    pub(super) fn place(&self) -> &str {
        &self.connect.address.place
    }

    /// The first session of all. A server that is away is waited for; one that refuses is not.
    pub(super) async fn first(&self, wait_ms_max: u64) -> Result<Session, StoreError> {
        let deadline = Instant::now() + Duration::from_millis(wait_ms_max);
        loop {
            let error = match self.sessions.get().await {
                Ok(object) => return Ok(Session(object)),
                Err(deadpool_postgres::PoolError::Backend(error)) => error,
                Err(error) => return Err(StoreError::Unavailable(error.to_string())),
            };
            let told = fault::connecting(&error, self.place());
            if !fault::is_away(&error) || Instant::now() >= deadline {
                return Err(told);
            }
            tracing::warn!("{told}; trying again");
            tokio::time::sleep(ATTEMPT_PAUSE).await;
        }
    }

    /// A connection for oneself, with the statement timeout of long reads. What is changed of its
    /// settings has to be set back, or be set with `SET LOCAL`.
    pub(super) async fn session(&self) -> Result<Session, StoreError> {
        match self.sessions.get().await {
            Ok(object) => Ok(Session(object)),
            Err(deadpool_postgres::PoolError::Backend(error)) => {
                Err(fault::connecting(&error, &self.connect.address.place))
            }
            Err(deadpool_postgres::PoolError::Timeout(_)) => Err(StoreError::Busy),
            Err(error) => Err(StoreError::Unavailable(error.to_string())),
        }
    }

    /// A new connection outside of the pool, for a schema.
    pub(super) async fn link(&self, number: u64) -> Result<Link, StoreError> {
        let connected = self.connect.connected().await;
        let connected =
            connected.map_err(|error| fault::connecting(&error, &self.connect.address.place))?;
        Ok(Link::new(connected, number))
    }

    /// A new connection whose notices are handed on.
    pub(super) async fn listening(
        &self,
        sender: mpsc::Sender<Heard>,
    ) -> Result<(Client, JoinHandle<()>), Error> {
        self.connect.address.connect_listening(sender).await
    }

    /// One of the connections that short reads share, with statements for this schema.
    pub(super) async fn shared(
        &self,
        number: u64,
        planning: Planning,
    ) -> Result<Arc<Link>, StoreError> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let slots = match planning {
            Planning::Once => &self.shared,
            Planning::Free => &self.planned_each,
        };
        let Some(slot) = slots.get(turn % slots.len().max(1)) else {
            return Err(StoreError::Fault("no connections are shared".to_owned()));
        };
        let is_good = |link: &Arc<Link>| !link.is_closed() && link.number >= number;
        if let Some(link) = slot.held().filter(is_good) {
            return Ok(link);
        }
        let mut failed = slot.connecting.lock().await;
        if let Some(link) = slot.held().filter(is_good) {
            return Ok(link);
        }
        if let Some((failed_at, why)) = &*failed
            && failed_at.elapsed() < PAUSE
        {
            return Err(StoreError::Unavailable(why.clone()));
        }
        // Boxed, so that no read carries the room for connecting.
        match Box::pin(self.planning(number, planning)).await {
            Ok(link) => {
                let link = Arc::new(link);
                *slot.link.lock().unwrap_or_else(PoisonError::into_inner) = Some(link.clone());
                *failed = None;
                Ok(link)
            }
            Err(error) => {
                let why = match &error {
                    StoreError::Unavailable(why) => why.clone(),
                    other => other.to_string(),
                };
                *failed = Some((Instant::now(), why));
                Err(error)
            }
        }
    }

    /// Whether a read that took too long on a shared connection may take longer on its own.
    pub(super) fn may_wait_longer(&self) -> bool {
        self.connect.read_ms_max > SHARED_MS_MAX
    }

    /// A new connection that plans so.
    async fn planning(&self, number: u64, planning: Planning) -> Result<Link, StoreError> {
        let link = self.link(number).await?;
        let wait = self.connect.read_ms_max.min(SHARED_MS_MAX);
        let mode = match planning {
            Planning::Once => "; SET plan_cache_mode = force_generic_plan",
            Planning::Free => "",
        };
        let settings = format!("SET statement_timeout = {wait}{mode}");
        let set = link.batch_execute(&settings).await;
        set.map_err(|error| fault::connecting(&error, &self.connect.address.place))?;
        Ok(link)
    }

    /// Gives a shared connection up that has failed, whether or not that was noticed yet.
    pub(super) fn give_up(&self, link: &Arc<Link>) {
        for slot in self.shared.iter().chain(&self.planned_each) {
            let mut held = slot.link.lock().unwrap_or_else(PoisonError::into_inner);
            if held.as_ref().is_some_and(|held| Arc::ptr_eq(held, link)) {
                *held = None;
            }
        }
    }

    /// Forgets what sessions have prepared.
    pub(super) fn forget_statements(&self) {
        self.sessions.manager().statement_caches.clear();
    }
}

/// A statement that is prepared once for each connection.
pub(super) async fn prepare(client: &ClientWrapper, sql: &str) -> Result<Statement, Error> {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let is_due = ASKED.fetch_add(1, Ordering::Relaxed).is_multiple_of(LOOK_EVERY);
    if is_due && client.statement_cache.size() > STATEMENTS_MAX {
        client.statement_cache.clear();
    }
    client.prepare_cached(sql).await
}

/// Connects, and tells each connection what all statements rely on.
struct Prepared {
    address: Address,
    read_ms_max: u64,
    durability: Durability,
}

impl Prepared {
    async fn connected(&self) -> Result<(Client, JoinHandle<()>), Error> {
        let (client, moved) = self.address.connect().await?;
        client.batch_execute(&settings(self.read_ms_max, self.durability)).await?;
        Ok((client, moved))
    }
}

struct Shared(Arc<Prepared>);

impl Connect for Shared {
    fn connect(
        &self,
        _: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + '_>> {
        Box::pin(self.0.connected())
    }
}

/// What a connection is set to. Moments are UTC, and nothing waits for ever.
fn settings(statement_ms_max: u64, durability: Durability) -> String {
    let commit = match durability {
        Durability::Full => "",
        Durability::Normal => "SET synchronous_commit = off; ",
    };
    format!(
        "SET TIME ZONE 'UTC'; SET IntervalStyle = 'iso_8601'; SET DateStyle = 'ISO, YMD'; \
         SET standard_conforming_strings = on; SET extra_float_digits = 1; {commit}\
         SET lock_timeout = {LOCK_MS_MAX}; SET statement_timeout = {statement_ms_max}; \
         SET idle_in_transaction_session_timeout = 60000"
    )
}
