//! What only the inside can bring about: a full disk, a panic in the middle of a write.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Sqlite, writer::Job};
use crate::{
    Expression, Kind, Options, StoreError, Value,
    copy::mark::Marked,
    query::Step,
    schema::{Column, Schema, Table},
};

fn column(name: &str, kind: Kind) -> Column {
    Column {
        name: name.to_owned(),
        kind,
        nullable: true,
        default: None,
        generated: None,
        renamed_from: None,
        origin: String::new(),
    }
}

async fn letters() -> (Sqlite, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let sqlite =
        Sqlite::open(directory.path(), Options::default(), Marked::Refused).expect("a store");
    let table = Table {
        name: "letters".to_owned(),
        columns: vec![
            column("id", Kind::Integer { bits: 64 }),
            column("body", Kind::Text { length_max: None }),
        ],
        primary_key: vec!["id".to_owned()],
        unique_keys: Vec::new(),
        checks: Vec::new(),
        exclusions: Vec::new(),
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
        renamed_from: None,
        origin: String::new(),
    };
    let schema = Schema { tables: vec![table], ..Schema::default() };
    let plan = sqlite.plan(&schema).await.expect("a plan");
    sqlite.apply(&plan, &schema, "hash").await.expect("applied");
    (sqlite, directory)
}

fn letter(id: i64) -> Vec<Step> {
    vec![Step::Insert {
        table: "letters".into(),
        values: vec![
            ("id".into(), Value::Integer(id)),
            ("body".into(), Value::Text("x".repeat(50_000))),
        ],
        returning: Arc::from([]),
    }]
}

/// A file that may not grow is what a full disk looks like from inside.
async fn limit_pages(sqlite: &Sqlite, pages: i64) {
    let (reply, answer) = oneshot::channel();
    let work = Box::new(move |connection: &mut rusqlite::Connection| {
        let limited =
            connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| {
                row.get::<_, i64>(0)
            });
        let _ = reply.send(limited.expect("limited"));
    });
    sqlite.writer.send(Job::Alone(work)).expect("queued");
    answer.await.expect("limited");
}

#[tokio::test]
async fn a_full_disk_is_told_and_recovered_from() {
    let (sqlite, _directory) = letters().await;
    limit_pages(&sqlite, 60).await;
    let mut refused = None;
    for id in 0..100 {
        if let Err(error) = sqlite.write(letter(id)).await {
            refused = Some((id, error));
            break;
        }
    }
    let (id, error) = refused.expect("the file is full");
    assert!(matches!(&error, StoreError::Unavailable(why) if why.contains("full")), "{error:?}");
    let count = sqlite.count("letters", &Expression::Always(true)).await.expect("a count");
    assert_eq!(i64::try_from(count).expect("few"), id, "what was acknowledged is there");
    limit_pages(&sqlite, 1_000_000).await;
    sqlite.write(letter(id)).await.expect("it recovers");
}

#[tokio::test]
async fn a_panic_of_the_writer_stays_with_its_job() {
    let (sqlite, _directory) = letters().await;
    let (reply, answer) = oneshot::channel::<()>();
    let work = Box::new(move |connection: &mut rusqlite::Connection| {
        let _held = reply;
        connection.execute_batch("BEGIN IMMEDIATE; DELETE FROM letters").expect("begun");
        panic!("a fault of ours, made on purpose by a test");
    });
    sqlite.writer.send(Job::Alone(work)).expect("queued");
    answer.await.expect_err("no answer came");
    sqlite.write(letter(1)).await.expect("the writer goes on");
}
