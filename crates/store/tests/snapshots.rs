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

/// Page by page through rows of which many have the same key, and once more after each write.
#[tokio::test]
async fn far_pages_begin_where_they_did_until_somebody_writes() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options { durability: Durability::Normal, ..Options::default() };
    let store = Store::open(directory.path(), options).expect("a store");
    let rank = Kind::Integer { bits: 64 };
    let ranked = schema(vec![table(
        "ranked",
        vec![required("id", Kind::Integer { bits: 64 }), required("rank", rank.clone())],
    )]);
    migrate(&store, &ranked).await;
    let row = |id: i64, rank: i64| {
        insert("ranked", &[("id", Value::Integer(id)), ("rank", Value::Integer(rank))], &[])
    };
    // Ranks of three rows each, then one that two hundred rows share.
    let mut rows: Vec<(i64, i64)> = (0..1_800).map(|id| (id * 7919 % 1_801, id / 3)).collect();
    rows.extend((2_000..2_200).map(|id| (id, 300)));
    store.write(rows.iter().map(|(id, rank)| row(*id, *rank)).collect()).await.expect("written");
    let page = |offset: u64| {
        let outputs = [output("id", Kind::Integer { bits: 64 })];
        let order = ["rank", "id"].map(|name| (Expression::column(name), true));
        let all = Expression::Always(true);
        let order = order.to_vec();
        Select {
            order,
            limit: Some(20),
            offset,
            is_short: false,
            ..select("ranked", &outputs, all)
        }
    };
    for round in 0..3 {
        let mut expected: Vec<_> = rows.iter().map(|(id, rank)| (*rank, *id)).collect();
        expected.sort_unstable_by(|one, other| other.cmp(one));
        for offset in (0..expected.len() as u64 + 40).step_by(20).chain((507..1_600).step_by(211)) {
            for _ in 0..2 {
                let seen = json(&store, &page(offset)).await;
                let ids = expected.iter().skip(offset as usize).take(20);
                let ids: Vec<_> = ids.map(|(_, id)| format!("{{\"id\":{id}}}")).collect();
                assert_eq!(seen, format!("[{}]", ids.join(",")), "{offset}, round {round}");
            }
        }
        rows.push((5_000 + round, 700));
        store.write(vec![row(5_000 + round, 700)]).await.expect("written");
    }
}
