//! What an endpoint does: its path is read word by word as tables, keys and actions.

use super::{
    Binding, KeyParameter, Method, NOW, NULL, Nested, Operation,
    action::{self, Effect},
    built_in::built_in,
    forms, names,
    path::{self, Segment},
    tables::Tables,
};
use crate::{
    data::{ColumnType, Table},
    diagnostic::similar,
};

/// What an endpoint was bound to; for the unbound, the resource that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) binding: Binding,
    /// The word of the path that no table answers to, or the table whose action is unknown.
    pub(super) missing: Option<Missing>,
}

/// Why an endpoint is unbound.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Missing {
    /// No table is declared for this word of the path.
    Table(String),
    /// The table is known, what is done with it is not.
    Action(String),
    /// Two tables that no foreign key joins.
    Relation(String, String),
}

/// A resource of a path: a table, how the path calls it, and the parameter that names a row.
#[derive(Debug, Clone, Copy)]
struct Resource<'a> {
    table: &'a Table,
    word: &'a str,
    key: Option<&'a str>,
}

/// The pieces of a path after reading: resources, then words that name none.
#[derive(Debug, Default)]
struct Chain<'a> {
    resources: Vec<Resource<'a>>,
    tail: Vec<&'a str>,
}

/// Binds an endpoint. A view is only read.
pub(super) fn bind(tables: &Tables<'_>, method: Method, path: &str) -> Bound {
    let found = read_or_written(tables, method, path);
    let written = match &found.binding {
        Binding::Table { table, operation, .. } => {
            let reads = matches!(operation, Operation::List | Operation::Get);
            (!reads).then_some(table)
        }
        Binding::Transition { table, .. } => Some(table),
        _ => None,
    };
    match written.filter(|table| tables.is_view(table)).cloned() {
        Some(view) => unbound(tables, Missing::Action(view)),
        None => found,
    }
}

fn read_or_written(tables: &Tables<'_>, method: Method, path: &str) -> Bound {
    let all = path::segments(path);
    let skip = all
        .iter()
        .take_while(|segment| matches!(segment, Segment::Word(word) if path::is_prefix_word(word)))
        .count();
    let segments = &all[skip..];
    let names_table = |word: &str| tables.find(word).is_some();
    if let Some(built_in) = built_in(method, segments, names_table) {
        return bound(Binding::BuiltIn { built_in });
    }
    if let Some(found) = of_principal(tables, method, segments) {
        return found;
    }
    if let Some(binding) = forms::selection(tables, method, segments) {
        return bound(binding);
    }
    let found = plain(tables, method, segments);
    if found.missing.is_none() {
        return found;
    }
    for (method, path) in forms::plainer(tables, method, segments) {
        let segments = path::segments(&path);
        let plainer = of_principal(tables, method, &segments)
            .unwrap_or_else(|| plain(tables, method, &segments));
        if plainer.missing.is_none() {
            return plainer;
        }
    }
    found
}

/// What a path in the plain form means: resources, keys and at most one word more.
fn plain(tables: &Tables<'_>, method: Method, segments: &[Segment<'_>]) -> Bound {
    match chain(tables, segments) {
        Ok(chain) => operation(tables, method, &chain),
        Err(missing) => unbound(tables, missing),
    }
}

fn bound(binding: Binding) -> Bound {
    Bound { binding, missing: None }
}

fn unbound(tables: &Tables<'_>, missing: Missing) -> Bound {
    let candidates = match &missing {
        Missing::Table(word) => {
            let known = tables.data.tables.iter().map(|table| table.name.as_str());
            similar(&names::snake(word), known).into_iter().map(str::to_owned).collect()
        }
        Missing::Action(table) => vec![table.clone()],
        Missing::Relation(parent, child) => vec![parent.clone(), child.clone()],
    };
    Bound { binding: Binding::Unbound { candidates }, missing: Some(missing) }
}

