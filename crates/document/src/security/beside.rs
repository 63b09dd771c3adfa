//! People named in the words after an endpoint: `(dispatcher)`, `— owner or admin`. Only names that
//! the document defines as roles and plain level words count, since any other word is a summary.

use crate::{
    Span,
    data::Data,
    outline::Outline,
    security::{Callers, callers_of, identity::identity, role_definitions},
};

/// Words after an endpoint beyond which they are a sentence.
const WORDS_MAX: usize = 8;

/// Levels that say who may call even without a label before them.
const LEVELS: &[&str] = &[
    "public",
    "anyone",
    "anybody",
    "everyone",
    "anonymous",
    "guest",
    "guests",
    "authenticated",
    "authenticated user",
    "authenticated users",
    "any authenticated user",
    "logged in",
    "logged-in",
    "signed in",
    "signed-in",
    "owner",
    "owners",
    "resource owner",
    "admin",
    "admins",
    "administrator",
    "administrators",
    "own",
];

/// The roles that words after an endpoint may name.
pub(crate) struct People {
    names: Vec<String>,
}

impl People {
    /// The roles that the document defines.
    pub(crate) fn of(outline: &Outline, data: &Data) -> Self {
        let found = role_definitions::find(outline, data, &identity(data));
        let closed = found.closed.into_iter().flat_map(|list| list.names);
        let others = found.definitions.into_iter().map(|definition| definition.name);
        Self { names: closed.chain(others).collect() }
    }

    /// Who may call, where the words or a part of them set off from the rest name only people.
    pub(crate) fn beside(&self, words: &str, span: Span) -> Option<Callers> {
        let tail = [" - ", " – ", " — ", " | ", " · "]
            .iter()
            .filter_map(|mark| words.rsplit_once(mark))
            .map(|(_, tail)| tail)
            .min_by_key(|tail| tail.len());
        let parts = in_brackets(words).into_iter().chain([words]).chain(tail);
        let mut people = parts.filter(|part| self.are_people(part));
        people.find_map(|part| callers_of(part, span, &self.names))
    }

    fn are_people(&self, words: &str) -> bool {
        if words.split_whitespace().count() > WORDS_MAX {
            return false;
        }
        let bare = words.replace("(own)", "");
        let mut pieces = bare
            .split([',', '/', '|', '+', '&'])
            .flat_map(|piece| piece.split(" or "))
            .flat_map(|piece| piece.split(" and "))
            .map(|piece| piece.trim().trim_end_matches(" only").trim())
            .peekable();
        pieces.peek().is_some_and(|first| !first.is_empty())
            && pieces.all(|piece| self.is_person(piece))
    }

    fn is_person(&self, piece: &str) -> bool {
        let lower = piece.to_lowercase();
        let lower = lower.trim_end_matches(['.', ';']);
        let one = lower.strip_suffix('s').unwrap_or(lower);
        LEVELS.contains(&lower)
            || self.names.iter().any(|name| {
                let name = name.to_lowercase();
                name == lower || name == one
            })
    }
}

/// What stands in round or square brackets.
fn in_brackets(words: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = words;
    while let Some(open) = rest.find(['(', '[']) {
        let inside = &rest[open + 1..];
        let Some(close) = inside.find([')', ']']) else { break };
        found.push(&inside[..close]);
        rest = &inside[close + 1..];
    }
    found
}
