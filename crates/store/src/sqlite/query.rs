//! Queries that stand in the document: one SELECT, read only, with named parameters.

use std::sync::{Arc, PoisonError};

use rusqlite::Connection;

use super::{Sqlite, bind::Bound, fault, show::write_cell, translate};
use crate::{
    Kind, StoreError, Value,
    catalog::{Catalog, Translated},
    json,
    query::{QUERY_ROWS_MAX, Rows},
};

/// Queries whose translation is kept.
const TRANSLATED_MAX: usize = 500;

impl Sqlite {
    pub(crate) async fn query(
        &self,
        sql: &str,
        parameters: &[(String, Value)],
    ) -> Result<Rows, StoreError> {
        let (sql, parameters) = (sql.to_owned(), parameters.to_vec());
        self.read(move |connection, catalog| run(connection, catalog, &sql, &parameters)).await
    }
}

/// A query as it was translated before, for as long as its catalog is served. The queries of one
/// document are few; whatever comes beyond that many is translated each time.
fn translated(catalog: &Catalog, sql: &str) -> Result<Arc<Translated>, StoreError> {
    let held = || catalog.translated.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = held().get(sql) {
        return Ok(known.clone());
    }
    let fresh = Arc::new(translate::translate(sql, catalog).map_err(StoreError::Fault)?);
    let mut held = held();
    if held.len() < TRANSLATED_MAX {
        held.insert(sql.to_owned(), fresh.clone());
    }
    Ok(fresh)
}

fn run(
    connection: &Connection,
    catalog: &Catalog,
    sql: &str,
    parameters: &[(String, Value)],
) -> Result<Rows, StoreError> {
    let translated = translated(catalog, sql)?;
    let read = || -> rusqlite::Result<Result<Rows, StoreError>> {
        let mut statement = connection.prepare_cached(&translated.sql)?;
        if !statement.readonly() {
            return Ok(Err(StoreError::Fault("the query must only read".to_owned())));
        }
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        for place in 1..=statement.parameter_count() {
            let name = statement.parameter_name(place).unwrap_or_default();
            let name = name.trim_start_matches(':').to_owned();
            let Some((_, value)) = parameters.iter().find(|(own, _)| *own == name) else {
                return Ok(Err(StoreError::Value {
                    message: format!("parameter `{name}` is missing"),
                    column: Some(name),
                }));
            };
            statement.raw_bind_parameter(place, Bound(value))?;
        }
        let anything = Kind::Text { length_max: None };
        let kinds: Vec<&Kind> =
            names.iter().map(|name| translated.kinds.get(name).unwrap_or(&anything)).collect();
        let mut rows = statement.raw_query();
        let mut answer = Rows::default();
        while let Some(row) = rows.next()? {
            if answer.ends.len() == QUERY_ROWS_MAX {
                let message =
                    format!("the query has more than {QUERY_ROWS_MAX} rows; give it a LIMIT");
                return Ok(Err(StoreError::Value { column: None, message }));
            }
            if !answer.ends.is_empty() {
                answer.json.push(b',');
            }
            answer.json.push(b'{');
            for (place, (name, kind)) in names.iter().zip(&kinds).enumerate() {
                if place > 0 {
                    answer.json.push(b',');
                }
                json::write_string(name, &mut answer.json);
                answer.json.push(b':');
                write_cell(kind, row.get_ref(place)?, &mut answer.json);
            }
            answer.json.push(b'}');
            answer.ends.push(answer.json.len());
        }
        Ok(Ok(answer))
    };
    read().map_err(|error| fault::explain(error, catalog))?
}