/// `/users/me/orders`, `/me/orders`, `/my/orders`, `/profile` where a table holds it.
fn of_principal(tables: &Tables<'_>, method: Method, segments: &[Segment<'_>]) -> Option<Bound> {
    let users = tables.users()?;
    let is_me = |segment: &Segment<'_>| {
        matches!(segment, Segment::Word("me" | "my" | "mine" | "self" | "current"))
    };
    let (word, rest) = match segments {
        [Segment::Word(group), me, Segment::Word(word), rest @ ..]
            if is_me(me) && tables.find(group).is_some_and(|table| table.name == users.name) =>
        {
            (*word, rest)
        }
        [me, Segment::Word(word), rest @ ..] if is_me(me) => (*word, rest),
        // One user's rows, without saying whose: one's own.
        [Segment::Word("user"), Segment::Word(word), rest @ ..] => (*word, rest),
        [Segment::Word(word), me] if is_me(me) => (*word, &[][..]),
        [Segment::Word(word)] => (*word, &[][..]),
        _ => return None,
    };
    let child = tables.find_under(users, word)?;
    let nested = tables.nest(users, Nested::ME, child, word)?;
    let is_alone = segments.len() == 1;
    let one = nested.through.is_none()
        && is_single(child, &nested.column)
        && names::singular(&word.to_lowercase()) == word.to_lowercase();
    if is_alone && !one {
        return None;
    }
    let (key, operation) = match (rest, one) {
        ([], true) => (None, single(method)?),
        ([], false) => (None, collection(method)?),
        ([Segment::Parameter(name)], false) => {
            let column = tables.key_column(child, name)?;
            (Some(KeyParameter { parameter: (*name).to_owned(), column }), item(method)?)
        }
        _ => return None,
    };
    Some(bound(Binding::Table {
        table: child.name.clone(),
        operation,
        nested: Some(nested),
        filters: Vec::new(),
        key,
    }))
}

/// Words that lead to resources and name none.
pub(super) fn is_group(word: &str) -> bool {
    matches!(
        word,
        "admin"
            | "public"
            | "internal"
            | "mobile"
            | "web"
            | "app"
            | "portal"
            | "client"
            | "private"
            | "manage"
            | "management"
            | "system"
            | "core"
    )
}

/// Words after which a table's name means something else than its rows.
pub(super) fn computes(word: &str) -> bool {
    matches!(
        names::singular(word).as_str(),
        "search"
            | "report"
            | "analytic"
            | "analytics"
            | "stat"
            | "statistic"
            | "export"
            | "import"
            | "dashboard"
            | "upload"
            | "download"
            | "webhook"
            | "ai"
            | "sync"
            | "bulk"
            | "batch"
            | "test"
            | "debug"
            | "cron"
            | "generate"
            | "validate"
            | "calculate"
            | "auth"
            | "ws"
            | "function"
            | "rpc"
            | "socket"
            | "oauth"
            | "recommendation"
            | "suggestion"
            | "enrich"
            | "analyze"
            | "evaluate"
            | "predict"
            | "score"
            | "process"
            | "send"
            | "scan"
            | "parse"
            | "convert"
    )
}

/// Reads the pieces of a path as tables with their keys, and words that follow them.
fn chain<'a>(tables: &Tables<'a>, segments: &[Segment<'a>]) -> Result<Chain<'a>, Missing> {
    let mut chain = Chain::default();
    let mut groups: Vec<&str> = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        let is_followed_by_key = matches!(segments.get(index + 1), Some(Segment::Parameter(_)));
        match *segment {
            Segment::Word(word) => {
                let found = find(tables, &chain, &groups, word);
                match found {
                    Some(table) if chain.tail.is_empty() => {
                        // `/products/categories`: the first word only leads to the second.
                        if chain.resources.last().is_some_and(|last| last.key.is_none()) {
                            chain.resources.pop();
                        }
                        chain.resources.push(Resource { table, word, key: None });
                    }
                    _ if is_followed_by_key => {
                        let first = groups.iter().copied().find(|group| !is_group(group));
                        return Err(Missing::Table(first.unwrap_or(word).to_owned()));
                    }
                    _ if chain.resources.is_empty() => groups.push(word),
                    _ => chain.tail.push(word),
                }
            }
            Segment::Parameter(name) => match chain.resources.last_mut() {
                Some(last) if last.key.is_none() && chain.tail.is_empty() => last.key = Some(name),
                Some(last) => return Err(Missing::Action(last.table.name.clone())),
                None => {
                    let named = groups.iter().copied().find(|group| !is_group(group));
                    return Err(Missing::Table(named.unwrap_or(name).to_owned()));
                }
            },
        }
    }
    if chain.resources.is_empty() {
        let named = groups.iter().copied().find(|group| !is_group(group));
        let word = named.or(groups.last().copied()).unwrap_or("/");
        return Err(Missing::Table(word.to_owned()));
    }
    Ok(chain)
}

/// The table that the next word names, after the words before it.
fn find<'a>(
    tables: &Tables<'a>,
    chain: &Chain<'a>,
    groups: &[&str],
    word: &str,
) -> Option<&'a Table> {
    if let Some(last) = chain.resources.last() {
        if last.key.is_some() {
            return tables.find_under(last.table, word);
        }
        let composed = format!("{}_{word}", names::normal(last.word));
        let own = || tables.find_under(last.table, word);
        return tables.find(&composed).or_else(|| tables.find(word)).or_else(own);
    }
    if let Some(group) = groups.last() {
        if let Some(table) = tables.find(&format!("{group}_{word}")) {
            return Some(table);
        }
        if groups.iter().any(|group| computes(group)) {
            return None;
        }
    }
    tables.find(word)
}

