//! The document as a flat list of nodes in reading order: headings, paragraphs, items, fences,
//! table rows. Each node knows its heading and its parent, so that readers ask for context and
//! never look at lines.

use std::collections::HashMap;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

pub use crate::heading::{chapter_of, heading_words};
pub use crate::inline::{Inline, Mark, Part};
use crate::{Chapter, Sources, Span, escape};

/// Index of a node in [`Outline::nodes`].
pub type NodeId = usize;

/// The whole document.
#[derive(Debug, Clone, Default)]
pub struct Outline {
    /// All nodes of all files in reading order.
    pub nodes: Vec<Node>,
    /// What is nested deeper than [`NESTING_MAX`] and left out.
    pub cut: Vec<Span>,
    /// Marks of fences that are escaped by back-slashes, and read as fences all the same.
    pub escaped: Vec<Span>,
    /// What stands beyond [`NODES_MAX`] or [`TEXT_BYTES_MAX`] and is left out.
    pub beyond: Vec<Span>,
    /// The cleaned words of each heading, by its node.
    words: HashMap<NodeId, (String, Option<Chapter>)>,
}

/// So many nodes of all files together are read; a long document has some thousands.
pub const NODES_MAX: usize = 50_000;

/// So many bytes of each file are read; a document of 2,000 lines has a tenth of one million.
pub const TEXT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Lists, items and quotes deeper than this are left out.
pub const NESTING_MAX: usize = 64;

/// One node.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// All of it, trailing white space left out.
    pub span: Span,
    /// The nearest heading above it (for a heading: the heading of the section around it).
    pub section: Option<NodeId>,
    /// The list, item, table or quote it stands in.
    pub parent: Option<NodeId>,
}

/// What a node is.
#[derive(Debug, Clone)]
pub enum NodeKind {
    /// A heading.
    Heading {
        /// 1 to 6.
        level: u8,
        /// Its text.
        inline: Inline,
    },
    /// A paragraph outside of list items' first lines.
    Paragraph(Inline),
    /// A list; its items follow.
    List {
        /// Numbered.
        ordered: bool,
    },
    /// A list item; nested lists and fences follow as nodes of their own.
    Item {
        /// The item's own text: its first paragraph.
        inline: Inline,
        /// `[ ]` or `[x]`.
        checked: Option<bool>,
    },
    /// A fenced or indented code block.
    Fence(Fence),
    /// A table; its rows follow.
    Table {
        /// The header's cells.
        header: Vec<Inline>,
    },
    /// A row of a table's body.
    Row {
        /// Its cells, as many as the header has.
        cells: Vec<Inline>,
    },
    /// A block quote; its content follows.
    Quote,
    /// HTML, never interpreted; comments carry suppressions.
    Html,
    /// YAML front matter.
    Metadata,
    /// A thematic break.
    Rule,
}

/// A code block.
#[derive(Debug, Clone, Default)]
pub struct Fence {
    /// First word after the fence in lower case; empty where there is none.
    pub language: String,
    /// Everything after the fence on its line.
    pub info: String,
    /// The body without the indentation of the list or quote it stands in.
    pub text: String,
    /// Where each piece of `text` stands in the source: (offset in text, offset in source).
    pub pieces: Vec<(usize, usize)>,
    /// The body in the source.
    pub body: Span,
    /// True for an indented code block.
    pub indented: bool,
}

impl Fence {
    /// The source span of bytes `range` of `text`.
    pub fn span_of(&self, range: std::ops::Range<usize>) -> Span {
        let place = |offset: usize| {
            let index = self.pieces.partition_point(|&(start, _)| start <= offset);
            match index.checked_sub(1).and_then(|index| self.pieces.get(index)) {
                Some(&(start, source)) => source + (offset - start),
                None => self.body.start as usize,
            }
        };
        // The end belongs to the piece of the last byte, not to the piece that begins there.
        let end =
            if range.end > range.start { place(range.end - 1) + 1 } else { place(range.start) };
        Span::new(self.body.file, place(range.start), end)
    }
}

