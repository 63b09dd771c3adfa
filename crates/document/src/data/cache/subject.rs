//! Which table, view or endpoint the words of a line about caching mean. Only words that say
//! nothing else may stand beside its name: `user sessions` are no `users`.

use super::model::{CachePart, CacheSubject};
use crate::{
    api::{Api, Binding, Endpoint, Method},
    data::{
        Data,
        name::{singular, snake},
    },
};

/// Words that say nothing about which rows are meant.
const EMPTY: &[&str] = &[
    "all",
    "the",
    "a",
    "an",
    "of",
    "for",
    "by",
    "in",
    "from",
    "our",
    "its",
    "each",
    "every",
    "table",
    "cache",
    "cached",
    "caching",
    "response",
    "result",
    "endpoint",
    "api",
    "data",
    "popular",
    "hot",
    "frequently",
    "accessed",
    "frequent",
    "common",
    "public",
    "featured",
    "top",
    "recent",
    "recently",
    "trending",
    "entity",
    "object",
    "record",
    "row",
    "entry",
    "lookup",
    "read",
    "content",
    "information",
    "info",
    "metadata",
    "ttl",
    "time",
    "live",
    "expiry",
    "duration",
    "key",
    "query",
    "page",
    "most",
    "viewed",
    "used",
    "to",
    "and",
    "get",
    "redis",
    "full",
    "basic",
    "static",
    "reference",
    "master",
    "approach",
    "strategy",
    "pattern",
    "policy",
    "default",
    "method",
    "type",
    "decision",
    "rule",
    "technology",
    "layer",
    "application",
    "level",
];
/// Words for pages of rows.
const LISTS: &[&str] =
    &["list", "listing", "catalog", "catalogue", "feed", "index", "collection", "browse"];
/// Words for single rows.
const ROWS: &[&str] = &["detail", "profile", "id", "single", "individual"];
/// Words of which one stands for all that is read, where nothing else does.
const EVERYTHING: &[&str] = &["response", "query", "read", "entity", "object", "result", "api"];
/// A subject has so many words at most; more are a sentence.
const WORDS_MAX: usize = 8;

/// What is served, by its words.
pub(super) struct Served<'a> {
    tables: Vec<(Vec<String>, &'a str)>,
    endpoints: Vec<(Vec<String>, &'a Endpoint)>,
    base: &'a str,
}

/// What words mean.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Meaning {
    /// These are served.
    Subjects(Vec<CacheSubject>),
    /// All that is read.
    Everything,
    /// Something that is not served here.
    Unserved,
    /// No words that name anything.
    Nothing,
}

impl<'a> Served<'a> {
    pub(super) fn of(data: &'a Data, api: &'a Api) -> Self {
        let tables = data.tables.iter().map(|table| table.name.as_str());
        let views = data.views.iter().map(|view| view.name.as_str());
        let base = api.base.trim_end_matches('/');
        let endpoints = api.endpoints.iter().filter(|endpoint| {
            endpoint.method == Method::Get
                && !matches!(endpoint.binding, Binding::BuiltIn { .. } | Binding::Unbound { .. })
        });
        Self {
            tables: tables.chain(views).map(|name| (words(name), name)).collect(),
            endpoints: endpoints.map(|one| (path_words(&one.path, base), one)).collect(),
            base,
        }
    }

    /// What a label or phrase means; several names may stand in it.
    pub(super) fn meaning(&self, text: &str) -> Meaning {
        let text = without_remarks(text);
        match self.one(&text) {
            Meaning::Unserved => {}
            found => return found,
        }
        let mut subjects = Vec::new();
        for piece in pieces(&text) {
            if let Meaning::Subjects(found) = self.one(piece) {
                let new: Vec<_> = found.into_iter().filter(|one| !subjects.contains(one)).collect();
                subjects.extend(new);
            }
        }
        if subjects.is_empty() { Meaning::Unserved } else { Meaning::Subjects(subjects) }
    }

