//! The nine chapters of an architecture document. The same words name modules on every floor.

use schemars::JsonSchema;
use serde::Serialize;

/// A chapter of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Chapter {
    /// Tables, columns, keys, retention, caching of rows.
    Data,
    /// Endpoints, envelopes, errors, pagination.
    Api,
    /// Who may do what; passwords, tokens, limits, headers.
    Security,
    /// Events, jobs, state machines, workflows.
    Messaging,
    /// Other people's services, the gateway.
    Integration,
    /// Circuit breakers, retries, timeouts.
    Resilience,
    /// Logs, metrics, traces, alerts, targets.
    Observability,
    /// Environments, variables, flags, rollout.
    Delivery,
    /// Backups, recovery objectives, drills.
    Recovery,
}

impl Chapter {
    /// All chapters in the document's usual order.
    pub const ALL: [Chapter; 9] = [
        Chapter::Data,
        Chapter::Api,
        Chapter::Security,
        Chapter::Messaging,
        Chapter::Integration,
        Chapter::Resilience,
        Chapter::Observability,
        Chapter::Delivery,
        Chapter::Recovery,
    ];

    /// The word for it, in lower case.
    pub fn word(self) -> &'static str {
        match self {
            Chapter::Data => "data",
            Chapter::Api => "api",
            Chapter::Security => "security",
            Chapter::Messaging => "messaging",
            Chapter::Integration => "integration",
            Chapter::Resilience => "resilience",
            Chapter::Observability => "observability",
            Chapter::Delivery => "delivery",
            Chapter::Recovery => "recovery",
        }
    }
}
