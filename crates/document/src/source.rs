//! Source text and positions: every byte of a document can be named by a `Span`, and every span
//! can be shown as file, line and column.

use schemars::JsonSchema;
use serde::Serialize;

/// Bytes `start..end` of one file of the document. Offsets count bytes of the normalised text
/// (byte-order mark removed, line ends kept).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, JsonSchema,
)]
pub struct Span {
    /// Index of the file in [`Sources`].
    pub file: u16,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span of `file` from byte `start` to byte `end`.
    pub fn new(file: u16, start: usize, end: usize) -> Self {
        let clamp = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { file, start: clamp(start), end: clamp(end.max(start)) }
    }

    /// The bytes as a range for slicing the file's text.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// True where `other` lies within this span.
    pub fn contains(self, other: Span) -> bool {
        self.file == other.file && self.start <= other.start && other.end <= self.end
    }

    /// The smallest span of the same file that covers both.
    pub fn to(self, other: Span) -> Span {
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// A place as people read it: both count from 1, columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// One file of the document.
#[derive(Debug, Clone)]
pub struct Source {
    /// The name it is shown under, usually the path as given.
    pub name: String,
    /// The text without its byte-order mark; invalid UTF-8 is replaced by U+FFFD.
    pub text: String,
    /// True where bytes had to be replaced.
    pub was_invalid_utf8: bool,
    line_starts: Vec<u32>,
}

impl Source {
    /// Takes any bytes. Never fails.
    pub fn new(name: impl Into<String>, bytes: &[u8]) -> Self {
        let lossy = String::from_utf8_lossy(bytes);
        let was_invalid_utf8 = matches!(lossy, std::borrow::Cow::Owned(_));
        let text = lossy.strip_prefix('\u{feff}').unwrap_or(&lossy).to_owned();
        let mut line_starts = vec![0];
        line_starts.extend(
            text.bytes()
                .enumerate()
                .filter(|&(_offset, byte)| byte == b'\n')
                .map(|(offset, _byte)| u32::try_from(offset + 1).unwrap_or(u32::MAX)),
        );
        Self { name: name.into(), text, was_invalid_utf8, line_starts }
    }

    /// Line and column of a byte offset; offsets past the end give the last place.
    pub fn place(&self, offset: usize) -> Place {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.line_starts.partition_point(|&start| start as usize <= offset).max(1);
        let start = self.line_starts[line - 1] as usize;
        let column = self.text[start..offset].chars().count() + 1;
        Place {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }

    /// The text of line `line` (from 1) without its line end; empty past the end.
    pub fn line(&self, line: u32) -> &str {
        let index = line.saturating_sub(1) as usize;
        let Some(&start) = self.line_starts.get(index) else { return "" };
        let end = self.line_starts.get(index + 1).map_or(self.text.len(), |&next| next as usize);
        self.text[start as usize..end].trim_end_matches(['\n', '\r'])
    }

    /// How many lines there are.
    pub fn line_count(&self) -> usize {
        self.line_starts.len()
    }
}

/// All files that make up one document, in the order given.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The files; a span's `file` indexes this.
    pub files: Vec<Source>,
}

impl Sources {
    /// A document of one file.
    pub fn single(name: impl Into<String>, text: &str) -> Self {
        Self { files: vec![Source::new(name, text.as_bytes())] }
    }

    /// The source text a span covers; empty for a span of no file.
    pub fn text(&self, span: Span) -> &str {
        self.files
            .get(span.file as usize)
            .and_then(|file| file.text.get(span.range()))
            .unwrap_or("")
    }

    /// The first line that a span covers, without the space around it: how a statement is quoted.
    pub fn first_line(&self, span: Span) -> &str {
        self.text(span).lines().next().unwrap_or_default().trim()
    }

    /// `name:line` of a span's start, for messages.
    pub fn location(&self, span: Span) -> String {
        match self.files.get(span.file as usize) {
            Some(file) => format!("{}:{}", file.name, file.place(span.start as usize).line),
            None => String::new(),
        }
    }

    /// Where a span starts.
    pub fn place(&self, span: Span) -> Place {
        self.files
            .get(span.file as usize)
            .map_or(Place { line: 1, column: 1 }, |file| file.place(span.start as usize))
    }
}
