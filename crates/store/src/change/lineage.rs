//! Where each wished-for table and column comes from: its own past, another name, or nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Ground,
    ledger::{PhysicalTable, Snapshot},
};
use crate::{
    Kind, Value,
    catalog::Catalog,
    decimal,
    schema::{Column, Schema, Table},
    sql::write_identifier,
};

/// A wished-for table beside what it comes from.
#[derive(Debug)]
pub(crate) struct Lineage {
    /// The table that is there, under today's names of tables and columns.
    pub(crate) source: Option<Source>,
    /// What will be there: the wished-for table with the columns that are only kept.
    pub(crate) target: PhysicalTable,
    /// `SELECT` that shows the rows that are there with the columns that will be.
    pub(crate) projection: String,
    /// Columns that the projection gives, in order.
    pub(crate) copied: Vec<String>,
}

/// A table that is there.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its name in the file.
    pub(crate) name: String,
    /// As it would be under the new names.
    pub(crate) physical: PhysicalTable,
    /// True where a table that it refers to has another name now.
    pub(crate) refers_to_renamed: bool,
    /// Former names of columns by today's.
    pub(crate) former: BTreeMap<String, String>,
}

/// Lineages of all wished-for tables, and the names of tables that are left behind.
pub(crate) fn trace(
    ground: &dyn Ground,
    snapshot: &Snapshot,
    wished: &Schema,
    catalog: &Catalog,
) -> (Vec<Lineage>, Vec<String>) {
    let sources: Vec<(&Table, Option<&PhysicalTable>)> =
        wished.tables.iter().map(|table| (table, source_of(snapshot, wished, table))).collect();
    let used: BTreeSet<&str> = sources
        .iter()
        .filter_map(|(_, source)| source.map(|source| source.table.name.as_str()))
        .collect();
    let left = snapshot.tables.iter().map(|table| table.table.name.clone());
    let left = left.filter(|name| !used.contains(name.as_str())).collect();
    let renames: Renames = sources
        .iter()
        .filter_map(|(table, source)| Some((*table, (*source)?)))
        .map(|(table, source)| {
            let columns = renamed_columns(table, &source.table);
            (source.table.name.clone(), (table.name.clone(), columns))
        })
        .collect();
    let lineages = sources
        .into_iter()
        .map(|(table, source)| lineage(ground, table, source, wished, catalog, &renames))
        .collect();
    (lineages, left)
}

/// By a table's former name: today's name, and today's names of its columns by their former ones.
type Renames = BTreeMap<String, (String, BTreeMap<String, String>)>;

fn source_of<'s>(
    snapshot: &'s Snapshot,
    wished: &Schema,
    table: &Table,
) -> Option<&'s PhysicalTable> {
    snapshot.table(&table.name).or_else(|| {
        let former = table.renamed_from.as_ref()?;
        snapshot.table(former).filter(|_| wished.table(former).is_none())
    })
}

fn renamed_columns(table: &Table, source: &Table) -> BTreeMap<String, String> {
    table
        .columns
        .iter()
        .filter(|column| source.column(&column.name).is_none())
        .filter_map(|column| Some((column.renamed_from.clone()?, column.name.clone())))
        .filter(|(former, _)| source.column(former).is_some() && table.column(former).is_none())
        .collect()
}

fn lineage(
    ground: &dyn Ground,
    table: &Table,
    source: Option<&PhysicalTable>,
    wished: &Schema,
    catalog: &Catalog,
    renames: &Renames,
) -> Lineage {
    let mut target = PhysicalTable {
        table: Table { renamed_from: None, ..table.clone() },
        is_kept: false,
        kept_columns: BTreeSet::new(),
    };
    let Some(source) = source else {
        return Lineage { source: None, target, projection: String::new(), copied: Vec::new() };
    };
    let physical = renamed(source, renames);
    for column in &physical.table.columns {
        let is_dropped = wished.drops.iter().any(|drop| {
            drop.column.as_ref() == Some(&column.name)
                && (drop.table == table.name || drop.table == source.table.name)
        });
        if table.column(&column.name).is_none() && !is_dropped {
            target.kept_columns.insert(column.name.clone());
            target.table.columns.push(Column {
                nullable: true,
                default: None,
                generated: None,
                renamed_from: None,
                ..column.clone()
            });
        }
    }
    let former: BTreeMap<String, String> = renames
        .get(&source.table.name)
        .map(|(_, columns)| columns.iter().map(|(old, new)| (new.clone(), old.clone())).collect())
        .unwrap_or_default();
    let source = Source {
        name: source.table.name.clone(),
        refers_to_renamed: physical.table.foreign_keys != source.table.foreign_keys,
        physical,
        former,
    };
    let (projection, copied) = project(ground, &target.table, &source, catalog);
    Lineage { source: Some(source), target, projection, copied }
}

/// A table that stays what it is, but for what `target` says of its constraints.
pub(crate) fn unchanged(
    ground: &dyn Ground,
    physical: &PhysicalTable,
    target: PhysicalTable,
) -> Lineage {
    let source = Source {
        name: physical.table.name.clone(),
        refers_to_renamed: false,
        physical: physical.clone(),
        former: BTreeMap::new(),
    };
    let (projection, copied) = project(ground, &target.table, &source, &Catalog::default());
    Lineage { source: Some(source), target, projection, copied }
}

