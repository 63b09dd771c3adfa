//! Queries as values. The engine builds them, the store writes and runs the SQL.

use std::sync::Arc;

use crate::{Kind, Value, expression::Expression};

/// Rows that a SELECT of the document may give back at most.
pub const QUERY_ROWS_MAX: usize = 10_000;

/// Rows that a short read skips at most.
const SKIPPED_MAX: u64 = 500;

/// A column of the answer and how it is shown.
#[derive(Debug, Clone)]
pub struct Output {
    /// The member's name in JSON.
    pub name: Arc<str>,
    /// The column.
    pub column: Arc<str>,
    /// What it holds: decides how it is written as JSON.
    pub kind: Kind,
}

/// Rows of one table as JSON objects.
#[derive(Debug, Clone)]
pub struct Select {
    /// The table or view.
    pub table: Arc<str>,
    /// Members of each object, in order.
    pub outputs: Arc<[Output]>,
    /// Which rows; access rules are part of it.
    pub condition: Expression,
    /// Order, with `true` for descending; NULLs last when ascending, first when descending, as in
    /// PostgreSQL.
    pub order: Vec<(Expression, bool)>,
    /// At most so many rows.
    pub limit: Option<u64>,
    /// After skipping so many.
    pub offset: u64,
    /// Further members: rows of other tables that belong to each row.
    pub nested: Vec<Nested>,
    /// True where no row is looked at but those that are skipped and shown: by key, or by an index with
    /// a limit.
    pub is_by_index: bool,
}

impl Select {
    /// True where few rows are looked at by construction: such a read runs on the caller's thread, or
    /// shares a connection; others have a thread or a connection of their own and a deadline.
    pub(crate) fn is_short(&self) -> bool {
        self.is_by_index && self.offset <= SKIPPED_MAX
    }
}

/// Rows of another table inside each row.
#[derive(Debug, Clone)]
pub struct Nested {
    /// The member's name.
    pub name: Arc<str>,
    /// The outer row's column.
    pub outer_column: Arc<str>,
    /// The inner table's column that must equal it.
    pub inner_column: Arc<str>,
    /// An array of rows, or one row or `null`.
    pub many: bool,
    /// The inner rows; access rules of the inner table are part of its condition.
    pub select: Select,
}

/// JSON written by the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// The objects, separated by commas, without brackets.
    pub json: Vec<u8>,
    /// Where each object ends in `json`.
    pub ends: Vec<usize>,
}

impl Rows {
    /// How many rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The JSON of row `index`.
    pub fn row(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] + 1 };
        self.json.get(start..end)
    }
}

/// One step of a write. All steps of a write happen, or none.
#[derive(Debug, Clone)]
pub enum Step {
    /// Adds a row.
    Insert {
        /// The table.
        table: Arc<str>,
        /// Columns and their values.
        values: Vec<(Arc<str>, Value)>,
        /// What is given back of the new row.
        returning: Arc<[Output]>,
    },
    /// Changes rows.
    Update {
        /// The table.
        table: Arc<str>,
        /// Columns and their new values.
        set: Vec<(Arc<str>, Expression)>,
        /// Which rows; access rules are part of it.
        condition: Expression,
        /// What is given back of the changed rows.
        returning: Arc<[Output]>,
    },
    /// Removes rows.
    Delete {
        /// The table.
        table: Arc<str>,
        /// Which rows; access rules are part of it.
        condition: Expression,
        /// What is given back of the removed rows.
        returning: Arc<[Output]>,
    },
    /// Goes on only where rows exist (or none do); otherwise the write fails with
    /// [`crate::StoreError::Refused`] and this step's `refusal`.
    Require {
        /// The table.
        table: Arc<str>,
        /// Which rows.
        condition: Expression,
        /// True: some row must exist. False: none may.
        exists: bool,
        /// Handed back to tell one requirement from another.
        refusal: u32,
    },
}

/// What a step did.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// How many rows it touched.
    pub affected: u64,
    /// What was asked back.
    pub rows: Rows,
}
