//! PostgreSQL as a comparison sees it: what its rows say, and how it writes what it is asked.

use std::{borrow::Cow, collections::BTreeMap};

use super::{define, names, talk::Talk, there::There};
use crate::{
    Kind, StoreError,
    catalog::Catalog,
    change::{
        Ground,
        adopt::{adopt, is_same_sql},
        ledger::PhysicalTable,
        lineage::{is_kept_alike, read_as},
        measure::Measure,
    },
    schema::{Column, Exclusion, Table, View},
    sql::{Dialect, Unsupported},
};

/// One connection inside a transaction, and what is in the database.
pub(super) struct OnServer<'a> {
    pub(super) talk: &'a Talk,
    pub(super) there: &'a There,
    /// Definitions as they were left.
    pub(super) left: &'a BTreeMap<String, String>,
}

impl Ground for OnServer<'_> {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn kept<'n>(&self, name: &'n str) -> Cow<'n, str> {
        names::kept(name)
    }

    fn count(&self, sql: &str) -> Result<u64, StoreError> {
        let rows = self.talk.attempt(|| self.talk.rows(sql, &[]))?;
        let count: i64 = rows.first().map_or(0, |row| row.get(0));
        Ok(u64::try_from(count).unwrap_or(0))
    }

    fn default_text(
        &self,
        table: &Table,
        column: &Column,
        catalog: &Catalog,
    ) -> Result<Option<String>, Unsupported> {
        define::default_text(table, column, catalog)
    }

    fn converted(&self, column: &str, from: &Kind, to: &Kind) -> String {
        define::converted(column, from, to)
    }

    /// Values that would be read anew are read here: PostgreSQL 15 can try a cast only by failing.
    fn misfits(
        &self,
        table: &str,
        column: &str,
        from: &Kind,
        to: &Column,
    ) -> Result<u64, StoreError> {
        if is_kept_alike(from, &to.kind) {
            let condition = misfit(column, from, to);
            return Measure(self).where_present(table, column, &condition);
        }
        if matches!(to.kind, Kind::Array { .. }) && !matches!(from, Kind::Array { .. }) {
            return Measure(self).values(table, column);
        }
        let shown = define::shown(column, from);
        let (table, column) = (define::quoted(table), define::quoted(column));
        let sql =
            format!("SELECT {shown}, count(*) FROM {table} WHERE {column} IS NOT NULL GROUP BY 1");
        let mut misfits = 0;
        for row in self.talk.attempt(|| self.talk.rows(&sql, &[]))? {
            let (text, count): (String, i64) = (row.get(0), row.get(1));
            if read_as(&text, &to.kind).is_none() {
                misfits += u64::try_from(count).unwrap_or(0);
            }
        }
        Ok(misfits)
    }

    fn conflict(&self, _: &Table, exclusion: &Exclusion) -> Result<String, Unsupported> {
        Ok(define::conflict(exclusion))
    }

    fn added_columns(&self, table: &Table) -> Result<Option<Vec<Column>>, StoreError> {
        let name = names::kept(&table.name);
        let (Some(now), Some(left)) =
            (self.there.tables.get(name.as_ref()), self.left.get(name.as_ref()))
        else {
            return Ok(None);
        };
        let is_known = |own: &str| table.columns.iter().any(|it| names::kept(&it.name) == own);
        if now.definition_of(|column| is_known(&column.name)) != *left {
            return Ok(None);
        }
        let added = now.columns.iter().filter(|column| !is_known(&column.name));
        let mut columns = Vec::new();
        for column in added {
            if column.is_required && column.expression.is_none() && !column.is_identity {
                return Ok(None);
            }
            columns.push(Column {
                name: column.name.clone(),
                kind: column.kind(),
                nullable: true,
                default: None,
                generated: None,
                renamed_from: None,
                origin: String::new(),
            });
        }
        Ok(Some(columns))
    }

    fn adopted(&self, table: &Table) -> Result<Result<PhysicalTable, Vec<String>>, StoreError> {
        Ok(match self.there.tables.get(names::kept(&table.name).as_ref()) {
            Some(there) => adopt(&there.found(), table, |own, kind| is_alike(&own.kind, kind)),
            None => Err(vec!["it is no table".to_owned()]),
        })
    }

    fn has_view(&self, view: &View, _: &Catalog) -> Result<Option<bool>, StoreError> {
        let there = self.there.others.get(names::kept(&view.name).as_ref());
        Ok(there.map(|select| is_same_sql(select, &view.select)))
    }
}

/// True where a column of one kind holds what the other says, as PostgreSQL tells kinds apart.
fn is_alike(there: &Kind, wished: &Kind) -> bool {
    match (there, wished) {
        (
            Kind::Integer { bits } | Kind::Serial { bits },
            Kind::Integer { bits: other } | Kind::Serial { bits: other },
        ) => bits == other && (there == wished || matches!(there, Kind::Serial { .. })),
        (
            Kind::Numeric { precision, scale },
            Kind::Numeric { precision: other, scale: other_scale },
        ) => precision == other && scale.unwrap_or(0) == other_scale.unwrap_or(0),
        (Kind::Array { element }, Kind::Array { element: other }) => is_alike(element, other),
        (Kind::Other { .. }, Kind::Other { .. }) => true,
        (there, wished) => there == wished,
    }
}

/// The condition under which a value, which is written alike in both kinds, does not fit.
fn misfit(column: &str, from: &Kind, to: &Column) -> String {
    let shown = define::shown(column, from);
    match &to.kind {
        Kind::Text { length_max: Some(length) } => format!("char_length({shown}) > {length}"),
        Kind::Integer { bits } | Kind::Serial { bits } if *bits < 64 => {
            let most = (1_i64 << (bits - 1)) - 1;
            let name = define::quoted(column);
            format!("{name} NOT BETWEEN {} AND {most}", -most - 1)
        }
        Kind::Enum { values, .. } => define::is_none_of(column, from, values),
        _ => "FALSE".to_owned(),
    }
}
