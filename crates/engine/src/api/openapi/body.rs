//! Bodies as the document shows them: rows and lists in its envelope, problems in its error shape.

use document::api::{JsonCase, PageMember};
use serde_json::{Map, Value as Json, json};

use crate::Running;

/// One row in the document's envelope.
pub(super) fn item(running: &Running, row: Json) -> Json {
    let envelope = &running.system.api.envelope;
    let Some(member) = &envelope.item else { return row };
    let mut properties = constants(&envelope.constants, member);
    properties.insert(member.clone(), row);
    if let Some(name) = &envelope.meta {
        properties.insert(name.clone(), json!({"type": "object"}));
    }
    object(properties)
}

/// A page of rows in the document's envelope.
pub(super) fn list(running: &Running, row: Json) -> Json {
    let api = &running.system.api;
    let rows = json!({"type": "array", "items": row});
    if api.envelope.bare_list {
        return rows;
    }
    let member = api.envelope.list.as_deref().unwrap_or("data");
    let mut properties = constants(&api.envelope.constants, member);
    properties.insert(member.to_owned(), rows);
    match &api.envelope.page {
        Some(name) => {
            let paging = json!({"type": "object", "properties": paging(running)});
            properties.insert(name.clone(), paging);
        }
        None => properties.extend(paging(running)),
    }
    json!({"type": "object", "properties": properties, "required": [member]})
}

fn paging(running: &Running) -> Map<String, Json> {
    let api = &running.system.api;
    let spelled = |snake: &str, camel: &str| match api.json_case {
        JsonCase::Snake => snake.to_owned(),
        JsonCase::Camel => camel.to_owned(),
    };
    let standard = vec![
        ("page".to_owned(), PageMember::Page),
        ("limit".to_owned(), PageMember::Limit),
        (spelled("has_next", "hasNext"), PageMember::HasNext),
        (spelled("next_cursor", "nextCursor"), PageMember::NextCursor),
    ];
    let shown = &api.pagination.members;
    let members = if shown.is_empty() { &standard } else { shown };
    let schema = |member: &PageMember| match member {
        PageMember::HasNext | PageMember::HasPrevious => json!({"type": "boolean"}),
        PageMember::NextCursor => json!({"type": ["string", "null"]}),
        _ => json!({"type": "integer", "minimum": 0}),
    };
    let mut paging: Map<String, Json> =
        members.iter().map(|(name, member)| (name.clone(), schema(member))).collect();
    let total = json!({"type": "integer", "minimum": 0, "description": "with `count=true`"});
    paging.entry("total").or_insert(total);
    paging
}

fn constants(constants: &[(String, Json)], member: &str) -> Map<String, Json> {
    let others = constants.iter().filter(|(name, _)| name != member);
    others.map(|(name, value)| (name.clone(), json!({"const": value}))).collect()
}

fn object(properties: Map<String, Json>) -> Json {
    let required: Vec<&String> = properties.keys().collect();
    let mut object = json!({"type": "object", "required": required});
    object["properties"] = properties.into();
    object
}

/// A problem in the document's error shape.
pub(super) fn problem(running: &Running) -> Json {
    let shape = &running.system.api.error_shape;
    let text = || json!({"type": "string"});
    let details = match shape.details_are_object {
        true => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        false => json!({
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        }),
    };
    let moment = json!({"type": "string", "format": "date-time"});
    let message = vec!["message".to_owned()];
    let message = if shape.message.is_empty() { &message } else { &shape.message };
    let parts: [(Option<&Vec<String>>, Json, bool); 6] = [
        (shape.code.as_ref(), text(), true),
        (Some(message), text(), true),
        (shape.details.as_ref(), details, false),
        (shape.request_id.as_ref(), text(), true),
        (shape.timestamp.as_ref(), moment, true),
        (shape.status.as_ref(), json!({"type": "integer"}), true),
    ];
    let mut problem = json!({"type": "object", "properties": constants(&shape.constants, "")});
    for (path, schema, always) in parts {
        if let Some(path) = path {
            place(&mut problem, path, schema, always);
        }
    }
    problem
}

/// Puts a schema at a path of nested objects.
fn place(object: &mut Json, path: &[String], schema: Json, always: bool) {
    let Some((first, rest)) = path.split_first() else { return };
    if always {
        let required = &mut object["required"];
        match required {
            Json::Array(names) if names.iter().any(|name| name == first) => {}
            Json::Array(names) => names.push(first.clone().into()),
            _ => *required = json!([first]),
        }
    }
    let member = &mut object["properties"][first.as_str()];
    if rest.is_empty() {
        *member = schema;
        return;
    }
    if !member.is_object() {
        *member = json!({"type": "object"});
    }
    place(member, rest, schema, always);
}
