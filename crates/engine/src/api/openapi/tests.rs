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
        &crate::data::cache::Cache::default(),
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

/// The word of JSON Schema for what a column holds; none where anything may stand.
fn word(kind: &store::Kind) -> Option<&'static str> {
    use store::Kind as K;
    match kind {
        K::Json => None,
        K::Integer { .. } | K::Serial { .. } => Some("integer"),
        K::Numeric { .. } | K::Real { .. } => Some("number"),
        K::Boolean => Some("boolean"),
        K::Array { .. } => Some("array"),
        _ => Some("string"),
    }
}

/// Types that a schema allows, `null` among them.
fn types(schema: &Json) -> Vec<&str> {
    let branches = schema["anyOf"].as_array().into_iter().flatten();
    let own = schema.get("type").into_iter().flat_map(|one| match one {
        Json::Array(types) => types.iter().filter_map(Json::as_str).collect(),
        one => one.as_str().into_iter().collect::<Vec<_>>(),
    });
    own.chain(branches.flat_map(types)).collect()
}

fn check_tables(text: &str) {
    let compiled = document::compile(document::Sources::single("example.md", text));
    let data = compiled.system.data.clone();
    let described = described(text);
    let schemas = &described["components"]["schemas"];
    assert!(!data.tables.is_empty());
    for table in &data.tables {
        let row = &schemas[schema::name(&table.name, "")]["properties"];
        let shown = row.as_object().unwrap_or_else(|| panic!("no schema of {}", table.name));
        let spelled = |name: &str| match compiled.system.api.json_case {
            document::api::JsonCase::Snake => name.to_owned(),
            document::api::JsonCase::Camel => crate::data::camel(name),
        };
        let password = crate::security::password_column(&compiled.system);
        let is_users = crate::security::users(&compiled.system).table == table.name;
        let is_secret = |name: &str| is_users && password.as_deref() == Some(name);
        let columns = table.columns.iter();
        let visible: Vec<_> =
            columns.filter(|one| !one.write_only && !is_secret(&one.name)).collect();
        let expected: Vec<String> = visible.iter().map(|one| spelled(&one.name)).collect();
        assert_eq!(shown.keys().cloned().collect::<Vec<_>>(), expected, "{}", table.name);
        for column in visible {
            let kind = crate::data::kind_of(&column.kind, &data);
            let schema = &shown[&spelled(&column.name)];
            let place = format!("{}.{}: {schema}", table.name, column.name);
            let Some(word) = word(&kind) else { continue };
            assert!(types(schema).contains(&word), "{place}");
            let may_be_null = column.nullable && !table.primary_key.contains(&column.name);
            assert_eq!(types(schema).contains(&"null"), may_be_null, "{place}");
            if let store::Kind::Text { length_max: Some(most) } = kind {
                assert_eq!(schema["maxLength"], most, "{place}");
            }
        }
        for suffix in ["Create", "Update", "Replace"] {
            let written = &schemas[schema::name(&table.name, suffix)];
            let members = written["properties"].as_object().expect("properties");
            let known = |name: &String| expected.contains(name) || name == "password";
            assert!(members.keys().all(known), "{}{suffix}: {members:?}", table.name);
            let required = written["required"].as_array().into_iter().flatten();
            let names: Vec<_> = required.filter_map(Json::as_str).collect();
            assert!(names.iter().all(|name| members.contains_key(*name)), "{names:?}");
        }
    }
}

#[test]
fn components_have_the_columns_of_their_tables() {
    check_tables(DOCUMENT);
    for example in ["design", "feature", "project", "specification", "system"] {
        let path = format!("{}/../../examples/{example}.md", env!("CARGO_MANIFEST_DIR"));
        check_tables(&std::fs::read_to_string(path).expect("an example"));
    }
}

#[test]
fn lists_describe_what_they_take() {
    let document = DOCUMENT.replace(
        "created_at TIMESTAMPTZ NOT NULL DEFAULT now()\n);",
        "created_at TIMESTAMPTZ NOT NULL DEFAULT now()\n);\nCREATE TABLE parts (\n  id UUID PRIMARY \
         KEY,\n  item_id UUID NOT NULL REFERENCES items(id)\n);",
    );
    let described = described(&document);
    let list = &described["paths"]["/api/v1/items"]["get"]["parameters"];
    let find = |name: &str| {
        let mut all = list.as_array().into_iter().flatten();
        all.find(|one| one["name"] == name).map_or(&Json::Null, |one| &one["schema"])
    };
    assert_eq!(find("include")["items"]["enum"], json!(["parts", "parts.item"]));
    assert_eq!(find("fields")["items"]["enum"][1], "name");
    assert_eq!(find("sort")["items"]["enum"][1], "-id");
    assert_eq!(find("price[gte]")["type"], "integer");
    assert_eq!(find("created_at[lt]")["format"], "date-time");
    assert_eq!(find("colour[in]")["items"]["enum"], json!(["red", "blue"]));
    assert_eq!(find("name[contains]")["type"], "string");
    assert_eq!(find("count")["type"], "boolean");
    assert_eq!(find("offset")["minimum"], 0);
    assert_eq!(find("name")["maxLength"], 50);
}
