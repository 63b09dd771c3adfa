//! What only the inside can bring about: a full disk, a panic in the middle of a write, reads that
//! take one way or the other.

use std::sync::Arc;

use tokio::sync::oneshot;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::{Sqlite, change, connection, ledger, read, reader, shadow, writer::Job};
use crate::{
    Expression, Kind, Options, StoreError, Value,
    change::ledger::wish_fingerprint,
    copy::mark::Marked,
    query::{Output, Select, Step},
    schema::{Column, Schema, Table},
};

fn schema() -> Schema {
    let columns = vec![
        Column::sample("id", Kind::Integer { bits: 64 }),
        Column::sample("body", Kind::Text { length_max: None }),
    ];
    Schema { tables: vec![Table::sample("letters", columns, &["id"])], ..Schema::default() }
}

async fn letters() -> (Sqlite, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let sqlite =
        Sqlite::open(directory.path(), Options::default(), Marked::Refused).expect("a store");
    let schema = schema();
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
async fn a_plan_that_changes_nothing_looks_at_no_row() {
    let (sqlite, _directory) = letters().await;
    fill(&sqlite, (0..10).map(|id| (id, "x".to_owned()))).await;
    let connection = connection::open(&sqlite.shared.path, connection::Access::Read);
    let mut connection = connection.expect("the file");
    let refuse = |context: AuthContext<'_>| match context.action {
        AuthAction::Read { table_name: "letters", .. } => Authorization::Deny,
        _ => Authorization::Allow,
    };
    connection.authorizer(Some(refuse)).expect("watched");
    let drafted = change::draft(&connection, &schema()).map(|draft| draft.plan);
    assert!(drafted.expect("a plan").is_empty());
    // A step says how many rows it is about.
    let mut wider = schema();
    wider.tables[0].columns.push(Column::sample("note", Kind::Text { length_max: None }));
    assert!(change::draft(&connection, &wider).is_err(), "the rows are counted");
    connection.authorizer(None::<fn(AuthContext<'_>) -> Authorization>).expect("let go");
    let drafted = change::draft(&connection, &wider).map(|draft| draft.plan.steps[0].rows);
    assert_eq!(drafted.expect("a plan"), Some(10));
}

#[tokio::test]
async fn what_was_applied_and_taken_whole_is_not_tried_again() {
    let (sqlite, _directory) = letters().await;
    let connection = connection::open(&sqlite.shared.path, connection::Access::Read);
    let connection = connection.expect("the file");
    let snapshot = ledger::read(&connection).expect("a snapshot");
    let accepted = |wished: &Schema| snapshot.accepted(wished, &wish_fingerprint(wished));
    let mut wished = schema();
    let (refined, refused) = shadow::refined(&wished).expect("tried");
    assert!(refused.is_empty());
    assert_eq!(accepted(&wished), Some(refined));
    // Where it stands in the document is no difference, what it says is.
    wished.tables[0].origin = "ARCHITECTURE.md:7".to_owned();
    assert!(accepted(&wished).is_some());
    wished.tables[0].columns[1].nullable = false;
    assert_eq!(accepted(&wished), None);
}

#[tokio::test]
async fn a_store_that_is_closed_leaves_no_log_behind() {
    let (sqlite, directory) = letters().await;
    fill(&sqlite, (0..10).map(|id| (id, "x".repeat(10_000)))).await;
    // This thread keeps its own connection, that only reads, for longer than the store lives.
    sqlite.select(&newest(Expression::Always(true), 5, 0)).await.expect("rows");
    let log = directory.path().join("data.db-wal");
    assert!(log.metadata().is_ok_and(|file| file.len() > 100_000), "it was written");
    drop(sqlite);
    assert!(log.metadata().map_or(0, |file| file.len()) == 0, "{:?}", log.metadata());
}

#[tokio::test]
async fn the_log_is_moved_into_the_file_while_the_store_is_used() {
    let (sqlite, directory) = letters().await;
    let size = |name: &str| directory.path().join(name).metadata().map_or(0, |file| file.len());
    for round in 0..40 {
        let rows = (0..100).map(|id| (round * 100 + id, "x".repeat(12_000)));
        fill(&sqlite, rows).await;
    }
    let (file, log) = (size("data.db"), size("data.db-wal"));
    assert!(file > 25_000_000, "{file}: most of it is in the file");
    assert!(log < 25_000_000, "{log}: the log is used again");
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

fn outputs() -> Arc<[Output]> {
    let output = |name: &str, kind| Output { name: name.into(), column: name.into(), kind };
    Arc::from([
        output("id", Kind::Integer { bits: 64 }),
        output("body", Kind::Text { length_max: None }),
    ])
}

async fn fill(sqlite: &Sqlite, rows: impl Iterator<Item = (i64, String)>) {
    let insert = |(id, body)| Step::Insert {
        table: "letters".into(),
        values: vec![("id".into(), Value::Integer(id)), ("body".into(), Value::Text(body))],
        returning: Arc::from([]),
    };
    sqlite.write(rows.map(insert).collect()).await.expect("filled");
}

/// A page of letters, sorted by `body` and then by `id`, both descending.
fn newest(condition: Expression, limit: u64, offset: u64) -> Select {
    Select {
        table: "letters".into(),
        outputs: outputs(),
        condition,
        order: vec![(Expression::column("body"), true), (Expression::column("id"), true)],
        limit: Some(limit),
        offset,
        nested: Vec::new(),
        is_by_index: false,
    }
}

/// The ids of such a page.
async fn page(sqlite: &Sqlite, condition: Expression, limit: u64, offset: u64) -> Vec<i64> {
    let rows = sqlite.select(&newest(condition, limit, offset)).await.expect("rows");
    let id = |place| {
        let row: serde_json::Value = serde_json::from_slice(rows.row(place)?).ok()?;
        row["id"].as_i64()
    };
    (0..rows.len()).map(|place| id(place).expect("an id")).collect()
}

#[tokio::test]
async fn equal_rows_are_sorted_by_their_key_wherever_a_page_ends() {
    for distinct in [1, 2, 7, 40, 1_000] {
        let (sqlite, _directory) = letters().await;
        // Ids against the order in which rows are kept, bodies in no order at all.
        let rows =
            (0..60).map(|row: i64| ((row * 37) % 61, format!("{:03}", (row * 53) % distinct)));
        let mut expected: Vec<(String, i64)> = rows.clone().map(|(id, body)| (body, id)).collect();
        expected.sort_by(|one, other| other.cmp(one));
        let expected: Vec<i64> = expected.into_iter().map(|(_, id)| id).collect();
        fill(&sqlite, rows).await;
        for limit in [1, 2, 5, 20, 59, 60, 61] {
            for offset in [0, 1, 19] {
                let end = expected.len().min(offset + limit);
                let seen =
                    page(&sqlite, Expression::Always(true), limit as u64, offset as u64).await;
                assert_eq!(seen, expected[offset..end], "{distinct} {limit} {offset}");
            }
        }
        assert!(page(&sqlite, Expression::Always(true), 0, 0).await.is_empty());
    }
}

#[tokio::test]
async fn a_read_that_takes_long_is_done_by_the_reader_threads() {
    let (sqlite, _directory) = letters().await;
    fill(&sqlite, (0..20_000).map(|id| (id, format!("{id:06}")))).await;
    let rare = || Expression::column("body").equals(Value::Text("000077".to_owned()));
    let select = newest(rare(), 20, 0);
    let here = reader::with(&sqlite.shared, |reader| {
        read::select_here(reader, &sqlite.shared.catalog(), &select)
    });
    assert_eq!(here.expect("no fault"), None, "looking through every row takes too long");
    for _ in 0..3 {
        assert_eq!(page(&sqlite, rare(), 20, 0).await, [77]);
        assert_eq!(page(&sqlite, Expression::Always(true), 2, 0).await, [19_999, 19_998]);
    }
}
