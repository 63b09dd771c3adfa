//! Permissions that follow from who may call an endpoint, and the sentence about all endpoints.

use std::collections::HashSet;

use crate::{
    Diagnostic, Span,
    api::{Api, Binding, Endpoint, Nested, Operation},
    data::{Column, ColumnType, Table},
    diagnostic::similar,
    expression::{Expression, Literal},
    outline::{Inline, NodeKind, Outline},
    security::{
        Action, Callers, Who,
        access::{Permission, Source, and},
        callers_of, codes,
        owners::Ownership,
        roles::{Meaning, RoleBook},
    },
};

/// A sentence that all endpoints need identity, with the words that except some.
#[derive(Debug, Clone)]
pub(super) struct AllEndpoints {
    /// The sentence.
    pub(super) text: String,
    /// What stands after "except", in lower case.
    exceptions: String,
    /// Where it stands.
    pub(super) span: Span,
}

/// Finds the sentence that all endpoints need identity.
pub(super) fn all_endpoints(outline: &Outline) -> Option<AllEndpoints> {
    outline.nodes.iter().find_map(|node| match &node.kind {
        NodeKind::Paragraph(inline) | NodeKind::Item { inline, .. } => sentence(inline),
        _ => None,
    })
}

fn sentence(inline: &Inline) -> Option<AllEndpoints> {
    const EVERY: &[&str] = &[
        "all endpoints",
        "all api endpoints",
        "all other endpoints",
        "every endpoint",
        "all api requests",
        "all requests",
        "every request",
        "every api request",
        "all routes",
        "all api routes",
        "all apis",
        "all api calls",
        "each endpoint",
        "each request",
        "all protected endpoints",
        "endpoints require",
        "every api call",
        "all rest endpoints",
        "required everywhere",
    ];
    const IDENTITY: &[&str] =
        &["authenticat", "jwt", "bearer", "token", "signed in", "logged in", "login required"];
    const DEMANDS: &[&str] = &[
        "require",
        "must",
        "need",
        "is protected",
        "are protected",
        "carry",
        "mandatory",
        "are secured",
    ];
    if inline.text.len() > 1_000 {
        return None;
    }
    let mut start = 0;
    for piece in inline.text.split_inclusive(['\n', '.', ';']) {
        let range = start..start + piece.len();
        start = range.end;
        let lower = piece.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        let bounds =
            ["except", "apart from", "excluding", "other than", "unless", "besides", "but not"];
        let cut = bounds.iter().filter_map(|word| lower.find(word)).min();
        let head = &lower[..cut.unwrap_or(lower.len())];
        let demands = DEMANDS.iter().any(|word| head.contains(word));
        let is_negated = head.contains("not require") || head.contains("no auth");
        if has(EVERY) && has(IDENTITY) && demands && !is_negated && !lower.contains("rate limit") {
            // A sentence may go on after a full stop inside a path such as `/v1.0/login`.
            let exceptions = cut.map_or(String::new(), |_| {
                inline.text[range.start..].to_lowercase().lines().next().unwrap_or("").to_owned()
            });
            let shown = piece.trim();
            let at = range.start + piece.find(shown).unwrap_or(0);
            return Some(AllEndpoints {
                text: shown.to_owned(),
                exceptions,
                span: inline.span_of(at..at + shown.len()),
            });
        }
    }
    None
}

impl AllEndpoints {
    /// True for an endpoint that the sentence names as an exception.
    fn excepts(&self, endpoint: &Endpoint) -> bool {
        let cut =
            ["except", "apart from", "excluding", "other than", "unless", "besides", "but not"]
                .iter()
                .filter_map(|word| self.exceptions.find(word))
                .min();
        let Some(cut) = cut else { return false };
        let words = &self.exceptions[cut..];
        let path = endpoint.path.to_lowercase();
        let names_path = words
            .split(|c: char| c.is_whitespace() || ",;()`".contains(c))
            .map(|word| word.trim_end_matches(['.', '*']).trim_end_matches('/'))
            .filter(|word| word.starts_with('/') && word.len() > 1)
            .any(|word| path == word || path.ends_with(word) || path.contains(&format!("{word}/")));
        let last = path.rsplit('/').find(|part| !part.is_empty() && !part.starts_with('{'));
        let names_word = last.is_some_and(|last| {
            let bare = last.replace(['-', '_'], " ");
            words.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_' && c != ' ').any(
                |piece| {
                    format!(" {} ", piece.replace(['-', '_'], " ")).contains(&format!(" {bare} "))
                },
            ) || (bare == "register" && (words.contains("registration") || words.contains("sign")))
                || (bare == "signup" && words.contains("regist"))
        });
        names_path || names_word
    }

    /// Gives the sentence to every endpoint that has no words of its own.
    pub(super) fn apply(&self, api: &mut Api) -> usize {
        let mut count = 0;
        for endpoint in &mut api.endpoints {
            if endpoint.callers.is_some() || matches!(endpoint.binding, Binding::BuiltIn { .. }) {
                continue;
            }
            let who = if self.excepts(endpoint) {
                Who::Public
            } else if is_admins(&endpoint.path) {
                Who::Admin
            } else {
                Who::Authenticated
            };
            endpoint.callers =
                Some(Callers { who: vec![who], text: self.text.clone(), span: self.span });
            count += 1;
        }
        count
    }
}

