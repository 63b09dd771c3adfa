//! The store that callers hold. A handle: cloning it is cheap.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use tokio::sync::mpsc;

use crate::{
    StoreError,
    copy::{mark::Marked, side::Side},
    explain::Explanation,
    expression::Expression,
    notice::Heard,
    plan::Plan,
    postgres::Postgres,
    query::{Outcome, Rows, Select, Step},
    schema::Schema,
    sqlite::Sqlite,
};

/// When a write counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// When it is on disk (`synchronous = FULL`).
    #[default]
    Full,
    /// When the operating system has it (`synchronous = NORMAL`): survives a crash of the process.
    Normal,
}

/// Memory for pages of an SQLite file where nobody says otherwise, in bytes.
pub const PAGE_CACHE_BYTES_DEFAULT: u64 = 256 * 1024 * 1024;

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// When a write counts as done.
    pub durability: Durability,
    /// Writes that may wait in the queue.
    pub queue_max: usize,
    /// Longest time for a read that is not short, in milliseconds.
    pub read_ms_max: u64,
    /// Connections of the pool, where the store is a server.
    pub connections_max: usize,
    /// URLs of read replicas of the server.
    pub replicas: Vec<String>,
    /// Memory for pages of an SQLite file, all connections together, in bytes.
    pub page_cache_bytes: u64,
    /// How long opening waits for a server that is away, in milliseconds.
    pub connect_ms_max: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::Full,
            queue_max: 10_000,
            read_ms_max: 10_000,
            connections_max: 8,
            replicas: Vec::new(),
            page_cache_bytes: PAGE_CACHE_BYTES_DEFAULT,
            connect_ms_max: 0,
        }
    }
}

/// A store of rows.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
}

/// Which database holds the rows.
#[derive(Clone)]
enum Engine {
    Sqlite(Arc<Sqlite>),
    Postgres(Arc<Postgres>),
}

impl Store {
    /// Opens or creates the SQLite database in `directory/data.db`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the files cannot be opened.
    pub fn open(directory: &Path, options: Options) -> Result<Self, StoreError> {
        Self::open_marked(directory, options, Marked::Refused)
    }

    /// The same, for a copy that is not done too.
    pub(crate) fn open_marked(
        directory: &Path,
        options: Options,
        marked: Marked,
    ) -> Result<Self, StoreError> {
        let sqlite = Sqlite::open(directory, options, marked)?;
        Ok(Self { engine: Engine::Sqlite(Arc::new(sqlite)) })
    }

    /// Opens the PostgreSQL database at `url`: `postgres://user:password@host:5432/database`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where it cannot be reached, with the reason and without the
    /// password.
    pub async fn open_postgres(url: &str, options: Options) -> Result<Self, StoreError> {
        Self::open_postgres_marked(url, options, Marked::Refused).await
    }

    /// The same, for a copy that is not done too.
    pub(crate) async fn open_postgres_marked(
        url: &str,
        options: Options,
        marked: Marked,
    ) -> Result<Self, StoreError> {
        let postgres = Postgres::open(url, options, marked).await?;
        Ok(Self { engine: Engine::Postgres(Arc::new(postgres)) })
    }

