//! Ranges are read, shown, compared and sorted alike on both stores, as PostgreSQL does it.

mod support;

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use store::{Expression, Kind, Operator, Value, schema::Schema};
use support::{SERIAL, column, insert, json, output, required, schema, select, table, text, with};

both_stores! {
    ranges_are_shown_in_one_form,
    ranges_sort_by_where_they_begin_and_end,
    ranges_are_found_however_they_are_written,
}

const KINDS: [&str; 6] =
    ["int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange"];

fn range(name: &str) -> Kind {
    Kind::Other { name: name.into() }
}

fn spans(name: &str) -> Schema {
    schema(vec![table("spans", vec![required("id", SERIAL), column("span", range(name))])])
}

fn read(name: &str, given: &str) -> Value {
    range(name).parse_text(given).unwrap_or_else(|error| panic!("{name} {given}: {error}"))
}

/// Ranges of a type with the form in which they are shown, in the order in which they sort.
fn sorted(name: &str) -> Vec<(&'static str, &'static str)> {
    match name {
        "int4range" | "int8range" => vec![
            ("(1,2)", "empty"),
            ("[,-5]", "(,-4)"),
            ("[-10,-5]", "[-10,-4)"),
            ("( 1 , 9 ]", "[2,10)"),
            ("[2,10]", "[2,11)"),
            ("[10,)", "[10,)"),
        ],
        "numrange" => vec![
            ("(2.50,2.5]", "empty"),
            ("[,7.0]", "(,7]"),
            ("[-20.5,1]", "[-20.5,1]"),
            ("[-20,1)", "[-20,1)"),
            ("[1.50,2)", "[1.5,2)"),
            ("[1.5,2]", "[1.5,2]"),
            ("(1.5,2)", "(1.5,2)"),
            ("[9,1e1]", "[9,10]"),
            ("[10,)", "[10,)"),
        ],
        "daterange" => vec![
            ("(2026-01-01,2026-01-02)", "empty"),
            ("[,2026-01-31]", "(,2026-02-01)"),
            ("[-infinity,2026-01-31]", "[-infinity,2026-02-01)"),
            ("[2026-01-01,2026-01-31]", "[2026-01-01,2026-02-01)"),
            ("[2026-01-01,9999-12-31]", "[2026-01-01,10000-01-01)"),
            ("[2026-01-01,infinity]", "[2026-01-01,infinity]"),
            ("[2026-01-01,)", "[2026-01-01,)"),
        ],
        "tsrange" => vec![
            ("[2026-01-01T10:00,2026-01-01T10:00)", "empty"),
            (
                "[2026-01-01T10:00:00.500,2026-01-01 11:00]",
                "[\"2026-01-01 10:00:00.5\",\"2026-01-01 11:00:00\"]",
            ),
            ("(2026-01-02 10:00:00,infinity)", "(\"2026-01-02 10:00:00\",infinity)"),
        ],
        _ => vec![
            ("empty", "empty"),
            (
                "[2026-01-01T12:00:00+02:00,2026-01-01T11:00:00Z)",
                "[\"2026-01-01 10:00:00+00\",\"2026-01-01 11:00:00+00\")",
            ),
            ("[2026-01-01T10:00:00.000001Z,]", "[\"2026-01-01 10:00:00.000001+00\",)"),
        ],
    }
}

async fn ranges_are_shown_in_one_form() {
    for name in KINDS {
        let fixture = with(&spans(name)).await;
        for (given, shown) in sorted(name) {
            assert_eq!(read(name, given), text(shown), "{name} {given}");
            let step = insert("spans", &[("span", read(name, given))], &[]);
            support::write(&fixture.store, vec![step]).await.expect("written");
        }
        let expected: Vec<_> =
            sorted(name).iter().map(|(_, shown)| serde_json::json!({ "span": shown })).collect();
        let mut rows = select("spans", &[output("span", range(name))], Expression::Always(true));
        rows.order = vec![(Expression::column("id"), false)];
        let shown = json(&fixture.store, &rows).await;
        assert_eq!(shown, serde_json::to_string(&expected).expect("JSON"), "{name}");
    }
}

async fn ranges_sort_by_where_they_begin_and_end() {
    for name in KINDS {
        let fixture = with(&spans(name)).await;
        let sorted = sorted(name);
        for (given, _) in sorted.iter().rev() {
            let step = insert("spans", &[("span", read(name, given))], &[]);
            support::write(&fixture.store, vec![step]).await.expect("written");
        }
        for (place, (given, _)) in sorted.iter().enumerate() {
            let above = Expression::column("span")
                .binary(Operator::GreaterOrEqual, read(name, given).into());
            let mut rows = select("spans", &[output("span", range(name))], above);
            rows.order = vec![(Expression::column("span"), false)];
            let expected: Vec<_> = sorted[place..]
                .iter()
                .map(|(_, shown)| serde_json::json!({ "span": shown }))
                .collect();
            let shown = json(&fixture.store, &rows).await;
            assert_eq!(shown, serde_json::to_string(&expected).expect("JSON"), "{name} {given}");
        }
    }
}

