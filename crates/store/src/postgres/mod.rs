//! The store on PostgreSQL: a few connections that many short reads share, a pool for what takes
//! long, and writers that commit together what is queued together.

mod address;
mod apply;
mod bind;
pub(crate) mod copy;
mod define;
mod describe;
mod explain;
mod far;
mod fault;
mod ground;
mod held;
mod ledger;
mod many;
pub(crate) mod names;
pub(crate) mod native;
mod notice;
mod plan;
mod pool;
mod query;
mod read;
mod replica;
mod script;
mod show;
mod statement;
mod talk;
mod there;
mod together;
mod translate;
mod trial;
mod write;
mod writer;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use deadpool_postgres::ClientWrapper;
use tokio::sync::mpsc;

use crate::{
    Options, StoreError,
    catalog::Catalog,
    copy::{mark::Marked, refuse_marked},
    expression::Expression,
    notice::Heard,
    query::{Outcome, Rows, Select, Step},
};

/// How often a read is tried when its connection is lost.
const READ_ATTEMPTS_MAX: u32 = 3;

/// An open database.
pub(crate) struct Postgres {
    shared: Arc<Shared>,
    writers: writer::Writers,
}

/// What readers and writers have in common.
struct Shared {
    pool: pool::Pool,
    replicas: replica::Replicas,
    notices: notice::Notices,
    /// The schema that is served, and how often it was replaced; replaced as a whole.
    served: RwLock<Served>,
    options: Options,
}

/// The schema that is served. Statements that were prepared for an earlier one are forgotten.
#[derive(Clone)]
struct Served {
    catalog: Arc<Catalog>,
    /// Counts the schemas.
    number: u64,
    /// Where pages begin.
    places: Arc<far::Places>,
}

impl Shared {
    /// The schema at this moment.
    fn served(&self) -> Served {
        // A poisoned lock still holds a whole schema: it is only ever replaced.
        self.served.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on this schema is served.
    fn serve(&self, catalog: Catalog) {
        let mut served = self.served.write().unwrap_or_else(PoisonError::into_inner);
        let places = served.places.clone();
        *served = Served { catalog: Arc::new(catalog), number: served.number + 1, places };
        self.pool.forget_statements();
        self.replicas.changed();
    }
}

impl Postgres {
    pub(crate) async fn open(
        url: &str,
        options: Options,
        marked: Marked,
    ) -> Result<Self, StoreError> {
        let address = address::Address::parse(url)?;
        let pool = pool::Pool::new(address, &options)?;
        let session = pool.first(options.connect_ms_max).await?;
        refuse_marked(copy::mark_in(&session).await?, marked)?;
        // What was served last is served until something else is applied.
        let last = ledger::served(&session).await?;
        let (catalog, places) = (Arc::new(Catalog::of(&last)), Arc::default());
        let served = Served { catalog, number: 0, places };
        drop(session);
        let replicas = replica::Replicas::new(&options)?;
        let served = RwLock::new(served);
        let notices = notice::Notices::default();
        let shared = Arc::new(Shared { pool, replicas, notices, served, options });
        replica::Replicas::watch(&shared);
        Ok(Self { writers: writer::Writers::start(&shared), shared })
    }

    pub(crate) fn place(&self) -> &str {
        self.shared.pool.place()
    }

    pub(crate) async fn left_behind(&self) -> Result<Vec<String>, StoreError> {
        self.talk(|talk| Ok(ledger::read(talk)?.left_behind())).await
    }

    pub(crate) fn listen(&self, mark: u32) -> mpsc::Receiver<Heard> {
        notice::Notices::listen(&self.shared, mark)
    }

    pub(crate) async fn tell(&self, notices: &[String]) -> Result<(), StoreError> {
        notice::tell(&self.shared, notices).await
    }

    pub(crate) async fn mark(&self, mark: u32) -> Result<(), StoreError> {
        self.shared.notices.mark(mark).await
    }

    pub(crate) fn present(&self) -> BTreeMap<u32, u64> {
        self.shared.notices.present()
    }

    pub(crate) async fn present_now(&self) -> Result<BTreeMap<u32, u64>, StoreError> {
        notice::present(&self.shared).await
    }

    pub(crate) fn replicas(&self) -> (usize, usize) {
        self.shared.replicas.seen()
    }

    pub(crate) fn written_elsewhere(&self, tables: &[Arc<str>]) {
        let served = self.shared.served();
        drop(served.places.write());
        self.shared.replicas.wrote(&served.catalog, tables);
    }

    pub(crate) async fn select(&self, select: &Select) -> Result<Rows, StoreError> {
        match self.read(&Read::Select(select)).await? {
            Answer::Rows(rows) => Ok(rows),
            Answer::Count(_) => Ok(Rows::default()),
        }
    }

    pub(crate) async fn count(
        &self,
        table: &str,
        condition: &Expression,
    ) -> Result<u64, StoreError> {
        match self.read(&Read::Count { table, condition }).await? {
            Answer::Count(count) => Ok(count),
            Answer::Rows(rows) => Ok(rows.len() as u64),
        }
    }

    pub(crate) async fn write(&self, steps: Vec<Step>) -> Result<Vec<Outcome>, StoreError> {
        let tables = replica::written_by(&steps);
        let catalog = self.shared.served().catalog;
        let written = self.writers.write(&catalog, steps).await;
        // Even where it failed: the commit may have happened without an answer.
        self.shared.replicas.wrote(&catalog, &tables);
        self.timed(written)
    }

