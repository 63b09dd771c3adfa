//! Copies between the stores: everything arrives as it was, goes on where it was cut short, and
//! nothing half done is served.

mod support;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use proptest::{prelude::*, sample::Index, test_runner::TestRunner};
use store::{
    Expression, Kind, Options, Store, StoreError, Value,
    copy::{CopyError, Order, Place, Progress, Report, Stage, copy},
    schema::{ReferentialAction, Schema},
};
use support::{
    SERIAL, TEXT, column, insert, json, numeric, output, postgres, refers, required, schema,
    select, table, text, unique, varchar,
};

/// Kinds with values of each, as the engine would write them.
fn sorts() -> Vec<(&'static str, Kind, Vec<Value>)> {
    let list = |element: Kind| Kind::Array { element: Box::new(element) };
    let words = |words: &[&str]| words.iter().map(|word| text(word)).collect::<Vec<_>>();
    let json = |words: &[&str]| words.iter().map(|it| Value::Json((*it).to_owned())).collect();
    let decimal = |words: &[&str]| {
        words.iter().map(|it| Value::Decimal((*it).to_owned())).collect::<Vec<_>>()
    };
    let grade = ["open", "it's", "done"].map(str::to_owned);
    vec![
        ("plain", TEXT, words(&["", "a\tb\\c\nd\r", "\\N", "\\.", "Äpfel €", "\u{7}", "{\"}"])),
        ("short", varchar(12), words(&["NULL", "null", "x'y\"z"])),
        ("nick", Kind::CaseInsensitiveText, words(&["Ann", "ÉMILE"])),
        ("small", Kind::Integer { bits: 16 }, vec![Value::Integer(-32768), Value::Integer(7)]),
        (
            "big",
            Kind::Integer { bits: 64 },
            vec![Value::Integer(i64::MAX), Value::Integer(i64::MIN)],
        ),
        ("price", numeric(10, 2), decimal(&["12.50", "-0.01", "99999999.99", "0.00"])),
        ("wide", numeric(30, 8), decimal(&["1234567890123456789012.50000000", "-9.00000000"])),
        ("whole", numeric(12, 0), decimal(&["999999999999", "-1"])),
        (
            "free",
            Kind::Numeric { precision: None, scale: None },
            decimal(&["123456789012345678901234567890.5", "0.000001", "100"]),
        ),
        (
            "ratio",
            Kind::Real { bits: 64 },
            [0.1, -1e300, 5e-324, 1e21, -0.0, 4.0].map(Value::Real).to_vec(),
        ),
        ("single", Kind::Real { bits: 32 }, vec![Value::Real(f64::from(0.1_f32))]),
        ("flag", Kind::Boolean, vec![Value::Boolean(true), Value::Boolean(false)]),
        (
            "moment",
            Kind::Timestamp { zoned: true },
            [-62_135_596_800_000_000, 253_402_300_799_999_999, 1, -1].map(Value::Timestamp).into(),
        ),
        ("civil", Kind::Timestamp { zoned: false }, vec![Value::Timestamp(1_600_000_000_123_456)]),
        ("day", Kind::Date, vec![Value::Date(-719_162), Value::Date(20_000)]),
        ("clock", Kind::Time, vec![Value::Time(0), Value::Time(86_399_500_001)]),
        ("span", Kind::Interval, words(&["PT1H30M", "-PT1.5S", "P1Y2M3DT4.000001S", "PT0S"])),
        ("data", Kind::Json, json(&["null", "\"a\\u0007\"", r#"{"a":{"b":[1,2.5]},"ab":null}"#])),
        ("blob", Kind::Bytes, vec![Value::Bytes(vec![]), Value::Bytes(vec![0, 255, 92, 10])]),
        (
            "status",
            Kind::Enum { name: "grade".into(), values: grade.into() },
            words(&["open", "it's"]),
        ),
        ("tags", list(TEXT), json(&["[]", r#"["a,b","c\"d\\",null,"","NULL"]"#])),
        (
            "amounts",
            list(Kind::Numeric { precision: None, scale: None }),
            json(&["[123456789012345678901234567890.5,1]"]),
        ),
        ("host", Kind::Network, words(&["192.0.2.1", "2001:db8::1", "10.0.0.0/8"])),
        (
            "during",
            Kind::Other { name: "tstzrange".into() },
            words(&["empty", "(,)", "[\"2026-01-01 10:00:00.5+00\",infinity)"]),
        ),
        ("other", Kind::Uuid, vec![Value::Uuid(uuid_of(1)), Value::Uuid(uuid_of(u128::MAX))]),
    ]
}

fn uuid_of(number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(number)
}

/// Two tables of which one refers to itself and to the other, with these columns.
fn wished(places: &[usize], has_serial_key: bool) -> Schema {
    let key = if has_serial_key { SERIAL } else { Kind::Uuid };
    let kept = if has_serial_key { Kind::Integer { bits: 64 } } else { Kind::Uuid };
    let mut columns = vec![required("id", key)];
    let own = sorts();
    columns.extend(places.iter().map(|place| column(own[*place].0, own[*place].1.clone())));
    columns.push(column("above", kept.clone()));
    let mut things = table("things", columns);
    things.foreign_keys.push(refers("above", "things", ReferentialAction::Cascade));
    let mut parts =
        table("parts", vec![column("thing_id", kept), column("label", TEXT), column("n", SERIAL)]);
    parts.primary_key.clear();
    parts.foreign_keys.push(refers("thing_id", "things", ReferentialAction::Restrict));
    parts.unique_keys.push(unique("parts_label_key", &["label"]));
    schema(vec![parts, things])
}

/// Some rows of it, of which each refers to the one before.
async fn fill(store: &Store, places: &[usize], has_serial_key: bool, picks: &[Vec<Index>]) {
    let own = sorts();
    let key = |number: usize| match has_serial_key {
        true => Value::Integer(i64::try_from(number).expect("small")),
        false => Value::Uuid(uuid_of(number as u128 * 7_777_777)),
    };
    let mut steps = Vec::new();
    for (number, picks) in picks.iter().enumerate() {
        let above = if number == 0 { Value::Null } else { key(number) };
        let mut values = vec![("id", key(number + 1)), ("above", above)];
        for (place, pick) in places.iter().zip(picks) {
            let (name, _, of) = &own[*place];
            let value = pick.get(&of.iter().map(Some).chain([None]).collect::<Vec<_>>()).cloned();
            values.push((name, value.unwrap_or(Value::Null)));
        }
        steps.push(insert("things", &values, &[]));
        let label = text(&format!("part {number}"));
        steps.push(insert("parts", &[("thing_id", key(number + 1)), ("label", label)], &[]));
    }
    store.write(steps).await.expect("written");
}

fn directory(path: &Path) -> Place {
    Place::Directory(path.to_owned())
}

async fn open(place: &Place) -> Result<Store, StoreError> {
    match place {
        Place::Directory(path) => Store::open(path, Options::default()),
        Place::Server(url) => Store::open_postgres(url, Options::default()).await,
    }
}

fn order(from: &Place, to: &Place, wished: &Schema) -> Order {
    Order {
        from: from.clone(),
        to: to.clone(),
        schema: wished.clone(),
        document_hash: "hash".to_owned(),
        is_again: false,
    }
}

async fn copied(from: &Place, to: &Place, wished: &Schema) -> Result<Report, CopyError> {
    copy(order(from, to, wished), Arc::new(|_: &Progress<'_>| {})).await
}

/// All rows as a client would see them.
async fn shown(place: &Place, wished: &Schema) -> Vec<String> {
    let store = open(place).await.expect("a store");
    let mut tables = Vec::new();
    for table in &wished.tables {
        let columns = table.columns.iter();
        let outputs: Vec<_> = columns.map(|it| output(&it.name, it.kind.clone())).collect();
        let mut all = select(&table.name, &outputs, Expression::Always(true));
        let key = table.primary_key.first().map_or("n", String::as_str);
        all.order = vec![(Expression::column(key), false)];
        tables.push(json(&store, &all).await);
    }
    tables
}

#[test]
fn every_kind_of_value_goes_there_and_back() {
    let picks = prop::collection::vec(prop::collection::vec(any::<Index>(), 24), 0..40);
    let shapes = (prop::sample::subsequence((0..24).collect::<Vec<_>>(), 3..=24), any::<bool>());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 5,
        max_shrink_iters: 4,
        ..ProptestConfig::default()
    });
    let result = runner.run(&(shapes, picks), |((places, has_serial_key), picks)| {
        runtime.block_on(there_and_back(&places, has_serial_key, &picks));
        Ok(())
    });
    result.expect("the same everywhere");
}

async fn there_and_back(places: &[usize], has_serial_key: bool, picks: &[Vec<Index>]) {
    let wished = wished(places, has_serial_key);
    let (first, last) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
    let (one, two) = (postgres::database(), postgres::database());
    let stations = [
        directory(first.path()),
        Place::Server(one.url.clone()),
        Place::Server(two.url.clone()),
        directory(last.path()),
    ];
    let store = open(&stations[0]).await.expect("a store");
    support::migrate(&store, &wished).await;
    fill(&store, places, has_serial_key, picks).await;
    drop(store);
    let expected = shown(&stations[0], &wished).await;
    let mut sums = Vec::new();
    for pair in stations.windows(2) {
        sums.push(copied(&pair[0], &pair[1], &wished).await.expect("copied").tables);
        assert_eq!(shown(&pair[1], &wished).await, expected, "{:?} to {:?}", pair[0], pair[1]);
    }
    assert_eq!(sums[0], sums[1]);
    assert_eq!(sums[1], sums[2]);
    assert_eq!(sums[0][1].1.rows, picks.len() as u64);
}

/// A small store with some rows in a directory of its own.
async fn source(rows: usize) -> (tempfile::TempDir, Schema) {
    let wished = wished(&[0, 5], true);
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path(), Options::default()).expect("a store");
    support::migrate(&store, &wished).await;
    for start in (0..rows).step_by(500) {
        let range = start..rows.min(start + 500);
        let steps =
            range.map(|number| insert("things", &[("plain", text(&number.to_string()))], &[]));
        store.write(steps.collect()).await.expect("written");
    }
    (directory, wished)
}

/// Copies until so many rows are there, and is gone then.
async fn cut_short(order: Order, rows: u64) -> CopyError {
    let tell = move |progress: &Progress<'_>| {
        assert!(progress.stage != Stage::Copying || progress.done < rows, "cut short");
    };
    copy(order, Arc::new(tell)).await.expect_err("cut short")
}

async fn targets() -> (Vec<Place>, tempfile::TempDir, postgres::Database) {
    let directory_there = tempfile::tempdir().expect("a directory");
    let database = postgres::database();
    let places = vec![directory(directory_there.path()), Place::Server(database.url.clone())];
    (places, directory_there, database)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_cut_short_is_not_served_and_goes_on() {
    let (from, wished) = source(3_000).await;
    let from = directory(from.path());
    let (targets, _directory, _database) = targets().await;
    for to in targets {
        cut_short(order(&from, &to, &wished), 1_000).await;
        let refused = open(&to).await.map(|_| ()).expect_err("half a copy").to_string();
        assert!(refused.contains("to go on") && refused.contains("--again"), "{refused}");
        let again = AtomicU64::new(u64::MAX);
        let first = Arc::new(again);
        let seen = first.clone();
        let tell = move |progress: &Progress<'_>| {
            seen.fetch_min(progress.done, SeqCst);
        };
        let report = copy(order(&from, &to, &wished), Arc::new(tell)).await.expect("the rest");
        assert!(report.rows_before >= 64, "{report:?}");
        assert_eq!(shown(&to, &wished).await, shown(&from, &wished).await);
        let left = open(&to).await.expect("served").plan(&wished).await.expect("a plan");
        assert!(left.is_empty(), "{left:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_since_a_copy_began_is_found_and_begun_anew() {
    let (from, wished) = source(2_000).await;
    let from = directory(from.path());
    let (targets, _directory, _database) = targets().await;
    for to in targets {
        cut_short(order(&from, &to, &wished), 1_000).await;
        let store = open(&from).await.expect("the source");
        let change = support::update("things", "plain", text("new"), key_is(1));
        store.write(vec![change]).await.expect("changed");
        let differs = copied(&from, &to, &wished).await.expect_err("something else");
        assert!(matches!(&differs, CopyError::Differs(tables) if tables.len() == 1), "{differs}");
        assert!(open(&to).await.is_err(), "what differs is not served");
        let again = Order { is_again: true, ..order(&from, &to, &wished) };
        copy(again, Arc::new(|_: &Progress<'_>| {})).await.expect("copied");
        assert_eq!(shown(&to, &wished).await, shown(&from, &wished).await);
        let back = support::update("things", "plain", text("0"), key_is(1));
        store.write(vec![back]).await.expect("changed");
    }
}

fn key_is(number: i64) -> Expression {
    Expression::column("id").binary(store::Operator::Equal, Value::Integer(number).into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_with_rows_is_left_alone() {
    let (from, wished) = source(3).await;
    let from = directory(from.path());
    let (targets, _directory, _database) = targets().await;
    for to in targets {
        copied(&from, &to, &wished).await.expect("into an empty one");
        let occupied = copied(&from, &to, &wished).await.expect_err("not twice").to_string();
        assert!(occupied.contains("3 rows in `things`"), "{occupied}");
        assert!(open(&to).await.is_ok(), "it is served as before");
    }
    let same = copied(&from, &from, &wished).await.expect_err("the same");
    assert!(matches!(same, CopyError::SamePlace), "{same}");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_go_on_after_the_last_that_was_handed_out() {
    let (from, wished) = source(10).await;
    let from = directory(from.path());
    let store = open(&from).await.expect("the source");
    store.write(vec![support::delete("things", key_is(10))]).await.expect("removed");
    drop(store);
    let (targets, last, _database) = targets().await;
    let to = &targets[1];
    copied(&from, to, &wished).await.expect("copied");
    let next = |store: Store| async move {
        let row = insert("things", &[("plain", text("next"))], &[output("id", SERIAL)]);
        let made = store.write(vec![row]).await.expect("written");
        String::from_utf8(made[0].rows.json.clone()).expect("text")
    };
    copied(to, &directory(last.path()), &wished).await.expect("and back");
    assert_eq!(next(open(to).await.expect("a store")).await, r#"{"id":11}"#);
    assert_eq!(next(open(&targets[0]).await.expect("a store")).await, r#"{"id":11}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_the_target_refuses_is_named() {
    let (from, wished) = source(5).await;
    let from = directory(from.path());
    let Place::Directory(path) = &from else { panic!("a directory") };
    // Only a file can be changed behind the back of its checks.
    let file = rusqlite::Connection::open(path.join("data.db")).expect("the file");
    file.execute_batch(
        "PRAGMA ignore_check_constraints = ON; UPDATE things SET price = 99999999999.0 WHERE id = 4",
    )
    .expect("changed");
    let database = postgres::database();
    let to = Place::Server(database.url.clone());
    let refused = copied(&from, &to, &wished).await.expect_err("refused").to_string();
    assert!(refused.contains("`things` does not take the row with id 4"), "{refused}");
}
