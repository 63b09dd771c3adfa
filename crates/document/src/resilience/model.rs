//! The typed form of the resilience chapter: its claims are settings.

use schemars::JsonSchema;
use serde::Serialize;

/// All that the document says about resilience beyond settings.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Resilience {
    /// Error categories with their HTTP status: `Validation Errors (400)`.
    pub error_categories: Vec<(String, u16)>,
}