    pub(crate) async fn query(
        &self,
        sql: &str,
        parameters: &[(String, crate::Value)],
    ) -> Result<Rows, StoreError> {
        match self.read(&Read::Query { sql, parameters }).await? {
            Answer::Rows(rows) => Ok(rows),
            Answer::Count(_) => Ok(Rows::default()),
        }
    }

    /// Reads from a replica that is good enough, else from the primary.
    async fn read(&self, read: &Read<'_>) -> Result<Answer, StoreError> {
        let served = self.shared.served();
        let replica = self.shared.replicas.for_reading(|| match read {
            Read::Select(select) => replica::read_by(select, &served.catalog),
            Read::Count { table, condition } => {
                replica::counted_by(table, condition, &served.catalog)
            }
            Read::Query { .. } => replica::Reading::Anything,
        });
        if let Some(replica) = replica {
            let is_short = matches!(read, Read::Select(select) if select.is_short());
            let on_replica = read.on(replica, &served);
            let replicas = &self.shared.replicas;
            // Boxed, so that no read without replicas carries the room for it.
            let tried = Box::pin(replica::tried(replicas, replica, is_short, on_replica));
            if let Some(result) = tried.await {
                return self.timed(result);
            }
        }
        // A read can be asked again: on another connection, or with its plan made anew.
        for attempt in 1..READ_ATTEMPTS_MAX {
            match read.on(&self.shared.pool, &served).await {
                Err(StoreError::Unavailable(_)) => {}
                Err(StoreError::Fault(_)) if attempt == 1 => {}
                result => return self.timed(result),
            }
        }
        self.timed(read.on(&self.shared.pool, &served).await)
    }

    /// A deadline with the limit that was missed.
    fn timed<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        match result {
            Err(StoreError::Deadline { .. }) => {
                Err(StoreError::Deadline { wait_ms_max: self.shared.options.read_ms_max })
            }
            result => result,
        }
    }
}

/// What is read.
enum Read<'a> {
    Select(&'a Select),
    Count { table: &'a str, condition: &'a Expression },
    Query { sql: &'a str, parameters: &'a [(String, crate::Value)] },
}

enum Answer {
    Rows(Rows),
    Count(u64),
}

impl Read<'_> {
    /// Reads over a shared connection where that is short, else over one of the pool's.
    async fn on(&self, pool: &pool::Pool, served: &Served) -> Result<Answer, StoreError> {
        // Boxed, so that no short read carries the room for what is not short.
        let Read::Select(select) = self else {
            return Box::pin(self.alone(pool, served, None)).await;
        };
        if select.is_short() {
            return self.shortly(pool, served, select).await;
        }
        let far = far::Far::of(&served.catalog, select)?;
        match far.as_ref().and_then(|far| far.known(&served.places)) {
            Some(page) if page.is_short() => self.shortly(pool, served, &page).await,
            Some(page) => Box::pin(Read::Select(&page).alone(pool, served, None)).await,
            None => Box::pin(self.alone(pool, served, far)).await,
        }
    }

    /// Reads over a shared connection, as long as nobody would wait behind it.
    async fn shortly(
        &self,
        pool: &pool::Pool,
        served: &Served,
        select: &Select,
    ) -> Result<Answer, StoreError> {
        if !pool.held.holds(&select.table) {
            match short(pool, served, select).await {
                Err(StoreError::Deadline { .. }) if pool.may_wait_longer() => {
                    pool.held.learn(&select.table);
                }
                answer => return answer,
            }
        }
        Box::pin(Read::Select(select).alone(pool, served, None)).await
    }

    /// Reads over a connection that nobody else uses.
    async fn alone(
        &self,
        pool: &pool::Pool,
        served: &Served,
        far: Option<far::Far<'_>>,
    ) -> Result<Answer, StoreError> {
        let session = pool.session().await?;
        let answer = self.over(&session, served, far).await;
        forget_where_stale(&session, &answer);
        if matches!(answer, Err(StoreError::Unavailable(_))) {
            session.give_up();
        }
        answer
    }

    async fn over(
        &self,
        client: &ClientWrapper,
        served: &Served,
        far: Option<far::Far<'_>>,
    ) -> Result<Answer, StoreError> {
        let catalog = &served.catalog;
        match (self, far) {
            (Read::Select(_), Some(far)) => {
                far.find(client, catalog, &served.places).await.map(Answer::Rows)
            }
            (Read::Select(select), None) => {
                read::select(client, catalog, select).await.map(Answer::Rows)
            }
            (Read::Count { table, condition }, _) => {
                read::count(client, catalog, table, condition).await.map(Answer::Count)
            }
            (Read::Query { sql, parameters }, _) => {
                query::run(client, catalog, sql, parameters).await.map(Answer::Rows)
            }
        }
    }
}

/// A short read, over a connection that all of them share.
async fn short(pool: &pool::Pool, served: &Served, select: &Select) -> Result<Answer, StoreError> {
    let planning = match together::is_planned_once(select) {
        true => pool::Planning::Once,
        false => pool::Planning::Free,
    };
    let link = pool.shared(served.number, planning).await?;
    let answer = link.reads().select(&link, served, select).await;
    forget_where_stale(&link, &answer);
    if matches!(answer, Err(StoreError::Unavailable(_))) {
        pool.give_up(&link);
    }
    answer.map(Answer::Rows)
}

/// Another process may have changed the tables under what was prepared.
fn forget_where_stale<T>(client: &ClientWrapper, answer: &Result<T, StoreError>) {
    if matches!(answer, Err(StoreError::Fault(_))) {
        client.statement_cache.clear();
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable("the store is closing".to_owned())
}
