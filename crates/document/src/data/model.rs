//! The typed form of the data chapter.

use schemars::JsonSchema;
use serde::Serialize;

use super::Caching;
use crate::{
    Span,
    expression::{Expression, Literal},
};

/// All that the document says about data.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Data {
    /// Tables in the order in which they are declared.
    pub tables: Vec<Table>,
    /// Enumerated types, declared or read from a value list.
    pub enums: Vec<EnumType>,
    /// Views: a name and a SELECT.
    pub views: Vec<View>,
    /// `-- dropped DATE: why` sentences: what may be destroyed.
    pub drops: Vec<Drop>,
    /// `CREATE POLICY` statements; the security chapter turns them into grants.
    pub policies: Vec<Policy>,
    /// Tables with `ENABLE ROW LEVEL SECURITY`.
    #[serde(skip)]
    pub protected: Vec<String>,
    /// Functions that policies may call; their code is not run.
    #[serde(skip)]
    pub functions: Vec<Function>,
    /// Reads that are kept and served again.
    #[serde(skip_serializing_if = "Caching::is_empty")]
    pub cache: Caching,
}

impl Data {
    /// The table of this name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// The enumerated type of this name.
    pub fn enumeration(&self, name: &str) -> Option<&EnumType> {
        self.enums.iter().find(|enumeration| enumeration.name == name)
    }

    /// The closed list of values a column takes, with the place of the list: its enumerated type,
    /// a list read from its comment, or `CHECK (column IN (…))`.
    pub fn values_of(&self, table: &Table, column: &Column) -> Option<(Vec<String>, Span)> {
        let kind = match &column.kind {
            ColumnType::Enum { name } | ColumnType::Other { name } => Some(name.clone()),
            _ => None,
        };
        let implied = format!("{}_{}", table.name, column.name);
        let listed = kind
            .iter()
            .chain(std::iter::once(&implied))
            .find_map(|name| self.enums.iter().find(|listed| &listed.name == name));
        if let Some(listed) = listed {
            return Some((listed.values.clone(), listed.span));
        }
        table.checks.iter().find_map(|check| {
            let values = in_list(check.condition.expression.as_ref()?, &column.name)?;
            Some((values, check.condition.span))
        })
    }
}

/// The texts of `column IN ('a', 'b')`.
fn in_list(expression: &Expression, column: &str) -> Option<Vec<String>> {
    let Expression::In { operand, list, negated: false } = expression else { return None };
    if !matches!(operand.as_ref(), Expression::Column { name } if name == column) {
        return None;
    }
    let texts = list.iter().map(|item| match item {
        Expression::Literal { literal: Literal::Text(text) } => Some(text.clone()),
        _ => None,
    });
    texts.collect()
}

/// The form in which something was declared, in order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is the name of a form")]
pub enum Form {
    Sql,
    OpenApi,
    GraphQl,
    ErDiagram,
    TypeScript,
    JsonSketch,
    ColumnTable,
    Bullets,
    /// Added by Vitruvius, such as a built-in users table.
    BuiltIn,
}

/// A table.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Table {
    /// Its name in snake case, without quotes; a schema other than `public` is kept as `schema_name`.
    pub name: String,
    /// Its columns in order.
    pub columns: Vec<Column>,
    /// Columns of the primary key; empty where the document gives none.
    pub primary_key: Vec<String>,
    /// Unique keys beyond the primary key.
    pub unique_keys: Vec<UniqueKey>,
    /// Table and column checks.
    pub checks: Vec<Check>,
    /// Rows that may not be together.
    pub exclusions: Vec<Exclusion>,
    /// Foreign keys, also those to tables that the document does not declare.
    pub foreign_keys: Vec<ForeignKey>,
    /// Indexes.
    pub indexes: Vec<Index>,
    /// `COMMENT ON TABLE`, or the sentence beside the declaration.
    pub comment: Option<String>,
    /// The form that declares it.
    pub form: Form,
    /// `-- renamed from NAME`.
    pub renamed_from: Option<String>,
    /// The table's name where it is declared.
    pub span: Span,
}

impl Table {
    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The only column of the primary key, where there is exactly one.
    pub fn key(&self) -> Option<&Column> {
        match self.primary_key.as_slice() {
            [only] => self.column(only),
            _ => None,
        }
    }
}

/// A column.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Column {
    /// Its name in snake case.
    pub name: String,
    /// Its type.
    pub kind: ColumnType,
    /// False where `NOT NULL` or part of the primary key.
    pub nullable: bool,
    /// What is stored where a create says nothing.
    pub default: Option<DefaultValue>,
    /// `GENERATED ALWAYS AS (…) STORED`.
    pub generated: Option<SqlExpression>,
    /// `ON UPDATE CURRENT_TIMESTAMP`, or an `updated_at` that readers expect to move.
    pub touched_on_update: bool,
    /// Accepted on write, never shown: password hashes and other secrets.
    pub write_only: bool,
    /// `COMMENT ON COLUMN`, or the comment beside it.
    pub comment: Option<String>,
    /// `-- renamed from NAME`.
    pub renamed_from: Option<String>,
    /// The column's name where it is declared.
    pub span: Span,
    /// Its type where it is declared.
    pub type_span: Span,
}

