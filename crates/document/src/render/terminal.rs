//! Diagnostics in the look of rustc, drawn by `annotate-snippets`, with the heading path beside the
//! place.

use std::ops::Range;

use annotate_snippets::{
    AnnotationKind, Group, Level as Look, Patch, Renderer, Snippet, renderer::DecorStyle,
};

use super::{heading_path, origin};
use crate::{Compiled, Diagnostic, Level, Source, Span, diagnostic::Remedy};

/// Labels at most so many lines away from the first are drawn in the same snippet.
const LINES_TOGETHER_MAX: u32 = 12;
/// Lines longer than this are not drawn.
const LINE_BYTES_MAX: usize = 4000;
/// So many labels are drawn of one diagnostic.
const LABELS_MAX: usize = 12;

/// All diagnostics for people, in the order given, with a blank line after each.
pub fn terminal(compiled: &Compiled, diagnostics: &[Diagnostic], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Unicode).term_width(120);
    let mut text = String::new();
    for diagnostic in diagnostics {
        let drawn = draw(compiled, diagnostic, &renderer);
        text.push_str(&with_headings(compiled, diagnostic.span, drawn));
        text.push_str("\n\n");
    }
    text
}

/// Writes the heading path behind the first place.
fn with_headings(compiled: &Compiled, span: Span, drawn: String) -> String {
    let path = heading_path(compiled, span);
    let place = origin(compiled, span);
    match drawn.find(&place) {
        Some(at) if !path.is_empty() => {
            let end = at + place.len();
            format!("{} · {}{}", &drawn[..end], path.join(" › "), &drawn[end..])
        }
        _ => drawn,
    }
}

fn look(level: Level) -> Look<'static> {
    match level {
        Level::Error => Look::ERROR,
        Level::Warning => Look::WARNING,
        Level::Info => Look::INFO,
    }
}

fn draw(compiled: &Compiled, diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let title =
        look(diagnostic.level).primary_title(diagnostic.message.as_str()).id(diagnostic.code.code);
    let mut group = Group::with_title(title);
    let labels = &diagnostic.labels[..diagnostic.labels.len().min(LABELS_MAX)];
    for cluster in clusters(compiled, diagnostic, labels) {
        if let Some(snippet) = cluster.snippet(compiled) {
            group = group.element(snippet);
        }
    }
    if group.is_empty() {
        // Nothing can be drawn of a very long line: the place is named in words.
        let place = origin(compiled, diagnostic.span);
        group = group.element(Look::NOTE.message(format!("at {place}")));
    }
    if diagnostic.labels.len() > LABELS_MAX {
        let more = diagnostic.labels.len() - LABELS_MAX;
        group = group.element(Look::NOTE.message(format!("and at {more} more places")));
    }
    let mut groups = Vec::new();
    for remedy in &diagnostic.remedies {
        match edit_snippet(compiled, remedy) {
            Some(snippet) => {
                let title = Look::HELP.secondary_title(remedy.text.as_str());
                groups.push(Group::with_title(title).element(snippet));
            }
            None => group = group.element(Look::HELP.message(remedy.text.as_str())),
        }
    }
    groups.insert(0, group);
    renderer.render(&groups)
}

fn edit_snippet<'a>(compiled: &'a Compiled, remedy: &'a Remedy) -> Option<Snippet<'a, Patch<'a>>> {
    let (span, replacement) = remedy.edit.as_ref()?;
    let source = compiled.sources.files.get(span.file as usize)?;
    let slice = Slice::of(source, &[span.range()])?;
    let patch = Patch::new(slice.within(&span.range()), replacement.as_str());
    Some(Snippet::source(slice.text).line_start(slice.line).path(source.name.as_str()).patch(patch))
}

/// Whole lines of a source.
struct Slice<'a> {
    text: &'a str,
    start: usize,
    line: usize,
}

impl<'a> Slice<'a> {
    /// The lines that the ranges touch; none where one of them is too long to be drawn.
    fn of(source: &'a Source, ranges: &[Range<usize>]) -> Option<Self> {
        let first = ranges.iter().map(|range| range.start).min()?;
        let last = ranges.iter().map(|range| range.end).max()?;
        let text = source.text.as_str();
        let start = text.get(..first)?.rfind('\n').map_or(0, |at| at + 1);
        let end = last + text.get(last..)?.find('\n').unwrap_or(text.len() - last);
        let slice = text.get(start..end)?;
        if slice.len() > LINE_BYTES_MAX * 40
            || slice.lines().any(|line| line.len() > LINE_BYTES_MAX)
        {
            return None;
        }
        Some(Self { text: slice, start, line: source.place(start).line as usize })
    }

    fn within(&self, range: &Range<usize>) -> Range<usize> {
        range.start - self.start..range.end - self.start
    }
}

/// Labels near to each other, drawn in one snippet.
struct Cluster<'a> {
    file: u16,
    labels: Vec<(AnnotationKind, Range<usize>, &'a str)>,
}

impl<'a> Cluster<'a> {
    fn snippet(
        &self,
        compiled: &'a Compiled,
    ) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
        let source = compiled.sources.files.get(self.file as usize)?;
        let ranges: Vec<_> = self.labels.iter().map(|(_, range, _)| range.clone()).collect();
        let slice = Slice::of(source, &ranges)?;
        let mut snippet = Snippet::source(slice.text)
            .line_start(slice.line)
            .path(source.name.as_str())
            .fold(true);
        for (kind, range, text) in &self.labels {
            let mut annotation = kind.span(slice.within(range));
            if !text.is_empty() {
                annotation = annotation.label(*text);
            }
            snippet = snippet.annotation(annotation);
        }
        Some(snippet)
    }
}

/// Groups the labels: what stands near the primary place goes with it, the rest by itself.
fn clusters<'a>(
    compiled: &Compiled,
    diagnostic: &'a Diagnostic,
    labels: &'a [crate::diagnostic::Label],
) -> Vec<Cluster<'a>> {
    let primary =
        (AnnotationKind::Primary, clamp(compiled, diagnostic.span), diagnostic.label.as_str());
    let mut clusters = vec![Cluster { file: diagnostic.span.file, labels: vec![primary] }];
    let line = |file: u16, offset: usize| {
        compiled.sources.files.get(file as usize).map_or(0, |source| source.place(offset).line)
    };
    for label in labels {
        let range = clamp(compiled, label.span);
        let at = line(label.span.file, range.start);
        let near = clusters.iter_mut().find(|cluster| {
            cluster.file == label.span.file
                && cluster.labels.iter().any(|(_, other, _)| {
                    line(cluster.file, other.start).abs_diff(at) <= LINES_TOGETHER_MAX
                })
        });
        let drawn = (AnnotationKind::Context, range, label.text.as_str());
        match near {
            Some(cluster) => cluster.labels.push(drawn),
            None => clusters.push(Cluster { file: label.span.file, labels: vec![drawn] }),
        }
    }
    clusters
}

/// A span within its file; of a long span only the first line is marked.
fn clamp(compiled: &Compiled, span: Span) -> Range<usize> {
    let Some(source) = compiled.sources.files.get(span.file as usize) else { return 0..0 };
    let text = source.text.as_str();
    let start = floor(text, span.start as usize);
    let end = floor(text, span.end as usize).max(start);
    let first_line = text[start..end].find('\n').map_or(end, |at| start + at);
    start..if first_line > start { first_line } else { end }
}

fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}
