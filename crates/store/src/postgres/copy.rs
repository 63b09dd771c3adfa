//! A PostgreSQL database as one end of a copy: one repeatable-read transaction as the source,
//! `COPY … FROM STDIN` as the target, in one transaction for each batch.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::{SinkExt, TryStreamExt, pin_mut};
use tokio::runtime::Handle;
use tokio_postgres::{Error, Row as ServerRow, Statement, types::Type};

use super::{
    Postgres,
    address::Address,
    bind::{Bound, EPOCH_DAYS, EPOCH_MICROSECONDS, base},
    define, fault,
    pool::Link,
    show::{self, Cell},
};
use crate::{
    Kind, StoreError, Value,
    catalog::Catalog,
    copy::{
        CopyError,
        mark::{self, Mark},
        part::{Page, Part, Row},
        side::Side,
    },
};

mod text;

/// Nothing of a copy is short: neither its statements nor the waiting of its source for its target.
const PATIENCE: &str = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; \
    SET synchronous_commit = off";
/// One moment for all that is read.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1";
/// Other processes of ours that use the same database.
const OTHERS: &str = "SELECT count(*) FROM pg_catalog.pg_stat_activity
    WHERE datname = current_database() AND application_name = 'vitruvius'
    AND pid <> pg_backend_pid()";
const HAS_MARK: &str = "SELECT to_regclass('_vitruvius_copy') IS NOT NULL";

/// One end of a copy.
struct OnServer {
    link: Link,
    runtime: Handle,
    /// Statements by their text, with the places of columns that come as text.
    prepared: HashMap<String, Statement>,
}

/// How many processes of ours use the database at `url`, beside this one, which does not yet.
pub(crate) async fn others(url: &str) -> Result<u64, StoreError> {
    let address = Address::parse(url)?;
    let connected = address.connect().await;
    let (client, _moved) = connected.map_err(|error| fault::connecting(&error, &address.place))?;
    let row = client.query_one(OTHERS, &[]).await.map_err(|error| explain(&error))?;
    let count: i64 = row.get(0);
    Ok(u64::try_from(count).unwrap_or(0))
}

/// The mark that is in a database.
pub(super) async fn mark_in(client: &tokio_postgres::Client) -> Result<Option<Mark>, StoreError> {
    let row = client.query_one(HAS_MARK, &[]).await.map_err(|error| explain(&error))?;
    if !row.get::<_, bool>(0) {
        return Ok(None);
    }
    let rows = client.query(mark::READ, &[]).await.map_err(|error| explain(&error))?;
    Ok(Some(Mark::of(rows.iter().map(|row| (row.get(0), row.get(1))).collect())))
}

impl Postgres {
    /// A snapshot that stays as it is.
    pub(crate) async fn source(&self) -> Result<Box<dyn Side>, StoreError> {
        self.side(SNAPSHOT).await
    }

    /// Foreign keys come once all rows are there.
    pub(crate) async fn target(&self) -> Result<Box<dyn Side>, StoreError> {
        self.side("").await
    }

    async fn side(&self, begin: &str) -> Result<Box<dyn Side>, StoreError> {
        let link = self.shared.pool.link(0).await?;
        let settings = format!("{PATIENCE}; {begin}");
        link.batch_execute(&settings).await.map_err(|error| explain(&error))?;
        Ok(Box::new(OnServer { link, runtime: Handle::current(), prepared: HashMap::new() }))
    }
}

