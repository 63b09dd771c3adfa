//! The typed form of the integration chapter.

use schemars::JsonSchema;
use serde::Serialize;

use crate::Span;

/// All that the document says about other services.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Integration {
    /// Services by name.
    pub services: Vec<Service>,
    /// Gateway routes: path prefix and service.
    pub routes: Vec<GatewayRoute>,
}

/// Somebody else's service.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub purpose: Option<String>,
    /// How we authenticate, as written.
    pub authentication: Option<String>,
    /// What happens when it is unavailable, as written.
    pub fallback: Option<String>,
    /// Where it is written.
    pub span: Span,
}

/// A route of the gateway.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct GatewayRoute {
    /// Path prefix.
    pub path: String,
    /// The service behind it.
    pub service: String,
    /// Where it is written.
    pub span: Span,
}
