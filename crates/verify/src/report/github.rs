//! The report as annotations of a GitHub workflow: an error at each refuted sentence, a notice
//! where an enforced claim has no answer.

use std::fmt::Write as _;

use super::{Report, Verdict, words};

/// The whole text.
pub(super) fn text(report: &Report) -> String {
    let mut text = String::new();
    for proof in &report.proofs {
        let place = format!("file={},line={}", property(&proof.file), proof.line);
        match &proof.verdict {
            Verdict::Refuted => {
                for finding in &proof.findings {
                    let message = data(&format!(
                        "{}\nexpected: {}\ncame: {}\n{}",
                        proof.meaning, finding.expected, finding.came, finding.curl
                    ));
                    let _ = writeln!(text, "::error {place},title=refuted::{message}");
                }
            }
            Verdict::NotTested { reason } if proof.is_enforced => {
                let message = data(&format!("{}: {reason}", proof.meaning));
                let _ = writeln!(text, "::notice {place},title=not tested::{message}");
            }
            _ => {}
        }
    }
    let _ = writeln!(text, "::notice title=verify::{}", data(&words::summary(report)));
    text
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