/// A column's type, with PostgreSQL's meaning.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "type")]
#[allow(missing_docs, reason = "each is its SQL namesake; fields say their unit")]
pub enum ColumnType {
    Uuid,
    /// `TEXT`, `VARCHAR(n)`; `length_max` counts characters.
    Text {
        length_max: Option<u32>,
    },
    /// `CITEXT`: compares without case.
    CaseInsensitiveText,
    /// `SMALLINT`, `INTEGER`, `BIGINT`.
    Integer {
        bits: u8,
    },
    /// `SERIAL`, `BIGSERIAL`, `AUTO_INCREMENT`, identity columns.
    Serial {
        bits: u8,
    },
    /// `NUMERIC(p, s)`; without bounds any precision.
    Numeric {
        precision: Option<u16>,
        scale: Option<u16>,
    },
    Real {
        bits: u8,
    },
    Boolean,
    /// `TIMESTAMP`, with or without time zone: stored and shown in UTC.
    Timestamp {
        zoned: bool,
    },
    Date,
    Time,
    Interval,
    Json,
    Bytes,
    /// An enumerated type by name; see [`Data::enums`].
    Enum {
        name: String,
    },
    Array {
        element: Box<ColumnType>,
    },
    /// `INET`, `CIDR`.
    Network,
    /// A type that the document names and Vitruvius stores as text (`VECTOR(3)`, `GEOGRAPHY`).
    Other {
        name: String,
    },
}

impl ColumnType {
    /// The type in words, such as `text of at most 80 characters`.
    pub fn words(&self) -> String {
        match self {
            ColumnType::Uuid => "a UUID".to_owned(),
            ColumnType::Text { length_max: Some(length) } => {
                format!("text of at most {length} characters")
            }
            ColumnType::Text { length_max: None } => "text".to_owned(),
            ColumnType::CaseInsensitiveText => "text without case".to_owned(),
            ColumnType::Integer { bits } => format!("an integer of {bits} bits"),
            ColumnType::Serial { .. } => "a counting integer".to_owned(),
            ColumnType::Numeric { precision: Some(precision), scale } => {
                format!("a number of {precision} digits, {} after the point", scale.unwrap_or(0))
            }
            ColumnType::Numeric { .. } => "a number".to_owned(),
            ColumnType::Real { .. } => "a floating-point number".to_owned(),
            ColumnType::Boolean => "a boolean".to_owned(),
            ColumnType::Timestamp { .. } => "a time stamp".to_owned(),
            ColumnType::Date => "a date".to_owned(),
            ColumnType::Time => "a time of day".to_owned(),
            ColumnType::Interval => "an interval".to_owned(),
            ColumnType::Json => "JSON".to_owned(),
            ColumnType::Bytes => "bytes".to_owned(),
            ColumnType::Enum { name } => format!("one of `{name}`"),
            ColumnType::Array { element } => format!("a list of {}", element.words()),
            ColumnType::Network => "a network address".to_owned(),
            ColumnType::Other { name } => format!("`{name}`, stored as text"),
        }
    }
}

/// What is stored where a create says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum DefaultValue {
    /// A constant.
    Literal {
        /// Its value.
        literal: Literal,
    },
    /// `NOW()` and its relatives.
    Now,
    /// `CURRENT_DATE`.
    Today,
    /// `gen_random_uuid()`, `uuid_generate_v4()`.
    RandomUuid,
    /// Another expression, such as `now() + interval '24 hours'`.
    Expression {
        /// Typed.
        expression: Expression,
    },
}

/// A SQL expression: the text as written, and its typed form where it lies in the subset that
/// both stores run. What has no typed form is reported and not enforced.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SqlExpression {
    /// As written.
    pub text: String,
    /// Typed, where understood.
    pub expression: Option<Expression>,
    /// Where it is written.
    pub span: Span,
}

/// A unique key.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UniqueKey {
    /// The constraint's name, where written.
    pub name: Option<String>,
    /// Its columns.
    pub columns: Vec<String>,
    /// `WHERE …` of a partial unique index.
    pub condition: Option<SqlExpression>,
    /// Where it is written.
    pub span: Span,
}

/// A check.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Check {
    /// The constraint's name, where written.
    pub name: Option<String>,
    /// What must hold (NULL counts as holding).
    pub condition: SqlExpression,
}

/// Rows that may not be together: those in which some columns are equal and some ranges overlap.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Exclusion {
    /// The constraint's name, where written.
    pub name: Option<String>,
    /// Columns that would be equal.
    pub equal: Vec<String>,
    /// Ranges that would overlap.
    pub overlapping: Vec<Range>,
    /// `WHERE …`: which rows it is about.
    pub condition: Option<SqlExpression>,
    /// As written.
    pub text: String,
    /// Where it is written.
    pub span: Span,
}

