//! Parameters of query strings: what a list, a row and a query of the document take, each with the
//! values that it takes.
//!
//! Two are told in words alone, since no schema can say which texts are right: `filter` has a
//! grammar, and a `cursor` is one that a page gave.

use serde_json::{Value as Json, json};
use store::Kind;

use super::schema;
use crate::{
    Running,
    api::{Route, query::from_request},
    data::{Field, INCLUDES_MAX, Resource, SORT_KEYS_MAX},
};

/// Paths of included tables that are listed at most; beyond, only those next to the row.
const INCLUDE_PATHS_MAX: usize = 30;
/// Parameters that are read before columns of the same name.
const NOT_COLUMNS: [&str; 2] = ["cursor", "filter"];

/// Parameters of a query of the document.
pub(super) fn of_query(running: &Running, route: &Route, named: &[String]) -> Vec<Json> {
    let names = from_request(route, named).into_iter();
    names
        .map(|name| match name {
            "limit" => query(name, limit_schema(running)),
            "page" => query(name, page_schema()),
            "offset" => query(name, offset_schema()),
            name => {
                let schema = json!({"type": "string", "pattern": schema::TEXT_PATTERN});
                let mut parameter = query(name, schema);
                parameter["required"] = true.into();
                parameter
            }
        })
        .collect()
}

fn page_schema() -> Json {
    json!({"type": "integer", "minimum": 1, "maximum": 1_000_000_000})
}

fn offset_schema() -> Json {
    json!({"type": "integer", "minimum": 0, "maximum": 1_000_000_000})
}

fn limit_schema(running: &Running) -> Json {
    let paging = &running.system.api.pagination;
    json!({
        "type": "integer", "minimum": 1, "default": paging.limit_default,
        "description": format!("at most {} are given, whatever is asked", paging.limit_max),
    })
}

fn query(name: &str, schema: Json) -> Json {
    json!({"name": name, "in": "query", "schema": schema})
}

/// What is shown of each row.
pub(super) fn of_row(running: &Running, resource: &Resource) -> Vec<Json> {
    let shown: Vec<String> = resource.shown_names().iter().map(|&name| name.to_owned()).collect();
    let mut parameters = Vec::new();
    if !shown.is_empty() {
        parameters.push(names("fields", shown, None));
    }
    let related = included(running, resource);
    if !related.is_empty() {
        parameters.push(names("include", related, Some(INCLUDES_MAX)));
    }
    parameters
}

/// Tables that may be shown inside a row, and those inside them: `author`, `author.team`.
fn included(running: &Running, resource: &Resource) -> Vec<String> {
    let next = |resource: &Resource| -> Vec<(String, String)> {
        let is_shown = |at: usize| resource.field(at).is_some_and(|field| !field.write_only);
        let forward = resource.references.iter().filter(|one| is_shown(one.field));
        let forward = forward.map(|one| (one.name.to_string(), one.table.to_string()));
        let of = |table: &str| running.resources.get(table);
        let seen =
            |table: &str, column: &str| of(table).is_some_and(|t| t.visible(column).is_some());
        let back = resource.referrers.iter().filter(|one| seen(&one.table, &one.column));
        let back = back.map(|one| (one.name.to_string(), one.table.to_string()));
        let mut next: Vec<_> = forward.chain(back).collect();
        next.retain(|(_, table)| of(table).is_some());
        next.dedup_by(|one, other| one.0 == other.0);
        next
    };
    let own = next(resource);
    let mut paths: Vec<String> = own.iter().map(|(name, _)| name.clone()).collect();
    for (name, table) in &own {
        let inner = running.resources.get(table).map(|inner| next(inner)).unwrap_or_default();
        paths.extend(inner.iter().map(|(inner, _)| format!("{name}.{inner}")));
    }
    if paths.len() > INCLUDE_PATHS_MAX {
        paths.truncate(own.len());
    }
    paths
}

/// What a list takes.
pub(super) fn of_list(running: &Running, resource: &Resource) -> Vec<Json> {
    let paging = &running.system.api.pagination;
    let mut parameters = vec![
        query(&paging.page_parameter, page_schema()),
        query(&paging.limit_parameter, limit_schema(running)),
    ];
    if ![&paging.page_parameter, &paging.limit_parameter].iter().any(|name| *name == "offset") {
        parameters.push(query("offset", offset_schema()));
    }
    let total = "adds how many there are in all";
    parameters.push(query("count", json!({"type": "boolean", "description": total})));
    parameters.extend(of_row(running, resource));
    let visible = || resource.fields.iter().filter(|field| !field.write_only);
    let sorted = visible().filter(|field| has_order(field));
    let sorted: Vec<String> =
        sorted.flat_map(|field| [field.shown.to_string(), format!("-{}", field.shown)]).collect();
    if !sorted.is_empty() {
        parameters.push(names("sort", sorted, Some(SORT_KEYS_MAX)));
    }
    if visible().any(Field::is_text) {
        let words = json!({
            "type": "string", "maxLength": 200, "pattern": schema::TEXT_PATTERN,
        });
        parameters.push(query("search", words));
    }
    let is_taken = |name: &str| {
        NOT_COLUMNS.contains(&name) || parameters.iter().any(|one| one["name"] == *name)
    };
    let filters: Vec<Json> =
        visible().flat_map(|field| filters(field, is_taken(&field.shown))).collect();
    parameters.extend(filters);
    parameters
}

fn has_order(field: &Field) -> bool {
    !matches!(field.kind, Kind::Json | Kind::Array { .. } | Kind::Bytes)
}

/// Filters by one field: equality, and the operator that its kind is usually filtered by.
fn filters(field: &Field, is_taken: bool) -> Vec<Json> {
    let mut values = schema::of_kind(&field.kind);
    if field.is_text() {
        values["pattern"] = schema::TEXT_PATTERN.into();
    }
    let by = |operator: &str, values: Json| query(&format!("{}[{operator}]", field.shown), values);
    let mut filters = Vec::new();
    match &field.kind {
        Kind::Integer { .. }
        | Kind::Serial { .. }
        | Kind::Numeric { .. }
        | Kind::Real { .. }
        | Kind::Timestamp { .. }
        | Kind::Date => filters.extend([by("gte", values.clone()), by("lt", values.clone())]),
        Kind::Enum { values, .. } => {
            filters.push(names(&format!("{}[in]", field.shown), values.to_vec(), None));
        }
        _ if field.is_text() => {
            filters
                .push(by("contains", json!({"type": "string", "pattern": schema::TEXT_PATTERN})));
        }
        _ => {}
    }
    if has_order(field) && !is_taken {
        filters.insert(0, query(&field.shown, values));
    }
    filters
}

/// Several names in one parameter, joined by commas.
fn names(name: &str, known: Vec<String>, most: Option<usize>) -> Json {
    let mut schema = json!({
        "type": "array", "items": {"type": "string", "enum": known}, "minItems": 1,
    });
    if let Some(most) = most {
        schema["maxItems"] = most.into();
    }
    json!({"name": name, "in": "query", "style": "form", "explode": false, "schema": schema})
}
