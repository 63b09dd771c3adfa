//! Changes of a schema on a server that others use: locks are named and brief, rows are looked at
//! beside the use of their table, several processes take turns, and a crash is made good.
mod support;

use store::{
    Expression, Kind, Operator, Options, Store, Value,
    plan::{Class, Plan},
    schema::{Index, ReferentialAction, Schema},
};
use support::{postgres::server, *};

async fn in_postgresql<T>(work: impl Future<Output = T>) -> T {
    ON.scope(On::Postgresql, work).await
}

fn sql(fixture: &Fixture, text: &str) -> String {
    let name = &fixture.database.as_ref().expect("a database").name;
    server().sql(name, text).trim().to_owned()
}

fn lines(plan: &Plan) -> Vec<String> {
    let line = |step: &store::plan::Step| {
        let needs = step.needs.as_ref().map(|needs| format!(" | {needs}")).unwrap_or_default();
        format!("{:?} {}{needs}", step.class, step.summary)
    };
    plan.steps.iter().map(line).collect()
}

fn shelves(columns: Vec<store::schema::Column>) -> Schema {
    let mut all = vec![required("id", SERIAL)];
    all.extend(columns);
    schema(vec![table("shelves", all)])
}

fn named() -> Schema {
    shelves(vec![column("name", TEXT), column("note", TEXT)])
}

fn index(name: &str, column: &str) -> Index {
    Index {
        name: name.to_owned(),
        parts: vec![(Expression::column(column), false)],
        method: "btree".to_owned(),
        condition: None,
        origin: String::new(),
    }
}

/// Shelves with so many rows that they are handled with care.
async fn many() -> Fixture {
    let fixture = with(&named()).await;
    sql(
        &fixture,
        "INSERT INTO shelves (name, note) SELECT 'n' || i, 'x' FROM generate_series(1, 2000) i",
    );
    fixture
}

#[tokio::test]
async fn every_kind_of_column_is_made_under_its_own_type() {
    in_postgresql(async {
        let words = Kind::Enum {
            name: "mood".into(),
            values: std::sync::Arc::from(["calm".to_owned(), "wild".to_owned()]),
        };
        let all = [
            ("uuid", Kind::Uuid, "uuid"),
            ("title", varchar(20), "character varying(20)"),
            ("mail", Kind::CaseInsensitiveText, "citext"),
            ("small", Kind::Integer { bits: 16 }, "smallint"),
            ("price", numeric(10, 2), "numeric(10,2)"),
            ("ratio", Kind::Real { bits: 64 }, "double precision"),
            ("is_open", Kind::Boolean, "boolean"),
            ("at", Kind::Timestamp { zoned: true }, "timestamp with time zone"),
            ("day", Kind::Date, "date"),
            ("hour", Kind::Time, "time without time zone"),
            ("wait", Kind::Interval, "interval"),
            ("data", Kind::Json, "jsonb"),
            ("bytes", Kind::Bytes, "bytea"),
            ("mood", words, "mood"),
            ("tags", Kind::Array { element: Box::new(TEXT) }, "text[]"),
            ("host", Kind::Network, "inet"),
            ("words", Kind::Other { name: "tsvector".into() }, "tsvector"),
            ("strange", Kind::Other { name: "no_such_type".into() }, "text"),
        ];
        let mut columns = vec![required("id", SERIAL)];
        columns.extend(all.iter().map(|(name, kind, _)| column(name, kind.clone())));
        let wished = schema(vec![table("things", columns)]);
        let fixture = with(&wished).await;
        let native = sql(
            &fixture,
            "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), E'\\n' \
             ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'things'::regclass \
             AND attnum > 1",
        );
        let expected: Vec<_> =
            all.iter().map(|(name, _, native)| format!("{name} {native}")).collect();
        assert_eq!(native.lines().collect::<Vec<_>>(), expected);
        let again = fixture.store.plan(&wished).await.expect("a plan");
        assert!(again.is_empty(), "{:?}", lines(&again));
    })
    .await;
}