/// A range of an exclusion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Range {
    /// A column of a range type.
    Column {
        /// Its name.
        column: String,
    },
    /// From one column to another: `tstzrange(starts_at, ends_at)`.
    Made {
        /// The function that makes it, and the name of its type.
        #[serde(rename = "type")]
        kind: String,
        /// The column where it begins.
        from: String,
        /// The column where it ends.
        to: String,
        /// `[)`, `[]`, `(]` or `()`.
        bounds: String,
    },
}

impl Exclusion {
    /// The columns that its ranges are made of.
    pub fn range_columns(&self) -> impl Iterator<Item = &str> {
        self.overlapping
            .iter()
            .flat_map(|range| match range {
                Range::Column { column } => [Some(column.as_str()), None],
                Range::Made { from, to, .. } => [Some(from.as_str()), Some(to.as_str())],
            })
            .flatten()
    }

    /// Gives a column another name.
    pub(crate) fn rename(&mut self, old: &str, new: &str) {
        let ranges = self.overlapping.iter_mut().flat_map(|range| match range {
            Range::Column { column } => [Some(column), None],
            Range::Made { from, to, .. } => [Some(from), Some(to)],
        });
        for name in self.equal.iter_mut().chain(ranges.flatten()) {
            if name == old {
                new.clone_into(name);
            }
        }
    }
}

/// What happens to the referring row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is its SQL namesake")]
pub enum ReferentialAction {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

/// A foreign key.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ForeignKey {
    /// The referring columns.
    pub columns: Vec<String>,
    /// The table referred to.
    pub table: String,
    /// The columns referred to; the primary key where the document names none.
    pub referred: Vec<String>,
    /// `ON DELETE`.
    pub on_delete: ReferentialAction,
    /// `ON UPDATE`.
    pub on_update: ReferentialAction,
    /// False where the table referred to is not in the document: an opaque id then.
    pub resolved: bool,
    /// Where it is written.
    pub span: Span,
}

/// An index.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Index {
    /// Its name; made from table and columns where none is written.
    pub name: String,
    /// What is indexed, in order.
    pub parts: Vec<IndexPart>,
    /// `btree`, `gin`, `gist`, `hash`, `fulltext`, …; in lower case.
    pub method: String,
    /// `WHERE …`.
    pub condition: Option<SqlExpression>,
    /// Where it is written.
    pub span: Span,
}

/// One part of an index.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct IndexPart {
    /// A column, or an expression over columns.
    pub expression: SqlExpression,
    /// The column's name where the part is a plain column.
    pub column: Option<String>,
    /// `DESC`.
    pub descending: bool,
}

/// An enumerated type.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EnumType {
    /// Its name; `table_column` where it was read from a value list.
    pub name: String,
    /// The values in order.
    pub values: Vec<String>,
    /// True for `CREATE TYPE … AS ENUM`.
    pub declared: bool,
    /// Where it is written.
    pub span: Span,
}

/// A view.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct View {
    /// Its name.
    pub name: String,
    /// The SELECT as written.
    pub select: String,
    /// Its column names, where they can be told.
    pub columns: Vec<String>,
    /// Tables it reads.
    pub tables: Vec<String>,
    /// `MATERIALIZED`.
    pub materialized: bool,
    /// Where it is written.
    pub span: Span,
}

/// A sentence that permits destruction: `-- dropped 2026-11-20: why`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Drop {
    /// The table.
    pub table: String,
    /// The column; the whole table where there is none.
    pub column: Option<String>,
    /// The date as written.
    pub date: String,
    /// The reason.
    pub reason: String,
    /// Where it is written.
    pub span: Span,
}

/// A `CREATE POLICY` statement as it is written.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Policy {
    /// Its name without quotes.
    pub name: String,
    /// The table, named as in [`Table::name`].
    pub table: String,
    /// What it is for.
    pub command: PolicyCommand,
    /// `TO …`; empty where nothing is written, which means everybody.
    pub roles: Vec<String>,
    /// `AS RESTRICTIVE`: narrows what other policies allow and grants nothing by itself.
    pub restrictive: bool,
    /// `USING (…)`.
    pub using: Option<SqlExpression>,
    /// `WITH CHECK (…)`.
    pub check: Option<SqlExpression>,
    /// The whole statement.
    pub span: Span,
}

/// What a policy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is its SQL namesake")]
pub enum PolicyCommand {
    All,
    Select,
    Insert,
    Update,
    Delete,
}

/// A `CREATE FUNCTION` statement.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name as it is called, in lower case, such as `auth.user_role`.
    pub name: String,
    /// Its body as written, without dollar quotes.
    pub body: String,
    /// The whole statement.
    pub span: Span,
}
