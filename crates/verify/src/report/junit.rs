//! The report as JUnit's XML: one case for each claim, one suite for each chapter.

use std::fmt::Write as _;

use super::{Proof, Report, Verdict};

/// The whole text.
pub(super) fn text(report: &Report) -> String {
    let mut chapters: Vec<&str> = Vec::new();
    let name_of = |proof: &Proof| proof.chapter.map_or("document", document::Chapter::word);
    for proof in &report.proofs {
        if !chapters.contains(&name_of(proof)) {
            chapters.push(name_of(proof));
        }
    }
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    for chapter in chapters {
        let own: Vec<&Proof> =
            report.proofs.iter().filter(|proof| name_of(proof) == chapter).collect();
        let failures = own.iter().filter(|proof| proof.verdict == Verdict::Refuted).count();
        let skipped = own.iter().filter(|proof| proof.verdict.reason().is_some()).count();
        let _ = writeln!(
            text,
            "  <testsuite name=\"{chapter}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" \
             skipped=\"{skipped}\">",
            own.len(),
        );
        own.iter().for_each(|proof| case(proof, chapter, &mut text));
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn case(proof: &Proof, chapter: &str, text: &mut String) {
    let name = escaped(&format!("{} {}", proof.place, proof.meaning));
    let _ = write!(text, "    <testcase classname=\"{chapter}\" name=\"{name}\"");
    match &proof.verdict {
        Verdict::Proved => text.push_str("/>\n"),
        Verdict::Refuted => {
            text.push_str(">\n");
            for finding in &proof.findings {
                let words = format!("{}\n{}\n", finding.came, finding.curl);
                let _ = writeln!(
                    text,
                    "      <failure message=\"{}\">{}</failure>",
                    escaped(&finding.expected),
                    escaped(&words)
                );
            }
            text.push_str("    </testcase>\n");
        }
        Verdict::NotTested { reason } | Verdict::NotTestable { reason } => {
            let message = escaped(&format!("{}: {reason}", proof.verdict.word()));
            let _ = writeln!(text, "><skipped message=\"{message}\"/></testcase>");
        }
    }
}

/// For an attribute or text of XML; characters that XML cannot hold are left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            letter if letter.is_control() => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}
