//! OpenAPI 3.1 of what is really served: every route of the router, in the document's own envelope,
//! error shape and spelling.

mod account;
mod body;
mod operation;
mod parameter;
mod schema;

use bytes::Bytes;
use document::api::BuiltIn;
use serde_json::{Map, Value as Json, json};

use super::{Route, Target};
use crate::{
    Running,
    sabotage::{self, Sabotage},
};

/// The description as JSON, made once for each version.
pub(crate) fn bytes(running: &Running) -> Bytes {
    running.openapi.get_or_init(|| Bytes::from(describe(running).to_string())).clone()
}

/// What is served, as an OpenAPI description.
pub(crate) fn describe(running: &Running) -> Json {
    let api = &running.system.api;
    let mut paths: Map<String, Json> = Map::new();
    for route in running.router.routes().iter().filter(|route| is_described(route)) {
        let path = paths.entry(route.path.clone()).or_insert_with(|| json!({}));
        path[route.method.word().to_ascii_lowercase()] = operation::describe(running, route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": if api.title.is_empty() { "API" } else { &api.title },
            "version": api.version.as_deref().unwrap_or("1"),
        },
        "paths": paths,
        "components": {
            "schemas": schemas(running),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            },
        },
    })
}

/// Files of the documentation page are no part of the API, and neither is what answers 501.
fn is_described(route: &Route) -> bool {
    match &route.target {
        Target::BuiltIn(BuiltIn::Documentation) | Target::Unbound { .. } => false,
        _ if sabotage::is(Sabotage::OpenApiForgetsPaths) => route.endpoint.is_none(),
        _ => !route.path.contains("{*"),
    }
}

/// Schemas that operations refer to: one for each table as it is shown and as it is written.
fn schemas(running: &Running) -> Map<String, Json> {
    let mut schemas = Map::new();
    for name in &running.resources.order {
        let Some(resource) = running.resources.get(name) else { continue };
        let writing = schema::Writing { running, resource };
        schemas.insert(schema::name(name, ""), schema::row(resource));
        if !resource.is_view {
            schemas.insert(schema::name(name, "Create"), writing.create());
            schemas.insert(schema::name(name, "Update"), writing.update());
            schemas.insert(schema::name(name, "Replace"), writing.replace());
        }
    }
    schemas.insert("Problem".to_owned(), body::problem(running));
    schemas
}

#[cfg(test)]
mod tests;
