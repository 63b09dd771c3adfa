//! What SQLite reports, in terms of tables and columns.

use rusqlite::{Error, ErrorCode, ffi};

use crate::change::kind_check_column;
use crate::{StoreError, catalog::Catalog, sql::Unsupported};

/// Explains an error of SQLite. A foreign key comes back without its columns: see `probe`.
pub(super) fn explain(error: Error, catalog: &Catalog) -> StoreError {
    let (failure, message) = match error {
        Error::SqliteFailure(failure, message) => (failure, message.unwrap_or_default()),
        Error::SqlInputError { error, msg, .. } => (error, msg),
        other => return StoreError::Fault(other.to_string()),
    };
    if let Some(table) = message.strip_prefix("no such table: ") {
        return StoreError::NotThere { table: table.to_owned() };
    }
    let subject = message.split_once("failed: ").map_or("", |(_, subject)| subject);
    match failure.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => unique(subject, catalog),
        ffi::SQLITE_CONSTRAINT_NOTNULL => {
            let (table, column) = subject.split_once('.').unwrap_or((subject, ""));
            StoreError::NotNull { table: table.to_owned(), column: column.to_owned() }
        }
        ffi::SQLITE_CONSTRAINT_CHECK => check(subject, catalog),
        // RESTRICT is a trigger inside SQLite; it reports itself as one.
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY | ffi::SQLITE_CONSTRAINT_TRIGGER
            if message.starts_with("FOREIGN KEY") =>
        {
            StoreError::ForeignKey { table: String::new(), columns: Vec::new(), missing: false }
        }
        ffi::SQLITE_CONSTRAINT_TRIGGER if message.starts_with("exclusion failed: ") => {
            let table = catalog.table_of_exclusion(subject).unwrap_or_default().to_owned();
            StoreError::Excluded { table, constraint: subject.to_owned() }
        }
        _ if message.starts_with(crate::range::BACKWARDS) => {
            StoreError::Value { column: None, message: crate::range::BACKWARDS.to_owned() }
        }
        ffi::SQLITE_CONSTRAINT_DATATYPE => {
            // `cannot store TEXT value in INTEGER column posts.views`
            let column = message.rsplit_once('.').map(|(_, column)| column.to_owned());
            StoreError::Value { column, message: "has a value of the wrong type".to_owned() }
        }
        _ => by_code(failure, message),
    }
}

fn by_code(failure: ffi::Error, message: String) -> StoreError {
    // What was read may still be read.
    let is_write = matches!(
        failure.extended_code,
        ffi::SQLITE_IOERR_WRITE
            | ffi::SQLITE_IOERR_FSYNC
            | ffi::SQLITE_IOERR_DIR_FSYNC
            | ffi::SQLITE_IOERR_TRUNCATE
    );
    match failure.code {
        _ if is_write => StoreError::Unavailable("the disk cannot be written".to_owned()),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            StoreError::Unavailable("another process holds the database".to_owned())
        }
        ErrorCode::DiskFull => StoreError::Unavailable("the disk is full".to_owned()),
        ErrorCode::ReadOnly => StoreError::Unavailable("the database is read-only".to_owned()),
        ErrorCode::CannotOpen
        | ErrorCode::SystemIoFailure
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::OutOfMemory
        | ErrorCode::PermissionDenied => StoreError::Unavailable(message),
        ErrorCode::OperationInterrupted => StoreError::Deadline { wait_ms_max: 0 },
        ErrorCode::TooBig => {
            StoreError::Value { column: None, message: "the value is too large".to_owned() }
        }
        _ => StoreError::Fault(message),
    }
}

/// `posts.slug, posts.author_id` or `index 'name'`.
fn unique(subject: &str, catalog: &Catalog) -> StoreError {
    if let Some(name) = subject.strip_prefix("index '").and_then(|rest| rest.strip_suffix('\'')) {
        let (table, columns) = catalog.unique_key(name).cloned().unwrap_or_default();
        return StoreError::Unique { table, columns };
    }
    let mut table = String::new();
    let columns = subject
        .split(", ")
        .map(|part| {
            let (own, column) = part.split_once('.').unwrap_or(("", part));
            own.clone_into(&mut table);
            column.to_owned()
        })
        .collect();
    StoreError::Unique { table, columns }
}

fn check(subject: &str, catalog: &Catalog) -> StoreError {
    if let Some((table, column)) = kind_check_column(subject)
        && let Some(entry) = catalog.table(table).and_then(|table| table.column(column))
    {
        let kind = &entry.kind;
        return StoreError::Value {
            column: Some(column.to_owned()),
            message: format!("does not fit {kind}"),
        };
    }
    let table = catalog.table_of_check(subject).unwrap_or_default().to_owned();
    StoreError::Check { table, constraint: subject.to_owned() }
}

/// What cannot be written as SQL is a fault: what is served was tried when it was planned.
pub(super) fn unsupported(unsupported: Unsupported) -> StoreError {
    StoreError::Fault(unsupported.0)
}
