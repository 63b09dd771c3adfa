//! Values: what is accepted, in which words it is refused, and that what goes in comes out.
mod support;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use store::{Expression, Kind, StoreError, Value};
use support::*;

fn accepted(kind: &Kind, json: &Json) -> String {
    let value =
        kind.parse_json(json).unwrap_or_else(|error| panic!("{kind} refuses {json}: {error}"));
    let mut shown = Vec::new();
    value.write_json(&mut shown);
    String::from_utf8(shown).expect("text")
}

#[track_caller]
fn check(kind: &Kind, given: Json, shown: &str) {
    assert_eq!(accepted(kind, &given), shown, "{kind}");
}

#[track_caller]
fn refused(kind: &Kind, given: Json, message: &str) {
    assert_eq!(kind.parse_json(&given), Err(message.to_owned()), "{kind} {given}");
}

const REAL: Kind = Kind::Real { bits: 64 };
const SMALL: Kind = Kind::Integer { bits: 16 };
const BIG: Kind = Kind::Integer { bits: 64 };
const MOMENT: Kind = Kind::Timestamp { zoned: true };
const MONEY_LARGE: Kind = Kind::Numeric { precision: Some(30), scale: Some(8) };
const UNBOUNDED: Kind = Kind::Numeric { precision: None, scale: None };

fn status() -> Kind {
    let values = ["open".to_owned(), "closed".to_owned()];
    Kind::Enum { name: "status".into(), values: values.into() }
}

fn list(element: Kind) -> Kind {
    Kind::Array { element: Box::new(element) }
}

fn range(name: &str) -> Kind {
    Kind::Other { name: name.into() }
}

#[test]
fn texts_are_limited_in_characters() {
    check(&varchar(3), json!("äöü"), "\"äöü\"");
    refused(&varchar(3), json!("abcd"), "must be at most 3 characters");
    refused(&varchar(3), json!(5), "must be a string");
    refused(&TEXT, json!("a\0b"), "must not contain the NUL character");
}

#[test]
fn whole_numbers_keep_to_their_range() {
    check(&SMALL, json!(-32768), "-32768");
    check(&INTEGER, json!(3.0), "3");
    check(&BIG, json!(i64::MAX), "9223372036854775807");
    refused(&SMALL, json!(32768), "must be between -32768 and 32767");
    refused(&BIG, json!(u64::MAX), "must be between -9223372036854775808 and 9223372036854775807");
    refused(&INTEGER, json!(1.5), "must be a whole number");
    refused(&INTEGER, json!("1"), "must be a whole number");
    assert_eq!(
        INTEGER.parse_text("99999999999"),
        Err("must be between -2147483648 and 2147483647".into())
    );
}

#[test]
fn decimals_round_as_postgresql_does_and_overflow_loudly() {
    check(&numeric(10, 2), json!(12.345), "12.35");
    check(&numeric(10, 2), json!("-12.345"), "-12.35");
    check(&numeric(10, 2), json!("9.995"), "10.00");
    check(&numeric(10, 2), json!("-0.001"), "0.00");
    check(&numeric(4, 0), json!(1e3), "1000");
    check(
        &UNBOUNDED,
        json!("123456789012345678901234567890.5"),
        "123456789012345678901234567890.5",
    );
    refused(&numeric(4, 2), json!(100), "must have at most 2 digits before the point");
    refused(&numeric(4, 2), json!("99.999"), "must have at most 2 digits before the point");
    refused(&numeric(4, 2), json!("1,5"), "must be a number");
    refused(&numeric(4, 2), json!("NaN"), "must be a number");
    refused(
        &MONEY_LARGE,
        json!(1_234_567_890.123_456_8),
        "has too many digits for a JSON number; write it as a string",
    );
}