impl OnServer {
    fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.runtime.block_on(self.link.batch_execute(sql)).map_err(|error| explain(&error))
    }

    fn number(&self, sql: &str, names: &[&str]) -> Result<Option<i64>, StoreError> {
        let names: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> =
            names.iter().map(|name| name as _).collect();
        let rows = self.runtime.block_on(self.link.query(sql, &names));
        let rows = rows.map_err(|error| explain(&error))?;
        Ok(rows.first().and_then(|row| row.get(0)))
    }

    fn prepare(&mut self, sql: &str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.runtime.block_on(self.link.prepare(sql));
        let statement = statement.map_err(|error| explain(&error))?;
        self.prepared.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Runs `work` as one transaction, or as nothing.
    fn transaction<E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.run("BEGIN")?;
        let result = work(self).and_then(|()| Ok(self.run("COMMIT")?));
        if result.is_err() {
            // The first error says what went wrong; a connection that is gone rolls back too.
            let _ = self.run("ROLLBACK");
        }
        result
    }

    fn set_mark(&self, name: &str, state: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO _vitruvius_copy (name, state) VALUES ($1, $2)
            ON CONFLICT (name) DO UPDATE SET state = excluded.state";
        self.runtime
            .block_on(self.link.execute(sql, &[&name, &state]))
            .map(|_| ())
            .map_err(|error| explain(&error))
    }

    /// The SELECT of a page; columns whose bytes only PostgreSQL understands come as text.
    fn page_statement(&mut self, part: &Part, is_after: bool) -> Result<Statement, StoreError> {
        let plain = page_sql(part, is_after, |_| false);
        let statement = self.prepare(&plain)?;
        let places = place_of(part).len();
        let is_strange: Vec<bool> =
            statement.columns().iter().map(|column| !show::is_readable(column.type_())).collect();
        if !is_strange.iter().skip(places).any(|is_strange| *is_strange) {
            return Ok(statement);
        }
        let sql = page_sql(part, is_after, |column| {
            is_strange.get(places + column).copied().unwrap_or(false)
        });
        self.prepare(&sql)
    }

    async fn rows(
        &self,
        statement: &Statement,
        bound: &[Bound<'_>],
    ) -> Result<Vec<ServerRow>, Error> {
        let found = self.link.query_raw(statement, bound).await?;
        pin_mut!(found);
        let mut rows = Vec::new();
        while let Some(row) = found.try_next().await? {
            rows.push(row);
        }
        Ok(rows)
    }

    async fn pour(&self, sql: &str, text: Bytes) -> Result<u64, Error> {
        let sink = self.link.copy_in(sql).await?;
        pin_mut!(sink);
        sink.send(text).await?;
        sink.finish().await
    }
}

impl Side for OnServer {
    fn has(&mut self, part: &Part) -> Result<bool, StoreError> {
        let sql = "SELECT CASE WHEN to_regclass($1) IS NULL THEN 0 ELSE 1 END::bigint";
        Ok(self.number(sql, &[&define::quoted(&part.table)])? == Some(1))
    }

