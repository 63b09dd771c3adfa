//! YAML as a tree whose every node knows its bytes; the parsing itself is `saphyr-parser`'s.
//! Depth is bounded, so that no input overflows a stack, neither here nor when the tree is dropped.

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle};

/// Deeper nesting than this is refused.
pub const DEPTH_MAX: usize = 64;

/// One node.
#[derive(Debug, Clone, PartialEq)]
pub struct Yaml {
    /// What it is.
    pub kind: Kind,
    /// Its bytes in the text that was read.
    pub range: Range<usize>,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A scalar: its text, and whether it stands without quotes.
    Scalar(String, bool),
    /// A sequence.
    Sequence(Vec<Yaml>),
    /// Key and value in the order in which they are written.
    Mapping(Vec<(Yaml, Yaml)>),
    /// A reference to an anchor; not followed.
    Alias,
}

/// Why a text is not YAML.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The byte where reading stopped.
    pub at: usize,
    /// The reason, in lower case.
    pub reason: String,
}

impl Yaml {
    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// The members of a mapping; none for anything else.
    pub fn members(&self) -> &[(Yaml, Yaml)] {
        match &self.kind {
            Kind::Mapping(members) => members,
            _ => &[],
        }
    }

    /// The items of a sequence; none for anything else.
    pub fn items(&self) -> &[Yaml] {
        match &self.kind {
            Kind::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The value of a mapping's member.
    pub fn get(&self, key: &str) -> Option<&Yaml> {
        self.members().iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// The text of a scalar member.
    pub fn get_text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Yaml::text)
    }

    /// The texts of a sequence of scalars, or of one scalar.
    pub fn texts(&self) -> Vec<String> {
        match &self.kind {
            Kind::Scalar(text, _) => vec![text.clone()],
            Kind::Sequence(items) => {
                items.iter().filter_map(Yaml::text).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// A container that is still open.
enum Open {
    Sequence(Vec<Yaml>, usize),
    Mapping(Vec<(Yaml, Yaml)>, Option<Yaml>, usize),
}

/// Reads all documents of a text.
///
/// # Errors
/// Where the text is not YAML or nests deeper than [`DEPTH_MAX`].
pub fn read(text: &str) -> Result<Vec<Yaml>, Problem> {
    let offsets = Offsets::of(text);
    let mut open: Vec<Open> = Vec::new();
    let mut documents = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Problem {
            at: offsets.byte(error.marker().index()),
            reason: error.info().to_lowercase(),
        })?;
        let range = offsets.byte(span.start.index())..offsets.byte(span.end.index());
        let done = match event {
            Event::Scalar(value, style, ..) => {
                Some(Kind::Scalar(value.into_owned(), style == ScalarStyle::Plain))
            }
            Event::Alias(_) => Some(Kind::Alias),
            Event::SequenceStart(..) => {
                open.push(Open::Sequence(Vec::new(), range.start));
                None
            }
            Event::MappingStart(..) => {
                open.push(Open::Mapping(Vec::new(), None, range.start));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(node) = close(open.pop(), range.end) {
                    add(&mut open, &mut documents, node);
                }
                None
            }
            _ => None,
        };
        if open.len() > DEPTH_MAX {
            let reason = format!("nested deeper than {DEPTH_MAX} levels");
            return Err(Problem { at: range.start, reason });
        }
        if let Some(kind) = done {
            add(&mut open, &mut documents, Yaml { kind, range });
        }
    }
    Ok(documents)
}

fn close(open: Option<Open>, end: usize) -> Option<Yaml> {
    Some(match open? {
        Open::Sequence(items, start) => {
            Yaml { kind: Kind::Sequence(items), range: start..end.max(start) }
        }
        Open::Mapping(members, _, start) => {
            Yaml { kind: Kind::Mapping(members), range: start..end.max(start) }
        }
    })
}

fn add(open: &mut [Open], documents: &mut Vec<Yaml>, node: Yaml) {
    match open.last_mut() {
        None => documents.push(node),
        Some(Open::Sequence(items, _)) => items.push(node),
        Some(Open::Mapping(members, key, _)) => match key.take() {
            None => *key = Some(node),
            Some(key) => members.push((key, node)),
        },
    }
}

/// From counted characters, as the parser gives them, to bytes.
struct Offsets {
    /// Byte offset of every character; empty where all are one byte long.
    bytes: Vec<usize>,
    length: usize,
}

impl Offsets {
    fn of(text: &str) -> Self {
        let bytes = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(offset, _)| offset).collect()
        };
        Self { bytes, length: text.len() }
    }

    fn byte(&self, index: usize) -> usize {
        if self.bytes.is_empty() {
            index.min(self.length)
        } else {
            self.bytes.get(index).copied().unwrap_or(self.length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_know_their_bytes() {
        let text = "grüße:\n  - name: Größe\n    size: 5\n";
        let documents = read(text).expect("yaml");
        let size = documents[0].get("grüße").and_then(|list| list.items()[0].get("size"));
        assert_eq!(size.and_then(Yaml::text), Some("5"));
        assert_eq!(&text[size.expect("size").range.clone()], "5");
    }

    #[test]
    fn deep_nesting_is_refused_without_overflow() {
        for piece in ["- ", "[", "{a: ", "? "] {
            assert!(read(&piece.repeat(20_000)).is_err(), "{piece}");
        }
    }

    #[test]
    fn a_problem_names_its_byte() {
        let problem = read("a: 1\nb: {x} y\n").expect_err("not yaml");
        assert!(problem.at >= 5, "{problem:?}");
    }
}
