//! The description of small documents.

use std::sync::Arc;

use super::*;
use crate::{Settings, World as _, observability::Evidence};

const DOCUMENT: &str = "# Shop\n\n```sql\n\
    CREATE TYPE colour AS ENUM ('red', 'blue');\n\
    CREATE TABLE items (\n  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),\n  \
    name VARCHAR(50) NOT NULL CHECK (length(name) > 2),\n  price INTEGER CHECK (price >= 0),\n  \
    colour colour,\n  created_at TIMESTAMPTZ NOT NULL DEFAULT now()\n);\n```\n\n\
    | Method | Path | Auth |\n| --- | --- | --- |\n\
    | GET | /api/v1/items | Public |\n| POST | /api/v1/items | Authenticated |\n";

fn described(document: &str) -> Json {
    let compiled = document::compile(document::Sources::single("shop.md", document));
    let evidence = Evidence::new(crate::SystemWorld.now());
    describe(&Running::prepare(
        Arc::new(compiled),
        &Settings::new("data"),
        &evidence,
        jiff::Timestamp::now(),
    ))
}

#[test]
fn tables_are_described_as_shown_and_as_written() {
    let schemas = &described(DOCUMENT)["components"]["schemas"];
    let shown = &schemas["Items"]["properties"];
    assert_eq!(shown["id"], json!({"type": "string", "format": "uuid"}));
    assert_eq!(shown["colour"]["enum"], json!(["red", "blue", null]));
    assert_eq!(shown["price"]["type"], json!(["integer", "null"]));
    let create = &schemas["ItemsCreate"];
    assert_eq!(create["required"], json!(["name"]));
    assert_eq!(create["properties"]["name"]["minLength"], 3);
    assert_eq!(create["properties"]["name"]["maxLength"], 50);
    assert_eq!(create["properties"]["price"]["minimum"], 0);
    assert_eq!(create["additionalProperties"], false);
}

#[test]
fn only_what_anybody_may_do_needs_no_token() {
    let described = described(DOCUMENT);
    let items = &described["paths"]["/api/v1/items"];
    assert_eq!(items["get"]["security"], json!([{}, {"bearer": []}]));
    assert_eq!(items["post"]["security"], json!([{"bearer": []}]));
    assert_eq!(described["paths"]["/api/v1/auth/login"]["post"]["security"], json!([]));
}

#[test]
fn every_reference_points_somewhere() {
    fn references(json: &Json, found: &mut Vec<String>) {
        match json {
            Json::Object(members) => {
                if let Some(Json::String(target)) = members.get("$ref") {
                    found.push(target.clone());
                }
                members.values().for_each(|member| references(member, found));
            }
            Json::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let described = described(DOCUMENT);
    let mut found = Vec::new();
    references(&described, &mut found);
    assert!(found.len() > 10);
    for target in found {
        let pointer = target.trim_start_matches('#');
        assert!(described.pointer(pointer).is_some(), "{target}");
    }
}

#[test]
fn operations_have_ids_of_their_own() {
    let described = described(DOCUMENT);
    let paths = described["paths"].as_object().expect("paths");
    let operations = paths.values().filter_map(Json::as_object).flat_map(|path| path.values());
    let mut ids: Vec<_> = operations.map(|one| one["operationId"].to_string()).collect();
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
}
