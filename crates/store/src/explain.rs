//! How a database reads a statement, told alike by both stores: the way to each table, and the
//! indexes that are there.

use serde::Serialize;

/// How a statement is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The way to each table by which the statement as it stands is read at this moment.
    pub reads: Vec<Reading>,
    /// The ways that could be taken for the conditions alone: without order and limit, and as if
    /// looking at all rows cost more than any index. A database with few rows takes none of them.
    pub could_read: Vec<Reading>,
    /// The indexes of these tables, as the database lists them.
    pub indexes: Vec<IndexThere>,
}

/// How one table is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// The table.
    pub table: String,
    /// The way to its rows.
    pub by: Way,
    /// The index, where there is one.
    pub index: Option<String>,
}

/// A way to the rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// An index or a key is searched for what the conditions ask for.
    Index,
    /// All rows in the order of an index.
    Walk,
    /// All rows.
    Scan,
}

/// An index in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IndexThere {
    /// The table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Its columns in order; none for an expression.
    pub columns: Vec<Option<String>>,
    /// `btree`, `gin`, …
    pub method: String,
    /// No two rows share its values.
    pub is_unique: bool,
    /// It leaves rows out.
    pub is_partial: bool,
}
