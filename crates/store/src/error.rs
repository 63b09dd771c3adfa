//! What may go wrong in a store, in terms that a caller can act on.

/// Why a read or write failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another row has the same unique key.
    #[error("another row of `{table}` has the same {}", columns.join(", "))]
    Unique {
        /// The table.
        table: String,
        /// The key's columns.
        columns: Vec<String>,
    },
    /// A value must be there.
    #[error("`{table}.{column}` must have a value")]
    NotNull {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A check does not hold.
    #[error("check `{constraint}` of `{table}` does not hold")]
    Check {
        /// The table.
        table: String,
        /// The check's name.
        constraint: String,
    },
    /// Another row stands in the way: it is equal in some columns and overlaps.
    #[error("another row of `{table}` overlaps with it: `{constraint}`")]
    Excluded {
        /// The table.
        table: String,
        /// The exclusion's name.
        constraint: String,
    },
    /// A row referred to does not exist, or rows still refer to this one.
    #[error("a foreign key of `{table}` does not hold")]
    ForeignKey {
        /// The table whose key is violated.
        table: String,
        /// The referring columns, where they can be told.
        columns: Vec<String>,
        /// True where the row written refers to nothing; false where other rows still refer to it.
        missing: bool,
    },
    /// A required row was there, or not there.
    #[error("requirement {refusal} of the write was not met")]
    Refused {
        /// Which requirement.
        refusal: u32,
    },
    /// A value does not fit its column.
    #[error("{message}")]
    Value {
        /// The column, where known.
        column: Option<String>,
        /// What is wrong with it.
        message: String,
    },
    /// The table or view is declared, and not in the database: the store could not make it, as the
    /// plan said, or somebody took it away.
    #[error("`{table}` is not in the database")]
    NotThere {
        /// Its name.
        table: String,
    },
    /// The statement took too long.
    #[error("the statement took longer than {wait_ms_max} ms")]
    Deadline {
        /// The limit.
        wait_ms_max: u64,
    },
    /// Too many writes are waiting.
    #[error("too many writes are waiting")]
    Busy,
    /// The store cannot be reached or written: disk full, read-only, corrupted.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// Anything else; a fault of ours.
    #[error("{0}")]
    Fault(String),
}
