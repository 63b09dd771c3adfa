//! The document as HTML, drawn from its outline: text is escaped, raw HTML is left out, links lead
//! only to safe places, and each piece carries the mark of what it was understood as.

use document::{
    ClaimKind, Compiled, Diagnostic, Level, Statement,
    outline::{Fence, Inline, Mark as TextMark, NodeId, NodeKind, Part},
};
use maud::{Markup, html};

use crate::{
    diagram,
    mark::{Mark, Marks},
};

/// Blocks inside blocks that are drawn; deeper ones are left out.
const DEPTH_MAX: usize = 24;
/// Nodes that are drawn; the page of a larger document ends with a note.
const NODES_MAX: usize = 40_000;

/// Draws a document.
pub(crate) struct Body<'a> {
    compiled: &'a Compiled,
    marks: Marks<'a>,
    children: Vec<Vec<NodeId>>,
}

impl<'a> Body<'a> {
    pub(crate) fn new(compiled: &'a Compiled) -> Self {
        let nodes = &compiled.outline.nodes;
        let mut children = vec![Vec::new(); nodes.len()];
        for (id, node) in nodes.iter().enumerate() {
            if let Some(parent) = node.parent {
                children[parent].push(id);
            }
        }
        Self { compiled, marks: Marks::of(compiled), children }
    }

    /// All of it.
    pub(crate) fn draw(&self) -> Markup {
        let nodes = &self.compiled.outline.nodes;
        html! {
            @for (id, node) in nodes.iter().enumerate().take(NODES_MAX) {
                @if node.parent.is_none() { (self.node(id, 0)) }
            }
            @if nodes.len() > NODES_MAX { p.note { "The rest of this document is too long for one page." } }
        }
    }

    /// Headings with their anchors, for the table of contents.
    pub(crate) fn contents(&self) -> Markup {
        html! {
            @for (id, node) in self.compiled.outline.nodes.iter().enumerate().take(NODES_MAX) {
                @if let NodeKind::Heading { level, inline } = &node.kind {
                    @if (2..=3).contains(level) {
                        a class=(format!("level-{level}")) href=(format!("#{}", anchor(id))) { (inline.trimmed()) }
                    }
                }
            }
        }
    }

    fn node(&self, id: NodeId, depth: usize) -> Markup {
        let Some(node) = self.compiled.outline.nodes.get(id) else { return html! {} };
        if depth > DEPTH_MAX {
            return html! { p.note { "…" } };
        }
        match &node.kind {
            NodeKind::Heading { level, inline } => self.heading(id, *level, inline),
            NodeKind::Paragraph(inline) => {
                self.piece(id, html! { p { (text(inline)) (self.evidence(id)) } })
            }
            NodeKind::List { ordered: true } => html! { ol { (self.inside(id, depth)) } },
            NodeKind::List { ordered: false } => html! { ul { (self.inside(id, depth)) } },
            NodeKind::Item { inline, checked } => self.item(id, inline, *checked, depth),
            NodeKind::Quote => html! { blockquote { (self.inside(id, depth)) } },
            NodeKind::Fence(fence) => self.fence(id, fence),
            NodeKind::Table { header } => self.table(id, header, depth),
            NodeKind::Row { cells } => self.row(id, cells),
            NodeKind::Rule => html! { hr; },
            NodeKind::Html | NodeKind::Metadata => html! {},
        }
    }

    fn inside(&self, id: NodeId, depth: usize) -> Markup {
        html! { @for &child in &self.children[id] { (self.node(child, depth + 1)) } }
    }

    fn heading(&self, id: NodeId, level: u8, inline: &Inline) -> Markup {
        let inner = html! { (text(inline)) (self.evidence(id)) };
        let anchor = anchor(id);
        let drawn = match level {
            1 => html! { h1 id=(anchor) { (inner) } },
            2 => html! { h2 id=(anchor) { (inner) } },
            3 => html! { h3 id=(anchor) { (inner) } },
            4 => html! { h4 id=(anchor) { (inner) } },
            5 => html! { h5 id=(anchor) { (inner) } },
            _ => html! { h6 id=(anchor) { (inner) } },
        };
        self.piece(id, drawn)
    }

