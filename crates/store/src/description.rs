//! What is in a database that no document made, in words that a document can take over: DDL in
//! PostgreSQL's dialect and the relations between its tables.

use std::collections::BTreeSet;

/// Everything that a document can declare of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description {
    /// Enumerated types with their values.
    pub enumerations: Vec<(String, Vec<String>)>,
    /// Tables by name.
    pub tables: Vec<DescribedTable>,
    /// Views with their SELECT, each after those that it reads.
    pub views: Vec<(String, String)>,
    /// What stays in the database without being declared, and why.
    pub left_out: Vec<String>,
}

/// A table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DescribedTable {
    /// Its name.
    pub name: String,
    /// Its columns in order.
    pub columns: Vec<DescribedColumn>,
    /// Columns of its key.
    pub primary_key: Vec<String>,
    /// Keys and checks but for foreign keys, as they stand in `CREATE TABLE`.
    pub constraints: Vec<String>,
    /// Whole `CREATE INDEX` statements.
    pub indexes: Vec<String>,
    /// Relations to other tables.
    pub references: Vec<Reference>,
    /// How many rows it has.
    pub rows: u64,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedColumn {
    /// Its name.
    pub name: String,
    /// Its type in PostgreSQL's words.
    pub native: String,
    /// Must have a value.
    pub is_required: bool,
    /// The default as SQL.
    pub default: Option<String>,
    /// What it is computed from, as SQL.
    pub generated: Option<String>,
}

/// One table's rows refer to another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The foreign key, as it stands in `CREATE TABLE`.
    pub constraint: String,
    /// The referring columns.
    pub columns: Vec<String>,
    /// The table referred to.
    pub table: String,
    /// At most one row refers to each.
    pub is_unique: bool,
    /// Every row refers to one.
    pub is_required: bool,
}

/// Words that PostgreSQL takes for its own where a name stands.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "current_date",
    "current_role",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "from",
    "grant",
    "group",
    "having",
    "in",
    "initially",
    "intersect",
    "into",
    "lateral",
    "leading",
    "limit",
    "localtime",
    "localtimestamp",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "placing",
    "primary",
    "references",
    "returning",
    "select",
    "session_user",
    "some",
    "symmetric",
    "table",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "when",
    "where",
    "window",
    "with",
];

/// A name as it stands in SQL.
pub fn name_in_sql(name: &str) -> String {
    if is_plain(name) && !RESERVED.contains(&name) {
        return name.to_owned();
    }
    let mut quoted = String::new();
    crate::sql::write_identifier(name, &mut quoted);
    quoted
}

/// Names with commas between.
pub(crate) fn names_in_sql(names: &[String]) -> String {
    names.iter().map(|name| name_in_sql(name)).collect::<Vec<_>>().join(", ")
}

/// True for a name that a document can give: lower case, digits and underscores.
pub(crate) fn is_plain(name: &str) -> bool {
    let is_first = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    name.bytes().next().is_some_and(is_first)
        && name.bytes().all(|byte| is_first(byte) || byte.is_ascii_digit())
}

impl Description {
    /// What is in an SQLite file, which is only read.
    ///
    /// # Errors
    /// [`crate::StoreError::Unavailable`] where it cannot be read.
    pub fn of_file(path: &std::path::Path) -> Result<Self, crate::StoreError> {
        crate::sqlite::of_file(path)
    }

    /// The definitions in an order in which each stands on earlier ones, but for keys.
    pub fn ddl(&self) -> String {
        let mut sql = String::new();
        for (name, values) in &self.enumerations {
            let mut list = String::new();
            for value in values {
                list.push_str(if list.is_empty() { "" } else { ", " });
                crate::sql::write_text_literal(value, &mut list);
            }
            sql.push_str(&format!("CREATE TYPE {} AS ENUM ({list});\n\n", name_in_sql(name)));
        }
        for table in &self.tables {
            sql.push_str(&table.ddl());
        }
        for (name, select) in &self.views {
            let select = select.trim().trim_end_matches(';');
            sql.push_str(&format!("CREATE VIEW {} AS\n{select};\n\n", name_in_sql(name)));
        }
        sql.truncate(sql.trim_end().len());
        sql
    }

    /// Takes out what cannot be declared, and says so.
    pub(crate) fn keep_what_can_be_said(&mut self) {
        let mut left_out = Vec::new();
        self.tables.retain_mut(|table| table.is_sayable(&mut left_out));
        let names: BTreeSet<String> = self.tables.iter().map(|table| table.name.clone()).collect();
        for table in &mut self.tables {
            table.references.retain(|reference| names.contains(&reference.table));
        }
        self.views.retain(|(name, _)| {
            let is_sayable = is_plain(name) && !names.contains(name);
            if !is_sayable {
                left_out.push(format!("view `{name}`: its name needs quotes"));
            }
            is_sayable
        });
        self.left_out.extend(left_out);
    }
}

impl DescribedTable {
    fn ddl(&self) -> String {
        let mut lines: Vec<String> = self
            .columns
            .iter()
            .map(|column| {
                let mut line = format!("  {} {}", name_in_sql(&column.name), column.native);
                if column.is_required {
                    line.push_str(" NOT NULL");
                }
                if let Some(default) = &column.default {
                    line.push_str(&format!(" DEFAULT {default}"));
                }
                if let Some(generated) = &column.generated {
                    line.push_str(&format!(" GENERATED ALWAYS AS ({generated}) STORED"));
                }
                line
            })
            .collect();
        let keys = self.references.iter().map(|reference| &reference.constraint);
        lines.extend(self.constraints.iter().chain(keys).map(|words| format!("  {words}")));
        let mut sql =
            format!("CREATE TABLE {} (\n{}\n);\n", name_in_sql(&self.name), lines.join(",\n"));
        for index in &self.indexes {
            sql.push_str(&format!("{index};\n"));
        }
        sql.push('\n');
        sql
    }

    /// True where the table can be declared; columns that cannot are taken out.
    fn is_sayable(&mut self, left_out: &mut Vec<String>) -> bool {
        let name = &self.name;
        if !is_plain(name) {
            left_out.push(format!("table `{name}`: its name needs quotes"));
            return false;
        }
        let strange: Vec<&DescribedColumn> =
            self.columns.iter().filter(|column| !is_plain(&column.name)).collect();
        let is_needed = |column: &&&DescribedColumn| {
            (column.is_required && column.default.is_none())
                || self.primary_key.contains(&column.name)
        };
        if let Some(column) = strange.iter().find(is_needed) {
            let column = &column.name;
            left_out
                .push(format!("table `{name}`: the name of its column `{column}` needs quotes"));
            return false;
        }
        for column in &strange {
            left_out.push(format!("column `{name}.{}`: its name needs quotes", column.name));
        }
        let quoted: Vec<String> = strange.iter().map(|it| name_in_sql(&it.name)).collect();
        let is_sayable = |sql: &String| !quoted.iter().any(|name| sql.contains(name));
        self.constraints.retain(is_sayable);
        self.indexes.retain(is_sayable);
        self.references.retain(|reference| reference.columns.iter().all(|name| is_plain(name)));
        self.columns.retain(|column| is_plain(&column.name));
        true
    }
}
