//! A database that no document made, described from its catalog.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Postgres,
    talk::Talk,
    there::{ColumnThere, ConstraintThere, TableThere, There},
};
use crate::{
    StoreError,
    description::{
        DescribedColumn, DescribedTable, Description, Reference, name_in_sql, names_in_sql,
    },
};

/// Indexes that stand for no constraint, with their definitions.
const INDEXES: &str = "
    SELECT c.relname::text,
      replace(pg_get_indexdef(i.indexrelid), ' ON ' || quote_ident(current_schema()) || '.', ' ON ')
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND i.indisvalid AND NOT i.indisprimary
      AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint o WHERE o.conindid = i.indexrelid
        AND o.contype IN ('p', 'u', 'x'))
    ORDER BY c.relname, x.relname";
/// Views in the order in which they were made, which is one in which each reads earlier ones.
const VIEWS: &str = "
    SELECT c.relname::text, c.relkind::text, pg_get_viewdef(c.oid)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('v', 'm', 'f')
      AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
        WHERE d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.oid";
/// Tables that are parts of others, or belong to an extension.
const PARTS: &str = "
    SELECT c.relname::text
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND (c.relispartition
      OR EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
        WHERE d.objid = c.oid AND d.deptype = 'e'))";

impl Postgres {
    /// What is there, whether a document made it or not.
    pub(crate) async fn describe(&self) -> Result<Description, StoreError> {
        self.talk(|talk| {
            talk.transaction("SET TRANSACTION READ ONLY", || Ok((describe(talk)?, false)))
        })
        .await
    }
}

fn describe(talk: &Talk) -> Result<Description, StoreError> {
    let there = There::read(talk)?;
    let parts: BTreeSet<String> = talk.rows(PARTS, &[])?.iter().map(|row| row.get(0)).collect();
    let mut indexes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in talk.rows(INDEXES, &[])? {
        indexes.entry(row.get(0)).or_default().push(row.get(1));
    }
    let mut description = Description::default();
    let mut enumerations = BTreeSet::new();
    for (name, table) in &there.tables {
        if name.starts_with("_vitruvius_") || parts.contains(name) {
            continue;
        }
        for column in table.columns.iter().filter(|column| !column.labels.is_empty()) {
            enumerations.insert(column.native.trim_end_matches("[]").trim_matches('"').to_owned());
        }
        let own = indexes.remove(name).unwrap_or_default();
        let (described, left_out) = table_of(talk, name, table, own)?;
        description.tables.push(described);
        description.left_out.extend(left_out);
    }
    for name in enumerations {
        let values = there.types.get(&name).cloned().unwrap_or_default();
        description.enumerations.push((name, values));
    }
    for row in talk.rows(VIEWS, &[])? {
        let (name, kind): (String, String) = (row.get(0), row.get(1));
        match kind.as_str() {
            "v" => description.views.push((name, row.get(2))),
            "m" => description.left_out.push(format!("`{name}`: a materialized view")),
            _ => description.left_out.push(format!("`{name}`: a foreign table")),
        }
    }
    description.keep_what_can_be_said();
    Ok(description)
}

fn table_of(
    talk: &Talk,
    name: &str,
    table: &TableThere,
    indexes: Vec<String>,
) -> Result<(DescribedTable, Vec<String>), StoreError> {
    let sql = format!("SELECT count(*) FROM {}", super::define::quoted(name));
    let rows: i64 = talk.rows(&sql, &[])?.first().map_or(0, |row| row.get(0));
    let mut described = DescribedTable {
        name: name.to_owned(),
        columns: table.columns.iter().map(column_of).collect(),
        primary_key: table.primary_key().map(|key| key.columns.clone()).unwrap_or_default(),
        indexes,
        rows: u64::try_from(rows).unwrap_or(0),
        ..DescribedTable::default()
    };
    let mut left_out = Vec::new();
    for constraint in &table.constraints {
        match constraint.kind.as_str() {
            "x" => left_out.push(format!(
                "constraint `{}` of `{name}`: {}",
                constraint.name, constraint.definition
            )),
            "f" => described.references.extend(reference(table, constraint)),
            _ => described.constraints.push(words(constraint)),
        }
    }
    Ok((described, left_out))
}

/// A constraint as a document writes it. When a key is checked is the database's affair.
fn words(constraint: &ConstraintThere) -> String {
    let definition = match constraint.kind.as_str() {
        "p" => format!("PRIMARY KEY ({})", names_in_sql(&constraint.columns)),
        _ => constraint.definition.clone(),
    };
    let definition = definition.split(" DEFERRABLE").next().unwrap_or_default().to_owned();
    format!("CONSTRAINT {} {definition}", name_in_sql(&constraint.name))
}

fn reference(table: &TableThere, key: &ConstraintThere) -> Option<Reference> {
    let is_unique = table
        .constraints
        .iter()
        .any(|own| matches!(own.kind.as_str(), "p" | "u") && own.columns == key.columns);
    let is_required =
        key.columns.iter().all(|name| table.column(name).is_some_and(|column| column.is_required));
    Some(Reference {
        constraint: words(key),
        columns: key.columns.clone(),
        table: key.referred.clone()?,
        is_unique,
        is_required,
    })
}

fn column_of(column: &ColumnThere) -> DescribedColumn {
    let is_serial = column.is_serial();
    let expression = column.expression.clone();
    DescribedColumn {
        name: column.name.clone(),
        native: column.kind().to_string(),
        is_required: column.is_required,
        default: expression.clone().filter(|_| !column.is_generated && !is_serial),
        generated: expression.filter(|_| column.is_generated),
    }
}
