//! What was acknowledged survives the death of the process; what fails takes nobody along.
mod support;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use store::{Expression, Kind, Options, Store, StoreError, Value};
use support::*;

/// In a child process: the directory to write into until killed.
const DIRECTORY: &str = "STORE_TEST_DIRECTORY";

fn numbers() -> store::schema::Schema {
    schema(vec![table("numbers", vec![required("id", Kind::Integer { bits: 64 })])])
}

fn wider() -> store::schema::Schema {
    schema(vec![table(
        "numbers",
        vec![required("id", Kind::Integer { bits: 64 }), required("note", Kind::Time)],
    )])
}

fn row(id: i64) -> store::query::Step {
    insert("numbers", &[("id", Value::Integer(id))], &[])
}

/// Starts this test binary again, running the one test named.
fn child(test: &str, directory: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", test, "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a child")
}

fn integrity(directory: &Path) -> String {
    let connection = rusqlite::Connection::open(directory.join("data.db")).expect("the file");
    connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a verdict")
}

/// Acknowledges on its output each row that is written; in the parent it does nothing.
#[tokio::test]
async fn child_that_writes() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let store = Store::open(Path::new(&directory), Options::default()).expect("a store");
    migrate(&store, &numbers()).await;
    let first = store.count("numbers", &Expression::Always(true)).await.expect("a count");
    let first = i64::try_from(first).expect("few") * 1_000;
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for number in 0.. {
                    let id = first * 10 + number * 4 + writer;
                    write(&store, vec![row(id)]).await.expect("written");
                    println!("acknowledged {id}");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("runs until killed");
    }
}

#[tokio::test]
async fn acknowledged_rows_survive_kill_9() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut acknowledged = Vec::new();
    for round in 0..12_u64 {
        let mut child = child("child_that_writes", directory.path());
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let mut seen = 0;
        let mut killed = false;
        for line in output.lines() {
            let line = line.expect("a line");
            // The last line may be cut short by the kill.
            let id = line.strip_prefix("acknowledged ").and_then(|id| id.parse::<i64>().ok());
            if let Some(id) = id {
                seen += 1;
                acknowledged.push(id);
            }
            if seen == 10 + round * 7 && !killed {
                child.kill().expect("killed");
                killed = true;
            }
        }
        child.wait().expect("it is gone");
        assert_eq!(integrity(directory.path()), "ok");
    }
    let store = Store::open(directory.path(), Options::default()).expect("a store");
    for id in &acknowledged {
        let key = Expression::column("id").equals(Value::Integer(*id));
        let found = select("numbers", &[output("id", INTEGER)], key);
        assert_eq!(store.select(&found).await.expect("a read").len(), 1, "row {id} is lost");
    }
    assert!(acknowledged.len() >= 12 * 10);
}

/// Says that it begins, then rebuilds a table; in the parent it does nothing.
#[tokio::test]
async fn child_that_migrates() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let store = Store::open(Path::new(&directory), Options::default()).expect("a store");
    let mut wished = wider();
    wished.tables[0].columns[1].default =
        Some(store::schema::Default::Expression(Value::Time(1).into()));
    let plan = store.plan(&wished).await.expect("a plan");
    println!("applying");
    store.apply(&plan, &wished, "hash").await.expect("applied");
    println!("applied");
}

#[tokio::test]
async fn an_apply_that_is_killed_leaves_the_old_schema_or_the_new() {
    let mut old = 0;
    // Eight rounds, and more where the machine let no kill come in time.
    for round in 0..80_u64 {
        if round >= 8 && old > 0 {
            break;
        }
        let directory = tempfile::tempdir().expect("a directory");
        {
            let store = Store::open(directory.path(), Options::default()).expect("a store");
            migrate(&store, &numbers()).await;
            for batch in 0..10 {
                let rows = (0..2_000).map(|id| row(batch * 2_000 + id)).collect();
                write(&store, rows).await.expect("rows");
            }
        }
        let mut child = child("child_that_migrates", directory.path());
        let output = BufReader::new(child.stdout.take().expect("its output"));
        for line in output.lines() {
            if line.expect("a line") == "applying" {
                std::thread::sleep(Duration::from_millis(round % 8 * 6));
                // It may be done already; then there is nothing to kill.
                let _ = child.kill();
            }
        }
        child.wait().expect("it is gone");
        assert_eq!(integrity(directory.path()), "ok");
        let store = Store::open(directory.path(), Options::default()).expect("a store");
        let count = store.count("numbers", &Expression::Always(true)).await.expect("a count");
        assert_eq!(count, 20_000);
        let is_old = store.plan(&numbers()).await.expect("a plan").is_empty();
        old += u32::from(is_old);
        let schema = if is_old { numbers() } else { wider() };
        assert!(!store.plan(&schema).await.expect("a plan").is_blocked());
        write(&store, vec![delete("numbers", Expression::Always(true))]).await.expect("it works");
    }
    assert!(old > 0, "no kill came in time: the test has shown nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_write_does_not_disturb_its_neighbours() {
    let fixture = with(&numbers()).await;
    write(&fixture.store, vec![row(-1)]).await.expect("the row that others collide with");
    let writes: Vec<_> = (0..400_i64)
        .map(|id| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                match id % 4 {
                    // A duplicate alone, and one that takes its own first row back.
                    0 => write(&store, vec![row(-1)]).await,
                    1 => write(&store, vec![row(id), row(-1)]).await,
                    2 => write(&store, vec![row(id), row(id + 10_000)]).await,
                    _ => write(&store, vec![row(id)]).await,
                }
            })
        })
        .collect();
    for (id, outcome) in writes.into_iter().enumerate() {
        let outcome = outcome.await.expect("a task");
        match id % 4 {
            0 | 1 => {
                assert!(matches!(outcome, Err(StoreError::Unique { .. })), "{id}: {outcome:?}")
            }
            _ => outcome.unwrap_or_else(|error| panic!("{id}: {error}")),
        }
    }
    let count = fixture.store.count("numbers", &Expression::Always(true)).await.expect("a count");
    assert_eq!(count, 1 + 200 + 100);
}

