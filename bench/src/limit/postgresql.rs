//! The limit over PostgreSQL: two connections that all reads share, binary rows that become bytes
//! by hand, and two writers that each send what is queued as one `INSERT` of `unnest`ed columns.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use axum::{
    Router,
    extract::{Path as Key, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::TryStreamExt;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::{
    Client, NoTls, Row, Statement,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};
use uuid::Uuid;

use super::{Body, Page, QUEUE, json, write_text};
use crate::Failure;

/// The table.
pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS messages (
      id uuid NOT NULL PRIMARY KEY, room varchar(40) NOT NULL, author uuid NOT NULL,
      data text NOT NULL, created_at timestamptz NOT NULL);
    CREATE INDEX IF NOT EXISTS messages_newest ON messages (created_at);";

/// Connections that reads share, and writers.
const LINKS: usize = 2;
/// Rows of one statement at most.
const GROUP_MAX: usize = 256;
/// Microseconds from 1970 to 2000, where PostgreSQL begins to count.
const EPOCH_MICROSECONDS: i64 = 946_684_800_000_000;

struct Shared {
    links: Vec<Link>,
    writers: Vec<mpsc::Sender<Queued>>,
    next: AtomicUsize,
}

struct Link {
    client: Client,
    one: Statement,
    list: Statement,
}

struct Queued {
    row: NewRow,
    done: oneshot::Sender<bool>,
}

struct NewRow {
    id: Uuid,
    author: Uuid,
    created_at: i64,
    body: Body,
}

/// Its requests; the writers end with the process.
pub(super) async fn router(url: &str, full: bool) -> Result<Router, Failure> {
    let mut links = Vec::new();
    let mut writers = Vec::new();
    for _ in 0..LINKS {
        let client = connect(url, full).await?;
        let columns = "SELECT id, room, author, data, created_at FROM messages";
        let one = client.prepare(&format!("{columns} WHERE id = $1")).await?;
        let list = client.prepare(&format!("{columns} ORDER BY created_at DESC LIMIT $1")).await?;
        links.push(Link { client, one, list });
        let (sender, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(write_all(connect(url, full).await?, receiver));
        writers.push(sender);
    }
    let shared = Arc::new(Shared { links, writers, next: AtomicUsize::new(0) });
    Ok(Router::new()
        .route("/api/v1/messages", get(list).post(insert))
        .route("/api/v1/messages/{id}", get(one))
        .with_state(shared))
}

async fn connect(url: &str, full: bool) -> Result<Client, Failure> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    // Its plans are good for all parameters: nobody has to make them anew to know.
    client.batch_execute("SET plan_cache_mode = force_generic_plan").await?;
    if !full {
        client.batch_execute("SET synchronous_commit = off").await?;
    }
    Ok(client)
}

impl Shared {
    fn link(&self) -> Option<&Link> {
        self.links.get(self.next.fetch_add(1, Relaxed) % LINKS)
    }
}

async fn one(State(shared): State<Arc<Shared>>, Key(id): Key<String>) -> Response {
    let (Ok(id), Some(link)) = (Uuid::try_parse(&id), shared.link()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match link.client.query_opt(&link.one, &[&Id(id)]).await {
        Ok(Some(row)) => {
            let mut bytes = Vec::with_capacity(256);
            match show(&row, &mut bytes) {
                Ok(()) => json(StatusCode::OK, bytes),
                Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            }
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn list(State(shared): State<Arc<Shared>>, Query(page): Query<Page>) -> Response {
    let Some(link) = shared.link() else { return StatusCode::NOT_FOUND.into_response() };
    match newest(link, i64::from(page.limit)).await {
        Ok(bytes) => json(StatusCode::OK, bytes),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn newest(link: &Link, limit: i64) -> Result<Vec<u8>, Failure> {
    let mut rows = std::pin::pin!(link.client.query_raw(&link.list, [limit]).await?);
    let mut bytes = Vec::with_capacity(8 * 1024);
    bytes.extend_from_slice(b"{\"data\":[");
    let mut is_first = true;
    while let Some(row) = rows.try_next().await? {
        if !is_first {
            bytes.push(b',');
        }
        is_first = false;
        show(&row, &mut bytes)?;
    }
    bytes.extend_from_slice(b"]}");
    Ok(bytes)
}

async fn insert(State(shared): State<Arc<Shared>>, body: axum::body::Bytes) -> Response {
    let Ok(body) = serde_json::from_slice::<Body>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Ok(author) = Uuid::try_parse(&body.author) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let created_at = jiff::Timestamp::now().as_microsecond();
    let row = NewRow { id: Uuid::new_v4(), author, created_at, body };
    let mut bytes = Vec::with_capacity(256);
    write_row(&mut bytes, row.id, &row.body.room, author, &row.body.data, created_at);
    let (done, answer) = oneshot::channel();
    let Some(writer) = shared.writers.get(shared.next.fetch_add(1, Relaxed) % LINKS) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    if writer.send(Queued { row, done }).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match answer.await {
        Ok(true) => json(StatusCode::CREATED, bytes),
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Sends what is queued as one statement.
async fn write_all(client: Client, mut queue: mpsc::Receiver<Queued>) {
    let insert = "INSERT INTO messages (id, room, author, data, created_at) SELECT * FROM \
                  unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::timestamptz[])";
    let Ok(insert) = client.prepare(insert).await else { return };
    let mut group = Vec::with_capacity(GROUP_MAX);
    while queue.recv_many(&mut group, GROUP_MAX).await > 0 {
        let rows = || group.iter().map(|queued: &Queued| &queued.row);
        let ids: Vec<Id> = rows().map(|row| Id(row.id)).collect();
        let rooms: Vec<&str> = rows().map(|row| row.body.room.as_str()).collect();
        let authors: Vec<Id> = rows().map(|row| Id(row.author)).collect();
        let texts: Vec<&str> = rows().map(|row| row.body.data.as_str()).collect();
        let moments: Vec<Moment> = rows().map(|row| Moment(row.created_at)).collect();
        let written = client.execute(&insert, &[&ids, &rooms, &authors, &texts, &moments]).await;
        for queued in group.drain(..) {
            let _ = queued.done.send(written.is_ok());
        }
    }
}

fn show(row: &Row, into: &mut Vec<u8>) -> Result<(), tokio_postgres::Error> {
    let (Id(id), Id(author), Moment(moment)) = (row.try_get(0)?, row.try_get(2)?, row.try_get(4)?);
    write_row(into, id, row.try_get(1)?, author, row.try_get(3)?, moment);
    Ok(())
}

fn write_row(into: &mut Vec<u8>, id: Uuid, room: &str, author: Uuid, data: &str, moment: i64) {
    let mut buffer = Uuid::encode_buffer();
    into.extend_from_slice(b"{\"id\":\"");
    into.extend_from_slice(id.hyphenated().encode_lower(&mut buffer).as_bytes());
    write_text(into, "\",\"room\":", room);
    into.extend_from_slice(b",\"author\":\"");
    into.extend_from_slice(author.hyphenated().encode_lower(&mut buffer).as_bytes());
    write_text(into, "\",\"data\":", data);
    into.extend_from_slice(b",\"created_at\":\"");
    write_moment(into, moment);
    into.extend_from_slice(b"\"}");
}

/// Microseconds since 1970 as `2026-11-20T18:00:00.000000Z`.
fn write_moment(into: &mut Vec<u8>, moment: i64) {
    let (day, clock) = (moment.div_euclid(86_400_000_000), moment.rem_euclid(86_400_000_000));
    // Years that begin in March end with their leap day.
    let days = day + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let seconds = clock / 1_000_000;
    let parts = [
        (4, year, b'-'),
        (2, month, b'-'),
        (2, of_year - (153 * shifted + 2) / 5 + 1, b'T'),
        (2, seconds / 3600, b':'),
        (2, seconds / 60 % 60, b':'),
        (2, seconds % 60, b'.'),
        (6, clock % 1_000_000, b'Z'),
    ];
    for (width, mut number, end) in parts {
        let from = into.len();
        into.resize(from + width, b'0');
        for digit in into.iter_mut().skip(from).rev() {
            *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
            number /= 10;
        }
        into.push(end);
    }
}

/// A key in binary.
#[derive(Debug)]
struct Id(Uuid);

impl<'a> FromSql<'a> for Id {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        Ok(Self(Uuid::from_slice(raw)?))
    }

    fn accepts(own: &Type) -> bool {
        *own == Type::UUID
    }
}

impl ToSql for Id {
    fn to_sql(&self, _: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Failure> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(own: &Type) -> bool {
        *own == Type::UUID
    }

    to_sql_checked!();
}

/// Microseconds since 1970 in binary.
#[derive(Debug)]
struct Moment(i64);

impl<'a> FromSql<'a> for Moment {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        Ok(Self(i64::from_be_bytes(raw.try_into()?) + EPOCH_MICROSECONDS))
    }

    fn accepts(own: &Type) -> bool {
        *own == Type::TIMESTAMPTZ
    }
}

impl ToSql for Moment {
    fn to_sql(&self, _: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Failure> {
        out.extend_from_slice(&(self.0 - EPOCH_MICROSECONDS).to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(own: &Type) -> bool {
        *own == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}
