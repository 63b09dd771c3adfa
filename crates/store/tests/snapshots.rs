//! A reader that keeps its snapshot while nobody writes never hides a write, never keeps the
//! write-ahead log from being moved, and is no obstacle to other processes.
mod support;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use store::{Durability, Expression, Kind, Options, Store, Value, query::Select};
use support::*;

fn notes() -> store::schema::Schema {
    schema(vec![table(
        "notes",
        vec![required("id", Kind::Integer { bits: 64 }), required("body", TEXT)],
    )])
}

fn row(id: i64, body: &str) -> store::query::Step {
    insert("notes", &[("id", Value::Integer(id)), ("body", Value::Text(body.to_owned()))], &[])
}

async fn open(directory: &Path) -> Store {
    let options = Options { durability: Durability::Normal, ..Options::default() };
    let store = Store::open(directory, options).expect("a store");
    migrate(&store, &notes()).await;
    store
}

/// The row of a key, by a read on the caller's own thread.
fn one(id: i64) -> Select {
    let outputs = [output("id", Kind::Integer { bits: 64 }), output("body", TEXT)];
    let is_it = Expression::column("id").equals(Value::Integer(id));
    Select { limit: Some(1), ..select("notes", &outputs, is_it) }
}

async fn is_there(store: &Store, id: i64) -> bool {
    !store.select(&one(id)).await.expect("a read").is_empty()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_acknowledged_is_seen_by_every_thread_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path()).await;
    let (written, ends) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (store, written, ends) = (store.clone(), written.clone(), ends.clone());
            tokio::spawn(async move {
                let mut seen = 0;
                while !ends.load(SeqCst) {
                    let last = written.load(SeqCst);
                    if last > 0 {
                        assert!(is_there(&store, last).await, "{last} was acknowledged");
                        seen += 1;
                    }
                    tokio::task::yield_now().await;
                }
                seen
            })
        })
        .collect();
    for id in 1..=300 {
        store.write(vec![row(id, "x")]).await.expect("written");
        written.store(id, SeqCst);
        // Now and then a pause in which snapshots are kept.
        if id % 10 == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    ends.store(true, SeqCst);
    for reader in readers {
        assert!(reader.await.expect("no panic") > 100);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_is_moved_while_readers_never_rest() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path()).await;
    store.write(vec![row(0, "first")]).await.expect("written");
    let ends = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (store, ends) = (store.clone(), ends.clone());
            tokio::spawn(async move {
                while !ends.load(SeqCst) {
                    assert!(is_there(&store, 0).await);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    // Each write is followed by a pause that is long enough for a snapshot to be kept.
    let body = "y".repeat(400_000);
    for id in 1..=150 {
        store.write(vec![row(id, &body)]).await.expect("written");
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    ends.store(true, SeqCst);
    for reader in readers {
        reader.await.expect("no panic");
    }
    let log = std::fs::metadata(directory.path().join("data.db-wal")).expect("the log").len();
    // Sixty megabytes were written; the log is moved from 4000 pages on.
    assert!(log < 30 << 20, "{log} bytes of log");
}

#[tokio::test]
async fn what_another_process_writes_is_seen_a_moment_later() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path()).await;
    let other = rusqlite::Connection::open(directory.path().join("data.db")).expect("opens");
    for id in 1..=20 {
        // Nobody has written for a while: the snapshot of this read is kept.
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(!is_there(&store, id).await);
        other.execute("INSERT INTO notes VALUES (?, 'theirs')", [id]).expect("written");
        let since = Instant::now();
        while !is_there(&store, id).await {
            assert!(since.elapsed() < Duration::from_millis(500), "{id} is not seen");
        }
    }
}

#[tokio::test]
async fn a_reader_that_rests_is_in_nobodys_way() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(directory.path()).await;
    store.write(vec![row(1, "x")]).await.expect("written");
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(is_there(&store, 1).await);
    let other = rusqlite::Connection::open(directory.path().join("data.db")).expect("opens");
    other.execute("INSERT INTO notes VALUES (2, 'theirs')", []).expect("written");
    let since = Instant::now();
    loop {
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let is_busy: bool = other.query_row(sql, [], |row| row.get(0)).expect("a verdict");
        if !is_busy {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(5), "the log is still held");
    }
}