#[test]
fn moments_are_shown_in_utc_with_microseconds() {
    check(&MOMENT, json!("2026-11-20T20:00:00+02:00"), "\"2026-11-20T18:00:00.000000Z\"");
    check(&MOMENT, json!("2026-11-20 18:00:00.1234567"), "\"2026-11-20T18:00:00.123457Z\"");
    check(&MOMENT, json!("1969-12-31T23:59:59.5Z"), "\"1969-12-31T23:59:59.500000Z\"");
    check(&MOMENT, json!("2026-12-31T23:59:60Z"), "\"2027-01-01T00:00:00.000000Z\"");
    let message = "must be a moment such as 2026-11-20T18:00:00Z, from year 1 to 9999";
    for given in [
        "yesterday",
        "2026-02-30T00:00:00Z",
        "2026-11-20T25:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:00",
        "2026-11-20T18:00:00+2",
        "20261120T180000Z",
        "",
    ] {
        refused(&MOMENT, json!(given), message);
    }
}

#[test]
fn lists_are_read_from_postgresqls_literals_too() {
    let texts = list(Kind::Text { length_max: None });
    for (literal, expected) in [
        ("{}", "[]"),
        ("{red, green }", r#"["red","green"]"#),
        (r#"{"a, b","say \"so\"",""}"#, r#"["a, b","say \"so\"",""]"#),
        ("red,green", r#"["red","green"]"#),
        (r#"["red"]"#, r#"["red"]"#),
    ] {
        assert_eq!(texts.parse_text(literal), Ok(Value::Json(expected.to_owned())), "{literal}");
    }
    assert!(list(SMALL).parse_text("{1,x}").is_err());
}

#[test]
fn days_times_and_lengths_of_time() {
    check(&Kind::Date, json!("2024-02-29"), "\"2024-02-29\"");
    refused(&Kind::Date, json!("2023-02-29"), "must be a day such as 2026-11-20");
    check(&Kind::Time, json!("08:30"), "\"08:30:00\"");
    check(&Kind::Time, json!("08:30:00.250"), "\"08:30:00.25\"");
    refused(&Kind::Time, json!("24:00"), "must be a time such as 18:30:00");
    check(&Kind::Interval, json!("PT15M"), "\"PT15M\"");
    check(&Kind::Interval, json!("7 days"), "\"P7D\"");
    refused(&Kind::Interval, json!("soon"), "must be a length of time such as PT15M");
}

#[test]
fn closed_lists_uuids_addresses_and_the_rest() {
    check(&status(), json!("open"), "\"open\"");
    refused(&status(), json!("OPEN"), "must be one of open, closed");
    check(
        &Kind::Uuid,
        json!("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
        "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"",
    );
    refused(&Kind::Uuid, json!("a0eebc999c0b4ef8bb6d6bb9bd380a11"), "must be a UUID");
    check(&Kind::Boolean, json!(false), "false");
    refused(&Kind::Boolean, json!("true"), "must be true or false");
    check(&Kind::Bytes, json!("aGk="), "\"aGk=\"");
    refused(&Kind::Bytes, json!("%%"), "must be base64");
    check(&Kind::Network, json!("10.0.0.0/8"), "\"10.0.0.0/8\"");
    refused(&Kind::Network, json!("10.0.0.0/33"), "must be an internet address such as 192.0.2.1");
    check(&range("int4range"), json!("[1,5]"), "\"[1,6)\"");
    check(&list(range("int4range")), json!(["(1,2)", null]), r#"["empty",null]"#);
    refused(&range("int4range"), json!("[5,1]"), "must not end before it begins");
    refused(&range("daterange"), json!("May"), "must be a range such as [2026-11-20,2026-11-27)");
    refused(&range("int4range"), json!([1, 5]), "must be a string");
    check(&Kind::Json, json!({"b": [1, null]}), r#"{"b":[1,null]}"#);
    refused(&Kind::Json, json!({"b": "\0"}), "must not contain the NUL character");
    check(&list(varchar(2)), json!(["a", "b\""]), r#"["a","b\""]"#);
    refused(&list(varchar(2)), json!(["a", "abc"]), "item 2 must be at most 2 characters");
    refused(&list(varchar(2)), json!("a"), "must be an array");
    assert_eq!(list(INTEGER).parse_text("1, 2"), Ok(Value::Json("[1,2]".into())));
    for kind in [status(), Kind::Json, MOMENT, list(TEXT)] {
        check(&kind, Json::Null, "null");
    }
}

async fn rows_show_values_as_they_were_accepted() {
    let kinds: Vec<(Kind, Json)> = vec![
        (Kind::Uuid, json!("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
        (Kind::CaseInsensitiveText, json!("Ää\u{1F600}\u{7f}\u{1}")),
        (BIG, json!(i64::MIN)),
        (numeric(15, 2), json!("-9999999999999.99")),
        (numeric(12, 0), json!("123456789012")),
        (numeric(6, 3), json!("5")),
        (MONEY_LARGE, json!("1234567890123456789012.12345678")),
        (UNBOUNDED, json!("0.1")),
        (REAL, json!(0.1)),
        (REAL, json!(-1e300)),
        (Kind::Real { bits: 32 }, json!(0.1)),
        (Kind::Boolean, json!(true)),
        (MOMENT, json!("0001-01-01T00:00:00Z")),
        (MOMENT, json!("9999-12-31T23:59:59.999999Z")),
        (Kind::Date, json!("2026-11-20")),
        (Kind::Time, json!("23:59:59.999999")),
        (Kind::Interval, json!("P1DT2H")),
        (Kind::Json, json!({"a": {"b": [1.5, "x"]}})),
        (Kind::Bytes, json!("AP8=")),
        (status(), json!("closed")),
        (list(MOMENT), json!(["2026-11-20T18:00:00Z"])),
        (Kind::Network, json!("2001:db8::1")),
    ];
    for (kind, given) in kinds {
        let value = kind.parse_json(&given).unwrap_or_else(|error| panic!("{kind}: {error}"));
        let expected = match &value {
            // A column of 32 bits shows the digits of 32 bits.
            Value::Real(_) => given.to_string().replace("e+", "e"),
            _ => accepted(&kind, &given),
        };
        assert_eq!(
            round(kind.clone(), value).await.expect("a row"),
            format!("{{\"v\":{expected}}}"),
            "{kind}"
        );
    }
}

async fn infinity_is_shown_as_a_string() {
    let shown = round(REAL, Value::Real(f64::INFINITY)).await.expect("a row");
    assert_eq!(shown, r#"{"v":"Infinity"}"#);
}

async fn the_database_itself_refuses_what_does_not_fit_its_column() {
    for (kind, value) in [
        (Kind::Boolean, Value::Integer(2)),
        (SMALL, Value::Integer(40_000)),
        (status(), text("gone")),
        (Kind::Json, text("{")),
        (list(TEXT), Value::Json("{}".into())),
    ] {
        let error = round(kind.clone(), value).await.expect_err("refused");
        assert!(
            matches!(&error, StoreError::Value { column: Some(column), .. } if column == "v"),
            "{kind}: {error:?}"
        );
    }
}

async fn wide_decimals_sort_and_compare_by_value() {
    let wished = schema(vec![table("t", vec![required("id", SERIAL), column("v", MONEY_LARGE)])]);
    let fixture = with(&wished).await;
    for digits in ["10", "9", "-1", "1000000000000000000000", "999999999999999999999.5"] {
        let value = MONEY_LARGE.parse_text(digits).expect("a decimal");
        write(&fixture.store, vec![insert("t", &[("v", value)], &[])]).await.expect("written");
    }
    let above = Expression::column("v")
        .binary(store::Operator::Greater, Value::Decimal("9.5".into()).into());
    let mut rows = select("t", &[output("v", MONEY_LARGE)], above);
    rows.order = vec![(Expression::column("v"), false)];
    assert_eq!(
        json(&fixture.store, &rows).await,
        r#"[{"v":10.00000000},{"v":999999999999999999999.50000000},{"v":1000000000000000000000.00000000}]"#
    );
}

async fn citext_is_unique_without_case() {
    let mut users =
        table("users", vec![required("id", SERIAL), column("email", Kind::CaseInsensitiveText)]);
    users.unique_keys.push(unique("users_email_key", &["email"]));
    let fixture = with(&schema(vec![users])).await;
    let row = |email| insert("users", &[("email", text(email))], &[]);
    write(&fixture.store, vec![row("Éva@example.org")]).await.expect("written");
    write(&fixture.store, vec![row("éVA@EXAMPLE.org")]).await.expect_err("the same");
}

async fn a_serial_that_is_not_the_key_counts_up() {
    let mut tickets =
        table("tickets", vec![required("id", Kind::Uuid), required("number", SERIAL)]);
    tickets.primary_key = vec!["id".to_owned()];
    let fixture = with(&schema(vec![tickets])).await;
    let row = |id: u128| {
        insert(
            "tickets",
            &[("id", Value::Uuid(uuid::Uuid::from_u128(id)))],
            &[output("number", SERIAL)],
        )
    };
    let outcome = fixture.store.write(vec![row(1), row(2)]).await.expect("written");
    assert_eq!(outcome[1].rows.json, br#"{"number":2}"#);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_decimal_of_fifteen_digits_survives_a_double(units in -999_999_999_999_999_i64..=999_999_999_999_999, scale in 1_u16..=15) {
        let kind = numeric(15, scale);
        let digits = format!("{:0>1$}", units.unsigned_abs(), usize::from(scale) + 1);
        let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
        let sign = if units < 0 { "-" } else { "" };
        let shown = format!("{sign}{whole}.{fraction}");
        prop_assert_eq!(kind.parse_text(&shown), Ok(Value::Decimal(shown.clone())));
        let double: f64 = shown.parse().expect("a number");
        prop_assert_eq!(format!("{double:.0$}", usize::from(scale)), shown);
    }

    #[test]
    fn every_moment_reads_back(microseconds in -62_135_596_800_000_000_i64..=253_402_300_799_999_999) {
        let shown = Value::Timestamp(microseconds).to_string();
        prop_assert_eq!(shown.len(), 27);
        prop_assert_eq!(MOMENT.parse_text(&shown), Ok(Value::Timestamp(microseconds)));
    }

    #[test]
    fn every_day_and_time_reads_back(days in -719_162_i32..=2_932_896, clock in 0_i64..86_400_000_000) {
        prop_assert_eq!(Kind::Date.parse_text(&Value::Date(days).to_string()), Ok(Value::Date(days)));
        prop_assert_eq!(Kind::Time.parse_text(&Value::Time(clock).to_string()), Ok(Value::Time(clock)));
    }

    #[test]
    fn any_text_is_valid_json_and_reads_back(given in "\\PC*|[\\x00-\\x7f]*") {
        let mut shown = Vec::new();
        Value::Text(given.clone()).write_json(&mut shown);
        prop_assert_eq!(serde_json::from_slice::<String>(&shown).expect("JSON"), given);
    }

    #[test]
    fn no_text_makes_a_parser_panic(given in "\\PC*|[0-9TZ:.+eE -]*|[\\[(][0-9\", -]*[])]") {
        for kind in [Kind::Uuid, MOMENT, Kind::Date, Kind::Time, Kind::Interval, MONEY_LARGE, UNBOUNDED, REAL,
            INTEGER, Kind::Json, Kind::Bytes, Kind::Network, list(INTEGER), range("numrange"), range("int8range"),
            range("tstzrange"), range("daterange")] {
            let _ = kind.parse_text(&given);
        }
    }
}

both_stores! {
    rows_show_values_as_they_were_accepted,
    infinity_is_shown_as_a_string,
    the_database_itself_refuses_what_does_not_fit_its_column,
    wide_decimals_sort_and_compare_by_value,
    citext_is_unique_without_case,
    a_serial_that_is_not_the_key_counts_up,
}
