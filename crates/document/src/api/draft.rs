//! An endpoint as it was found, before places that name the same one are merged and bound.

use std::ops::Range;

use super::{EndpointForm, Example, Method, line::Mention, path};
use crate::{Span, outline::NodeId, security::Callers};

/// An endpoint as it was found.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) method: Method,
    /// In the one spelling; relative to nothing once prefixes are applied.
    pub(super) path: String,
    /// Query parameters.
    pub(super) parameters: Vec<String>,
    pub(super) summary: Option<String>,
    pub(super) callers: Option<Callers>,
    pub(super) request: Option<Example>,
    pub(super) responses: Vec<Example>,
    /// The `sql` fence under it: statement, names of parameters, place.
    pub(super) query: Option<(String, Vec<String>, Span)>,
    pub(super) form: EndpointForm,
    /// The host of a full URL.
    pub(super) host: Option<String>,
    /// Where it is written.
    pub(super) span: Span,
    /// In which node.
    pub(super) node: NodeId,
    /// True where a sentence only speaks of it; such a place adds nothing to what is declared.
    pub(super) is_mention: bool,
    /// True where blocks that follow may describe it further.
    pub(super) is_anchor: bool,
    /// A pattern or placeholder: not declared.
    pub(super) is_pattern: bool,
}

impl Draft {
    /// An endpoint with nothing but a method and a path; none where the path is none.
    pub(super) fn new(
        method: Method,
        raw: &str,
        form: EndpointForm,
        span: Span,
        node: NodeId,
    ) -> Option<Self> {
        let path = path::read(raw)?;
        Some(Self {
            method,
            path: path.text,
            parameters: path.parameters,
            summary: None,
            callers: None,
            request: None,
            responses: Vec::new(),
            query: None,
            form,
            host: path.host,
            span,
            node,
            is_mention: false,
            is_anchor: false,
            is_pattern: path.is_pattern,
        })
    }

    /// All endpoints that a mention names. `place` turns bytes of the text into a source span.
    pub(super) fn of_mention(
        mention: &Mention,
        form: EndpointForm,
        node: NodeId,
        place: impl Fn(Range<usize>) -> Span,
    ) -> Vec<Self> {
        let mut drafts = Vec::new();
        for (index, (raw, range)) in mention.paths.iter().enumerate() {
            let start = if index == 0 { mention.range.start } else { range.start };
            let span = place(start..range.end);
            for &method in &mention.methods {
                drafts.extend(Draft::new(method, raw, form, span, node));
            }
        }
        drafts
    }
}

/// A summary out of the words after an endpoint: without dashes, colons and marks at its ends.
pub(super) fn summary_of(text: &str) -> Option<String> {
    let first_line = text.trim_start_matches([' ', '\t', '`', '*']).lines().next()?;
    let words = first_line
        .trim()
        .trim_start_matches(|c: char| {
            c.is_whitespace()
                || matches!(
                    c,
                    '-' | '–' | '—' | ':' | '：' | '#' | '→' | '*' | '`' | '|' | '/' | ','
                )
        })
        .trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '`' | '|'));
    let words = words.strip_prefix("(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(words);
    let words: String = words.split_whitespace().collect::<Vec<_>>().join(" ");
    (words.chars().filter(|c| c.is_alphabetic()).count() > 1).then_some(words)
}
