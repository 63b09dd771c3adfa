//! OpenAPI in YAML or JSON blocks, whole or as a fragment: its endpoints, and what is wrong in it.

use std::ops::Range;

use indexmap::{IndexMap, IndexSet};
use serde_json::Value;

use super::{EndpointForm, Example, Method, codes, draft::Draft, path, scope::Scopes};
use crate::{
    Diagnostic, Span,
    outline::{Fence, NodeId, NodeKind, Outline},
    security::{Callers, Who},
    yaml::{self, Kind, Yaml},
};

/// A specification found in a block.
#[derive(Debug)]
pub(super) struct Specification<'a> {
    pub(super) fence: &'a Fence,
    node: NodeId,
    root: Yaml,
}

/// All specifications of a document.
pub(super) fn specifications(outline: &Outline) -> Vec<Specification<'_>> {
    let mut found = Vec::new();
    for (node, fence) in
        outline.nodes.iter().enumerate().filter_map(|(id, node)| match &node.kind {
            NodeKind::Fence(fence) => Some((id, fence)),
            _ => None,
        })
    {
        let may_be =
            matches!(fence.language.as_str(), "yaml" | "yml" | "json" | "" | "openapi" | "swagger");
        if !may_be || !looks_like_one(&fence.text) {
            continue;
        }
        let Ok(roots) = yaml::read(&masked(&fence.text)) else { continue };
        for root in roots {
            if paths_of(&root).next().is_some() || root.get("components").is_some() {
                found.push(Specification { fence, node, root });
            }
        }
    }
    found
}

/// A cheap look before parsing: a path as a key, or the head of a specification.
fn looks_like_one(text: &str) -> bool {
    text.contains("paths:")
        || text.contains("\"paths\"")
        || text.contains("components:")
        || text.lines().any(|line| {
            let line = line.trim_start();
            line.starts_with('/') && line.trim_end().ends_with(':')
        })
}

/// Placeholders such as `title: {Feature} API` would be flow mappings; bytes stay where they are.
fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let value = line.find(": ").map_or("", |at| line[at + 2..].trim());
        let breaks = |open: char, close: char| {
            value.starts_with(open) && value.contains(close) && !value.ends_with(close)
        };
        if breaks('{', '}') || breaks('[', ']') {
            masked.extend(line.chars().map(|c| match c {
                '{' | '[' => '(',
                '}' | ']' => ')',
                c => c,
            }));
        } else {
            masked.push_str(line);
        }
    }
    masked
}

/// Path items: under `paths`, or at the top of a fragment.
fn paths_of(root: &Yaml) -> impl Iterator<Item = (&Yaml, &str, &Yaml)> {
    root.get("paths")
        .unwrap_or(root)
        .members()
        .iter()
        .filter_map(|(key, item)| Some((key, key.text()?, item)))
        .filter(|(_, path, item)| path.starts_with('/') && is_path_item(item))
}

fn is_path_item(item: &Yaml) -> bool {
    item.members().iter().any(|(key, _)| key.text().and_then(lower_method).is_some())
}

fn lower_method(word: &str) -> Option<Method> {
    (word == word.to_lowercase()).then(|| Method::parse(word)).flatten()
}

