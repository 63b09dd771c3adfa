//! Finds where a document defines roles: enumerated types and role columns, lists and tables
//! under headings about roles, `Role:` lines, YAML and TypeScript.

use crate::{
    Chapter, Span,
    data::{ColumnType, Data, DefaultValue, EnumType},
    expression::Literal,
    outline::{Inline, Mark, NodeId, NodeKind, Outline},
    security::{
        Identity, Who,
        matrices::is_matrix,
        policies,
        roles::{ClosedList, Definition},
        vocabulary::{actions_of, key},
    },
    system::System,
};

/// What the document says about which roles there are.
#[derive(Default)]
pub(super) struct Found {
    /// The list that closes the set.
    pub(super) closed: Option<ClosedList>,
    /// All other places that define roles.
    pub(super) definitions: Vec<Definition>,
    /// Values of role-like types that are not the users' own.
    pub(super) elsewhere: Vec<String>,
}

/// Finds all definitions of roles.
pub(super) fn find(outline: &Outline, data: &Data, identity: &Identity) -> Found {
    let mut found = Found { closed: closed_list(data, identity), ..Found::default() };
    let chosen: Vec<String> = found.closed.iter().flat_map(|list| list.names.clone()).collect();
    // A share's `viewer` or a plan's `premium` is no role, but no misspelt one either.
    for listed in &data.enums {
        found.elsewhere.extend(
            listed.values.iter().filter(|value| !chosen.contains(value)).map(|value| key(value)),
        );
    }
    for (id, node) in outline.nodes.iter().enumerate() {
        match &node.kind {
            NodeKind::List { .. } => list(outline, id, &mut found.definitions),
            NodeKind::Table { header } => {
                table(outline, id, header, &mut found.definitions);
                matrix(outline, id, header, &mut found.definitions);
            }
            NodeKind::Fence(fence) => fences::fence(outline, id, fence, &mut found),
            NodeKind::Paragraph(inline) | NodeKind::Item { inline, .. } => {
                sentence(outline, id, inline, &mut found.definitions);
            }
            _ => {}
        }
    }
    found
}

/// Names that are used as roles define these where no list closes the set: the default of the role
/// column, words beside endpoints, constants that policies compare the role with.
pub(super) fn used(system: &System, identity: &Identity) -> Vec<Definition> {
    let mut found = Vec::new();
    let mut add = |name: &str, span: Span| {
        found.push(Definition {
            name: name.to_owned(),
            aliases: Vec::new(),
            description: None,
            span,
        });
    };
    if let Identity::Table { table, role: Some(role), .. } = identity {
        let column = system.data.table(table).and_then(|table| table.column(role));
        if let Some(column) = column
            && let Some(DefaultValue::Literal { literal: Literal::Text(text) }) = &column.default
        {
            add(text, column.span);
        }
    }
    for callers in system.api.endpoints.iter().filter_map(|endpoint| endpoint.callers.as_ref()) {
        for who in &callers.who {
            match who {
                Who::Role { name } if is_role_shaped(name) => add(name, callers.span),
                _ => {}
            }
        }
    }
    for policy in &system.data.policies {
        for written in policy.using.iter().chain(&policy.check) {
            for name in policies::roles_in(written) {
                add(&name, written.span);
            }
        }
    }
    found
}

/// The values of the users' role column, else of the only type that is about roles.
fn closed_list(data: &Data, identity: &Identity) -> Option<ClosedList> {
    if let Identity::Table { table, role: Some(role), .. } = identity {
        let table = data.table(table)?;
        let column = table.column(role)?;
        if let Some((names, span)) = data.values_of(table, column) {
            return Some(ClosedList { names, span });
        }
        // A role column of plain text takes any role.
        if !matches!(column.kind, ColumnType::Enum { .. } | ColumnType::Other { .. }) {
            return None;
        }
    }
    let mut listed = data.enums.iter().filter(|listed| listed.declared && is_about_roles(listed));
    match (listed.next(), listed.next()) {
        (Some(only), None) => Some(ClosedList { names: only.values.clone(), span: only.span }),
        _ => None,
    }
}

fn is_about_roles(listed: &EnumType) -> bool {
    let name = listed.name.to_lowercase();
    name.split('_').any(|word| word == "role" || word == "roles")
}

