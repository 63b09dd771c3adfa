//! How diagnostics are shown: to people in a terminal, one per line, as JSON, as SARIF 2.1.0 and as
//! annotations of a GitHub workflow. All forms show the same thing; none changes it.

mod github;
mod json;
mod sarif;
mod terminal;

pub use github::github;
pub use json::{JsonReport, json, report};
pub use sarif::sarif;
pub use terminal::terminal;

use crate::{Compiled, Diagnostic, Level, Span};

/// One line each: `path:line:column: level[CODE] message`.
pub fn concise(compiled: &Compiled, diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&format!(
            "{}: {}[{}] {}\n",
            origin(compiled, diagnostic.span),
            level_word(diagnostic.level),
            diagnostic.code.code,
            diagnostic.message
        ));
    }
    text
}

/// The word for a level.
pub fn level_word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "info",
    }
}

/// `path:line:column` of a span's start.
fn origin(compiled: &Compiled, span: Span) -> String {
    let place = compiled.sources.place(span);
    format!("{}:{}:{}", file_name(compiled, span), place.line, place.column)
}

fn file_name(compiled: &Compiled, span: Span) -> &str {
    compiled.sources.files.get(span.file as usize).map_or("", |file| file.name.as_str())
}

/// The titles of the headings above a span, from the outside in, without the document's own title.
fn heading_path(compiled: &Compiled, span: Span) -> Vec<String> {
    let Some(node) = compiled.outline.node_at(span) else { return Vec::new() };
    let mut path: Vec<String> = compiled
        .outline
        .headings(node)
        .into_iter()
        .map(|inline| inline.text.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    if path.len() > 1 {
        path.remove(0);
    }
    path
}

/// How many there are of each level: errors, warnings, infos.
pub fn counts(diagnostics: &[Diagnostic]) -> (usize, usize, usize) {
    let of = |level| diagnostics.iter().filter(|diagnostic| diagnostic.level == level).count();
    (of(Level::Error), of(Level::Warning), of(Level::Info))
}

#[cfg(test)]
mod tests;