/// Reads the callers of all endpoints again now that the roles are known: spellings become those
/// that are stored, and a role that the document's list does not have is told at both places.
pub(super) fn resolve_callers(api: &mut Api, book: &RoleBook, diagnostics: &mut Vec<Diagnostic>) {
    let names: Vec<String> = book.roles.iter().map(|role| role.name.clone()).collect();
    let mut told: HashSet<(String, Span)> = HashSet::new();
    for endpoint in &mut api.endpoints {
        let Some(callers) = &mut endpoint.callers else { continue };
        if let Some(read) = callers_of(&callers.text, callers.span, &names) {
            callers.who = read.who;
        }
        for who in &mut callers.who {
            // Under `/admin`, "signed in" is not meant for everybody who can register.
            if *who == Who::Authenticated && is_admins(&endpoint.path) {
                *who = Who::Admin;
            }
            let Who::Role { name } = who else { continue };
            match book.meaning(name) {
                Meaning::Who(found) => *who = found,
                Meaning::NotDefined => {
                    let place = (name.clone(), callers.span);
                    if told.insert(place) {
                        let span = place_of(name, &callers.text, callers.span);
                        diagnostics.push(not_defined(book, name, span));
                    }
                }
                Meaning::Nothing => {}
            }
        }
    }
}

/// The name alone where the words stand in the document as they were read.
fn place_of(name: &str, text: &str, span: Span) -> Span {
    match text.find(name) {
        Some(at) if text.len() == span.range().len() => {
            let start = span.start as usize + at;
            Span::new(span.file, start, start + name.len())
        }
        _ => span,
    }
}

/// True for paths that are the admin's by their own word: `/admin/users`.
fn is_admins(path: &str) -> bool {
    path.split('/').any(|part| part == "admin" || part == "super-admin")
}

/// A role that is used but not in the list of roles.
pub(super) fn not_defined(book: &RoleBook, name: &str, span: Span) -> Diagnostic {
    let mut diagnostic =
        Diagnostic::new(&codes::S001, span, format!("role `{name}` is used but not defined"))
            .label("no user can have this role");
    let Some(list) = &book.closed else { return diagnostic };
    let shown = list.names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    diagnostic = diagnostic.also(list.span, format!("the roles are {shown}"));
    let close = similar(name, list.names.iter().map(String::as_str));
    match close.first() {
        Some(close) => diagnostic.help(format!("a role with a similar name exists: `{close}`")),
        None => diagnostic.help(format!("to define it, add `{name}` to the list of roles")),
    }
}

/// True where an endpoint's words say that it lists the caller's rows: `List own cards`.
fn speaks_of_own(endpoint: &Endpoint) -> bool {
    let is_list = matches!(&endpoint.binding, Binding::Table { operation: Operation::List, .. });
    let summary = endpoint.summary.as_deref().unwrap_or("").to_lowercase().replace('’', "'");
    let says_own = summary.split_whitespace().any(|word| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '\'');
        matches!(word, "my" | "own" | "caller's" | "meine" | "eigene" | "mis" | "propios" | "mes")
    });
    is_list && (says_own || summary.contains("current user's"))
}

/// What the callers of an endpoint may do with rows.
pub(super) fn permissions(
    endpoint: &Endpoint,
    tables: &[Table],
    ownership: &Ownership,
) -> Vec<Permission> {
    let Some(callers) = &endpoint.callers else { return Vec::new() };
    let Some((table, action)) = act(&endpoint.binding) else { return Vec::new() };
    // The sentence of an endpoint is the endpoint with its words, for refusals to name.
    let text = format!("{} {} · {}", endpoint.method.word(), endpoint.path, callers.text);
    let limit = limit(&endpoint.binding, tables);
    let is_mine = matches!(
        &endpoint.binding,
        Binding::Table { nested: Some(nested), .. } if nested.parameter == Nested::ME
    );
    let lists_own = speaks_of_own(endpoint) && ownership.of(table).is_some();
    callers
        .who
        .iter()
        .map(|who| {
            let mut permission = Permission::new(
                table,
                vec![action.clone()],
                who.clone(),
                (&text, callers.span),
                Source::Endpoint,
            );
            permission.condition = limit.clone();
            let is_somebody = matches!(who, Who::Authenticated | Who::Role { .. });
            let is_own = (is_mine && *who == Who::Authenticated) || (lists_own && is_somebody);
            if is_own { permission.own() } else { permission }
        })
        .collect()
}

/// The table and action of a binding.
pub(super) fn act(binding: &Binding) -> Option<(&str, Action)> {
    match binding {
        Binding::Table { table, operation, .. } => Some((
            table,
            match operation {
                Operation::List | Operation::Get => Action::Read,
                Operation::Create => Action::Create,
                Operation::Replace | Operation::Update => Action::Update,
                Operation::Delete => Action::Delete,
            },
        )),
        Binding::Transition { table, action, .. } => {
            Some((table, Action::Transition { name: action.clone() }))
        }
        _ => None,
    }
}

/// The rows that the path itself limits an endpoint to: `/posts/published` shows no drafts.
fn limit(binding: &Binding, tables: &[Table]) -> Option<Expression> {
    let Binding::Table { table, operation, filters, .. } = binding else { return None };
    if !matches!(operation, Operation::List | Operation::Get) {
        return None;
    }
    let table = tables.iter().find(|found| found.name == *table)?;
    filters.iter().fold(None, |condition, (name, value)| {
        let Some(column) = table.column(name) else { return condition };
        and(condition, Expression::column(name).equals(constant(column, value)))
    })
}

fn constant(column: &Column, value: &str) -> Expression {
    let literal = match column.kind {
        ColumnType::Boolean => Literal::Boolean(value == "true"),
        ColumnType::Integer { .. } | ColumnType::Serial { .. } | ColumnType::Numeric { .. } => {
            Literal::Number(value.to_owned())
        }
        _ => Literal::Text(value.to_owned()),
    };
    Expression::Literal { literal }
}
