//! One version of a document, ready to be served. Immutable: a new save makes a new one, and the
//! service swaps them.

use std::sync::Arc;

use document::Compiled;

/// A served version of a document.
pub struct Running {
    /// The document.
    pub compiled: Arc<Compiled>,
    /// Method and path to what is done.
    pub router: crate::api::Router,
    /// Tables as the engine serves them, by name.
    pub resources: crate::data::Resources,
    /// The OpenAPI description, once somebody asked for it.
    pub(crate) openapi: std::sync::OnceLock<bytes::Bytes>,
}

impl Running {
    /// Prepares a document: everything that can be known before the first request.
    pub fn prepare(
        compiled: Arc<Compiled>,
        _settings: &crate::Settings,
        _evidence: &crate::observability::Evidence,
    ) -> Self {
        Self {
            compiled,
            router: Default::default(),
            resources: Default::default(),
            openapi: std::sync::OnceLock::new(),
        }
    }
}
