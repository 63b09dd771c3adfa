//! What the store costs beside bare SQLite, in one run: `cargo bench -p store`.
//!
//! Rounds of all cases are interleaved and medians compared, since only ratios of one run mean
//! anything on a machine that others use too. Nothing here is a test; it prints a table.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::{Connection, types::ValueRef};
use store::{
    Durability, Expression, Kind, Options, Store, Value,
    query::{Output, Select, Step},
    schema::{Column, Index, Schema, Table},
};

const ROWS: i64 = 100_000;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(400);
const WRITERS: i64 = 64;

fn column(name: &str, kind: Kind) -> Column {
    Column {
        name: name.to_owned(),
        kind,
        nullable: false,
        default: None,
        generated: None,
        renamed_from: None,
        origin: String::new(),
    }
}

fn schema() -> Schema {
    let table = Table {
        name: "messages".to_owned(),
        columns: vec![
            column("id", Kind::Integer { bits: 64 }),
            column("room", Kind::Integer { bits: 32 }),
            column("author", Kind::Uuid),
            column("data", Kind::Text { length_max: Some(200) }),
            column("created_at", Kind::Timestamp { zoned: true }),
        ],
        primary_key: vec!["id".to_owned()],
        unique_keys: Vec::new(),
        checks: Vec::new(),
        exclusions: Vec::new(),
        foreign_keys: Vec::new(),
        indexes: vec![Index {
            name: "messages_created_at".to_owned(),
            parts: vec![(Expression::column("created_at"), false)],
            method: "btree".to_owned(),
            condition: None,
            origin: String::new(),
        }],
        renamed_from: None,
        origin: String::new(),
    };
    Schema { tables: vec![table], ..Schema::default() }
}

fn row(id: i64) -> Step {
    let moment = 1_700_000_000_000_000 + id * 1_000_000;
    Step::Insert {
        table: "messages".into(),
        values: vec![
            ("id".into(), Value::Integer(id)),
            ("room".into(), Value::Integer(id % 100)),
            ("author".into(), Value::Uuid(uuid::Uuid::from_u128(id.unsigned_abs().into()))),
            (
                "data".into(),
                Value::Text(format!("message number {id} with some words in it, \"quoted\"")),
            ),
            ("created_at".into(), Value::Timestamp(moment)),
        ],
        returning: Arc::from([]),
    }
}

fn outputs() -> Arc<[Output]> {
    let output = |name: &str, kind| Output { name: name.into(), column: name.into(), kind };
    Arc::from([
        output("id", Kind::Integer { bits: 64 }),
        output("room", Kind::Integer { bits: 32 }),
        output("author", Kind::Uuid),
        output("data", Kind::Text { length_max: Some(200) }),
        output("created_at", Kind::Timestamp { zoned: true }),
    ])
}

fn select(condition: Expression, newest: bool) -> Select {
    Select {
        table: "messages".into(),
        outputs: outputs(),
        condition,
        order: if newest { vec![(Expression::column("created_at"), true)] } else { Vec::new() },
        limit: Some(if newest { 20 } else { 1 }),
        offset: 0,
        nested: Vec::new(),
        is_by_index: true,
    }
}

/// The least that a server could do by itself: a held statement and bytes pushed by hand.
fn bare_rows(connection: &Connection, sql: &str, id: Option<i64>) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let mut statement = connection.prepare_cached(sql).expect("prepared");
    if let Some(id) = id {
        statement.raw_bind_parameter(1, id).expect("bound");
    }
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().expect("a row") {
        for (place, key) in
            ["{\"id\":", ",\"room\":", ",\"author\":", ",\"data\":", ",\"created_at\":"]
                .into_iter()
                .enumerate()
        {
            out.extend_from_slice(key.as_bytes());
            match row.get_ref(place).expect("a cell") {
                ValueRef::Integer(number) => {
                    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
                }
                ValueRef::Text(text) => {
                    out.push(b'"');
                    for byte in text {
                        if matches!(byte, b'"' | b'\\') {
                            out.push(b'\\');
                        }
                        out.push(*byte);
                    }
                    out.push(b'"');
                }
                _ => out.extend_from_slice(b"null"),
            }
        }
        out.extend_from_slice(b"},");
    }
    out
}

/// Nanoseconds for one call, over one round.
fn timed(mut call: impl FnMut(i64)) -> f64 {
    let start = Instant::now();
    let mut calls = 0_i64;
    while start.elapsed() < ROUND {
        for _ in 0..50 {
            calls += 1;
            call(calls.wrapping_mul(7919) % ROWS);
        }
    }
    start.elapsed().as_nanos() as f64 / calls as f64
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

async fn filled(directory: &Path, durability: Durability) -> Store {
    let options = Options { durability, ..Options::default() };
    let store = Store::open(directory, options).expect("a store");
    let plan = store.plan(&schema()).await.expect("a plan");
    store.apply(&plan, &schema(), "bench").await.expect("applied");
    for start in (0..ROWS).step_by(5_000) {
        store.write((start..start + 5_000).map(row).collect()).await.expect("rows");
    }
    store
}

fn bare(directory: &Path, synchronous: &str) -> Connection {
    let connection = Connection::open(directory.join("data.db")).expect("the same file");
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; \
             PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4000;"
        ))
        .expect("set up");
    connection
}

