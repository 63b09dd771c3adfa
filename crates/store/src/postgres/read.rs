//! Selects and counts: one statement for each level of nesting, whatever the number of rows.

use std::pin::Pin;

use deadpool_postgres::ClientWrapper;
use futures_util::{TryStreamExt, future::try_join_all};
use tokio_postgres::{Row, Statement, types::ToSql};

use super::{
    bind::{Bound, BoundKeys},
    fault,
    pool::prepare,
    show::{Cell, RowPlan, is_readable},
};
use crate::{
    Expression, StoreError,
    catalog::Catalog,
    query::{Nested, Output, Rows, Select},
    sql::{self, Dialect, SqlWriter},
};

/// Rows of a page, about.
const PAGE_ROWS: usize = 24;
/// Bytes for which room is made at once, at most.
const PAGE_BYTES_MAX: usize = 16 * 1024;

/// Deepest nesting of selects.
const NESTED_DEPTH_MAX: usize = 8;
/// Longest answer of one select, in bytes.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Reads rows as JSON.
pub(super) async fn select(
    client: &ClientWrapper,
    catalog: &Catalog,
    select: &Select,
) -> Result<Rows, StoreError> {
    let mut writer = SqlWriter::new(Dialect::Postgres, catalog);
    sql::write_select(&mut writer, select, None).map_err(fault::unsupported)?;
    let parameters: Vec<Bound<'_>> = writer.parameters.iter().map(|value| Bound(value)).collect();
    if select.nested.is_empty() {
        return self::rows(client, catalog, &writer.text, &parameters, &select.outputs).await;
    }
    let explained = |error| fault::explain(&error, catalog);
    let statement = readable(client, &writer.text).await.map_err(explained)?;
    let plan = RowPlan::of(&select.outputs, statement.columns(), 0);
    let mut rows = Rows::default();
    let found = gather(client, &statement, &parameters).await.map_err(explained)?;
    let level = Level { client, catalog, select, statement: &statement, skipped: 0, depth: 0 };
    let nested = level.nested(&found).await?;
    for (place, row) in found.iter().enumerate() {
        add(&mut rows, |json| {
            plan.write(row, json)?;
            level.write_nested(&nested, place, json);
            Ok(())
        })
        .map_err(explained)?;
    }
    if rows.json.len() > ANSWER_BYTES_MAX {
        return Err(StoreError::Value { column: None, message: "the answer is too long".into() });
    }
    Ok(rows)
}

/// The rows of one statement as JSON.
pub(super) async fn rows(
    client: &ClientWrapper,
    catalog: &Catalog,
    text: &str,
    parameters: &[Bound<'_>],
    outputs: &[Output],
) -> Result<Rows, StoreError> {
    let explained = |error| fault::explain(&error, catalog);
    let statement = readable(client, text).await.map_err(explained)?;
    let plan = RowPlan::of(outputs, statement.columns(), 0);
    let mut rows = Rows::default();
    let stream = client.query_raw(&statement, parameters).await.map_err(explained)?;
    let mut stream = std::pin::pin!(stream);
    while let Some(row) = stream.try_next().await.map_err(explained)? {
        add(&mut rows, |json| plan.write(&row, json)).map_err(explained)?;
    }
    Ok(rows)
}

/// Counts rows.
pub(super) async fn count(
    client: &ClientWrapper,
    catalog: &Catalog,
    table: &str,
    condition: &Expression,
) -> Result<u64, StoreError> {
    let mut writer = SqlWriter::new(Dialect::Postgres, catalog);
    sql::write_count(&mut writer, table, condition).map_err(fault::unsupported)?;
    let explained = |error| fault::explain(&error, catalog);
    let statement = prepare(client, &writer.text).await.map_err(explained)?;
    let parameters: Vec<Bound<'_>> = writer.parameters.iter().map(|value| Bound(value)).collect();
    let rows = gather(client, &statement, &parameters).await.map_err(explained)?;
    let count: i64 = match rows.first() {
        Some(row) => row.try_get(0).map_err(explained)?,
        None => 0,
    };
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Appends a row that `write` writes without its closing brace.
pub(super) fn add(
    rows: &mut Rows,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), tokio_postgres::Error>,
) -> Result<(), tokio_postgres::Error> {
    if !rows.ends.is_empty() {
        if rows.ends.len() == 1 {
            // Where there are two there is a page: room for it once, not by and by.
            rows.json.reserve(rows.json.len().saturating_mul(PAGE_ROWS).min(PAGE_BYTES_MAX));
            rows.ends.reserve(PAGE_ROWS);
        }
        rows.json.push(b',');
    }
    write(&mut rows.json)?;
    rows.json.push(b'}');
    rows.ends.push(rows.json.len());
    Ok(())
}

/// All rows of a statement.
pub(super) async fn gather<P: ToSql + Sync>(
    client: &ClientWrapper,
    statement: &Statement,
    parameters: &[P],
) -> Result<Vec<Row>, tokio_postgres::Error> {
    let parameters = parameters.iter().map(|parameter| parameter as &(dyn ToSql + Sync));
    client.query_raw(statement, parameters).await?.try_collect().await
}

/// One level of nesting.
struct Level<'a> {
    client: &'a ClientWrapper,
    catalog: &'a Catalog,
    select: &'a Select,
    statement: &'a Statement,
    /// Columns before the outputs.
    skipped: usize,
    depth: usize,
}

