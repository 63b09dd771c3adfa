//! What PostgreSQL reports, in terms of tables and columns.

use std::error::Error as _;

use tokio_postgres::{
    Error,
    error::{DbError, SqlState},
};

use super::names;
use crate::{
    Kind, StoreError,
    catalog::{Catalog, TableEntry},
    change::kind_check_name,
    sql::Unsupported,
};

/// Why no connection could be made.
pub(super) fn connecting(error: &Error, place: &str) -> StoreError {
    let why = match error.code() {
        Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
            "it refuses the user or the password".to_owned()
        }
        Some(&SqlState::INVALID_CATALOG_NAME) => "it has no database of this name".to_owned(),
        Some(&SqlState::TOO_MANY_CONNECTIONS) => "it has too many connections already".to_owned(),
        _ => reason(error),
    };
    StoreError::Unavailable(format!("PostgreSQL at {place}: {why}"))
}

/// The last cause, which says most.
fn reason(error: &Error) -> String {
    let mut reason = match error.as_db_error() {
        Some(reported) => return reported.message().to_owned(),
        None => error.to_string(),
    };
    let mut cause = error.source();
    while let Some(deeper) = cause {
        reason = deeper.to_string();
        cause = deeper.source();
    }
    reason
}

/// What cannot be written as SQL is a fault: what is served was tried when it was planned.
pub(super) fn unsupported(unsupported: Unsupported) -> StoreError {
    StoreError::Fault(unsupported.0)
}

/// True where the connection is gone, and the same may succeed on another.
pub(super) fn is_lost(error: &Error) -> bool {
    error.is_closed()
        || matches!(error.code(), Some(&SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN))
        || error.source().is_some_and(|cause| cause.is::<std::io::Error>())
}

/// True where the server cannot be reached, or is only just starting.
pub(super) fn is_away(error: &Error) -> bool {
    match error.code() {
        None => true,
        Some(code) => {
            *code == SqlState::CANNOT_CONNECT_NOW || *code == SqlState::TOO_MANY_CONNECTIONS
        }
    }
}

/// True where the same succeeds once others are done, or once it is prepared anew.
pub(super) fn is_passing(error: &Error) -> bool {
    match error.code() {
        Some(&SqlState::T_R_DEADLOCK_DETECTED | &SqlState::T_R_SERIALIZATION_FAILURE) => true,
        // Another process changed the tables under a prepared statement.
        Some(&SqlState::INVALID_SQL_STATEMENT_NAME | &SqlState::DUPLICATE_PSTATEMENT) => true,
        Some(&SqlState::FEATURE_NOT_SUPPORTED) => {
            error.as_db_error().is_some_and(|it| it.message().contains("cached plan"))
        }
        _ => false,
    }
}

/// Explains an error of PostgreSQL. Whether a foreign key's row is missing or still referred to is
/// told by the step: see `write`.
pub(super) fn explain(error: &Error, catalog: &Catalog) -> StoreError {
    let Some(reported) = error.as_db_error() else {
        return match error.source() {
            _ if error.is_closed() => unavailable("the connection to PostgreSQL was lost"),
            Some(cause) if cause.is::<std::io::Error>() => unavailable(&cause.to_string()),
            // A value that its parameter cannot take.
            Some(_) => {
                StoreError::Value { column: None, message: "has a value of the wrong type".into() }
            }
            None => StoreError::Fault(error.to_string()),
        };
    };
    let table = reported.table().unwrap_or_default();
    let entry = catalog.tables().find(|entry| names::kept(&entry.name) == table);
    let name = entry.map_or(table, |entry| &entry.name).to_owned();
    let constraint = reported.constraint().unwrap_or_default();
    match *reported.code() {
        SqlState::UNIQUE_VIOLATION => unique(entry, catalog, name, constraint),
        SqlState::NOT_NULL_VIOLATION => {
            let column = reported.column().unwrap_or_default();
            let own = entry.and_then(|it| it.column_names().find(|own| names::kept(own) == column));
            StoreError::NotNull { table: name, column: own.unwrap_or(column).to_owned() }
        }
        SqlState::CHECK_VIOLATION => {
            let own = entry.and_then(|entry| of_kind(entry, constraint));
            if let Some((column, kind)) = own {
                let message = format!("does not fit {kind}");
                return StoreError::Value { column: Some(column.to_owned()), message };
            }
            let own = catalog.checks().find(|own| names::kept(own) == constraint);
            StoreError::Check { table: name, constraint: own.unwrap_or(constraint).to_owned() }
        }
        SqlState::EXCLUSION_VIOLATION => {
            let own = catalog.exclusions().find(|own| names::kept(own) == constraint);
            let constraint = own.unwrap_or(constraint).to_owned();
            StoreError::Excluded { table: name, constraint }
        }
        SqlState::DATA_EXCEPTION if reported.message() == crate::range::BACKWARDS => {
            StoreError::Value { column: None, message: reported.message().to_owned() }
        }
        SqlState::FOREIGN_KEY_VIOLATION => {
            let key = entry.and_then(|entry| {
                let mut keys = entry.foreign_keys.iter();
                keys.find(|key| names::foreign_key(&entry.name, &key.columns) == constraint)
            });
            let columns = key.map(|key| key.columns.clone()).unwrap_or_default();
            StoreError::ForeignKey { table: name, columns, missing: true }
        }
        _ => by_class(reported),
    }
}

