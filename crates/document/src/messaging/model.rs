//! The typed form of the messaging chapter.

use schemars::JsonSchema;
use serde::Serialize;

use crate::Span;

/// All that the document says about events, jobs and states.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Messaging {
    /// State machines bound to a column.
    pub machines: Vec<StateMachine>,
    /// Events.
    pub events: Vec<Event>,
    /// Background jobs.
    pub jobs: Vec<Job>,
}

/// The states of a table's column and how it may move between them.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StateMachine {
    /// The table; empty where the drawing could not be tied to one.
    pub table: String,
    /// The column that holds the state.
    pub column: String,
    /// All states, spelled as stored.
    pub states: Vec<String>,
    /// The state of a new row.
    pub initial: Option<String>,
    /// States that nothing leaves.
    pub terminal: Vec<String>,
    /// Allowed moves. Empty where the document only lists states: any move is allowed then.
    pub transitions: Vec<Transition>,
    /// The drawing or list.
    pub span: Span,
}

/// An allowed move.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Transition {
    /// From this state.
    pub from: String,
    /// To this state.
    pub to: String,
    /// The action in snake case, such as `cancel`: from the words at the arrow, else the verb of
    /// the state it leads to (`cancelled`).
    pub action: Option<String>,
    /// The words at the arrow, as written.
    pub label: Option<String>,
    /// Who may do it; anybody who may update the row where empty.
    pub roles: Vec<String>,
    /// Where it is written.
    pub span: Span,
}

/// An event.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Event {
    /// Its name as written.
    pub name: String,
    /// Names of the payload's members with their types, where written.
    pub payload: Vec<(String, String)>,
    /// When it is announced, as written.
    pub description: Option<String>,
    /// Where it is written.
    pub span: Span,
}

/// A background job.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// When it runs.
    pub schedule: Option<Schedule>,
    /// What starts it, as written.
    pub trigger: Option<String>,
    /// What it is for, as written.
    pub purpose: Option<String>,
    /// Where it is written.
    pub span: Span,
}

/// When a job runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Schedule {
    /// Five fields of cron.
    Cron {
        /// The expression.
        expression: String,
    },
    /// Every so many seconds.
    Every {
        /// The interval.
        seconds: u64,
    },
}
