//! Reads roles in YAML: `roles:` with a list of permissions each, such as `posts:update:own`.

use crate::{
    Chapter, ClaimKind, Span,
    compile::Reading,
    outline::{Fence, NodeKind},
    security::{
        Who,
        access::{Permission, Source},
        endpoints::not_defined,
        phrases::Nouns,
        roles::{Definition, Meaning, RoleBook},
        vocabulary::all_actions,
    },
    statement::{Claim, Class},
    yaml::{self, Yaml},
};

/// A role with its permissions, and where each stands.
struct Listed {
    name: String,
    name_span: Span,
    permissions: Vec<(String, Span)>,
}

/// The roles that a fence lists under `roles:`; none where the members are something else.
fn listed(fence: &Fence) -> Vec<Listed> {
    if !fence.text.contains("roles:") {
        return Vec::new();
    }
    let Ok(documents) = yaml::read(&fence.text) else { return Vec::new() };
    let place = |node: &Yaml| fence.span_of(node.range.clone());
    let mut found = Vec::new();
    for root in &documents {
        let inner = ["rbac", "authorization", "access_control", "security", "auth"]
            .iter()
            .find_map(|key| root.get(key).and_then(|inner| inner.get("roles")));
        let Some(roles) = root.get("roles").or(inner) else { continue };
        for (name, value) in roles.members() {
            let Some(text) = name.text() else { continue };
            let list = value.get("permissions").or_else(|| value.get("can")).unwrap_or(value);
            found.push(role(text, place(name), list, &place));
        }
        for item in roles.items() {
            let Some(name) = item.get("name").or_else(|| item.get("role")).or(Some(item)) else {
                continue;
            };
            let Some(text) = name.text() else { continue };
            let nothing = Yaml { kind: yaml::Kind::Sequence(Vec::new()), range: 0..0 };
            let list = item.get("permissions").unwrap_or(&nothing);
            found.push(role(text, place(name), list, &place));
        }
    }
    found
}

fn role(name: &str, name_span: Span, list: &Yaml, place: &dyn Fn(&Yaml) -> Span) -> Listed {
    let scalar = list.text().map(|text| (text.to_owned(), place(list)));
    let items = list.items().iter().filter_map(|item| Some((item.text()?.to_owned(), place(item))));
    Listed { name: name.to_owned(), name_span, permissions: items.chain(scalar).collect() }
}

/// The roles that a fence defines: under a heading about roles, or where permissions look like
/// some.
pub(super) fn definitions(fence: &Fence, is_about_roles: bool) -> Vec<Definition> {
    let listed = listed(fence);
    let is_permission = |text: &str| text == "*" || text.contains(':') && !text.contains(' ');
    let is_telling = is_about_roles
        || listed
            .iter()
            .flat_map(|role| &role.permissions)
            .any(|(permission, _)| is_permission(permission));
    if !is_telling {
        return Vec::new();
    }
    listed
        .into_iter()
        .map(|role| Definition {
            name: role.name,
            aliases: Vec::new(),
            description: None,
            span: role.name_span,
        })
        .collect()
}

/// The permissions of all roles in YAML.
pub(super) fn read(
    reading: &mut Reading<'_>,
    book: &RoleBook,
    nouns: &Nouns<'_>,
) -> Vec<Permission> {
    let mut permissions = Vec::new();
    for node in &reading.outline.nodes {
        let NodeKind::Fence(fence) = &node.kind else { continue };
        if !matches!(fence.language.as_str(), "yaml" | "yml" | "json") {
            continue;
        }
        for role in listed(fence) {
            let who = match book.meaning(&role.name) {
                Meaning::Who(who) => who,
                Meaning::NotDefined
                    if role.permissions.iter().any(|(text, _)| text.contains(':')) =>
                {
                    reading.diagnostics.push(not_defined(book, &role.name, role.name_span));
                    continue;
                }
                _ => continue,
            };
            for (text, span) in &role.permissions {
                let found = permission(&who, text, *span, nouns);
                let is_admins = who == Who::Admin;
                if found.is_empty() && !is_admins {
                    let why = format!("`{text}` names no table with a clear action");
                    reading.ledger.class(*span, "item", Class::NotUnderstood, why);
                    continue;
                }
                let meaning = if is_admins {
                    "the admin may do everything".to_owned()
                } else {
                    format!("`{}` may: {text}", role.name)
                };
                let claim = Claim::new(ClaimKind::Access, Chapter::Security, meaning)
                    .about(format!("role:{}", role.name));
                reading.ledger.bind(*span, "item", claim);
                permissions.extend(found);
            }
        }
    }
    permissions
}

/// `posts:read`, `read:posts`, `posts.update.own`, `posts:*`, `*`.
fn permission(who: &Who, text: &str, span: Span, nouns: &Nouns<'_>) -> Vec<Permission> {
    let new = |table: &str, actions| {
        Permission::new(table, actions, who.clone(), (text, span), Source::List)
    };
    if matches!(text.trim(), "*" | "*:*" | "all") {
        return nouns.data.tables.iter().map(|table| new(&table.name, all_actions())).collect();
    }
    let mut parts: Vec<&str> = text.split([':', '.', '/']).map(str::trim).collect();
    let own = parts.iter().any(|part| matches!(*part, "own" | "self" | "owned"));
    parts.retain(|part| !matches!(*part, "own" | "self" | "owned" | "any" | "all"));
    let [left, right] = parts.as_slice() else { return Vec::new() };
    for (noun, verb) in [(left, right), (right, left)] {
        let Some(table) = nouns.names.find(noun) else { continue };
        let permission = if *verb == "*" {
            new(table, all_actions())
        } else {
            let read = nouns.read(&format!("{verb} {table}"), None);
            let Some(phrase) = read.found.into_iter().next() else { continue };
            new(table, phrase.actions)
        };
        return vec![if own { permission.own() } else { permission }];
    }
    Vec::new()
}
