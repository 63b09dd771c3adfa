//! One version of a document, ready to be served. Immutable: a new save makes a new one, and the
//! service swaps them.

use std::sync::Arc;

use document::{Compiled, System};

use crate::{
    api::Router,
    data::{
        Resources, Users,
        cache::{Cache, Planned},
    },
    security::{Limits, RequestLimits},
};

/// A served version of a document.
pub struct Running {
    /// The document.
    pub compiled: Arc<Compiled>,
    /// When it was made ready.
    pub since: jiff::Timestamp,
    /// What it says, with the built-in users where it has none of its own.
    pub system: Arc<System>,
    /// Method and path to what is done.
    pub router: Router,
    /// Tables as the engine serves them, by name.
    pub resources: Resources,
    /// The OpenAPI description, once somebody asked for it.
    pub(crate) openapi: std::sync::OnceLock<bytes::Bytes>,
    /// Where users live.
    pub(crate) users: Users,
    /// What it keeps of its answers.
    pub(crate) cached: Planned,
    /// Limits on every request.
    pub(crate) limits: RequestLimits,
    /// How often somebody may ask.
    pub(crate) rate_limits: Limits,
    /// What protects the reader of every answer.
    pub(crate) protection: http::HeaderMap,
}

impl Running {
    /// Prepares a document: everything that can be known before the first request.
    pub fn prepare(
        compiled: Arc<Compiled>,
        settings: &crate::Settings,
        evidence: &crate::observability::Evidence,
        cache: &Cache,
        since: jiff::Timestamp,
    ) -> Self {
        let mut system = compiled.system.clone();
        if let Some(users) = crate::security::built_in_users(&system) {
            system.data.tables.push(users);
        }
        let resources = crate::data::resources(&compiled, &system);
        let router = Router::of(&compiled, &resources, evidence);
        let reach = || cache.reach_of(&crate::data::schema(&compiled));
        let cached = {
            let version = crate::service::hash_of(&compiled);
            let is_shared = cache.is_shared();
            Planned::of(&system.data.cache, reach, &router, evidence, &version, is_shared)
        };
        let users = crate::security::users(&system);
        let limits = crate::security::limits_of(&system, settings);
        let rate_limits = Limits::of(&compiled.system);
        let protection = crate::security::protection(&compiled.system, settings);
        Self {
            compiled,
            since,
            system: Arc::new(system),
            router,
            resources,
            openapi: std::sync::OnceLock::new(),
            users,
            cached,
            limits,
            rate_limits,
            protection,
        }
    }
}
