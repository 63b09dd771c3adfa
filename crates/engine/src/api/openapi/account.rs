//! Account endpoints: what they take and what they answer.

use document::{
    api::{BuiltIn, Endpoint, JsonCase},
    security::Identity,
};
use serde_json::{Map, Value as Json, json};

use super::{body, schema};
use crate::{Running, data::camel};

/// The request of an account endpoint, where it takes one.
pub(super) fn request(
    running: &Running,
    built_in: BuiltIn,
    endpoint: Option<&Endpoint>,
) -> Option<Json> {
    let password = new_password(running);
    let old = json!({"type": "string"});
    let (members, required): (Vec<(&str, Json)>, &[&str]) = match built_in {
        BuiltIn::Register => return Some(register(running, endpoint, password)),
        BuiltIn::Login => (vec![(login(running), text()), ("password", old)], &[]),
        BuiltIn::Refresh => (vec![("refresh_token", text())], &["refresh_token"]),
        BuiltIn::Logout => (vec![("refresh_token", text())], &[]),
        BuiltIn::ChangePassword => (
            vec![("current_password", old), ("new_password", password)],
            &["current_password", "new_password"],
        ),
        BuiltIn::UpdateMe => {
            return Some(schema::reference(&schema::name(users(running), "Update")));
        }
        _ => return None,
    };
    let required: Vec<String> = match built_in {
        BuiltIn::Login => members.iter().map(|(name, _)| spelled(running, name)).collect(),
        _ => required.iter().map(|name| spelled(running, name)).collect(),
    };
    Some(object(running, members, required))
}

/// The status and body of a success.
pub(super) fn response(running: &Running, built_in: BuiltIn) -> (&'static str, Option<Json>) {
    let user = || schema::reference(&schema::name(users(running), ""));
    match built_in {
        BuiltIn::Register => ("201", None),
        BuiltIn::Login | BuiltIn::Refresh => ("200", Some(json!({"type": "object"}))),
        BuiltIn::Me | BuiltIn::UpdateMe => ("200", Some(body::item(running, user()))),
        BuiltIn::Health | BuiltIn::Ready => {
            let status = json!({"type": "string"});
            let body = json!({
                "type": "object", "properties": {"status": status}, "required": ["status"],
            });
            ("200", Some(body))
        }
        BuiltIn::OpenApi | BuiltIn::Jwks => ("200", Some(json!({"type": "object"}))),
        BuiltIn::Metrics => ("200", None),
        _ => ("204", None),
    }
}

/// A password that somebody chooses.
pub(super) fn new_password(running: &Running) -> Json {
    let (least, most) = crate::security::password_length(&running.system);
    json!({
        "type": "string", "minLength": least, "maxLength": most, "pattern": schema::TEXT_PATTERN,
    })
}

/// What signing up takes: the login, a password, and those of the user's other columns that are
/// theirs to fill.
fn register(running: &Running, endpoint: Option<&Endpoint>, password: Json) -> Json {
    let mut properties = Map::new();
    let mut required = Vec::new();
    if let Some(resource) = running.resources.get(users(running)) {
        let written = schema::Writing { running, resource }.create();
        for (column, is_required) in crate::security::signup_columns(&running.system, endpoint) {
            let shown = spelled(running, &column);
            if let Some(schema) = written["properties"].get(&shown) {
                properties.insert(shown.clone(), schema.clone());
                required.extend(is_required.then_some(shown));
            }
        }
    }
    let login = spelled(running, login(running));
    properties.entry(login.clone()).or_insert_with(text);
    properties.insert("password".to_owned(), password);
    required.extend([login, "password".to_owned()]);
    required.sort();
    required.dedup();
    json!({
        "type": "object", "properties": properties, "required": required,
        "additionalProperties": false,
    })
}

fn object(running: &Running, members: Vec<(&str, Json)>, required: Vec<String>) -> Json {
    let properties: Map<String, Json> =
        members.into_iter().map(|(name, schema)| (spelled(running, name), schema)).collect();
    let mut object = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        object["required"] = required.into();
    }
    object
}

fn text() -> Json {
    json!({"type": "string"})
}

/// The column that names an account.
pub(super) fn login(running: &Running) -> &str {
    match &running.system.security.identity {
        Identity::BuiltIn => "email",
        Identity::Table { login, .. } => login,
    }
}

fn users(running: &Running) -> &str {
    match &running.system.security.identity {
        Identity::BuiltIn => "users",
        Identity::Table { table, .. } => table,
    }
}

fn spelled(running: &Running, name: &str) -> String {
    match running.system.api.json_case {
        JsonCase::Snake => name.to_owned(),
        JsonCase::Camel => camel(name),
    }
}