    /// One end of a copy: a snapshot that is only read.
    pub(crate) async fn source(&self) -> Result<Box<dyn Side>, StoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.source(),
            Engine::Postgres(postgres) => postgres.source().await,
        }
    }

    /// One end of a copy: what is written to.
    pub(crate) async fn target(&self) -> Result<Box<dyn Side>, StoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.target(),
            Engine::Postgres(postgres) => postgres.target().await,
        }
    }

    /// Tables and columns that stay in the database without being served.
    pub(crate) async fn left_behind(&self) -> Result<Vec<String>, StoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.left_behind().await,
            Engine::Postgres(postgres) => postgres.left_behind().await,
        }
    }

    /// Where the server and its database are, without the password; none for files.
    pub fn place(&self) -> Option<&str> {
        match &self.engine {
            Engine::Sqlite(_) => None,
            Engine::Postgres(postgres) => Some(postgres.place()),
        }
    }

    /// What would have to be done to reach `schema`; probes the data.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the database cannot be read.
    pub async fn plan(&self, schema: &Schema) -> Result<Plan, StoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.plan(schema).await,
            Engine::Postgres(postgres) => postgres.plan(schema).await,
        }
    }

    /// Does what `plan` says in one transaction, with the history kept, and probes again. Blocked
    /// steps are refused. From then on the store serves `schema`.
    ///
    /// # Errors
    /// [`StoreError::Fault`] where the plan is stale or blocked.
    pub async fn apply(
        &self,
        plan: &Plan,
        schema: &Schema,
        document_hash: &str,
    ) -> Result<(), StoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.apply(plan, schema, document_hash).await,
            Engine::Postgres(postgres) => postgres.apply(plan, schema, document_hash).await,
        }
    }

    /// Reads rows as JSON.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn select(&self, select: &Select) -> Result<Rows, StoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.select(select).await,
            Engine::Postgres(postgres) => postgres.select(select).await,
        }
    }

    /// Counts rows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count(&self, table: &str, condition: &Expression) -> Result<u64, StoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.count(table, condition).await,
            Engine::Postgres(postgres) => postgres.count(table, condition).await,
        }
    }

    /// Writes: all steps in one transaction, committed together with what else is queued.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is written then.
    pub async fn write(&self, steps: Vec<Step>) -> Result<Vec<Outcome>, StoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.write(steps).await,
            Engine::Postgres(postgres) => postgres.write(steps).await,
        }
    }

    /// Runs a SELECT of the document (a query fence) with named parameters, read only.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn query(
        &self,
        sql: &str,
        parameters: &[(String, crate::Value)],
    ) -> Result<Rows, StoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.query(sql, parameters).await,
            Engine::Postgres(postgres) => postgres.query(sql, parameters).await,
        }
    }

    /// How rows would be read: by which index or scan, and which indexes there are. Nothing is read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn explain(&self, select: &Select) -> Result<Explanation, StoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.explain(select).await,
            Engine::Postgres(postgres) => postgres.explain(select).await,
        }
    }

    /// What is in the database, whether a document made it or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn describe(&self) -> Result<crate::description::Description, StoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.describe().await,
            Engine::Postgres(postgres) => postgres.describe().await,
        }
    }

    /// Listens to other processes on the same database, and lets them count this one: `mark` says
    /// what it serves. None where no other process can be.
    pub fn listen(&self, mark: u32) -> Option<mpsc::Receiver<Heard>> {
        match &self.engine {
            Engine::Sqlite(_) => None,
            Engine::Postgres(postgres) => Some(postgres.listen(mark)),
        }
    }

    /// Tells all processes on the database, this one included; each notice at most 7000 bytes.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where nothing was told.
    pub async fn tell(&self, notices: &[String]) -> Result<(), StoreError> {
        match &self.engine {
            Engine::Sqlite(_) => Ok(()),
            Engine::Postgres(postgres) => postgres.tell(notices).await,
        }
    }

    /// From now on this process serves something else.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn mark(&self, mark: u32) -> Result<(), StoreError> {
        match &self.engine {
            Engine::Sqlite(_) => Ok(()),
            Engine::Postgres(postgres) => postgres.mark(mark).await,
        }
    }

    /// How many processes serve what, as seen a moment ago by one that listens; nothing where no
    /// other process can be.
    pub fn present(&self) -> BTreeMap<u32, u64> {
        match &self.engine {
            Engine::Sqlite(_) => BTreeMap::new(),
            Engine::Postgres(postgres) => postgres.present(),
        }
    }

    /// How many read replicas there are, and how many of them are read from just now.
    pub fn replicas(&self) -> (usize, usize) {
        match &self.engine {
            Engine::Sqlite(_) => (0, 0),
            Engine::Postgres(postgres) => postgres.replicas(),
        }
    }

    /// As [`Store::present`], asked now.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn present_now(&self) -> Result<BTreeMap<u32, u64>, StoreError> {
        match &self.engine {
            Engine::Sqlite(_) => Ok(BTreeMap::new()),
            Engine::Postgres(postgres) => postgres.present_now().await,
        }
    }

    /// Another process wrote to these tables: reads of them wait for no replica that lacks it.
    pub fn written_elsewhere(&self, tables: &[Arc<str>]) {
        match &self.engine {
            Engine::Sqlite(_) => {}
            Engine::Postgres(postgres) => postgres.written_elsewhere(tables),
        }
    }
}
