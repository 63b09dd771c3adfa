//! TypeScript interfaces and object types, where they describe what is stored and not a message.

use std::collections::HashMap;

use super::{
    ColumnType, Form,
    name::snake,
    sketch::{Field, Sketch, plain_type},
};
use crate::{Span, outline::Fence};

/// True where a fence holds TypeScript, by its label or by its first line.
pub(crate) fn is_typescript(fence: &Fence) -> bool {
    match fence.language.as_str() {
        "typescript" | "ts" | "tsx" => true,
        "" | "text" => fence.text.lines().map(str::trim).any(|line| {
            let line = line.strip_prefix("export ").unwrap_or(line);
            line.starts_with("interface ") && line.ends_with('{')
        }),
        _ => false,
    }
}

/// Longer fences are programs.
const FENCE_BYTES_MAX: usize = 32 * 1024;

/// Value lists by the name of their type: `type Role = 'admin' | 'clerk'`, `enum Role { … }`.
pub(crate) type Lists = HashMap<String, Vec<String>>;

/// Gathers a fence's named value lists.
pub(crate) fn read_lists(fence: &Fence, lists: &mut Lists) {
    let text = &fence.text;
    if text.len() > FENCE_BYTES_MAX {
        return;
    }
    for (at, _) in text.match_indices("type ") {
        if !begins_word(text, at) {
            continue;
        }
        let Some((name, rest)) = text.get(at + 5..).and_then(|rest| rest.split_once('=')) else {
            continue;
        };
        let body = rest.split([';', '{']).next().unwrap_or("");
        let body = body.split("\n\n").next().unwrap_or(body);
        if let (true, Some(values)) = (is_name(name.trim()), literals(body)) {
            lists.insert(name.trim().to_owned(), values);
        }
    }
    for (at, _) in text.match_indices("enum ") {
        let rest = text.get(at + 5..).unwrap_or("");
        let Some((name, body)) = rest.split_once('{').filter(|_| begins_word(text, at)) else {
            continue;
        };
        let body = body.split('}').next().unwrap_or("");
        let values: Vec<String> = body
            .split(',')
            .filter_map(|member| {
                let member = member.lines().filter(|line| !line.trim().starts_with("//"));
                let member: String = member.collect();
                let (name, value) = member.split_once('=').unwrap_or((&member, ""));
                let value = value.trim().trim_matches(['\'', '"', '`']);
                let value = if value.is_empty() { name.trim() } else { value };
                (!value.is_empty() && !value.contains(char::is_whitespace))
                    .then(|| value.to_owned())
            })
            .collect();
        if is_name(name.trim()) && values.len() >= 2 {
            lists.insert(name.trim().to_owned(), values);
        }
    }
}

/// Reads a fence's interfaces and object types.
pub(crate) fn read(fence: &Fence, lists: &Lists) -> Vec<Sketch> {
    let text = &fence.text;
    let mut sketches = Vec::new();
    let mut from = 0;
    if text.len() > FENCE_BYTES_MAX {
        return sketches;
    }
    while let Some((name_at, name, body_at)) = next_head(text, from) {
        let end = body_end(text, body_at);
        let body = text.get(body_at..end).unwrap_or("");
        let mut reader = Members { fence, lists, fields: Vec::new(), has_methods: false };
        reader.read(body, body_at);
        let span = fence.span_of(name_at..name_at + name.len());
        let has_id = reader.fields.iter().any(|field| snake(&field.name) == "id");
        sketches.push(Sketch {
            form: Form::TypeScript,
            name: name.to_owned(),
            span,
            is_stored: has_id && !reader.has_methods && !is_message(name),
            fields: reader.fields,
            statement: span.to(fence.span_of(body_at..end)),
        });
        from = end.max(body_at);
    }
    sketches
}

/// The next `interface NAME {` or `type NAME = {`: where the name stands, and where its body
/// begins.
fn next_head(text: &str, from: usize) -> Option<(usize, &str, usize)> {
    let mut at = from;
    loop {
        let rest = text.get(at..)?;
        let (found, keyword) = ["interface ", "type "]
            .into_iter()
            .filter_map(|keyword| rest.find(keyword).map(|found| (found, keyword)))
            .min()?;
        let name_at = at + found + keyword.len();
        at = name_at;
        if !begins_word(text, name_at - keyword.len()) {
            continue;
        }
        let after = text.get(name_at..)?;
        let length = after.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
        let name = after.get(..length)?;
        let open = after.find('{')?;
        let between = after.get(length..open)?;
        let is_head = match keyword {
            "interface " => !between.contains(['}', ';']),
            _ => between.trim() == "=",
        };
        if is_head && is_name(name) {
            return Some((name_at, name, name_at + open + 1));
        }
    }
}

