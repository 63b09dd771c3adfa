//! From one schema to the next: what runs by itself, what stops, what is never lost.
mod support;

use store::{
    Expression, Kind, Operator, Store, StoreError, Value,
    plan::{Class, Plan},
    query::Step,
    schema::{Dropped, Index, ReferentialAction, Schema, View},
};
use support::*;

both_stores! {
    what_is_there_already_needs_nothing,
    a_column_that_may_be_null_is_added_by_itself,
    a_required_column_needs_a_default_where_rows_are,
    narrowing_stops_where_rows_do_not_fit_and_says_how_many,
    narrowing_runs_where_every_row_fits,
    new_rules_are_held_against_the_rows_that_are_there,
    a_new_foreign_key_counts_the_rows_that_refer_to_nothing,
    a_type_changes_where_every_value_reads_as_the_new_one,
    a_column_that_vanishes_is_kept_and_can_come_back,
    a_likely_rename_stops_and_offers_both_sentences,
    a_declared_rename_keeps_the_values,
    a_renamed_table_is_still_referred_to,
    a_drop_needs_its_sentence_and_leaves_a_copy,
    a_table_that_vanishes_no_longer_holds_back_others,
    numbers_of_removed_rows_do_not_come_back_after_a_rebuild,
    a_plan_that_is_stale_is_refused,
    data_that_changed_since_the_plan_is_probed_again,
    a_view_is_served_and_a_strange_one_does_not_stop_the_rest,
    indexes_come_and_go_without_a_rebuild,
    a_column_added_by_hand_is_kept_through_a_rebuild,
    a_table_changed_or_removed_by_hand_stops_the_plan,
    a_table_that_no_document_made_is_not_touched,
    tables_that_refer_to_each_other_are_filled_in_one_write,
    history_is_kept_with_the_documents_hash,
    a_value_that_an_enumeration_lost_does_not_fit_whatever_the_names_are,
}

fn shelves(columns: Vec<store::schema::Column>) -> Schema {
    let mut all = vec![required("id", SERIAL)];
    all.extend(columns);
    schema(vec![table("shelves", all)])
}

/// A store with three shelves named `low`, `high` and `a very long name`.
async fn three() -> Fixture {
    let fixture = with(&shelves(vec![column("name", TEXT), column("note", TEXT)])).await;
    let row = |name: &str| insert("shelves", &[("name", text(name)), ("note", text("n"))], &[]);
    write(&fixture.store, vec![row("low"), row("high"), row("a very long name")])
        .await
        .expect("rows");
    fixture
}

fn lines(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .map(|step| {
            let needs = step.needs.as_ref().map(|needs| format!(" | {needs}")).unwrap_or_default();
            format!("{:?} {}{needs}", step.class, step.summary)
        })
        .collect()
}

async fn planned(store: &Store, wished: &Schema) -> Vec<String> {
    lines(&store.plan(wished).await.expect("a plan"))
}

async fn names(store: &Store) -> String {
    let mut shelves = select("shelves", &[output("name", TEXT)], Expression::Always(true));
    shelves.order = vec![(Expression::column("id"), false)];
    json(store, &shelves).await
}

async fn what_is_there_already_needs_nothing() {
    let wished = library();
    let fixture = with(&wished).await;
    assert!(fixture.store.plan(&wished).await.expect("a plan").is_empty());
}

async fn a_column_that_may_be_null_is_added_by_itself() {
    let fixture = three().await;
    let wished =
        shelves(vec![column("name", TEXT), column("note", TEXT), column("height", INTEGER)]);
    assert_eq!(
        planned(&fixture.store, &wished).await,
        ["Safe + column shelves.height INTEGER NULL"]
    );
    let plan = migrate(&fixture.store, &wished).await;
    assert_eq!(plan.steps[0].sql.len(), 1, "no rebuild: {:?}", plan.steps[0].sql);
    assert_eq!(fixture.store.count("shelves", &Expression::Always(true)).await.expect("count"), 3);
    assert!(fixture.store.plan(&wished).await.expect("a plan").is_empty());
}

