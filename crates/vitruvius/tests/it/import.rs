//! A database that is there becomes a document that passes, and serves it without changing it.

use crate::harness::Test;

const THEIRS: &str = "
    CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT NOT NULL, born DATE);
    CREATE TABLE books (id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL REFERENCES authors (id),
      title TEXT NOT NULL, price DECIMAL(8,2));
    CREATE UNIQUE INDEX books_once ON books (author_id, title);
    CREATE VIEW cheap AS SELECT id, title FROM books WHERE price < 10;
    INSERT INTO authors VALUES (1, 'Ann', '1970-01-31');
    INSERT INTO books VALUES (1, 1, 'One', 9.5)";

/// Their file, as `data.db`.
fn database() -> Vec<u8> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("theirs.db");
    let connection = rusqlite::Connection::open(&path).expect("a file");
    connection.execute_batch(THEIRS).expect("their tables");
    drop(connection);
    std::fs::read(&path).expect("bytes")
}

fn imported() -> String {
    Test::new().file("shop.db", &database()).run(&["import", "shop.db"]).code(0).stdout()
}

#[test]
fn the_document_of_a_file_passes() {
    Test::new()
        .document(&imported())
        .run(&["check", "ARCHITECTURE.md", "--strict"])
        .code(0)
        .says("2 tables, 10 endpoints (10 bound)")
        .says("0 errors");
}

#[test]
fn the_file_is_served_as_it_is_and_to_nobody_yet() {
    let serving =
        Test::new().document(&imported()).file("data.db", &database()).serve(&["--data", "."]);
    assert_eq!(serving.get("/api/v1/books").status, 401);
}

#[test]
fn what_is_there_is_adopted_by_the_plan() {
    Test::new()
        .document(&imported())
        .file("data.db", &database())
        .run(&["plan", "ARCHITECTURE.md", "--data", "."])
        .code(0)
        .says("table books is there already: it is adopted (1 row)")
        .says("view cheap is there already: it is adopted");
}

#[test]
fn a_document_that_is_there_is_not_overwritten() {
    Test::new()
        .file("shop.db", &database())
        .document("mine")
        .run(&["import", "shop.db", "--output", "ARCHITECTURE.md"])
        .code(2)
        .says("cannot write ARCHITECTURE.md");
    Test::new().run(&["import", "absent.db"]).code(2).says("there is no such file");
    Test::new()
        .run(&["import", "postgres://me:secret@127.0.0.1:1/shop"])
        .code(2)
        .says("PostgreSQL at 127.0.0.1:1/shop");
}
