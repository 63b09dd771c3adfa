//! Units: the smallest pieces of a document that can be a statement by themselves (an item, a row,
//! a labelled line, a paragraph, a fence), with the words around them that give them meaning.

use std::{ops::Range, rc::Rc};

use crate::{
    Chapter, Span,
    outline::{Fence, Inline, Mark, NodeId, NodeKind, Outline, chapter_of, heading_words},
};

/// Labels are at most so many bytes long; longer text before a colon is a sentence.
const LABEL_BYTES_MAX: usize = 80;

/// Running text is cut into so many lines at most; the last one holds the rest.
const LINES_MAX: usize = 1000;

/// A piece that can be a statement.
#[derive(Debug, Clone)]
pub struct Unit<'a> {
    /// Its node.
    pub node: NodeId,
    /// Its form: `heading`, `paragraph`, `line`, `item`, `row` or `fence`.
    pub form: &'static str,
    /// All of it.
    pub span: Span,
    /// Its running text; for rows the first cell.
    inline: Option<&'a Inline>,
    /// The part of the running text that is this unit's.
    range: Range<usize>,
    /// The cells of a row.
    pub cells: &'a [Inline],
    /// The header above a row.
    pub header: &'a [Inline],
    /// The fence.
    pub fence: Option<&'a Fence>,
}

/// A piece of text with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece<'a> {
    /// The text, trimmed.
    pub text: &'a str,
    /// Where it stands.
    pub span: Span,
}

impl<'a> Unit<'a> {
    /// Its text; empty for fences, the first cell for rows.
    pub fn text(&self) -> &'a str {
        self.inline.and_then(|inline| inline.text.get(self.range.clone())).unwrap_or("").trim()
    }

    /// The source span of bytes of [`Unit::text`].
    pub fn span_of(&self, range: Range<usize>) -> Span {
        let Some(inline) = self.inline else { return self.span };
        let raw = inline.text.get(self.range.clone()).unwrap_or("");
        let start = self.range.start + (raw.len() - raw.trim_start().len());
        inline.span_of(start + range.start..start + range.end)
    }

    fn piece(&self, range: Range<usize>) -> Piece<'a> {
        let text = self.text();
        let raw = &text[range.clone()];
        let start = range.start + (raw.len() - raw.trim_start().len());
        let trimmed = raw.trim();
        Piece { text: trimmed, span: self.span_of(start..start + trimmed.len()) }
    }

    /// Label and value of `label: value`, `**label**: value`, `label = value`, `` `label` - value ``,
    /// or of a row's first two cells. The value may be empty.
    pub fn label_value(&self) -> Option<(Piece<'a>, Piece<'a>)> {
        if let [label, value, ..] = self.cells {
            return Some((cell(label), cell(value)));
        }
        let text = self.text();
        let (label, value) = split_label(text, self.label_end())?;
        Some((self.piece(label), self.piece(value)))
    }

    /// The cell of a row under the first header that begins with one of these words, given in
    /// lower case.
    pub fn column(&self, headers: &[&str]) -> Option<&'a Inline> {
        let at = self.header.iter().position(|cell| {
            let words = heading_words(&cell.text);
            headers.iter().any(|header| words.starts_with(header))
        })?;
        self.cells.get(at)
    }

    /// Label and value as one text for readers that look for amounts: `label: value`.
    pub fn line(&self) -> String {
        match self.cells {
            [] => self.text().to_owned(),
            cells => {
                let texts: Vec<&str> = cells.iter().map(Inline::trimmed).collect();
                texts.join(" · ")
            }
        }
    }

    /// Where the bold or code label at the start ends, in bytes of [`Unit::text`].
    fn label_end(&self) -> Option<usize> {
        let inline = self.inline?;
        let raw = inline.text.get(self.range.clone())?;
        let lead = self.range.start + (raw.len() - raw.trim_start().len());
        let index = inline.parts.partition_point(|part| part.range.end <= lead);
        let (first, rest) = inline.parts.get(index..)?.split_first()?;
        let mut end = first.range.end;
        let mark = first.mark;
        if !matches!(mark, Mark::Strong | Mark::Code | Mark::Emphasis) {
            return None;
        }
        for part in rest {
            if part.mark != mark || part.range.start != end {
                break;
            }
            end = part.range.end;
        }
        end.checked_sub(lead)
    }
}