fn operation(tables: &Tables<'_>, method: Method, chain: &Chain<'_>) -> Bound {
    let Some((last, before)) = chain.resources.split_last() else {
        return unbound(tables, Missing::Table("/".to_owned()));
    };
    let unknown = || unbound(tables, Missing::Action(last.table.name.clone()));
    let nested = match before.iter().rev().find(|resource| resource.key.is_some()) {
        None => None,
        Some(parent) => {
            let key = parent.key.unwrap_or("id");
            match tables.nest(parent.table, key, last.table, last.word) {
                Some(nested) => Some(nested),
                None => {
                    let is_end = last.key.is_none() && chain.tail.is_empty();
                    let one = forms::referred(tables, method, parent.table, key, last.word);
                    if let Some(binding) = one.filter(|_| is_end) {
                        return bound(binding);
                    }
                    let names = (parent.table.name.clone(), last.table.name.clone());
                    return unbound(tables, Missing::Relation(names.0, names.1));
                }
            }
        }
    };
    let found = match (last.key, chain.tail.as_slice()) {
        (None, []) => on_collection(tables, method, last, nested),
        (Some(key), []) => on_row(tables, method, last, key, nested),
        (Some(key), [word]) => on_row_action(tables, method, last, key, word),
        (None, [word]) if method == Method::Get && nested.is_none() => {
            let is_search = matches!(*word, "search" | "filter" | "list" | "all");
            let filters = match is_search {
                true => Some(Vec::new()),
                false => action::filter(tables, last.table, word),
            };
            filters.map(|filters| table_binding(last.table, Operation::List, None, filters, None))
        }
        _ => None,
    };
    found.map_or_else(unknown, bound)
}

fn table_binding(
    table: &Table,
    operation: Operation,
    nested: Option<Nested>,
    filters: Vec<(String, String)>,
    key: Option<KeyParameter>,
) -> Binding {
    Binding::Table { table: table.name.clone(), operation, nested, filters, key }
}

fn collection(method: Method) -> Option<Operation> {
    match method {
        Method::Get | Method::Head => Some(Operation::List),
        Method::Post => Some(Operation::Create),
        _ => None,
    }
}

fn item(method: Method) -> Option<Operation> {
    match method {
        Method::Get | Method::Head => Some(Operation::Get),
        Method::Put => Some(Operation::Replace),
        Method::Patch => Some(Operation::Update),
        Method::Delete => Some(Operation::Delete),
        _ => None,
    }
}

/// Operations on a parent's only child.
fn single(method: Method) -> Option<Operation> {
    match method {
        Method::Post => Some(Operation::Create),
        method => item(method),
    }
}

/// True where a parent has at most one such child.
fn is_single(child: &Table, column: &str) -> bool {
    super::tables::unique_columns(child).contains(&column)
}

fn on_collection(
    tables: &Tables<'_>,
    method: Method,
    last: &Resource<'_>,
    nested: Option<Nested>,
) -> Option<Binding> {
    let Some(nested) = nested else {
        let operation = collection(method)?;
        return Some(table_binding(last.table, operation, None, Vec::new(), None));
    };
    if let Some(through) = &nested.through {
        // A new member of a join table is a row of the join table.
        if method == Method::Post {
            let join = tables.data.table(&through.table)?;
            let column = through.parent_column.clone();
            let nested = Nested { column, through: None, ..nested.clone() };
            return Some(table_binding(join, Operation::Create, Some(nested), Vec::new(), None));
        }
    } else if is_single(last.table, &nested.column)
        && names::singular(&last.word.to_lowercase()) == last.word.to_lowercase()
    {
        return Some(table_binding(last.table, single(method)?, Some(nested), Vec::new(), None));
    }
    if let (Method::Delete, Some(key)) = (method, tables.own_row(last.table, &nested.column)) {
        let operation = Operation::Delete;
        return Some(table_binding(last.table, operation, Some(nested), Vec::new(), Some(key)));
    }
    Some(table_binding(last.table, collection(method)?, Some(nested), Vec::new(), None))
}

fn on_row(
    tables: &Tables<'_>,
    method: Method,
    last: &Resource<'_>,
    parameter: &str,
    nested: Option<Nested>,
) -> Option<Binding> {
    if nested.is_none()
        && let Some(binding) = by_column(tables, method, last.table, parameter)
    {
        return Some(binding);
    }
    let operation = item(method)?;
    let key = |column: String| KeyParameter { parameter: parameter.to_owned(), column };
    if let Some(Nested { through: Some(through), .. }) = &nested {
        let join = tables.data.table(&through.table)?;
        if operation == Operation::Delete {
            let column = through.parent_column.clone();
            let nested = nested.clone().map(|nested| Nested { column, through: None, ..nested });
            let key = key(through.child_column.clone());
            return Some(table_binding(join, Operation::Delete, nested, Vec::new(), Some(key)));
        }
    }
    let within = || tables.key_within(last.table, &nested.as_ref()?.column, parameter);
    let column = tables.key_column(last.table, parameter).or_else(within)?;
    Some(table_binding(last.table, operation, nested, Vec::new(), Some(key(column))))
}

