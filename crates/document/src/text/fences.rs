//! Fences: closed, labelled as what they hold, readable.

use crate::{
    Diagnostic, Span, codes,
    compile::Reading,
    diagnostic::Applicability,
    json,
    outline::{Fence, Node, NodeKind},
    placeholder, yaml,
};

/// Escaped marks beyond which the others are only counted.
const LABELS_MAX: usize = 6;

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// Checks every fence.
pub(super) fn read(reading: &mut Reading<'_>) {
    let outline = reading.outline;
    let escaped = escaped_marks(reading);
    reading.diagnostics.extend(escaped);
    for node in &outline.nodes {
        let NodeKind::Fence(fence) = &node.kind else { continue };
        if fence.indented {
            continue;
        }
        if let Some(diagnostic) = open_fence(reading, node, fence) {
            reading.diagnostics.push(diagnostic);
            continue;
        }
        if placeholder::in_fence(fence).is_some() {
            continue;
        }
        let found = match fence.language.as_str() {
            "yaml" | "yml" => yaml_fence(reading, node, fence),
            "json" | "jsonc" => json_fence(reading, node, fence),
            _ => None,
        };
        reading.diagnostics.extend(found);
    }
}

/// One message for all escaped marks: one tool has left them all.
fn escaped_marks(reading: &Reading<'_>) -> Option<Diagnostic> {
    let (&first, rest) = reading.outline.escaped.split_first()?;
    let plain = |span: Span| "`".repeat(span.range().len() / 2);
    let message = match rest.len() {
        0 => "the mark of this fence is escaped".to_owned(),
        1 => "the marks of this fence are escaped".to_owned(),
        others => format!("the marks of {} lines of fences are escaped", others + 1),
    };
    let mut diagnostic = Diagnostic::new(&codes::T012, first, message)
        .label("Markdown shows these as they stand; read as a fence here");
    for &span in rest.iter().take(LABELS_MAX) {
        diagnostic = diagnostic.also(span, "escaped too");
    }
    Some(diagnostic.edit(
        "to make it a fence everywhere, take the back-slashes away",
        first,
        plain(first),
        Applicability::Safe,
    ))
}

/// A fence that is never closed, or in which another one opens.
fn open_fence(reading: &Reading<'_>, node: &Node, fence: &Fence) -> Option<Diagnostic> {
    let raw = reading.sources.text(node.span);
    let escaped = &reading.outline.escaped;
    let at =
        escaped.partition_point(|mark| (mark.file, mark.start) < (node.span.file, node.span.start));
    if escaped.get(at).is_some_and(|mark| node.span.contains(*mark)) {
        // Such a mark is only taken for a fence's where the fence is closed.
        return None;
    }
    let mark = raw.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = raw.chars().take_while(|&c| c == mark).count();
    let first_line = raw.find('\n').unwrap_or(raw.len());
    let opener = Span { end: node.span.start + first_line as u32, ..node.span };
    if let Some(inner) = inner_opener(fence, mark, length) {
        let place = fence.span_of(inner);
        let line_start = Span { end: place.start, ..place };
        let close = format!("{}\n", mark.to_string().repeat(length));
        return Some(
            Diagnostic::new(
                &codes::T003,
                place,
                "this line opens a fence inside a fence that is still open",
            )
            .label("a closing line is missing above")
            .also(opener, "this fence is still open")
            .edit(
                "to close the first fence, add this line",
                line_start,
                close,
                Applicability::MaybeIncorrect,
            ),
        );
    }
    let last = raw.lines().next_back().unwrap_or("");
    let last = last.trim_start_matches([' ', '\t', '>']).trim_end();
    let closes =
        raw.contains('\n') && last.chars().count() >= length && last.chars().all(|c| c == mark);
    (!closes).then(|| {
        let close = format!("\n{}\n", mark.to_string().repeat(length));
        let end = Span { start: node.span.end, ..node.span };
        Diagnostic::new(&codes::T002, opener, "this fence is never closed")
            .label("opened here")
            .edit("to close it, add this line", end, close, Applicability::MaybeIncorrect)
    })
}