impl Specification<'_> {
    fn place(&self, range: Range<usize>) -> Span {
        self.fence.span_of(range)
    }

    /// The path of the first server that has one, with its place.
    fn server(&self) -> Option<(String, Range<usize>)> {
        self.root.get("servers")?.items().iter().find_map(|server| {
            let url = server.get("url")?;
            let read = path::read(url.text()?)?;
            (read.text.len() > 1).then(|| (read.text, url.range.clone()))
        })
    }

    /// The endpoints, with their paths under the server's.
    pub(super) fn drafts(&self, outline: &Outline, scopes: &Scopes) -> Vec<Draft> {
        let section = outline.nodes[self.node].section;
        if scopes.is_foreign(section) {
            return Vec::new();
        }
        let server = self.server();
        let mut drafts = Vec::new();
        for (_, raw, item) in paths_of(&self.root) {
            for (key, operation) in item.members() {
                let Some(method) = key.text().and_then(lower_method) else { continue };
                let span = self.place(key.range.clone());
                let found = Draft::new(method, raw, EndpointForm::OpenApi, span, self.node);
                let Some(mut draft) = found else { continue };
                draft.path = match &server {
                    Some((base, _)) if doubled(base, &draft.path) => draft.path,
                    Some((base, _)) => path::join(base, &draft.path),
                    None => scopes.absolute(outline, self.node, &draft.path),
                };
                self.fill(&mut draft, item, operation);
                drafts.push(draft);
            }
        }
        drafts
    }

    fn fill(&self, draft: &mut Draft, item: &Yaml, operation: &Yaml) {
        draft.summary = ["summary", "description", "operationId"]
            .iter()
            .find_map(|key| operation.get_text(key))
            .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
        draft.callers = self.callers(operation);
        for parameters in [item.get("parameters"), operation.get("parameters")] {
            for parameter in parameters.map_or(&[][..], Yaml::items) {
                let name = parameter.get_text("name").unwrap_or_default().to_owned();
                let is_query = parameter.get_text("in") == Some("query");
                if is_query && !name.is_empty() && !draft.parameters.contains(&name) {
                    draft.parameters.push(name);
                }
            }
        }
        draft.request = operation.get("requestBody").and_then(|body| self.example(body, None));
        for (key, response) in operation.get("responses").map_or(&[][..], Yaml::members) {
            let status = key.text().and_then(|text| text.parse().ok());
            draft.responses.extend(self.example(response, status));
        }
    }

    /// The example of a body: at its media type, in a named example, or at its schema.
    fn example(&self, body: &Yaml, status: Option<u16>) -> Option<Example> {
        let (_, media) = body.get("content")?.members().first()?;
        let example = media
            .get("example")
            .or_else(|| media.get("examples")?.members().first()?.1.get("value"))
            .or_else(|| media.get("schema")?.get("example"))?;
        let body = json_of(example);
        let is_body = body.is_object() || body.is_array();
        is_body.then(|| Example { status, body, span: self.place(example.range.clone()) })
    }

    /// `security` of the operation, else of the whole: none is public, scopes are roles.
    fn callers(&self, operation: &Yaml) -> Option<Callers> {
        let security = operation.get("security").or_else(|| self.root.get("security"))?;
        let mut who = Vec::new();
        let mut names = Vec::new();
        for requirement in security.items() {
            if requirement.members().is_empty() {
                // `- bearerAuth` without its colon is a scheme; only `- {}` demands nothing.
                let is_scheme = requirement.text().is_some_and(|name| !name.trim().is_empty());
                who.push(if is_scheme { Who::Authenticated } else { Who::Public });
            }
            for (_, scopes) in requirement.members() {
                let roles = scopes.texts();
                if roles.is_empty() {
                    who.push(Who::Authenticated);
                }
                for name in roles {
                    names.push(name.clone());
                    who.push(match name.to_lowercase().as_str() {
                        "admin" => Who::Admin,
                        _ => Who::Role { name },
                    });
                }
            }
        }
        if security.items().is_empty() {
            who.push(Who::Public);
        }
        who.dedup();
        // The words that a line beside an endpoint would have for the same.
        let text = match (who.contains(&Who::Public), names.as_slice()) {
            (true, _) => "None".to_owned(),
            (false, []) => "Required".to_owned(),
            (false, names) => format!("Required ({})", names.join(", ")),
        };
        Some(Callers { who, text, span: self.place(security.range.clone()) })
    }

    /// Named schemas with their places.
    pub(super) fn schemas(&self) -> impl Iterator<Item = (&str, Span, &Yaml)> {
        let components = self.root.get("components").and_then(|found| found.get("schemas"));
        let schemas = components.or_else(|| self.root.get("definitions"));
        schemas
            .map_or(&[][..], Yaml::members)
            .iter()
            .filter_map(|(key, schema)| Some((key.text()?, self.place(key.range.clone()), schema)))
    }

    /// Whether a server's path and the paths repeat each other.
    pub(super) fn check_servers(&self, diagnostics: &mut Vec<Diagnostic>) {
        let Some((base, range)) = self.server() else { return };
        let mut repeated = paths_of(&self.root)
            .filter(|(_, raw, _)| path::read(raw).is_some_and(|path| doubled(&base, &path.text)));
        let Some((key, raw, _)) = repeated.next() else { return };
        let mut diagnostic = Diagnostic::new(
            &codes::A010,
            self.place(key.range.clone()),
            format!("the server's path and this one together are `{base}{raw}`"),
        )
        .label("repeats the server's path")
        .also(self.place(range), format!("every path begins after `{base}`"));
        for (key, ..) in repeated.take(8) {
            diagnostic = diagnostic.also(self.place(key.range.clone()), "here too");
        }
        let prefix = path::version_prefix(raw);
        diagnostics.push(diagnostic.help(format!(
            "write the prefix once: `{prefix}` in the server's URL, the paths without it"
        )));
    }

    /// References to schemas that nobody defines.
    pub(super) fn check_references(
        &self,
        defined: &IndexSet<(String, String)>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let mut missing: IndexMap<(String, String), Vec<Range<usize>>> = IndexMap::new();
        let mut open = vec![&self.root];
        while let Some(node) = open.pop() {
            match &node.kind {
                Kind::Sequence(items) => open.extend(items),
                Kind::Mapping(members) => {
                    for (key, value) in members {
                        match (key.text(), value.text()) {
                            (Some("$ref"), Some(target)) => {
                                let Some((group, name)) = component(target) else { continue };
                                let component = (group, name);
                                if defined.contains(&component) {
                                    continue;
                                }
                                let range = value.range.clone();
                                missing.entry(component).or_default().push(range);
                            }
                            _ => open.push(value),
                        }
                    }
                }
                Kind::Scalar(..) | Kind::Alias => {}
            }
        }
        // A fragment without components refers to what stands elsewhere.
        if defined.is_empty() {
            return;
        }
        for ((group, name), mut places) in missing {
            places.sort_by_key(|range| range.start);
            diagnostics.extend(self.dangling(defined, &group, &name, &places));
        }
    }

    fn dangling(
        &self,
        defined: &IndexSet<(String, String)>,
        group: &str,
        name: &str,
        places: &[Range<usize>],
    ) -> Option<Diagnostic> {
        let (first, rest) = places.split_first()?;
        let span = self.place(first.clone());
        let message =
            format!("`$ref` to `{name}`, which is not defined under `components.{group}`");
        let mut diagnostic =
            Diagnostic::new(&codes::A011, span, message).label("refers to nothing");
        for range in rest.iter().take(8) {
            diagnostic = diagnostic.also(self.place(range.clone()), "and here");
        }
        let names = defined.iter().filter(|(g, _)| g == group).map(|(_, name)| name.as_str());
        let near = crate::diagnostic::similar(name, names);
        Some(match near.first() {
            Some(near) => diagnostic.help(format!("a schema with a similar name exists: `{near}`")),
            None => diagnostic.help(format!("define `{name}` under `components.{group}`")),
        })
    }

    /// Names of all components, with the group each stands in.
    pub(super) fn components(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (group, members) in self.root.get("components").map_or(&[][..], Yaml::members) {
            for (name, _) in members.members() {
                if let (Some(group), Some(name)) = (group.text(), name.text()) {
                    found.push((group.to_owned(), name.to_owned()));
                }
            }
        }
        for (name, _) in self.root.get("definitions").map_or(&[][..], Yaml::members) {
            if let Some(name) = name.text() {
                found.push(("schemas".to_owned(), name.to_owned()));
            }
        }
        found
    }
}

