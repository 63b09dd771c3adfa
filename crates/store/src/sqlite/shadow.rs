//! A database in memory where definitions are tried before the file is touched.

use rusqlite::Connection;

use super::{connection, define, exclusion, translate};
use crate::{
    catalog::Catalog,
    change::{NotServed, Trial, refine},
    schema::{Exclusion, ForeignKey, Index, Schema, Table, UniqueKey, View},
    sql::Unsupported,
};

/// `schema` without what SQLite refuses, and what that is.
pub(super) fn refined(schema: &Schema) -> rusqlite::Result<(Schema, Vec<NotServed>)> {
    Ok(refine(&mut Shadow(connection::open_shadow()?), schema))
}

struct Shadow(Connection);

impl Trial for Shadow {
    fn table(&mut self, table: &Table, catalog: &Catalog) -> Result<(), String> {
        self.attempt(define::create_table(table, &table.name, catalog, |_| false))
    }

    fn unique_key(
        &mut self,
        table: &str,
        key: &UniqueKey,
        catalog: &Catalog,
    ) -> Result<(), String> {
        self.attempt(define::create_unique_key(table, key, catalog))
    }

    fn index(&mut self, table: &str, index: &Index, catalog: &Catalog) -> Result<(), String> {
        self.attempt(define::create_index(table, index, catalog))
    }

    fn exclusion(
        &mut self,
        table: &Table,
        own: &Exclusion,
        catalog: &Catalog,
    ) -> Result<(), String> {
        let definitions = exclusion::definitions(table, own, catalog).map_err(|it| it.0)?;
        definitions.into_iter().try_for_each(|(_, sql)| self.attempt(Ok(sql)))
    }

    /// They stand in the table's definition.
    fn foreign_key(&mut self, _: &str, _: &ForeignKey) -> Result<(), String> {
        Ok(())
    }

    fn view(&mut self, view: &View, catalog: &Catalog) -> Result<String, String> {
        let select = translate::select(&view.select, catalog)?;
        let view = View { select, ..view.clone() };
        self.attempt(Ok(define::create_view(&view)))?;
        let mut sql = String::from("SELECT * FROM ");
        crate::sql::write_identifier(&view.name, &mut sql);
        if let Err(error) = self.0.prepare(&sql) {
            let _ = self.attempt(Ok(define::drop_view(&view.name)));
            return Err(words(&error));
        }
        Ok(view.select)
    }
}

impl Shadow {
    fn attempt(&self, sql: Result<String, Unsupported>) -> Result<(), String> {
        let sql = sql.map_err(|unsupported| unsupported.0)?;
        self.0.execute_batch(&sql).map_err(|error| words(&error))
    }
}

/// An error without the statement around it.
fn words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}