fn inner_opener(fence: &Fence, mark: char, length: usize) -> Option<std::ops::Range<usize>> {
    let mut at = 0;
    for line in fence.text.split_inclusive('\n') {
        let bare = line.trim_end();
        let indent = bare.len() - bare.trim_start().len();
        let run = bare.trim_start().chars().take_while(|&c| c == mark).count();
        let label = bare.trim_start().trim_start_matches(mark);
        let is_word = !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
        if indent <= 3 && run >= length && is_word {
            return Some(at + indent..at + bare.len());
        }
        at += line.len();
    }
    None
}

/// The first line that is an HTTP request, in bytes of the text.
fn request_line(text: &str) -> Option<std::ops::Range<usize>> {
    let line =
        text.lines().find(|line| !line.trim().is_empty() && !line.trim().starts_with('#'))?;
    let mut words = line.split_whitespace();
    let method = words.next().is_some_and(|word| METHODS.contains(&word));
    let path =
        words.next().is_some_and(|word| word.starts_with(['/', '{']) || word.contains("://"));
    let at = line.as_ptr() as usize - text.as_ptr() as usize;
    (method && path && !line.trim_end().ends_with(':')).then(|| at..at + line.trim_end().len())
}

/// The marks and the label after them; none where there is no label.
fn label_span(reading: &Reading<'_>, node: &Node, fence: &Fence) -> Option<Span> {
    let start = node.span.start as usize;
    let raw = reading.sources.text(node.span);
    let marks = raw.find(|c| !matches!(c, '`' | '~' | '\\' | ' ' | '\t'))?;
    (!fence.language.is_empty())
        .then(|| Span::new(node.span.file, start, start + marks + fence.language.len()))
}

fn mislabelled(reading: &Reading<'_>, node: &Node, fence: &Fence) -> Option<Diagnostic> {
    let request = request_line(&fence.text)?;
    let label = label_span(reading, node, fence)?;
    let message = format!("this fence is labelled `{}` but holds an HTTP request", fence.language);
    let word = Span { start: label.end - fence.language.len() as u32, ..label };
    Some(
        Diagnostic::new(&codes::T004, label, message)
            .label(format!("says `{}`", fence.language))
            .also(fence.span_of(request), "a request line")
            .edit("to mend it, label it as what it is", word, "http", Applicability::Safe),
    )
}

fn yaml_fence(reading: &Reading<'_>, node: &Node, fence: &Fence) -> Option<Diagnostic> {
    let problem = yaml::read(&fence.text).err()?;
    if let Some(diagnostic) = mislabelled(reading, node, fence) {
        return Some(diagnostic);
    }
    // Templates of other tools are no plain YAML, and say so.
    if fence.text.contains("{{") || fence.text.contains("{%") {
        return None;
    }
    let span = spot(reading, fence, problem.at);
    Some(
        Diagnostic::new(
            &codes::T005,
            span,
            format!("this YAML cannot be read: {}", problem.reason),
        )
        .label("reading stopped here")
        .help("quote a text that begins with a sign, and indent by spaces alike"),
    )
}

fn json_fence(reading: &Reading<'_>, node: &Node, fence: &Fence) -> Option<Diagnostic> {
    let problem = json::read_all(&fence.text).err()?;
    if let Some(diagnostic) = mislabelled(reading, node, fence) {
        return Some(diagnostic);
    }
    let span = spot(reading, fence, problem.at);
    Some(
        Diagnostic::new(
            &codes::T006,
            span,
            format!("this JSON cannot be read: {}", problem.reason),
        )
        .label("reading stopped here")
        .help("comments, `...` and trailing commas may stay; close strings, lists and objects"),
    )
}

/// The character at a byte of the fence's text, or the last one where that is at its end.
fn spot(reading: &Reading<'_>, fence: &Fence, at: usize) -> Span {
    let text = &fence.text;
    let mut start = at.min(text.trim_end().len().saturating_sub(1));
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let length = text[start..].chars().next().map_or(0, char::len_utf8);
    let span = fence.span_of(start..start + length);
    debug_assert!(!reading.sources.files.is_empty());
    span
}
