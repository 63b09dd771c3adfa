//! Selects and counts on one connection.

use std::borrow::Cow;

use rusqlite::{CachedStatement, Connection, types::ValueRef};

use super::{bind::bind_all, fault, show::RowPlan};
use crate::{
    Expression, StoreError, Value,
    catalog::Catalog,
    query::{Nested, Rows, Select},
    sql::{self, Dialect, SqlWriter},
};

/// Deepest nesting of selects.
const NESTED_DEPTH_MAX: usize = 8;
/// Longest answer of one select, in bytes.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Reads rows as JSON.
pub(super) fn select(
    connection: &Connection,
    catalog: &Catalog,
    select: &Select,
) -> Result<Rows, StoreError> {
    let mut reader = Reader::prepare(connection, catalog, select, None, 0)?;
    let mut rows = Rows::default();
    let fault = |error| fault::explain(error, catalog);
    reader.run(None, &mut rows.json, Some(&mut rows.ends)).map_err(fault)?;
    if rows.json.len() > ANSWER_BYTES_MAX {
        return Err(StoreError::Value { column: None, message: "the answer is too long".into() });
    }
    Ok(rows)
}

/// Counts rows.
pub(super) fn count(
    connection: &Connection,
    catalog: &Catalog,
    table: &str,
    condition: &Expression,
) -> Result<u64, StoreError> {
    let mut writer = SqlWriter::new(Dialect::Sqlite, catalog);
    sql::write_count(&mut writer, table, condition).map_err(fault::unsupported)?;
    let read = || -> rusqlite::Result<i64> {
        let mut statement = connection.prepare_cached(&writer.text)?;
        bind_all(&mut statement, &writer.parameters)?;
        let mut rows = statement.raw_query();
        rows.next()?.map_or(Ok(0), |row| row.get(0))
    };
    let count = read().map_err(|error| fault::explain(error, catalog))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// A select and those nested in it, prepared once and run for each row around.
struct Reader<'c, 'q> {
    statement: CachedStatement<'c>,
    parameters: Vec<Cow<'q, Value>>,
    /// The place of the parameter that joins it to the row around.
    joined_at: Option<usize>,
    plan: RowPlan<'q>,
    outputs: usize,
    nested: Vec<NestedReader<'c, 'q>>,
}

struct NestedReader<'c, 'q> {
    key: Vec<u8>,
    many: bool,
    reader: Reader<'c, 'q>,
}

impl<'c, 'q> Reader<'c, 'q> {
    fn prepare(
        connection: &'c Connection,
        catalog: &'q Catalog,
        select: &'q Select,
        joined_by: Option<&str>,
        depth: usize,
    ) -> Result<Self, StoreError> {
        if depth > NESTED_DEPTH_MAX {
            let message = "includes are nested too deeply".to_owned();
            return Err(StoreError::Value { column: None, message });
        }
        let mut writer = SqlWriter::new(Dialect::Sqlite, catalog);
        let joined_at =
            sql::write_select(&mut writer, select, joined_by).map_err(fault::unsupported)?;
        let statement = connection
            .prepare_cached(&writer.text)
            .map_err(|error| fault::explain(error, catalog))?;
        let nested = select
            .nested
            .iter()
            .map(|nested| NestedReader::prepare(connection, catalog, nested, depth + 1))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            statement,
            parameters: writer.parameters,
            joined_at,
            plan: RowPlan::of(&select.outputs),
            outputs: select.outputs.len(),
            nested,
        })
    }

    /// Appends the rows that belong to `joined`, with commas between; gives back how many.
    fn run(
        &mut self,
        joined: Option<ValueRef<'_>>,
        out: &mut Vec<u8>,
        mut ends: Option<&mut Vec<usize>>,
    ) -> rusqlite::Result<usize> {
        bind_all(&mut self.statement, &self.parameters)?;
        if let (Some(place), Some(value)) = (self.joined_at, joined) {
            self.statement
                .raw_bind_parameter(place, rusqlite::types::ToSqlOutput::Borrowed(value))?;
        }
        let mut rows = self.statement.raw_query();
        let mut count = 0;
        while let Some(row) = rows.next()? {
            if count > 0 {
                out.push(b',');
            }
            self.plan.write(row, out)?;
            for (place, nested) in self.nested.iter_mut().enumerate() {
                if self.outputs + place > 0 {
                    out.push(b',');
                }
                nested.write(row.get_ref(self.outputs + place)?, out)?;
            }
            out.push(b'}');
            if let Some(ends) = ends.as_deref_mut() {
                ends.push(out.len());
            }
            count += 1;
        }
        Ok(count)
    }
}

impl<'c, 'q> NestedReader<'c, 'q> {
    fn prepare(
        connection: &'c Connection,
        catalog: &'q Catalog,
        nested: &'q Nested,
        depth: usize,
    ) -> Result<Self, StoreError> {
        let mut key = Vec::new();
        crate::json::write_string(&nested.name, &mut key);
        key.push(b':');
        let column = Some(nested.inner_column.as_ref());
        let reader = Reader::prepare(connection, catalog, &nested.select, column, depth)?;
        Ok(Self { key, many: nested.many, reader })
    }

    /// Writes the member with its key; no comma before it.
    fn write(&mut self, joined: ValueRef<'_>, out: &mut Vec<u8>) -> rusqlite::Result<()> {
        out.extend_from_slice(&self.key);
        // NULL belongs to nothing.
        let is_joined = !matches!(joined, ValueRef::Null);
        if self.many {
            out.push(b'[');
            if is_joined {
                self.reader.run(Some(joined), out, None)?;
            }
            out.push(b']');
            return Ok(());
        }
        let start = out.len();
        let mut ends = Vec::new();
        if is_joined {
            self.reader.run(Some(joined), out, Some(&mut ends))?;
        }
        match ends.first() {
            Some(end) => out.truncate(*end),
            None => {
                out.truncate(start);
                out.extend_from_slice(b"null");
            }
        }
        Ok(())
    }
}
