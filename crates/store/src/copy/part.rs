//! What is copied of a table: its columns but for those that the store computes, in the order of
//! its key.

use crate::{
    Kind, Value,
    schema::{ForeignKey, Schema, Table},
};

/// Begins the names of tables that are no document's.
const OWN_PREFIX: &str = "_vitruvius_";

/// A row: a value for each column of its part.
pub(crate) type Row = Vec<Value>;

/// A table's part in a copy.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) table: String,
    pub(crate) columns: Vec<(String, Kind)>,
    /// What rows are ordered by; a table without a key is read in the order in which its rows lie.
    pub(crate) key: Vec<(String, Kind)>,
    /// Columns that the store numbers.
    pub(crate) serials: Vec<String>,
}

/// Some rows of a table in its order, and the place after the last of them.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) rows: Vec<Row>,
    pub(crate) last: Vec<Value>,
}

impl Part {
    fn of(table: &Table) -> Self {
        let pair = |name: &String, kind: &Kind| (name.clone(), kind.clone());
        let copied = table.columns.iter().filter(|column| column.generated.is_none());
        let serial =
            table.columns.iter().filter(|column| matches!(column.kind, Kind::Serial { .. }));
        let key = table.primary_key.iter().filter_map(|name| table.column(name));
        Self {
            table: table.name.clone(),
            columns: copied.map(|column| pair(&column.name, &column.kind)).collect(),
            key: key.map(|column| pair(&column.name, &column.kind)).collect(),
            serials: serial.map(|column| column.name.clone()).collect(),
        }
    }

    /// True for a table of the engine's own.
    pub(crate) fn is_own(&self) -> bool {
        self.table.starts_with(OWN_PREFIX)
    }

    /// The row's key for people: `id 7`; the place of a row without one.
    pub(crate) fn key_of(&self, row: &[Value]) -> String {
        let place = |name: &String| self.columns.iter().position(|(own, _)| own == name);
        let value = |name: &String| row.get(place(name)?).map(ToString::to_string);
        let parts: Vec<String> = self
            .key
            .iter()
            .filter_map(|(name, _)| Some(format!("{name} {}", value(name)?)))
            .collect();
        match parts.is_empty() {
            true => "without a key".to_owned(),
            false => parts.join(", "),
        }
    }
}

/// All parts of a schema.
pub(crate) fn parts(schema: &Schema) -> Vec<Part> {
    schema.tables.iter().map(Part::of).collect()
}

/// The tables with what every row by itself must fulfil. The rest is added once all rows are there,
/// which is faster and leaves the order of tables free. Where a table would have to be made anew
/// for its foreign keys, they stay, with the unique keys that they stand on.
pub(crate) fn bare(schema: &Schema, keeps_foreign_keys: bool) -> Schema {
    let mut bare = Schema { views: Vec::new(), ..schema.clone() };
    let keys: Vec<ForeignKey> =
        schema.tables.iter().flat_map(|table| table.foreign_keys.clone()).collect();
    for table in &mut bare.tables {
        table.indexes.clear();
        if !keeps_foreign_keys {
            table.foreign_keys.clear();
            table.exclusions.clear();
        }
        let name = &table.name;
        table.unique_keys.retain(|own| {
            let stands_below = |key: &ForeignKey| {
                key.table == *name && key.referred.iter().all(|it| own.columns.contains(it))
            };
            keeps_foreign_keys && keys.iter().any(stands_below)
        });
    }
    bare
}
