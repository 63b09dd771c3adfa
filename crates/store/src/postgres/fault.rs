//! What PostgreSQL reports, in terms of tables and columns.

use std::error::Error as _;

use tokio_postgres::{Error, error::SqlState};

use crate::StoreError;

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
