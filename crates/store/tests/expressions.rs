//! Expressions with PostgreSQL's meaning, asked of one row.
mod support;

use store::{Expression as E, Kind, Operator as O, StoreError, Value};
use support::*;

/// A row that expressions may ask about.
async fn row() -> Fixture {
    let moment = Kind::Timestamp { zoned: true };
    let columns = vec![
        required("id", SERIAL),
        column("word", TEXT),
        column("number", INTEGER),
        column("price", numeric(10, 2)),
        column("at", moment.clone()),
        column("day", Kind::Date),
        column("data", Kind::Json),
        column("tags", Kind::Array { element: Box::new(TEXT) }),
        column("flag", Kind::Boolean),
        column("nothing", TEXT),
        column("span", Kind::Interval),
    ];
    let fixture = with(&schema(vec![table("t", columns)])).await;
    let values = [
        ("word", text("Straße 50%")),
        ("number", Value::Integer(7)),
        ("price", Value::Decimal("12.50".into())),
        ("at", moment.parse_text("2026-11-20T18:04:05.5Z").expect("a moment")),
        ("day", Kind::Date.parse_text("2026-11-20").expect("a day")),
        ("data", Value::Json(r#"{"a":{"b":5},"list":[1,2],"yes":true,"name":"x"}"#.into())),
        ("tags", Value::Json(r#"["red","blue"]"#.into())),
        ("flag", Value::Boolean(true)),
        ("span", text("PT30M")),
    ];
    write(&fixture.store, vec![insert("t", &values, &[])]).await.expect("a row");
    fixture
}

async fn check_all(cases: Vec<(E, bool)>) {
    let fixture = row().await;
    for (condition, expected) in cases {
        let found = fixture.store.count("t", &condition).await;
        let found = found.unwrap_or_else(|error| panic!("{condition:?}: {error}"));
        assert_eq!(found == 1, expected, "{condition:?}");
    }
}

fn column_of(name: &str) -> E {
    E::column(name)
}

fn call(function: &str, arguments: Vec<E>) -> E {
    E::Call { function: function.into(), arguments }
}

fn word(value: &str) -> E {
    text(value).into()
}

fn number(value: i64) -> E {
    Value::Integer(value).into()
}

async fn patterns_and_regular_expressions() {
    let with = |operator, pattern: &str| column_of("word").binary(operator, word(pattern));
    check_all(vec![
        (with(O::Like, "Stra%"), true),
        (with(O::Like, "stra%"), false),
        (with(O::ILike, "STRA%"), true),
        (with(O::Like, "%50\\%"), true),
        (with(O::Like, "%51\\%"), false),
        (with(O::Like, "Stra_e%"), true),
        (with(O::NotLike, "x%"), true),
        (with(O::NotILike, "s%"), false),
        (with(O::Matches, "^S.*[0-9]+%$"), true),
        (with(O::Matches, "^s"), false),
        (with(O::MatchesIgnoringCase, "^s"), true),
        (with(O::NotMatches, "\\d{3}"), true),
        (
            E::Search { columns: vec!["word".into(), "nothing".into()], words: "50 STRA".into() },
            true,
        ),
        (E::Search { columns: vec!["word".into()], words: "stra missing".into() }, false),
    ])
    .await;
}

async fn numbers_divide_round_and_compare_as_in_postgresql() {
    let divided = column_of("number").binary(O::Divide, number(2));
    check_all(vec![
        (divided.equals(number(3)), true),
        (column_of("price").equals(Value::Decimal("12.5".into())), true),
        (
            column_of("price").binary(O::Multiply, number(2)).equals(Value::Decimal("25".into())),
            true,
        ),
        (
            call("greatest", vec![column_of("number"), E::Value(Value::Null), number(9)])
                .equals(number(9)),
            true,
        ),
        (call("least", vec![column_of("number"), number(9)]).equals(number(7)), true),
        (call("abs", vec![E::Negate(Box::new(column_of("number")))]).equals(number(7)), true),
        (call("round", vec![column_of("price")]).equals(number(13)), true),
        (call("ceil", vec![column_of("price")]).equals(number(13)), true),
        (call("coalesce", vec![column_of("nothing"), word("z")]).equals(word("z")), true),
        (call("char_length", vec![column_of("word")]).equals(number(10)), true),
        (call("upper", vec![word("é")]).equals(word("É")), true),
        (call("split_part", vec![word("a-b-c"), word("-"), number(2)]).equals(word("b")), true),
        (E::Cast { operand: Box::new(word("42")), target: INTEGER }.equals(number(42)), true),
    ])
    .await;
}

async fn null_is_neither_true_nor_false() {
    let unknown = column_of("nothing").equals(word("x"));
    check_all(vec![
        (unknown.clone(), false),
        (E::Not(Box::new(unknown.clone())), false),
        (unknown.or(column_of("flag")), true),
        (E::IsNull { operand: Box::new(column_of("nothing")), negated: false }, true),
        (E::In { operand: Box::new(column_of("number")), list: vec![], negated: false }, false),
        (E::In { operand: Box::new(column_of("number")), list: vec![], negated: true }, true),
        (
            E::In {
                operand: Box::new(column_of("number")),
                list: vec![number(1), number(7)],
                negated: false,
            },
            true,
        ),
    ])
    .await;
}

async fn moments_add_subtract_and_truncate() {
    let day = E::Interval { seconds: 86_400 };
    let later = column_of("at").binary(O::Add, day.clone());
    let truncated = |unit: &str| call("date_trunc", vec![word(unit), column_of("at")]);
    let part = |field: &str| call("extract", vec![word(field), column_of("at")]);
    let between = E::Value(Value::Text("2026-11-20T18:04:05.5+00:00".into()));
    check_all(vec![
        (later.clone().binary(O::Greater, column_of("at")), true),
        (later.binary(O::Subtract, column_of("at")).equals(day), true),
        (column_of("at").equals(between), true),
        (
            column_of("at")
                .binary(O::Subtract, column_of("span"))
                .equals(word("2026-11-20T17:34:05.500000Z")),
            true,
        ),
        (column_of("at").binary(O::Less, E::Now), true),
        (column_of("day").binary(O::LessOrEqual, E::Today), true),
        (column_of("day").binary(O::Add, number(1)).equals(word("2026-11-21")), true),
        (column_of("day").equals(word("2026-11-20")), true),
        (truncated("month").equals(word("2026-11-01T00:00:00.000000Z")), true),
        (truncated("week").equals(word("2026-11-16T00:00:00.000000Z")), true),
        (part("year").equals(number(2026)), true),
        (part("dow").equals(number(5)), true),
    ])
    .await;
}

async fn json_is_looked_into() {
    let data = || column_of("data");
    let inner = data().binary(O::JsonField, word("a"));
    let contains = |json: &str| data().binary(O::Contains, Value::Json(json.into()).into());
    check_all(vec![
        (inner.binary(O::JsonText, word("b")).equals(word("5")), true),
        (data().binary(O::JsonText, word("yes")).equals(word("true")), true),
        (data().binary(O::JsonText, word("name")).equals(word("x")), true),
        (contains(r#"{"a":{"b":5}}"#), true),
        (contains(r#"{"list":[2]}"#), true),
        (contains(r#"{"list":[3]}"#), false),
        (column_of("tags").binary(O::Contains, Value::Json(r#"["red"]"#.into()).into()), true),
        (call("cardinality", vec![column_of("tags")]).equals(number(2)), true),
        (call("jsonb_typeof", vec![data()]).equals(word("object")), true),
    ])
    .await;
}

async fn what_the_store_cannot_say_is_a_fault_and_not_a_guess() {
    let fixture = row().await;
    let error = fixture.store.count("t", &call("no_such", vec![])).await.expect_err("unknown");
    assert!(matches!(error, StoreError::Fault(_)), "{error:?}");
    let error = fixture.store.count("t", &column_of("no_such")).await.expect_err("unknown");
    assert!(matches!(error, StoreError::Fault(_)), "a misspelt name is not a string: {error:?}");
}

async fn a_check_passes_on_null_and_refuses_on_false() {
    let mut wished = table(
        "t",
        vec![
            required("id", SERIAL),
            column("from_at", Kind::Timestamp { zoned: true }),
            column("to_at", Kind::Timestamp { zoned: true }),
            column("email", TEXT),
        ],
    );
    wished
        .checks
        .push(check("in_order", column_of("to_at").binary(O::Greater, column_of("from_at"))));
    wished.checks.push(check(
        "email_form",
        column_of("email").binary(O::MatchesIgnoringCase, word("^[a-z0-9.]+@[a-z.]+$")),
    ));
    wished.checks.push(check("not_in_future", column_of("from_at").binary(O::LessOrEqual, E::Now)));
    let fixture = with(&schema(vec![wished])).await;
    let at = |moment| Value::Timestamp(moment);
    write(&fixture.store, vec![insert("t", &[("from_at", at(1))], &[])])
        .await
        .expect("NULL passes");
    let backwards = [("from_at", at(2)), ("to_at", at(1))];
    write(&fixture.store, vec![insert("t", &backwards, &[])]).await.expect_err("backwards");
    write(&fixture.store, vec![insert("t", &[("email", text("A.b@example.org"))], &[])])
        .await
        .expect("an address");
    write(&fixture.store, vec![insert("t", &[("email", text("nobody"))], &[])])
        .await
        .expect_err("no address");
    let future = [("from_at", at(4_000_000_000_000_000))];
    write(&fixture.store, vec![insert("t", &future, &[])]).await.expect_err("in the future");
}

async fn a_generated_column_follows_its_row() {
    let mut total = column("total", numeric(12, 2));
    total.generated = Some(column_of("price").binary(O::Multiply, column_of("count")));
    let columns = vec![
        required("id", SERIAL),
        column("price", numeric(10, 2)),
        column("count", INTEGER),
        total,
    ];
    let fixture = with(&schema(vec![table("t", columns)])).await;
    let values = [("price", Value::Decimal("1.10".into())), ("count", Value::Integer(3))];
    let shown = [output("total", numeric(12, 2))];
    let outcome = fixture.store.write(vec![insert("t", &values, &shown)]).await.expect("written");
    assert_eq!(outcome[0].rows.json, br#"{"total":3.30}"#);
}

both_stores! {
    patterns_and_regular_expressions,
    numbers_divide_round_and_compare_as_in_postgresql,
    null_is_neither_true_nor_false,
    moments_add_subtract_and_truncate,
    json_is_looked_into,
    what_the_store_cannot_say_is_a_fault_and_not_a_guess,
    a_check_passes_on_null_and_refuses_on_false,
    a_generated_column_follows_its_row,
}
