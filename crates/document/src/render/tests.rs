//! Tests of all forms of output.

use super::*;
use crate::{Sources, codes, compile, diagnostic::Applicability};

fn compiled(text: &str) -> Compiled {
    compile(Sources::single("a.md", text))
}

fn at(text: &str, piece: &str) -> Span {
    let start = text.find(piece).expect("the piece stands in the text");
    Span::new(0, start, start + piece.len())
}

#[test]
fn a_terminal_shows_place_heading_labels_and_edits() {
    let text = "# Doc\n\n## Data\n\n### Tables\n\nThe\tgröße 表格 is here.\n\nAnd there.\n";
    let compiled = compiled(text);
    let diagnostic = Diagnostic::new(&codes::T001, at(text, "表格"), "`表格` is bad")
        .label("this one")
        .also(at(text, "there"), "and this")
        .help("write it in another way")
        .edit("to mend it, replace it", at(text, "表格"), "table", Applicability::Safe);
    let drawn = terminal(&compiled, std::slice::from_ref(&diagnostic), false);
    insta::assert_snapshot!(drawn);
    assert_eq!(concise(&compiled, &[diagnostic]), "a.md:7:11: warning[T001] `表格` is bad\n");
}

#[test]
fn places_far_apart_are_drawn_apart() {
    let text = format!("# Doc\n\n## Data\n\none\n{}\ntwo\n", "filler\n".repeat(60));
    let compiled = compiled(&text);
    let diagnostic = Diagnostic::new(&codes::T001, at(&text, "one"), "these two disagree")
        .also(at(&text, "two"), "the other");
    let drawn = terminal(&compiled, &[diagnostic], false);
    insta::assert_snapshot!(drawn);
}

#[test]
fn spans_out_of_range_and_long_lines_do_not_matter() {
    let text = "x".repeat(100_000);
    let compiled = compiled(&text);
    let wrong = [
        Diagnostic::new(&codes::T001, Span::new(0, 5, 1_000_000), "too long"),
        Diagnostic::new(&codes::T001, Span::new(9, 5, 10), "no file"),
        Diagnostic::new(&codes::T001, Span::new(0, 7, 9), "long line"),
    ];
    assert!(terminal(&compiled, &wrong, true).contains("long line"));
    assert!(json(&compiled, &wrong).contains("no file"));
    assert!(sarif(&compiled, &wrong).contains("too long"));
    assert!(github(&compiled, &wrong).contains("too long"));
}

#[test]
fn sarif_declares_every_rule_and_keeps_its_fingerprint_when_lines_move() {
    let print = |text: &str| {
        let compiled = compiled(text);
        let diagnostic = Diagnostic::new(&codes::T001, at(text, "bad"), "it is bad");
        let log: serde_json::Value =
            serde_json::from_str(&sarif(&compiled, &[diagnostic])).expect("json");
        let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().expect("rules").len();
        assert_eq!(rules, crate::diagnostic::codes().len());
        log["runs"][0]["results"][0]["partialFingerprints"].clone()
    };
    assert_eq!(print("# A\n\nbad\n"), print("# A\n\nmore\n\nand more bad\n"));
    assert_ne!(print("# A\n\nbad\n"), print("# B\n\nbad\n"));
}

#[test]
fn github_shows_ten_of_a_level_at_most_and_errors_first() {
    let text = "bad\n";
    let compiled = compiled(text);
    let mut all: Vec<Diagnostic> = (0..37)
        .map(|number| Diagnostic::new(&codes::T001, at(text, "bad"), format!("number {number}")))
        .collect();
    all.push(Diagnostic::new(&codes::T001, at(text, "bad"), "50%\nworse").at(Level::Error));
    let shown = github(&compiled, &all);
    assert_eq!(shown.lines().count(), 11);
    assert!(shown.starts_with("::error file=a.md,line=1"));
    assert!(shown.contains("50%25%0Aworse"));
    assert!(shown.ends_with("::warning::and 28 more, see the step's log\n"));
}
