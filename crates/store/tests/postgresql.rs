//! What only a server does: it is elsewhere, it asks for a password, it goes away and comes back.
mod support;

use std::{sync::Arc, time::Duration};

use store::{
    Expression, Kind, Options, Store, StoreError, Value,
    query::{Output, Select, Step},
};
use support::{
    postgres::{PASSWORD, Server, database, server},
    *,
};

async fn refusal(url: &str) -> String {
    match Store::open_postgres(url, Options::default()).await {
        Err(StoreError::Unavailable(why)) => why,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("{url} is open"),
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_apart_from_a_server_that_is_away() {
    let own = database();
    let good = server().url_tcp(&own.name, PASSWORD);
    Store::open_postgres(&good, Options::default()).await.expect("the right password");
    let wrong = server().url_tcp(&own.name, "wrong");
    let place = format!("PostgreSQL at 127.0.0.1:{}/{}", server().port, own.name);
    assert_eq!(refusal(&wrong).await, format!("{place}: it refuses the user or the password"));
    let away = refusal("postgres://me:secret@127.0.0.1:1/shop").await;
    assert_eq!(away, "PostgreSQL at 127.0.0.1:1/shop: Connection refused (os error 111)");
    let nowhere = refusal(&server().url_tcp("nowhere", PASSWORD)).await;
    assert!(nowhere.ends_with("/nowhere: it has no database of this name"), "{nowhere}");
    let garbled = refusal("postgres://me:secret@host:port/shop").await;
    assert!(!garbled.contains("secret"), "{garbled}");
}

/// One table with numbers, on a server of its own.
async fn numbers(server: &Server) -> Store {
    server.sql("postgres", "CREATE DATABASE numbers");
    let options = Options { read_ms_max: 5_000, ..Options::default() };
    let store = Store::open_postgres(&server.url("numbers"), options).await.expect("a store");
    let columns = vec![required("id", SERIAL), required("n", INTEGER)];
    migrate(&store, &schema(vec![table("numbers", columns)])).await;
    store
}

fn number(n: i64) -> store::query::Step {
    insert("numbers", &[("n", Value::Integer(n))], &[])
}

async fn shown(store: &Store) -> Result<String, StoreError> {
    let mut all = select("numbers", &[output("n", INTEGER)], Expression::Always(true));
    all.order = vec![(Expression::column("n"), false)];
    let rows = store.select(&all).await?;
    Ok(String::from_utf8(rows.json).expect("text"))
}

#[tokio::test]
async fn a_server_that_goes_away_is_told_and_recovered_from() {
    let server = Server::start();
    let store = numbers(&server).await;
    write(&store, vec![number(1)]).await.expect("written");
    assert_eq!(shown(&store).await.expect("a row"), r#"{"n":1}"#);
    server.stop();
    let error = shown(&store).await.expect_err("it is away");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let error = write(&store, vec![number(2)]).await.expect_err("it is away");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let always = Expression::Always(true);
    let error = store.count("numbers", &always).await.expect_err("it is away");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    server.start_again();
    tokio::time::sleep(Duration::from_millis(400)).await;
    write(&store, vec![number(3)]).await.expect("it is back");
    assert_eq!(shown(&store).await.expect("rows"), r#"{"n":1},{"n":3}"#);
    assert_eq!(store.count("numbers", &always).await.expect("a count"), 2);
}

#[tokio::test]
async fn a_connection_that_the_operator_ends_is_made_again_unseen() {
    let server = Server::start();
    let store = numbers(&server).await;
    write(&store, vec![number(1)]).await.expect("written");
    for _ in 0..3 {
        shown(&store).await.expect("a row");
        let others = "pid <> pg_backend_pid() AND datname = 'numbers'";
        let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}");
        server.sql("postgres", &end);
        assert_eq!(shown(&store).await.expect("a row"), r#"{"n":1}"#);
    }
}

#[tokio::test]
async fn an_error_in_a_group_stays_with_its_request() {
    let own = database();
    let store = Store::open_postgres(&own.url, Options::default()).await.expect("a store");
    migrate(&store, &library()).await;
    // Members that are the same ones, as those of an endpoint are: such rows are written together.
    let outputs: Arc<[Output]> = [output("id", SERIAL), output("title", varchar(20))].into();
    let book = |title: String, isbn: String| {
        let (store, returning) = (store.clone(), outputs.clone());
        let values = vec![("title".into(), text(&title)), ("isbn".into(), text(&isbn))];
        let step = Step::Insert { table: "books".into(), values, returning };
        tokio::spawn(async move { store.write(vec![step]).await })
    };
    // Every seventh has a key that is taken, every eleventh a title that is too long.
    let tasks: Vec<_> = (0..300)
        .map(|n| {
            let isbn = if n % 7 == 3 { "taken".to_owned() } else { n.to_string() };
            let title = if n % 11 == 5 { "x".repeat(30) } else { format!("book {n}") };
            (n, book(title, isbn))
        })
        .collect();
    let (mut written, mut taken) = (0, 0);
    for (n, task) in tasks {
        match task.await.expect("no panic") {
            Ok(outcome) => {
                let row = String::from_utf8(outcome[0].rows.json.clone()).expect("text");
                assert!(row.ends_with(&format!("\"title\":\"book {n}\"}}")), "{n}: {row}");
                written += 1;
            }
            Err(StoreError::Unique { columns, .. }) => {
                assert_eq!((columns.as_slice(), n % 7), (&["isbn".to_owned()][..], 3));
                taken += 1;
            }
            Err(StoreError::Value { column, .. }) => {
                assert_eq!((column.as_deref(), n % 11), (Some("title"), 5));
            }
            Err(other) => panic!("{n}: {other:?}"),
        }
    }
    assert!(taken > 20, "{taken}");
    let count = store.count("books", &Expression::Always(true)).await.expect("a count");
    assert_eq!(count, written);
}

/// Many ask again and again, so that groups follow one another on one connection: rows, rows that
/// are refused, and changes between them.
#[tokio::test]
async fn groups_that_follow_one_another_keep_their_answers_apart() {
    let own = database();
    let store = Store::open_postgres(&own.url, Options::default()).await.expect("a store");
    let columns = vec![required("id", INTEGER), required("n", INTEGER)];
    migrate(&store, &schema(vec![table("numbers", columns)])).await;
    let outputs: Arc<[Output]> = [output("id", INTEGER), output("n", INTEGER)].into();
    let mut askers = Vec::new();
    for asker in 0..64_i64 {
        let (store, outputs) = (store.clone(), outputs.clone());
        askers.push(tokio::spawn(async move {
            let mut written = 0;
            for round in 0..20_i64 {
                let id = asker * 1000 + round;
                // Every ninth brings the key of the row before it.
                let is_taken = round > 0 && (asker + round) % 9 == 0;
                let id = if is_taken { id - 1 } else { id };
                let values =
                    vec![("id".into(), Value::Integer(id)), ("n".into(), Value::Integer(asker))];
                let table: Arc<str> = "numbers".into();
                let returning = outputs.clone();
                let answer = store.write(vec![Step::Insert { table, values, returning }]).await;
                match (is_taken, answer) {
                    (true, Err(StoreError::Unique { columns, .. })) => assert_eq!(columns, ["id"]),
                    (false, Ok(outcome)) => {
                        let row = String::from_utf8(outcome[0].rows.json.clone()).expect("text");
                        assert_eq!(row, format!("{{\"id\":{id},\"n\":{asker}}}"));
                        written += 1;
                    }
                    (_, other) => panic!("{id}: {other:?}"),
                }
                if (asker + round) % 5 == 0 {
                    let step = Step::Update {
                        table: "numbers".into(),
                        set: vec![("n".into(), Expression::Value(Value::Integer(-asker)))],
                        condition: Expression::column("id").equals(Value::Integer(id)),
                        returning: Arc::from([]),
                    };
                    let changed = store.write(vec![step]).await.expect("a change");
                    assert_eq!(changed[0].affected, 1);
                }
            }
            written
        }));
    }
    let mut written = 0;
    for asker in askers {
        written += asker.await.expect("no panic");
    }
    assert!((1..64 * 20).contains(&written), "{written}");
    let count = store.count("numbers", &Expression::Always(true)).await.expect("a count");
    assert_eq!(count, written);
}

/// A trigger that somebody else has put there keeps every second row away.
const SWALLOW: &str = "
    CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF NEW.n % 2 = 0 THEN RETURN NULL; END IF; RETURN NEW; END $$;
    CREATE TRIGGER swallow BEFORE INSERT ON numbers FOR EACH ROW EXECUTE FUNCTION swallow();";

#[tokio::test]
async fn nobody_is_told_of_a_row_that_is_another_ones() {
    let own = database();
    let store = Store::open_postgres(&own.url, Options::default()).await.expect("a store");
    let columns = vec![required("id", SERIAL), required("n", INTEGER)];
    migrate(&store, &schema(vec![table("numbers", columns)])).await;
    server().sql(&own.name, SWALLOW);
    let outputs: Arc<[Output]> = [output("n", INTEGER)].into();
    let tasks = (0..100).map(|n| {
        let (store, returning) = (store.clone(), outputs.clone());
        let values = vec![("n".into(), Value::Integer(n))];
        let step = Step::Insert { table: "numbers".into(), values, returning };
        tokio::spawn(async move { store.write(vec![step]).await })
    });
    let mut kept_away = 0;
    for (n, task) in tasks.collect::<Vec<_>>().into_iter().enumerate() {
        match task.await.expect("no panic") {
            Ok(outcome) => {
                let row = String::from_utf8(outcome[0].rows.json.clone()).expect("text");
                let expected = if n % 2 == 0 { String::new() } else { format!("{{\"n\":{n}}}") };
                assert_eq!(row, expected);
            }
            Err(StoreError::Fault(words)) if words.contains("keeps rows away") => kept_away += 1,
            Err(other) => panic!("{n}: {other:?}"),
        }
    }
    assert!(kept_away > 0, "none were written together");
    let count = store.count("numbers", &Expression::Always(true)).await.expect("a count");
    assert_eq!(count, 50);
}

/// Adds rows at the same time; what is answered to each.
async fn added(
    store: &Store,
    rows: Vec<Vec<(&str, Value)>>,
    returning: &Arc<[Output]>,
) -> Vec<Result<String, StoreError>> {
    let tasks = rows.into_iter().map(|row| {
        let (store, returning) = (store.clone(), returning.clone());
        let values = row.into_iter().map(|(name, value)| (name.into(), value)).collect();
        let step = Step::Insert { table: "kept".into(), values, returning };
        tokio::spawn(async move { store.write(vec![step]).await })
    });
    let mut answers = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        let answer = task.await.expect("no panic");
        answers.push(
            answer.map(|outcomes| String::from_utf8(outcomes[0].rows.json.clone()).expect("text")),
        );
    }
    answers
}

/// The row with this number, as it is kept.
async fn kept(store: &Store, n: i64, outputs: &Arc<[Output]>) -> String {
    let mut one = select("kept", outputs, Expression::column("n").equals(Value::Integer(n)));
    one.limit = Some(1);
    String::from_utf8(store.select(&one).await.expect("a row").json).expect("text")
}

#[tokio::test]
async fn a_new_row_is_shown_as_it_is_kept_however_it_is_written() {
    let own = database();
    let store = Store::open_postgres(&own.url, Options::default()).await.expect("a store");
    let kinds = [
        ("n", INTEGER),
        ("small", Kind::Integer { bits: 16 }),
        ("name", varchar(10)),
        ("words", Kind::Text { length_max: None }),
        ("key", Kind::Uuid),
        ("is_on", Kind::Boolean),
        ("at", Kind::Timestamp { zoned: true }),
        ("local", Kind::Timestamp { zoned: false }),
        ("day", Kind::Date),
    ];
    let columns = kinds.iter().map(|(name, kind)| column(name, kind.clone())).collect();
    migrate(&store, &schema(vec![table("kept", columns)])).await;
    let outputs: Arc<[Output]> =
        kinds.iter().map(|(name, kind)| output(name, kind.clone())).collect();
    let row = |n: i64, names: &[&str]| {
        vec![
            ("n", Value::Integer(n)),
            ("small", if n % 5 == 0 { Value::Null } else { Value::Integer(n % 7 - 3) }),
            ("name", text(names[n as usize % names.len()])),
            ("words", text(&"né ".repeat(n as usize % 20))),
            ("key", Value::Uuid(uuid::Uuid::from_u128(n as u128 * 7_919))),
            ("is_on", Value::Boolean(n % 2 == 0)),
            ("at", Value::Timestamp(n * 86_400_000_000_007 - 62_135_596_800_000_000)),
            ("local", Value::Timestamp(-n)),
            ("day", Value::Date(i32::try_from(n).expect("few") * 1_000 - 719_162)),
        ]
    };
    // Blanks beyond what the column takes are cut: only the database knows what it keeps then.
    let plain = ["ten chars.", "ä\u{1F600}\"\\\n", "", "   "];
    for (from, names) in [(0, &plain[..]), (200, &["ten chars.   ", "short"])] {
        let rows = (from..from + 200).map(|n| row(n, names)).collect();
        for (n, answer) in (from..).zip(added(&store, rows, &outputs).await) {
            assert_eq!(answer.expect("written"), kept(&store, n, &outputs).await);
        }
    }
}

#[tokio::test]
async fn a_trigger_that_comes_later_is_noticed() {
    let own = database();
    let store = Store::open_postgres(&own.url, Options::default()).await.expect("a store");
    let columns = vec![required("n", INTEGER), column("name", varchar(20))];
    migrate(&store, &schema(vec![table("kept", columns)])).await;
    let outputs: Arc<[Output]> = [output("n", INTEGER), output("name", varchar(20))].into();
    let row = |n: i64| vec![("n", Value::Integer(n)), ("name", text("quiet"))];
    let answers = added(&store, (0..50).map(row).collect(), &outputs).await;
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|row| row.contains("quiet"))));
    server().sql(
        &own.name,
        "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN NEW.name := upper(NEW.name); RETURN NEW; END $$;
         CREATE TRIGGER shout BEFORE INSERT ON kept FOR EACH ROW EXECUTE FUNCTION shout();",
    );
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let answers = added(&store, (50..100).map(row).collect(), &outputs).await;
    for (n, answer) in (50..).zip(answers) {
        let expected = format!("{{\"n\":{n},\"name\":\"QUIET\"}}");
        assert_eq!(answer.expect("written"), expected);
        assert_eq!(kept(&store, n, &outputs).await, expected);
    }
}

