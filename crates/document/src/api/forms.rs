//! Paths that say a plain thing in a longer way. Each is brought to the plain path that means the
//! same, which is then bound as any other; a path that computes something has no plain form.
//!
//! - A verb that repeats the method: `/orders/create`, `/orders/{id}/update`, `/orders/delete/{id}`.
//! - A verb and its resource in one word: `/createOrder`, `/get-orders`, `/updateOrder/{id}`.
//! - A word for the row itself: `/users/{id}/details`, `/users/{id}/profile` without such a table.
//! - A word for the order of rows: `/orders/recent`, `/orders/latest`.
//! - A name in two words: `/trips/{id}/budget/items` for `budget_items`, `/summaries/weekly`.
//! - A column before the key: `PUT /orders/status/{id}`.
//! - A table's last word, where no other table ends so: `/stops/{id}` for `trip_stops`.
//! - `my` within a word: `/my-orders`; a table under `/auth`: `/auth/roles`.
//! - A column or parent with its value: `/users/by-email/{email}`, `/orders/user/{userId}`.

use super::{
    Binding, KeyParameter, Method, Nested, Operation, Through, names,
    path::Segment,
    tables::{Tables, unique_columns},
};
use crate::data::Table;

/// Plain paths that may mean the same, with their methods; the likeliest first.
pub(super) fn plainer(
    tables: &Tables<'_>,
    method: Method,
    segments: &[Segment<'_>],
) -> Vec<(Method, String)> {
    let mut found = Vec::new();
    found.extend(verb_apart(tables, method, segments));
    found.extend(verb_within(tables, method, segments));
    found.extend(two_words(tables, method, segments).map(|path| (method, path)));
    found.extend(my_within(tables, segments).map(|path| (method, path)));
    if let [Segment::Word("auth"), rest @ ..] = segments
        && matches!(rest.first(), Some(Segment::Word(word)) if tables.find(word).is_some())
    {
        found.push((method, path_of(rest)));
    }
    // `/search/events`: the rows of `events`, searched.
    if let ([Segment::Word("search" | "find" | "browse"), rest @ ..], true) =
        (segments, reads(method))
        && matches!(rest, [Segment::Word(word)] if tables.find(word).is_some())
    {
        found.push((method, path_of(rest)));
    }
    found.extend(last_word(tables, segments).map(|path| (method, path)));
    found
}

fn path_of(segments: &[Segment<'_>]) -> String {
    let mut path = String::new();
    for segment in segments {
        match segment {
            Segment::Word(word) => path.push_str(&format!("/{word}")),
            Segment::Parameter(name) => path.push_str(&format!("/{{{name}}}")),
        }
    }
    path
}

fn writes(method: Method) -> bool {
    matches!(method, Method::Post | Method::Put | Method::Patch)
}

fn reads(method: Method) -> bool {
    matches!(method, Method::Get | Method::Head)
}

/// The method that a verb means, on a row or on a collection.
fn method_of(method: Method, verb: &str, on_row: bool) -> Option<Method> {
    match (verb, on_row) {
        ("create" | "add" | "new" | "store", false) => {
            (method == Method::Post).then_some(Method::Post)
        }
        ("update" | "edit" | "modify", true) => writes(method).then_some(Method::Patch),
        ("delete" | "remove" | "destroy", true) => {
            matches!(method, Method::Post | Method::Delete).then_some(Method::Delete)
        }
        ("get" | "view" | "show" | "find" | "fetch" | "by_id", true) => {
            reads(method).then_some(method)
        }
        // Words for the row itself. What is sent is hardly all of the row.
        ("profile" | "detail" | "details" | "info", true) => match method {
            Method::Put | Method::Patch => Some(Method::Patch),
            _ => reads(method).then_some(method),
        },
        ("get" | "fetch" | "list", false) => reads(method).then_some(method),
        ("recent" | "latest" | "newest" | "index", false) => reads(method).then_some(method),
        _ => None,
    }
}

/// A verb, or a word for the row itself, as a word of its own.
fn verb_apart(
    tables: &Tables<'_>,
    method: Method,
    segments: &[Segment<'_>],
) -> Option<(Method, String)> {
    match segments {
        [before @ .., Segment::Word(word)] => {
            let word = names::snake(word);
            let on_row = matches!(before.last()?, Segment::Parameter(_));
            Some((method_of(method, &word, on_row)?, path_of(before)))
        }
        [before @ .., Segment::Word(word), key @ Segment::Parameter(_)] => {
            let Some(Segment::Word(group)) = before.last() else { return None };
            tables.find(group)?;
            let snake = names::snake(word);
            if let Some(method) = method_of(method, &snake, true) {
                return Some((method, format!("{}{}", path_of(before), path_of(&[*key]))));
            }
            // `PUT /orders/status/{id}`
            let swapped = format!("{}{}/{word}", path_of(before), path_of(&[*key]));
            (writes(method) && method != Method::Post).then_some((method, swapped))
        }
        _ => None,
    }
}

/// A verb and its resource in one word: `createOrder`, `get-orders`, `updateOrder/{id}`.
fn verb_within(
    tables: &Tables<'_>,
    method: Method,
    segments: &[Segment<'_>],
) -> Option<(Method, String)> {
    let (before, word, key) = match segments {
        [before @ .., Segment::Word(word)] => (before, *word, None),
        [before @ .., Segment::Word(word), key] => (before, *word, Some(*key)),
        _ => return None,
    };
    if before.iter().any(|segment| matches!(segment, Segment::Parameter(_))) {
        return None;
    }
    let words = names::words(word);
    let (verb, rest) = words.split_first().filter(|(_, rest)| !rest.is_empty())?;
    let rest = rest.join("_");
    tables.find(&rest)?;
    let new = method_of(method, verb, key.is_some())?;
    // `GET /getOrder` does not say which one.
    if key.is_none() && reads(method) && names::singular(&rest) == rest {
        return None;
    }
    let key = key.map(|key| path_of(&[key])).unwrap_or_default();
    Some((new, format!("{}/{rest}{key}", path_of(before))))
}

/// Two words that together name a table: `budget/items`, `summaries/weekly`.
fn two_words(tables: &Tables<'_>, method: Method, segments: &[Segment<'_>]) -> Option<String> {
    for (index, pair) in segments.windows(2).enumerate() {
        let [Segment::Word(first), Segment::Word(second)] = pair else { continue };
        let is_last = index + 2 == segments.len();
        let together = [format!("{first}_{second}"), format!("{second}_{first}")];
        let may = [true, is_last && reads(method) && !super::bind::computes(first)];
        let Some((name, _)) =
            together.iter().zip(may).find(|(name, may)| *may && tables.find(name).is_some())
        else {
            continue;
        };
        let (before, after) = (&segments[..index], &segments[index + 2..]);
        return Some(format!("{}/{name}{}", path_of(before), path_of(after)));
    }
    None
}

/// `/my-orders`, `/orders/my-orders`.
fn my_within(tables: &Tables<'_>, segments: &[Segment<'_>]) -> Option<String> {
    let Segment::Word(word) = segments.last()? else { return None };
    let snake = names::snake(word);
    let rest = snake.strip_prefix("my_").or_else(|| snake.strip_prefix("mine_"))?;
    tables.find(rest)?;
    Some(format!("/my/{rest}"))
}

/// Last words of tables that say too little to name one by themselves.
const GENERIC: &[&str] = &[
    "log", "event", "item", "detail", "data", "history", "type", "request", "setting", "metric",
    "record", "entry", "status", "code", "token", "key", "value", "info", "map", "link", "list",
    "line", "option", "attempt", "change", "stat", "result", "summary", "config", "state",
];

/// The first resource of the path by its table's last word, where no other table ends so.
fn last_word(tables: &Tables<'_>, segments: &[Segment<'_>]) -> Option<String> {
    let at = segments.iter().position(
        |segment| !matches!(segment, Segment::Word(word) if super::bind::is_group(word)),
    )?;
    let Segment::Word(word) = segments[at] else { return None };
    let normal = names::normal(word);
    let is_generic = GENERIC.contains(&normal.as_str()) || super::bind::computes(word);
    if is_generic || tables.find(word).is_some() {
        return None;
    }
    let table = tables.find_by_end(&normal)?;
    // `/share` is hardly one of `folder_shares`: the number has to agree as well.
    if !table.name.ends_with(&format!("_{}", names::snake(word))) {
        return None;
    }
    Some(format!("{}/{}{}", path_of(&segments[..at]), table.name, path_of(&segments[at + 1..])))
}

/// `/users/by-email/{email}`, `/orders/status/{status}`, `/orders/user/{userId}`: rows selected by
/// a column, or by the row that they belong to. Read before the plain forms, in which
/// `/orders/user/{userId}` would mean a user.
pub(super) fn selection(
    tables: &Tables<'_>,
    method: Method,
    segments: &[Segment<'_>],
) -> Option<Binding> {
    let [before @ .., Segment::Word(word), Segment::Word(by), Segment::Parameter(name)] = segments
    else {
        return None;
    };
    let has_key = before.iter().any(|segment| matches!(segment, Segment::Parameter(_)));
    if !reads(method) || has_key || tables.find(&format!("{word}_{by}")).is_some() {
        return None;
    }
    let table = tables.find(word)?;
    let snake = names::snake(by);
    let (by, says_by) = match snake.strip_prefix("by_") {
        Some(rest) => (rest, true),
        None => (snake.as_str(), false),
    };
    if let Some(parent) = tables.find(by).filter(|parent| parent.name != table.name) {
        let is_one = says_by || (names::singular(by) == by && names::singular(word) != *word);
        let nested = tables.nest(parent, name, table, word).filter(|one| one.through.is_none());
        return nested.filter(|_| is_one).map(|nested| Binding::Table {
            table: table.name.clone(),
            operation: Operation::List,
            nested: Some(nested),
            filters: Vec::new(),
            key: None,
        });
    }
    let column = table.column(by)?.name.clone();
    let is_value = names::snake(name) == column || names::snake(name) == "value" || says_by;
    let is_unique = unique_columns(table).contains(&column.as_str());
    is_value.then(|| Binding::Table {
        table: table.name.clone(),
        operation: if is_unique { Operation::Get } else { Operation::List },
        nested: None,
        filters: Vec::new(),
        key: Some(KeyParameter { parameter: (*name).to_owned(), column }),
    })
}

/// `GET /posts/{id}/author`: the row that a row refers to, through the column that the word names.
pub(super) fn referred(
    tables: &Tables<'_>,
    method: Method,
    table: &Table,
    parameter: &str,
    word: &str,
) -> Option<Binding> {
    if method != Method::Get {
        return None;
    }
    let column = format!("{}_id", names::snake(word));
    let foreign = table.foreign_keys.iter().find(|key| key.columns == [column.clone()])?;
    let target = tables.data.table(&foreign.table).filter(|target| target.name != table.name)?;
    let own_key = tables.key_column(table, parameter)?;
    let target_key = foreign.referred.first().or_else(|| target.key().map(|key| &key.name))?;
    Some(Binding::Table {
        table: target.name.clone(),
        operation: Operation::Get,
        nested: Some(Nested {
            parent: table.name.clone(),
            parameter: parameter.to_owned(),
            parent_column: own_key.clone(),
            column: target_key.clone(),
            through: Some(Through {
                table: table.name.clone(),
                parent_column: own_key,
                child_column: column,
            }),
        }),
        filters: Vec::new(),
        key: None,
    })
}
