//! Diagnostics of the data chapter. Codes are `D` and three digits, 001 to 499, never reused.

use crate::{Chapter, code, diagnostic::CodeInfo};

code!(D001, "unreadable-table", Some(Chapter::Data), Error, "a `CREATE TABLE` cannot be read");
code!(
    D002,
    "unreadable-column",
    Some(Chapter::Data),
    Error,
    "a part of a table's definition cannot be read"
);
code!(D003, "column-without-type", Some(Chapter::Data), Error, "a column has no type");
code!(
    D004,
    "unreadable-statement",
    Some(Chapter::Data),
    Error,
    "a statement that declares something cannot be read"
);
code!(
    D005,
    "unknown-table",
    Some(Chapter::Data),
    Error,
    "a statement is about a table that the document does not declare"
);
code!(
    D006,
    "unknown-column",
    Some(Chapter::Data),
    Error,
    "a key, index or check names a column that its table does not have"
);
code!(
    D007,
    "unknown-type",
    Some(Chapter::Data),
    Error,
    "a column has a type that is neither built in nor declared"
);
code!(
    D008,
    "duplicate-table",
    Some(Chapter::Data),
    Error,
    "a table is declared twice, and the two declarations disagree"
);
code!(
    D009,
    "duplicate-column",
    Some(Chapter::Data),
    Error,
    "a column is declared twice in one table"
);
code!(
    D010,
    "unknown-referred-table",
    Some(Chapter::Data),
    Warning,
    "a foreign key refers to a table that the document does not declare"
);
code!(
    D011,
    "foreign-key-type",
    Some(Chapter::Data),
    Warning,
    "a foreign key and the column it refers to have different types"
);
code!(D012, "table-without-key", Some(Chapter::Data), Warning, "a table has no primary key");
code!(
    D013,
    "redundant-index",
    Some(Chapter::Data),
    Warning,
    "an index repeats what a key already makes"
);
code!(
    D014,
    "partition-key",
    Some(Chapter::Data),
    Warning,
    "a key of a partitioned table leaves out the partition column"
);
code!(
    D015,
    "comment-enumeration",
    Some(Chapter::Data),
    Info,
    "the values of a column were read from the comment beside it"
);
code!(
    D016,
    "procedural-code",
    Some(Chapter::Data),
    Info,
    "functions, triggers and blocks of code are left out"
);
code!(
    D017,
    "expression-not-enforced",
    Some(Chapter::Data),
    Warning,
    "an expression lies outside of the subset that both stores run"
);
code!(
    D018,
    "unfilled-table",
    Some(Chapter::Data),
    Info,
    "a table of the template was never filled in"
);
code!(
    D020,
    "drawn-without-table",
    Some(Chapter::Data),
    Warning,
    "an entity is drawn, but no `CREATE TABLE` declares it"
);
code!(
    D021,
    "field-without-column",
    Some(Chapter::Data),
    Warning,
    "a diagram, interface or list has a field that its table has not"
);
code!(
    D022,
    "field-type",
    Some(Chapter::Data),
    Warning,
    "a field and its column have types that cannot both be right"
);
code!(
    D023,
    "relation-to-nothing",
    Some(Chapter::Data),
    Warning,
    "a relation names an entity that no table is declared for"
);
code!(
    D024,
    "unreadable-diagram-line",
    Some(Chapter::Data),
    Warning,
    "a line of an entity-relationship diagram cannot be read"
);

code!(
    D025,
    "cache-time-twice",
    Some(Chapter::Data),
    Warning,
    "one thing is to be kept for two different times"
);
code!(
    D026,
    "postgresql-alone",
    Some(Chapter::Data),
    Info,
    "a type or an index is PostgreSQL's alone, and something stands in for it on SQLite"
);

/// All codes of this chapter.
pub static CODES: &[&CodeInfo] = &[
    &D001, &D002, &D003, &D004, &D005, &D006, &D007, &D008, &D009, &D010, &D011, &D012, &D013,
    &D014, &D015, &D016, &D017, &D018, &D020, &D021, &D022, &D023, &D024, &D025, &D026,
];
