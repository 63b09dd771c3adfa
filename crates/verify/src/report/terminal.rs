//! The report for people at a terminal: what is refuted with all that is needed to see it again,
//! what has no answer with the reason, and the counts by chapter.

use std::fmt::Write as _;

use document::Chapter;

use super::{Report, Verdict, words};

/// Findings shown of one claim.
const FINDINGS_MAX: usize = 3;
/// Characters of a sentence that are shown.
const SENTENCE_MAX: usize = 100;

/// The whole text.
pub(super) fn text(report: &Report, has_colour: bool) -> String {
    let mut text = String::new();
    let paint = |words: &str, code: &str| match has_colour {
        true => format!("\u{1b}[{code}m{words}\u{1b}[0m"),
        false => words.to_owned(),
    };
    for proof in report.proofs.iter().filter(|proof| proof.verdict == Verdict::Refuted) {
        let _ = writeln!(text, "{} {}", paint("refuted", "1;31"), proof.meaning);
        let _ = writeln!(text, "  {}  {}", proof.place, cut(&proof.sentence));
        for finding in proof.findings.iter().take(FINDINGS_MAX) {
            let _ = writeln!(text, "  expected  {}", finding.expected);
            let _ = writeln!(text, "  came      {}", finding.came);
            let _ = writeln!(text, "  again     {}", finding.curl);
        }
        if proof.findings.len() > FINDINGS_MAX {
            let _ = writeln!(text, "  and {} more", proof.findings.len() - FINDINGS_MAX);
        }
        text.push('\n');
    }
    unanswered(report, &mut text);
    by_chapter(report, &mut text);
    let _ = writeln!(text, "{}", words::summary(report));
    text
}

/// Claims without an answer, with the reason; those that nothing enforces apart.
fn unanswered(report: &Report, text: &mut String) {
    for (title, is_enforced) in [("not answered", true), ("not enforced yet", false)] {
        let claims: Vec<_> = report
            .proofs
            .iter()
            .filter(|proof| proof.is_enforced == is_enforced)
            .filter_map(|proof| Some((proof, proof.verdict.reason()?)))
            .collect();
        if claims.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{title}:");
        for (proof, reason) in claims {
            let word = proof.verdict.word();
            let _ = writeln!(text, "  {}  {}: {word}, {reason}", proof.place, proof.meaning);
        }
        text.push('\n');
    }
}

fn by_chapter(report: &Report, text: &mut String) {
    let mut chapters: Vec<Chapter> = Vec::new();
    for chapter in report.proofs.iter().filter_map(|proof| proof.chapter) {
        if !chapters.contains(&chapter) {
            chapters.push(chapter);
        }
    }
    let _ = writeln!(
        text,
        "{:<14} {:>7} {:>8} {:>11} {:>13} {:>17}",
        "chapter", "proved", "refuted", "not tested", "not testable", "not enforced yet"
    );
    for chapter in chapters {
        let own = Report {
            proofs: report
                .proofs
                .iter()
                .filter(|proof| proof.chapter == Some(chapter))
                .cloned()
                .collect(),
            ..report.clone()
        };
        let tally = own.tally();
        let _ = writeln!(
            text,
            "{:<14} {:>7} {:>8} {:>11} {:>13} {:>17}",
            chapter.word(),
            tally.proved,
            tally.refuted,
            tally.not_tested,
            tally.not_testable,
            tally.not_enforced
        );
    }
    text.push('\n');
}

fn cut(sentence: &str) -> String {
    match sentence.chars().count() > SENTENCE_MAX {
        true => sentence.chars().take(SENTENCE_MAX).chain(['…']).collect(),
        false => sentence.to_owned(),
    }
}
