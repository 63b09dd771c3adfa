//! What a SELECT shows of a small world.

use serde_json::json;

use super::*;

const DATA: &str = "# X\n\n```sql\nCREATE TABLE shops (id INTEGER PRIMARY KEY, name TEXT);\n\
CREATE TABLE sales (id INTEGER PRIMARY KEY, shop_id INTEGER REFERENCES shops(id), amount INTEGER, \
is_paid BOOLEAN);\n```\n";

fn check(sql: &str, expected: Json) {
    let compiled = document::compile(document::Sources::single("x.md", DATA));
    let rows = |rows: Json| -> Vec<Row> {
        rows.as_array().expect("rows").iter().filter_map(|row| row.as_object().cloned()).collect()
    };
    let world = World::from([
        ("shops".to_owned(), rows(json!([{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]))),
        (
            "sales".to_owned(),
            rows(json!([
                {"id": 1, "shop_id": 1, "amount": 5, "is_paid": true},
                {"id": 2, "shop_id": 1, "amount": 9, "is_paid": null},
            ])),
        ),
    ]);
    let parameters = HashMap::from([("least".to_owned(), json!(6))]);
    let select = Select::read(sql, &compiled.system).expect(sql);
    let found = select.rows(&compiled.system, &world, &parameters).expect(sql);
    assert_eq!(json!(found), expected, "{sql}");
}

#[test]
fn rows_are_chosen_joined_and_counted() {
    check("SELECT id FROM sales WHERE is_paid = true", json!([{"id": 1}]));
    check("SELECT id FROM sales WHERE NOT is_paid", json!([]));
    check("SELECT s.id AS sale FROM sales s WHERE s.amount >= :least", json!([{"sale": 2}]));
    check(
        "SELECT h.name, s.amount FROM shops h LEFT JOIN sales s ON s.shop_id = h.id",
        json!([
            {"name": "a", "amount": 5}, {"name": "a", "amount": 9}, {"name": "b", "amount": null},
        ]),
    );
    check(
        "SELECT h.name, COUNT(s.id) AS sales, SUM(s.amount) AS all FROM shops h \
         LEFT JOIN sales s ON s.shop_id = h.id GROUP BY h.id, h.name",
        json!([{"name": "a", "sales": 2}, {"name": "b", "sales": 0}]),
    );
    check("SELECT count(*) AS n FROM sales WHERE amount > 100", json!([{"n": 0}]));
    check("SELECT DISTINCT shop_id FROM sales", json!([{"shop_id": 1}]));
    check(
        "SELECT id FROM sales WHERE now() - INTERVAL '7 days' < now()",
        json!([{"id": 1}, {"id": 2}]),
    );
}

#[test]
fn what_is_not_understood_is_said() {
    let compiled = document::compile(document::Sources::single("x.md", DATA));
    for sql in [
        "SELECT id FROM sales UNION SELECT id FROM shops",
        "SELECT id FROM nowhere",
        "SELECT shop_id FROM sales GROUP BY shop_id HAVING count(*) > 1",
        "SELECT id FROM sales WHERE regexp_replace('a', 'b', 'c') = 'x'",
        "DELETE FROM sales",
    ] {
        assert!(Select::read(sql, &compiled.system).is_err(), "{sql}");
    }
}