    fn item(&self, id: NodeId, inline: &Inline, checked: Option<bool>, depth: usize) -> Markup {
        let mark = self.marks.at((id, 0));
        html! {
            li class=[mark.map(Mark::style).filter(|style| !style.is_empty())] {
                @if let Some(done) = checked {
                    input type="checkbox" disabled checked[done];
                    " "
                }
                (text(inline)) (self.evidence(id))
                (diagnostics(self.compiled, mark))
                (self.inside(id, depth))
            }
        }
    }

    fn table(&self, id: NodeId, header: &[Inline], depth: usize) -> Markup {
        html! {
            div.table {
                table {
                    thead { tr { @for cell in header { th { (text(cell)) } } } }
                    tbody { (self.inside(id, depth)) }
                }
            }
        }
    }

    fn row(&self, id: NodeId, cells: &[Inline]) -> Markup {
        let mark = self.marks.at((id, 0));
        let last = cells.len().saturating_sub(1);
        html! {
            tr class=[mark.map(Mark::style).filter(|style| !style.is_empty())] {
                @for (index, cell) in cells.iter().enumerate() {
                    td {
                        (text(cell))
                        @if index == last { (self.evidence(id)) (diagnostics(self.compiled, mark)) }
                    }
                }
            }
        }
    }

    fn fence(&self, id: NodeId, fence: &Fence) -> Markup {
        let drawing = (fence.language == "mermaid").then(|| diagram::parse(&fence.text)).flatten();
        html! {
            @if let Some(drawing) = drawing {
                figure {
                    (diagram::draw(&drawing, &format!("diagram-{id}")))
                    details { summary { "source" } (self.lines(id, fence)) }
                }
            } @else {
                (self.lines(id, fence))
            }
        }
    }

    /// A fence line by line, each with its mark, evidence and diagnostics.
    fn lines(&self, id: NodeId, fence: &Fence) -> Markup {
        html! {
            div.fence data-language=(fence.language) {
                @for (number, line) in fence.text.lines().enumerate() {
                    @let mark = self.marks.at((id, u32::try_from(number).unwrap_or(u32::MAX)));
                    div class=(format!("line {}", mark.map_or("", Mark::style))) {
                        code { (line) "\n" }
                        (chips(mark))
                    }
                    (diagnostics(self.compiled, mark))
                }
            }
        }
    }

    /// Wraps a block in its mark.
    fn piece(&self, id: NodeId, inner: Markup) -> Markup {
        let mark = self.marks.at((id, 0));
        match mark.map(Mark::style) {
            None | Some("") => inner,
            Some(style) => {
                html! { div class=(style) { (inner) (diagnostics(self.compiled, mark)) } }
            }
        }
    }

    fn evidence(&self, id: NodeId) -> Markup {
        chips(self.marks.at((id, 0)))
    }
}

/// The anchor of a heading.
fn anchor(id: NodeId) -> String {
    format!("s{id}")
}

/// What was understood, each with the place where live evidence appears.
fn chips(mark: Option<&Mark<'_>>) -> Markup {
    let mut shown: Vec<(&str, &Statement)> = Vec::new();
    for statement in mark.iter().flat_map(|mark| &mark.statements) {
        let Some(subject) = statement.subject.as_deref() else { continue };
        // Columns and what hangs on a table or endpoint are told by their line's mark; a chip
        // on each would drown the document.
        let kind = statement.kind;
        let belongs_to_another = subject.starts_with("column:")
            || (subject.starts_with("table:") && kind != Some(ClaimKind::Table))
            || (subject.starts_with("endpoint:") && kind != Some(ClaimKind::Endpoint));
        // That nothing enforces a line yet is said once.
        let is_said = statement.enforcement == Some(document::Enforcement::NotYet)
            && shown.iter().any(|(_, other)| other.enforcement == statement.enforcement);
        let is_known = is_said || shown.iter().any(|&(known, _)| known == subject);
        if !belongs_to_another && !is_known {
            shown.push((subject, statement));
        }
    }
    html! {
        @for (subject, statement) in shown {
            " "
            span.chip data-subject=(subject) title=(statement.meaning) {
                @if statement.enforcement == Some(document::Enforcement::NotYet) { "understood, not enforced yet" }
            }
        }
    }
}

