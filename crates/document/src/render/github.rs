//! Diagnostics as annotations of a GitHub workflow. Only ten of each level are shown there, so the
//! errors come first and the last slot says how many there are besides.

use super::file_name;
use crate::{Compiled, Diagnostic, Level, Span};

/// GitHub shows so many annotations of one level of one step.
const ANNOTATIONS_MAX: usize = 10;

/// Workflow commands, one per line.
pub fn github(compiled: &Compiled, diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for (level, command) in
        [(Level::Error, "error"), (Level::Warning, "warning"), (Level::Info, "notice")]
    {
        let of_level: Vec<&Diagnostic> =
            diagnostics.iter().filter(|diagnostic| diagnostic.level == level).collect();
        let shown =
            if of_level.len() > ANNOTATIONS_MAX { ANNOTATIONS_MAX - 1 } else { of_level.len() };
        for diagnostic in &of_level[..shown] {
            text.push_str(&annotation(compiled, command, diagnostic));
        }
        if shown < of_level.len() {
            let more = of_level.len() - shown;
            text.push_str(&format!("::{command}::and {more} more, see the step's log\n"));
        }
    }
    text
}

fn annotation(compiled: &Compiled, command: &str, diagnostic: &Diagnostic) -> String {
    let start = compiled.sources.place(diagnostic.span);
    let end = compiled.sources.place(Span { start: diagnostic.span.end, ..diagnostic.span });
    let mut message = diagnostic.message.clone();
    for remedy in &diagnostic.remedies {
        message.push_str("\nhelp: ");
        message.push_str(&remedy.text);
    }
    let columns = if start.line == end.line {
        format!(",col={},endColumn={}", start.column, end.column)
    } else {
        String::new()
    };
    format!(
        "::{command} file={},line={},endLine={}{columns},title={}::{}\n",
        property(file_name(compiled, diagnostic.span)),
        start.line,
        end.line,
        property(&format!("{} {}", diagnostic.code.code, diagnostic.code.name)),
        data(&message),
    )
}

/// Escapes the text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
