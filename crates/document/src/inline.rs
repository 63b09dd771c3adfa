//! Running text: what a heading, paragraph, item or cell says, with its marks taken off and every
//! piece's place in the source.

use crate::Span;

/// Running text with its marks taken off.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inline {
    /// The text as read: marks removed, code without back-ticks, soft breaks as `\n`.
    pub text: String,
    /// The pieces, with their places in `text` and in the source.
    pub parts: Vec<Part>,
    /// All of it in the source.
    pub span: Span,
}

/// A piece of running text.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// How it is marked.
    pub mark: Mark,
    /// Its bytes in [`Inline::text`].
    pub range: std::ops::Range<usize>,
    /// Its bytes in the source.
    pub span: Span,
    /// Target, for links and images.
    pub target: Option<String>,
}

/// How a piece of text is marked; the innermost of code, then strong, then the rest wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is its Markdown namesake")]
pub enum Mark {
    Plain,
    Code,
    Strong,
    Emphasis,
    Strike,
    Link,
    Image,
    Html,
    Break,
}

impl Inline {
    /// The source span of bytes `range` of `text`: exact where they lie in one piece.
    pub fn span_of(&self, range: std::ops::Range<usize>) -> Span {
        let position = |offset: usize, at_end: bool| {
            // The parts stand in order and touch each other.
            let index = self.parts.partition_point(|part| {
                if at_end { part.range.end < offset } else { part.range.end <= offset }
            });
            let part = self.parts.get(index).filter(|part| {
                if at_end { part.range.start < offset } else { part.range.start <= offset }
            })?;
            let exact = part.range.len() == part.span.range().len();
            let inside = offset - part.range.start;
            Some(match (exact, at_end) {
                (true, _) => part.span.start as usize + inside,
                (false, false) => part.span.start as usize,
                (false, true) => part.span.end as usize,
            })
        };
        let start = position(range.start, false).unwrap_or(self.span.start as usize);
        let end = position(range.end, true).unwrap_or(self.span.end as usize);
        Span::new(self.span.file, start, end)
    }

    /// The pieces marked so.
    pub fn marked(&self, mark: Mark) -> impl Iterator<Item = (&str, Span)> {
        self.parts
            .iter()
            .filter(move |part| part.mark == mark)
            .map(|part| (&self.text[part.range.clone()], part.span))
    }

    /// The text with its ends trimmed.
    pub fn trimmed(&self) -> &str {
        self.text.trim()
    }
}