impl Outline {
    /// The outline of all files.
    pub fn of(sources: &Sources) -> Self {
        let mut outline = Self::default();
        for (index, source) in sources.files.iter().enumerate() {
            let file = u16::try_from(index).unwrap_or(u16::MAX);
            let mended = escape::mended(&source.text);
            let text = mended.as_ref().map_or(source.text.as_str(), |(text, _)| text);
            let end = end_of_reading(text);
            let read = text.get(..end).unwrap_or("");
            let builder = Builder::new(&mut outline.nodes, &mut outline.cut, file, read);
            let end = builder.run().unwrap_or(end);
            if end < text.len() {
                outline.beyond.push(Span::new(file, end, text.len()));
            }
            let marks = mended.iter().flat_map(|(_, marks)| marks);
            outline.escaped.extend(marks.map(|mark| Span::new(file, mark.start, mark.end)));
        }
        for (id, node) in outline.nodes.iter().enumerate() {
            if let NodeKind::Heading { inline, .. } = &node.kind {
                let words = heading_words(&inline.text);
                let chapter = chapter_of(&words);
                outline.words.insert(id, (words, chapter));
            }
        }
        outline
    }

    /// The node's headings from the outermost to the nearest.
    pub fn headings(&self, node: NodeId) -> Vec<&Inline> {
        let mut path = Vec::new();
        let mut at = match &self.nodes[node].kind {
            NodeKind::Heading { .. } => Some(node),
            _ => self.nodes[node].section,
        };
        while let Some(id) = at {
            if let NodeKind::Heading { inline, .. } = &self.nodes[id].kind {
                path.push(inline);
            }
            at = self.nodes[id].section;
        }
        path.reverse();
        path
    }

    /// Texts of the node's headings, cleaned by [`heading_words`], nearest first.
    pub fn context(&self, node: NodeId) -> Vec<String> {
        self.words(node).map(|(words, _)| words.clone()).collect()
    }

    /// The chapter that the nearest heading with a known synonym names.
    pub fn chapter(&self, node: NodeId) -> Option<Chapter> {
        self.words(node).find_map(|(_, chapter)| *chapter)
    }

    /// Words and chapters of the node's headings, nearest first.
    fn words(&self, node: NodeId) -> impl Iterator<Item = &(String, Option<Chapter>)> {
        let first = match self.nodes.get(node) {
            Some(Node { kind: NodeKind::Heading { .. }, .. }) => Some(node),
            Some(other) => other.section,
            None => None,
        };
        let above = |&id: &NodeId| self.nodes.get(id).and_then(|node| node.section);
        std::iter::successors(first, above).filter_map(|id| self.words.get(&id))
    }

    /// Nodes directly inside `node`, in order.
    pub fn children(&self, node: NodeId) -> impl Iterator<Item = (NodeId, &Node)> {
        let end = self.nodes.get(node).map_or(Span::default(), |node| node.span);
        self.nodes
            .iter()
            .enumerate()
            .skip(node + 1)
            .take_while(move |(_, child)| child.span.file == end.file && child.span.start < end.end)
            .filter(move |(_, child)| child.parent == Some(node))
    }

    /// The last node that begins at or before the span's start in its file.
    pub fn node_at(&self, span: Span) -> Option<NodeId> {
        let after = self
            .nodes
            .partition_point(|node| (node.span.file, node.span.start) <= (span.file, span.start));
        after.checked_sub(1).filter(|&id| self.nodes[id].span.file == span.file)
    }
}

struct Builder<'a> {
    nodes: &'a mut Vec<Node>,
    cut: &'a mut Vec<Span>,
    /// How many tags are open within what is left out.
    skipped: usize,
    file: u16,
    text: &'a str,
    /// Open headings by level.
    sections: Vec<(u8, NodeId)>,
    /// Open containers.
    parents: Vec<NodeId>,
    /// Running text being gathered.
    inline: Option<Inline>,
    /// Marks and link targets around the text at hand.
    marks: Vec<(Mark, Option<String>)>,
    cells: Vec<Inline>,
    fence: Option<Fence>,
    /// Where the block at hand begins.
    block_start: usize,
    heading_level: u8,
}