fn cell(inline: &Inline) -> Piece<'_> {
    Piece { text: inline.trimmed(), span: inline.span }
}

/// Finds the separator between label and value; `marked` is the end of a bold or code label.
fn split_label(text: &str, marked: Option<usize>) -> Option<(Range<usize>, Range<usize>)> {
    if let Some(end) = marked {
        let (head, tail) = (text.get(..end)?, text.get(end..)?);
        let bare = head.trim_end();
        if bare.ends_with(':') || bare.ends_with('：') {
            let length = bare.trim_end_matches([':', '：']).len();
            return Some((0..length, end..text.len()));
        }
        // `**Token** (JWT): 1 hour` is caught below; these are the direct separators.
        let rest = tail.trim_start();
        for separator in [":", "：", "=", "—", "–", "- ", "→", "->"] {
            if let Some(value) = rest.strip_prefix(separator) {
                return Some((0..end, text.len() - value.len()..text.len()));
            }
        }
    }
    let (at, separator) = text.match_indices([':', '：', '=']).find(|&(at, separator)| {
        let after = &text[at + separator.len()..];
        let spaced =
            separator == "：" || after.is_empty() || after.starts_with(char::is_whitespace);
        let environment = separator == "=" && is_key(&text[..at]);
        (spaced && separator != "=") || environment
    })?;
    let label = &text[..at];
    let sentence = label.contains(". ") || label.contains('\n') || label.trim().is_empty();
    if sentence || label.len() > LABEL_BYTES_MAX {
        return None;
    }
    Some((0..at, at + separator.len()..text.len()))
}

fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// All units of the document in reading order.
pub fn units(outline: &Outline) -> Vec<Unit<'_>> {
    let mut units = Vec::new();
    let mut header: &[Inline] = &[];
    for (id, node) in outline.nodes.iter().enumerate() {
        let mut unit = Unit {
            node: id,
            form: "paragraph",
            span: node.span,
            inline: None,
            range: 0..0,
            cells: &[],
            header: &[],
            fence: None,
        };
        match &node.kind {
            NodeKind::Heading { inline, .. } => {
                unit.form = "heading";
                unit.inline = Some(inline);
                unit.range = 0..inline.text.len();
            }
            NodeKind::Item { inline, .. } if !inline.parts.is_empty() => {
                running_text(id, "item", inline, &mut units);
                continue;
            }
            NodeKind::Paragraph(inline) => {
                running_text(id, "paragraph", inline, &mut units);
                continue;
            }
            NodeKind::Table { header: cells } => {
                header = cells;
                continue;
            }
            NodeKind::Row { cells } => {
                unit.form = "row";
                unit.inline = cells.first();
                unit.range = 0..cells.first().map_or(0, |cell| cell.text.len());
                unit.cells = cells;
                unit.header = header;
            }
            NodeKind::Fence(fence) => {
                unit.form = "fence";
                unit.fence = Some(fence);
            }
            _ => continue,
        }
        units.push(unit);
    }
    units
}