fn diagnostics(compiled: &Compiled, mark: Option<&Mark<'_>>) -> Markup {
    let graver = |diagnostic: &&&Diagnostic| diagnostic.level != Level::Info;
    html! {
        @for diagnostic in mark.iter().flat_map(|mark| &mark.diagnostics).filter(graver) {
            div class=(match diagnostic.level { Level::Error => "diagnostic error", _ => "diagnostic warning" }) {
                b { (diagnostic.code.code) } " " (back_ticked(&diagnostic.message))
                @for label in diagnostic.labels.iter().take(3) {
                    div.also { (compiled.sources.location(label.span)) ": " (back_ticked(&label.text)) }
                }
                @for remedy in &diagnostic.remedies { div.help { "help: " (back_ticked(&remedy.text)) } }
            }
        }
    }
}

/// Text whose identifiers stand in back-ticks.
pub(crate) fn back_ticked(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// Running text with its marks.
fn text(inline: &Inline) -> Markup {
    html! {
        @for (index, part) in inline.parts.iter().enumerate() {
            @let words = inline.text.get(part.range.clone()).unwrap_or("");
            @match part.mark {
                TextMark::Code => code { (words) },
                TextMark::Strong => strong { (words) },
                TextMark::Emphasis => em { (words) },
                TextMark::Strike => s { (words) },
                TextMark::Break => (line_end(inline.parts.get(index + 1))),
                TextMark::Html => @if words.contains('\n') { br; },
                TextMark::Link => (link(words, part.target.as_deref())),
                TextMark::Image => span.note { "[" (words) "]" },
                TextMark::Plain => (words),
            }
        }
    }
}

/// A line that begins with a bold label stays a line; other lines flow on.
fn line_end(next: Option<&Part>) -> Markup {
    match next {
        Some(part) if part.mark == TextMark::Strong => html! { br; "\n" },
        _ => html! { "\n" },
    }
}

fn link(words: &str, target: Option<&str>) -> Markup {
    match target.filter(|target| is_safe(target)) {
        Some(target) => html! { a href=(target) rel="noopener noreferrer nofollow" { (words) } },
        None => html! { (words) },
    }
}

/// True for targets that cannot run anything: web and mail addresses, anchors, relative paths.
fn is_safe(target: &str) -> bool {
    let lower: String = target
        .chars()
        .filter(|c| !c.is_control() && !c.is_whitespace())
        .collect::<String>()
        .to_lowercase();
    ["http://", "https://", "mailto:", "#"].iter().any(|start| lower.starts_with(start))
        || !lower.split(['/', '?', '#']).next().unwrap_or("").contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;
    use document::{Sources, compile};

    fn drawn(text: &str) -> String {
        let compiled = compile(Sources::single("a.md", text));
        Body::new(&compiled).draw().into_string()
    }

    #[test]
    fn nothing_of_the_document_becomes_markup() {
        let hostile = "# <script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\n\
            [a](javascript:alert(1)) [b](JaVa\tscript:alert(1)) `<b>` **<i>x</i>**\n\n\
            | <u>h</u> |\n|---|\n| <svg onload=x> |\n\n```sql\n<script>x</script>\n```\n\n\
            ```mermaid\ngraph TD\n A[\"<script>x</script>\"] --> B\n```\n";
        let html = drawn(hostile);
        for forbidden in
            ["<script", "<img", "<svg onload", "<i>x", "<u>h", "href=\"java", "href=\"JaVa"]
        {
            assert!(!html.contains(forbidden), "{forbidden} in {html}");
        }
    }

    #[test]
    fn safe_links_are_kept() {
        assert!(is_safe("https://example.org") && is_safe("#data") && is_safe("docs/a.md"));
        assert!(
            !is_safe("javascript:alert(1)")
                && !is_safe("data:text/html,x")
                && !is_safe("vbscript:x")
        );
    }

    #[test]
    fn a_diagram_is_drawn_and_keeps_its_source() {
        let html = drawn("```mermaid\ngraph LR\n A --> B\n```\n");
        assert!(html.contains("<svg") && html.contains("A --&gt; B"));
    }
}