/// The column that a check keeps to its kind, and that kind.
fn of_kind<'e>(entry: &'e TableEntry, constraint: &str) -> Option<(&'e str, &'e Kind)> {
    let is_its = |column: &&str| names::kept(&kind_check_name(&entry.name, column)) == constraint;
    let column = entry.column_names().find(is_its)?;
    Some((column, &entry.column(column)?.kind))
}

fn unique(
    entry: Option<&TableEntry>,
    catalog: &Catalog,
    table: String,
    constraint: &str,
) -> StoreError {
    let key = catalog.unique_keys().find(|(name, _)| names::kept(name) == constraint);
    let columns = match (key, entry) {
        (Some((_, (_, columns))), _) => columns.clone(),
        (None, Some(entry)) if names::primary_key(&entry.name) == constraint => {
            entry.primary_key.clone()
        }
        _ => Vec::new(),
    };
    StoreError::Unique { table, columns }
}

fn by_class(reported: &DbError) -> StoreError {
    let message = reported.message().to_owned();
    match *reported.code() {
        SqlState::UNDEFINED_TABLE => {
            // `relation "x" does not exist`
            let name = reported.message().split('"').nth(1).unwrap_or_default();
            StoreError::NotThere { table: name.to_owned() }
        }
        SqlState::QUERY_CANCELED => StoreError::Deadline { wait_ms_max: 0 },
        SqlState::LOCK_NOT_AVAILABLE => unavailable("another transaction holds the rows"),
        SqlState::STRING_DATA_RIGHT_TRUNCATION
        | SqlState::NUMERIC_VALUE_OUT_OF_RANGE
        | SqlState::INVALID_TEXT_REPRESENTATION
        | SqlState::INVALID_DATETIME_FORMAT
        | SqlState::DATETIME_FIELD_OVERFLOW
        | SqlState::INVALID_BINARY_REPRESENTATION
        | SqlState::ARRAY_ELEMENT_ERROR
        | SqlState::UNTRANSLATABLE_CHARACTER
        | SqlState::PROGRAM_LIMIT_EXCEEDED => {
            StoreError::Value { column: reported.column().map(str::to_owned), message }
        }
        SqlState::DISK_FULL => unavailable("the disk is full"),
        SqlState::READ_ONLY_SQL_TRANSACTION => unavailable("the database is read-only"),
        SqlState::INSUFFICIENT_PRIVILEGE => unavailable(&message),
        ref code => match code.code().get(..2) {
            // Connections, resources, the operator, the machine.
            Some("08" | "53" | "57" | "58") => unavailable(&message),
            _ => StoreError::Fault(message),
        },
    }
}

fn unavailable(why: &str) -> StoreError {
    StoreError::Unavailable(why.to_owned())
}