/// Reads by key that come at the same time, for whoever wants to know what became of each.
async fn together(store: &Store, count: i64) -> Vec<Result<String, StoreError>> {
    // Members that are the same ones, as those of an endpoint are.
    let any = select("numbers", &[output("n", INTEGER)], Expression::Always(true));
    let reads = (0..count).map(|n| {
        let condition = Expression::column("n").equals(Value::Integer(n));
        let one = Select { condition, limit: Some(1), ..any.clone() };
        let store = store.clone();
        tokio::spawn(async move { store.select(&one).await })
    });
    let mut all = Vec::new();
    for read in reads.collect::<Vec<_>>() {
        let rows = read.await.expect("no panic");
        all.push(rows.map(|rows| String::from_utf8(rows.json).expect("text")));
    }
    all
}

/// True while somebody has the table of numbers for themselves.
fn is_held(database: &str) -> bool {
    let held = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND \
                relation = 'numbers'::regclass";
    server().sql(database, held).trim() == "1"
}

/// Somebody takes the table of numbers for themselves, for so many seconds.
fn hold(database: &str, seconds: u32) -> std::thread::JoinHandle<String> {
    let (name, lock) = (database.to_owned(), "LOCK TABLE numbers IN ACCESS EXCLUSIVE MODE");
    let holder = std::thread::spawn(move || {
        server().sql(&name, &format!("BEGIN; {lock}; SELECT pg_sleep({seconds}); COMMIT"))
    });
    while !is_held(database) {
        std::thread::sleep(Duration::from_millis(20));
    }
    holder
}

