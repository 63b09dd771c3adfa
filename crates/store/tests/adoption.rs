//! A database that is there already: described, taken over as it is, and left alone otherwise.
mod support;

use store::{Expression, Kind, Value, description::Description, plan::Plan, schema::Schema};
use support::*;

both_stores! {
    a_table_that_is_what_the_document_says_is_adopted_as_it_is,
    a_table_that_differs_stops_the_plan_and_says_in_what,
    a_key_without_a_name_of_its_own_is_adopted_too,
    an_adopted_table_changes_like_any_other_afterwards,
    a_view_is_adopted_where_it_says_the_same,
    what_needs_quotes_is_left_out_and_named,
}

const AUTHORS: &str = "
    CREATE TABLE authors (id BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, remark TEXT);
    CREATE INDEX authors_name ON authors (name);
    INSERT INTO authors VALUES (1, 'Ann', 'x'), (2, 'Bob', NULL)";

fn sql(fixture: &Fixture, text: &str) {
    match &fixture.database {
        Some(database) => {
            support::postgres::server().sql(&database.name, text);
        }
        None => rusqlite::Connection::open(fixture.directory.path().join("data.db"))
            .and_then(|connection| connection.execute_batch(text))
            .expect("a database of somebody else's"),
    }
}

async fn theirs(text: &str) -> Fixture {
    let fixture = empty().await;
    sql(&fixture, text);
    fixture
}

fn authors() -> Schema {
    let number = Kind::Integer { bits: 64 };
    schema(vec![table("authors", vec![required("id", number), required("name", TEXT)])])
}

fn lines(plan: &Plan) -> Vec<String> {
    let line = |step: &store::plan::Step| {
        let needs = step.needs.as_ref().map(|needs| format!(" | {needs}")).unwrap_or_default();
        format!("{:?} {}{needs}", step.class, step.summary)
    };
    plan.steps.iter().map(line).collect()
}