#[tokio::test]
async fn another_process_that_holds_the_file_is_waited_for_then_named() {
    let fixture = with(&numbers()).await;
    let other = rusqlite::Connection::open(fixture.directory.path().join("data.db"))
        .expect("the same file");
    other.execute_batch("BEGIN IMMEDIATE").expect("held");
    let waiting = tokio::spawn({
        let store = fixture.store.clone();
        async move { write(&store, vec![row(1)]).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    other.execute_batch("COMMIT").expect("let go");
    waiting.await.expect("a task").expect("written after the wait");
    other.execute_batch("BEGIN IMMEDIATE").expect("held");
    let error = write(&fixture.store, vec![row(2)]).await.expect_err("held too long");
    assert!(
        matches!(&error, StoreError::Unavailable(why) if why.contains("another process")),
        "{error:?}"
    );
    let read = fixture.store.count("numbers", &Expression::Always(true)).await;
    assert_eq!(read.expect("reading goes on"), 1);
    other.execute_batch("COMMIT").expect("let go");
    write(&fixture.store, vec![row(3)]).await.expect("it recovers");
}

#[tokio::test]
async fn a_full_queue_says_busy() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options { queue_max: 2, ..Options::default() };
    let store = Store::open(directory.path(), options).expect("a store");
    migrate(&store, &numbers()).await;
    let other = rusqlite::Connection::open(directory.path().join("data.db")).expect("the file");
    other.execute_batch("BEGIN IMMEDIATE").expect("held");
    let writes: Vec<_> = (0..20)
        .map(|id| {
            let store = store.clone();
            tokio::spawn(async move { write(&store, vec![row(id)]).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    other.execute_batch("COMMIT").expect("let go");
    let mut busy = 0;
    let mut written = 0;
    for outcome in writes {
        match outcome.await.expect("a task") {
            Ok(()) => written += 1,
            Err(StoreError::Busy) => busy += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(busy > 0 && written > 0, "{busy} busy, {written} written");
}

#[tokio::test]
async fn the_last_schema_is_served_after_reopening() {
    let directory = tempfile::tempdir().expect("a directory");
    {
        let store = Store::open(directory.path(), Options::default()).expect("a store");
        migrate(&store, &library()).await;
        write(&store, vec![insert("books", &[("title", text("A"))], &[])]).await.expect("a row");
    }
    let store = Store::open(directory.path(), Options::default()).expect("a store");
    let error = write(
        &store,
        vec![insert("books", &[("title", text("B")), ("copies", Value::Integer(-1))], &[])],
    )
    .await
    .expect_err("the check holds");
    assert!(matches!(&error, StoreError::Check { table, .. } if table == "books"), "{error:?}");
    let plan = store.plan(&library()).await.expect("a plan");
    assert!(plan.is_empty(), "{:?}", plan.steps);
}

#[tokio::test]
async fn a_changed_schema_reaches_readers_that_have_held_statements() {
    let fixture =
        with(&schema(vec![table("t", vec![required("id", SERIAL), column("v", TEXT)])])).await;
    write(&fixture.store, vec![insert("t", &[("v", text("1"))], &[])]).await.expect("a row");
    let shown = select("t", &[output("v", TEXT)], Expression::Always(true));
    assert_eq!(json(&fixture.store, &shown).await, r#"[{"v":"1"}]"#);
    migrate(
        &fixture.store,
        &schema(vec![table("t", vec![required("id", SERIAL), column("v", INTEGER)])]),
    )
    .await;
    let shown = select("t", &[output("v", INTEGER)], Expression::Always(true));
    assert_eq!(json(&fixture.store, &shown).await, r#"[{"v":1}]"#);
}
