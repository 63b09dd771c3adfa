//! How connections to the database file are opened.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::functions;
use crate::Durability;

/// How long a statement waits for another process that holds the file.
pub(super) const LOCK_MS_MAX: u64 = 5_000;
/// Prepared statements that a connection keeps.
const STATEMENTS_MAX: usize = 256;
/// Page cache of a connection for one piece of work, in KiB.
const CACHE_KIB: u64 = 65_536;
/// Page cache of a connection that stays, at most and at least, in KiB.
const SHARE_KIB_MAX: u64 = 65_536;
const SHARE_KIB_MIN: u64 = 1_024;
/// Pages of the write-ahead log after which they are moved into the database. Measured: 1000 costs
/// a tenth of the throughput, 16000 stalls three times as long.
pub(super) const CHECKPOINT_PAGES: i64 = 4_000;
/// Length to which the file of the log is cut when it begins anew, in bytes: a bulk load leaves none
/// of hundreds of megabytes.
const LOG_BYTES_MAX: i64 = 32 * 1024 * 1024;

/// What a connection may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Everything.
    Write(Durability),
    /// Reading only.
    Read,
}

/// The part of the page cache that each of `connections` gets, in KiB. What is kept by none of them is
/// still kept by the operating system.
pub(super) fn share_kib(page_cache_bytes: u64, connections: usize) -> u64 {
    let connections = u64::try_from(connections.max(1)).unwrap_or(u64::MAX);
    (page_cache_bytes / 1024 / connections).clamp(SHARE_KIB_MIN, SHARE_KIB_MAX)
}

/// Opens a connection with everything that statements of this crate rely on.
pub(super) fn open(path: &Path, access: Access) -> rusqlite::Result<Connection> {
    open_with(path, access, CACHE_KIB)
}

/// As [`open`], with a page cache of its own size.
pub(super) fn open_with(
    path: &Path,
    access: Access,
    cache_kib: u64,
) -> rusqlite::Result<Connection> {
    let mode = match access {
        Access::Write(_) => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_millis(LOCK_MS_MAX))?;
    let cache_kib = i64::try_from(cache_kib).unwrap_or(i64::MAX);
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    match access {
        Access::Write(durability) => {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
            connection.pragma_update(None, "journal_size_limit", LOG_BYTES_MAX)?;
            let level = match durability {
                Durability::Full => "FULL",
                Durability::Normal => "NORMAL",
            };
            connection.pragma_update(None, "synchronous", level)?;
        }
        Access::Read => connection.pragma_update(None, "query_only", true)?,
    }
    prepare(&connection)?;
    Ok(connection)
}

/// A database in memory that understands the same statements.
pub(super) fn open_shadow() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    prepare(&connection)?;
    Ok(connection)
}

/// Runs a statement that takes no values, such as `BEGIN`, prepared once.
pub(super) fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<usize> {
    connection.prepare_cached(sql)?.raw_execute()
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Without it a statement whose plan could depend on a bound value is prepared at each bind.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // A misspelt name in double quotes is an error, not a string.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    functions::register(connection)
}
