//! The built command with its rows in PostgreSQL.

use serde_json::json;

use crate::{
    harness::{SHOP, Test},
    postgres::{PASSWORD, database, server},
};

#[test]
fn rows_are_in_the_database_that_is_given() {
    let own = database();
    let shop = Test::new().document(SHOP).serve(&["--database", &own.url]);
    assert!(shop.greeting.contains("(PostgreSQL)"), "{}", shop.greeting);
    shop.post("/api/v1/items", &json!({"name": "Lamp", "price": 5})).status(201);
    let kept = server().sql(&own.name, "SELECT name || price FROM items");
    assert_eq!(kept.trim(), "Lamp5");
    assert!(!shop.directory().join("data/data.db").exists());
}

#[test]
fn the_document_s_own_variable_names_the_database() {
    let own = database();
    let table = "\n## Environment\n\n| Variable | Required | Description |\n| --- | --- | --- |\n| \
                 `DATABASE_URL` | yes | where rows live |\n";
    let document = format!("{SHOP}{table}");
    let url = server().url_tcp(&own.name, PASSWORD);
    let shop = Test::new().document(&document).environment("DATABASE_URL", &url).serve(&[]);
    assert!(shop.greeting.contains(&format!("127.0.0.1:{}", server().port)), "{}", shop.greeting);
    assert!(!shop.greeting.contains(PASSWORD), "{}", shop.greeting);
}

#[test]
fn a_refused_password_stops_the_start_and_is_not_repeated() {
    let own = database();
    let url = server().url_tcp(&own.name, "hunter2");
    let serve = ["serve", "ARCHITECTURE.md", "--listen", "127.0.0.1:0", "--database", &url];
    let ran = Test::new().document(SHOP).run(&serve).code(2);
    ran.says("it refuses the user or the password").says_not("hunter2");
    let serve = ["serve", "ARCHITECTURE.md", "--database", "mysql://root:hunter2@localhost/shop"];
    let ran = Test::new().document(SHOP).run(&serve).code(2);
    ran.says("--database takes postgres://").says_not("hunter2");
}

#[test]
fn a_plan_for_the_database_changes_nothing() {
    let own = database();
    let plan = ["plan", "ARCHITECTURE.md", "--database", &own.url];
    Test::new().document(SHOP).run(&plan).code(0).says("+ table items");
    let tables = "SELECT count(*) FROM pg_tables WHERE tablename = 'items'";
    assert_eq!(server().sql(&own.name, tables).trim(), "0");
}

#[test]
fn a_plan_finds_the_database_as_a_start_does() {
    let own = database();
    let table = "\n## Environment\n\n| Variable | Required | Description |\n| --- | --- | --- |\n| \
                 `DATABASE_URL` | yes | where rows live |\n";
    let document = format!("{SHOP}{table}");
    let variables = format!("DATABASE_URL={}\n", own.url);
    let test = || Test::new().document(&document).file("own.env", variables.as_bytes());
    let plan = ["plan", "ARCHITECTURE.md", "--env-file", "own.env"];
    test().run(&plan).code(0).says("+ table items");
    server().sql(&own.name, "CREATE TABLE items (name text)");
    test().run(&plan).says("a table items is there that no document made");
}
