//! GraphQL schemas in blocks: types that are used and not defined, and what they offer that the
//! REST endpoints do not.

use std::{collections::HashMap, ops::Range};

use indexmap::{IndexMap, IndexSet};

use super::{Method, codes, names, path};
use crate::{
    Diagnostic, Span,
    outline::{Fence, NodeKind, Outline},
};

/// A name in a schema, with its place.
#[derive(Debug, Clone)]
struct Word {
    text: String,
    range: Range<usize>,
}

/// What a schema defines and uses.
#[derive(Debug, Default)]
pub(super) struct Schema {
    defined: IndexSet<String>,
    used: Vec<(String, Span)>,
    /// Fields of `Mutation`, with their places.
    mutations: Vec<(String, Span)>,
}

/// All schemas of the document as one.
pub(super) fn schema(outline: &Outline) -> Schema {
    let mut schema = Schema::default();
    for node in &outline.nodes {
        let NodeKind::Fence(fence) = &node.kind else { continue };
        let is_sdl = matches!(fence.language.as_str(), "graphql" | "gql" | "graphqls")
            || (fence.language.is_empty()
                && (fence.text.contains("type Query {") || fence.text.contains("type Mutation {")));
        // Operations (`query Name { … }`) are requests, not a schema.
        let defines = ["type ", "input ", "enum ", "interface ", "schema ", "extend "]
            .iter()
            .any(|word| fence.text.lines().any(|line| line.starts_with(word)));
        if is_sdl && defines {
            read(fence, &mut schema);
        }
    }
    schema
}

fn words(text: &str) -> Vec<Word> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if c == '#' {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if let Some(text) = rest.strip_prefix("\"\"\"") {
            at += text.find("\"\"\"").map_or(rest.len(), |end| end + 6);
        } else if c == '"' {
            at += rest[1..].find(['"', '\n']).map_or(rest.len(), |end| end + 2);
        } else if c.is_alphanumeric() || matches!(c, '_' | '@' | '$') {
            let length = rest
                .find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '@' | '$'))
                .unwrap_or(rest.len());
            found.push(Word { text: rest[..length].to_owned(), range: at..at + length });
            at += length;
        } else {
            if matches!(c, '{' | '}' | ':' | '=' | '|' | '(' | ')' | '&' | '[') {
                found.push(Word { text: c.to_string(), range: at..at + c.len_utf8() });
            }
            at += c.len_utf8();
        }
    }
    found
}

fn read(fence: &Fence, schema: &mut Schema) {
    let words = words(&fence.text);
    let text = |index: usize| words.get(index).map_or("", |word| word.text.as_str());
    let mut index = 0;
    let mut owner = String::new();
    let (mut braces, mut parentheses) = (0_usize, 0_usize);
    while let Some(word) = words.get(index) {
        match word.text.as_str() {
            "{" => braces += 1,
            "}" => {
                braces = braces.saturating_sub(1);
                if braces == 0 {
                    owner.clear();
                }
            }
            "(" => parentheses += 1,
            ")" => parentheses = parentheses.saturating_sub(1),
            ":" if owner != "enum" => {
                // The type after a colon, inside of list brackets or not.
                let mut next = index + 1;
                while text(next) == "[" {
                    next += 1;
                }
                if let Some(used) = words.get(next).filter(|used| is_name(&used.text)) {
                    let span = fence.span_of(used.range.clone());
                    schema.used.push((used.text.clone(), span));
                    let field = index.checked_sub(1).map(&text).unwrap_or_default();
                    if owner == "Mutation" && parentheses == 0 {
                        mutation(&words, index, fence, schema, field);
                    }
                    index = next;
                }
            }
            "type" | "input" | "interface" | "enum" | "scalar" | "union" | "directive"
                if braces == 0 =>
            {
                let name = text(index + 1).to_owned();
                if !name.starts_with('@') && is_name(&name) {
                    owner = if word.text == "enum" { "enum".to_owned() } else { name.clone() };
                    if matches!(word.text.as_str(), "scalar" | "union") {
                        owner.clear();
                    }
                    schema.defined.insert(name);
                }
                index += 1;
            }
            _ => {}
        }
        index += 1;
    }
}

