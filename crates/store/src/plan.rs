//! From the tables that are there to the tables that are wished for, as steps that say what they
//! do, why, and whether they may lose anything.

pub use crate::change::measure::{amount, counted};

/// How dangerous a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Adds something; runs by itself.
    Safe,
    /// Declared, but this store cannot do it; `needs` says why. The rest is served.
    NotServed,
    /// Rebuilds or narrows, and every row fits; runs by itself.
    Data,
    /// Destroys, and a sentence of the document permits it.
    Permitted,
    /// Would lose data or fail: not run. `needs` says what would permit it.
    Blocked,
}

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// In words: `+ column documents.page_count INTEGER NULL`.
    pub summary: String,
    /// The statements.
    pub sql: Vec<String>,
    /// Where the document says so.
    pub origin: String,
    /// How dangerous it is.
    pub class: Class,
    /// Rows touched, as probed.
    pub rows: Option<u64>,
    /// What it locks while it runs, and for how long: `ACCESS EXCLUSIVE on users, brief`. Empty
    /// where the store has one writer only.
    pub locks: Vec<String>,
    /// What blocks it and what would permit it.
    pub needs: Option<String>,
}

/// All steps.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// In the order in which they run.
    pub steps: Vec<Step>,
    /// Identifies the schema planned from; `apply` refuses a plan that is stale.
    pub from: String,
}

impl Plan {
    /// True where there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// True where a step needs a sentence in the document.
    pub fn is_blocked(&self) -> bool {
        self.steps.iter().any(|step| step.class == Class::Blocked)
    }
}
