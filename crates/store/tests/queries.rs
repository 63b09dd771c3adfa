//! Queries of the document: PostgreSQL's SELECT, read only, within limits.
mod support;

use std::time::Instant;

use store::{Expression, Kind, Options, Store, StoreError, Value};
use support::*;

async fn shop() -> Fixture {
    let columns = vec![
        required("id", SERIAL),
        required("name", TEXT),
        column("price", numeric(10, 2)),
        defaulted("active", Kind::Boolean, Value::Boolean(true)),
        column("sold_at", Kind::Timestamp { zoned: true }),
        column("data", Kind::Json),
    ];
    let fixture = with(&schema(vec![table("items", columns)])).await;
    let item = |name: &str, price: &str, sold_at| {
        let values = [
            ("name", text(name)),
            ("price", Value::Decimal(price.into())),
            ("sold_at", sold_at),
            ("data", Value::Json(r#"{"size":5}"#.into())),
        ];
        insert("items", &values, &[])
    };
    let day = 86_400_000_000;
    let rows = vec![
        item("Lamp", "0.10", Value::Timestamp(day)),
        item("lantern", "0.20", Value::Timestamp(40 * day)),
        item("Rug", "7.00", Value::Null),
    ];
    write(&fixture.store, rows).await.expect("rows");
    fixture
}

async fn ask(store: &Store, sql: &str, parameters: &[(&str, Value)]) -> Result<String, StoreError> {
    let parameters: Vec<_> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let rows = store.query(sql, &parameters).await?;
    Ok(format!("[{}]", String::from_utf8(rows.json).expect("text")))
}

async fn postgresql_s_ways_are_understood() {
    let fixture = shop().await;
    for (sql, expected) in [
        (
            "SELECT name FROM items WHERE name ILIKE 'la%' ORDER BY lower(name)",
            r#"[{"name":"Lamp"},{"name":"lantern"}]"#,
        ),
        ("SELECT name FROM items WHERE name LIKE 'la%'", r#"[{"name":"lantern"}]"#),
        ("SELECT name FROM items WHERE name ~* '^la.p'", r#"[{"name":"Lamp"}]"#),
        (
            "SELECT count(*)::int, sum(price) AS total FROM items WHERE price < 1",
            r#"[{"count":2,"total":0.30}]"#,
        ),
        (
            "SELECT active, price > 5 AS dear FROM public.items WHERE id = 3",
            r#"[{"active":true,"dear":true}]"#,
        ),
        (
            "SELECT date_trunc('month', sold_at) AS month, count(*) FROM items WHERE sold_at < now() - interval '1 day' GROUP BY 1 ORDER BY 1",
            r#"[{"month":"1970-01-01T00:00:00.000000Z","count":1},{"month":"1970-02-01T00:00:00.000000Z","count":1}]"#,
        ),
        (
            "SELECT name FROM items WHERE sold_at + interval '39 days' >= '1970-02-10T00:00:00.000000Z' ORDER BY id",
            r#"[{"name":"Lamp"},{"name":"lantern"}]"#,
        ),
        (
            "SELECT data->>'size' AS size, data FROM items WHERE id = 1",
            r#"[{"size":"5","data":{"size":5}}]"#,
        ),
        ("SELECT EXTRACT(YEAR FROM sold_at) AS year FROM items WHERE id = 1", r#"[{"year":1970}]"#),
        ("SELECT name FROM items ORDER BY sold_at LIMIT 1 OFFSET 2", r#"[{"name":"Rug"}]"#),
        ("SELECT name FROM items WHERE name = ANY(ARRAY['Rug','x'])", r#"[{"name":"Rug"}]"#),
        (
            "WITH cheap AS (SELECT * FROM items WHERE price::numeric < 1) SELECT count(*) FILTER (WHERE active) AS n FROM cheap",
            r#"[{"n":2}]"#,
        ),
        (
            "SELECT string_agg(name, ', ' ORDER BY name DESC) AS names FROM items",
            r#"[{"names":"lantern, Rug, Lamp"}]"#,
        ),
        (
            "SELECT CASE WHEN active THEN 'yes' ELSE 'no' END AS shown, COALESCE(name, '-') FROM items WHERE id = 1",
            r#"[{"shown":"yes","coalesce":"Lamp"}]"#,
        ),
    ] {
        let found = ask(&fixture.store, sql, &[]).await;
        assert_eq!(found.unwrap_or_else(|error| panic!("{sql}: {error}")), expected, "{sql}");
    }
}

async fn parameters_are_values_and_never_text() {
    let fixture = shop().await;
    let sql = "SELECT name FROM items WHERE name = :name";
    let hostile = text("x' OR '1'='1");
    assert_eq!(ask(&fixture.store, sql, &[("name", hostile)]).await.expect("no row"), "[]");
    assert_eq!(
        ask(&fixture.store, sql, &[("name", text("Rug"))]).await.expect("a row"),
        r#"[{"name":"Rug"}]"#
    );
    let error = ask(&fixture.store, sql, &[]).await.expect_err("missing");
    assert!(
        matches!(&error, StoreError::Value { column: Some(name), .. } if name == "name"),
        "{error:?}"
    );
}

async fn nothing_but_reading_is_possible() {
    let fixture = shop().await;
    for sql in [
        "DELETE FROM items",
        "INSERT INTO items (name) VALUES ('x')",
        "UPDATE items SET name = 'x'",
        "DROP TABLE items",
        "SELECT 1; DELETE FROM items",
        "WITH gone AS (DELETE FROM items RETURNING id) SELECT * FROM gone",
        "SELECT * INTO copy FROM items",
        "ATTACH DATABASE '/tmp/other.db' AS other",
        "PRAGMA query_only = 0",
        "SELECT snapshot FROM _vitruvius_schema",
        "SELECT sql FROM sqlite_schema",
        "SELECT * FROM \"main\".\"sqlite_master\"",
        "SELECT load_extension('x')",
        "SELECT",
        "",
    ] {
        ask(&fixture.store, sql, &[]).await.expect_err(sql);
    }
    assert_eq!(fixture.store.count("items", &Expression::Always(true)).await.expect("count"), 3);
}

async fn a_query_without_end_meets_its_deadline() {
    let options = Options { read_ms_max: 200, ..Options::default() };
    let fixture = open(options).await;
    let store = &fixture.store;
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n";
    let start = Instant::now();
    let error = ask(store, sql, &[]).await.expect_err("no end");
    assert!(matches!(error, StoreError::Deadline { wait_ms_max: 200 }), "{error:?}");
    assert!(start.elapsed().as_secs() < 10);
    assert_eq!(
        ask(store, "SELECT 1 AS one", &[]).await.expect("the thread is free again"),
        r#"[{"one":1}]"#
    );
}

async fn an_answer_has_a_limit() {
    let fixture = shop().await;
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n";
    let error = ask(&fixture.store, sql, &[]).await.expect_err("too many");
    assert!(error.to_string().contains("LIMIT"), "{error}");
}

both_stores! {
    postgresql_s_ways_are_understood,
    parameters_are_values_and_never_text,
    nothing_but_reading_is_possible,
    a_query_without_end_meets_its_deadline,
    an_answer_has_a_limit,
}
