//! The store on SQLite: one file, one writer, a reader for each thread that asks.

mod bind;
mod change;
mod checkpoint;
mod connection;
mod copy;
mod define;
mod describe;
mod exclusion;
mod explain;
mod far;
mod fault;
mod functions;
mod ground;
mod ledger;
mod loose;
mod pool;
mod probe;
mod query;
mod read;
mod reader;
mod script;
mod shadow;
mod show;
mod snapshot;
#[cfg(test)]
mod tests;
pub(crate) mod translate;
mod write;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

pub(crate) use describe::of_file;

use arc_swap::ArcSwap;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::{
    Options, StoreError,
    catalog::Catalog,
    copy::{mark::Marked, refuse_marked},
    expression::Expression,
    query::{Outcome, Rows, Select, Step},
    starts::Starts,
};

/// Rows of a page, or skipped before it, that are worth a try on the caller's thread.
const PAGE_ROWS_MAX: u64 = 500;
/// Name of the database file in its directory.
const FILE: &str = "data.db";

/// True where a directory holds a database.
pub(crate) fn is_there(directory: &Path) -> bool {
    directory.join(FILE).is_file()
}

/// An open database.
pub(crate) struct Sqlite {
    shared: Arc<Shared>,
    writer: writer::Writer,
    pool: pool::Pool,
}

/// What writer and readers have in common.
struct Shared {
    /// The database file.
    path: PathBuf,
    /// The schema that is served; replaced as a whole.
    catalog: ArcSwap<Catalog>,
    options: Options,
    snapshots: snapshot::Snapshots,
    starts: Starts,
    /// Page cache of each connection that stays.
    cache_kib: u64,
}

impl Shared {
    /// The schema at this moment.
    fn catalog(&self) -> Arc<Catalog> {
        self.catalog.load_full()
    }

    fn serve(&self, catalog: Catalog) {
        self.catalog.store(Arc::new(catalog));
    }
}

impl Sqlite {
    pub(crate) fn open(
        directory: &Path,
        options: Options,
        marked: Marked,
    ) -> Result<Self, StoreError> {
        let unavailable = |error: &dyn std::fmt::Display| {
            StoreError::Unavailable(format!("{}: {error}", directory.display()))
        };
        std::fs::create_dir_all(directory).map_err(|error| unavailable(&error))?;
        let path = directory.join(FILE);
        let access = connection::Access::Write(options.durability);
        // One connection for each thread that asks, the writer's, and those of the reader threads.
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let cache_kib =
            connection::share_kib(options.page_cache_bytes, threads + 1 + pool::THREADS);
        let connection =
            connection::open_with(&path, access, cache_kib).map_err(|error| unavailable(&error))?;
        refuse_marked(copy::mark_in(&connection)?, marked)?;
        // What was served last is served until something else is applied.
        let last = Catalog::of(&ledger::read(&connection)?.schema());
        let shared = Arc::new(Shared {
            path,
            catalog: ArcSwap::from_pointee(last),
            options,
            snapshots: snapshot::Snapshots::default(),
            starts: Starts::default(),
            cache_kib,
        });
        Ok(Self {
            writer: writer::Writer::start(connection, shared.clone())
                .map_err(|error| unavailable(&error))?,
            pool: pool::Pool::start(&shared).map_err(|error| unavailable(&error))?,
            shared,
        })
    }

    pub(crate) async fn select(&self, select: &Select) -> Result<Rows, StoreError> {
        if may_be_short(select) {
            let catalog = self.shared.catalog.load();
            let tried =
                reader::with(&self.shared, |reader| read::select_here(reader, &catalog, select));
            if let Some(rows) = tried? {
                return Ok(rows);
            }
        }
        let (select, shared) = (select.clone(), self.shared.clone());
        self.read(move |connection, _| far::select(connection, &shared, &select)).await
    }

    pub(crate) async fn count(
        &self,
        table: &str,
        condition: &Expression,
    ) -> Result<u64, StoreError> {
        let (table, condition) = (table.to_owned(), condition.clone());
        self.read(move |connection, catalog| read::count(connection, catalog, &table, &condition))
            .await
    }

    pub(crate) async fn write(&self, steps: Vec<Step>) -> Result<Vec<Outcome>, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.writer.send(writer::Job::Write { steps, reply })?;
        answer.await.map_err(|_| gone())?
    }

    pub(crate) async fn left_behind(&self) -> Result<Vec<String>, StoreError> {
        self.read(|connection, _| Ok(ledger::read(connection)?.left_behind())).await
    }

    /// Runs `work` on a reader thread, with the deadline of reads that are not short.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &Catalog) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.read_within(self.shared.options.read_ms_max, work).await
    }

    async fn read_within<T: Send + 'static>(
        &self,
        wait_ms_max: u64,
        work: impl FnOnce(&Connection, &Catalog) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let shared = self.shared.clone();
        let work: pool::Work = Box::new(move |connection| {
            let result = work(connection, &shared.catalog());
            // Whoever asked may have gone away; then nobody wants the answer.
            let _ = reply.send(result);
        });
        self.pool.run(work, wait_ms_max)?;
        match answer.await.map_err(|_| gone())? {
            Err(StoreError::Deadline { .. }) => Err(StoreError::Deadline { wait_ms_max }),
            result => result,
        }
    }
}

/// True for a read that is worth a try on the caller's thread: few rows, and few to be skipped.
fn may_be_short(select: &Select) -> bool {
    let is_page = select.limit.is_some_and(|limit| limit <= PAGE_ROWS_MAX);
    select.is_short() || is_page && select.offset <= PAGE_ROWS_MAX
}

fn gone() -> StoreError {
    StoreError::Unavailable("the store is closing".to_owned())
}
