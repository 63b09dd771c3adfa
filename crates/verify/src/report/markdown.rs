//! The report as Markdown that can be committed beside its document: it holds nothing that changes
//! from run to run as long as the verdicts stay.

use std::fmt::Write as _;

use super::{Report, Verdict, words};

/// The whole text.
pub(super) fn text(report: &Report) -> String {
    let tally = report.tally();
    let mut text = format!("# Verification of {}\n\n", line(&report.title));
    let _ = writeln!(
        text,
        "{} of {} enforced claims are proved ({} %), {} refuted, {} not tested, {} not testable \
         from outside; {} are understood but not enforced yet.\n",
        tally.proved,
        tally.enforced(),
        words::percent(tally),
        tally.refuted,
        tally.not_tested,
        tally.not_testable,
        tally.not_enforced,
    );
    let refuted = report.proofs.iter().filter(|proof| proof.verdict == Verdict::Refuted);
    for proof in refuted {
        let _ = writeln!(text, "## Refuted: {}\n", line(&proof.meaning));
        let _ = writeln!(text, "> {}\n>\n> {}\n", line(&proof.sentence), proof.place);
        for finding in &proof.findings {
            let came = finding.came.replace("```", "'''");
            let curl = finding.curl.replace("```", "'''");
            let _ = writeln!(text, "Expected: {}\n", line(&finding.expected));
            let _ = writeln!(text, "```text\n{came}\n```\n\n```sh\n{curl}\n```\n");
        }
    }
    text.push_str("| place | claim | verdict | why |\n| --- | --- | --- | --- |\n");
    for proof in &report.proofs {
        let apart = if proof.is_enforced { "" } else { " (not enforced)" };
        let _ = writeln!(
            text,
            "| {} | {} | {}{apart} | {} |",
            cell(&proof.place),
            cell(&proof.meaning),
            proof.verdict.word(),
            cell(proof.verdict.reason().unwrap_or_default()),
        );
    }
    text
}

fn line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

fn cell(text: &str) -> String {
    line(text).replace('|', "\\|")
}
