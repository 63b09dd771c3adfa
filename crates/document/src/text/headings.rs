//! Headings that occur twice, and links to headings that do not exist.

use std::collections::{HashMap, HashSet};

use crate::{
    Diagnostic, Span, codes,
    compile::Reading,
    diagnostic,
    outline::{Inline, Mark, NodeKind, heading_words},
};

/// So many dead links are reported one by one.
const DEAD_MAX: usize = 50;

/// Checks headings and the links to them.
pub(super) fn read(reading: &mut Reading<'_>) {
    duplicates(reading);
    anchors(reading);
}

fn duplicates(reading: &mut Reading<'_>) {
    let mut order: Vec<String> = Vec::new();
    let mut places: HashMap<String, Vec<(Span, u8)>> = HashMap::new();
    for node in &reading.outline.nodes {
        let NodeKind::Heading { level, inline } = &node.kind else { continue };
        let words = heading_words(&inline.text);
        let is_endpoint = inline.text.contains('/');
        if words.len() < 3 || is_endpoint || *level > 4 || is_generic(&words) {
            continue;
        }
        let found = places.entry(words.clone()).or_default();
        if found.is_empty() {
            order.push(words);
        }
        found.push((inline.span, *level));
    }
    for words in order {
        let Some([(first, _), (second, _), rest @ ..]) = places.get(&words).map(Vec::as_slice)
        else {
            continue;
        };
        // A heading that comes again and again is the document's own form, not a slip.
        if rest.len() > 1 {
            continue;
        }
        let text = reading.sources.text(*second).trim().to_owned();
        let mut found =
            Diagnostic::new(&codes::T007, *second, format!("the heading `{text}` occurs twice"))
                .label("again here")
                .also(*first, "first here");
        for (span, _) in rest {
            found = found.also(*span, "and here");
        }
        reading.diagnostics.push(found.help("give each a name of its own"));
    }
}

fn is_generic(words: &str) -> bool {
    const GENERIC: &[&str] = &[
        "overview",
        "request",
        "response",
        "example",
        "examples",
        "parameters",
        "purpose",
        "notes",
        "errors",
        "description",
        "summary",
        "usage",
        "fields",
        "responsibilities",
        "indexes",
        "table",
        "implementation",
        "configuration",
        "key features",
        "features",
        "endpoints",
        "constraints",
        "relationships",
        "properties",
        "methods",
        "attributes",
        "structure",
        "schema",
        "columns",
        "rationale",
        "decision",
        "context",
        "consequences",
        "pros",
        "cons",
        "benefits",
        "components",
    ];
    GENERIC.contains(&words)
}

fn anchors(reading: &mut Reading<'_>) {
    let mut known: HashSet<String> = HashSet::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut links: Vec<(String, Span)> = Vec::new();
    for node in &reading.outline.nodes {
        match &node.kind {
            NodeKind::Heading { inline, .. } => {
                let slug = slug(&inline.text);
                let count = seen.entry(slug.clone()).or_insert(0);
                known.insert(if *count == 0 { slug } else { format!("{slug}-{count}") });
                *count += 1;
                collect(inline, &mut links);
            }
            NodeKind::Paragraph(inline) | NodeKind::Item { inline, .. } => {
                collect(inline, &mut links);
            }
            NodeKind::Row { cells } => cells.iter().for_each(|cell| collect(cell, &mut links)),
            NodeKind::Table { header } => header.iter().for_each(|cell| collect(cell, &mut links)),
            _ => {}
        }
    }
    // Headings may carry their own anchor: `## Title {#title}`, `<a name="title">`.
    for source in &reading.sources.files {
        for mark in ["name=\"", "id=\"", "{#"] {
            for (at, _) in source.text.match_indices(mark) {
                let rest = &source.text[at + mark.len()..];
                let end = rest.find(['"', '}', '\n']).unwrap_or(0);
                known.insert(rest[..end].to_lowercase());
            }
        }
    }
    let mut dead = links.into_iter().filter(|(target, _)| !is_known(&known, target));
    for (target, span) in dead.by_ref().take(DEAD_MAX) {
        let message = format!("no heading has the anchor `#{target}`");
        let mut found = Diagnostic::new(&codes::T008, span, message).label("leads nowhere");
        let candidates = known.iter().filter(|word| word.len().abs_diff(target.len()) <= 6);
        if let [near, ..] = diagnostic::similar(&target, candidates.map(String::as_str)).as_slice()
        {
            found = found.help(format!("a heading with a similar anchor exists: `#{near}`"));
        }
        reading.diagnostics.push(found);
    }
}

fn collect(inline: &Inline, links: &mut Vec<(String, Span)>) {
    let mut last: Option<&str> = None;
    for part in inline.parts.iter().filter(|part| part.mark != Mark::Image) {
        let Some(target) = part.target.as_deref() else {
            last = None;
            continue;
        };
        // One link of several pieces (bold inside) is one link.
        if let Some(anchor) = target.strip_prefix('#').filter(|_| last != Some(target))
            && !anchor.is_empty()
        {
            links.push((anchor.to_lowercase(), part.span));
        }
        last = Some(target);
    }
}

fn is_known(known: &HashSet<String>, target: &str) -> bool {
    let plain = decode(target);
    let loose = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    known.contains(&plain)
        || plain == "top"
        // Generators of anchors differ in what they do with signs and emoji.
        || known.iter().any(|anchor| loose(anchor) == loose(&plain))
}

/// Undoes percent-encoding.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = match (first, tail) {
            (b'%', [high, low, ..]) => std::str::from_utf8(&[*high, *low])
                .ok()
                .and_then(|digits| u8::from_str_radix(digits, 16).ok()),
            _ => None,
        };
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).to_lowercase()
}

/// The anchor that GitHub gives a heading.
fn slug(text: &str) -> String {
    text.trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}
