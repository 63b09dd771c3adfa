//! Connections: exclusive ones from a pool, for whatever takes long or needs a transaction.

use std::{ops::Deref, ops::DerefMut, pin::Pin, sync::Arc, time::Duration};

use deadpool_postgres::{
    ClientWrapper, Connect, Manager, ManagerConfig, Object, RecyclingMethod, Runtime,
};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error};

use super::{address::Address, fault};
use crate::{Options, StoreError};

/// How long a statement waits for a row or table that another transaction holds, in milliseconds.
pub(super) const LOCK_MS_MAX: u64 = 5_000;
/// How long a session is waited for while all are taken.
const SESSION_MAX: Duration = Duration::from_secs(5);

/// Makes connections and keeps those that are not in use.
pub(super) struct Pool {
    address: Arc<Address>,
    sessions: deadpool_postgres::Pool,
}

/// A connection that nobody else uses until it is dropped.
pub(super) struct Session(Object);

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
        let address = Arc::new(address);
        let manager = Manager::from_connect(
            address.config().clone(),
            Prepared { address: address.clone(), read_ms_max: options.read_ms_max },
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let sessions = deadpool_postgres::Pool::builder(manager)
            .max_size(options.connections_max.max(1))
            .wait_timeout(Some(SESSION_MAX))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| StoreError::Fault(error.to_string()))?;
        Ok(Self { address, sessions })
    }

    /// A connection for oneself, with the statement timeout of long reads. What is changed of its
    /// settings has to be set back, or be set with `SET LOCAL`.
    pub(super) async fn session(&self) -> Result<Session, StoreError> {
        match self.sessions.get().await {
            Ok(object) => Ok(Session(object)),
            Err(deadpool_postgres::PoolError::Backend(error)) => {
                Err(fault::connecting(&error, &self.address.place))
            }
            Err(deadpool_postgres::PoolError::Timeout(_)) => Err(StoreError::Busy),
            Err(error) => Err(StoreError::Unavailable(error.to_string())),
        }
    }
}

/// Connects, and tells each connection what all statements rely on.
struct Prepared {
    address: Arc<Address>,
    read_ms_max: u64,
}

impl Connect for Prepared {
    fn connect(
        &self,
        _: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + '_>> {
        Box::pin(async move {
            let (client, moved) = self.address.connect().await?;
            client.batch_execute(&settings(self.read_ms_max)).await?;
            Ok((client, moved))
        })
    }
}

/// What a connection is set to. Moments are UTC, and nothing waits for ever.
fn settings(statement_ms_max: u64) -> String {
    format!(
        "SET TIME ZONE 'UTC'; SET IntervalStyle = 'iso_8601'; SET DateStyle = 'ISO, YMD'; \
         SET standard_conforming_strings = on; SET extra_float_digits = 1; \
         SET lock_timeout = {LOCK_MS_MAX}; SET statement_timeout = {statement_ms_max}; \
         SET idle_in_transaction_session_timeout = 60000"
    )
}