async fn a_table_that_is_what_the_document_says_is_adopted_as_it_is() {
    let fixture = theirs(AUTHORS).await;
    let plan = migrate(&fixture.store, &authors()).await;
    assert_eq!(lines(&plan), ["Safe table authors is there already: it is adopted (2 rows)"]);
    assert!(plan.steps[0].sql.is_empty(), "nothing is changed: {:?}", plan.steps[0].sql);
    assert!(fixture.store.plan(&authors()).await.expect("a plan").is_empty());
    let mut names = select("authors", &[output("name", TEXT)], Expression::Always(true));
    names.order = vec![(Expression::column("id"), false)];
    assert_eq!(json(&fixture.store, &names).await, r#"[{"name":"Ann"},{"name":"Bob"}]"#);
}

async fn a_table_that_differs_stops_the_plan_and_says_in_what() {
    let fixture = theirs(AUTHORS).await;
    let mut wished = authors();
    wished.tables[0].columns.push(column("born", Kind::Date));
    wished.tables[0].unique_keys.push(unique("authors_name_key", &["name"]));
    let plan = fixture.store.plan(&wished).await.expect("a plan");
    assert_eq!(
        lines(&plan),
        ["Blocked drift: a table authors is there that no document made | it has no column \
             `born`; it has no index `authors_name_key`: rename it, or the table of the document, \
             or declare it as it is: what is there is not overwritten"]
    );
}

async fn a_key_without_a_name_of_its_own_is_adopted_too() {
    let fixture =
        theirs("CREATE TABLE authors (id BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE)")
            .await;
    let mut wished = authors();
    wished.tables[0].unique_keys.push(unique("authors_name_key", &["name"]));
    let plan = migrate(&fixture.store, &wished).await;
    assert_eq!(lines(&plan), ["Safe table authors is there already: it is adopted (0 rows)"]);
    let row = || insert("authors", &[("id", Value::Integer(1)), ("name", text("A"))], &[]);
    write(&fixture.store, vec![row()]).await.expect("the first");
    write(&fixture.store, vec![row()]).await.expect_err("the second");
    assert!(fixture.store.plan(&wished).await.expect("a plan").is_empty());
}

async fn an_adopted_table_changes_like_any_other_afterwards() {
    let fixture = theirs(AUTHORS).await;
    migrate(&fixture.store, &authors()).await;
    let mut wished = authors();
    wished.tables[0].columns.push(column("born", Kind::Date));
    let plan = migrate(&fixture.store, &wished).await;
    assert_eq!(lines(&plan), ["Safe + column authors.born DATE NULL"]);
    let row = insert(
        "authors",
        &[("id", Value::Integer(3)), ("name", text("Cyd")), ("born", Value::Date(0))],
        &[],
    );
    write(&fixture.store, vec![row]).await.expect("written");
    let all = Expression::Always(true);
    assert_eq!(fixture.store.count("authors", &all).await.expect("a count"), 3);
}

async fn a_view_is_adopted_where_it_says_the_same() {
    let fixture = theirs(AUTHORS).await;
    sql(&fixture, "CREATE VIEW named AS SELECT id FROM authors WHERE name = 'Ann'");
    let described = fixture.store.describe().await.expect("a description");
    let mut wished = authors();
    let view = |select: &str| store::schema::View {
        name: "named".to_owned(),
        select: select.to_owned(),
        origin: String::new(),
    };
    wished.views = vec![view("SELECT id FROM authors")];
    let plan = fixture.store.plan(&wished).await.expect("a plan");
    assert!(plan.is_blocked(), "{:?}", lines(&plan));
    wished.views = vec![view(&described.views[0].1)];
    let plan = migrate(&fixture.store, &wished).await;
    assert_eq!(lines(&plan)[1], "Safe view named is there already: it is adopted");
    assert!(fixture.store.plan(&wished).await.expect("a plan").is_empty());
}

async fn what_needs_quotes_is_left_out_and_named() {
    let fixture = theirs(
        "CREATE TABLE \"Big\" (id BIGINT PRIMARY KEY);
         CREATE TABLE small (id BIGINT NOT NULL PRIMARY KEY, \"Odd\" TEXT, big BIGINT
           REFERENCES \"Big\" (id))",
    )
    .await;
    let Description { tables, mut left_out, .. } =
        fixture.store.describe().await.expect("a description");
    let columns: Vec<_> = tables[0].columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!((tables.len(), columns), (1, vec!["id", "big"]));
    assert!(tables[0].references.is_empty(), "what is left out is not referred to");
    left_out.sort();
    assert_eq!(
        left_out,
        ["column `small.Odd`: its name needs quotes", "table `Big`: its name needs quotes",]
    );
}

#[tokio::test]
async fn a_server_is_described_in_its_own_words() {
    let fixture = ON
        .scope(
            On::Postgresql,
            theirs(
                "CREATE TYPE mood AS ENUM ('calm', 'wild');
             CREATE TABLE people (id bigserial PRIMARY KEY, mail varchar(80) NOT NULL UNIQUE,
               mood mood NOT NULL DEFAULT 'calm', tags text[], boss bigint REFERENCES people
               ON DELETE SET NULL DEFERRABLE, CHECK (length(mail) > 3));
             CREATE INDEX people_wild ON people (mail DESC) WHERE mood = 'wild'",
            ),
        )
        .await;
    let described = fixture.store.describe().await.expect("a description");
    assert_eq!(
        described.ddl(),
        "CREATE TYPE mood AS ENUM ('calm', 'wild');\n\n\
         CREATE TABLE people (\n  id BIGSERIAL NOT NULL,\n  mail VARCHAR(80) NOT NULL,\n  \
         mood mood NOT NULL DEFAULT 'calm'::mood,\n  tags TEXT[],\n  boss BIGINT,\n  \
         CONSTRAINT people_mail_check CHECK ((length((mail)::text) > 3)),\n  \
         CONSTRAINT people_mail_key UNIQUE (mail),\n  CONSTRAINT people_pkey PRIMARY KEY (id),\n  \
         CONSTRAINT people_boss_fkey FOREIGN KEY (boss) REFERENCES people(id) ON DELETE SET NULL\n);\n\
         CREATE INDEX people_wild ON people USING btree (mail DESC) WHERE (mood = 'wild'::mood);"
    );
}

#[test]
fn a_file_is_described_by_what_is_stored_in_it_and_only_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("theirs.db");
    rusqlite::Connection::open(&path)
        .and_then(|connection| {
            connection.execute_batch(
                "CREATE TABLE things (id INTEGER PRIMARY KEY, price DECIMAL(8,2), day DATE,
                   at DATETIME DEFAULT CURRENT_TIMESTAMP, is_new BOOLEAN DEFAULT 1,
                   UNIQUE (day, price));
                 INSERT INTO things (price, day) VALUES (9.5, '2026-01-31')",
            )
        })
        .expect("a file of somebody else's");
    let before = std::fs::read(&path).expect("bytes");
    let described = Description::of_file(&path).expect("a description");
    assert_eq!(
        described.ddl(),
        "CREATE TABLE things (\n  id BIGSERIAL NOT NULL,\n  price NUMERIC(8,2),\n  day DATE,\n  \
         at TEXT,\n  is_new BOOLEAN DEFAULT true,\n  PRIMARY KEY (id),\n  \
         UNIQUE (day, price)\n);"
    );
    assert_eq!(std::fs::read(&path).expect("bytes"), before);
    Description::of_file(&directory.path().join("none.db")).expect_err("no such file");
}
