//! A plan made true.

use super::Postgres;
use crate::{StoreError, catalog::Catalog, plan::Plan, schema::Schema};

impl Postgres {
    /// Does what `plan` says and serves `schema` from then on.
    pub(crate) async fn apply(
        &self,
        plan: &Plan,
        schema: &Schema,
        document_hash: &str,
    ) -> Result<(), StoreError> {
        let _session = self.shared.pool.session().await?;
        if !plan.is_empty() || document_hash.is_empty() {
            return Err(super::not_yet());
        }
        self.shared.serve(Catalog::of(schema));
        Ok(())
    }
}