/// Running text is one unit, unless it holds several labelled lines: those that begin with a bold
/// label (wherever the lines break), or all of whose lines are `label: value`.
fn running_text<'a>(
    node: NodeId,
    form: &'static str,
    inline: &'a Inline,
    units: &mut Vec<Unit<'a>>,
) {
    let mut starts: Vec<usize> = Vec::new();
    for (index, part) in inline.parts.iter().enumerate() {
        let text = &inline.text[part.range.clone()];
        let after = &inline.text[part.range.end..];
        let labelled = part.mark == Mark::Strong
            && (text.trim_end().ends_with(':') || after.trim_start().starts_with(':'));
        let begins = index == 0 || inline.text[..part.range.start].ends_with(char::is_whitespace);
        if labelled && begins {
            starts.push(part.range.start);
        }
    }
    let lines: Vec<usize> =
        std::iter::once(0).chain(inline.text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    if starts.is_empty() && lines.len() > 1 {
        let all = inline.text.lines().all(|line| {
            split_label(line, None).is_some_and(|(_, value)| !line[value].trim().is_empty())
        });
        if all {
            starts = lines;
        }
    }
    starts.truncate(LINES_MAX);
    let form = if starts.len() > 1 { "line" } else { form };
    if starts.first() != Some(&0) {
        starts.insert(0, 0);
    }
    for (index, &start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(inline.text.len());
        let text = &inline.text[start..end];
        if text.trim().is_empty() {
            continue;
        }
        let lead = text.len() - text.trim_start().len();
        let span = inline.span_of(start + lead..start + text.trim_end().len());
        units.push(Unit {
            node,
            form,
            span,
            inline: Some(inline),
            range: start..end,
            cells: &[],
            header: &[],
            fence: None,
        });
    }
}

/// Words that give a node its meaning, nearest first: labels of the items around it, the line that
/// leads in its list, fence or table, then its headings. Cleaned by [`heading_words`].
pub fn context(outline: &Outline, node: NodeId) -> Vec<String> {
    let mut words = Vec::new();
    let mut at = Some(node);
    while let Some(id) = at {
        let Some(found) = outline.nodes.get(id) else { break };
        match &found.kind {
            NodeKind::Item { inline, .. } if id != node => words.push(lead_words(&inline.text)),
            NodeKind::List { .. } | NodeKind::Fence(_) | NodeKind::Table { .. } => {
                if let Some(lead) = lead_in(outline, id) {
                    words.push(lead_words(&lead.text));
                }
            }
            _ => {}
        }
        at = found.parent;
    }
    words.extend(outline.context(node));
    words.retain(|word| !word.is_empty());
    words
}

/// Section and parent: what neighbours with the same context share.
type Place = (Option<NodeId>, Option<NodeId>);

/// Contexts of units in reading order: neighbours in one list share theirs.
pub(crate) struct Contexts<'a> {
    outline: &'a Outline,
    last: Option<(Place, Rc<Vec<String>>)>,
}

impl<'a> Contexts<'a> {
    pub(crate) fn new(outline: &'a Outline) -> Self {
        Self { outline, last: None }
    }

    /// As [`context`].
    pub(crate) fn of(&mut self, node: NodeId) -> Rc<Vec<String>> {
        let Some(found) = self.outline.nodes.get(node) else { return Rc::default() };
        let leads = matches!(
            found.kind,
            NodeKind::Fence(_)
                | NodeKind::Table { .. }
                | NodeKind::List { .. }
                | NodeKind::Heading { .. }
        );
        let key = (found.parent, found.section);
        match &self.last {
            Some((known, words)) if *known == key && !leads => Rc::clone(words),
            _ => {
                let words = Rc::new(context(self.outline, node));
                if !leads {
                    self.last = Some((key, Rc::clone(&words)));
                }
                words
            }
        }
    }
}

/// True where words of one of the nearest `depth` headings of the context begin like one of these:
/// `alert` is in "Alerting rules", and `test` is not in "Latest". A blank at the end lets `job ` mean
/// the whole word, alone or with the `s` of many.
pub fn near(context: &[String], depth: usize, words: &[&str]) -> bool {
    let has = |heading: &str, word: &str| {
        let whole = word.trim_end();
        heading.match_indices(whole).any(|(start, _)| {
            let (before, after) = (&heading[..start], &heading[start + whole.len()..]);
            let rest = after.strip_prefix('s').unwrap_or(after);
            !before.ends_with(char::is_alphanumeric)
                && (whole == word || !rest.starts_with(char::is_alphanumeric))
        })
    };
    context.iter().take(depth).any(|heading| words.iter().any(|word| has(heading, word)))
}

