//! Rows that may not be together are kept apart alike on both stores.

mod support;

use store::{
    Expression, Kind, Operator, StoreError, Value,
    plan::Class,
    schema::{Exclusion, Range, Schema},
};
use support::{INTEGER, SERIAL, TEXT, column, insert, required, schema, table, text, update};

both_stores! {
    rows_that_overlap_are_refused,
    what_moves_into_the_way_is_refused,
    columns_of_ranges_are_compared_too,
    rows_that_overlap_already_stand_in_the_way,
}

/// Bookings of rooms, of which those that are not cancelled exclude one another.
fn bookings() -> Schema {
    let moment = || Kind::Timestamp { zoned: true };
    let mut bookings = table(
        "bookings",
        vec![
            required("id", SERIAL),
            required("room", INTEGER),
            required("starts_at", moment()),
            column("ends_at", moment()),
            column("status", TEXT),
        ],
    );
    bookings.exclusions.push(Exclusion {
        name: "one_at_a_time".to_owned(),
        equal: vec!["room".to_owned()],
        overlapping: vec![Range::Made {
            kind: "tstzrange".to_owned(),
            from: "starts_at".to_owned(),
            to: "ends_at".to_owned(),
            bounds: "[)".to_owned(),
        }],
        condition: Some(
            Expression::column("status").binary(Operator::NotEqual, text("cancelled").into()),
        ),
        origin: String::new(),
    });
    schema(vec![bookings])
}

fn hour(hour: i64) -> Value {
    Value::Timestamp(1_700_000_000_000_000 + hour * 3_600_000_000)
}

fn booking(room: i64, from: i64, to: Option<i64>, status: &str) -> store::query::Step {
    let to = to.map_or(Value::Null, hour);
    let values = [
        ("room", Value::Integer(room)),
        ("starts_at", hour(from)),
        ("ends_at", to),
        ("status", text(status)),
    ];
    insert("bookings", &values, &[])
}

fn is_excluded(result: Result<(), StoreError>) {
    let is_named = matches!(&result, Err(StoreError::Excluded { table, constraint })
        if table == "bookings" && constraint == "one_at_a_time");
    assert!(is_named, "{result:?}");
}

async fn rows_that_overlap_are_refused() {
    let fixture = support::with(&bookings()).await;
    let write = |step| support::write(&fixture.store, vec![step]);
    write(booking(1, 10, Some(12), "open")).await.expect("the first");
    write(booking(1, 12, Some(13), "open")).await.expect("it begins where the first ends");
    write(booking(2, 10, Some(12), "open")).await.expect("another room");
    write(booking(1, 11, Some(14), "cancelled")).await.expect("it is not covered");
    write(booking(1, 11, Some(11), "open")).await.expect("it is empty");
    is_excluded(write(booking(1, 11, Some(14), "open")).await);
    is_excluded(write(booking(1, 9, None, "open")).await);
    write(booking(1, 13, None, "open")).await.expect("from then on");
    is_excluded(write(booking(1, 99, Some(100), "open")).await);
    let backwards = write(booking(7, 3, Some(2), "open")).await;
    assert!(
        matches!(&backwards, Err(StoreError::Value { message, .. }) if message.contains("range lower bound")),
        "{backwards:?}"
    );
}

async fn what_moves_into_the_way_is_refused() {
    let fixture = support::with(&bookings()).await;
    let store = &fixture.store;
    let both = vec![booking(1, 10, Some(12), "open"), booking(1, 12, Some(14), "open")];
    support::write(store, both).await.expect("two");
    support::write(store, vec![booking(1, 11, Some(13), "cancelled")]).await.expect("three");
    let change = |column: &str, value: Value, id: i64| {
        let key = Expression::column("id").binary(Operator::Equal, Value::Integer(id).into());
        support::write(store, vec![update("bookings", column, value, key)])
    };
    change("ends_at", hour(11), 1).await.expect("shorter");
    is_excluded(change("ends_at", hour(13), 1).await);
    is_excluded(change("status", text("open"), 3).await);
    change("room", Value::Integer(2), 2).await.expect("elsewhere");
    change("starts_at", hour(11), 3).await.expect("still cancelled");
    change("status", text("open"), 3).await.expect("nobody is there any more");
}

async fn columns_of_ranges_are_compared_too() {
    let during = column("during", Kind::Other { name: "daterange".into() });
    let mut stays = table("stays", vec![required("id", SERIAL), during]);
    stays.exclusions.push(Exclusion {
        name: "stays_once".to_owned(),
        equal: Vec::new(),
        overlapping: vec![Range::Column("during".to_owned())],
        condition: None,
        origin: String::new(),
    });
    let fixture = support::with(&schema(vec![stays])).await;
    let write = |range: &str| {
        support::write(&fixture.store, vec![insert("stays", &[("during", text(range))], &[])])
    };
    write("[2026-01-01,2026-01-31]").await.expect("January");
    write("[2026-02-01,)").await.expect("from February");
    let taken = write("[2026-01-31,2026-02-01)").await;
    assert!(matches!(taken, Err(StoreError::Excluded { .. })), "{taken:?}");
}

async fn rows_that_overlap_already_stand_in_the_way() {
    let mut free = bookings();
    let exclusions = std::mem::take(&mut free.tables[0].exclusions);
    let fixture = support::with(&free).await;
    let both = vec![booking(1, 10, Some(12), "open"), booking(1, 11, Some(14), "open")];
    support::write(&fixture.store, both).await.expect("two");
    let plan = fixture.store.plan(&bookings()).await.expect("a plan");
    assert_eq!(plan.steps[0].class, Class::Blocked, "{plan:?}");
    assert_eq!(plan.steps[0].needs.as_deref(), Some("2 of 2 rows overlap with another row"));
    let key = Expression::column("id").binary(Operator::Equal, Value::Integer(2).into());
    support::write(&fixture.store, vec![support::delete("bookings", key)]).await.expect("removed");
    support::migrate(&fixture.store, &bookings()).await;
    is_excluded(support::write(&fixture.store, vec![booking(1, 9, Some(20), "open")]).await);
    assert!(fixture.store.plan(&bookings()).await.expect("a plan").is_empty());
    let mut other = bookings();
    other.tables[0].exclusions[0].condition = None;
    assert_eq!(exclusions.len(), 1);
    support::migrate(&fixture.store, &other).await;
    is_excluded(support::write(&fixture.store, vec![booking(1, 9, Some(20), "cancelled")]).await);
    support::migrate(&fixture.store, &free).await;
    support::write(&fixture.store, vec![booking(1, 9, Some(20), "open")])
        .await
        .expect("free again");
}
