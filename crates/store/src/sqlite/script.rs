//! The statements of a change, in the order in which SQLite lets a schema be rebuilt.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use super::{define, describe, exclusion};
use crate::{
    Kind,
    catalog::Catalog,
    change::{self, Finding, TableChange, Work, is_cyclic},
    schema::{Column, Default, ForeignKey, Schema, Table, View},
    sql::{Unsupported, write_identifier, write_names},
};

/// Begins the names of tables that are being rebuilt.
const NEW: &str = "_vitruvius_new_";

/// Statements by stage: all copies are made before anything is dropped, so that names may swap.
pub(super) struct Script<'c> {
    connection: &'c Connection,
    drop_views: Vec<String>,
    copy: Vec<String>,
    drop: Vec<String>,
    rename: Vec<String>,
    create: Vec<String>,
    indexes: Vec<String>,
    create_views: Vec<String>,
    /// True where foreign keys have to be checked afterwards.
    pub(super) is_rebuilding: bool,
    views_changed: bool,
}

impl<'c> Script<'c> {
    /// Nothing yet, for the file behind `connection`.
    pub(super) fn on(connection: &'c Connection) -> Self {
        Self {
            connection,
            drop_views: Vec::new(),
            copy: Vec::new(),
            drop: Vec::new(),
            rename: Vec::new(),
            create: Vec::new(),
            indexes: Vec::new(),
            create_views: Vec::new(),
            is_rebuilding: false,
            views_changed: false,
        }
    }

    /// All statements in order.
    pub(super) fn statements(&self) -> impl Iterator<Item = &String> {
        [
            &self.drop_views,
            &self.copy,
            &self.drop,
            &self.rename,
            &self.create,
            &self.indexes,
            &self.create_views,
        ]
        .into_iter()
        .flatten()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.statements().next().is_none()
    }

    /// Turns what is there into what is wished for, with as little work as it takes.
    fn change_table(&mut self, change: TableChange<'_>) -> Result<Vec<String>, String> {
        let TableChange { lineage, source, was, will_be, catalog } = change;
        let (old, new) = (&source.physical.table, &lineage.target.table);
        let words = |unsupported: Unsupported| unsupported.0;
        let old_catalog = Catalog::of(&Schema { tables: vec![old.clone()], ..Schema::default() });
        let shape = Shape::of(old, was, &old_catalog).map_err(words)?;
        let next = Shape::of(new, will_be, catalog).map_err(words)?;
        let is_renamed =
            source.name != new.name || !source.former.is_empty() || source.refers_to_renamed;
        let added: Vec<&Column> =
            new.columns.iter().filter(|column| old.column(&column.name).is_none()).collect();
        let is_extended = !is_renamed
            && shape.rest == next.rest
            && shape.columns.iter().all(|(name, text)| next.columns.get(name) == Some(text))
            && added.iter().all(|column| is_simple(column));
        let indexes = index_definitions(new, catalog).map_err(words)?;
        if !is_extended {
            return self.rebuild(change, indexes);
        }
        let mut sql = Vec::new();
        for column in added {
            let mut text = String::from("ALTER TABLE ");
            write_identifier(&new.name, &mut text);
            text.push_str(" ADD COLUMN ");
            text.push_str(&define::column_definition(new, column, catalog).map_err(words)?);
            sql.push(text);
        }
        self.create.extend(sql.iter().cloned());
        let changed = self.change_indexes(old, &old_catalog, indexes)?;
        sql.extend(changed);
        Ok(sql)
    }

