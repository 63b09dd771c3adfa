//! A conversation with one connection, from a thread that may wait: planning asks one question
//! after the other, and compares in between.

use tokio::runtime::Handle;
use tokio_postgres::{Error, Row, error::SqlState, types::ToSql};

use super::{Postgres, pool::Session};
use crate::StoreError;

/// One connection and the runtime that moves its bytes.
pub(super) struct Talk {
    session: Session,
    runtime: Handle,
}

/// A parameter.
pub(super) type Parameter<'a> = &'a (dyn ToSql + Sync);

impl Postgres {
    /// Runs `work` on a thread that may wait, with a connection of its own.
    pub(super) async fn talk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Talk) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let session = self.shared.pool.session().await?;
        let talk = Talk { session, runtime: Handle::current() };
        tokio::task::spawn_blocking(move || work(&talk))
            .await
            .map_err(|error| StoreError::Fault(error.to_string()))?
    }
}

impl Talk {
    /// Rows of one statement.
    pub(super) fn rows(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        self.runtime.block_on(self.session.query(sql, parameters)).map_err(|it| explain(&it))
    }

    /// Runs one statement. A text with several is refused, so that nothing can hide in one.
    pub(super) fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.change(sql, &[])
    }

    /// Runs one statement with parameters.
    pub(super) fn change(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<(), StoreError> {
        self.runtime
            .block_on(self.session.execute(sql, parameters))
            .map(|_| ())
            .map_err(|error| explain(&error))
    }

    /// Runs statements of our own that carry nothing from outside.
    pub(super) fn settle(&self, sql: &str) -> Result<(), StoreError> {
        self.runtime.block_on(self.session.batch_execute(sql)).map_err(|error| explain(&error))
    }

    /// Runs `work` inside a transaction that is committed where `work` says so with its answer.
    pub(super) fn transaction<T>(
        &self,
        settings: &str,
        work: impl FnOnce() -> Result<(T, bool), StoreError>,
    ) -> Result<T, StoreError> {
        self.settle(&format!("BEGIN; {settings}"))?;
        match work() {
            Ok((answer, true)) => self.settle("COMMIT").map(|()| answer),
            Ok((answer, false)) => self.settle("ROLLBACK").map(|()| answer),
            Err(error) => {
                // The first error says what went wrong; a connection that is gone rolls back too.
                let _ = self.settle("ROLLBACK");
                Err(error)
            }
        }
    }

    /// Runs `work` so that its failure leaves the transaction as it was.
    pub(super) fn attempt<T>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.settle("SAVEPOINT attempt")?;
        let result = work();
        match &result {
            Ok(_) => self.settle("RELEASE SAVEPOINT attempt")?,
            Err(_) => {
                self.settle("ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt")?;
            }
        }
        result
    }

    /// Waits without holding up anybody else.
    pub(super) fn pause(&self, pause: std::time::Duration) {
        self.runtime.block_on(tokio::time::sleep(pause));
    }
}

/// What PostgreSQL says about the schema is for the document's author: its words stay.
fn explain(error: &Error) -> StoreError {
    let Some(reported) = error.as_db_error() else {
        return StoreError::Unavailable(error.to_string());
    };
    let code = reported.code();
    if [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED].contains(code) {
        return StoreError::Busy;
    }
    let mut words = reported.message().to_owned();
    if let Some(detail) = reported.detail() {
        words.push_str(": ");
        words.push_str(detail);
    }
    StoreError::Fault(words)
}
