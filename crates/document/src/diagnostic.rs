//! Diagnostics: what is wrong with a document, where, why and how to mend it. Collected, never
//! thrown; how they are shown is `render`'s business.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{Chapter, Span};

/// How grave a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The document has no meaning here: nothing is served unless `--partial`.
    Error,
    /// Almost surely not what was meant.
    Warning,
    /// Worth knowing.
    Info,
}

/// A kind of diagnostic. Declared once, in its chapter's `codes.rs`; never reused.
#[derive(Debug)]
pub struct CodeInfo {
    /// Chapter letter and three digits: `D012`.
    pub code: &'static str,
    /// A readable alias: `unknown-column`.
    pub name: &'static str,
    /// Its chapter; none for the text itself.
    pub chapter: Option<Chapter>,
    /// Its usual level.
    pub level: Level,
    /// One line on what it means.
    pub summary: &'static str,
    /// Its page in `docs/codes/`, shown by `explain`.
    pub page: &'static str,
}

/// Declares a code with its page in `docs/codes/`.
#[macro_export]
macro_rules! code {
    ($(#[$doc:meta])* $code:ident, $name:literal, $chapter:expr, $level:ident, $summary:literal) => {
        #[doc = $summary]
        pub static $code: $crate::diagnostic::CodeInfo = $crate::diagnostic::CodeInfo {
            code: stringify!($code),
            name: $name,
            chapter: $chapter,
            level: $crate::diagnostic::Level::$level,
            summary: $summary,
            page: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../docs/codes/",
                stringify!($code),
                ".md"
            )),
        };
    };
}

/// A second place that contributes to a diagnostic.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is there.
    pub text: String,
}

/// How sure a proposed edit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Applicability {
    /// Means the same afterwards, or exactly what was meant.
    Safe,
    /// Probably what was meant.
    MaybeIncorrect,
    /// Contains a hole that the author fills.
    HasPlaceholders,
}

/// One way to mend it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Remedy {
    /// `to keep it as a drawing only, …`
    pub text: String,
    /// The edit: replace the span with this text.
    pub edit: Option<(Span, String)>,
    /// How sure the edit is.
    pub applicability: Applicability,
}

/// One thing that is wrong.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// Its kind.
    pub code: &'static CodeInfo,
    /// Its level here.
    pub level: Level,
    /// One line that stands alone; lower case, no final period, identifiers in backticks.
    pub message: String,
    /// The smallest place.
    pub span: Span,
    /// What is at that place.
    pub label: String,
    /// Other places that contribute.
    pub labels: Vec<Label>,
    /// Ways to mend it, usually one.
    pub remedies: Vec<Remedy>,
}

impl Diagnostic {
    /// A diagnostic of this kind at its usual level.
    pub fn new(code: &'static CodeInfo, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            level: code.level,
            message: message.into(),
            span,
            label: String::new(),
            labels: Vec::new(),
            remedies: Vec::new(),
        }
    }

    /// Says what is at the primary place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.label = text.into();
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds a remedy in words.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.remedies.push(Remedy {
            text: text.into(),
            edit: None,
            applicability: Applicability::MaybeIncorrect,
        });
        self
    }

    /// Adds a remedy as an edit.
    #[must_use]
    pub fn edit(
        mut self,
        text: impl Into<String>,
        span: Span,
        replacement: impl Into<String>,
        applicability: Applicability,
    ) -> Self {
        self.remedies.push(Remedy {
            text: text.into(),
            edit: Some((span, replacement.into())),
            applicability,
        });
        self
    }

    /// At another level than usual.
    #[must_use]
    pub fn at(mut self, level: Level) -> Self {
        self.level = level;
        self
    }
}

/// Every code there is, by code.
pub fn codes() -> Vec<&'static CodeInfo> {
    let tables: [&[&CodeInfo]; 10] = [
        crate::codes::CODES,
        crate::data::codes::CODES,
        crate::api::codes::CODES,
        crate::security::codes::CODES,
        crate::messaging::codes::CODES,
        crate::integration::codes::CODES,
        crate::resilience::codes::CODES,
        crate::observability::codes::CODES,
        crate::delivery::codes::CODES,
        crate::recovery::codes::CODES,
    ];
    tables.into_iter().flatten().copied().collect()
}

/// Names that are looked at for a similar one; a document with more gets no better proposals.
const SIMILAR_KNOWN_MAX: usize = 512;

/// Names of nearly the same length that are compared letter by letter.
const SIMILAR_COMPARED_MAX: usize = 64;

/// The names among `known` that are close enough to `name` to be worth proposing: edit distance
/// at most a third of the length, best first, three at most.
pub fn similar<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let name = name.to_lowercase();
    let length = name.chars().count();
    let bound = length.div_ceil(3);
    let mut found: Vec<(usize, &str)> = known
        .into_iter()
        .take(SIMILAR_KNOWN_MAX)
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= bound)
        .take(SIMILAR_COMPARED_MAX)
        .map(|candidate| (strsim::damerau_levenshtein(&name, &candidate.to_lowercase()), candidate))
        .filter(|&(distance, _)| distance <= bound)
        .collect();
    found.sort_unstable();
    found.truncate(3);
    found.into_iter().map(|(_, candidate)| candidate).collect()
}
