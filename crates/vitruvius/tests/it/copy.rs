//! The built command moves rows from one store to another, and survives being killed.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    harness::{SHOP, Test, WAIT_MAX},
    postgres::{database, server},
};

/// The name of a UUID that SQLite makes by itself.
const UUID: &str = "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || \
    substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2) || '-' || \
    hex(randomblob(6)))";

fn run(directory: &Path, arguments: &[&str]) -> Output {
    command(directory, arguments).output().expect("the binary runs")
}

fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vitruvius"));
    command.args(arguments).current_dir(directory).env_remove("DATABASE_URL");
    command.stdin(Stdio::null());
    command
}

#[track_caller]
fn says(output: &Output, code: i32, words: &str) {
    let text = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert_eq!(output.status.code(), Some(code), "{text:?}");
    assert!(text.iter().any(|text| text.contains(words)), "`{words}` is not in {text:?}");
}

/// A directory with a document and the data of a service that has ended, with a lamp in it.
fn shop() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let mut serving = Test::new().document(SHOP).serve(&[]);
    serving.post("/api/v1/items", &json!({"name": "Lamp", "price": 5})).status(201);
    serving.signal("TERM");
    serving.end();
    let shop = directory.path().join("shop");
    let copied = Command::new("cp").arg("-a").arg(serving.directory()).arg(shop).status();
    assert!(copied.expect("cp runs").success());
    directory
}

#[test]
fn rows_move_to_postgresql_and_back() {
    let directory = shop();
    let shop = directory.path().join("shop");
    let own = database();
    let there = ["copy", "ARCHITECTURE.md", "--from", "data", "--to", &own.url];
    says(&run(&shop, &there), 0, "counts and checksums are the same");
    let kept = server().sql(&own.name, "SELECT name || price FROM items");
    assert_eq!(kept.trim(), "Lamp5");
    let back = ["copy", "ARCHITECTURE.md", "--from", &own.url, "--to", "back"];
    says(&run(&shop, &back), 0, "1 row");
    let plan = ["plan", "ARCHITECTURE.md", "--data", "back"];
    says(&run(&shop, &plan), 0, "nothing to change");
    says(&run(&shop, &there), 2, "the target has rows already: 1 row in `items`");
}

#[test]
fn a_copy_that_is_killed_is_not_served_until_it_is_done() {
    let directory = shop();
    let shop = directory.path().join("shop");
    let own = database();
    let file = rusqlite::Connection::open(shop.join("data/data.db")).expect("the file");
    let many = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
         INSERT INTO items (id, name, price) SELECT {UUID}, 'item ' || i, i FROM n"
    );
    file.execute_batch(&many).expect("many rows");
    drop(file);
    let copy = ["copy", "ARCHITECTURE.md", "--from", "data", "--to", &own.url];
    let mut child = command(&shop, &copy).stderr(Stdio::null()).spawn().expect("it starts");
    let started = Instant::now();
    let has_rows = "SELECT count(*) FROM pg_tables WHERE tablename = 'items'";
    while server().sql(&own.name, has_rows).trim() == "0"
        || server().sql(&own.name, "SELECT count(*) FROM items").trim() == "0"
    {
        assert!(started.elapsed() < WAIT_MAX, "no row arrives");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("killed");
    child.wait().expect("its end");
    let arrived: u64 =
        server().sql(&own.name, "SELECT count(*) FROM items").trim().parse().expect("a count");
    assert!(arrived < 60_001, "it was done before it was killed");

    let serve = ["serve", "ARCHITECTURE.md", "--listen", "127.0.0.1:0", "--database", &own.url];
    says(&run(&shop, &serve), 2, "again to go on with it");
    let plan = ["plan", "ARCHITECTURE.md", "--database", &own.url];
    says(&run(&shop, &plan), 2, "again to go on with it");
    let verify = ["verify", "ARCHITECTURE.md", "--database", &own.url];
    says(&run(&shop, &verify), 2, "again to go on with it");
    says(&run(&shop, &copy), 0, "60,002 rows");
    assert_eq!(server().sql(&own.name, "SELECT count(*) FROM items").trim(), "60001");
    says(&run(&shop, &plan), 0, "nothing to change");
}

#[test]
fn a_target_that_is_served_is_refused_and_a_source_is_copied_as_it_is() {
    let own = database();
    let serving = Test::new().document(SHOP).serve(&["--database", &own.url]);
    serving.post("/api/v1/items", &json!({"name": "Lamp", "price": 5})).status(201);
    let directory = serving.directory();
    let from = ["copy", "ARCHITECTURE.md", "--from", &own.url, "--to", "elsewhere"];
    says(&run(directory, &from), 0, "the source is being served");
    let to = ["copy", "ARCHITECTURE.md", "--from", "elsewhere", "--to", &own.url];
    says(&run(directory, &to), 2, "the target is being served");
    let to = ["copy", "ARCHITECTURE.md", "--from", "elsewhere", "--to", "data"];
    says(&run(directory, &to), 2, "another service is using the data");
}

#[test]
fn what_cannot_be_copied_says_why() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("ARCHITECTURE.md"), SHOP).expect("a file");
    let copy = |from: &str, to: &str| {
        run(directory.path(), &["copy", "ARCHITECTURE.md", "--from", from, "--to", to])
    };
    says(&copy("nowhere", "data"), 2, "nowhere holds no data");
    let own = database();
    let url = server().url_tcp(&own.name, "hunter2");
    let refused = copy(&url, "data");
    says(&refused, 2, "it refuses the user or the password");
    assert!(!String::from_utf8_lossy(&refused.stderr).contains("hunter2"));
    says(&copy("postgres://nobody@127.0.0.1:1/x", "data"), 2, "127.0.0.1:1");
    says(&copy(&own.url, &own.url), 2, "the source and the target are the same");
}