    fn change_indexes(
        &mut self,
        old: &Table,
        old_catalog: &Catalog,
        indexes: BTreeMap<String, String>,
    ) -> Result<Vec<String>, String> {
        let was = index_definitions(old, old_catalog).map_err(|unsupported| unsupported.0)?;
        let there = own_objects(self.connection, &old.name)
            .map_err(|error| error.to_string())?
            .into_keys()
            .collect::<BTreeSet<_>>();
        let unnamed = describe::own_key_names(self.connection, &old.name)
            .map_err(|error| error.to_string())?;
        let mut sql = Vec::new();
        for name in was.keys() {
            if indexes.get(name) != was.get(name) && there.contains(name) {
                let is_trigger = was.get(name).is_some_and(|it| it.starts_with("CREATE TRIGGER"));
                let mut text =
                    String::from(if is_trigger { "DROP TRIGGER " } else { "DROP INDEX " });
                write_identifier(name, &mut text);
                self.drop.push(text.clone());
                sql.push(text);
            }
        }
        for (name, text) in indexes {
            let stands = there.contains(&name) || unnamed.contains(&name);
            if was.get(&name) != Some(&text) || !stands {
                self.indexes.push(text.clone());
                sql.push(text);
            }
        }
        Ok(sql)
    }

    fn rebuild(
        &mut self,
        change: TableChange<'_>,
        indexes: BTreeMap<String, String>,
    ) -> Result<Vec<String>, String> {
        let TableChange { lineage, source, will_be: schema, catalog, .. } = change;
        let table = &lineage.target.table;
        let temporary = format!("{NEW}{}", table.name);
        let defers = |key: &ForeignKey| is_cyclic(schema, &table.name, key);
        let create = define::create_table(table, &temporary, catalog, defers)
            .map_err(|unsupported| unsupported.0)?;
        let mut copy = String::from("INSERT INTO ");
        write_identifier(&temporary, &mut copy);
        copy.push_str(" (");
        write_names(&lineage.copied, &mut copy);
        copy.push_str(") ");
        copy.push_str(&lineage.projection);
        let mut drop = String::from("DROP TABLE ");
        write_identifier(&source.name, &mut drop);
        let mut rename = String::from("ALTER TABLE ");
        write_identifier(&temporary, &mut rename);
        rename.push_str(" RENAME TO ");
        write_identifier(&table.name, &mut rename);
        let mut sql = vec![create.clone(), copy.clone()];
        self.copy.extend([create, copy]);
        if define::is_numbered(table) && define::is_numbered(&source.physical.table) {
            let counter = keep_counter(&source.name, &temporary);
            sql.extend(counter.iter().cloned());
            self.copy.extend(counter);
        }
        sql.extend([drop.clone(), rename.clone()]);
        self.drop.push(drop);
        self.rename.push(rename);
        // Indexes and triggers that somebody made by hand go along.
        let old = Catalog::of(&Schema {
            tables: vec![source.physical.table.clone()],
            ..Schema::default()
        });
        let known = index_definitions(&source.physical.table, &old).unwrap_or_default();
        let foreign =
            own_objects(self.connection, &source.name).map_err(|error| error.to_string())?;
        let foreign = foreign.into_iter().filter(|(name, _)| !known.contains_key(name));
        let indexes: Vec<String> =
            indexes.into_values().chain(foreign.map(|(_, sql)| sql)).collect();
        sql.extend(indexes.iter().cloned());
        self.indexes.extend(indexes);
        self.is_rebuilding = true;
        Ok(sql)
    }
}

impl change::Script for Script<'_> {
    fn create(
        &mut self,
        table: &Table,
        schema: &Schema,
        catalog: &Catalog,
    ) -> Result<Work, Unsupported> {
        let defers = |key: &ForeignKey| is_cyclic(schema, &table.name, key);
        let mut sql = vec![define::create_table(table, &table.name, catalog, defers)?];
        self.create.extend(sql.iter().cloned());
        let indexes: Vec<String> = index_definitions(table, catalog)?.into_values().collect();
        self.indexes.extend(indexes.iter().cloned());
        sql.extend(indexes);
        Ok(statements(sql))
    }

    /// One statement may serve several steps of a table: they stand with the last.
    fn change(
        &mut self,
        change: TableChange<'_>,
        findings: &mut [Finding],
    ) -> Result<Work, String> {
        let sql = self.change_table(change)?;
        match findings.last_mut() {
            Some(last) => {
                last.step.sql = sql;
                Ok(Work::default())
            }
            None => Ok(statements(sql)),
        }
    }

    fn drop_table(&mut self, name: &str) -> Work {
        let mut sql = String::from("DROP TABLE ");
        write_identifier(name, &mut sql);
        self.drop.push(sql.clone());
        self.is_rebuilding = true;
        statements(vec![sql])
    }

    fn view(&mut self, view: &View) -> Work {
        self.views_changed = true;
        statements(vec![define::create_view(view)])
    }

    fn drop_view(&mut self, name: &str) -> Work {
        self.views_changed = true;
        statements(vec![define::drop_view(name)])
    }

    /// Views hold nothing: they are made anew where one changes, and where tables are rebuilt.
    fn renew_views(&mut self, are: &[View], will_be: &[View]) {
        if !self.views_changed && !self.is_rebuilding {
            return;
        }
        self.drop_views = are.iter().map(|view| define::drop_view(&view.name)).collect();
        self.create_views = will_be.iter().map(define::create_view).collect();
    }
}

