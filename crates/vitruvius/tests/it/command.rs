//! What the verbs say and how they end: 0 done, 1 the document is at fault, 2 no work could be done.

use crate::harness::{SHOP, Test};

const BROKEN: &str = "# X\n\n```sql\nCREATE TABLE a (id UUID PRIMARY KEY, b_id UUID,\n";

#[test]
fn a_sound_document_passes() {
    Test::new()
        .document(SHOP)
        .run(&["check", "ARCHITECTURE.md"])
        .code(0)
        .says("1 table, 5 endpoints (5 bound)")
        .says("0 errors");
}

#[test]
fn a_broken_document_fails_and_its_place_is_named() {
    Test::new()
        .document(BROKEN)
        .run(&["check", "ARCHITECTURE.md", "--format", "concise"])
        .code(1)
        .says("ARCHITECTURE.md:")
        .says("error[");
}

#[test]
fn a_file_that_is_not_there_is_no_finding() {
    Test::new().run(&["check", "absent.md"]).code(2).says("cannot read absent.md");
    Test::new().run(&["serve", "absent.md"]).code(2).says("cannot read absent.md");
}

#[test]
fn arguments_that_are_not_known_end_with_2() {
    Test::new().run(&["check"]).code(2);
    Test::new().run(&["frobnicate"]).code(2);
    Test::new().document(SHOP).run(&["check", "ARCHITECTURE.md", "--format", "xml"]).code(2);
}

#[test]
fn a_document_may_come_from_standard_input() {
    Test::new()
        .standard_input(SHOP.as_bytes())
        .run(&["check", "-"])
        .code(0)
        .says("1 table, 5 endpoints");
    Test::new()
        .standard_input(BROKEN.as_bytes())
        .run(&["check", "-", "--format", "concise"])
        .code(1)
        .says("<stdin>:");
}

#[test]
fn machines_get_nothing_but_their_format() {
    let json = Test::new().document(BROKEN).run(&["check", "ARCHITECTURE.md", "--format", "json"]);
    assert!(json.json()["errors"].as_u64() > Some(0));
    json.code(1);
    let sarif =
        Test::new().document(BROKEN).run(&["check", "ARCHITECTURE.md", "--format", "sarif"]);
    assert_eq!(sarif.json()["version"], "2.1.0");
    sarif.code(1);
    Test::new()
        .document(BROKEN)
        .run(&["check", "ARCHITECTURE.md", "--format", "github"])
        .code(1)
        .says("::error ");
}

#[test]
fn output_that_is_no_terminal_has_no_colours() {
    Test::new().document(BROKEN).run(&["check", "ARCHITECTURE.md"]).code(1).says_not("\u{1b}[");
}

#[test]
fn warnings_fail_only_a_strict_check() {
    let unbound = SHOP.replace("/api/v1/items/{id}", "/api/v1/nowhere/{id}/frob");
    Test::new().document(&unbound).run(&["check", "ARCHITECTURE.md"]).code(0).says("warning");
    Test::new().document(&unbound).run(&["check", "ARCHITECTURE.md", "--strict"]).code(1);
}

#[test]
fn the_exposure_table_says_who_can_do_what() {
    Test::new()
        .document(SHOP)
        .run(&["check", "ARCHITECTURE.md", "--exposure"])
        .code(0)
        .says("items")
        .says("anybody");
}

#[test]
fn several_files_are_one_document() {
    let (data, api) = SHOP.split_once("## API").expect("two chapters");
    Test::new()
        .file("data.md", data.as_bytes())
        .file("api.md", format!("# API\n\n## API{api}").as_bytes())
        .run(&["check", "data.md", "api.md"])
        .code(0)
        .says("1 table, 5 endpoints (5 bound)");
}

#[test]
fn a_new_document_is_green_and_never_overwrites() {
    let new = Test::new().run(&["new"]).code(0).says("vitruvius serve ARCHITECTURE.md");
    let text = std::fs::read_to_string(new.path("ARCHITECTURE.md")).expect("the document");
    Test::new()
        .document(&text)
        .run(&["check", "ARCHITECTURE.md", "--strict"])
        .code(0)
        .says("0 errors, 0 warnings");
    let kept = Test::new().document("mine").run(&["new"]).code(2).says("was not touched");
    assert_eq!(std::fs::read_to_string(kept.path("ARCHITECTURE.md")).expect("mine"), "mine");
}

#[test]
fn every_statement_is_read_with_its_meaning() {
    Test::new()
        .document(&format!("{SHOP}\nJust some words.\n"))
        .run(&["read", "ARCHITECTURE.md"])
        .code(0)
        .says("bound")
        .says("prose")
        .says("items");
    let read = Test::new().document(SHOP).run(&["read", "ARCHITECTURE.md", "--format", "json"]);
    let meaning = read.json();
    assert_eq!(meaning["system"]["data"]["tables"][0]["name"], "items");
    assert_eq!(meaning["files"][0], "ARCHITECTURE.md");
    assert!(meaning["statements"].as_array().is_some_and(|all| all.len() > 5));
    assert!(meaning["statements"][0]["place"]["line"].is_number());
    read.code(0);
}

#[test]
fn codes_are_explained_by_code_and_name() {
    Test::new().run(&["explain", "T001"]).code(0).says("## What it means");
    Test::new().run(&["explain", "invalid-utf8"]).code(0).says("# T001");
    Test::new().run(&["explain"]).code(0).says("T001").says("invalid-utf8");
    Test::new().run(&["explain", "T00"]).code(2).says("there is no code `T00`").says("T001");
}

#[test]
fn a_plan_is_shown_and_changes_nothing() {
    let plan = Test::new()
        .document(SHOP)
        .run(&["plan", "ARCHITECTURE.md", "--data", "data"])
        .code(0)
        .says("items")
        .says("safe");
    assert!(!plan.path("data").exists(), "a plan created the data directory");
}

#[test]
fn the_version_is_known() {
    Test::new().run(&["--version"]).code(0).says(env!("CARGO_PKG_VERSION"));
}
