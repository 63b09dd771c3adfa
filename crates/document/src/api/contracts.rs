//! The document's contracts against each other: the error schema and the error sample, gateway
//! routes and endpoints, the key's declared type and the keys in samples.

use serde_json::Value;

use super::{
    codes, line, names,
    openapi::Specification,
    path,
    samples::{Sample, Shows},
};
use crate::{
    Diagnostic, Span,
    outline::{Mark, NodeKind, Outline},
    yaml::Yaml,
};

/// Members of the error sample that the error schema does not list.
pub(super) fn error_schema(
    specifications: &[Specification<'_>],
    samples: &[Sample],
    diagnostics: &mut Vec<Diagnostic>,
) {
    let Some(sample) = samples.iter().find(|s| s.shows == Shows::Error && s.is_general) else {
        return;
    };
    let schemas = specifications.iter().flat_map(Specification::schemas);
    for (name, span, schema) in schemas {
        let words = names::words(name);
        if !words.iter().any(|word| word == "error") || words.len() > 3 {
            continue;
        }
        let mut missing = Vec::new();
        unlisted(schema, &sample.body, &mut Vec::new(), &mut missing);
        if missing.is_empty() {
            continue;
        }
        let words: Vec<String> = missing.iter().map(|path| format!("`{path}`")).collect();
        diagnostics.push(
            Diagnostic::new(
                &codes::A025,
                sample.span,
                format!(
                    "the error sample has {}, which `{name}` does not list",
                    words.join(" and ")
                ),
            )
            .label("these two disagree")
            .also(span, format!("`{name}` is defined here"))
            .help(format!("add {} to `{name}`, or take it out of the sample", words.join(" and "))),
        );
    }
}

fn unlisted(schema: &Yaml, body: &Value, at: &mut Vec<String>, missing: &mut Vec<String>) {
    let Some(properties) = schema.get("properties") else { return };
    let is_open =
        schema.get("additionalProperties").is_some_and(|open| open.text() != Some("false"));
    for (name, value) in body.as_object().into_iter().flatten() {
        match properties.get(name) {
            Some(inner) => {
                at.push(name.clone());
                unlisted(inner, value, at, missing);
                at.pop();
            }
            None if !is_open => {
                let mut path = at.clone();
                path.push(name.clone());
                missing.push(path.join("."));
            }
            None => {}
        }
    }
}

/// Routes that are compared with the endpoints.
const ROUTES_MAX: usize = 200;

/// Gateway routes (`` `/api/v1/notes` → Note Service ``) under which no endpoint lies.
pub(super) fn routes(
    outline: &Outline,
    endpoints: &[(String, Span)],
    diagnostics: &mut Vec<Diagnostic>,
) {
    let Some((_, first_endpoint)) = endpoints.first() else { return };
    let mut idle: Vec<(String, Span)> = Vec::new();
    let mut speaks_of_routes = false;
    let mut routes_left = ROUTES_MAX;
    for node in &outline.nodes {
        let inline = match &node.kind {
            NodeKind::Heading { inline, .. } | NodeKind::Paragraph(inline) => {
                let words = inline.text.to_lowercase();
                speaks_of_routes = words.contains("rout") || words.contains("gateway");
                continue;
            }
            NodeKind::Item { inline, .. } if speaks_of_routes => inline,
            _ => continue,
        };
        let Some((code, span)) = inline.marked(Mark::Code).next() else { continue };
        let after = inline.text.split_once(code).map_or("", |(_, after)| after.trim_start());
        let is_route = code.starts_with('/')
            && inline.trimmed().starts_with(code)
            && ["→", "->", "=>"].iter().any(|arrow| after.starts_with(arrow))
            && line::mentions(&inline.text).is_empty();
        if !is_route {
            continue;
        }
        let Some(route) = path::read(code.trim_end_matches('*')) else { continue };
        if routes_left == 0 {
            break;
        }
        routes_left -= 1;
        let is_used = endpoints.iter().any(|(path, _)| path::starts_with(path, &route.text));
        if !is_used && !route.is_pattern {
            idle.push((route.text, span));
        }
    }
    let Some(((_, first), rest)) = idle.split_first() else { return };
    let words: Vec<String> = idle.iter().map(|(path, _)| format!("`{path}`")).collect();
    let verb = if idle.len() == 1 { "a route leads to" } else { "routes lead to" };
    let message = format!("{verb} {}, where the document has no endpoint", words.join(" and "));
    let mut diagnostic = Diagnostic::new(&codes::A026, *first, message).label("no endpoint below");
    for (_, span) in rest.iter().take(8) {
        diagnostic = diagnostic.also(*span, "no endpoint below");
    }
    diagnostics.push(
        diagnostic
            .also(*first_endpoint, "the endpoints begin here")
            .help("describe the endpoints behind the route, or remove it"),
    );
}

/// In a document whose tables are not filled in yet: the DDL says that keys are integers, and a
/// sample shows a string.
pub(super) fn key_type(
    outline: &Outline,
    samples: &[(Value, Span)],
    diagnostics: &mut Vec<Diagnostic>,
) {
    let shown = samples.iter().find(|(body, _)| {
        body.get("id")
            .and_then(Value::as_str)
            .is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let Some((_, sample)) = shown else { return };
    let mut declared = outline.nodes.iter().filter_map(|node| match &node.kind {
        NodeKind::Fence(fence) if fence.language == "sql" => fence.text.lines().find_map(|text| {
            let mut words = text.split_whitespace();
            let is_key = words.next()? == "id";
            let kind = words.next()?.trim_end_matches(',').to_uppercase();
            let is_integer = matches!(
                kind.as_str(),
                "INT" | "INTEGER" | "BIGINT" | "SERIAL" | "BIGSERIAL" | "SMALLINT"
            );
            let start = text.as_ptr() as usize - fence.text.as_ptr() as usize;
            let span = fence.span_of(start..start + text.trim_end().len());
            is_key.then_some((is_integer, span))
        }),
        _ => None,
    });
    let Some((true, span)) = declared.next() else { return };
    if declared.any(|(is_integer, _)| !is_integer) {
        return;
    }
    diagnostics.push(
        Diagnostic::new(
            &codes::A023,
            *sample,
            "the example gives `id` as a string, and the key is declared as an integer",
        )
        .label("a string")
        .also(span, "an integer")
        .help("write the key in the example without quotes"),
    );
}
