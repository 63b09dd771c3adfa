//! The limit over SQLite: rows become bytes by hand, reads run on the worker that took the request,
//! one thread writes what is queued in one transaction.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    extract::{Path as Key, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{Body, Page, QUEUE, json, write_text};
use crate::Failure;

/// The table.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS messages (
      id TEXT NOT NULL PRIMARY KEY, room TEXT NOT NULL, author TEXT NOT NULL,
      data TEXT NOT NULL, created_at TEXT NOT NULL) STRICT;
    CREATE INDEX IF NOT EXISTS messages_newest ON messages (created_at);
    CREATE TABLE IF NOT EXISTS notes (
      id TEXT NOT NULL PRIMARY KEY, user_id TEXT NOT NULL, room TEXT NOT NULL,
      data TEXT NOT NULL, created_at TEXT NOT NULL) STRICT;";

thread_local! {
    static READER: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

struct Shared {
    database: PathBuf,
    writer: mpsc::Sender<Queued>,
}

struct Queued {
    row: Row,
    done: oneshot::Sender<Result<(), rusqlite::Error>>,
}

struct Row {
    id: String,
    created_at: String,
    body: Body,
}

/// Creates the tables of a database.
pub(crate) fn create(database: &Path) -> Result<(), Failure> {
    Ok(open(database, false)?.execute_batch(SCHEMA)?)
}

/// Its requests; the writer ends with the process.
pub(super) fn router(database: &Path, full: bool) -> Result<Router, Failure> {
    create(database)?;
    let writer = open(database, full)?;
    let (sender, receiver) = mpsc::channel(QUEUE);
    std::thread::spawn(move || write_all(writer, receiver));
    let shared = Arc::new(Shared { database: database.to_owned(), writer: sender });
    Ok(Router::new()
        .route("/api/v1/messages", get(list).post(insert))
        .route("/api/v1/messages/{id}", get(one))
        .with_state(shared))
}

fn open(database: &Path, full: bool) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open(database)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", if full { "FULL" } else { "NORMAL" })?;
    connection.pragma_update(None, "cache_size", -65_536)?;
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    Ok(connection)
}

fn read<T>(
    shared: &Shared,
    action: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
) -> Result<T, rusqlite::Error> {
    READER.with_borrow_mut(|reader| {
        let connection = match reader {
            Some(connection) => connection,
            None => reader.insert(open(&shared.database, false)?),
        };
        action(connection)
    })
}

async fn one(State(shared): State<Arc<Shared>>, Key(id): Key<String>) -> Response {
    let Ok(id) = Uuid::try_parse(&id) else { return StatusCode::NOT_FOUND.into_response() };
    let found = read(&shared, |connection| {
        connection
            .prepare_cached("SELECT id, room, author, data, created_at FROM messages WHERE id = ?")?
            .query_row([id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) as &str], |row| {
                let mut bytes = Vec::with_capacity(256);
                show(row, &mut bytes)?;
                Ok(bytes)
            })
            .optional()
    });
    match found {
        Ok(Some(bytes)) => json(StatusCode::OK, bytes),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn list(State(shared): State<Arc<Shared>>, Query(page): Query<Page>) -> Response {
    let found = read(&shared, |connection| {
        let mut statement = connection.prepare_cached(
            "SELECT id, room, author, data, created_at FROM messages \
             ORDER BY created_at DESC LIMIT ?",
        )?;
        let mut rows = statement.query([page.limit])?;
        let mut bytes = Vec::with_capacity(8 * 1024);
        bytes.extend_from_slice(b"{\"data\":[");
        let mut is_first = true;
        while let Some(row) = rows.next()? {
            if !is_first {
                bytes.push(b',');
            }
            is_first = false;
            show(row, &mut bytes)?;
        }
        bytes.extend_from_slice(b"]}");
        Ok(bytes)
    });
    match found {
        Ok(bytes) => json(StatusCode::OK, bytes),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn insert(State(shared): State<Arc<Shared>>, body: axum::body::Bytes) -> Response {
    let Ok(body) = serde_json::from_slice::<Body>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let id = Uuid::new_v4().to_string();
    let row = Row { id, created_at: format!("{:.6}", jiff::Timestamp::now()), body };
    let mut bytes = Vec::with_capacity(256);
    write_row(
        &mut bytes,
        [&row.id, &row.body.room, &row.body.author, &row.body.data, &row.created_at],
    );
    let (done, answer) = oneshot::channel();
    if shared.writer.send(Queued { row, done }).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match answer.await {
        Ok(Ok(())) => json(StatusCode::CREATED, bytes),
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn show(row: &rusqlite::Row<'_>, into: &mut Vec<u8>) -> Result<(), rusqlite::Error> {
    let text = |place: usize| row.get_ref(place)?.as_str().map_err(rusqlite::Error::from);
    write_row(into, [text(0)?, text(1)?, text(2)?, text(3)?, text(4)?]);
    Ok(())
}

fn write_row(into: &mut Vec<u8>, values: [&str; 5]) {
    let names = ["{\"id\":", ",\"room\":", ",\"author\":", ",\"data\":", ",\"created_at\":"];
    for (name, value) in names.into_iter().zip(values) {
        write_text(into, name, value);
    }
    into.push(b'}');
}

/// One thread writes: whatever is queued becomes one transaction.
fn write_all(connection: Connection, mut queue: mpsc::Receiver<Queued>) {
    let mut group = Vec::with_capacity(QUEUE);
    while queue.blocking_recv_many(&mut group, QUEUE) > 0 {
        let result = write_group(&connection, &group);
        for (queued, result) in group.drain(..).zip(result) {
            let _ = queued.done.send(result);
        }
    }
}

fn write_group(connection: &Connection, group: &[Queued]) -> Vec<Result<(), rusqlite::Error>> {
    let write = |row: &Row| -> Result<(), rusqlite::Error> {
        let Body { room, author, data } = &row.body;
        connection
            .prepare_cached(
                "INSERT INTO messages (id, room, author, data, created_at) VALUES (?, ?, ?, ?, ?)",
            )?
            .execute(params![row.id, room, author, data, row.created_at])?;
        Ok(())
    };
    let begun = connection.execute_batch("BEGIN IMMEDIATE");
    let mut results: Vec<_> = group.iter().map(|queued| write(&queued.row)).collect();
    if begun.and_then(|()| connection.execute_batch("COMMIT")).is_err() {
        results.fill_with(|| Err(rusqlite::Error::InvalidQuery));
    }
    results
}