#[tokio::test]
async fn a_step_says_what_it_locks_and_for_how_long() {
    in_postgresql(async {
        let fixture = many().await;
        let mut wished =
            shelves(vec![required("name", TEXT), column("note", TEXT), column("height", INTEGER)]);
        wished.tables[0].indexes.push(index("shelves_name", "name"));
        let plan = migrate(&fixture.store, &wished).await;
        let locks: Vec<_> =
            plan.steps.iter().map(|step| (step.summary.as_str(), step.locks.clone())).collect();
        let brief = "ACCESS EXCLUSIVE on shelves, brief".to_owned();
        let beside = "SHARE UPDATE EXCLUSIVE on shelves, while 2,000 rows are read".to_owned();
        assert_eq!(
            locks,
            [
                ("~ column shelves.name NULL → NOT NULL", vec![brief.clone(), beside.clone()]),
                ("+ column shelves.height INTEGER NULL", vec![brief]),
                ("+ index shelves_name", vec![beside]),
            ]
        );
        assert!(plan.steps[2].sql[0].starts_with("CREATE INDEX CONCURRENTLY"), "{plan:?}");
        let left = sql(&fixture, "SELECT count(*) FROM pg_constraint WHERE contype = 'c' AND conrelid = 'shelves'::regclass");
        assert_eq!(left, "0", "the check that stood in is gone");
        assert!(fixture.store.plan(&wished).await.expect("a plan").is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_index_that_a_crash_left_unfinished_is_built_at_the_next_start() {
    in_postgresql(async {
        let fixture = many().await;
        let mut wished = named();
        wished.tables[0].indexes.push(index("shelves_name", "name"));
        migrate(&fixture.store, &wished).await;
        sql(
            &fixture,
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'shelves_name'::regclass",
        );
        let plan = migrate(&fixture.store, &wished).await;
        assert_eq!(lines(&plan), ["Safe ~ table shelves is brought back to its definition"]);
        let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'shelves_name'::regclass";
        assert_eq!(sql(&fixture, valid), "t");
        sql(&fixture, "DROP INDEX shelves_name");
        migrate(&fixture.store, &wished).await;
        assert_eq!(sql(&fixture, valid), "t");
        assert!(fixture.store.plan(&wished).await.expect("a plan").is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_key_that_was_not_proven_yet_is_proven_at_the_next_start() {
    in_postgresql(async {
        let mut wished = library();
        let key = wished.tables[1].foreign_keys.pop().expect("a key");
        let fixture = with(&wished).await;
        sql(
            &fixture,
            "INSERT INTO shelves (name) VALUES ('low'); INSERT INTO books (title, shelf_id) \
             SELECT 'b' || i, 1 FROM generate_series(1, 1500) i",
        );
        wished.tables[1].foreign_keys.push(key);
        let plan = migrate(&fixture.store, &wished).await;
        assert_eq!(lines(&plan), ["Data + foreign key books(shelf_id) → shelves"]);
        let proven = "SELECT convalidated FROM pg_constraint WHERE conname = 'books_shelf_id_fkey'";
        assert_eq!(sql(&fixture, proven), "t");
        sql(
            &fixture,
            "UPDATE pg_constraint SET convalidated = false WHERE conname = 'books_shelf_id_fkey'",
        );
        assert_eq!(sql(&fixture, proven), "f");
        migrate(&fixture.store, &wished).await;
        assert_eq!(sql(&fixture, proven), "t");
        assert!(fixture.store.plan(&wished).await.expect("a plan").is_empty());
    })
    .await;
}

#[tokio::test]
async fn values_are_added_to_an_enumerated_type_and_others_are_kept_out() {
    in_postgresql(async {
        let mood = |values: &[&str]| Kind::Enum {
            name: "mood".into(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        let of = |kind: Kind, default: &str| {
            let mut own = column("mood", kind);
            own.default = Some(store::schema::Default::Value(text(default)));
            shelves(vec![own])
        };
        let fixture = with(&of(mood(&["calm", "wild"]), "calm")).await;
        sql(
            &fixture,
            "INSERT INTO shelves DEFAULT VALUES; INSERT INTO shelves (mood) VALUES ('wild')",
        );
        let wished = of(mood(&["calm", "odd", "wild"]), "odd");
        let plan = migrate(&fixture.store, &wished).await;
        assert_eq!(
            lines(&plan),
            ["Safe ~ column shelves.mood mood → mood", "Safe ~ default of shelves.mood"]
        );
        assert_eq!(sql(&fixture, "SELECT enum_range(NULL::mood)"), "{calm,odd,wild}");
        assert_eq!(sql(&fixture, "INSERT INTO shelves DEFAULT VALUES RETURNING mood"), "odd");
        let fewer = of(mood(&["calm", "odd"]), "odd");
        let plan = fixture.store.plan(&fewer).await.expect("a plan");
        assert_eq!(
            lines(&plan)[0],
            "Blocked ~ column shelves.mood mood → mood | 1 of 3 rows is none of calm, odd"
        );
        sql(&fixture, "DELETE FROM shelves WHERE mood = 'wild'");
        migrate(&fixture.store, &fewer).await;
        assert!(fixture.store.plan(&fewer).await.expect("a plan").is_empty());
        // It fails where the value, which the document no longer has, is taken.
        sql(
            &fixture,
            "DO $$ BEGIN INSERT INTO shelves (mood) VALUES ('wild'); RAISE 'taken'; \
             EXCEPTION WHEN check_violation THEN NULL; END $$",
        );
        migrate(&fixture.store, &wished).await;
        sql(&fixture, "INSERT INTO shelves (mood) VALUES ('wild')");
    })
    .await;
}

#[tokio::test]
async fn types_change_with_everything_that_rests_on_the_column() {
    in_postgresql(async {
        let mut wished = shelves(vec![column("code", TEXT)]);
        wished.tables[0].unique_keys.push(unique("shelves_code_key", &["code"]));
        let fixture = with(&wished).await;
        sql(&fixture, "INSERT INTO shelves (code) VALUES ('12'), ('-3')");
        wished.tables[0].columns[1] = column("code", INTEGER);
        wished.tables[0].columns[1].default =
            Some(store::schema::Default::Value(Value::Integer(7)));
        let plan = migrate(&fixture.store, &wished).await;
        assert_eq!(
            lines(&plan),
            ["Data ~ column shelves.code TEXT → INTEGER", "Safe ~ default of shelves.code"]
        );
        assert_eq!(sql(&fixture, "SELECT sum(code) FROM shelves"), "9");
        assert_eq!(sql(&fixture, "INSERT INTO shelves DEFAULT VALUES RETURNING code"), "7");
        assert!(fixture.store.plan(&wished).await.expect("a plan").is_empty());
        wished.tables[0].columns[1] = column("code", Kind::Boolean);
        assert_eq!(
            lines(&fixture.store.plan(&wished).await.expect("a plan"))[0],
            "Blocked ~ column shelves.code INTEGER → BOOLEAN | 3 of 3 rows are not of type BOOLEAN"
        );
    })
    .await;
}

#[tokio::test]
async fn a_key_and_what_refers_to_it_change_their_type_together() {
    in_postgresql(async {
        let mut wished = library();
        let fixture = with(&wished).await;
        sql(&fixture, "INSERT INTO shelves (name) VALUES ('low'); INSERT INTO books (title, shelf_id) VALUES ('A', 1)");
        wished.tables[0].columns[0].kind = TEXT;
        wished.tables[1].columns[3].kind = TEXT;
        migrate(&fixture.store, &wished).await;
        assert_eq!(sql(&fixture, "SELECT shelf_id || ':' || s.id FROM books b JOIN shelves s ON s.id = b.shelf_id"), "1:1");
        assert!(fixture.store.plan(&wished).await.expect("a plan").is_empty());
    })
    .await;
}

#[tokio::test]
async fn tables_that_the_document_does_not_mention_are_left_alone() {
    in_postgresql(async {
        let fixture = empty().await;
        sql(&fixture, "CREATE TABLE theirs (a int); INSERT INTO theirs VALUES (1); CREATE VIEW seen AS SELECT * FROM theirs");
        migrate(&fixture.store, &named()).await;
        sql(&fixture, "ALTER TABLE theirs ADD COLUMN b text");
        assert!(fixture.store.plan(&named()).await.expect("a plan").is_empty());
        migrate(&fixture.store, &schema(Vec::new())).await;
        assert_eq!(sql(&fixture, "SELECT a FROM seen"), "1");
    })
    .await;
}

#[tokio::test]
async fn several_processes_that_start_at_once_change_it_once() {
    in_postgresql(async {
        let fixture = many().await;
        let mut wished = named();
        wished.tables[0].indexes.push(index("shelves_name", "name"));
        wished.tables[0].columns.push(column("height", INTEGER));
        let url = fixture.database.as_ref().expect("a database").url.clone();
        let starts: Vec<_> = (0..4)
            .map(|_| {
                let (url, wished) = (url.clone(), wished.clone());
                tokio::spawn(async move {
                    let store =
                        Store::open_postgres(&url, Options::default()).await.expect("a store");
                    let plan = store.plan(&wished).await.expect("a plan");
                    store.apply(&plan, &wished, "hash").await.expect("applied by one");
                })
            })
            .collect();
        for start in starts {
            start.await.expect("no panic");
        }
        assert_eq!(sql(&fixture, "SELECT count(*) FROM _vitruvius_history"), "2");
    })
    .await;
}

#[tokio::test]
async fn a_table_in_use_is_waited_for_and_left_as_it_was_meanwhile() {
    in_postgresql(async {
        let fixture = many().await;
        let url = fixture.database.as_ref().expect("a database").name.clone();
        let hold = std::thread::spawn(move || {
            server().sql(
                &url,
                "BEGIN; LOCK TABLE shelves IN ACCESS SHARE MODE; SELECT pg_sleep(4); COMMIT",
            );
        });
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let mut wished = named();
        wished.tables[0].columns.push(column("height", INTEGER));
        migrate(&fixture.store, &wished).await;
        hold.join().expect("it was held");
        assert!(fixture.store.plan(&wished).await.expect("a plan").is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_only_this_store_has_is_made_here() {
    in_postgresql(async {
        let mut wished = shelves(vec![
            column("name", TEXT),
            column("tags", Kind::Array { element: Box::new(TEXT) }),
            column("data", Kind::Json),
        ]);
        let gin = |name: &str, column: &str| Index { method: "gin".into(), ..index(name, column) };
        wished.tables[0].indexes =
            vec![gin("by_name", "name"), gin("by_tags", "tags"), gin("by_data", "data")];
        let fixture = empty().await;
        let plan = migrate(&fixture.store, &wished).await;
        assert!(plan.steps.iter().all(|step| step.class == Class::Safe), "{:?}", lines(&plan));
        assert_eq!(
            sql(&fixture, "SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%USING gin%'"),
            "3"
        );
        let checked = Expression::column("name").binary(Operator::NotEqual, text("").into());
        wished.tables[0].checks.push(check("named", checked));
        wished.tables[0].foreign_keys.push(refers("name", "shelves", ReferentialAction::Cascade));
        let plan = fixture.store.plan(&wished).await.expect("a plan");
        assert_eq!(
            lines(&plan),
            [
                "NotServed not served: foreign key shelves(name) | foreign key constraint \
                 \"shelves_name_fkey\" cannot be implemented: Key columns \"name\" and \"id\" are \
                 of incompatible types: text and bigint.",
                "Data + check named",
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn an_index_whose_making_is_cut_off_is_made_at_the_next_start() {
    in_postgresql(async {
        let fixture = many().await;
        let mut wished = named();
        wished.tables[0].indexes.push(index("shelves_name", "name"));
        // Somebody writes for a while: the index cannot be finished before.
        let other = fixture.database.as_ref().expect("a database").name.clone();
        let writer = std::thread::spawn(move || {
            server().sql(
                &other,
                "BEGIN; UPDATE shelves SET note = 'y' WHERE id = 1; SELECT pg_sleep(5); COMMIT",
            );
        });
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let plan = fixture.store.plan(&wished).await.expect("a plan");
        let store = fixture.store.clone();
        let schema = wished.clone();
        let apply = tokio::spawn(async move { store.apply(&plan, &schema, "hash").await });
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND datname = current_database()";
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            if sql(&fixture, cut) != "0" {
                break;
            }
        }
        apply.await.expect("no panic").expect_err("the connection is gone");
        let valid =
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('shelves_name')";
        assert_eq!(sql(&fixture, valid), "f", "it is there, and unfinished");
        writer.join().expect("it wrote");
        migrate(&fixture.store, &wished).await;
        assert_eq!(sql(&fixture, valid), "t");
        assert!(fixture.store.plan(&wished).await.expect("a plan").is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_is_said_twice_is_made_once() {
    in_postgresql(async {
        let mut wished = library();
        let key = wished.tables[1].foreign_keys[0].clone();
        wished.tables[1].foreign_keys.push(key);
        wished.tables[0].unique_keys.push(unique("shelves_pkey", &["id"]));
        let fixture = empty().await;
        let plan = migrate(&fixture.store, &wished).await;
        assert!(plan.steps.iter().all(|step| step.class == Class::Safe), "{:?}", lines(&plan));
        assert!(fixture.store.plan(&wished).await.expect("a plan").is_empty());
    })
    .await;
}
