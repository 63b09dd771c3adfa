//! The System: the typed model that all claims add up to. Immutable once compiled; printed by
//! `read --format json`, whose schema is a public contract.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    api::Api, data::Data, delivery::Delivery, integration::Integration, messaging::Messaging,
    observability::Observability, recovery::Recovery, resilience::Resilience, security::Security,
    setting::Setting,
};

/// All that a document says, chapter by chapter.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "each field is its chapter")]
pub struct System {
    pub data: Data,
    pub api: Api,
    pub security: Security,
    pub messaging: Messaging,
    pub integration: Integration,
    pub resilience: Resilience,
    pub observability: Observability,
    pub delivery: Delivery,
    pub recovery: Recovery,
    /// Settings of all chapters, in the order in which they are written.
    pub settings: Vec<Setting>,
}
