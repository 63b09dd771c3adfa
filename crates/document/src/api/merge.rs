//! Places that name the same endpoint become one: the first place is kept, what the others add is
//! added, and what they deny is reported.

use std::collections::HashMap;

use super::{Method, codes, draft::Draft, path};
use crate::{
    Diagnostic, Span,
    security::{Callers, Who},
};

/// An endpoint with all places that name it.
#[derive(Debug, Clone)]
pub(super) struct Merged {
    pub(super) draft: Draft,
    /// Further places.
    pub(super) others: Vec<Draft>,
}

/// Merges drafts that name one method and one route.
pub(super) fn merge(drafts: Vec<Draft>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Merged> {
    let mut merged: Vec<Merged> = Vec::new();
    let mut by_route: HashMap<(Method, String), usize> = HashMap::new();
    let full = full_paths(&drafts);
    let (declared, spoken): (Vec<Draft>, Vec<Draft>) =
        drafts.into_iter().partition(|draft| !draft.is_mention);
    for mut draft in declared.into_iter().chain(spoken) {
        let shape = path::shape(&draft.path);
        if let Some(longer) = full.get(&(draft.method, shape)) {
            draft.path.clone_from(longer);
        }
        let route = (draft.method, path::shape(&draft.path));
        match by_route.get(&route).and_then(|&index| merged.get_mut(index)) {
            Some(known) => add(known, draft, diagnostics),
            None => {
                by_route.insert(route, merged.len());
                merged.push(Merged { draft, others: Vec::new() });
            }
        }
    }
    merged.sort_by_key(|one| (one.draft.span.file, one.draft.span.start));
    merged
}

/// Routes written without a version prefix that are written with one elsewhere.
fn full_paths(drafts: &[Draft]) -> HashMap<(Method, String), String> {
    let mut full: HashMap<(Method, String), Option<String>> = HashMap::new();
    for draft in drafts {
        let prefix = path::version_prefix(&draft.path);
        let Some(rest) = draft.path.strip_prefix(&prefix).filter(|_| !prefix.is_empty()) else {
            continue;
        };
        full.entry((draft.method, path::shape(rest)))
            .and_modify(|known| {
                if known.as_ref().is_some_and(|known| path::version_prefix(known) != prefix) {
                    *known = None;
                }
            })
            .or_insert_with(|| Some(draft.path.clone()));
    }
    full.into_iter().filter_map(|(route, path)| Some((route, path?))).collect()
}

fn add(known: &mut Merged, draft: Draft, diagnostics: &mut Vec<Diagnostic>) {
    let first = &mut known.draft;
    match (&first.callers, &draft.callers) {
        (Some(left), Some(right)) if denies(left, right) => {
            diagnostics.push(disagreement(first.method, &first.path, left, right));
        }
        (None, Some(callers)) => first.callers = Some(callers.clone()),
        _ => {}
    }
    if let (Some(known), Some(other)) = (&mut first.callers, &draft.callers) {
        known.narrow(other);
    }
    if first.summary.is_none() {
        first.summary.clone_from(&draft.summary);
    }
    if first.request.is_none() {
        first.request.clone_from(&draft.request);
    }
    if first.query.is_none() {
        first.query.clone_from(&draft.query);
    }
    first.responses.extend(draft.responses.iter().cloned());
    for parameter in &draft.parameters {
        if !first.parameters.contains(parameter) {
            first.parameters.push(parameter.clone());
        }
    }
    known.others.push(draft);
}

/// One place lets anybody in, the other does not.
fn denies(left: &Callers, right: &Callers) -> bool {
    left.who.contains(&Who::Public) != right.who.contains(&Who::Public)
}

fn disagreement(method: Method, path: &str, left: &Callers, right: &Callers) -> Diagnostic {
    let endpoint = format!("{} {path}", method.word());
    Diagnostic::new(
        &codes::A003,
        right.span,
        format!("two places disagree on who may call `{endpoint}`"),
    )
    .label(format!("`{}` here", right.text))
    .also(left.span, format!("`{}` here", left.text))
    .help("make both places say the same, or keep only one of them")
}

/// All places of an endpoint.
pub(super) fn places(merged: &Merged) -> impl Iterator<Item = Span> {
    std::iter::once(merged.draft.span).chain(merged.others.iter().map(|other| other.span))
}
