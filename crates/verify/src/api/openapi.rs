//! Trials of OpenAPI: it describes every endpoint of the document, and the rows that are served
//! have the members that it describes.

use document::{
    api::{Binding, Endpoint, Operation},
    data::Table,
};
use serde_json::Value as Json;

use crate::{About, Request, Stage, shape};

/// References inside one another at most.
const REFERENCES_MAX: usize = 10;

/// Compares what OpenAPI says with what the document says and what is served.
pub(super) async fn probe(stage: &Stage<'_>) {
    let (method, path) = stage.paths().of_built_in(document::api::BuiltIn::OpenApi);
    let answer = stage.as_admin(Request::new(method, path)).await;
    if answer.status != 200 || !answer.json["paths"].is_object() {
        return;
    }
    for endpoint in &stage.system().api.endpoints {
        if matches!(endpoint.binding, Binding::Unbound { .. }) {
            continue;
        }
        let described = operation(&answer.json, endpoint);
        let about = About::endpoint(endpoint);
        stage.book.judge(&about, "OpenAPI describes it", &answer, described.is_some());
        let Binding::Table { table, operation: Operation::Get, .. } = &endpoint.binding else {
            continue;
        };
        let table = stage.system().data.table(table);
        if let (Some(described), Some(table)) = (described, table) {
            let members = members(stage, &answer.json, described);
            let fits = members.is_none_or(|members| agrees(stage, table, &members));
            stage.book.judge(&about, "OpenAPI describes the row's members", &answer, fits);
        }
    }
}

/// The operation of an endpoint; parameters may have other names.
fn operation<'j>(openapi: &'j Json, endpoint: &Endpoint) -> Option<&'j Json> {
    let wanted: Vec<&str> = endpoint.path.trim_end_matches('/').split('/').collect();
    let paths = openapi["paths"].as_object()?;
    let alike = paths.iter().filter(|(path, _)| {
        let path: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        path.len() == wanted.len()
            && path.iter().zip(&wanted).all(|(left, right)| {
                left == right || (left.starts_with('{') && right.starts_with('{'))
            })
    });
    let method = endpoint.method.word().to_lowercase();
    // Two paths may differ in the name of a parameter alone.
    alike.into_iter().find_map(|(_, described)| described.get(&method))
}

/// The members of the row that an operation answers, as its schema has them.
fn members(stage: &Stage<'_>, openapi: &Json, operation: &Json) -> Option<Vec<String>> {
    let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
    let mut schema = resolved(openapi, schema)?;
    if let Some(member) = &stage.system().api.envelope.item {
        schema = resolved(openapi, schema.get("properties")?.get(member)?)?;
    }
    let properties = schema.get("properties")?.as_object()?;
    Some(properties.keys().cloned().collect())
}

fn resolved<'j>(openapi: &'j Json, schema: &'j Json) -> Option<&'j Json> {
    let mut schema = schema;
    for _ in 0..REFERENCES_MAX {
        match schema.get("$ref").and_then(Json::as_str) {
            Some(reference) => schema = openapi.pointer(reference.strip_prefix('#')?)?,
            None => return Some(schema),
        }
    }
    None
}

/// True where the members are those of the table's columns that are shown.
fn agrees(stage: &Stage<'_>, table: &Table, members: &[String]) -> bool {
    let columns = table.columns.iter().filter(|column| !column.write_only);
    let mut shown = columns.map(|column| shape::shown(stage.system(), &column.name));
    shown.all(|name| members.contains(&name))
}