fn begins_word(text: &str, at: usize) -> bool {
    text.get(..at).is_some_and(|before| {
        const BYTES_MAX: usize = 32;
        let mut from = before.len().saturating_sub(BYTES_MAX);
        while !before.is_char_boundary(from) {
            from += 1;
        }
        let line = before.get(from..).unwrap_or("").rsplit('\n').next().unwrap_or("");
        matches!(line.trim(), "" | "export" | "declare" | "export declare" | "export const")
    })
}

/// Where the body that begins here ends: before its closing brace.
fn body_end(text: &str, from: usize) -> usize {
    let mut depth = 1usize;
    for (at, c) in text.get(from..).unwrap_or("").char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return from + at;
        }
    }
    text.len()
}

/// Names of messages, views and parts of programs, which are not stored.
fn is_message(name: &str) -> bool {
    const ENDINGS: &[&str] = &[
        "request",
        "response",
        "props",
        "state",
        "config",
        "configuration",
        "input",
        "output",
        "event",
        "service",
        "dto",
        "payload",
        "params",
        "options",
        "context",
        "result",
        "error",
        "query",
        "filter",
        "filters",
        "repository",
        "store",
        "provider",
        "handler",
        "client",
        "adapter",
        "controller",
        "command",
        "message",
        "settings",
        "schema",
        "args",
        "summary",
        "details",
        "view",
        "form",
        "data",
        "info",
        "stats",
        "metrics",
        "job",
        "action",
        "hook",
        "create",
        "update",
        "claims",
    ];
    let snake = snake(name);
    let last = snake.rsplit('_').next().unwrap_or("");
    let first = snake.split('_').next().unwrap_or("");
    let is_one_word = !snake.contains('_');
    // `Event` or `Job` alone may well be an entity; `OrderEvent` is a message.
    (ENDINGS.contains(&last) && !is_one_word)
        || matches!(last, "request" | "response" | "props" | "dto")
        || matches!(first, "create" | "update" | "use" | "i")
}

struct Members<'a> {
    fence: &'a Fence,
    lists: &'a Lists,
    fields: Vec<Field>,
    has_methods: bool,
}

impl Members<'_> {
    /// Reads the members of a body, one after another.
    fn read(&mut self, body: &str, offset: usize) {
        let mut at = 0;
        while let Some(rest) = body.get(at..).filter(|rest| !rest.is_empty()) {
            let length = member_length(rest);
            let line_end = rest.get(length..).and_then(|tail| tail.find('\n'));
            let tail = rest.get(length..length + line_end.unwrap_or(0)).unwrap_or("");
            let comment = tail.trim_start_matches([';', ',']).trim().strip_prefix("//");
            self.member(rest.get(..length).unwrap_or(""), offset + at, comment.map(str::trim));
            at += length.max(1);
            if comment.is_some() {
                at += tail.len();
            }
            while body.get(at..).is_some_and(|rest| rest.starts_with([';', ',', '\n', '\r', ' '])) {
                at += 1;
            }
        }
    }

    fn member(&mut self, text: &str, start: usize, comment: Option<&str>) {
        // Comments on lines of their own.
        let mut start = start;
        let mut text = text;
        loop {
            let trimmed = text.trim_start();
            start += text.len() - trimmed.len();
            text = trimmed;
            let skipped = if text.starts_with("//") {
                text.find('\n').unwrap_or(text.len())
            } else if text.starts_with("/*") {
                text.find("*/").map_or(text.len(), |end| end + 2)
            } else {
                break;
            };
            start += skipped;
            text = text.get(skipped..).unwrap_or("");
        }
        let Some((head, kind)) = text.split_once(':') else { return };
        if head.contains('(') {
            self.has_methods = true;
            return;
        }
        let name = head.trim().trim_start_matches("readonly ").trim();
        let optional = name.ends_with('?');
        let name = name.trim_end_matches('?').trim().trim_matches(['\'', '"']);
        if !is_name(name) || kind.contains("=>") {
            self.has_methods |= kind.contains("=>");
            return;
        }
        let name_at = start + text.find(name).unwrap_or(0);
        let span = self.fence.span_of(name_at..name_at + name.len());
        let kind_at = start + head.len() + 1 + (kind.len() - kind.trim_start().len());
        let kind = kind.trim();
        let kind_span = self.fence.span_of(kind_at..kind_at + kind.len());
        self.field(name, span, kind, kind_span, optional, comment);
    }

    fn field(
        &mut self,
        name: &str,
        span: Span,
        kind: &str,
        kind_span: Span,
        optional: bool,
        comment: Option<&str>,
    ) {
        let parts: Vec<&str> = kind.split('|').map(str::trim).collect();
        let is_nullable = parts.iter().any(|part| matches!(*part, "null" | "undefined"));
        let plain: Vec<&str> =
            parts.iter().copied().filter(|p| !matches!(*p, "null" | "undefined" | "")).collect();
        let values = literals(&plain.join("|")).or_else(|| match plain.as_slice() {
            [one] => self.lists.get(*one).cloned(),
            _ => None,
        });
        let stored = match (&values, plain.as_slice()) {
            (Some(_), _) => Some(ColumnType::Text { length_max: None }),
            (None, [one]) => stored_type(one, name, comment.unwrap_or("")),
            _ => None,
        };
        let mut field = Field::new(name, span, stored, kind_span);
        field.nullable = Some(optional || is_nullable);
        field.values = values;
        let lower = comment.unwrap_or("").to_lowercase();
        field.is_unique = lower.contains("unique");
        field.comment = comment.map(str::to_owned);
        self.fields.push(field);
    }
}

