//! What a report makes of trials, and that each format can be read by what reads it.

use super::*;
use crate::{About, Book};

const TEXT: &str = "# Shop\n\n```sql\nCREATE TABLE items (id UUID PRIMARY KEY, name VARCHAR(5), price INT);\n```\n\n- Cache hit rate: > 90 %\n";

fn report(note: impl Fn(&Book)) -> Report {
    let compiled = document::compile(document::Sources::single("a,b.md", TEXT));
    let book = Book::default();
    note(&book);
    Report::of(&compiled, book.trials(), 3, Duration::from_secs(1))
}

fn of<'r>(report: &'r Report, subject: &str) -> &'r Proof {
    let found = report.proofs.iter().find(|proof| proof.subject.as_deref() == Some(subject));
    found.unwrap_or_else(|| panic!("{subject} is no claim: {report:?}"))
}

fn broken() -> Outcome {
    Outcome::Broken { came: "201 <\"{}\">".to_owned(), curl: "curl -i 'http://x'".to_owned() }
}

#[test]
fn the_worst_trial_decides() {
    let name = About::column("items", "name");
    let check = |outcomes: &[Outcome], expected: &str| {
        let report = report(|book| {
            for outcome in outcomes {
                book.note(&name, "it fits", outcome.clone());
            }
        });
        assert_eq!(of(&report, "column:items.name").verdict.word(), expected, "{outcomes:?}");
    };
    let skipped = Outcome::Skipped { reason: "why".to_owned() };
    let impossible = Outcome::Impossible { reason: "why".to_owned() };
    check(&[], "not tested");
    check(&[Outcome::Held], "proved");
    check(&[Outcome::Held, impossible.clone()], "proved");
    check(&[impossible], "not testable here");
    check(&[Outcome::Held, skipped.clone()], "not tested");
    check(&[Outcome::Held, skipped, broken()], "refuted");
}

#[test]
fn what_is_not_enforced_yet_is_never_proved_and_counted_apart() {
    let target = About::kind(document::ClaimKind::Target);
    let report = report(|book| book.note(&target, "it is fast", Outcome::Held));
    let claim = report.proofs.iter().find(|proof| proof.kind == "target").expect("a target");
    assert_eq!(claim.verdict.word(), "not tested");
    assert_eq!((report.tally().proved, report.tally().not_enforced), (0, 1));
}

#[test]
fn each_format_shows_the_sentence_what_came_and_how_to_see_it_again() {
    let name = About::column("items", "name");
    let report = report(|book| book.note(&name, "5 & more", broken()));
    let all =
        [Format::Terminal(false), Format::Json, Format::Junit, Format::Github, Format::Markdown];
    for format in all {
        let text = report.write(format);
        assert!(text.contains("curl -i"), "{format:?}: {text}");
        assert!(text.contains("items.name"), "{format:?}: {text}");
    }
    let json: serde_json::Value = serde_json::from_str(&report.write(Format::Json)).expect("JSON");
    assert_eq!(json["counts"]["refuted"], 1);
    let junit = report.write(Format::Junit);
    assert!(junit.contains("message=\"5 &amp; more\""), "{junit}");
    assert!(junit.contains("201 &lt;&quot;{}&quot;&gt;"), "{junit}");
    let github = report.write(Format::Github);
    assert!(github.contains("::error file=a%2Cb.md,line=4,title=refuted::"), "{github}");
    let markdown = report.write(Format::Markdown);
    assert!(markdown.contains("## Refuted: column `items.name`"), "{markdown}");
    assert_eq!(markdown, report.write(Format::Markdown), "it can be committed");
}
