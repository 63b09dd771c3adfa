//! The mark of a copy that is not done, kept in its target: nothing of it is served, and it knows
//! how far it has come.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::CopyError;
use crate::{StoreError, Value};

/// The mark's table; it is there for as long as the copy is not done.
pub(crate) const TABLE: &str = "_vitruvius_copy";
/// Makes it, in both stores.
pub(crate) const CREATE: &str =
    "CREATE TABLE _vitruvius_copy (name text PRIMARY KEY, state text NOT NULL)";
/// Reads it.
pub(crate) const READ: &str = "SELECT name, state FROM _vitruvius_copy";
/// The row that is about the whole copy.
pub(crate) const WHOLE: &str = "";

/// Whether a store opens whose copy is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marked {
    /// It does not.
    Refused,
    /// It does: whoever asks is the copy itself.
    Expected,
}

/// What the whole copy is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Whole {
    /// Where the rows come from, without a password.
    pub(crate) from: String,
    /// The document's hash.
    pub(crate) document: String,
}

/// How far a table is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Way {
    /// The place after the last row that was written; nothing where none was.
    pub(crate) after: Vec<Value>,
    /// Rows that were written.
    pub(crate) rows: u64,
    pub(crate) is_done: bool,
}

/// A mark as it was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mark {
    states: BTreeMap<String, String>,
}

impl Mark {
    pub(crate) fn of(states: BTreeMap<String, String>) -> Self {
        Self { states }
    }

    /// What it is the mark of; none where that cannot be read.
    pub(crate) fn whole(&self) -> Option<Whole> {
        serde_json::from_str(self.states.get(WHOLE)?).ok()
    }

    /// How far a table is.
    pub(crate) fn way(&self, table: &str) -> Way {
        let state = self.states.get(table).and_then(|state| serde_json::from_str(state).ok());
        state.unwrap_or_default()
    }

    /// Why nothing is served, and how to go on.
    pub(crate) fn refusal(&self) -> StoreError {
        let from = self.whole().map(|whole| format!(" from {}", whole.from)).unwrap_or_default();
        StoreError::Unavailable(format!(
            "a copy{from} into it is not done; run the same `vitruvius copy` again to go on with \
             it, or with `--again` to begin anew"
        ))
    }
}

/// A state as it is kept.
pub(crate) fn text(state: &impl Serialize) -> Result<String, CopyError> {
    serde_json::to_string(state).map_err(|error| StoreError::Fault(error.to_string()).into())
}
