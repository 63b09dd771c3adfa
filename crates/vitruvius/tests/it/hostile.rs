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

/// Small in bytes and large in what has to be compared: what grows with the square of the size
/// takes minutes for these, and anything else a few seconds even in a debug build.
const COMPARED_MAX: Duration = Duration::from_secs(60);

fn check_many(head: &str, one: impl Fn(usize) -> String, count: usize, tail: &str) {
    let many: String = (0..count).map(one).collect();
    let document = format!("{head}{many}{tail}");
    let begun = std::time::Instant::now();
    let compiled = document::compile(document::Sources::single("x.md", &document));
    let shown = document::render::terminal(&compiled, &compiled.diagnostics, false);
    let elapsed = begun.elapsed();
    assert!(
        elapsed < COMPARED_MAX,
        "{elapsed:?} for {one}, {} shown",
        shown.len(),
        one = &many[..60]
    );
}

#[test]
fn many_tables_with_many_endpoints_that_bind_to_none() {
    let tables: String = (0..3000)
        .map(|i| format!("CREATE TABLE table_{i} (id INT PRIMARY KEY, name TEXT);\n"))
        .collect();
    let head = format!("```sql\n{tables}```\n\n");
    check_many(&head, |i| format!("- `GET /tabel_{i}/{{id}}` - one\n"), 6000, "");
    check_many(&head, |i| format!("- `POST /table_{i}/{{id}}/act{i}`\n"), 6000, "");
}

#[test]
fn many_statements_about_one_table_or_one_each() {
    let users = "```sql\nCREATE TABLE users (id INT PRIMARY KEY, email TEXT);\n";
    let end = "```\n";
    check_many(users, |i| format!("ALTER TABLE users ADD COLUMN c{i} TEXT;\n"), 4000, end);
    check_many(users, |i| format!("CREATE INDEX i{i} ON userz{i} (email);\n"), 6000, end);
    check_many(
        users,
        |i| format!("CREATE POLICY p{i} ON users FOR SELECT USING (id = auth.uid());\n"),
        4000,
        end,
    );
    check_many(users, |i| format!("CREATE VIEW v{i} AS SELECT id FROM users;\n"), 6000, end);
    check_many(
        users,
        |i| format!("CREATE TABLE t{i} (id INT PRIMARY KEY, user_id INT REFERENCES users(id));\n"),
        4000,
        end,
    );
}

#[test]
fn many_rows_items_and_headings() {
    let env =
        "## Environment Variables\n\n| Variable | Required | Default |\n| --- | --- | --- |\n";
    check_many(env, |i| format!("| `NAME_{i}` | Yes | {i} |\n"), 8000, "");
    check_many("", |i| format!("## Heading {i}\n\n"), 10_000, "");
    check_many("## Roles\n\n", |i| format!("- **Role{i}**: can read users\n"), 6000, "");
    check_many("## Limits\n\n", |i| format!("- Timeout: {i} ms\n"), 6000, "");
    check_many("```sql\nCREATE TYPE s AS ENUM (", |i| format!("'v{i}', "), 20_000, "'z');\n```\n");
    check_many("### User\n\n", |i| format!("- `c{i}`: string\n"), 6000, "");
}