/// The bytes of the member that begins here: up to its `;`, `,` or the end of its line, outside
/// of braces.
fn member_length(text: &str) -> usize {
    let mut depth = 0usize;
    let mut in_comment = false;
    let mut has_content = false;
    for (at, c) in text.char_indices() {
        if in_comment {
            in_comment = c != '\n';
            continue;
        }
        match c {
            '/' if text.get(at..).is_some_and(|rest| rest.starts_with("//")) => {
                if has_content && depth == 0 {
                    return at;
                }
                in_comment = true;
            }
            '{' | '(' | '[' | '<' => depth += 1,
            '}' | ')' | ']' => depth = depth.saturating_sub(1),
            '>' if !text.get(..at).is_some_and(|before| before.ends_with('=')) => {
                depth = depth.saturating_sub(1);
            }
            ';' | ',' if depth == 0 => return at,
            '\n' if depth == 0 && has_content => {
                // A union may go on in the next line.
                let next = text.get(at..).unwrap_or("").trim_start();
                let line = text.get(..at).unwrap_or("").trim_end();
                if !next.starts_with('|') && !line.ends_with(['|', ':']) {
                    return at;
                }
            }
            _ => {}
        }
        has_content |= !c.is_whitespace();
    }
    text.len()
}

/// The type that a member is stored as; none where it is another entity.
fn stored_type(kind: &str, name: &str, comment: &str) -> Option<ColumnType> {
    let kind = kind.trim();
    let comment = comment.to_lowercase();
    if kind == "string" {
        let column = snake(name);
        if comment.contains("uuid") {
            return Some(ColumnType::Uuid);
        }
        let is_time = column.ends_with("_at") || comment.contains("iso 8601");
        return Some(if is_time || comment.contains("timestamp") {
            ColumnType::Timestamp { zoned: true }
        } else {
            ColumnType::Text { length_max: None }
        });
    }
    if kind == "number" {
        let column = snake(name);
        let last = column.rsplit('_').next().unwrap_or("");
        const WHOLE: &[&str] =
            &["id", "count", "quantity", "age", "year", "position", "order", "version", "level"];
        return Some(if WHOLE.contains(&last) {
            ColumnType::Integer { bits: 64 }
        } else {
            ColumnType::Numeric { precision: None, scale: None }
        });
    }
    if kind == "Date" {
        return Some(ColumnType::Timestamp { zoned: true });
    }
    if kind.starts_with('{') || kind.starts_with("Record<") || kind.starts_with("Map<") {
        return Some(ColumnType::Json);
    }
    let element = kind
        .strip_suffix("[]")
        .or_else(|| kind.strip_prefix("Array<").and_then(|rest| rest.strip_suffix('>')));
    if let Some(element) = element {
        if element.trim_start().starts_with(['{', '(']) {
            return Some(ColumnType::Json);
        }
        let element = stored_type(element, "", "")?;
        return Some(ColumnType::Array { element: Box::new(element) });
    }
    let is_plain = kind.chars().next().is_some_and(char::is_lowercase);
    let is_known = matches!(kind, "UUID" | "Uuid" | "Decimal" | "DateTime" | "Timestamp" | "JSON");
    if is_plain || is_known { plain_type(kind) } else { None }
}

/// The values of a union of string literals.
fn literals(kind: &str) -> Option<Vec<String>> {
    let values: Option<Vec<String>> = kind
        .split('|')
        .map(|part| part.split("//").next().unwrap_or("").trim())
        .filter(|part| !part.is_empty())
        .map(|part| {
            let inner = part
                .strip_prefix('\'')
                .and_then(|rest| rest.strip_suffix('\''))
                .or_else(|| part.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')))?;
            Some(inner.to_owned())
        })
        .collect();
    values.filter(|values| values.len() >= 2)
}

fn is_name(text: &str) -> bool {
    text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}