impl<'a> Builder<'a> {
    fn new(nodes: &'a mut Vec<Node>, cut: &'a mut Vec<Span>, file: u16, text: &'a str) -> Self {
        Self {
            nodes,
            cut,
            skipped: 0,
            file,
            text,
            sections: Vec::new(),
            parents: Vec::new(),
            inline: None,
            marks: Vec::new(),
            cells: Vec::new(),
            fence: None,
            block_start: 0,
            heading_level: 0,
        }
    }

    /// Reads the text; gives where it stopped if there are too many nodes.
    fn run(mut self) -> Option<usize> {
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
        for (event, range) in Parser::new_ext(self.text, options).into_offset_iter() {
            if self.nodes.len() >= NODES_MAX {
                return Some(range.start);
            }
            self.event(event, range);
        }
        None
    }

    fn span(&self, range: &std::ops::Range<usize>) -> Span {
        let raw = &self.text[range.clone()];
        Span::new(self.file, range.start, range.start + raw.trim_end().len())
    }

    fn push(&mut self, kind: NodeKind, range: &std::ops::Range<usize>) -> NodeId {
        let span = self.span(range);
        let section = self.sections.last().map(|&(_, id)| id);
        let parent = self.parents.last().copied();
        self.nodes.push(Node { kind, span, section, parent });
        self.nodes.len() - 1
    }

    fn open(&mut self, kind: NodeKind, range: &std::ops::Range<usize>) {
        let id = self.push(kind, range);
        self.parents.push(id);
    }

