//! The typed form of the recovery chapter.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{Span, messaging::Schedule};

/// All that the document says about backups and recovery.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Recovery {
    /// Backups.
    pub backups: Vec<Backup>,
    /// Recovery objectives, several where the document names scenarios.
    pub objectives: Vec<Objective>,
}

/// A backup.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Backup {
    /// What is backed up, as written: `Database`, `Files`.
    pub subject: String,
    /// How often.
    pub schedule: Option<Schedule>,
    /// Kept for how many seconds.
    pub retention_seconds: Option<u64>,
    /// Where it is written.
    pub span: Span,
}

/// A recovery objective.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Objective {
    /// `rto` or `rpo`.
    pub kind: ObjectiveKind,
    /// At most so many seconds.
    pub seconds: u64,
    /// For which scenario, where written.
    pub scenario: Option<String>,
    /// Where it is written.
    pub span: Span,
}

/// Which objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ObjectiveKind {
    /// Recovery time objective.
    Rto,
    /// Recovery point objective.
    Rpo,
}