/// A table that is there under the new names of tables and columns.
fn renamed(source: &PhysicalTable, renames: &Renames) -> PhysicalTable {
    let mut physical = source.clone();
    let table = &mut physical.table;
    for key in &mut table.foreign_keys {
        if let Some((name, columns)) = renames.get(&key.table) {
            key.table.clone_from(name);
            rename_all(&mut key.referred, columns);
        }
    }
    let Some((name, columns)) = renames.get(&source.table.name) else {
        return physical;
    };
    table.name.clone_from(name);
    rename_all(&mut table.primary_key, columns);
    for key in &mut table.foreign_keys {
        rename_all(&mut key.columns, columns);
    }
    for key in &mut table.unique_keys {
        rename_all(&mut key.columns, columns);
        key.condition = key.condition.take().map(|it| it.with_columns_renamed(columns));
    }
    for own in &mut table.exclusions {
        own.columns_mut().for_each(|name| rename_all(std::slice::from_mut(name), columns));
        own.condition = own.condition.take().map(|it| it.with_columns_renamed(columns));
    }
    for check in &mut table.checks {
        check.condition = check.condition.clone().with_columns_renamed(columns);
    }
    for index in &mut table.indexes {
        index.condition = index.condition.take().map(|it| it.with_columns_renamed(columns));
        for (part, _) in &mut index.parts {
            *part = part.clone().with_columns_renamed(columns);
        }
    }
    for column in &mut table.columns {
        if let Some(new) = columns.get(&column.name) {
            column.name.clone_from(new);
        }
        column.generated = column.generated.take().map(|it| it.with_columns_renamed(columns));
    }
    physical
}

fn rename_all(names: &mut [String], columns: &BTreeMap<String, String>) {
    for name in names {
        if let Some(new) = columns.get(name) {
            name.clone_from(new);
        }
    }
}

fn project(
    ground: &dyn Ground,
    table: &Table,
    source: &Source,
    catalog: &Catalog,
) -> (String, Vec<String>) {
    let mut sql = String::from("SELECT ");
    let mut copied = Vec::new();
    for column in table.columns.iter().filter(|column| column.generated.is_none()) {
        if !copied.is_empty() {
            sql.push_str(", ");
        }
        match source.physical.table.column(&column.name) {
            Some(own) => {
                let former = source.former.get(&column.name).unwrap_or(&column.name);
                sql.push_str(&ground.converted(former, &own.kind, &column.kind));
            }
            None if matches!(column.kind, Kind::Serial { .. }) => {
                sql.push_str("row_number() OVER ()");
            }
            None => {
                let default = ground.default_text(table, column, catalog).ok().flatten();
                sql.push_str(default.as_deref().unwrap_or("NULL"));
            }
        }
        sql.push_str(" AS ");
        write_identifier(&ground.kept(&column.name), &mut sql);
        copied.push(column.name.clone());
    }
    sql.push_str(" FROM ");
    write_identifier(&ground.kept(&source.name), &mut sql);
    (sql, copied)
}

/// True where values of both kinds are stored in the same form, so that only limits differ.
pub(crate) fn is_kept_alike(from: &Kind, to: &Kind) -> bool {
    let is_word = |kind: &Kind| {
        matches!(
            kind,
            Kind::Text { .. } | Kind::CaseInsensitiveText | Kind::Enum { .. } | Kind::Other { .. }
        )
    };
    match (from, to) {
        (
            Kind::Integer { .. } | Kind::Serial { .. },
            Kind::Integer { .. } | Kind::Serial { .. },
        )
        | (Kind::Timestamp { .. }, Kind::Timestamp { .. }) => true,
        (
            Kind::Uuid
            | Kind::Timestamp { .. }
            | Kind::Date
            | Kind::Time
            | Kind::Interval
            | Kind::Network,
            to,
        ) => is_word(to),
        (from, to) => is_word(from) && is_word(to),
    }
}

/// True where every value of `from` is one of `to`.
pub(crate) fn is_wider(from: &Kind, to: &Kind) -> bool {
    match (from, to) {
        (Kind::Text { length_max: from }, Kind::Text { length_max: to }) => {
            to.is_none_or(|to| from.is_some_and(|from| from <= to))
        }
        (
            Kind::Integer { bits: from } | Kind::Serial { bits: from },
            Kind::Integer { bits: to } | Kind::Serial { bits: to },
        )
        | (Kind::Real { bits: from }, Kind::Real { bits: to }) => from <= to,
        (Kind::Numeric { .. }, Kind::Numeric { precision: None, .. }) => true,
        (
            Kind::Numeric { precision: Some(from), scale: from_scale },
            Kind::Numeric { precision: Some(to), scale: to_scale },
        ) => {
            let (from_scale, to_scale) = (from_scale.unwrap_or(0), to_scale.unwrap_or(0));
            from_scale <= to_scale && from - from_scale.min(*from) <= to - to_scale.min(*to)
        }
        (Kind::Enum { values: from, .. }, Kind::Enum { values: to, .. }) => {
            from.iter().all(|value| to.contains(value))
        }
        (Kind::Timestamp { .. }, Kind::Timestamp { .. }) => true,
        (Kind::Bytes, to) => *to == Kind::Bytes,
        (_, Kind::Text { length_max: None }) => true,
        (from, to) => from == to,
    }
}

/// A value that is shown as `text`, in another kind; none where it is none or would lose digits.
pub(crate) fn read_as(text: &str, to: &Kind) -> Option<Value> {
    let is_number = matches!(to, Kind::Integer { .. } | Kind::Serial { .. });
    let text = match text.trim_end_matches('0').strip_suffix('.') {
        Some(whole) if is_number => whole,
        _ => text,
    };
    let value = to.parse_text(text).ok()?;
    match &value {
        Value::Decimal(digits) if decimal::compare(digits, text).is_ne() => None,
        _ => Some(value),
    }
}