/// Headings under which a list names roles.
pub(super) fn speaks_of_roles(words: &str) -> bool {
    const TELLING: &[&str] = &[
        "role",
        "permission",
        "authorization",
        "authorisation",
        "access control",
        "access level",
        "rbac",
        "user type",
        "who can",
        "access rule",
        "access matrix",
        "authorization level",
        "rollen",
        "berechtigung",
        "permiso",
        "rôle",
        "droits",
    ];
    TELLING.iter().any(|telling| words.contains(telling)) || words == "access"
}

/// Words that real documents use for roles; one of them must stand in a list of roles.
pub(super) fn is_common_role(word: &str) -> bool {
    const COMMON: &[&str] = &[
        "admin",
        "administrator",
        "superadmin",
        "superuser",
        "moderator",
        "editor",
        "viewer",
        "manager",
        "member",
        "customer",
        "client",
        "staff",
        "agent",
        "operator",
        "employee",
        "teacher",
        "student",
        "seller",
        "vendor",
        "buyer",
        "owner",
        "user",
        "guest",
        "public",
        "authenticated",
        "author",
        "contributor",
        "analyst",
        "developer",
        "support",
        "auditor",
        "supervisor",
        "organizer",
        "attendee",
        "instructor",
        "driver",
        "doctor",
        "nurse",
        "patient",
        "receptionist",
        "reviewer",
        "librarian",
        "cashier",
        "accountant",
        "technician",
        "hr",
        "anonymous",
        "visitor",
        "subscriber",
        "reader",
        "writer",
        "merchant",
        "partner",
        "readonly",
        "superadministrator",
        "platformadmin",
        "systemadmin",
    ];
    let key = key(word);
    COMMON.iter().any(|common| key == *common || key == format!("{common}s"))
        || key.ends_with("admin")
        || key.ends_with("manager")
        || key.ends_with("owner")
}

/// True for a label that could be the name of a role.
fn is_role_shaped(label: &str) -> bool {
    const OTHER: &[&str] = &[
        "method",
        "type",
        "token",
        "model",
        "authentication",
        "authorization",
        "session",
        "jwt",
        "oauth",
        "rbac",
        "mfa",
        "password",
        "encryption",
        "api",
        "permission",
        "access",
        "policy",
        "rate",
        "middleware",
        "header",
        "flow",
        "storage",
        "expiry",
        "provider",
        "note",
        "data",
        "audit",
        "security",
        "login",
        "control",
        "scope",
        "resource",
        "default",
        "row",
        "level",
        "https",
        "role",
        "organization",
        "membership",
        "tenant",
        "group",
        "team",
        "event",
        "cors",
        "hashing",
        "claims",
        "implementation",
        "management",
        "endpoints",
        "keys",
    ];
    let words: Vec<String> =
        label.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|w| !w.is_empty()).collect();
    (1..=3).contains(&words.len())
        && label.len() <= 40
        && label.chars().all(|c| c.is_alphanumeric() || " _-/".contains(c))
        && label.chars().any(char::is_alphabetic)
        && !words
            .iter()
            .any(|word| OTHER.contains(word) || OTHER.contains(&word.trim_end_matches('s')))
}

/// The label before the first colon or dash of an item, with what follows and, in round brackets,
/// another spelling: `**Delivery Manager (DM)**: …`.
pub(super) struct Labelled {
    /// The name.
    pub(super) name: String,
    /// Bytes of the name in the text.
    pub(super) range: std::ops::Range<usize>,
    /// The other spelling.
    pub(super) alias: Option<String>,
    /// Bytes of what follows the separator.
    pub(super) rest: std::ops::Range<usize>,
}