    fn count(&mut self, part: &Part) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM {}", define::quoted(&part.table));
        Ok(u64::try_from(self.number(&sql, &[])?.unwrap_or(0)).unwrap_or(0))
    }

    fn page(&mut self, part: &Part, after: &[Value], rows_max: usize) -> Result<Page, CopyError> {
        let statement = self.page_statement(part, !after.is_empty())?;
        let limit = Value::Integer(i64::try_from(rows_max).unwrap_or(i64::MAX));
        let bound: Vec<Bound<'_>> = after.iter().chain([&limit]).map(Bound).collect();
        let found = self.runtime.block_on(self.rows(&statement, &bound));
        let found = found.map_err(|error| explain(&error))?;
        let place = place_of(part);
        let last = match found.last() {
            Some(row) => values(part, &place, row, 0)?,
            None => Vec::new(),
        };
        let rows = found.iter().map(|row| values(part, &part.columns, row, place.len()));
        Ok(Page { rows: rows.collect::<Result<_, _>>()?, last })
    }

    fn numbered(&mut self, part: &Part, column: &str) -> Result<Option<i64>, StoreError> {
        let Some(sequence) = self.sequence(part, column)? else {
            return Ok(None);
        };
        self.number(&format!("SELECT last_value FROM {sequence} WHERE is_called"), &[])
    }

    fn mark(&mut self) -> Result<Option<Mark>, StoreError> {
        self.runtime.block_on(mark_in(&self.link))
    }

    fn begin(&mut self, state: &str, emptied: &[&Part]) -> Result<(), StoreError> {
        let names: Vec<String> = emptied.iter().map(|part| define::quoted(&part.table)).collect();
        self.transaction(|own| {
            own.run(&format!("DROP TABLE IF EXISTS {}; {}", mark::TABLE, mark::CREATE))?;
            own.set_mark(mark::WHOLE, state)?;
            if names.is_empty() {
                return Ok(());
            }
            own.run(&format!("TRUNCATE {}", names.join(", ")))
        })
    }

    fn write(&mut self, part: &Part, rows: &[Row], state: &str) -> Result<(), CopyError> {
        let names: Vec<String> =
            part.columns.iter().map(|(name, _)| define::quoted(name)).collect();
        let table = define::quoted(&part.table);
        let sql = format!("COPY {table} ({}) FROM STDIN", names.join(", "));
        let mut text = Vec::new();
        rows.iter().for_each(|row| text::write_row(part, row, &mut text));
        self.transaction(|own| {
            let poured = own.runtime.block_on(own.pour(&sql, text.into()));
            poured.map_err(|error| match refused_row(&error, rows) {
                Some(row) => CopyError::refused(part, row, &words(&error)),
                None => CopyError::Store(explain(&error)),
            })?;
            own.set_mark(&part.table, state).map_err(CopyError::Store)
        })
    }

    fn number_on(&mut self, part: &Part, column: &str, last: i64) -> Result<(), StoreError> {
        let Some(sequence) = self.sequence(part, column)? else {
            return Ok(());
        };
        let (table, column) = (define::quoted(&part.table), define::quoted(column));
        let sql = format!(
            "SELECT setval('{}', greatest({last}, (SELECT max({column}) FROM {table})))",
            sequence.replace('\'', "''")
        );
        self.number(&sql, &[]).map(|_| ())
    }

    /// PostgreSQL has looked when the keys were added.
    fn orphaned(&mut self) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    fn lift(&mut self) -> Result<(), StoreError> {
        self.run(&format!("SET synchronous_commit = on; DROP TABLE {}", mark::TABLE))
    }
}

impl OnServer {
    /// The sequence that numbers a column, as a name in SQL.
    fn sequence(&self, part: &Part, column: &str) -> Result<Option<String>, StoreError> {
        let table = define::quoted(&part.table);
        let column = super::names::kept(column);
        let sql = "SELECT pg_get_serial_sequence($1, $2)";
        let rows = self.runtime.block_on(self.link.query(sql, &[&table, &column.as_ref()]));
        let rows = rows.map_err(|error| explain(&error))?;
        Ok(rows.first().and_then(|row| row.get(0)))
    }
}

fn explain(error: &Error) -> StoreError {
    fault::explain(error, &Catalog::default())
}

/// What PostgreSQL says of a row, with what it says of it in detail.
fn words(error: &Error) -> String {
    let Some(reported) = error.as_db_error() else {
        return error.to_string();
    };
    let detail = reported.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    format!("{}{detail}", reported.message())
}

/// The row that `COPY` stopped at: `COPY books, line 17, column price: "x"`.
fn refused_row<'r>(error: &Error, rows: &'r [Row]) -> Option<&'r Row> {
    let place = error.as_db_error()?.where_()?;
    let rest = place.split_once(", line ")?.1;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    rows.get(digits.parse::<usize>().ok()?.checked_sub(1)?)
}

/// What tells a row's place in the order: its key, else where it lies.
fn place_of(part: &Part) -> Vec<(String, Kind)> {
    match part.key.is_empty() {
        true => vec![("ctid".to_owned(), Kind::Other { name: "tid".into() })],
        false => part.key.clone(),
    }
}

