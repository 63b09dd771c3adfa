//! Documents that nobody should write: a diagnostic or nothing, never a panic, never a stall.

use std::time::Duration;

use crate::harness::{SHOP, Test};

/// Debug builds on a busy machine are slow, about 2 µs a byte; a parser that is not linear would take
/// hours for these documents.
const ELAPSED_MAX: Duration = Duration::from_secs(180);

/// Checks and reads the document; `serve` reads through the same front end.
fn check(document: &[u8]) {
    let checked = Test::new().file("x.md", document).run(&["check", "x.md", "--format", "json"]);
    let errors = checked.json()["errors"].as_u64().expect("a count");
    assert!(checked.elapsed < ELAPSED_MAX, "{:?}", checked.elapsed);
    checked.code(i32::from(errors > 0));
    let read = Test::new().file("x.md", document).run(&["read", "x.md"]);
    assert!(read.elapsed < ELAPSED_MAX, "{:?}", read.elapsed);
    read.code(0);
}

#[test]
fn broken_sql_and_half_a_fence() {
    check(b"# X\n\n```sql\nCREATE TABLE (((;;; '\n```\n");
    check(b"# X\n\n```sql\nCREATE TABLE a (id INT PRIMARY KEY); CREATE TABLE\n```\n");
    check(b"# X\n\n```sql\nCREATE TABLE a (id INT");
    check(b"```");
    check(b"");
}

#[test]
fn bytes_that_are_no_text() {
    check(b"# \xff\xfe X\n\n```sql\nCREATE TABLE \xc3 (id INT);\n```\n");
    check(&(0..=255).cycle().take(100_000).collect::<Vec<u8>>());
    check(b"# X\0\n\n| a\0 | b |\n| --- | --- |\n| GET /\0 | x |\n");
}

#[test]
fn ten_megabytes_of_nesting() {
    check("> ".repeat(5_000_000).as_bytes());
    check("- ".repeat(5_000_000).as_bytes());
    check("[".repeat(10_000_000).as_bytes());
}

#[test]
fn ten_megabytes_of_parentheses_in_sql() {
    let nested =
        format!("```sql\nCREATE TABLE a (id INT CHECK {});\n```\n", "(".repeat(10_000_000));
    check(nested.as_bytes());
}

#[test]
fn ten_megabytes_of_yaml_and_json_nesting() {
    check(format!("```yaml\nopenapi: {}\n```\n", "[".repeat(10_000_000)).as_bytes());
    check(format!("```json\n{}\n```\n", "{\"a\":".repeat(2_000_000)).as_bytes());
}

#[test]
fn keys_in_a_circle() {
    let document = "# X\n\n```sql\n\
        CREATE TABLE a (id INT PRIMARY KEY, b_id INT REFERENCES b(id));\n\
        CREATE TABLE b (id INT PRIMARY KEY, a_id INT REFERENCES a(id));\n\
        CREATE TABLE c (id INT PRIMARY KEY REFERENCES c(id));\n```\n";
    check(document.as_bytes());
    let serving = Test::new().document(document).serve(&[]);
    serving.get("/health").status(200);
}

#[test]
fn headings_and_names_that_want_to_be_markup_or_sql() {
    let document = "# <script>alert(1)</script>\n\n## `'; DROP TABLE users; --`\n\n```sql\n\
        CREATE TABLE \"users'; DROP TABLE x; --\" (id INT PRIMARY KEY, \"a\"\"b\" TEXT);\n\
        CREATE TABLE ok (id INT PRIMARY KEY, note TEXT DEFAULT '''; DROP TABLE ok; --');\n```\n\n\
        - `GET /api/v1/<img src=x onerror=alert(1)>`\n";
    check(document.as_bytes());
    let serving = Test::new().document(document).serve(&["--partial"]);
    serving.get("/health").status(200);
    assert!(!serving.get("/").text.contains("<script>alert(1)"));
}

#[test]
fn a_page_of_html_is_prose() {
    let document = "<!doctype html><html><body onload=alert(1)><h1>Hello</h1>\
        <table><tr><td>GET /x</td></tr></table></body></html>\n";
    check(document.as_bytes());
    let serving = Test::new().document(document).serve(&["--partial"]);
    assert!(!serving.get("/").text.contains("onload=alert"));
}

#[test]
fn a_document_of_two_thousand_lines_twice_over() {
    check(SHOP.repeat(100).as_bytes());
}