async fn ranges_are_found_however_they_are_written() {
    let fixture = with(&spans("daterange")).await;
    let january = read("daterange", "[2026-01-01,2026-02-01)");
    let step = insert("spans", &[("span", january)], &[]);
    support::write(&fixture.store, vec![step]).await.expect("written");
    for (given, operator, expected) in [
        ("[2026-01-01,2026-01-31]", Operator::Equal, r#"[{"id":1}]"#),
        ("(2025-12-31,2026-01-31]", Operator::Equal, r#"[{"id":1}]"#),
        ("[2026-01-01,2026-02-01]", Operator::Equal, "[]"),
        ("(2025-12-31,2026-01-31]", Operator::NotEqual, "[]"),
        ("(2025-12-31,2026-01-31]", Operator::Less, "[]"),
        ("(2025-12-31,2026-02-01]", Operator::Less, r#"[{"id":1}]"#),
    ] {
        // As a condition of the document says it, and as a filter does.
        for value in [text(given), read("daterange", given)] {
            let found = Expression::column("span").binary(operator, value.into());
            let rows = select("spans", &[output("id", SERIAL)], found);
            assert_eq!(json(&fixture.store, &rows).await, expected, "{operator:?} {given}");
        }
    }
}

/// Any two ends, in the order that a range needs more often than not.
fn any_range() -> impl Strategy<Value = (usize, String)> {
    let ends = (0_usize..6, any::<(bool, bool)>(), -40_i64..40, -3_i64..40, 0_u8..12);
    ends.prop_map(|(kind, (opens, closes), from, length, open)| {
        let point = |at: i64| match KINDS[kind] {
            "int4range" | "int8range" => at.to_string(),
            "numrange" => format!("{}.{}", at / 10, at.unsigned_abs() % 10),
            "daterange" => Value::Date(20_000 + i32::try_from(at).expect("small")).to_string(),
            _ => Value::Timestamp(1_767_225_600_000_000 + at * 250_000).to_string(),
        };
        let (mut from, mut to) = (point(from), point(from + length));
        if open == 0 {
            from.clear();
        }
        if open == 1 {
            to.clear();
        }
        let (first, last) = (if opens { '[' } else { '(' }, if closes { ']' } else { ')' });
        (kind, format!("{first}{from},{to}{last}"))
    })
}

/// PostgreSQL itself is asked about ranges as they were written by hand.
#[tokio::test]
async fn postgresql_shows_and_refuses_ranges_as_they_are_read_here() {
    support::ON
        .scope(support::On::Postgresql, async {
            let mut all = Vec::new();
            let strategy = any_range();
            let mut runner = TestRunner::deterministic();
            for _ in 0..600 {
                all.push(strategy.new_tree(&mut runner).expect("a range").current());
            }
            for (kind, name) in KINDS.iter().enumerate() {
                let written = sorted(name).into_iter().map(|(given, _)| (kind, given.to_owned()));
                all.extend(written);
                all.extend(
                    ["[2,1]", "[1", "1,2", "[a,b)", "", "[1,2,3]"].map(|it| (kind, it.into())),
                );
            }
            for (kind, name) in KINDS.iter().enumerate() {
                let fixture = with(&spans(name)).await;
                for (_, given) in all.iter().filter(|(own, _)| *own == kind) {
                    let step =
                        insert("spans", &[("span", text(given))], &[output("span", range(name))]);
                    let shown = fixture.store.write(vec![step]).await.map(|outcome| {
                        let row = String::from_utf8(outcome[0].rows.json.clone()).expect("text");
                        let row: serde_json::Value = serde_json::from_str(&row).expect("JSON");
                        Value::Text(row["span"].as_str().expect("a range").to_owned())
                    });
                    match range(name).parse_text(given) {
                        Ok(read) => {
                            let shown = shown.expect(given).to_string();
                            // PostgreSQL keeps zeros behind a point that nobody sends it.
                            let shown = match *name {
                                "numrange" => self::read(name, &shown),
                                _ => text(&shown),
                            };
                            assert_eq!(shown, read, "{name} {given}");
                        }
                        Err(_) => assert!(shown.is_err(), "{name} {given}: {shown:?}"),
                    }
                }
            }
        })
        .await;
}