const BY_KEY: &str = "SELECT id, room, author, data, created_at FROM messages WHERE id = ?1";
const NEWEST: &str =
    "SELECT id, room, author, data, created_at FROM messages ORDER BY created_at DESC LIMIT 20";

fn reads(runtime: &tokio::runtime::Runtime) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = runtime.block_on(filled(directory.path(), Durability::Normal));
    let connection = bare(directory.path(), "NORMAL");
    let mut samples = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        samples[0].push(timed(|id| {
            std::hint::black_box(bare_rows(&connection, BY_KEY, Some(id)));
        }));
        samples[1].push(runtime.block_on(async {
            let start = Instant::now();
            let mut calls = 0_i64;
            while start.elapsed() < ROUND {
                calls += 1;
                let id = Value::Integer(calls.wrapping_mul(7919) % ROWS);
                let ask = select(Expression::column("id").equals(id), false);
                std::hint::black_box(store.select(&ask).await.expect("a row"));
            }
            start.elapsed().as_nanos() as f64 / calls as f64
        }));
        samples[2].push(timed(|_| {
            std::hint::black_box(bare_rows(&connection, NEWEST, None));
        }));
        samples[3].push(runtime.block_on(async {
            let start = Instant::now();
            let mut calls = 0_i64;
            while start.elapsed() < ROUND {
                calls += 1;
                let ask = select(Expression::Always(true), true);
                std::hint::black_box(store.select(&ask).await.expect("rows"));
            }
            start.elapsed().as_nanos() as f64 / calls as f64
        }));
    }
    let [get_bare, get, list_bare, list] = samples.map(median);
    report("get by key", "bare rusqlite", get_bare, "store", get);
    report("newest 20", "bare rusqlite", list_bare, "store", list);
}

fn writes(runtime: &tokio::runtime::Runtime, durability: Durability, synchronous: &str) {
    let directory = tempfile::tempdir().expect("a directory");
    let other = tempfile::tempdir().expect("a directory");
    let store = runtime.block_on(filled(directory.path(), durability));
    drop(runtime.block_on(filled(other.path(), durability)));
    let connection = bare(other.path(), synchronous);
    let insert = "INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5)";
    let put = |id: i64| {
        let author = uuid::Uuid::from_u128(id.unsigned_abs().into()).to_string();
        let data = format!("message number {id} with some words in it, \"quoted\"");
        let values = (id, id % 100, author, data, "2026-11-20T18:00:00.000000Z");
        connection.prepare_cached(insert).expect("prepared").execute(values).expect("a row");
    };
    let mut next = ROWS;
    let mut samples = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let first = next;
        while start.elapsed() < ROUND {
            put(next);
            next += 1;
        }
        samples[0].push(start.elapsed().as_nanos() as f64 / (next - first) as f64);
        let start = Instant::now();
        let first = next;
        while start.elapsed() < ROUND {
            connection.execute_batch("BEGIN IMMEDIATE").expect("begun");
            for _ in 0..WRITERS {
                put(next);
                next += 1;
            }
            connection.execute_batch("COMMIT").expect("committed");
        }
        samples[1].push(start.elapsed().as_nanos() as f64 / (next - first) as f64);
        let (elapsed, written) = runtime.block_on(concurrent(&store, next));
        next += written;
        samples[2].push(elapsed.as_nanos() as f64 / written as f64);
    }
    let [single, batched, grouped] = samples.map(median);
    let case = format!("insert {synchronous}");
    report(&case, "bare, 1 a commit", single, "store, 64 writers", grouped);
    report(&case, "bare, 64 a commit", batched, "store, 64 writers", grouped);
}

/// Many callers at once, each waiting for its own answer.
async fn concurrent(store: &Store, first: i64) -> (Duration, i64) {
    let start = Instant::now();
    let next = Arc::new(AtomicI64::new(first));
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (store, next) = (store.clone(), next.clone());
            tokio::spawn(async move {
                let mut written = 0;
                while start.elapsed() < ROUND {
                    let id = next.fetch_add(1, Ordering::Relaxed);
                    store.write(vec![row(id)]).await.expect("written");
                    written += 1;
                }
                written
            })
        })
        .collect();
    let mut total = 0;
    for writer in writers {
        total += writer.await.expect("a writer");
    }
    (start.elapsed(), total)
}

fn report(case: &str, one: &str, one_ns: f64, other: &str, other_ns: f64) {
    println!(
        "{case:<16} {one:<18} {:>8.1} µs   {other:<18} {:>8.1} µs   ratio of rates {:.2}",
        one_ns / 1e3,
        other_ns / 1e3,
        one_ns / other_ns
    );
}

fn main() {
    // `cargo bench` says so; `cargo test` only wants to know that it starts.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    reads(&runtime);
    writes(&runtime, Durability::Normal, "NORMAL");
    writes(&runtime, Durability::Full, "FULL");
}