/// What belongs to each row of a level, by the row's place: JSON and where each object ends.
type Belonging = Vec<Rows>;

impl Level<'_> {
    /// The nested rows of all rows of this level, for each nested select.
    async fn nested(&self, rows: &[Row]) -> Result<Vec<Belonging>, StoreError> {
        if self.depth >= NESTED_DEPTH_MAX {
            let message = "includes are nested too deeply".to_owned();
            return Err(StoreError::Value { column: None, message });
        }
        let each = self.select.nested.iter().enumerate().map(|(place, nested)| {
            let column = self.skipped + self.select.outputs.len() + place;
            self.belonging(nested, column, rows)
        });
        try_join_all(each).await
    }

    /// The rows of one nested select; `column` of this level's rows holds the key.
    fn belonging<'s>(
        &'s self,
        nested: &'s Nested,
        column: usize,
        rows: &'s [Row],
    ) -> Pin<Box<dyn Future<Output = Result<Belonging, StoreError>> + Send + 's>> {
        Box::pin(async move {
            let explained = |error| fault::explain(&error, self.catalog);
            let mut belonging = vec![Rows::default(); rows.len()];
            let Some(key) = self.statement.columns().get(column) else {
                return Err(StoreError::Fault("a nested select has no key".to_owned()));
            };
            let mut writer = SqlWriter::new(Dialect::Postgres, self.catalog);
            sql::write_nested(
                &mut writer,
                &nested.select,
                &nested.inner_column,
                key.type_().name(),
            )
            .map_err(fault::unsupported)?;
            let statement = prepare(self.client, &writer.text).await.map_err(explained)?;
            let keys: Result<Vec<Option<&[u8]>>, _> =
                rows.iter().map(|row| row.try_get(column).map(|Cell(cell)| cell)).collect();
            let keys = BoundKeys(keys.map_err(explained)?);
            let bound: Vec<Bound<'_>> = writer.parameters.iter().map(|it| Bound(it)).collect();
            let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&keys];
            parameters.extend(bound.iter().skip(1).map(|it| it as &(dyn ToSql + Sync)));
            let stream = self.client.query_raw(&statement, parameters).await;
            let found: Vec<Row> =
                stream.map_err(explained)?.try_collect().await.map_err(explained)?;
            let level = Level {
                client: self.client,
                catalog: self.catalog,
                select: &nested.select,
                statement: &statement,
                skipped: 1,
                depth: self.depth + 1,
            };
            let deeper = if nested.select.nested.is_empty() {
                Vec::new()
            } else {
                level.nested(&found).await?
            };
            let plan = RowPlan::of(&nested.select.outputs, statement.columns(), 1);
            for (place, row) in found.iter().enumerate() {
                let outer: i64 = row.try_get(0).map_err(explained)?;
                let outer = usize::try_from(outer - 1).ok();
                let Some(rows) = outer.and_then(|outer| belonging.get_mut(outer)) else {
                    continue;
                };
                add(rows, |json| {
                    plan.write(row, json)?;
                    level.write_nested(&deeper, place, json);
                    Ok(())
                })
                .map_err(explained)?;
            }
            Ok(belonging)
        })
    }

    /// Writes the members that belong to a row.
    fn write_nested(&self, belonging: &[Belonging], place: usize, out: &mut Vec<u8>) {
        for (number, nested) in self.select.nested.iter().enumerate() {
            if self.select.outputs.len() + number > 0 {
                out.push(b',');
            }
            crate::json::write_string(&nested.name, out);
            out.push(b':');
            let rows = belonging.get(number).and_then(|own| own.get(place));
            match rows {
                Some(rows) if nested.many => {
                    out.push(b'[');
                    out.extend_from_slice(&rows.json);
                    out.push(b']');
                }
                None if nested.many => out.extend_from_slice(b"[]"),
                rows => {
                    let first = rows.and_then(|rows| rows.row(0));
                    out.extend_from_slice(first.unwrap_or(b"null"));
                }
            }
        }
    }
}

/// The statement, with columns of rare types as PostgreSQL's own text.
pub(super) async fn readable(
    client: &ClientWrapper,
    text: &str,
) -> Result<Statement, tokio_postgres::Error> {
    let statement = prepare(client, text).await?;
    if statement.columns().iter().all(|column| is_readable(column.type_())) {
        return Ok(statement);
    }
    let mut outer = String::from("SELECT ");
    let mut names = String::new();
    for (place, column) in statement.columns().iter().enumerate() {
        if place > 0 {
            outer.push_str(", ");
            names.push_str(", ");
        }
        names.push_str(&format!("c{place}"));
        outer.push_str(&format!("q.c{place}"));
        if !is_readable(column.type_()) {
            outer.push_str("::text");
        }
        outer.push_str(" AS ");
        sql::write_identifier(column.name(), &mut outer);
    }
    prepare(client, &format!("{outer} FROM ({text}) AS q({names})")).await
}
