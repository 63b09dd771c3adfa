//! Finds the endpoints of a document in every form that people write them in.

use std::collections::HashMap;

use super::{
    EndpointForm,
    draft::{Draft, summary_of},
    fences,
    line::{self, Mention},
    rows,
    scope::{Scopes, is_vendor_host},
};
use crate::{
    outline::{Inline, Mark, NodeId, NodeKind, Outline, heading_words},
    security::{Callers, callers_of},
};

/// All endpoints of the document that are its own, in the order of the text, paths absolute.
pub(super) fn collect(outline: &Outline, scopes: &Scopes) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let mut spoken: HashMap<Option<NodeId>, bool> = HashMap::new();
    for id in 0..outline.nodes.len() {
        let from = drafts.len();
        match &outline.nodes[id].kind {
            NodeKind::Heading { inline, .. } => {
                text(inline, id, EndpointForm::Heading, &mut drafts);
            }
            NodeKind::Paragraph(inline) => text(inline, id, EndpointForm::Paragraph, &mut drafts),
            NodeKind::Item { inline, .. } => text(inline, id, EndpointForm::Bullet, &mut drafts),
            NodeKind::Table { header } => rows::table(outline, id, header, &mut drafts),
            NodeKind::Fence(fence) => fences::fence(fence, id, &mut drafts),
            _ => {}
        }
        let section = match outline.nodes[id].kind {
            NodeKind::Heading { .. } => Some(id),
            _ => outline.nodes[id].section,
        };
        let mut found = drafts.split_off(from);
        found.retain(|draft| is_ours(draft, scopes, section));
        if found.is_empty() {
            continue;
        }
        let speaks_only = *spoken.entry(section).or_insert_with(|| speaks(outline, section));
        for draft in &mut found {
            draft.is_mention |= speaks_only;
            if draft.host.is_none() {
                draft.path = scopes.absolute(outline, id, &draft.path);
            }
        }
        drafts.append(&mut found);
    }
    drafts
}

/// Sections in which endpoints are only spoken of: limits, tests, targets.
fn speaks(outline: &Outline, section: Option<NodeId>) -> bool {
    let Some(NodeKind::Heading { inline, .. }) = section.map(|at| &outline.nodes[at].kind) else {
        return false;
    };
    let words = heading_words(&inline.text);
    [
        "rate limit",
        "testing",
        "test ",
        "performance",
        "load",
        "caching",
        "cache",
        "monitoring",
        "example usage",
        "changelog",
        "decision",
        "troubleshoot",
        "known issue",
        "limitation",
    ]
    .iter()
    .any(|about| words.contains(about))
        && !words.contains("endpoint")
        && !words.contains("api")
}

fn is_ours(draft: &Draft, scopes: &Scopes, section: Option<NodeId>) -> bool {
    if let Some(host) = &draft.host {
        return !is_vendor_host(host) && !scopes.is_foreign(section);
    }
    let is_callback = draft.path.contains("webhook") || draft.path.contains("callback");
    !scopes.is_foreign(section) || is_callback
}

/// Endpoints in a heading, a paragraph or an item.
fn text(inline: &Inline, id: NodeId, form: EndpointForm, drafts: &mut Vec<Draft>) {
    let mentions = line::mentions(&inline.text);
    let mut declared_until: Option<usize> = None;
    for (index, mention) in mentions.iter().enumerate() {
        let Some(standing) = standing(inline, mention, form, declared_until) else { continue };
        let next = mentions.get(index + 1).map_or(inline.text.len(), |next| next.range.start);
        let rest = inline.text.get(mention.range.end..next).unwrap_or("");
        let rest = rest.lines().next().unwrap_or("");
        if standing == Standing::Declared {
            declared_until = Some(mention.range.end);
        }
        let callers = callers_beside(inline, mention.range.end, rest);
        for mut draft in Draft::of_mention(mention, form, id, |range| inline.span_of(range)) {
            draft.is_mention = standing == Standing::Mentioned;
            draft.is_anchor = standing == Standing::Declared;
            if standing == Standing::Declared {
                draft.summary = summary_of(rest);
                draft.callers = callers.clone();
            }
            drafts.push(draft);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Declared,
    Mentioned,
}

/// Whether a mention declares its endpoint: it begins the line, follows a label, or stands in a
/// heading. In the middle of a sentence it must at least be marked as code.
fn standing(
    inline: &Inline,
    mention: &Mention,
    form: EndpointForm,
    declared_until: Option<usize>,
) -> Option<Standing> {
    let path_start = mention.paths.first()?.1.start;
    let part = inline.parts.iter().find(|part| part.range.contains(&path_start))?;
    if part.mark == Mark::Strike {
        return None;
    }
    if form == EndpointForm::Heading {
        return Some(Standing::Declared);
    }
    let line_start = inline.text[..mention.range.start].rfind('\n').map_or(0, |at| at + 1);
    let before = inline.text[line_start..mention.range.start].trim();
    let before = before.trim_end_matches(['`', '*', '(', '"']).trim_end();
    let is_start = !before.chars().any(char::is_alphabetic) && !before.contains("→");
    let is_label = before.ends_with([':', '：', '—', '–'])
        && before.split_whitespace().count() <= 5
        && !before.contains(". ");
    let continues = declared_until.is_some_and(|until| {
        inline.text.get(until..mention.range.start).is_some_and(|between| {
            !between.contains('\n') && !between.chars().any(char::is_alphabetic)
        })
    });
    let is_code = part.mark == Mark::Code;
    let reads_on = reads_on_as_sentence(&inline.text[mention.range.end..]);
    match (is_start && (is_code || !reads_on)) || is_label || continues {
        true => Some(Standing::Declared),
        false => is_code.then_some(Standing::Mentioned),
    }
}

/// `GET /tasks returns at most 1000 rows`: a verb follows, so this is a sentence about it.
fn reads_on_as_sentence(rest: &str) -> bool {
    const VERBS: &[&str] = &[
        "returns", "limits", "is", "are", "was", "requires", "must", "should", "will", "can",
        "accepts", "gives", "uses", "does", "has", "now", "and",
    ];
    let first = rest.trim_start_matches(['`', '*', ' ']).split_whitespace().next().unwrap_or("");
    VERBS.contains(&first)
}

/// `(admin only)`, `[Auth]`, `🔒` after an endpoint on its line.
fn callers_beside(inline: &Inline, offset: usize, rest: &str) -> Option<Callers> {
    const SIGNALS: &[&str] = &[
        "auth",
        "admin",
        "public",
        "only",
        "owner",
        "protected",
        "jwt",
        "token",
        "role",
        "private",
        "login",
    ];
    let mut from = 0;
    while let Some(open) = rest[from..].find(['(', '[']).map(|at| from + at) {
        let close = rest[open..].find([')', ']']).map(|at| open + at)?;
        let inner = &rest[open + 1..close];
        let lower = inner.to_lowercase();
        let is_short = inner.split_whitespace().count() <= 5
            && !inner.contains(" /")
            && !inner.starts_with('/');
        if is_short && SIGNALS.iter().any(|signal| lower.contains(signal)) {
            let span = inline.span_of(offset + open + 1..offset + close);
            if let Some(callers) = callers_of(inner, span, &[]) {
                return Some(callers);
            }
        }
        from = close + 1;
    }
    let lock = rest.find('🔒')?;
    callers_of("🔒", inline.span_of(offset + lock..offset + lock + '🔒'.len_utf8()), &[])
}
