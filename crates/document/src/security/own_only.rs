//! Sentences that keep people to their own rows: `Users may only see their own notes.`

use crate::{
    Chapter, ClaimKind,
    compile::Reading,
    outline::{Inline, NodeKind},
    security::{
        Action, Who,
        access::{Permission, Source},
        owners::Ownership,
        phrases::Nouns,
    },
    statement::Claim,
};

/// Longer texts are no rule about access.
const BYTES_MAX: usize = 400;

/// Reads all such sentences; one that names no table whose rows have owners stays prose.
pub(super) fn read(
    reading: &mut Reading<'_>,
    nouns: &Nouns<'_>,
    ownership: &Ownership,
) -> Vec<Permission> {
    let mut permissions = Vec::new();
    for node in &reading.outline.nodes {
        let (NodeKind::Paragraph(inline) | NodeKind::Item { inline, .. }) = &node.kind else {
            continue;
        };
        let Some((start, action, tables)) = sentence(inline, nouns) else { continue };
        let tables: Vec<&str> =
            tables.into_iter().filter(|table| ownership.of(table).is_some()).collect();
        if tables.is_empty() {
            continue;
        }
        let text = inline.text.trim();
        let span = inline.span_of(start..inline.text.trim_end().len());
        for table in &tables {
            let actions = vec![action.clone()];
            let said = (text, span);
            permissions.push(
                Permission::new(table, actions, Who::Authenticated, said, Source::List).own(),
            );
        }
        let words = format!("access: own rows only of `{}`", tables.join("`, `"));
        let claim = Claim::new(ClaimKind::Access, Chapter::Security, words)
            .about(format!("access:{}", tables.join(",")));
        reading.ledger.bind(span, "line", claim);
    }
    permissions
}

/// Where the sentence begins, what it is about doing, and with the rows of which tables.
fn sentence<'a>(inline: &Inline, nouns: &Nouns<'a>) -> Option<(usize, Action, Vec<&'a str>)> {
    if inline.text.len() > BYTES_MAX {
        return None;
    }
    let text = inline.text.to_ascii_lowercase();
    let start = text.find("users ").or_else(|| text.find("a user "))?;
    let (people, rest) = text.get(start..)?.split_once(" only ")?;
    let is_rule = ["can", "may", "must", "should", "are allowed to", "shall"]
        .iter()
        .any(|word| people.trim_end().ends_with(word));
    let (verb, object) = rest.split_once(" their own ")?;
    let action = match verb.trim() {
        "access" | "see" | "view" | "read" | "list" | "query" => Action::Read,
        "edit" | "update" | "modify" | "change" => Action::Update,
        "delete" | "remove" => Action::Delete,
        _ => return None,
    };
    let end = object.find(['.', ';', '(', '\n']).unwrap_or(object.len());
    let tables: Vec<&str> = object
        .get(..end)?
        .split([',', '/'])
        .flat_map(|piece| piece.split(" and "))
        .filter_map(|noun| nouns.names.find(noun.trim()))
        .collect();
    (is_rule && !tables.is_empty()).then_some((start, action, tables))
}