/// Splits an item into label and rest; none where it has no label.
pub(super) fn labelled(inline: &Inline) -> Option<Labelled> {
    let text = &inline.text;
    let strong = inline
        .parts
        .first()
        .filter(|part| matches!(part.mark, Mark::Strong | Mark::Code))
        .map(|part| part.range.clone());
    let (label, rest) = match strong {
        Some(range) if range.end < text.len() => {
            let after = &text[range.end..];
            let skipped =
                after.len() - after.trim_start_matches([' ', ':', '-', '–', '—', '(', '→']).len();
            // `**Admin** users may …` is a sentence, not a label.
            let separates = after.trim_start().starts_with([':', '-', '–', '—', '(', '→']);
            let has_colon = text[range.clone()].trim_end().ends_with(':');
            if !separates && !has_colon {
                return None;
            }
            // An alias in brackets after the name stays with the name.
            let end = if after.trim_start().starts_with('(') {
                range.end + after.find([':', '–', '—'])?
            } else {
                range.end
            };
            (range.start..end, range.end.max(end) + if end == range.end { skipped } else { 1 })
        }
        Some(range) => (range, text.len()),
        None => {
            let at = text.find(": ").or_else(|| text.find(" - ").or_else(|| text.find(" – ")))?;
            let width = if text[at..].starts_with(": ") { 2 } else { 3 };
            (0..at, (at + width).min(text.len()))
        }
    };
    let raw = text.get(label.clone())?;
    let (name, alias) = match raw.find('(') {
        Some(at) => {
            let inside = raw[at + 1..].split(')').next().unwrap_or("").trim();
            (&raw[..at], (!inside.is_empty()).then(|| inside.to_owned()))
        }
        None => (raw, None),
    };
    let name = name.trim().trim_end_matches(':').trim();
    let start = label.start + raw.find(name).unwrap_or(0);
    let rest = text.char_indices().map(|(at, _)| at).find(|&at| at >= rest).unwrap_or(text.len());
    (!name.is_empty()).then(|| Labelled {
        name: name.to_owned(),
        range: start..start + name.len(),
        alias,
        rest: rest..text.len(),
    })
}

/// A list whose labels are roles, under a heading that speaks of them.
fn list(outline: &Outline, id: NodeId, definitions: &mut Vec<Definition>) {
    if !is_list_of_roles(outline, id) {
        return;
    }
    for (_, child) in outline.children(id) {
        let NodeKind::Item { inline, .. } = &child.kind else { continue };
        let Some(labelled) = labelled(inline) else { continue };
        let rest = inline.text[labelled.rest.clone()].trim();
        definitions.push(Definition {
            name: labelled.name,
            aliases: labelled.alias.into_iter().collect(),
            description: (!rest.is_empty()).then(|| rest.to_owned()),
            span: inline.span_of(labelled.range),
        });
    }
}

/// True for a list where each item is labelled with a role or level word.
pub(super) fn is_list_of_roles(outline: &Outline, id: NodeId) -> bool {
    let context = outline.context(id);
    if !context.iter().take(2).any(|words| speaks_of_roles(words)) {
        return false;
    }
    let mut labels = Vec::new();
    // A single item is one only where it says what the role may do.
    let mut says_what = false;
    for (_, child) in outline.children(id) {
        if let NodeKind::Item { inline, .. } = &child.kind {
            match labelled(inline) {
                Some(labelled) if is_role_shaped(&labelled.name) => {
                    let rest = inline.text.get(labelled.rest.clone()).unwrap_or("");
                    says_what |= begins_with_verb(rest);
                    labels.push(labelled.name);
                }
                _ => return false,
            }
        }
    }
    (labels.len() >= 2 || says_what) && labels.iter().any(|label| is_common_role(label))
}

/// `read posts`, `can create posts`.
fn begins_with_verb(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let word = words.find(|word| !matches!(word.to_lowercase().as_str(), "can" | "may" | "to"));
    word.is_some_and(|word| actions_of(&word.to_lowercase()).is_some())
}

/// `| Role | Permissions |`: each row's first cell is a role.
fn table(outline: &Outline, id: NodeId, header: &[Inline], definitions: &mut Vec<Definition>) {
    if !is_table_of_roles(outline, id, header) {
        return;
    }
    for (_, child) in outline.children(id) {
        let NodeKind::Row { cells } = &child.kind else { continue };
        let Some(cell) = cells.first() else { continue };
        let raw = cell.trimmed();
        let (name, alias) = match raw.split_once('(') {
            Some((name, rest)) => (name.trim(), rest.split(')').next().map(str::trim)),
            None => (raw, None),
        };
        if !is_role_shaped(name) {
            continue;
        }
        let start = cell.text.find(name).unwrap_or(0);
        definitions.push(Definition {
            name: name.to_owned(),
            aliases: alias
                .filter(|alias| !alias.is_empty())
                .map(str::to_owned)
                .into_iter()
                .collect(),
            description: cells.get(1).map(|cell| cell.trimmed().to_owned()),
            span: cell.span_of(start..start + name.len()),
        });
    }
}