    fn event(&mut self, event: Event<'_>, range: std::ops::Range<usize>) {
        if self.skips(&event, &range) {
            return;
        }
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag, range),
            Event::Text(text) => self.append(&text, Mark::Plain, &range),
            Event::Code(code) => self.code(&code, &range),
            Event::SoftBreak => self.append("\n", Mark::Break, &range),
            Event::HardBreak => self.append("\n", Mark::Break, &range),
            Event::InlineHtml(html) => {
                let html = if is_line_break(&html) { "\n" } else { "" };
                self.append(html, Mark::Html, &range);
            }
            Event::TaskListMarker(done) => {
                if let Some(Node { kind: NodeKind::Item { checked, .. }, .. }) =
                    self.parents.last().and_then(|&id| self.nodes.get_mut(id))
                {
                    *checked = Some(done);
                }
            }
            Event::Rule => {
                self.push(NodeKind::Rule, &range);
            }
            Event::Html(_)
            | Event::FootnoteReference(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_) => {}
        }
    }

    /// True for all events within a container that is nested too deeply.
    fn skips(&mut self, event: &Event<'_>, range: &std::ops::Range<usize>) -> bool {
        let too_deep = self.parents.len() >= NESTING_MAX
            && matches!(event, Event::Start(Tag::List(_) | Tag::BlockQuote(_)));
        if self.skipped == 0 && !too_deep {
            return false;
        }
        if self.skipped == 0 {
            self.flush_item();
            let first = Span::new(self.file, range.start, range.end);
            self.cut.push(first);
        }
        match event {
            Event::Start(_) => self.skipped += 1,
            Event::End(_) => self.skipped -= 1,
            _ => {}
        }
        true
    }

    fn start(&mut self, tag: Tag<'_>, range: std::ops::Range<usize>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.heading_level = level_number(level);
                self.begin_inline(&range);
            }
            Tag::Paragraph => self.begin_inline(&range),
            Tag::List(first) => {
                self.flush_item();
                self.open(NodeKind::List { ordered: first.is_some() }, &range);
            }
            Tag::Item => {
                self.open(NodeKind::Item { inline: Inline::default(), checked: None }, &range);
                // Tight items carry their text directly.
                self.begin_inline(&range);
            }
            Tag::BlockQuote(_) => {
                self.flush_item();
                self.open(NodeKind::Quote, &range);
            }
            Tag::CodeBlock(kind) => {
                self.flush_item();
                self.fence = Some(new_fence(&kind));
            }
            Tag::Table(_) => {
                self.flush_item();
                self.open(NodeKind::Table { header: Vec::new() }, &range);
            }
            Tag::TableHead | Tag::TableRow => self.cells.clear(),
            Tag::TableCell => self.begin_inline(&range),
            Tag::HtmlBlock => {
                self.flush_item();
                self.push(NodeKind::Html, &range);
            }
            Tag::MetadataBlock(_) => {
                self.push(NodeKind::Metadata, &range);
            }
            Tag::Strong => self.marks.push((Mark::Strong, None)),
            Tag::Emphasis => self.marks.push((Mark::Emphasis, None)),
            Tag::Strikethrough => self.marks.push((Mark::Strike, None)),
            Tag::Link { dest_url, .. } => self.marks.push((Mark::Link, Some(dest_url.to_string()))),
            Tag::Image { dest_url, .. } => {
                self.marks.push((Mark::Image, Some(dest_url.to_string())));
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, range: std::ops::Range<usize>) {
        match tag {
            TagEnd::Heading(_) => self.end_heading(&range),
            TagEnd::Paragraph => self.end_paragraph(&range),
            TagEnd::Item => {
                self.flush_item();
                self.parents.pop();
            }
            TagEnd::List(_) | TagEnd::BlockQuote(_) | TagEnd::Table => {
                self.parents.pop();
            }
            TagEnd::CodeBlock => {
                if let Some(mut fence) = self.fence.take() {
                    fence.body = match (fence.pieces.first(), fence.pieces.last()) {
                        (Some(&(_, start)), Some(&(offset, last))) => {
                            Span::new(self.file, start, last + (fence.text.len() - offset))
                        }
                        _ => Span::new(self.file, range.end, range.end),
                    };
                    self.push(NodeKind::Fence(fence), &range);
                }
            }
            TagEnd::TableCell => {
                let cell = self.inline.take().unwrap_or_default();
                self.cells.push(cell);
            }
            TagEnd::TableHead => {
                let cells = std::mem::take(&mut self.cells);
                if let Some(Node { kind: NodeKind::Table { header }, .. }) =
                    self.parents.last().and_then(|&id| self.nodes.get_mut(id))
                {
                    *header = cells;
                }
            }
            TagEnd::TableRow => {
                let cells = std::mem::take(&mut self.cells);
                self.push(NodeKind::Row { cells }, &range);
            }
            TagEnd::Strong
            | TagEnd::Emphasis
            | TagEnd::Strikethrough
            | TagEnd::Link
            | TagEnd::Image => {
                self.marks.pop();
            }
            _ => {}
        }
    }

    fn begin_inline(&mut self, range: &std::ops::Range<usize>) {
        self.block_start = range.start;
        self.inline = Some(Inline {
            span: Span::new(self.file, range.start, range.start),
            ..Inline::default()
        });
    }

    fn append(&mut self, text: &str, mark: Mark, range: &std::ops::Range<usize>) {
        if let Some(fence) = &mut self.fence {
            fence.pieces.push((fence.text.len(), range.start));
            fence.text.push_str(text);
            return;
        }
        let innermost = self.marks.iter().rev().find(|(mark, _)| *mark != Mark::Plain);
        let target = self.marks.iter().rev().find_map(|(_, target)| target.clone());
        let mark =
            if mark == Mark::Plain { innermost.map_or(mark, |&(mark, _)| mark) } else { mark };
        let strong = self.marks.iter().any(|&(mark, _)| mark == Mark::Strong);
        let mark =
            if strong && mark != Mark::Code && mark != Mark::Break { Mark::Strong } else { mark };
        let span = Span::new(self.file, range.start, range.end);
        let Some(inline) = &mut self.inline else { return };
        if inline.parts.is_empty() {
            inline.span = span;
        }
        inline.span = inline.span.to(span);
        let start = inline.text.len();
        inline.text.push_str(text);
        inline.parts.push(Part { mark, range: start..inline.text.len(), span, target });
    }

    /// The range of a code span includes its back-ticks; the part's span does not.
    fn code(&mut self, code: &str, range: &std::ops::Range<usize>) {
        let raw = &self.text[range.clone()];
        let inner = raw
            .find(code)
            .map_or_else(|| range.clone(), |at| range.start + at..range.start + at + code.len());
        self.append(code, Mark::Code, &inner);
    }

    fn end_heading(&mut self, range: &std::ops::Range<usize>) {
        let inline = self.inline.take().unwrap_or_default();
        let level = self.heading_level;
        while self.sections.last().is_some_and(|&(open, _)| open >= level) {
            self.sections.pop();
        }
        let id = self.push(NodeKind::Heading { level, inline }, range);
        self.sections.push((level, id));
    }

    fn end_paragraph(&mut self, range: &std::ops::Range<usize>) {
        let inside_item = self.parents.last().is_some_and(|&id| {
            matches!(&self.nodes[id].kind, NodeKind::Item { inline, .. } if inline.parts.is_empty())
        });
        if inside_item {
            self.flush_item();
        } else if let Some(inline) = self.inline.take()
            && !inline.parts.is_empty()
        {
            self.push(NodeKind::Paragraph(inline), range);
        }
    }

    /// Gives the text gathered so far to the item it belongs to.
    fn flush_item(&mut self) {
        let Some(found) = self.inline.take() else { return };
        if found.parts.is_empty() {
            return;
        }
        let Some(&id) = self.parents.last() else { return };
        let range = self.block_start..found.span.end as usize;
        match &mut self.nodes[id].kind {
            NodeKind::Item { inline, .. } if inline.parts.is_empty() => *inline = found,
            _ => {
                self.push(NodeKind::Paragraph(found), &range);
            }
        }
    }
}

