//! The report as JSON; its shape is a public contract.

use serde_json::{Value as Json, json};

use super::Report;

/// The whole text, ending in a line end.
pub(super) fn text(report: &Report) -> String {
    let tally = report.tally();
    let claims: Vec<Json> = report
        .proofs
        .iter()
        .map(|proof| {
            let findings: Vec<Json> = proof
                .findings
                .iter()
                .map(|finding| {
                    json!({
                        "expected": finding.expected,
                        "came": finding.came,
                        "curl": finding.curl,
                    })
                })
                .collect();
            json!({
                "file": proof.file,
                "line": proof.line,
                "chapter": proof.chapter,
                "kind": proof.kind,
                "subject": proof.subject,
                "sentence": proof.sentence,
                "meaning": proof.meaning,
                "enforced": proof.is_enforced,
                "verdict": proof.verdict.word(),
                "reason": proof.verdict.reason(),
                "trials": proof.trials,
                "findings": findings,
            })
        })
        .collect();
    let whole = json!({
        "version": 1,
        "title": report.title,
        "at": jiff::Timestamp::now().to_string(),
        "seconds": (report.took.as_secs_f64() * 10.0).round() / 10.0,
        "requests": report.requests,
        "counts": {
            "enforced": tally.enforced(),
            "proved": tally.proved,
            "refuted": tally.refuted,
            "not_tested": tally.not_tested,
            "not_testable": tally.not_testable,
            "not_enforced": tally.not_enforced,
        },
        "claims": claims,
    });
    format!("{whole:#}\n")
}