#[tokio::test]
async fn nobody_waits_behind_reads_of_a_table_that_is_held() {
    let own = database();
    let store = Store::open_postgres(&own.url, Options::default()).await.expect("a store");
    let columns = || vec![required("id", SERIAL), required("n", INTEGER)];
    let tables = vec![table("numbers", columns()), table("others", columns())];
    migrate(&store, &schema(tables)).await;
    store.write((0..20).map(number).collect()).await.expect("written");
    let other = select("others", &[output("n", INTEGER)], Expression::Always(true));
    let other = Select { limit: Some(1), ..other };
    let holder = hold(&own.name, 5);
    let held = tokio::spawn({
        let store = store.clone();
        async move { together(&store, 20).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    for _ in 0..10 {
        store.select(&other).await.expect("the other table is free");
    }
    assert!(is_held(&own.name), "it was waited for");
    for (n, read) in held.await.expect("no panic").into_iter().enumerate() {
        assert_eq!(read.expect("read once it was let go"), format!("{{\"n\":{n}}}"));
    }
    holder.join().expect("it is let go");
}

#[tokio::test]
async fn reads_that_travel_together_are_all_told_that_they_took_too_long() {
    let own = database();
    let options = Options { read_ms_max: 300, ..Options::default() };
    let store = Store::open_postgres(&own.url, options).await.expect("a store");
    let columns = vec![required("id", SERIAL), required("n", INTEGER)];
    migrate(&store, &schema(vec![table("numbers", columns)])).await;
    store.write((0..20).map(number).collect()).await.expect("written");
    let expected: Vec<_> = (0..20).map(|n| format!("{{\"n\":{n}}}")).collect();
    let seen = || async { together(&store, 20).await.into_iter().collect::<Result<Vec<_>, _>>() };
    assert_eq!(seen().await.expect("rows"), expected);
    let holder = hold(&own.name, 2);
    for read in together(&store, 20).await {
        assert!(matches!(read, Err(StoreError::Deadline { wait_ms_max: 300 })), "{read:?}");
    }
    holder.join().expect("the lock is let go");
    assert_eq!(seen().await.expect("rows again"), expected);
}

#[tokio::test]
async fn a_number_that_a_row_brings_moves_the_sequence_on() {
    let own = database();
    let store = Store::open_postgres(&own.url, Options::default()).await.expect("a store");
    migrate(&store, &library()).await;
    let shelf = |id: Value| insert("shelves", &[("id", id), ("name", text("s"))], &[]);
    write(&store, vec![shelf(Value::Integer(5)), shelf(Value::Null)]).await.expect("rows");
    let mut shelves = select("shelves", &[output("id", SERIAL)], Expression::Always(true));
    shelves.order = vec![(Expression::column("id"), false)];
    assert_eq!(json(&store, &shelves).await, r#"[{"id":5},{"id":6}]"#);
}

#[tokio::test]
async fn a_replica_is_read_from_and_nobody_misses_a_write_of_their_own() {
    let server = Server::start();
    drop(numbers(&server).await);
    let replica = server.replica();
    let options = Options { replicas: vec![replica.url("numbers")], ..Options::default() };
    let store = Store::open_postgres(&server.url("numbers"), options).await.expect("a store");
    let replay = |verb: &str| replica.sql("numbers", &format!("SELECT pg_wal_replay_{verb}()"));
    let asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'vitruvius' \
                 AND query LIKE '%FROM \"numbers\"%'";
    let mut expected = String::new();
    for n in 0..20 {
        write(&store, vec![number(n)]).await.expect("written");
        expected.push_str(if n == 0 { "" } else { "," });
        expected.push_str(&format!("{{\"n\":{n}}}"));
        assert_eq!(shown(&store).await.expect("one's own write"), expected);
    }
    let mut is_asked = false;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(shown(&store).await.expect("rows"), expected);
        is_asked = is_asked || replica.sql("numbers", asked).trim() != "0";
    }
    assert!(is_asked, "no read went to the replica");
    replay("pause");
    write(&store, vec![number(20)]).await.expect("written");
    expected.push_str(",{\"n\":20}");
    for _ in 0..10 {
        assert_eq!(shown(&store).await.expect("the primary's rows"), expected);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    replay("resume");
    replica.stop();
    assert_eq!(shown(&store).await.expect("the primary's rows"), expected);
}

#[tokio::test]
async fn what_travels_is_encrypted_where_that_is_asked() {
    let server = Server::start();
    let root = server.speak_tls();
    let plain = server.url_tcp("postgres", PASSWORD);
    let encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE application_name = 'vitruvius'";
    for (mode, is_encrypted) in [("require", "t"), ("prefer", "t"), ("disable", "f")] {
        let url = format!("{plain}?sslmode={mode}");
        let store = Store::open_postgres(&url, Options::default()).await.expect(mode);
        let rows = store.query("SELECT 1 AS one", &[]).await.expect("a row");
        assert_eq!(rows.len(), 1);
        assert_eq!(server.sql("postgres", encrypted).trim(), is_encrypted, "{mode}");
    }
    let named = plain.replace("127.0.0.1", "localhost");
    let unknown = refusal(&format!("{named}?sslmode=verify-full")).await;
    assert!(unknown.contains("invalid peer certificate"), "{unknown}");
    let root = root.display();
    let trusted = format!("sslmode=verify-full&sslrootcert={root}");
    Store::open_postgres(&format!("{named}?{trusted}"), Options::default()).await.expect("trusted");
    let wrong_name = refusal(&format!("{plain}?{trusted}")).await;
    assert!(wrong_name.contains("invalid peer certificate"), "{wrong_name}");
}
