//! Where the resources are served: the base path that the endpoints share.

use super::{Binding, bind::Bound, merge::Merged, path, scope::Scopes};

/// The base path: as stated for the whole document, else what most bound endpoints begin with.
pub(super) fn of(scopes: &Scopes, bound: &[(Merged, Bound)]) -> String {
    let stated = scopes.bases().iter().find(|base| base.section.is_none());
    if let Some(stated) = stated.filter(|base| !base.path.is_empty()) {
        return stated.path.clone();
    }
    let mut counts: Vec<(String, usize)> = Vec::new();
    let of_tables = bound.iter().filter(|(_, bound)| {
        matches!(bound.binding, Binding::Table { .. } | Binding::Transition { .. })
    });
    for (one, _) in of_tables {
        let prefix = path::version_prefix(&one.draft.path);
        match counts.iter_mut().find(|(known, _)| *known == prefix) {
            Some((_, count)) => *count += 1,
            None => counts.push((prefix, 1)),
        }
    }
    let most = counts.into_iter().reduce(|best, next| if next.1 > best.1 { next } else { best });
    most.map_or_else(|| "/api/v1".to_owned(), |(prefix, _)| prefix)
}
