//! Account endpoints: what they take and what they answer.

use document::{
    api::{BuiltIn, JsonCase},
    security::Identity,
};
use serde_json::{Map, Value as Json, json};

use super::{body, schema};
use crate::{Running, data::camel};

/// The request of an account endpoint, where it takes one.
pub(super) fn request(running: &Running, built_in: BuiltIn) -> Option<Json> {
    let length_min = running.system.security.password.length_min;
    let password = json!({"type": "string", "minLength": length_min, "maxLength": 72});
    let old = json!({"type": "string"});
    let (members, required): (Vec<(&str, Json)>, &[&str]) = match built_in {
        BuiltIn::Register => return Some(register(running, password)),
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

/// What signing up takes: the login, a password, and the user's other columns.
fn register(running: &Running, password: Json) -> Json {
    let name = users(running);
    let mut properties = Map::new();
    let mut required = vec![spelled(running, login(running)), "password".to_owned()];
    if let Some(resource) = running.resources.get(name) {
        let written = schema::Writing { running, resource }.create();
        if let Some(Json::Object(own)) = written.get("properties") {
            let open = resource.fields.iter().filter(|field| !field.write_only && !field.in_key);
            for field in open {
                if let Some(schema) = own.get(&*field.shown) {
                    properties.insert(field.shown.to_string(), schema.clone());
                }
            }
        }
        if let Some(Json::Array(names)) = written.get("required") {
            let names = names.iter().filter_map(Json::as_str);
            let open = names.filter(|name| properties.contains_key(*name));
            required.extend(open.map(str::to_owned));
        }
    }
    required.sort();
    required.dedup();
    properties.insert("password".to_owned(), password);
    json!({"type": "object", "properties": properties, "required": required})
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