/// The columns of a role × action table.
fn matrix(outline: &Outline, id: NodeId, header: &[Inline], definitions: &mut Vec<Definition>) {
    let names: Vec<&Inline> =
        header.iter().skip(1).filter(|cell| is_role_shaped(cell.trimmed())).collect();
    let common = names.iter().filter(|cell| is_common_role(cell.trimmed())).count();
    let acts = names.iter().any(|cell| actions_of(&cell.trimmed().to_lowercase()).is_some());
    if common == 0 || acts || !is_matrix(outline, id, header) {
        return;
    }
    for cell in names {
        definitions.push(Definition {
            name: cell.trimmed().to_owned(),
            aliases: Vec::new(),
            description: None,
            span: cell.span,
        });
    }
}

/// True for tables with a role per row.
pub(super) fn is_table_of_roles(outline: &Outline, id: NodeId, header: &[Inline]) -> bool {
    let words: Vec<String> = header.iter().map(|cell| cell.trimmed().to_lowercase()).collect();
    let is_role = words
        .first()
        .is_some_and(|word| matches!(word.as_str(), "role" | "roles" | "user role" | "user type"));
    if !is_role || words.len() < 2 {
        return false;
    }
    let says_what = words.iter().skip(1).any(|word| {
        ["permission", "access", "capabilit", "can ", "allowed", "rights", "privilege"]
            .iter()
            .any(|telling| word.contains(telling))
    });
    let section = outline.nodes.get(id).and_then(|node| node.section);
    let under_roles =
        section.is_some() && outline.context(id).iter().take(1).any(|words| speaks_of_roles(words));
    let is_signature = words.iter().any(|word| word == "signature" || word == "name");
    (says_what || under_roles) && !is_signature
}

/// `Roles: A, B, C` in a sentence of the security chapter, or with each name in back-ticks.
fn sentence(outline: &Outline, id: NodeId, inline: &Inline, definitions: &mut Vec<Definition>) {
    let lower = inline.text.to_lowercase();
    let Some(at) = lower.find("roles:").map(|at| at + 6).or_else(|| {
        let at = lower.find("role enum")?;
        lower[at..].find(':').map(|colon| at + colon + 1)
    }) else {
        return;
    };
    if lower.len() != inline.text.len() {
        return;
    }
    let end = inline.text[at..].find(['\n', '.', ';']).map_or(inline.text.len(), |end| at + end);
    let coded: Vec<_> = inline
        .parts
        .iter()
        .filter(|part| part.mark == Mark::Code && part.range.start >= at && part.range.end <= end)
        .map(|part| part.range.clone())
        .collect();
    let about_roles = outline.chapter(id) == Some(Chapter::Security)
        || outline.context(id).iter().any(|words| speaks_of_roles(words));
    let pieces = if coded.is_empty() {
        if !about_roles {
            return;
        }
        std::iter::once(at..end).collect()
    } else {
        coded
    };
    let names = split_names(&inline.text, &pieces);
    let all_shaped = names.iter().all(|range| is_role_shaped(inline.text[range.clone()].trim()));
    let any_common = names.iter().any(|range| is_common_role(&inline.text[range.clone()]));
    if names.len() < 2 || !all_shaped || !any_common {
        return;
    }
    for range in names {
        definitions.push(Definition {
            name: inline.text[range.clone()].to_owned(),
            aliases: Vec::new(),
            description: None,
            span: inline.span_of(range),
        });
    }
}

/// Names separated by commas, bars, slashes or `and`, without blanks around them.
fn split_names(text: &str, pieces: &[std::ops::Range<usize>]) -> Vec<std::ops::Range<usize>> {
    let mut names = Vec::new();
    for piece in pieces {
        let mut start = piece.start;
        let raw = &text[piece.clone()];
        let mut cut = |start: usize, end: usize| {
            let inside = &text[start..end];
            let trimmed =
                inside.trim_start_matches(" and ").trim().trim_start_matches("and ").trim();
            if trimmed.is_empty() {
                return;
            }
            let offset = start + inside.find(trimmed).unwrap_or(0);
            names.push(offset..offset + trimmed.len());
        };
        for (at, mark) in raw.match_indices([',', '|', '/']) {
            cut(start, piece.start + at);
            start = piece.start + at + mark.len();
        }
        cut(start, piece.end);
    }
    names
}

#[path = "role_fences.rs"]
mod fences;
pub(crate) use fences::lines;
pub(super) use fences::role_line;
