//! The typed form of the observability chapter.

use schemars::JsonSchema;
use serde::Serialize;

use crate::Span;

/// All that the document says about watching the system.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Observability {
    /// Targets: measurable promises.
    pub targets: Vec<Target>,
    /// Alert rules.
    pub alerts: Vec<Alert>,
}

/// What a target or alert measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is what its name says")]
pub enum Measure {
    ResponseTime,
    DatabaseQueryTime,
    ErrorRate,
    CacheHitRate,
    Availability,
    Throughput,
    ConcurrentUsers,
    /// Understood as a promise, but nothing a backend can measure (page load, first paint).
    Elsewhere,
}

/// How two numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is what its name says")]
pub enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
}

/// A measurable promise: `API response time: < 200ms (p95)`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Target {
    /// As written.
    pub label: String,
    /// What is measured.
    pub measure: Measure,
    /// How it is compared.
    pub comparison: Comparison,
    /// The bound in base units: seconds, ratio from 0 to 1, or a count.
    pub bound: f64,
    /// `p95` is 0.95; none where the document names no percentile.
    pub percentile: Option<f64>,
    /// Where it is written.
    pub span: Span,
}

/// An alert rule.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Alert {
    /// Its name.
    pub name: String,
    /// The condition as written.
    pub condition: String,
    /// What is measured, where understood.
    pub measure: Option<Measure>,
    /// How it is compared.
    pub comparison: Option<Comparison>,
    /// The bound in base units.
    pub bound: Option<f64>,
    /// `p95_latency` is 0.95.
    pub percentile: Option<f64>,
    /// For how long the condition must hold.
    pub duration_seconds: Option<u64>,
    /// Severity as written.
    pub severity: Option<String>,
    /// Channels to notify.
    pub channels: Vec<String>,
    /// Where it is written.
    pub span: Span,
}
