//! An SQLite file as one end of a copy: a connection of its own, in one read transaction as the
//! source and in one transaction for each batch as the target.

use rusqlite::{
    Connection, OptionalExtension, Row as SqliteRow, params, params_from_iter, types::ValueRef,
};

use super::{
    Sqlite,
    bind::Bound,
    connection::{self, Access},
    fault, show,
};
use crate::{
    Durability, Kind, StoreError, Value,
    catalog::Catalog,
    copy::{
        CopyError,
        mark::{self, Mark},
        part::{Page, Part, Row},
        side::Side,
    },
    moment,
    sql::write_identifier,
};

/// Pages of the write-ahead log after which they are moved into the database while rows pour in.
const CHECKPOINT_PAGES: i64 = 16_000;

/// One end of a copy.
pub(super) struct OnFile(Connection);

impl Sqlite {
    /// A snapshot that stays as it is.
    pub(crate) fn source(&self) -> Result<Box<dyn Side>, StoreError> {
        let connection = connection::open(&self.shared.path, Access::Read).map_err(explain)?;
        connection.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema").map_err(explain)?;
        Ok(Box::new(OnFile(connection)))
    }

    /// Foreign keys hold once all rows are there, and are looked at then.
    pub(crate) fn target(&self) -> Result<Box<dyn Side>, StoreError> {
        let access = Access::Write(Durability::Normal);
        let connection = connection::open(&self.shared.path, access).map_err(explain)?;
        connection.pragma_update(None, "foreign_keys", false).map_err(explain)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES).map_err(explain)?;
        Ok(Box::new(OnFile(connection)))
    }
}

/// The mark that is in a file.
pub(super) fn mark_in(connection: &Connection) -> Result<Option<Mark>, StoreError> {
    if !has_table(connection, mark::TABLE).map_err(explain)? {
        return Ok(None);
    }
    let states: rusqlite::Result<_> = connection.prepare(mark::READ).and_then(|mut statement| {
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    });
    Ok(Some(Mark::of(states.map_err(explain)?)))
}

impl OnFile {
    /// Runs `work` as one transaction, or as nothing.
    fn transaction<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let run = |sql: &str| self.0.execute_batch(sql).map_err(explain);
        run("BEGIN IMMEDIATE")?;
        let result = work(&self.0).and_then(|done| {
            run("COMMIT")?;
            Ok(done)
        });
        // A full disk has taken the transaction away already.
        if result.is_err() && !self.0.is_autocommit() {
            run("ROLLBACK")?;
        }
        result
    }
}

impl Side for OnFile {
    fn has(&mut self, part: &Part) -> Result<bool, StoreError> {
        has_table(&self.0, &part.table).map_err(explain)
    }

    fn count(&mut self, part: &Part) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM {}", quoted(&part.table));
        let count: i64 = self.0.query_row(&sql, [], |row| row.get(0)).map_err(explain)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    fn page(&mut self, part: &Part, after: &[Value], rows_max: usize) -> Result<Page, CopyError> {
        let place = place_of(part);
        let sql = page_sql(part, &place, !after.is_empty());
        let mut statement = self.0.prepare_cached(&sql).map_err(explain)?;
        let limit = Value::Integer(i64::try_from(rows_max).unwrap_or(i64::MAX));
        let bound = after.iter().chain([&limit]).map(Bound);
        let mut found = statement.query(params_from_iter(bound)).map_err(explain)?;
        let mut page = Page::default();
        while let Some(own) = found.next().map_err(explain)? {
            page.last = values(part, &place, own, 0)?;
            page.rows.push(values(part, &part.columns, own, place.len())?);
        }
        Ok(page)
    }

    fn numbered(&mut self, part: &Part, _: &str) -> Result<Option<i64>, StoreError> {
        if !has_table(&self.0, "sqlite_sequence").map_err(explain)? {
            return Ok(None);
        }
        self.0
            .query_row("SELECT seq FROM sqlite_sequence WHERE name = ?1", [&part.table], |row| {
                row.get(0)
            })
            .optional()
            .map_err(explain)
    }

    fn mark(&mut self) -> Result<Option<Mark>, StoreError> {
        mark_in(&self.0)
    }

    fn begin(&mut self, state: &str, emptied: &[&Part]) -> Result<(), StoreError> {
        self.transaction(|connection| {
            let sql = format!("DROP TABLE IF EXISTS {}; {}", mark::TABLE, mark::CREATE);
            connection.execute_batch(&sql).map_err(explain)?;
            set_mark(connection, mark::WHOLE, state)?;
            for part in emptied {
                let sql = format!("DELETE FROM {}", quoted(&part.table));
                connection.execute(&sql, []).map_err(explain)?;
            }
            Ok(())
        })
    }

    fn write(&mut self, part: &Part, rows: &[Row], state: &str) -> Result<(), CopyError> {
        self.transaction(|connection| {
            let sql = insert_sql(part);
            let mut statement = connection.prepare_cached(&sql).map_err(explain)?;
            for row in rows {
                statement.execute(params_from_iter(row.iter().map(Bound))).map_err(|error| {
                    let error = explain(error);
                    match error {
                        StoreError::Unavailable(_) => CopyError::Store(error),
                        error => CopyError::refused(part, row, &error.to_string()),
                    }
                })?;
            }
            set_mark(connection, &part.table, state).map_err(CopyError::Store)
        })
    }