/// `#/components/schemas/User` gives `schemas` and `User`; other references are not ours to follow.
fn component(target: &str) -> Option<(String, String)> {
    if let Some(name) = target.strip_prefix("#/definitions/") {
        return Some(("schemas".to_owned(), name.to_owned()));
    }
    let (group, name) = target.strip_prefix("#/components/")?.split_once('/')?;
    (!name.contains('/')).then(|| (group.to_owned(), name.to_owned()))
}

/// True where the server's path and a path would say `v1` or `api` twice.
fn doubled(base: &str, path: &str) -> bool {
    let own = path::version_prefix(path);
    !own.is_empty()
        && own
            .split('/')
            .filter(|piece| !piece.is_empty())
            .any(|piece| base.split('/').any(|known| known == piece))
}

/// The value of an example.
fn json_of(yaml: &Yaml) -> Value {
    match &yaml.kind {
        Kind::Scalar(text, true) => match text.as_str() {
            "null" | "~" | "" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            text => text
                .parse::<serde_json::Number>()
                .map_or_else(|_| Value::String(text.to_owned()), Value::Number),
        },
        Kind::Scalar(text, false) => Value::String(text.clone()),
        Kind::Sequence(items) => Value::Array(items.iter().map(json_of).collect()),
        Kind::Mapping(members) => Value::Object(
            members
                .iter()
                .filter_map(|(key, value)| Some((key.text()?.to_owned(), json_of(value))))
                .collect(),
        ),
        Kind::Alias => Value::Null,
    }
}