/// The chapter named by the nearest words of the context that name one.
pub fn chapter(context: &[String]) -> Option<Chapter> {
    context.iter().find_map(|words| chapter_of(words))
}

/// The paragraph right before a list, fence or table that ends in a colon or is bold throughout.
fn lead_in(outline: &Outline, node: NodeId) -> Option<&Inline> {
    let before = outline.nodes.get(node.checked_sub(1)?)?;
    let after = outline.nodes.get(node)?;
    let NodeKind::Paragraph(inline) = &before.kind else { return None };
    let bold = inline.parts.first().is_some_and(|part| part.mark == Mark::Strong);
    let leads = inline.text.trim_end().ends_with(':') || bold;
    (before.parent == after.parent && leads).then_some(inline)
}

/// The label of a line that leads in others: the last one of its lines, up to its colon.
fn lead_words(text: &str) -> String {
    let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("");
    let end = line.find(": ").unwrap_or(line.len()).min(line.len());
    heading_words(line[..end].trim_end_matches(':'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sources;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let sources = Sources::single("a.md", text);
        let outline = Outline::of(&sources);
        let units = units(&outline);
        let found: Vec<(&str, &str)> = units
            .iter()
            .filter_map(Unit::label_value)
            .map(|(label, value)| {
                assert_eq!(sources.text(value.span), value.text, "{text}");
                (label.text, value.text)
            })
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn labels_are_read_in_all_spellings() {
        check("- **Token expiry**: 24 hours\n", &[("Token expiry", "24 hours")]);
        check("* **Token expiry:** 24 hours\n", &[("Token expiry", "24 hours")]);
        check("1. Token expiry: 24 hours\n", &[("Token expiry", "24 hours")]);
        check("**A:** 1\n**B:** 2\n", &[("A", "1"), ("B", "2")]);
        check("**A:** 1 **B:** 2\n", &[("A", "1"), ("B", "2")]);
        check("Max size: 5\nMin size: 6\n", &[("Max size", "5"), ("Min size", "6")]);
        check("| k | v |\n|---|---|\n| **Size** | 5 MB |\n", &[("Size", "5 MB")]);
        check(
            "- **RTO** (Recovery Time Objective): 4 hours\n",
            &[("RTO (Recovery Time Objective)", "4 hours")],
        );
    }

    #[test]
    fn sentences_and_addresses_have_no_label() {
        check("See http://example.org for more.\n", &[]);
        check("We did this. Then we saw one thing: it works.\n", &[]);
        check("- runs at 10:30 each day\n", &[]);
    }

    #[test]
    fn the_line_that_leads_in_a_list_is_its_nearest_context() {
        let text =
            "# A\n\n## Resilience\n\n**Circuit Breaker**:\n- Auto scaling:\n  - Threshold: 5\n";
        let sources = Sources::single("a.md", text);
        let outline = Outline::of(&sources);
        let last = outline.nodes.len() - 1;
        assert_eq!(context(&outline, last), ["auto scaling", "circuit breaker", "resilience", "a"]);
    }

    #[test]
    fn a_heading_is_near_by_the_beginnings_of_its_words() {
        let check = |heading: &str, word: &str, expected: bool| {
            let context = [heading.to_owned()];
            assert_eq!(near(&context, 1, &[word]), expected, "{heading} {word}");
        };
        check("alerting rules", "alert", true);
        check("latest prices", "test", false);
        check("load tests", "test", true);
        check("booking slots", "slo ", false);
        check("slo", "slo ", true);
        check("slo and alerts", "slo ", true);
        check("our slos", "slo ", true);
        check("our slo: a promise", "slo ", true);
        check("non-functional needs", "functional", true);
    }
}