/// Each column says whose it is: a column of the answer, which may be a text of it, has its name.
fn page_sql(part: &Part, is_after: bool, is_strange: impl Fn(usize) -> bool) -> String {
    let own = |name: &str| format!("own.{}", define::quoted(name));
    let keys: Vec<String> = place_of(part).iter().map(|(name, _)| own(name)).collect();
    let shown = keys.iter().map(|name| match part.key.is_empty() {
        true => format!("{name}::text"),
        false => name.clone(),
    });
    let columns = part.columns.iter().enumerate().map(|(place, (name, _))| {
        let cast = if is_strange(place) { "::text" } else { "" };
        format!("{}{cast}", own(name))
    });
    let list: Vec<String> = shown.chain(columns).collect();
    let table = define::quoted(&part.table);
    let mut sql = format!("SELECT {} FROM {table} AS own", list.join(", "));
    if is_after {
        let marks: Vec<String> = (1..=keys.len()).map(|number| format!("${number}")).collect();
        sql.push_str(&format!(" WHERE ({}) > ({})", keys.join(", "), marks.join(", ")));
    }
    let limit = if is_after { keys.len() + 1 } else { 1 };
    sql.push_str(&format!(" ORDER BY {} LIMIT ${limit}", keys.join(", ")));
    sql
}

fn values(
    part: &Part,
    columns: &[(String, Kind)],
    row: &ServerRow,
    skipped: usize,
) -> Result<Row, CopyError> {
    let mut values = Vec::with_capacity(columns.len());
    for (place, (name, kind)) in columns.iter().enumerate() {
        let own = row.columns().get(skipped + place).map_or(&Type::TEXT, |column| column.type_());
        let Cell(cell) = row.try_get(skipped + place).map_err(|error| explain(&error))?;
        let value = match cell {
            None => Some(Value::Null),
            Some(bytes) => value(own, kind, bytes),
        };
        values.push(value.ok_or_else(|| CopyError::Unreadable {
            table: part.table.clone(),
            column: name.clone(),
            kind: kind.to_string(),
            value: "a value beyond its range".to_owned(),
        })?);
    }
    Ok(values)
}

/// A cell as a value; none where it is none that other stores have, such as the moment `infinity`.
fn value(own: &Type, kind: &Kind, bytes: &[u8]) -> Option<Value> {
    let own = base(own);
    Some(match *own {
        Type::BOOL => Value::Boolean(*bytes.first()? != 0),
        Type::INT2 => Value::Integer(i16::from_be_bytes(bytes.try_into().ok()?).into()),
        Type::INT4 => Value::Integer(i32::from_be_bytes(bytes.try_into().ok()?).into()),
        Type::INT8 => Value::Integer(i64::from_be_bytes(bytes.try_into().ok()?)),
        Type::FLOAT4 => Value::Real(f32::from_be_bytes(bytes.try_into().ok()?).into()),
        Type::FLOAT8 => Value::Real(f64::from_be_bytes(bytes.try_into().ok()?)),
        Type::UUID => Value::Uuid(uuid::Uuid::from_slice(bytes).ok()?),
        Type::TIMESTAMPTZ | Type::TIMESTAMP => {
            let number = i64::from_be_bytes(bytes.try_into().ok()?);
            // The least number is no moment but `-infinity`.
            let number = Some(number).filter(|number| *number != i64::MIN)?;
            Value::Timestamp(number.checked_add(EPOCH_MICROSECONDS)?)
        }
        Type::DATE => {
            let number = i32::from_be_bytes(bytes.try_into().ok()?);
            let number = Some(number).filter(|number| *number != i32::MIN)?;
            Value::Date(number.checked_add(EPOCH_DAYS)?)
        }
        Type::TIME => Value::Time(i64::from_be_bytes(bytes.try_into().ok()?)),
        Type::BYTEA => Value::Bytes(bytes.to_vec()),
        ref own if super::bind::is_text(own) => Value::Text(str::from_utf8(bytes).ok()?.to_owned()),
        ref own => {
            let mut json = Vec::new();
            show::write_alone(own, kind, bytes, &mut json)?;
            let text = String::from_utf8(json).ok()?;
            match kind {
                Kind::Json | Kind::Array { .. } => Value::Json(text),
                Kind::Numeric { .. } => Value::Decimal(text.trim_matches('"').to_owned()),
                _ => Value::Text(text.trim_matches('"').to_owned()),
            }
        }
    })
}
