//! The store on PostgreSQL: a few connections that many short reads share, a pool for what takes
//! long, and writers that commit together what is queued together.

mod address;
mod apply;
mod bind;
mod define;
mod describe;
mod fault;
mod ground;
mod ledger;
pub(crate) mod names;
pub(crate) mod native;
mod plan;
mod pool;
mod query;
mod read;
mod script;
mod show;
mod statement;
mod talk;
mod there;
mod translate;
mod trial;
mod write;
mod writer;

use std::sync::{Arc, PoisonError, RwLock};

use crate::{
    Options, StoreError,
    catalog::Catalog,
    expression::Expression,
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
        *served = Served { catalog: Arc::new(catalog), number: served.number + 1 };
        self.pool.forget_statements();
    }
}

impl Postgres {
    pub(crate) async fn open(url: &str, options: Options) -> Result<Self, StoreError> {
        let address = address::Address::parse(url)?;
        let pool = pool::Pool::new(address, &options)?;
        let session = pool.first(options.connect_ms_max).await?;
        // What was served last is served until something else is applied.
        let last = ledger::served(&session).await?;
        let served = Served { catalog: Arc::new(Catalog::of(&last)), number: 0 };
        drop(session);
        let shared = Arc::new(Shared { pool, served: RwLock::new(served), options });
        Ok(Self { writers: writer::Writers::start(&shared), shared })
    }

    pub(crate) fn place(&self) -> &str {
        self.shared.pool.place()
    }

    pub(crate) async fn select(&self, select: &Select) -> Result<Rows, StoreError> {
        let served = self.shared.served();
        if !select.is_short {
            let session = self.shared.pool.session().await?;
            return self.timed(read::select(&session, &served.catalog, select).await);
        }
        // A read can be asked again: on another connection, or with its plan made anew.
        for attempt in 1..=READ_ATTEMPTS_MAX {
            let link = self.shared.pool.shared(served.number).await?;
            match read::select(&link, &served.catalog, select).await {
                Err(StoreError::Unavailable(_)) if attempt < READ_ATTEMPTS_MAX => {}
                Err(StoreError::Fault(_)) if attempt == 1 => link.statement_cache.clear(),
                result => return self.timed(result),
            }
        }
        Err(StoreError::Unavailable("the connection to PostgreSQL is lost again and again".into()))
    }

    pub(crate) async fn count(
        &self,
        table: &str,
        condition: &Expression,
    ) -> Result<u64, StoreError> {
        let session = self.shared.pool.session().await?;
        let catalog = self.shared.served().catalog;
        self.timed(read::count(&session, &catalog, table, condition).await)
    }

    pub(crate) async fn write(&self, steps: Vec<Step>) -> Result<Vec<Outcome>, StoreError> {
        self.timed(self.writers.write(steps).await)
    }

    pub(crate) async fn query(
        &self,
        sql: &str,
        parameters: &[(String, crate::Value)],
    ) -> Result<Rows, StoreError> {
        let mut session = self.shared.pool.session().await?;
        let catalog = self.shared.served().catalog;
        self.timed(query::run(&mut session, &catalog, sql, parameters).await)
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

fn gone() -> StoreError {
    StoreError::Unavailable("the store is closing".to_owned())
}
