//! Diagnostics as SARIF 2.1.0, for code scanning. All rules are declared even when nothing breaks
//! them, so that alerts close once they are mended.

use serde_json::{Value, json};

use super::{file_name, heading_path};
use crate::{Compiled, Diagnostic, Level, Span, diagnostic::codes};

/// The whole log with one run; what a comment suppresses stays in it with its reason.
pub fn sarif(compiled: &Compiled, diagnostics: &[Diagnostic]) -> String {
    let rules: Vec<Value> = codes()
        .into_iter()
        .map(|code| {
            json!({
                "id": code.code,
                "name": code.name,
                "shortDescription": { "text": code.summary },
                "fullDescription": { "text": code.summary },
                "help": { "text": code.page, "markdown": code.page },
                "defaultConfiguration": { "level": level(code.level) },
                "properties": {
                    "tags": [code.chapter.map_or("text", |chapter| chapter.word())],
                },
            })
        })
        .collect();
    let mut results: Vec<Value> =
        diagnostics.iter().map(|diagnostic| result(compiled, diagnostic, None)).collect();
    results.extend(
        compiled
            .suppressed
            .iter()
            .map(|one| result(compiled, &one.diagnostic, Some(one.reason.as_str()))),
    );
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "vitruvius",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_string_pretty(&log).unwrap_or_default()
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "note",
    }
}

fn result(compiled: &Compiled, diagnostic: &Diagnostic, reason: Option<&str>) -> Value {
    let related: Vec<Value> = diagnostic
        .labels
        .iter()
        .map(|label| {
            let mut place = location(compiled, label.span);
            place["message"] = json!({ "text": label.text });
            place
        })
        .collect();
    let mut value = json!({
        "ruleId": diagnostic.code.code,
        "level": level(diagnostic.level),
        "message": { "text": message(diagnostic) },
        "locations": [location(compiled, diagnostic.span)],
        "partialFingerprints": { "vitruvius/v1": fingerprint(compiled, diagnostic) },
    });
    if !related.is_empty() {
        value["relatedLocations"] = Value::Array(related);
    }
    if let Some(reason) = reason {
        value["suppressions"] = json!([{ "kind": "inSource", "justification": reason }]);
    }
    value
}

fn message(diagnostic: &Diagnostic) -> String {
    let mut text = diagnostic.message.clone();
    for remedy in &diagnostic.remedies {
        text.push_str("\nhelp: ");
        text.push_str(&remedy.text);
    }
    text
}

fn location(compiled: &Compiled, span: Span) -> Value {
    let start = compiled.sources.place(span);
    let end = compiled.sources.place(Span { start: span.end, ..span });
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": file_name(compiled, span).replace('\\', "/") },
        "region": {
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column.max(if end.line == start.line { start.column } else { 1 }),
        },
    }})
}

/// Stays the same when lines move: the heading path, the rule and the things it is about.
fn fingerprint(compiled: &Compiled, diagnostic: &Diagnostic) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let subject = compiled.sources.text(diagnostic.span);
    let headings = heading_path(compiled, diagnostic.span).join("/");
    let parts = [&headings, diagnostic.code.code, subject, &diagnostic.message];
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}