    /// The other columns that are numbered are counted up from what is there.
    fn number_on(&mut self, part: &Part, _: &str, last: i64) -> Result<(), StoreError> {
        if !has_table(&self.0, "sqlite_sequence").map_err(explain)? {
            return Ok(());
        }
        let definition: Option<String> = self
            .0
            .query_row("SELECT sql FROM sqlite_schema WHERE name = ?1", [&part.table], |row| {
                row.get(0)
            })
            .optional()
            .map_err(explain)?;
        if !definition.is_some_and(|sql| sql.contains(" AUTOINCREMENT")) {
            return Ok(());
        }
        let update = "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1";
        if self.0.execute(update, params![part.table, last]).map_err(explain)? == 0 {
            let insert = "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)";
            self.0.execute(insert, params![part.table, last]).map_err(explain)?;
        }
        Ok(())
    }

    fn orphaned(&mut self) -> Result<Option<String>, StoreError> {
        self.0
            .query_row("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1", [], |row| {
                row.get(0)
            })
            .optional()
            .map_err(explain)
    }

    fn lift(&mut self) -> Result<(), StoreError> {
        self.0.pragma_update(None, "synchronous", "FULL").map_err(explain)?;
        self.0.execute_batch(&format!("DROP TABLE {}", mark::TABLE)).map_err(explain)?;
        self.0.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(explain)
    }
}

fn explain(error: rusqlite::Error) -> StoreError {
    fault::explain(error, &Catalog::default())
}

fn quoted(name: &str) -> String {
    let mut sql = String::with_capacity(name.len() + 2);
    write_identifier(name, &mut sql);
    sql
}

fn has_table(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1")?
        .exists([name])
}

fn set_mark(connection: &Connection, name: &str, state: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO _vitruvius_copy (name, state) VALUES (?1, ?2)")
        .and_then(|mut statement| statement.execute([name, state]))
        .map(|_| ())
        .map_err(explain)
}

/// What tells a row's place in the order: its key, else the number that SQLite gave it.
fn place_of(part: &Part) -> Vec<(String, Kind)> {
    if !part.key.is_empty() {
        return part.key.clone();
    }
    let is_free = |name: &&str| !part.columns.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    let number = ["rowid", "_rowid_", "oid"].into_iter().find(is_free).unwrap_or("rowid");
    vec![(number.to_owned(), Kind::Integer { bits: 64 })]
}

fn page_sql(part: &Part, place: &[(String, Kind)], is_after: bool) -> String {
    let list = |columns: &[(String, Kind)]| {
        columns.iter().map(|(name, _)| quoted(name)).collect::<Vec<_>>().join(", ")
    };
    let all: Vec<_> = place.iter().chain(&part.columns).cloned().collect();
    let mut sql = format!("SELECT {} FROM {}", list(&all), quoted(&part.table));
    if is_after {
        let marks = vec!["?"; place.len()].join(", ");
        sql.push_str(&format!(" WHERE ({}) > ({marks})", list(place)));
    }
    sql.push_str(&format!(" ORDER BY {} LIMIT ?", list(place)));
    sql
}

fn insert_sql(part: &Part) -> String {
    let names: Vec<_> = part.columns.iter().map(|(name, _)| quoted(name)).collect();
    if names.is_empty() {
        return format!("INSERT INTO {} DEFAULT VALUES", quoted(&part.table));
    }
    let marks = vec!["?"; names.len()].join(", ");
    format!("INSERT INTO {} ({}) VALUES ({marks})", quoted(&part.table), names.join(", "))
}

fn values(
    part: &Part,
    columns: &[(String, Kind)],
    row: &SqliteRow<'_>,
    skipped: usize,
) -> Result<Row, CopyError> {
    let mut values = Vec::with_capacity(columns.len());
    for (place, (name, kind)) in columns.iter().enumerate() {
        let cell = row.get_ref(skipped + place).map_err(explain)?;
        values.push(value(kind, cell).ok_or_else(|| CopyError::Unreadable {
            table: part.table.clone(),
            column: name.clone(),
            kind: kind.to_string(),
            value: String::from_utf8_lossy(&shown(kind, cell)).into_owned(),
        })?);
    }
    Ok(values)
}

fn shown(kind: &Kind, cell: ValueRef<'_>) -> Vec<u8> {
    let mut text = Vec::new();
    show::write_cell(kind, cell, &mut text);
    text
}

/// A cell as a value of its column's kind; none where it is none.
fn value(kind: &Kind, cell: ValueRef<'_>) -> Option<Value> {
    Some(match (cell, kind) {
        (ValueRef::Null, _) => Value::Null,
        (ValueRef::Integer(_) | ValueRef::Real(_), Kind::Numeric { .. }) => {
            let text = String::from_utf8(shown(kind, cell)).ok()?;
            Value::Decimal(text.trim_matches('"').to_owned())
        }
        (ValueRef::Integer(number), Kind::Boolean) => Value::Boolean(number != 0),
        #[allow(clippy::cast_precision_loss, reason = "the column is a floating-point number")]
        (ValueRef::Integer(number), Kind::Real { .. }) => Value::Real(number as f64),
        (ValueRef::Integer(number), _) => Value::Integer(number),
        (ValueRef::Real(number), _) => Value::Real(number),
        (ValueRef::Blob(bytes), _) => Value::Bytes(bytes.to_vec()),
        (ValueRef::Text(bytes), kind) => {
            let text = str::from_utf8(bytes).ok()?;
            match kind {
                Kind::Uuid => Value::Uuid(uuid::Uuid::try_parse(text).ok()?),
                Kind::Timestamp { .. } => Value::Timestamp(moment::parse_timestamp(text)?),
                Kind::Date => Value::Date(moment::parse_date(text)?),
                Kind::Time => Value::Time(moment::parse_time(text)?),
                Kind::Json | Kind::Array { .. } => Value::Json(text.to_owned()),
                Kind::Numeric { .. } => Value::Decimal(text.to_owned()),
                _ => Value::Text(text.to_owned()),
            }
        }
    })
}