    fn one(&self, text: &str) -> Meaning {
        if let Some(at) = path_at(text) {
            return match self.by_path(text, at) {
                found if found.is_empty() => Meaning::Unserved,
                found => Meaning::Subjects(found),
            };
        }
        let is_key = text.contains(':') && !text.contains(": ");
        let named = if is_key { key_words(text) } else { words(text) };
        if named.iter().all(|word| is_empty(word)) {
            let means_all = named.iter().any(|word| EVERYTHING.contains(&word.as_str()));
            return if means_all { Meaning::Everything } else { Meaning::Nothing };
        }
        if named.len() > WORDS_MAX {
            return Meaning::Unserved;
        }
        match self.by_words(&named) {
            Some(subject) => Meaning::Subjects(vec![subject]),
            None => Meaning::Unserved,
        }
    }

    /// The table with the longest name among the words, where all others are empty; else the
    /// endpoint whose path has just these words.
    fn by_words(&self, named: &[String]) -> Option<CacheSubject> {
        let mut best: Option<(usize, &str, CachePart)> = None;
        for (own, table) in &self.tables {
            let Some(at) = named.windows(own.len().max(1)).position(|window| window == own) else {
                continue;
            };
            let rest: Vec<&str> = named
                .iter()
                .enumerate()
                .filter(|(place, _)| !(at..at + own.len()).contains(place))
                .map(|(_, word)| word.as_str())
                .collect();
            let is_list = rest.iter().any(|word| LISTS.contains(word));
            let is_row = rest.iter().any(|word| ROWS.contains(word));
            let known = |word: &&str| is_empty(word) || LISTS.contains(word) || ROWS.contains(word);
            if !rest.iter().all(known) || best.as_ref().is_some_and(|(most, ..)| *most >= own.len())
            {
                continue;
            }
            let part = match (is_list, is_row) {
                (true, false) => CachePart::Lists,
                (false, true) => CachePart::Rows,
                _ => CachePart::All,
            };
            best = Some((own.len(), table, part));
        }
        let endpoint = self.endpoint(named);
        match best {
            // `trending posts` is rather `/posts/trending` than all posts.
            Some((most, ..)) if endpoint.as_ref().is_some_and(|(count, _)| *count > most) => {
                endpoint.map(|(_, subject)| subject)
            }
            Some((_, table, part)) => Some(CacheSubject::Table { table: table.to_owned(), part }),
            None => endpoint.map(|(_, subject)| subject),
        }
    }

    fn endpoint(&self, named: &[String]) -> Option<(usize, CacheSubject)> {
        let found = self.endpoints.iter().find(|(own, _)| {
            let has = |word: &String| own.contains(word);
            let is_said = |word: &String| named.contains(word);
            !own.is_empty()
                && own.iter().all(is_said)
                && named.iter().all(|word| has(word) || is_empty(word))
        });
        found.map(|(own, endpoint)| (own.len(), subject_of(endpoint)))
    }

