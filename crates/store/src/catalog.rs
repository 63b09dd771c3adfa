//! What the store knows of the schema it serves while it writes SQL and explains errors.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use crate::{
    Kind,
    schema::{ForeignKey, Schema, Table},
};

/// The schema at hand, for look-ups by name.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    /// Looked into for every statement, and filled by nobody but the document: a quick hash will do.
    tables: foldhash::HashMap<String, TableEntry>,
    /// Columns of unique keys by the key's name.
    unique_keys: HashMap<String, (String, Vec<String>)>,
    /// Tables of checks by the check's name.
    checks: HashMap<String, String>,
    /// Tables of exclusions by the exclusion's name.
    exclusions: HashMap<String, String>,
    /// Queries of the document in the words of the store, by how the document writes them.
    pub(crate) translated: Mutex<HashMap<String, Arc<Translated>>>,
}

/// A SELECT of the document as the store runs it, and what is known of its columns.
#[derive(Debug)]
pub(crate) struct Translated {
    pub(crate) sql: String,
    /// Kinds of columns by their names, where they could be told.
    pub(crate) kinds: HashMap<String, Kind>,
    /// Names of its parameters, where they are numbered.
    pub(crate) parameters: Vec<String>,
}

/// A table of the catalog.
#[derive(Debug)]
pub(crate) struct TableEntry {
    pub(crate) name: String,
    pub(crate) primary_key: Vec<String>,
    columns: foldhash::HashMap<String, ColumnEntry>,
    /// Serial columns that are not the whole primary key: the writer counts them up.
    pub(crate) counted: Vec<String>,
    pub(crate) foreign_keys: Vec<ForeignKey>,
    /// Foreign keys of other tables (or its own) that refer to it.
    pub(crate) referring: Vec<(String, ForeignKey)>,
}

/// A column of the catalog.
#[derive(Debug)]
pub(crate) struct ColumnEntry {
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
}

impl Catalog {
    pub(crate) fn of(schema: &Schema) -> Self {
        let mut catalog = Self::default();
        for table in &schema.tables {
            catalog.tables.insert(table.name.clone(), TableEntry::of(table, schema));
            for check in &table.checks {
                catalog.checks.insert(check.name.clone(), table.name.clone());
            }
            for own in &table.exclusions {
                catalog.exclusions.insert(own.name.clone(), table.name.clone());
            }
            for key in &table.unique_keys {
                let columns = (table.name.clone(), key.columns.clone());
                catalog.unique_keys.insert(key.name.clone(), columns);
            }
        }
        catalog
    }

    pub(crate) fn table(&self, name: &str) -> Option<&TableEntry> {
        self.tables.get(name)
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &TableEntry> {
        self.tables.values()
    }

    /// Table and columns of the unique key of this name.
    pub(crate) fn unique_key(&self, name: &str) -> Option<&(String, Vec<String>)> {
        self.unique_keys.get(name)
    }

    /// All unique keys: names, tables and columns.
    pub(crate) fn unique_keys(&self) -> impl Iterator<Item = (&str, &(String, Vec<String>))> {
        self.unique_keys.iter().map(|(name, key)| (name.as_str(), key))
    }

    /// The names of all checks.
    pub(crate) fn checks(&self) -> impl Iterator<Item = &str> {
        self.checks.keys().map(String::as_str)
    }

    /// The names of all exclusions.
    pub(crate) fn exclusions(&self) -> impl Iterator<Item = &str> {
        self.exclusions.keys().map(String::as_str)
    }

    /// The table that has the exclusion of this name.
    pub(crate) fn table_of_exclusion(&self, name: &str) -> Option<&str> {
        self.exclusions.get(name).map(String::as_str)
    }

    /// The table that has the check of this name.
    pub(crate) fn table_of_check(&self, name: &str) -> Option<&str> {
        self.checks.get(name).map(String::as_str)
    }

    /// The kind of a column that means the same in all tables which have it.
    pub(crate) fn kind_everywhere(&self, column: &str) -> Option<&Kind> {
        let mut kinds = self.tables.values().filter_map(|table| table.columns.get(column));
        let first = &kinds.next()?.kind;
        kinds.all(|other| other.kind == *first).then_some(first)
    }
}

impl TableEntry {
    fn of(table: &Table, schema: &Schema) -> Self {
        let columns = table
            .columns
            .iter()
            .map(|column| {
                let is_key = table.primary_key.contains(&column.name);
                let nullable = column.nullable && !is_key;
                (column.name.clone(), ColumnEntry { kind: column.kind.clone(), nullable })
            })
            .collect();
        let counted = table
            .columns
            .iter()
            .filter(|column| matches!(column.kind, Kind::Serial { .. }))
            .filter(|column| table.primary_key != [column.name.clone()])
            .map(|column| column.name.clone())
            .collect();
        let referring = schema
            .tables
            .iter()
            .flat_map(|child| child.foreign_keys.iter().map(|key| (child.name.clone(), key)))
            .filter(|(_, key)| key.table == table.name)
            .map(|(child, key)| (child, key.clone()))
            .collect();
        Self {
            name: table.name.clone(),
            primary_key: table.primary_key.clone(),
            columns,
            counted,
            foreign_keys: table.foreign_keys.clone(),
            referring,
        }
    }

    pub(crate) fn column_names(&self) -> impl Iterator<Item = &str> {
        self.columns.keys().map(String::as_str)
    }

    pub(crate) fn column(&self, name: &str) -> Option<&ColumnEntry> {
        self.columns.get(name)
    }
}
