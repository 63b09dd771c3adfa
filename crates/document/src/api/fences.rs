//! Endpoints in code blocks: `http` requests, lists of `METHOD /path  # comment`, comments in
//! code, and the sketches that are labelled YAML but are lists of requests.

use super::{
    EndpointForm, describe,
    draft::{Draft, summary_of},
    line,
};
use crate::{
    outline::{Fence, NodeId},
    security::callers_of,
};

/// Endpoints of a code block.
pub(super) fn fence(fence: &Fence, id: NodeId, drafts: &mut Vec<Draft>) {
    let language = Language::of(&fence.language);
    if language == Language::Closed || calls_an_api(&fence.text) {
        return;
    }
    let mut offset = 0;
    // Endpoints with the bytes after each, up to the next.
    let mut open: Option<(usize, usize)> = None;
    for text in fence.text.split_inclusive('\n') {
        let at = offset;
        offset += text.len();
        let Some((indent, is_comment)) = opening(text) else { continue };
        if language == Language::Code && !is_comment && indent > 3 {
            continue;
        }
        let Some(mention) = line::mention_at(&fence.text, at + indent) else { continue };
        if mention.range.end > offset {
            continue;
        }
        let form = match (language, is_comment) {
            (Language::Http, _) => EndpointForm::HttpFence,
            (Language::Yaml, false) => EndpointForm::Yaml,
            (_, true) => EndpointForm::CommentInCode,
            _ => EndpointForm::PlainFence,
        };
        close(fence, open.take(), at, drafts);
        open = Some((drafts.len(), offset));
        let rest = fence.text[mention.range.end..offset].trim_end();
        let summary = beside(rest).and_then(summary_of);
        for draft in Draft::of_mention(&mention, form, id, |range| fence.span_of(range)) {
            let callers = marked_callers(fence, &mention, rest);
            drafts.push(Draft { summary: summary.clone(), callers, is_anchor: true, ..draft });
        }
    }
    close(fence, open, fence.text.len(), drafts);
}

/// Reads what stands between an endpoint's line and the next endpoint: headers, labels, bodies.
fn close(fence: &Fence, open: Option<(usize, usize)>, end: usize, drafts: &mut [Draft]) {
    let Some((index, start)) = open else { return };
    if let Some(draft) = drafts.get_mut(index) {
        describe::message(fence, start..end, draft, &mut None);
    }
}

/// What a code block's label says about its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    /// Requests.
    Http,
    /// No label, or one that says nothing.
    Plain,
    /// A sketch in key: value lines.
    Yaml,
    /// A programming language: endpoints stand in comments or at the very left.
    Code,
    /// Never endpoints: drawings, shells, data.
    Closed,
}

impl Language {
    fn of(label: &str) -> Self {
        match label {
            "http" | "rest" | "https" => Language::Http,
            "" | "text" | "txt" | "plaintext" | "plain" | "md" | "markdown" | "api"
            | "endpoints" | "bash" | "sh" | "shell" | "zsh" | "console" => Language::Plain,
            "yaml" | "yml" => Language::Yaml,
            "mermaid" | "powershell" | "curl" | "json" | "jsonc" | "env" | "dotenv" | "ini"
            | "toml" | "nginx" | "dockerfile" | "graphql" | "diff" | "log" | "csv" | "html"
            | "css" | "plantuml" | "dot" | "hcl" => Language::Closed,
            _ => Language::Code,
        }
    }
}

/// Where the words of a line begin after blanks, bullets and comment marks; whether it is a
/// comment. None for lines that cannot begin with an endpoint.
fn opening(text: &str) -> Option<(usize, bool)> {
    let trimmed = text.trim_start();
    let mut at = text.len() - trimmed.len();
    let mut is_comment = false;
    for mark in ["//", "#", "--", "/*", "*", "- ", "• ", "└── ", "├── ", "│   ├── ", "│   └── "]
    {
        if let Some(rest) = text[at..].strip_prefix(mark) {
            is_comment = matches!(mark, "//" | "#" | "--" | "/*" | "*");
            at = text.len() - rest.trim_start_matches([' ', '#', '`', '*']).len();
            break;
        }
    }
    // `1. GET /x`
    let digits = text[at..].bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 && digits <= 3 && text[at + digits..].starts_with([')', '.']) {
        let rest = text[at + digits + 1..].trim_start();
        at = text.len() - rest.len();
    }
    text[at..].starts_with(|c: char| c.is_ascii_uppercase()).then_some((at, is_comment))
}

/// True for code that calls endpoints instead of declaring them.
fn calls_an_api(text: &str) -> bool {
    ["fetch(", "axios.", "axios(", "requests.get(", "requests.post(", "httpx.", "curl "]
        .iter()
        .any(|call| text.contains(call))
}

/// The comment beside an endpoint on its line; `HTTP/1.1` says nothing.
fn beside(rest: &str) -> Option<&str> {
    let rest = rest.trim();
    let rest = rest.strip_prefix("HTTP/").map_or(rest, |version| {
        version.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
    });
    let rest = rest.trim_start_matches(':').trim();
    (!rest.is_empty()).then_some(rest)
}

/// `(admin)`, `[auth]` beside an endpoint.
fn marked_callers(
    fence: &Fence,
    mention: &line::Mention,
    rest: &str,
) -> Option<crate::security::Callers> {
    const SIGNALS: &[&str] =
        &["auth", "admin", "public", "only", "owner", "protected", "jwt", "role", "private"];
    let open = rest.rfind(['(', '['])?;
    let close = open + rest[open..].find([')', ']'])?;
    let inner = &rest[open + 1..close];
    let lower = inner.to_lowercase();
    if inner.split_whitespace().count() > 5 || !SIGNALS.iter().any(|word| lower.contains(word)) {
        return None;
    }
    let at = mention.range.end + open + 1;
    callers_of(inner, fence.span_of(at..at + inner.len()), &[])
}
