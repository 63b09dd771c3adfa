//! The store on PostgreSQL: a few connections that many short reads share, a pool for what takes
//! long, and writers that commit together what is queued together.

mod address;
mod apply;
mod fault;
mod ledger;
mod names;
mod native;
mod plan;
mod pool;

use std::sync::{Arc, PoisonError, RwLock};

use crate::{
    Options, StoreError,
    catalog::Catalog,
    expression::Expression,
    query::{Outcome, Rows, Select, Step},
};

/// An open database.
pub(crate) struct Postgres {
    shared: Arc<Shared>,
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
    }
}

impl Postgres {
    pub(crate) async fn open(url: &str, options: Options) -> Result<Self, StoreError> {
        let address = address::Address::parse(url)?;
        let pool = pool::Pool::new(address, &options)?;
        let session = pool.session().await?;
        // What was served last is served until something else is applied.
        let last = ledger::served(&session).await?;
        let served = Served { catalog: Arc::new(Catalog::of(&last)), number: 0 };
        drop(session);
        Ok(Self { shared: Arc::new(Shared { pool, served: RwLock::new(served), options }) })
    }

    pub(crate) async fn select(&self, _select: &Select) -> Result<Rows, StoreError> {
        Err(not_yet())
    }

    pub(crate) async fn count(
        &self,
        _table: &str,
        _condition: &Expression,
    ) -> Result<u64, StoreError> {
        Err(not_yet())
    }

    pub(crate) async fn write(&self, _steps: Vec<Step>) -> Result<Vec<Outcome>, StoreError> {
        Err(not_yet())
    }

    pub(crate) async fn query(
        &self,
        _sql: &str,
        _parameters: &[(String, crate::Value)],
    ) -> Result<Rows, StoreError> {
        Err(not_yet())
    }
}

fn not_yet() -> StoreError {
    StoreError::Fault("the store on PostgreSQL cannot do this yet".to_owned())
}
