//! The document's sample bodies: those under endpoints, and general ones under headings such as
//! "Response Format" and "Error Response".

use std::collections::HashSet;

use serde_json::Value;

use super::{
    Binding, Operation,
    bind::Bound,
    labels::{Part, label},
    merge::Merged,
};
use crate::{
    Span, json,
    outline::{NodeId, NodeKind, Outline, heading_words},
};

/// What a sample shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shows {
    /// One row.
    Row,
    /// A list of rows.
    List,
    /// An error.
    Error,
    /// A body of which only the outside is told: "Success Response".
    Success,
}

/// A sample body.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) body: Value,
    pub(super) shows: Shows,
    /// True where it stands for all endpoints.
    pub(super) is_general: bool,
    pub(super) span: Span,
}

/// Samples beyond this change nothing any more.
const SAMPLES_MAX: usize = 500;

/// All samples, general ones first.
pub(super) fn samples(outline: &Outline, bound: &[(Merged, Bound)]) -> Vec<Sample> {
    let mut found = general(outline);
    found.truncate(SAMPLES_MAX);
    let mut known: HashSet<Span> = found.iter().map(|sample| sample.span).collect();
    for (one, bound) in bound {
        for example in &one.draft.responses {
            let is_error = example.status.is_some_and(|status| status >= 400);
            let shows = match &bound.binding {
                _ if is_error => Shows::Error,
                Binding::Table { operation: Operation::List, .. } => Shows::List,
                Binding::Table {
                    operation:
                        Operation::Get | Operation::Create | Operation::Update | Operation::Replace,
                    ..
                } => Shows::Row,
                _ => continue,
            };
            if found.len() < SAMPLES_MAX && known.insert(example.span) {
                let body = example.body.clone();
                found.push(Sample { body, shows, is_general: false, span: example.span });
            }
        }
    }
    found
}

/// Bodies under "Response Format", "Error Response Format", "Pagination", and the like.
fn general(outline: &Outline) -> Vec<Sample> {
    let mut found = Vec::new();
    let mut last_label: Option<(NodeId, String)> = None;
    for (id, node) in outline.nodes.iter().enumerate() {
        match &node.kind {
            NodeKind::Paragraph(inline) | NodeKind::Item { inline, .. } => {
                let is_label = inline.text.trim_end().ends_with([':', '：'])
                    || inline.text.split_whitespace().count() <= 6;
                last_label = is_label.then(|| (id, heading_words(&inline.text)));
            }
            NodeKind::Heading { .. } => last_label = None,
            NodeKind::Fence(fence) => {
                let may_hold = matches!(
                    fence.language.as_str(),
                    "json" | "jsonc" | "json5" | "" | "javascript" | "js" | "typescript" | "ts"
                );
                let label = last_label.take().filter(|&(at, _)| at + 1 == id).map(|(_, text)| text);
                if !may_hold {
                    continue;
                }
                let context = outline.context(id);
                let heading = context.first().map_or("", String::as_str);
                let shows = label
                    .as_deref()
                    .and_then(shown)
                    .filter(|shows| {
                        *shows == Shows::Error
                            || label.as_deref().is_some_and(is_general)
                            || is_general(heading)
                    })
                    .or_else(|| is_general(heading).then(|| shown(heading)).flatten());
                let Some(shows) = shows else { continue };
                let Ok(bodies) = json::read_all(&fence.text) else { continue };
                for body in bodies {
                    if body.value.is_object() || body.value.is_array() {
                        let is_error = is_error_body(&body.value);
                        let shows = if is_error { Shows::Error } else { shows };
                        found.push(Sample {
                            body: body.value,
                            shows,
                            is_general: true,
                            span: fence.span_of(body.range),
                        });
                    }
                }
            }
            _ => {}
        }
    }
    found.retain(|sample| sample.shows != Shows::Error || is_error_body(&sample.body));
    found
}

/// What a heading or label says its sample shows.
fn shown(words: &str) -> Option<Shows> {
    if words.contains("error") || words.contains("failure") || words.contains("错误") {
        return Some(Shows::Error);
    }
    if words.contains("paginat") || words.contains("list response") || words.contains("collection")
    {
        return Some(Shows::List);
    }
    let is_response = ["response", "envelope", "success", "响应", "respuesta", "resposta"]
        .iter()
        .any(|word| words.contains(word));
    (is_response || matches!(label(words), Some((Part::Response(_), _)))).then_some(Shows::Success)
}

/// Headings whose samples hold for all endpoints.
fn is_general(words: &str) -> bool {
    [
        "response format",
        "error response",
        "error format",
        "response structure",
        "envelope",
        "standard response",
        "error handling",
        "error structure",
        "error schema",
        "error object",
        "pagination",
        "response schema",
        "success response",
        "common response",
        "response wrapper",
        "response convention",
        "api convention",
        "error code",
        "统一响应",
        "响应格式",
        "错误响应",
        "formato de respuesta",
        "response body format",
        "responses",
        "errors",
        "error model",
    ]
    .iter()
    .any(|general| words.contains(general))
}

/// True for a body that has the marks of an error.
pub(super) fn is_error_body(body: &Value) -> bool {
    let Some(object) = body.as_object() else { return false };
    let says_failure = object.get("success").and_then(Value::as_bool) == Some(false)
        || object.get("ok").and_then(Value::as_bool) == Some(false)
        || object.get("status").and_then(Value::as_str).is_some_and(|status| {
            matches!(status.to_lowercase().as_str(), "error" | "fail" | "failure" | "failed")
        });
    let names_error = object.get("error").is_some_and(|error| !error.is_null())
        || object.get("errors").is_some_and(|errors| !errors.is_null());
    let is_problem = ["code", "statusCode", "status_code", "error_code", "errorCode"]
        .iter()
        .any(|key| object.contains_key(*key))
        && object.contains_key("message")
        && !object.contains_key("data");
    says_failure
        || (names_error && !object.contains_key("data"))
        || is_problem
        || (object.len() <= 3 && object.contains_key("detail"))
        || (object.contains_key("title") && object.contains_key("detail"))
}
