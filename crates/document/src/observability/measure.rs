//! What a label measures, and what a backend can measure at all.

use super::{Comparison, Measure};
use crate::quantity::{Amount, Unit};

/// Words of things that only a browser, a model or a person can measure.
const ELSEWHERE: &[&str] = &[
    "page",
    "first contentful",
    "fcp",
    "lcp",
    "largest contentful",
    "cls",
    "fid",
    "ttfb",
    "lighthouse",
    "interactive",
    "bundle",
    "render",
    "frontend",
    "mobile",
    "app launch",
    "app start",
    "cold start",
    "accuracy",
    "detection",
    "ai ",
    "llm",
    "model",
    "inference",
    "image",
    "screen",
    "ui ",
    "animation",
    "startup",
    "build",
    "deploy",
    "test",
    "scan",
    "upload",
    "download",
    "sync",
    "email",
    "notification",
    "delivery",
    "video",
    "pdf",
    "export",
    "report",
    "onboarding",
    "conversion",
    "retention",
    "satisfaction",
    "coverage",
    "adoption",
    "recovery",
    "backup",
    "memory",
    "cpu",
    "disk",
    "storage",
    "battery",
    "webhook",
];

/// What the words measure; none where they name nothing that has a measure.
pub(super) fn measure(words: &str, percentile: bool) -> Option<Measure> {
    let words = words.to_lowercase().replace(['_', '-'], " ");
    let has = |list: &[&str]| list.iter().any(|word| words.contains(word));
    if has(&["hit rate", "hit ratio", "cache hit"]) {
        return Some(Measure::CacheHitRate);
    }
    if has(&["error rate", "failure rate", "error ratio", "errors rate", "5xx"]) {
        return Some(Measure::ErrorRate);
    }
    if has(&["uptime", "availability", "available"]) {
        return Some(Measure::Availability);
    }
    if has(&["concurrent", "simultaneous"]) {
        return Some(Measure::ConcurrentUsers);
    }
    if has(&[
        "throughput",
        "requests per second",
        "requests/second",
        "rps",
        "tps",
        "req/s",
        "qps",
        "request rate",
    ]) {
        return Some(Measure::Throughput);
    }
    if has(ELSEWHERE) {
        return Some(Measure::Elsewhere);
    }
    if has(&["database", "db ", "query", "queries", "sql"]) {
        return Some(Measure::DatabaseQueryTime);
    }
    if has(&["response", "latency", "api", "endpoint", "request"]) || percentile {
        return Some(Measure::ResponseTime);
    }
    None
}

/// The unit that a measure has.
pub(super) fn fits(measure: Measure, amount: &Amount) -> bool {
    match measure {
        Measure::ResponseTime | Measure::DatabaseQueryTime => amount.unit == Unit::Time,
        Measure::ErrorRate | Measure::CacheHitRate | Measure::Availability => {
            amount.unit == Unit::Ratio && amount.value <= 1.0
        }
        Measure::Throughput | Measure::ConcurrentUsers => amount.unit == Unit::Plain,
        Measure::Elsewhere => true,
    }
}

/// How a promise of this measure is meant where no sign says so.
pub(super) fn usual(measure: Measure) -> Comparison {
    match measure {
        Measure::CacheHitRate
        | Measure::Availability
        | Measure::Throughput
        | Measure::ConcurrentUsers => Comparison::GreaterOrEqual,
        _ => Comparison::LessOrEqual,
    }
}

/// The sign of a comparison.
pub(super) fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Less => "<",
        Comparison::LessOrEqual => "≤",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => "≥",
        Comparison::Equal => "=",
    }
}

/// A bound for people, in the unit of its measure.
pub(super) fn bound(measure: Measure, unit: Unit, value: f64) -> String {
    match (measure, unit) {
        (_, Unit::Time) => crate::lexicon::time(value),
        (_, Unit::Ratio) => format!("{} %", (value * 1e6).round() / 1e4),
        (_, Unit::Size) => format!("{value} bytes"),
        _ => format!("{value}"),
    }
}