/// `/answers/{questionId}`, `/orders/{status}`: the parameter names no row of the table but one
/// that it refers to, or the value of a column.
fn by_column(
    tables: &Tables<'_>,
    method: Method,
    table: &Table,
    parameter: &str,
) -> Option<Binding> {
    let name = names::snake(parameter);
    let key = |column: &str| {
        Some(KeyParameter { parameter: parameter.to_owned(), column: column.to_owned() })
    };
    if let Some(nested) = tables.parent_by_parameter(table, parameter) {
        let operation = match method {
            Method::Get if is_single(table, &nested.column) => {
                let key = key(&nested.column);
                return Some(table_binding(table, Operation::Get, None, Vec::new(), key));
            }
            Method::Get | Method::Post => collection(method)?,
            _ => return None,
        };
        return Some(table_binding(table, operation, Some(nested), Vec::new(), None));
    }
    if method != Method::Get || tables.key_column(table, parameter).is_some() {
        return None;
    }
    let column = table.column(&name)?;
    let names_one = ["name", "slug", "code", "email", "number", "token", "handle", "sku"]
        .iter()
        .any(|word| name == *word || name.ends_with(word));
    let operation = if names_one { Operation::Get } else { Operation::List };
    Some(table_binding(table, operation, None, Vec::new(), key(&column.name)))
}

/// `POST /orders/{id}/cancel`, `PATCH /orders/{id}/status`, `GET /comments/{id}/replies`.
fn on_row_action(
    tables: &Tables<'_>,
    method: Method,
    last: &Resource<'_>,
    parameter: &str,
    word: &str,
) -> Option<Binding> {
    let table = last.table;
    let column = tables.key_column(table, parameter)?;
    let key = KeyParameter { parameter: parameter.to_owned(), column };
    if method == Method::Get {
        let is_children = matches!(word, "replies" | "children" | "subitems" | "responses");
        if !is_children {
            return forms::referred(tables, method, table, parameter, word);
        }
        let nested = tables.nest(table, parameter, table, word)?;
        return Some(table_binding(table, Operation::List, Some(nested), Vec::new(), None));
    }
    if method == Method::Delete {
        let taken_back = || made(tables, method, last, parameter, word);
        return unset(tables, table, key, word).or_else(taken_back);
    }
    if !matches!(method, Method::Post | Method::Put | Method::Patch) {
        return None;
    }
    let is_column = action::column(tables, table, word);
    if (method != Method::Post || matches!(word, "status" | "state")) && is_column.is_some() {
        let operation = Operation::Update;
        return Some(table_binding(table, operation, None, Vec::new(), Some(key)));
    }
    match action::effect(tables, table, word) {
        Some(effect) => Some(transition(table, key, effect)),
        None => made(tables, method, last, parameter, word),
    }
}

fn transition(table: &Table, key: KeyParameter, effect: Effect) -> Binding {
    Binding::Transition {
        table: table.name.clone(),
        action: effect.action,
        key,
        column: effect.column,
        target: effect.target,
        stamp: effect.stamp,
    }
}

/// `POST /events/{id}/register`: an action that makes a row of the table called after it,
/// `registrations`; `DELETE` takes one's own back.
fn made(
    tables: &Tables<'_>,
    method: Method,
    last: &Resource<'_>,
    parameter: &str,
    word: &str,
) -> Option<Binding> {
    let child = tables.made_by(last.table, word)?;
    let nested = tables.nest(last.table, parameter, child, word);
    let nested = nested.filter(|nested| nested.through.is_none())?;
    let (operation, key) = match method {
        Method::Post => (Operation::Create, None),
        Method::Delete => (Operation::Delete, Some(tables.own_row(child, &nested.column)?)),
        _ => return None,
    };
    Some(table_binding(child, operation, Some(nested), Vec::new(), key))
}

/// `DELETE /posts/{id}/pin`: takes back what the same path sets in a boolean column or a time
/// stamp.
fn unset(tables: &Tables<'_>, table: &Table, key: KeyParameter, word: &str) -> Option<Binding> {
    let effect = action::effect(tables, table, word)?;
    let target = match effect.target.as_str() {
        "true" => "false",
        NOW => NULL,
        _ => return None,
    };
    let column = table.column(&effect.column)?;
    let is_set = column.kind == ColumnType::Boolean || target == NULL;
    let effect = Effect { target: target.to_owned(), stamp: None, ..effect };
    is_set.then(|| transition(table, key, effect))
}
