//! A wished-for schema as values.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Kind, Value, expression::Expression};

/// All tables and views that should be there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Schema {
    /// Tables.
    pub tables: Vec<Table>,
    /// Views, in an order in which each reads only earlier ones.
    pub views: Vec<View>,
    /// What may be destroyed, by sentences of the document.
    pub drops: Vec<Dropped>,
}

impl Schema {
    /// Tells schemas apart, on whatever lines of the document they stand: 32 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        forget_places(&mut value);
        let digest = Sha256::digest(value.to_string());
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The table of this name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }
}

/// Takes out where a statement stands.
fn forget_places(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(members) => {
            members.remove("origin");
            members.values_mut().for_each(forget_places);
        }
        serde_json::Value::Array(all) => all.iter_mut().for_each(forget_places),
        _ => {}
    }
}

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns in order.
    pub columns: Vec<Column>,
    /// Columns of its primary key.
    pub primary_key: Vec<String>,
    /// Unique keys.
    pub unique_keys: Vec<UniqueKey>,
    /// Checks.
    pub checks: Vec<Check>,
    /// Rows that may not be together.
    #[serde(default)]
    pub exclusions: Vec<Exclusion>,
    /// Foreign keys to tables of this schema.
    pub foreign_keys: Vec<ForeignKey>,
    /// Indexes.
    pub indexes: Vec<Index>,
    /// The table's former name.
    pub renamed_from: Option<String>,
    /// Where it is said, such as `ARCHITECTURE.md:12`; shown in plans.
    pub origin: String,
}

impl Table {
    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// May be NULL.
    pub nullable: bool,
    /// What is stored where an insert says nothing. The engine fills defaults before it writes;
    /// the store uses this for rows that exist when a column is added, and in the DDL.
    pub default: Option<Default>,
    /// Computed by the store from other columns.
    pub generated: Option<Expression>,
    /// The column's former name.
    pub renamed_from: Option<String>,
    /// Where it is said.
    pub origin: String,
}

/// What is stored where an insert says nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Default {
    /// A constant.
    Value(Value),
    /// The time of the statement.
    Now,
    /// Today in UTC.
    Today,
    /// A random UUID.
    RandomUuid,
    /// Another expression.
    Expression(Expression),
}

/// A unique key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UniqueKey {
    /// Its name; made by the engine where the document has none.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// Which rows it covers; all where there is none.
    pub condition: Option<Expression>,
    /// Where it is said.
    pub origin: String,
}

/// A check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// What must not be false.
    pub condition: Expression,
    /// Where it is said.
    pub origin: String,
}

/// Rows that may not be together: those in which some columns are equal and some ranges overlap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exclusion {
    /// Its name.
    pub name: String,
    /// Columns that would be equal.
    pub equal: Vec<String>,
    /// Ranges that would overlap.
    pub overlapping: Vec<Range>,
    /// Which rows it covers; all where there is none.
    pub condition: Option<Expression>,
    /// Where it is said.
    pub origin: String,
}

/// A range of an exclusion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Range {
    /// A column of a range type.
    Column(String),
    /// From one column to another.
    Made {
        /// The function that makes it, and the name of its type: `tstzrange`.
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
    /// All columns that it names, but for those of its condition.
    pub(crate) fn columns_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let ranges = self.overlapping.iter_mut().flat_map(|range| match range {
            Range::Column(column) => [Some(column), None],
            Range::Made { from, to, .. } => [Some(from), Some(to)],
        });
        self.equal.iter_mut().chain(ranges.flatten())
    }
}

/// What happens to the referring row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is its SQL namesake")]
pub enum ReferentialAction {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// The referring columns.
    pub columns: Vec<String>,
    /// The table referred to.
    pub table: String,
    /// The columns referred to.
    pub referred: Vec<String>,
    /// On delete.
    pub on_delete: ReferentialAction,
    /// On update.
    pub on_update: ReferentialAction,
}

/// An index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// Its name, unique in the schema.
    pub name: String,
    /// What is indexed, with `true` for descending.
    pub parts: Vec<(Expression, bool)>,
    /// `btree`, `gin`, …
    pub method: String,
    /// Which rows it covers.
    pub condition: Option<Expression>,
    /// Where it is said.
    pub origin: String,
}

/// A view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Its name.
    pub name: String,
    /// The SELECT in PostgreSQL's dialect.
    pub select: String,
    /// Where it is said.
    pub origin: String,
}

/// A sentence that permits destruction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dropped {
    /// The table.
    pub table: String,
    /// The column; the whole table where there is none.
    pub column: Option<String>,
    /// Where it is said.
    pub origin: String,
}

#[cfg(test)]
impl Column {
    /// A column that may be NULL, for tests.
    pub(crate) fn sample(name: &str, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            nullable: true,
            default: None,
            generated: None,
            renamed_from: None,
            origin: String::new(),
        }
    }
}

#[cfg(test)]
impl Table {
    /// A table with nothing but columns and a key, for tests.
    pub(crate) fn sample(name: &str, columns: Vec<Column>, primary_key: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            columns,
            primary_key: primary_key.iter().map(ToString::to_string).collect(),
            unique_keys: Vec::new(),
            checks: Vec::new(),
            exclusions: Vec::new(),
            foreign_keys: Vec::new(),
            indexes: Vec::new(),
            renamed_from: None,
            origin: String::new(),
        }
    }
}