async fn a_required_column_needs_a_default_where_rows_are() {
    let fixture = three().await;
    let with = |column| shelves(vec![column_name(), note(), column]);
    assert_eq!(
        planned(&fixture.store, &with(required("height", INTEGER))).await,
        ["Blocked + column shelves.height INTEGER NOT NULL | 3 rows would have no value: give \
          `height` a default, or let it be NULL"]
    );
    let wished = with(defaulted("height", INTEGER, Value::Integer(7)));
    migrate(&fixture.store, &wished).await;
    let heights = select("shelves", &[output("height", INTEGER)], Expression::Always(true));
    assert_eq!(json(&fixture.store, &heights).await, r#"[{"height":7},{"height":7},{"height":7}]"#);
}

fn column_name() -> store::schema::Column {
    column("name", TEXT)
}

fn note() -> store::schema::Column {
    column("note", TEXT)
}

async fn narrowing_stops_where_rows_do_not_fit_and_says_how_many() {
    let fixture = three().await;
    let wished = shelves(vec![column("name", varchar(5)), note()]);
    assert_eq!(
        planned(&fixture.store, &wished).await,
        [
            "Blocked ~ column shelves.name TEXT → VARCHAR(5) | 1 of 3 rows is longer than 5 characters"
        ]
    );
    let plan = fixture.store.plan(&wished).await.expect("a plan");
    let error = fixture.store.apply(&plan, &wished, "hash").await.expect_err("blocked");
    assert!(matches!(error, StoreError::Fault(_)));
    assert!(names(&fixture.store).await.contains("a very long name"));
}

async fn narrowing_runs_where_every_row_fits() {
    let fixture = three().await;
    let wished = shelves(vec![required("name", varchar(16)), note()]);
    assert_eq!(
        planned(&fixture.store, &wished).await,
        [
            "Data ~ column shelves.name TEXT → VARCHAR(16)",
            "Data ~ column shelves.name NULL → NOT NULL"
        ]
    );
    migrate(&fixture.store, &wished).await;
    assert!(names(&fixture.store).await.contains("a very long name"));
    let long = insert("shelves", &[("name", text("longer than sixteen"))], &[]);
    write(&fixture.store, vec![long]).await.expect_err("too long");
}

async fn new_rules_are_held_against_the_rows_that_are_there() {
    let fixture = three().await;
    let mut wished = shelves(vec![column_name(), note()]);
    wished.tables[0].unique_keys.push(unique("shelves_note_key", &["note"]));
    wished.tables[0].checks.push(check(
        "short",
        Expression::Call { function: "length".into(), arguments: vec![Expression::column("name")] }
            .binary(Operator::Less, Value::Integer(4).into()),
    ));
    assert_eq!(
        planned(&fixture.store, &wished).await,
        [
            "Blocked + check short | 2 of 3 rows are against it",
            "Blocked + unique key shelves_note_key (note) | 3 of 3 rows have a value that occurs twice",
        ]
    );
}

async fn a_new_foreign_key_counts_the_rows_that_refer_to_nothing() {
    let mut wished = library();
    let key = wished.tables[1].foreign_keys.pop().expect("a key");
    let fixture = with(&wished).await;
    let book =
        |shelf| insert("books", &[("title", text("A")), ("shelf_id", Value::Integer(shelf))], &[]);
    let shelf = insert("shelves", &[("name", text("low"))], &[]);
    write(&fixture.store, vec![shelf, book(1), book(2)]).await.expect("rows");
    wished.tables[1].foreign_keys.push(key);
    assert_eq!(
        planned(&fixture.store, &wished).await,
        ["Blocked + foreign key books(shelf_id) → shelves | 1 of 2 rows refers to no row"]
    );
}

async fn a_type_changes_where_every_value_reads_as_the_new_one() {
    let fixture = with(&shelves(vec![column("name", TEXT)])).await;
    let row = |name: &str| insert("shelves", &[("name", text(name))], &[]);
    write(&fixture.store, vec![row("12"), row("-3")]).await.expect("rows");
    let wished = shelves(vec![column("name", INTEGER)]);
    assert_eq!(
        planned(&fixture.store, &wished).await,
        ["Data ~ column shelves.name TEXT → INTEGER"]
    );
    migrate(&fixture.store, &wished).await;
    let outputs = [output("name", INTEGER)];
    let rows = select("shelves", &outputs, Expression::Always(true));
    assert_eq!(json(&fixture.store, &rows).await, r#"[{"name":12},{"name":-3}]"#);
    let wished = shelves(vec![column("name", Kind::Boolean)]);
    assert_eq!(
        planned(&fixture.store, &wished).await,
        ["Blocked ~ column shelves.name INTEGER → BOOLEAN | 2 of 2 rows are not of type BOOLEAN"]
    );
}

async fn a_column_that_vanishes_is_kept_and_can_come_back() {
    let fixture = three().await;
    let without = shelves(vec![column_name()]);
    assert_eq!(
        planned(&fixture.store, &without).await,
        ["Safe kept: column shelves.note (3 values) stays in the database, out of the schema"]
    );
    migrate(&fixture.store, &without).await;
    assert!(fixture.store.plan(&without).await.expect("a plan").is_empty());
    write(&fixture.store, vec![insert("shelves", &[("name", text("new"))], &[])])
        .await
        .expect("nothing asks for the kept column");
    let back = shelves(vec![column_name(), note()]);
    assert_eq!(
        planned(&fixture.store, &back).await,
        ["Safe ~ column shelves.note is served again"]
    );
    migrate(&fixture.store, &back).await;
    let notes = select("shelves", &[output("note", TEXT)], Expression::Always(true));
    assert_eq!(
        json(&fixture.store, &notes).await,
        r#"[{"note":"n"},{"note":"n"},{"note":"n"},{"note":null}]"#
    );
}

async fn a_likely_rename_stops_and_offers_both_sentences() {
    let fixture = three().await;
    let wished = shelves(vec![column("label", TEXT), note()]);
    let lines = planned(&fixture.store, &wished).await;
    assert_eq!(lines.len(), 2);
    assert!(lines[1].starts_with("Blocked - column shelves.name (3 values)"), "{lines:?}");
    assert!(lines[1].contains("-- renamed from name") && lines[1].contains("-- dropped"));
}

async fn a_declared_rename_keeps_the_values() {
    let fixture = three().await;
    let mut label = column("label", TEXT);
    label.renamed_from = Some("name".to_owned());
    let mut wished = shelves(vec![label, note()]);
    assert_eq!(
        planned(&fixture.store, &wished).await,
        ["Permitted ~ column shelves.name renamed to shelves.label"]
    );
    migrate(&fixture.store, &wished).await;
    assert!(fixture.store.plan(&wished).await.expect("a plan").is_empty());
    wished.tables[0].name = "racks".to_owned();
    wished.tables[0].renamed_from = Some("shelves".to_owned());
    assert_eq!(
        planned(&fixture.store, &wished).await,
        ["Permitted ~ table shelves renamed to racks"]
    );
    migrate(&fixture.store, &wished).await;
    let labels = select("racks", &[output("label", TEXT)], Expression::Always(true));
    assert!(json(&fixture.store, &labels).await.starts_with(r#"[{"label":"low"}"#));
    assert!(fixture.store.plan(&wished).await.expect("a plan").is_empty());
}

async fn a_renamed_table_is_still_referred_to() {
    let mut wished = library();
    let fixture = with(&wished).await;
    let shelf = insert("shelves", &[("name", text("low"))], &[]);
    let book = insert("books", &[("title", text("A")), ("shelf_id", Value::Integer(1))], &[]);
    write(&fixture.store, vec![shelf, book]).await.expect("rows");
    wished.tables[0].name = "racks".to_owned();
    wished.tables[0].renamed_from = Some("shelves".to_owned());
    wished.tables[1].foreign_keys[0].table = "racks".to_owned();
    let mut expected = vec!["Permitted ~ table shelves renamed to racks"];
    // PostgreSQL's keys follow the table by themselves.
    expected
        .extend(fixture.database.is_none().then_some("Safe ~ table books refers to the new name"));
    assert_eq!(planned(&fixture.store, &wished).await, expected);
    migrate(&fixture.store, &wished).await;
    assert!(fixture.store.plan(&wished).await.expect("a plan").is_empty());
    write(&fixture.store, vec![delete("racks", Expression::Always(true))])
        .await
        .expect_err("a book stands on it");
}

async fn a_drop_needs_its_sentence_and_leaves_a_copy() {
    let fixture = three().await;
    let mut wished = shelves(vec![column_name()]);
    wished.drops.push(Dropped {
        table: "shelves".to_owned(),
        column: Some("note".to_owned()),
        origin: "test.md:9".to_owned(),
    });
    assert_eq!(
        planned(&fixture.store, &wished).await,
        ["Permitted - column shelves.note (3 values)"]
    );
    migrate(&fixture.store, &wished).await;
    assert!(fixture.store.plan(&wished).await.expect("a plan").is_empty());
    // A server has backups of its own.
    if fixture.database.is_none() {
        let copies = std::fs::read_dir(fixture.directory.path().join("backups")).expect("copies");
        assert_eq!(copies.count(), 1);
    }
    let mut none = schema(Vec::new());
    assert_eq!(
        planned(&fixture.store, &none).await,
        ["Safe kept: table shelves (3 rows) stays in the database, out of the schema"]
    );
    let table = Dropped { table: "shelves".into(), column: None, origin: "test.md:10".into() };
    none.drops.push(table);
    assert_eq!(planned(&fixture.store, &none).await, ["Permitted - table shelves (3 rows)"]);
    migrate(&fixture.store, &none).await;
    assert!(fixture.store.plan(&none).await.expect("a plan").is_empty());
}

async fn a_table_that_vanishes_no_longer_holds_back_others() {
    let fixture = with(&library()).await;
    let shelf = insert("shelves", &[("name", text("low"))], &[]);
    let book = insert("books", &[("title", text("A")), ("shelf_id", Value::Integer(1))], &[]);
    write(&fixture.store, vec![shelf, book]).await.expect("rows");
    let mut wished = library();
    wished.tables.pop();
    migrate(&fixture.store, &wished).await;
    write(&fixture.store, vec![delete("shelves", Expression::Always(true))])
        .await
        .expect("nobody refers to it any more");
    let back = library();
    let lines = planned(&fixture.store, &back).await;
    assert!(lines[0].starts_with("Safe ~ table books is served again"), "{lines:?}");
    assert!(lines[1].contains("1 of 1 row refers to no row"), "{lines:?}");
}

async fn numbers_of_removed_rows_do_not_come_back_after_a_rebuild() {
    let fixture = three().await;
    let last = Expression::column("id").equals(Value::Integer(3));
    write(&fixture.store, vec![delete("shelves", last)]).await.expect("removed");
    migrate(&fixture.store, &shelves(vec![required("name", TEXT), note()])).await;
    let step = insert("shelves", &[("name", text("new"))], &[output("id", SERIAL)]);
    let outcome = fixture.store.write(vec![step]).await.expect("written");
    assert_eq!(outcome[0].rows.json, br#"{"id":4}"#);
}

async fn a_plan_that_is_stale_is_refused() {
    let fixture = three().await;
    let wished = shelves(vec![column_name(), note(), column("height", INTEGER)]);
    let plan = fixture.store.plan(&wished).await.expect("a plan");
    migrate(&fixture.store, &shelves(vec![column_name(), note(), column("width", INTEGER)])).await;
    let error = fixture.store.apply(&plan, &wished, "hash").await.expect_err("stale");
    assert!(error.to_string().contains("stale"), "{error}");
}

async fn data_that_changed_since_the_plan_is_probed_again() {
    let fixture = three().await;
    let wished = shelves(vec![column("name", varchar(16)), note()]);
    let plan = fixture.store.plan(&wished).await.expect("a plan");
    assert!(!plan.is_blocked());
    let long = insert("shelves", &[("name", text("longer than sixteen"))], &[]);
    write(&fixture.store, vec![long]).await.expect("written");
    let error = fixture.store.apply(&plan, &wished, "hash").await.expect_err("blocked now");
    assert!(error.to_string().contains("1 of 4 rows is longer"), "{error}");
}

async fn a_view_is_served_and_a_strange_one_does_not_stop_the_rest() {
    let fixture = three().await;
    let mut wished = shelves(vec![column_name(), note()]);
    let view = |name: &str, select: &str| View {
        name: name.to_owned(),
        select: select.to_owned(),
        origin: "test.md:5".to_owned(),
    };
    wished.views = vec![
        view(
            "short",
            "SELECT s.name::text AS name, length(name) < 4 AS is_short FROM public.shelves s WHERE name ILIKE 'L%'",
        ),
        view("strange", "SELECT no_such_function(name) FROM shelves"),
    ];
    let lines = planned(&fixture.store, &wished).await;
    let why = match &fixture.database {
        Some(_) => "function no_such_function(text) does not exist",
        None => "no such function: no_such_function",
    };
    let strange = format!("NotServed not served: view strange | {why}");
    assert_eq!(lines, [strange.as_str(), "Safe + view short"]);
    migrate(&fixture.store, &wished).await;
    let outputs = [output("name", TEXT), output("is_short", Kind::Boolean)];
    let short = select("short", &outputs, Expression::Always(true));
    assert_eq!(json(&fixture.store, &short).await, r#"[{"name":"low","is_short":true}]"#);
    assert!(fixture.store.plan(&wished).await.expect("a plan").is_empty(), "reported once");
}

async fn indexes_come_and_go_without_a_rebuild() {
    let fixture = three().await;
    let mut wished = shelves(vec![column_name(), note()]);
    wished.tables[0].indexes.push(Index {
        name: "shelves_name".to_owned(),
        parts: vec![(Expression::column("name"), true)],
        method: "btree".to_owned(),
        condition: Some(Expression::column("note").equals(text("n"))),
        origin: String::new(),
    });
    assert_eq!(planned(&fixture.store, &wished).await, ["Safe + index shelves_name"]);
    let plan = migrate(&fixture.store, &wished).await;
    assert_eq!(plan.steps[0].sql.len(), 1);
    wished.tables[0].indexes.clear();
    assert_eq!(planned(&fixture.store, &wished).await, ["Safe - index shelves_name"]);
    migrate(&fixture.store, &wished).await;
    assert!(fixture.store.plan(&wished).await.expect("a plan").is_empty());
}

fn by_hand(fixture: &Fixture, sql: &str) {
    if let Some(database) = &fixture.database {
        support::postgres::server().sql(&database.name, sql);
        return;
    }
    let connection = rusqlite::Connection::open(fixture.directory.path().join("data.db"))
        .expect("the same file");
    connection.execute_batch(sql).expect("a change by hand");
}

async fn a_column_added_by_hand_is_kept_through_a_rebuild() {
    let fixture = three().await;
    by_hand(&fixture, "ALTER TABLE shelves ADD COLUMN extra TEXT; UPDATE shelves SET extra = 'x'");
    let wished = shelves(vec![required("name", TEXT), note()]);
    let lines = planned(&fixture.store, &wished).await;
    assert!(
        lines[0].starts_with("Safe kept: column shelves.extra was added from outside"),
        "{lines:?}"
    );
    migrate(&fixture.store, &wished).await;
    by_hand(&fixture, "SELECT extra FROM shelves");
    assert!(fixture.store.plan(&wished).await.expect("a plan").is_empty());
}

async fn a_table_changed_or_removed_by_hand_stops_the_plan() {
    for change in [
        "ALTER TABLE shelves DROP COLUMN note",
        "DROP TABLE shelves",
        "ALTER TABLE shelves ADD COLUMN extra TEXT NOT NULL DEFAULT 'x'; ALTER TABLE shelves RENAME COLUMN note TO remark",
    ] {
        let fixture = three().await;
        by_hand(&fixture, change);
        let plan = fixture.store.plan(&shelves(vec![column_name(), note()])).await.expect("a plan");
        assert!(plan.is_blocked(), "{change}: {:?}", lines(&plan));
    }
}

async fn a_table_that_no_document_made_is_not_touched() {
    let fixture = empty().await;
    by_hand(&fixture, "CREATE TABLE shelves (id INTEGER)");
    let plan = fixture.store.plan(&shelves(vec![])).await.expect("a plan");
    assert!(plan.is_blocked());
}

async fn tables_that_refer_to_each_other_are_filled_in_one_write() {
    let mut left = table(
        "left",
        vec![
            required("id", Kind::Integer { bits: 64 }),
            required("other", Kind::Integer { bits: 64 }),
        ],
    );
    let mut right = left.clone();
    right.name = "right".to_owned();
    left.foreign_keys.push(refers("other", "right", ReferentialAction::NoAction));
    right.foreign_keys.push(refers("other", "left", ReferentialAction::NoAction));
    let fixture = with(&schema(vec![left, right])).await;
    let row = |table: &str, id, other| {
        insert(table, &[("id", Value::Integer(id)), ("other", Value::Integer(other))], &[])
    };
    write(&fixture.store, vec![row("left", 1, 1), row("right", 1, 1)]).await.expect("both at once");
    let steps: Vec<Step> = vec![row("left", 2, 9)];
    let error = write(&fixture.store, steps).await.expect_err("no such row");
    assert!(
        matches!(&error, StoreError::ForeignKey { columns, missing: true, .. } if columns == &["other"]),
        "{error:?}"
    );
}

async fn history_is_kept_with_the_documents_hash() {
    let fixture = three().await;
    let entry = "SELECT document_hash || ' ' || steps FROM _vitruvius_history";
    let entry = match &fixture.database {
        Some(database) => support::postgres::server().sql(&database.name, entry),
        None => rusqlite::Connection::open(fixture.directory.path().join("data.db"))
            .expect("the same file")
            .query_row(entry, [], |row| row.get::<_, String>(0))
            .expect("one entry"),
    };
    assert!(entry.starts_with("hash "), "{entry}");
    assert!(entry.contains("+ table shelves (3 columns)"), "{entry}");
}

#[tokio::test]
async fn a_check_that_sqlite_cannot_hold_is_reported_and_the_table_served() {
    let mut wished = shelves(vec![column_name()]);
    let unknown = Expression::Call { function: "no_such".into(), arguments: vec![] };
    wished.tables[0].checks.push(check("odd", unknown));
    wished.tables[0].checks.push(check(
        "named",
        Expression::column("name").binary(Operator::NotEqual, text("").into()),
    ));
    let fixture = empty().await;
    let plan = migrate(&fixture.store, &wished).await;
    assert_eq!(plan.steps[0].class, Class::NotServed);
    assert_eq!(plan.steps[0].needs.as_deref(), Some("the store has no function `no_such`"));
    write(&fixture.store, vec![insert("shelves", &[("name", text(""))], &[])])
        .await
        .expect_err("the other check holds");
}

async fn a_value_that_an_enumeration_lost_does_not_fit_whatever_the_names_are() {
    let long = "a_table_whose_name_is_longer_than_postgresql_keeps_of_any_name_at_all";
    let with = |values: &[&str]| {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        let kind = Kind::Enum { name: "grade".into(), values: values.into() };
        schema(vec![table(long, vec![required("id", SERIAL), column("grade", kind)])])
    };
    let fixture = support::with(&with(&["open", "gone"])).await;
    migrate(&fixture.store, &with(&["open"])).await;
    let step = insert(long, &[("grade", text("gone"))], &[]);
    let refused = write(&fixture.store, vec![step]).await;
    assert!(
        matches!(&refused, Err(StoreError::Value { column: Some(column), message })
            if column == "grade" && message == "does not fit grade"),
        "{refused:?}"
    );
}
