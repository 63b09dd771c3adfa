//! What was applied last and what was done when, kept beside the tables.

use tokio_postgres::Client;

use crate::{StoreError, schema::Schema};

/// The schema that was served last; an empty one where nothing was applied yet.
pub(super) async fn served(client: &Client) -> Result<Schema, StoreError> {
    let _ = client;
    Ok(Schema::default())
}