/// There is one writer: nothing is locked that anybody waits for.
fn statements(sql: Vec<String>) -> Work {
    Work { sql, locks: Vec::new() }
}

/// The numbers that were handed out stay handed out.
fn keep_counter(source: &str, temporary: &str) -> Vec<String> {
    let mut from = String::new();
    let mut to = String::new();
    crate::sql::write_text_literal(source, &mut from);
    crate::sql::write_text_literal(temporary, &mut to);
    vec![
        format!("DELETE FROM sqlite_sequence WHERE name = {to}"),
        format!(
            "INSERT INTO sqlite_sequence (name, seq) \
             SELECT {to}, seq FROM sqlite_sequence WHERE name = {from}"
        ),
    ]
}

/// What `CREATE TABLE` says, without regard to the order of columns.
struct Shape {
    columns: BTreeMap<String, String>,
    rest: BTreeSet<String>,
}

impl Shape {
    fn of(table: &Table, schema: &Schema, catalog: &Catalog) -> Result<Self, Unsupported> {
        let columns = table
            .columns
            .iter()
            .map(|column| {
                let text = define::column_definition(table, column, catalog)?;
                Ok((column.name.clone(), text))
            })
            .collect::<Result<_, _>>()?;
        let mut rest = BTreeSet::from([format!("primary key {:?}", table.primary_key)]);
        for check in &table.checks {
            let alone = Table {
                columns: Vec::new(),
                primary_key: Vec::new(),
                foreign_keys: Vec::new(),
                checks: vec![check.clone()],
                ..table.clone()
            };
            rest.insert(define::create_table(&alone, "", catalog, |_| false)?);
        }
        for key in &table.foreign_keys {
            rest.insert(format!("{key:?} {}", is_cyclic(schema, &table.name, key)));
        }
        Ok(Self { columns, rest })
    }
}

/// Columns that SQLite adds without touching a row.
fn is_simple(column: &Column) -> bool {
    let is_constant = match &column.default {
        None => column.nullable,
        Some(Default::Value(_)) => true,
        Some(_) => false,
    };
    is_constant && column.generated.is_none() && !matches!(column.kind, Kind::Serial { .. })
}

/// Unique keys, indexes and what keeps exclusions by name, as statements.
fn index_definitions(
    table: &Table,
    catalog: &Catalog,
) -> Result<BTreeMap<String, String>, Unsupported> {
    let mut definitions = BTreeMap::new();
    for key in &table.unique_keys {
        let sql = define::create_unique_key(&table.name, key, catalog)?;
        definitions.insert(key.name.clone(), sql);
    }
    for index in &table.indexes {
        let sql = define::create_index(&table.name, index, catalog)?;
        definitions.insert(index.name.clone(), sql);
    }
    for own in &table.exclusions {
        definitions.extend(exclusion::definitions(table, own, catalog)?);
    }
    Ok(definitions)
}

/// Indexes and triggers of a table as they are in the file.
fn own_objects(connection: &Connection, table: &str) -> rusqlite::Result<BTreeMap<String, String>> {
    connection
        .prepare(
            "SELECT name, sql FROM sqlite_schema
             WHERE tbl_name = ?1 AND type IN ('index', 'trigger') AND sql IS NOT NULL",
        )?
        .query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
