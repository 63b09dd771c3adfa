//! Roles defined inside fences: `Role: admin` lines, TypeScript unions or enums, and YAML.

use super::{Found, is_common_role, is_role_shaped, speaks_of_roles};
use crate::{
    outline::{Fence, NodeId, Outline},
    security::{
        roles::{ClosedList, Definition},
        yaml_roles,
    },
};

/// Reads one fence.
pub(super) fn fence(outline: &Outline, id: NodeId, fence: &Fence, found: &mut Found) {
    match fence.language.as_str() {
        "" | "text" | "txt" | "plaintext" => role_lines(fence, &mut found.definitions),
        "typescript" | "ts" | "tsx" | "javascript" | "js" => type_script(fence, found),
        "yaml" | "yml" => {
            let is_about = outline.context(id).iter().any(|words| speaks_of_roles(words));
            found.definitions.extend(yaml_roles::definitions(fence, is_about));
        }
        _ => {}
    }
}

/// `Role: editor` at the start of a line.
fn role_lines(fence: &Fence, definitions: &mut Vec<Definition>) {
    for (start, line) in lines(&fence.text) {
        let Some(name) = role_line(line) else { continue };
        let at = start + line.find(name).unwrap_or(0);
        definitions.push(Definition {
            name: name.to_owned(),
            aliases: Vec::new(),
            description: None,
            span: fence.span_of(at..at + name.len()),
        });
    }
}

/// The name in `Role: editor`.
pub(in crate::security) fn role_line(line: &str) -> Option<&str> {
    let trimmed = line.trim();
    let rest = trimmed.strip_prefix("Role:").or_else(|| trimmed.strip_prefix("role:"))?;
    let name = rest.split(['(', '#', '-']).next().unwrap_or("").trim();
    (is_role_shaped(name) && !name.contains(' ')).then_some(name)
}

/// Lines with the byte each begins at.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line.trim_end_matches(['\n', '\r']))
    })
}

/// `type UserRole = 'admin' | 'user'` closes the set; `enum Role { Admin = 'admin' }` does too.
fn type_script(fence: &Fence, found: &mut Found) {
    for (start, line) in lines(&fence.text) {
        let trimmed = line.trim_start().trim_start_matches("export ").trim_start();
        let Some(rest) = trimmed.strip_prefix("type ").or_else(|| trimmed.strip_prefix("enum "))
        else {
            continue;
        };
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if !name.to_lowercase().ends_with("role") && !name.to_lowercase().ends_with("roles") {
            continue;
        }
        let from = start + (line.len() - rest.len()) + name.len();
        let end = fence.text[from..].find([';', '}']).map_or(fence.text.len(), |at| from + at);
        // A body of many lines is no list of roles.
        if end - from > 1_000 {
            continue;
        }
        let names = quoted(&fence.text[from..end]);
        if names.len() < 2 || !names.iter().any(|name| is_common_role(name)) {
            continue;
        }
        let span = fence.span_of(start + (line.len() - line.trim_start().len())..end);
        if found.closed.is_none() {
            found.closed = Some(ClosedList { names, span });
        } else {
            found.elsewhere.extend(names.iter().map(|name| crate::security::vocabulary::key(name)));
        }
    }
}

/// Texts between quotes.
fn quoted(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['\'', '"']) {
        let quote = rest.as_bytes().get(open).copied().unwrap_or(b'\'') as char;
        let after = &rest[open + 1..];
        let Some(close) = after.find(quote) else { break };
        let name = &after[..close];
        if is_role_shaped(name) {
            names.push(name.to_owned());
        }
        rest = &after[close + 1..];
    }
    names
}
