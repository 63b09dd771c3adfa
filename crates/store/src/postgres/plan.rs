//! What would have to be done to reach a schema.

use super::Postgres;
use crate::{StoreError, plan::Plan, schema::Schema};

impl Postgres {
    /// Compares `schema` with what was applied last and with what is there, and probes the rows.
    pub(crate) async fn plan(&self, schema: &Schema) -> Result<Plan, StoreError> {
        let _ = (schema, &self.shared.options);
        Err(super::not_yet())
    }
}
