//! Trials of the delivery chapter: a variable that the document requires is asked for at the
//! start, and one that it does not require is not.

use document::ClaimKind;

use crate::{About, Outcome, Stage};

/// Notes what the start of the system has shown.
pub(crate) async fn probe(stage: &Stage<'_>) {
    for variable in &stage.system().delivery.variables {
        let subject = format!("variable:{}", variable.name);
        let about = About::subject(&[ClaimKind::Variable], subject);
        let starts = &stage.options.starts;
        match starts.iter().find(|start| start.variable == variable.name) {
            Some(start) => {
                let is_needed = variable.required && variable.default.is_none();
                let expected = match is_needed {
                    true => "without it the system does not start, and names it",
                    false => "without it the system starts",
                };
                let outcome = match start.was_asked_for == is_needed {
                    true => Outcome::Held,
                    false => Outcome::Broken {
                        came: if is_needed { "it started" } else { "it did not start" }.to_owned(),
                        curl: format!("env -u {} vitruvius serve", variable.name),
                    },
                };
                stage.book.note(&about, expected, outcome);
            }
            None => {
                let reason = "only a system that is started here shows what it asks for";
                stage.book.skip(&about, "the start depends on it", reason);
            }
        }
    }
}