/// Where reading of a text ends: at its end, or after the last whole line within the limit.
fn end_of_reading(text: &str) -> usize {
    if text.len() <= TEXT_BYTES_MAX {
        return text.len();
    }
    let bytes = text.as_bytes().get(..TEXT_BYTES_MAX).unwrap_or_default();
    bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
}

fn new_fence(kind: &CodeBlockKind<'_>) -> Fence {
    match kind {
        CodeBlockKind::Fenced(info) => Fence {
            language: info
                .split(|c: char| c.is_whitespace() || c == '{' || c == ',')
                .next()
                .unwrap_or("")
                .to_lowercase(),
            info: info.to_string(),
            ..Fence::default()
        },
        CodeBlockKind::Indented => Fence { indented: true, ..Fence::default() },
    }
}

fn level_number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

fn is_line_break(html: &str) -> bool {
    let tag: String =
        html.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
    matches!(tag.as_str(), "<br>" | "<br/>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_exact_in_items_cells_and_fences() {
        let text = "# A\n\n## 2. Data **Model**\n\n- **Key**: `value` é\n  ```sql\n  CREATE TABLE t (\n    id INT\n  );\n  ```\n\n| a | b |\n|---|---|\n| x | `y z` |\n";
        let sources = Sources::single("a.md", text);
        let outline = Outline::of(&sources);
        for node in &outline.nodes {
            match &node.kind {
                NodeKind::Item { inline, .. } => {
                    let at = inline.text.find("value").expect("value");
                    assert_eq!(sources.text(inline.span_of(at..at + 5)), "value");
                    assert_eq!(inline.text, "Key: value é");
                }
                NodeKind::Fence(fence) => {
                    let at = fence.text.find("id INT").expect("column");
                    assert_eq!(sources.text(fence.span_of(at..at + 6)), "id INT");
                    assert_eq!(fence.language, "sql");
                }
                NodeKind::Row { cells } => assert_eq!(sources.text(cells[1].span), "y z"),
                _ => {}
            }
        }
        let fence =
            outline.nodes.iter().position(|n| matches!(n.kind, NodeKind::Fence(_))).expect("fence");
        assert_eq!(outline.context(fence), ["data model", "a"]);
        assert_eq!(outline.chapter(fence), Some(Chapter::Data));
    }
}
