//! OpenAPI 3.1 of what is really served.

use bytes::Bytes;

use crate::Running;

/// The description as JSON, made once for each version.
pub(crate) fn bytes(running: &Running) -> Bytes {
    running.openapi.get_or_init(|| Bytes::from(describe(running).to_string())).clone()
}

/// What is served, as an OpenAPI description.
pub(crate) fn describe(running: &Running) -> serde_json::Value {
    let api = &running.compiled.system.api;
    serde_json::json!({
        "openapi": "3.1.0",
        "info": {
            "title": if api.title.is_empty() { "API" } else { &api.title },
            "version": api.version.as_deref().unwrap_or("1"),
        },
        "paths": {},
    })
}