    /// Endpoints that a path names, `*` at its end included; or the table of a standard route.
    fn by_path(&self, text: &str, at: usize) -> Vec<CacheSubject> {
        let method = text.get(..at).and_then(|before| {
            Method::parse(before.split_whitespace().next_back()?.trim_matches(['`', '*']))
        });
        if method.is_some_and(|method| method != Method::Get) {
            return Vec::new();
        }
        let path = text.get(at..).unwrap_or("");
        let end = path.find(|c: char| c.is_whitespace() || "`,;)|'\"".contains(c));
        let path = path.get(..end.unwrap_or(path.len())).unwrap_or("");
        let path = path.split('?').next().unwrap_or("").trim_end_matches(['.', ':']);
        let (stem, is_open) = match path.strip_suffix('*') {
            Some(stem) => (stem.trim_end_matches(['/', '*']), true),
            None => (path.trim_end_matches('/'), false),
        };
        let wanted = shape(stem, self.base);
        let is_it = |own: &[String]| match is_open {
            true => own.len() >= wanted.len() && own.iter().zip(&wanted).all(|(a, b)| a == b),
            false => own == wanted,
        };
        let declared: Vec<CacheSubject> = self
            .endpoints
            .iter()
            .filter(|(_, endpoint)| is_it(&shape(&endpoint.path, self.base)))
            .map(|(_, endpoint)| subject_of(endpoint))
            .collect();
        if !declared.is_empty() {
            return declared;
        }
        let (table, part) = match wanted.as_slice() {
            [only] if is_open => (only, CachePart::All),
            [only] => (only, CachePart::Lists),
            [first, key] if key == "{}" => (first, CachePart::Rows),
            _ => return Vec::new(),
        };
        let known = self.tables.iter().find(|(_, name)| snake(name) == snake(table));
        let subject = |(_, name): &(Vec<String>, &str)| CacheSubject::Table {
            table: (*name).to_owned(),
            part,
        };
        known.map(subject).into_iter().collect()
    }
}

fn subject_of(endpoint: &Endpoint) -> CacheSubject {
    CacheSubject::Endpoint { method: endpoint.method, path: endpoint.path.clone() }
}

fn is_empty(word: &str) -> bool {
    EMPTY.contains(&word) || word.chars().all(|c| c.is_ascii_digit())
}

/// Where a path begins, if the text has one.
fn path_at(text: &str) -> Option<usize> {
    let before = |at: usize| text.get(..at).and_then(|before| before.chars().next_back());
    text.match_indices('/').map(|(at, _)| at).find(|&at| {
        let is_start = before(at).is_none_or(|c| c.is_whitespace() || "`(*".contains(c));
        let next = text.get(at + 1..).and_then(|rest| rest.chars().next());
        is_start && next.is_some_and(|c| c.is_alphanumeric() || c == '{' || c == ':')
    })
}

/// The words of a name or phrase in the singular.
fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in text.split(|c: char| !c.is_alphanumeric() && c != '_') {
        let name = snake(name);
        let parts = name.split('_').filter(|word| !word.is_empty() && *word != "s");
        found.extend(parts.map(singular));
    }
    found
}

/// The words of a key such as `cache:user:{id}:profile`; parameters say nothing.
fn key_words(key: &str) -> Vec<String> {
    let is_parameter = |segment: &&str| segment.contains(['{', '<', '*', '$']);
    let ends_in_key =
        key.trim_end_matches('`').rsplit(':').next().is_some_and(|s| is_parameter(&s));
    let mut found: Vec<String> =
        key.split(':').filter(|segment| !is_parameter(segment)).flat_map(words).collect();
    if ends_in_key {
        found.push("id".to_owned());
    }
    found
}

/// The words of a path below the base, parameters left out.
fn path_words(path: &str, base: &str) -> Vec<String> {
    let segments = shape(path, base);
    let mut found: Vec<String> = Vec::new();
    for word in segments.iter().filter(|segment| *segment != "{}").flat_map(|one| words(one)) {
        if !found.contains(&word) {
            found.push(word);
        }
    }
    found
}

/// The segments of a path below the base, with `{}` for parameters.
fn shape(path: &str, base: &str) -> Vec<String> {
    let below = path.strip_prefix(base).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let segments = below.unwrap_or(path).split('/').filter(|segment| !segment.is_empty());
    segments
        .map(|segment| match segment.starts_with(['{', ':', '<', '[']) {
            true => "{}".to_owned(),
            false => segment.to_ascii_lowercase(),
        })
        .collect()
}

/// The text without what stands in parentheses and without marks of code.
fn without_remarks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut depth = 0_usize;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '`' | '"' => {}
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out.trim().to_owned()
}

/// The parts of a list of names.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ';', '&', '+', '、'])
        .flat_map(|part| part.split(" and "))
        .flat_map(|part| part.split(" / "))
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests;
