//! Definitions tried as temporary tables, which leave with the transaction.

use std::collections::BTreeSet;

use super::{
    define::{self, Types},
    names, native,
    talk::Talk,
    translate,
};
use crate::{
    Kind, StoreError,
    catalog::Catalog,
    change::{NotServed, Trial, refine},
    schema::{Exclusion, ForeignKey, Index, Schema, Table, UniqueKey, View},
    sql::Unsupported,
};

/// `schema` without what the database refuses, and what that is. Nothing of it stays.
pub(super) fn refined(
    talk: &Talk,
    schema: &Schema,
) -> Result<(Schema, Vec<NotServed>), StoreError> {
    talk.settle("SAVEPOINT trial")?;
    let mut refused = Vec::new();
    let mut known = schema.clone();
    for table in &mut known.tables {
        // An index of the primary key's name over its columns is the primary key.
        let (name, columns) = (names::primary_key(&table.name), table.primary_key.clone());
        table.unique_keys.retain(|key| key.name != name || key.columns != columns);
        for column in &mut table.columns {
            let is_taken = define::enumeration(&column.kind)
                .is_some_and(|(name, _)| schema.table(name).is_some());
            let why = match is_taken {
                true => Some("a table has the type's name".to_owned()),
                false => without_counterpart(talk, &column.kind),
            };
            if let Some(why) = why {
                refused.push(NotServed {
                    what: format!("type {} of {}.{}", column.kind, table.name, column.name),
                    why: format!("{why}; it is kept as text"),
                    origin: column.origin.clone(),
                    is_fatal: false,
                });
                column.kind = Kind::Text { length_max: None };
            }
        }
    }
    let tables = known.tables.clone();
    let mut trial =
        Temporary { talk, schema: &known, enumerations: BTreeSet::new(), tables: &tables };
    let (refined, more) = refine(&mut trial, &known);
    refused.extend(more);
    talk.settle("ROLLBACK TO SAVEPOINT trial; RELEASE SAVEPOINT trial")?;
    Ok((refined, refused))
}

/// Why the database has no such type; none where it has.
fn without_counterpart(talk: &Talk, kind: &Kind) -> Option<String> {
    let (Kind::Other { .. } | Kind::CaseInsensitiveText) = kind else {
        return None;
    };
    let name = native::type_of(kind);
    if let Some(extension) = define::extension(kind) {
        let create = format!("CREATE EXTENSION IF NOT EXISTS {extension}");
        return talk.attempt(|| talk.run(&create)).err().map(|error| error.to_string());
    }
    let is_there = talk
        .attempt(|| talk.rows("SELECT to_regtype($1) IS NOT NULL", &[&name.as_ref()]))
        .is_ok_and(|rows| rows.first().is_some_and(|row| row.get(0)));
    (!is_there).then(|| format!("the database has no type `{name}`"))
}

struct Temporary<'a> {
    talk: &'a Talk,
    schema: &'a Schema,
    tables: &'a [Table],
    /// Enumerated types that are tried already.
    enumerations: BTreeSet<String>,
}

impl Temporary<'_> {
    fn attempt(&self, sql: Result<String, Unsupported>) -> Result<(), String> {
        let sql = sql.map_err(|unsupported| unsupported.0)?;
        self.talk.attempt(|| self.talk.run(&sql)).map_err(|error| words(&error))
    }
}

impl Trial for Temporary<'_> {
    fn table(&mut self, table: &Table, catalog: &Catalog) -> Result<(), String> {
        let kinds = table.columns.iter().map(|column| &column.kind);
        for (name, values) in kinds.filter_map(define::enumeration) {
            if self.enumerations.insert(name.to_owned()) {
                let create = define::create_enumeration("pg_temp.", name, values);
                self.attempt(Ok(create))?;
            }
        }
        self.attempt(define::create_table(table, "TEMPORARY ", catalog, &Types::new()))
    }

    fn unique_key(
        &mut self,
        table: &str,
        key: &UniqueKey,
        catalog: &Catalog,
    ) -> Result<(), String> {
        self.attempt(define::create_unique_key(table, key, catalog, false))
    }

    fn index(&mut self, table: &str, index: &Index, catalog: &Catalog) -> Result<(), String> {
        if let Some(extension) = define::index_extension(catalog, table, index) {
            self.attempt(Ok(format!("CREATE EXTENSION IF NOT EXISTS {extension}")))?;
        }
        self.attempt(define::create_index(table, index, catalog, false))
    }

    fn exclusion(
        &mut self,
        table: &Table,
        own: &Exclusion,
        catalog: &Catalog,
    ) -> Result<(), String> {
        if !own.equal.is_empty() {
            let extension = define::EQUALITY;
            self.attempt(Ok(format!("CREATE EXTENSION IF NOT EXISTS {extension}")))?;
        }
        let name = define::quoted(&table.name);
        let add = define::exclusion(table, own, catalog);
        self.attempt(add.map(|add| format!("ALTER TABLE {name} ADD {add}")))
    }

    fn foreign_key(&mut self, table: &str, key: &ForeignKey) -> Result<(), String> {
        let Some(table) = self.tables.iter().find(|own| own.name == table) else {
            return Ok(());
        };
        let name = define::quoted(&table.name);
        let key = define::foreign_key(table, key, self.schema);
        self.attempt(Ok(format!("ALTER TABLE {name} ADD {key}")))
    }

    fn view(&mut self, view: &View, _: &Catalog) -> Result<String, String> {
        let select = translate::select(&view.select)?;
        let own = View { select, ..view.clone() };
        self.attempt(Ok(define::create_view(&own, "TEMPORARY ")))?;
        Ok(own.select)
    }
}

/// Where temporary tables are is nobody's business.
fn words(error: &StoreError) -> String {
    let text = error.to_string();
    match text.split_once("pg_temp_") {
        Some((before, after)) => {
            let after = after.trim_start_matches(|letter: char| letter.is_ascii_digit());
            format!("{before}{}", after.trim_start_matches('.'))
        }
        None => text,
    }
}