/// The field of `Mutation` whose type stands after the colon at `index`: the name before its
/// arguments.
fn mutation(words: &[Word], index: usize, fence: &Fence, schema: &mut Schema, before: &str) {
    let mut at = index.saturating_sub(1);
    if before == ")" {
        let mut depth = 0_usize;
        while at > 0 {
            match words.get(at).map_or("", |word| word.text.as_str()) {
                ")" => depth += 1,
                "(" => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        break;
                    }
                }
                _ => {}
            }
            at -= 1;
        }
        at = at.saturating_sub(1);
    }
    if let Some(word) = words.get(at).filter(|word| is_name(&word.text)) {
        schema.mutations.push((word.text.clone(), fence.span_of(word.range.clone())));
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

impl Schema {
    /// Types that are used and not defined, one diagnostic each.
    pub(super) fn check_types(&self, diagnostics: &mut Vec<Diagnostic>) {
        const BUILT_IN: &[&str] = &["Int", "Float", "String", "Boolean", "ID"];
        let mut missing: IndexMap<&str, Vec<Span>> = IndexMap::new();
        for (name, span) in &self.used {
            if BUILT_IN.contains(&name.as_str()) || self.defined.contains(name.as_str()) {
                continue;
            }
            missing.entry(name.as_str()).or_default().push(*span);
        }
        if missing.len() > MISSING_MAX {
            let missing: Vec<(&str, Vec<Span>)> = missing.into_iter().collect();
            diagnostics.extend(excerpt(&missing));
            return;
        }
        for (name, places) in missing {
            let Some((first, rest)) = places.split_first() else { continue };
            let message = format!("the GraphQL schema uses `{name}`, which it does not define");
            let mut diagnostic =
                Diagnostic::new(&codes::A012, *first, message).label("not defined");
            for span in rest.iter().take(8) {
                diagnostic = diagnostic.also(*span, "used here too");
            }
            let near = crate::diagnostic::similar(name, self.defined.iter().map(String::as_str));
            let near = near.first().filter(|near| strsim::damerau_levenshtein(name, near) <= 2);
            diagnostics.push(match near {
                Some(near) if !is_scalar(name) => {
                    diagnostic.help(format!("a type with a similar name exists: `{near}`"))
                }
                _ if is_scalar(name) => diagnostic.help(format!("declare `scalar {name}`")),
                _ if name.ends_with("Input") => {
                    diagnostic.help(format!("declare `input {name} {{ … }}`"))
                }
                _ => diagnostic.help(format!("declare `type {name} {{ … }}`")),
            });
        }
    }

    /// Mutations whose counterpart the REST endpoints lack, for resources that both serve.
    /// `routes` are method and path of all endpoints.
    pub(super) fn check_parity(
        &self,
        routes: &[(Method, String, Span)],
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let mut lacking: HashMap<String, Vec<(String, Span)>> = HashMap::new();
        let mut order: Vec<String> = Vec::new();
        for (field, span) in &self.mutations {
            let words = names::words(field);
            let Some((verb, rest)) = words.split_first() else { continue };
            let methods: &[Method] = match verb.as_str() {
                "create" | "add" => &[Method::Post],
                "update" | "edit" => &[Method::Put, Method::Patch],
                "delete" | "remove" => &[Method::Delete],
                _ => continue,
            };
            let resource = names::normal(&rest.join("_"));
            let served: Vec<&(Method, String, Span)> =
                routes.iter().filter(|(_, path, _)| serves(path, &resource)).collect();
            if served.is_empty() || served.iter().any(|(method, ..)| methods.contains(method)) {
                continue;
            }
            if !order.contains(&resource) {
                order.push(resource.clone());
            }
            lacking.entry(resource).or_default().push((field.clone(), *span));
        }
        for resource in order {
            let Some(fields) = lacking.get(&resource) else { continue };
            let Some(((_, first), rest)) = fields.split_first() else { continue };
            let names: Vec<String> = fields.iter().map(|(name, _)| format!("`{name}`")).collect();
            let message = format!(
                "{} only {} in GraphQL: the REST endpoints have no counterpart",
                names.join(" and "),
                if names.len() == 1 { "exists" } else { "exist" }
            );
            let mut diagnostic = Diagnostic::new(&codes::A013, *first, message).label("only here");
            for (_, span) in rest {
                diagnostic = diagnostic.also(*span, "only here");
            }
            if let Some((.., span)) = routes.iter().find(|(_, path, _)| serves(path, &resource)) {
                diagnostic = diagnostic.also(*span, "the same resource as REST");
            }
            diagnostics
                .push(diagnostic.help("add the endpoints, or leave the difference as it is"));
        }
    }
}

/// More missing types than this, and the block is an excerpt: said once.
const MISSING_MAX: usize = 6;

fn excerpt(missing: &[(&str, Vec<Span>)]) -> Option<Diagnostic> {
    let (_, places) = missing.first()?;
    let names: Vec<String> = missing.iter().take(20).map(|(name, _)| format!("`{name}`")).collect();
    let message = format!("the GraphQL schema does not define {}", names.join(", "));
    let mut diagnostic =
        Diagnostic::new(&codes::A012, *places.first()?, message).label("not defined");
    for (_, places) in missing.iter().skip(1).take(8) {
        diagnostic = diagnostic.also(*places.first()?, "not defined");
    }
    Some(diagnostic.help("define them, or say in the document that this is an excerpt"))
}

fn is_scalar(name: &str) -> bool {
    matches!(
        name,
        "DateTime"
            | "Date"
            | "Time"
            | "JSON"
            | "JSONObject"
            | "UUID"
            | "Upload"
            | "BigInt"
            | "Decimal"
            | "Email"
            | "URL"
            | "Timestamp"
            | "Long"
            | "Any"
            | "Void"
    )
}

fn serves(path: &str, resource: &str) -> bool {
    path::segments(path).iter().any(
        |segment| matches!(segment, path::Segment::Word(word) if names::normal(word) == resource),
    )
}
