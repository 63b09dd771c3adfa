//! What the readers gather before names are resolved: everything may refer to what the document
//! declares only later.

use super::{
    Check, Column, Drop, EnumType, Exclusion, Form, Function, Policy, SqlExpression, View,
};
use super::{Index, ReferentialAction, sql::cursor::Name};
use crate::Span;

/// All declarations of a document, unresolved.
#[derive(Default)]
pub(crate) struct Draft {
    /// Tables in the order of the text, also unfilled and repeated ones.
    pub(crate) tables: Vec<DraftTable>,
    /// Changes to tables.
    pub(crate) changes: Vec<Change>,
    /// Enumerated types.
    pub(crate) enums: Vec<EnumType>,
    /// Domains: a name for a type with a check.
    pub(crate) domains: Vec<Domain>,
    /// Names of composite and range types, which are stored as text.
    pub(crate) other_types: Vec<String>,
    /// Views.
    pub(crate) views: Vec<View>,
    /// Comments on tables and columns.
    pub(crate) comments: Vec<Remark>,
    /// Sentences that permit destruction.
    pub(crate) drops: Vec<Drop>,
    /// Policies.
    pub(crate) policies: Vec<Policy>,
    /// Tables whose rows are protected by policies.
    pub(crate) protected: Vec<Name>,
    /// Functions with their bodies.
    pub(crate) functions: Vec<Function>,
    /// Procedural statements that are left out.
    pub(crate) procedural: Vec<Procedure>,
}

/// A table as it is declared.
pub(crate) struct DraftTable {
    /// Its name.
    pub(crate) name: Name,
    /// Its columns, keys and indexes.
    pub(crate) parts: Parts,
    /// The form that declares it.
    pub(crate) form: Form,
    /// The sentence beside it.
    pub(crate) comment: Option<String>,
    /// `-- renamed from NAME`.
    pub(crate) renamed_from: Option<String>,
    /// `PARTITION OF parent`.
    pub(crate) partition_of: Option<Name>,
    /// `PARTITION BY (columns)`.
    pub(crate) partition_by: Vec<Name>,
    /// The whole statement.
    pub(crate) statement: Span,
}

/// What a table, or a change of one, is made of.
#[derive(Default)]
pub(crate) struct Parts {
    /// Columns in order.
    pub(crate) columns: Vec<DraftColumn>,
    /// The primary key.
    pub(crate) primary_key: Option<Vec<Name>>,
    /// Unique keys.
    pub(crate) unique_keys: Vec<DraftKey>,
    /// Checks.
    pub(crate) checks: Vec<Check>,
    /// Rows that may not be together.
    pub(crate) exclusions: Vec<DraftExclusion>,
    /// Foreign keys.
    pub(crate) foreign_keys: Vec<DraftForeignKey>,
    /// Indexes.
    pub(crate) indexes: Vec<DraftIndex>,
    /// `LIKE table`, `INHERITS (table)`.
    pub(crate) copied: Vec<Name>,
    /// True where a part is a template's hole.
    pub(crate) has_holes: bool,
    /// Columns that were reported as unreadable, so that what names them is not reported again.
    pub(crate) unread: Vec<String>,
}

/// A column whose type may be a name.
pub(crate) struct DraftColumn {
    /// The column.
    pub(crate) column: Column,
    /// The type's name where it is not a known one.
    pub(crate) unknown_type: Option<Name>,
    /// The values of an inline `ENUM`, of a `CHECK (… IN …)`, or of a trailing comment.
    pub(crate) values: Option<ValueList>,
}

/// Values that a column may take.
pub(crate) struct ValueList {
    /// In order.
    pub(crate) values: Vec<String>,
    /// How they are written.
    pub(crate) source: ValueSource,
    /// Where.
    pub(crate) span: Span,
}

/// Where a value list was found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueSource {
    /// `ENUM('a', 'b')` as the type.
    Inline,
    /// `CHECK (column IN ('a', 'b'))`.
    Check,
    /// `-- a, b` after the column.
    Comment,
}

/// A unique key.
pub(crate) struct DraftKey {
    /// The constraint's name.
    pub(crate) name: Option<String>,
    /// Its columns.
    pub(crate) columns: Vec<Name>,
    /// `WHERE …`.
    pub(crate) condition: Option<SqlExpression>,
    /// Where it is written.
    pub(crate) span: Span,
}

/// An exclusion constraint.
pub(crate) struct DraftExclusion {
    /// What it says.
    pub(crate) exclusion: Exclusion,
    /// All columns that it names, but for those of its condition.
    pub(crate) columns: Vec<Name>,
}

/// A foreign key.
pub(crate) struct DraftForeignKey {
    /// The referring columns.
    pub(crate) columns: Vec<Name>,
    /// The table referred to.
    pub(crate) table: Name,
    /// The columns referred to; none where not written.
    pub(crate) referred: Vec<Name>,
    /// `ON DELETE`.
    pub(crate) on_delete: ReferentialAction,
    /// `ON UPDATE`.
    pub(crate) on_update: ReferentialAction,
    /// Where it is written.
    pub(crate) span: Span,
}

/// An index.
pub(crate) struct DraftIndex {
    /// The index; its name is empty where none is written.
    pub(crate) index: Index,
    /// `UNIQUE`.
    pub(crate) is_unique: bool,
    /// The columns that its plain parts name.
    pub(crate) columns: Vec<Name>,
    /// The whole statement or item, for taking it out.
    pub(crate) statement: Span,
}

/// A change of a table that the document declares elsewhere.
pub(crate) struct Change {
    /// The table.
    pub(crate) table: Name,
    /// What is done.
    pub(crate) action: ChangeAction,
}

/// What is done to a table.
pub(crate) enum ChangeAction {
    /// `ADD …`, and `CREATE INDEX`, which counts as one.
    Add(Parts),
    /// `DROP COLUMN`.
    DropColumn(Name),
    /// `RENAME COLUMN a TO b`.
    RenameColumn(Name, Name),
    /// `RENAME TO b`.
    Rename(Name),
    /// `ALTER COLUMN … TYPE`.
    SetType(Name, Box<DraftColumn>),
    /// `ALTER COLUMN … SET NOT NULL`, `DROP NOT NULL`.
    SetNullable(Name, bool),
    /// `ALTER COLUMN … SET DEFAULT`; none for `DROP DEFAULT`.
    SetDefault(Name, Option<super::DefaultValue>),
}

/// A domain.
pub(crate) struct Domain {
    /// Its name.
    pub(crate) name: String,
    /// Its base type.
    pub(crate) kind: super::ColumnType,
    /// What its values must satisfy, about `value`.
    pub(crate) check: Option<SqlExpression>,
}

/// `COMMENT ON`.
pub(crate) struct Remark {
    /// The table.
    pub(crate) table: Name,
    /// The column, where it is on one.
    pub(crate) column: Option<Name>,
    /// The comment.
    pub(crate) text: String,
}

/// Procedural code.
pub(crate) struct Procedure {
    /// The whole statement.
    pub(crate) span: Span,
    /// What it is, in words.
    pub(crate) what: String,
    /// A function's name.
    pub(crate) name: Option<String>,
    /// The function that a trigger calls.
    pub(crate) calls: Option<String>,
    /// True for a function that only sets the time of the last change.
    pub(crate) only_touches: bool,
}
