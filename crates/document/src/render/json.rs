//! Diagnostics as JSON: a public contract for editors and scripts.

use schemars::JsonSchema;
use serde::Serialize;

use super::{file_name, heading_path};
use crate::{Compiled, Diagnostic, Level, Place, Span, diagnostic::Applicability};

/// All diagnostics of a document.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct JsonReport {
    /// Version of this shape.
    pub version: u32,
    /// How many errors there are.
    pub errors: usize,
    /// How many warnings there are.
    pub warnings: usize,
    /// How many infos there are.
    pub infos: usize,
    /// The diagnostics in the order of the text.
    pub diagnostics: Vec<JsonDiagnostic>,
    /// Diagnostics that a comment in the document suppresses.
    pub suppressed: Vec<JsonSuppressed>,
}

/// One diagnostic.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct JsonDiagnostic {
    /// Its code, such as `D012`.
    pub code: &'static str,
    /// Its readable alias.
    pub name: &'static str,
    /// Its level.
    pub level: Level,
    /// One line that stands alone.
    pub message: String,
    /// Where it is.
    pub place: JsonPlace,
    /// What is at that place; may be empty.
    pub label: String,
    /// Titles of the headings above it, from the outside in.
    pub headings: Vec<String>,
    /// Other places that contribute.
    pub labels: Vec<JsonLabel>,
    /// Ways to mend it.
    pub remedies: Vec<JsonRemedy>,
    /// The name of its page in `docs/codes`.
    pub page: String,
}

/// A place in a file of the document.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct JsonPlace {
    /// The file's name as given.
    pub path: String,
    /// Bytes in the file.
    pub span: Span,
    /// Where it starts.
    pub start: Place,
    /// Where it ends.
    pub end: Place,
}

/// Another place.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct JsonLabel {
    /// Where it is.
    pub place: JsonPlace,
    /// What is there.
    pub text: String,
}

/// A way to mend it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct JsonRemedy {
    /// In words.
    pub text: String,
    /// What to replace, where it is a ready edit.
    pub place: Option<JsonPlace>,
    /// By what.
    pub replacement: Option<String>,
    /// How sure it is.
    pub applicability: Applicability,
}

/// A suppressed diagnostic.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct JsonSuppressed {
    /// What it would say.
    pub diagnostic: JsonDiagnostic,
    /// The reason that the document gives.
    pub reason: String,
}

/// The report as pretty JSON.
pub fn json(compiled: &Compiled, diagnostics: &[Diagnostic]) -> String {
    serde_json::to_string_pretty(&report(compiled, diagnostics)).unwrap_or_default()
}

/// The report as a value.
pub fn report(compiled: &Compiled, diagnostics: &[Diagnostic]) -> JsonReport {
    let (errors, warnings, infos) = super::counts(diagnostics);
    JsonReport {
        version: 1,
        errors,
        warnings,
        infos,
        diagnostics: diagnostics.iter().map(|one| shape(compiled, one)).collect(),
        suppressed: compiled
            .suppressed
            .iter()
            .map(|one| JsonSuppressed {
                diagnostic: shape(compiled, &one.diagnostic),
                reason: one.reason.clone(),
            })
            .collect(),
    }
}

fn shape(compiled: &Compiled, diagnostic: &Diagnostic) -> JsonDiagnostic {
    JsonDiagnostic {
        code: diagnostic.code.code,
        name: diagnostic.code.name,
        level: diagnostic.level,
        message: diagnostic.message.clone(),
        place: place(compiled, diagnostic.span),
        label: diagnostic.label.clone(),
        headings: heading_path(compiled, diagnostic.span),
        labels: diagnostic
            .labels
            .iter()
            .map(|label| JsonLabel { place: place(compiled, label.span), text: label.text.clone() })
            .collect(),
        remedies: diagnostic
            .remedies
            .iter()
            .map(|remedy| JsonRemedy {
                text: remedy.text.clone(),
                place: remedy.edit.as_ref().map(|(span, _)| place(compiled, *span)),
                replacement: remedy.edit.as_ref().map(|(_, text)| text.clone()),
                applicability: remedy.applicability,
            })
            .collect(),
        page: format!("docs/codes/{}.md", diagnostic.code.code),
    }
}

fn place(compiled: &Compiled, span: Span) -> JsonPlace {
    let end = Span { start: span.end, ..span };
    JsonPlace {
        path: file_name(compiled, span).to_owned(),
        span,
        start: compiled.sources.place(span),
        end: compiled.sources.place(end),
    }
}
