//! What stands in `docs/` and is generated from the code is current. `BLESS=1` writes it anew.

use std::path::Path;

use crate::harness::Test;

fn check(what: &str, file: &str) {
    let ran = Test::new().run(&["docs", what]).code(0);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(file);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, ran.stdout()).expect("the file is written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == ran.stdout(), "docs/{file} is out of date; run the tests once with BLESS=1");
}

#[test]
fn the_page_on_the_language_is_current() {
    check("language", "language.md");
}

#[test]
fn the_schema_of_the_system_is_current() {
    check("schema", "system.schema.json");
}
