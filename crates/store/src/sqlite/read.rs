//! Selects and counts on one connection.

use std::borrow::Cow;

use rusqlite::{CachedStatement, Connection, Row, types::ValueRef};

use super::{
    bind::bind_all,
    fault,
    loose::{self, Loose},
    reader,
    show::RowPlan,
};
use crate::{
    Expression, StoreError, Value,
    catalog::Catalog,
    query::{Nested, Rows, Select},
    sql::{self, Dialect, SqlWriter},
};

/// Deepest nesting of selects.
const NESTED_DEPTH_MAX: usize = 8;
/// Rows and bytes of a cell for which room is made before the first row is there.
const ROWS_EXPECTED_MAX: usize = 32;
const CELL_BYTES_EXPECTED: usize = 64;
/// Longest answer of one select, in bytes.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Reads rows as JSON.
pub(super) fn select(
    connection: &Connection,
    catalog: &Catalog,
    select: &Select,
) -> Result<Rows, StoreError> {
    let mut reader = Reader::prepare(connection, catalog, select, Part::whole(select), 0)?;
    let mut rows = reader.room(select.limit);
    reader
        .run(None, &mut rows.json, Some(&mut rows.ends))
        .map_err(|error| fault::explain(error, catalog))?;
    bounded(rows)
}

/// Reads rows on the caller's thread; none where that would take long.
pub(super) fn select_here(
    thread: &mut reader::Reader,
    catalog: &Catalog,
    select: &Select,
) -> Result<Option<Rows>, StoreError> {
    let reader::Reader { connection, habits, .. } = thread;
    let unless_long = |result: Result<Rows, StoreError>| match result {
        Ok(rows) => Ok(Some(rows)),
        Err(StoreError::Deadline { .. }) => Ok(None),
        Err(error) => Err(error),
    };
    if select.is_short() {
        return unless_long(self::select(connection, catalog, select));
    }
    let loose = loose::of(catalog, select);
    let part = loose.as_ref().map_or_else(|| Part::whole(select), |loose| loose.part);
    let mut reader = Reader::prepare(connection, catalog, select, part, 0)?;
    let statement = reader.statement_hash;
    if habits.long.holds(statement) {
        return Ok(None);
    }
    if let Some(loose) = loose.filter(|_| !habits.tied.holds(statement)) {
        let mut rows = reader.room(select.limit);
        match reader.run_loose(&loose, &mut rows) {
            Ok(true) => return bounded(rows).map(Some),
            Ok(false) => habits.tied.learn(statement),
            Err(error) if is_interrupted(&error) => {
                habits.long.learn(statement);
                return Ok(None);
            }
            Err(error) => return Err(fault::explain(error, catalog)),
        }
    }
    drop(reader);
    let rows = unless_long(self::select(connection, catalog, select))?;
    if rows.is_none() {
        habits.long.learn(statement);
    }
    Ok(rows)
}

fn is_interrupted(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted)
}

fn bounded(rows: Rows) -> Result<Rows, StoreError> {
    match rows.json.len() > ANSWER_BYTES_MAX {
        true => Err(StoreError::Value { column: None, message: "the answer is too long".into() }),
        false => Ok(rows),
    }
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

/// What of a select a statement asks for: its order and limit, and what joins it to a row around.
#[derive(Clone, Copy)]
pub(super) struct Part<'q> {
    pub(super) joined_by: Option<&'q str>,
    pub(super) order: &'q [(Expression, bool)],
    pub(super) limit: Option<u64>,
}

impl<'q> Part<'q> {
    fn whole(select: &'q Select) -> Self {
        Self { joined_by: None, order: &select.order, limit: select.limit }
    }
}

/// A select and those nested in it, prepared once and run for each row around.
struct Reader<'c, 'q> {
    statement: CachedStatement<'c>,
    /// By which the thread knows it.
    statement_hash: u64,
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
        part: Part<'q>,
        depth: usize,
    ) -> Result<Self, StoreError> {
        if depth > NESTED_DEPTH_MAX {
            let message = "includes are nested too deeply".to_owned();
            return Err(StoreError::Value { column: None, message });
        }
        let mut writer = SqlWriter::new(Dialect::Sqlite, catalog);
        let joined_at =
            sql::write_part(&mut writer, select, part.joined_by, part.order, part.limit)
                .map_err(fault::unsupported)?;
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
            statement_hash: if select.is_short() { 0 } else { reader::hash_of(&writer.text) },
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
            write_row(&self.plan, self.outputs, &mut self.nested, row, out)?;
            if let Some(ends) = ends.as_deref_mut() {
                ends.push(out.len());
            }
            count += 1;
        }
        Ok(count)
    }

    /// Appends rows in an order that leaves ties open, as long as there is none: false at the
    /// first. The row after the last is looked at, not written.
    fn run_loose(&mut self, loose: &Loose<'_>, rows: &mut Rows) -> rusqlite::Result<bool> {
        bind_all(&mut self.statement, &self.parameters)?;
        let mut found = self.statement.raw_query();
        let (mut last, mut rank) = (Vec::new(), Vec::new());
        while let Some(row) = found.next()? {
            rank.clear();
            loose.rank(row, &mut rank)?;
            if !rows.is_empty() {
                if rank == last {
                    return Ok(false);
                }
                if rows.len() == loose.rows_max {
                    break;
                }
                rows.json.push(b',');
            }
            std::mem::swap(&mut rank, &mut last);
            write_row(&self.plan, self.outputs, &mut self.nested, row, &mut rows.json)?;
            rows.ends.push(rows.json.len());
        }
        Ok(true)
    }

    /// Room for about as many rows as are asked for.
    fn room(&self, limit: Option<u64>) -> Rows {
        let rows = limit.map_or(ROWS_EXPECTED_MAX, |limit| {
            usize::try_from(limit).map_or(ROWS_EXPECTED_MAX, |rows| rows.min(ROWS_EXPECTED_MAX))
        });
        let bytes = rows * (CELL_BYTES_EXPECTED * (self.outputs + self.nested.len()));
        Rows { json: Vec::with_capacity(bytes), ends: Vec::with_capacity(rows) }
    }
}

/// Appends one row as an object.
fn write_row(
    plan: &RowPlan<'_>,
    outputs: usize,
    nested: &mut [NestedReader<'_, '_>],
    row: &Row<'_>,
    out: &mut Vec<u8>,
) -> rusqlite::Result<()> {
    plan.write(row, out)?;
    for (place, nested) in nested.iter_mut().enumerate() {
        if outputs + place > 0 {
            out.push(b',');
        }
        nested.write(row.get_ref(outputs + place)?, out)?;
    }
    out.push(b'}');
    Ok(())
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
        let joined_by = Some(nested.inner_column.as_ref());
        let part = Part { joined_by, ..Part::whole(&nested.select) };
        let reader = Reader::prepare(connection, catalog, &nested.select, part, depth)?;
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
