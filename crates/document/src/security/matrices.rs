//! Reads access tables: role × action, role × endpoint, resource × action with callers in the
//! cells, role × resource with `CRUD`, and rows of `Role | Resource | Actions`.

use std::collections::HashMap;

use crate::{
    Chapter, ClaimKind, Diagnostic, Span,
    api::{Endpoint, Method},
    compile::Reading,
    outline::{Inline, NodeId, NodeKind, Outline},
    security::{
        Action, Callers, Who,
        access::{Permission, Source},
        codes,
        endpoints::not_defined,
        phrases::Nouns,
        role_definitions::speaks_of_roles,
        roles::{Meaning, RoleBook},
        vocabulary::{Allowance, actions_of, all_actions, allowance},
    },
    statement::{Claim, Class},
};

/// What the reader works with.
pub(super) struct Matrices<'a> {
    /// Roles and level words.
    pub(super) book: &'a RoleBook,
    /// What rows can speak of.
    pub(super) nouns: &'a Nouns<'a>,
    /// Endpoints that rows can name.
    pub(super) paths: &'a Paths,
}

/// What all access tables say.
#[derive(Default)]
pub(super) struct Said {
    /// About tables.
    pub(super) permissions: Vec<Permission>,
    /// About endpoints, by their place in the api.
    pub(super) callers: Vec<(usize, Callers)>,
}

/// What the columns after the first are.
enum Layout {
    /// Roles or levels: (column, who, words); and cells with a role that is not defined.
    Roles(Vec<(usize, Who, String)>, Vec<Inline>),
    /// Actions: (column, actions).
    Actions(Vec<(usize, Vec<Action>)>),
    /// Tables: (column, table); each row is a role.
    Tables(Vec<(usize, String)>),
    /// One column each for role, resource and actions.
    Rows { role: usize, resource: usize, actions: usize },
}

impl Matrices<'_> {
    /// Reads all access tables.
    pub(super) fn read(&self, reading: &mut Reading<'_>) -> Said {
        let mut said = Said::default();
        let outline = reading.outline;
        for (id, node) in outline.nodes.iter().enumerate() {
            let NodeKind::Table { header } = &node.kind else { continue };
            let Some(layout) = self.layout(outline, id, header) else { continue };
            self.table(reading, id, &layout, &mut said);
        }
        said
    }

    fn layout(&self, outline: &Outline, id: NodeId, header: &[Inline]) -> Option<Layout> {
        let lower: Vec<String> = header.iter().map(|cell| cell.trimmed().to_lowercase()).collect();
        let first = lower.first()?.as_str();
        let place = |words: &[&str]| lower.iter().position(|word| words.contains(&word.as_str()));
        let resource = place(&["resource", "resources", "table", "entity", "object", "module"]);
        let actions =
            place(&["actions", "action", "permissions", "permission", "operations", "access"]);
        if let (Some(role), Some(resource), Some(actions)) =
            (place(&["role", "roles", "user role", "who"]), resource, actions)
        {
            return Some(Layout::Rows { role, resource, actions });
        }
        let columns = || header.iter().enumerate().skip(1);
        let by_action: Vec<(usize, Vec<Action>)> = columns()
            .filter_map(|(at, cell)| Some((at, actions_of(&cell.trimmed().to_lowercase())?)))
            .collect();
        if by_action.len() >= 2 && by_action.len() * 2 > header.len() - 1 {
            return Some(Layout::Actions(by_action));
        }
        let is_role = matches!(first, "role" | "roles" | "user role" | "user type" | "level");
        let tables: Vec<(usize, String)> = columns()
            .filter_map(|(at, cell)| Some((at, self.nouns.names.find(cell.trimmed())?.to_owned())))
            .collect();
        if is_role && tables.len() * 2 >= header.len() - 1 && !tables.is_empty() {
            return Some(Layout::Tables(tables));
        }
        if !is_matrix(outline, id, header) {
            return None;
        }
        self.roles(header)
    }

    /// The columns of roles; a name that the list of roles does not have is told.
    fn roles(&self, header: &[Inline]) -> Option<Layout> {
        let mut roles = Vec::new();
        let mut undefined = Vec::new();
        for (at, cell) in header.iter().enumerate().skip(1) {
            match self.book.meaning(cell.trimmed()) {
                Meaning::Who(who) => roles.push((at, who, cell.trimmed().to_owned())),
                Meaning::NotDefined if !is_remark(&cell.text) => undefined.push(cell.clone()),
                _ => {}
            }
        }
        if roles.is_empty() {
            return None;
        }
        Some(Layout::Roles(roles, undefined))
    }

    fn table(&self, reading: &mut Reading<'_>, id: NodeId, layout: &Layout, said: &mut Said) {
        let outline = reading.outline;
        let heading = outline
            .context(id)
            .first()
            .and_then(|words| self.nouns.names.find(&subject(words)))
            .map(str::to_owned);
        let mut about = heading;
        let mut unread: Vec<(String, Span)> = Vec::new();
        let mut any_read = false;
        for (_, row) in outline.children(id) {
            let NodeKind::Row { cells } = &row.kind else { continue };
            let Some(first) = cells.first() else { continue };
            // `| **Orders** | | |` heads the rows below it.
            if cells.iter().skip(1).all(|cell| cell.trimmed().is_empty()) {
                let named = self.nouns.names.find(first.trimmed());
                about = named.map(str::to_owned);
                continue;
            }
            let before = said.permissions.len() + said.callers.len();
            let is_read = self.row(layout, cells, row.span, about.as_deref(), said);
            let count = said.permissions.len() + said.callers.len() - before;
            any_read |= is_read;
            if is_read {
                let meaning = format!("access: {count} rules from `{}`", first.trimmed());
                let claim = Claim::new(ClaimKind::Access, Chapter::Security, meaning);
                reading.ledger.bind(row.span, "row", claim);
            } else {
                unread.push((first.trimmed().to_owned(), first.span));
                let why = "names no table with a clear action, and no endpoint: allows nothing";
                reading.ledger.class(row.span, "row", Class::NotUnderstood, why);
            }
        }
        // Where no row is about this system, its columns are not either.
        if let (Layout::Roles(_, undefined), true) = (layout, any_read) {
            for cell in undefined {
                reading.diagnostics.push(not_defined(self.book, cell.trimmed(), cell.span));
            }
        }
        report_unread(reading, &unread);
    }

    /// Reads one row; false where it says nothing about a table or an endpoint.
    fn row(
        &self,
        layout: &Layout,
        cells: &[Inline],
        span: Span,
        about: Option<&str>,
        said: &mut Said,
    ) -> bool {
        let Some(first) = cells.first() else { return false };
        match layout {
            Layout::Roles(roles, _) => self.role_row(roles, cells, span, about, said),
            Layout::Actions(actions) => {
                let table = self.nouns.names.find(first.trimmed());
                match (table, about, self.book.meaning(first.trimmed())) {
                    (Some(table), _, _) => self.callers_row(table, actions, cells, span, said),
                    (None, Some(table), Meaning::Who(who)) => {
                        for (at, actions) in actions {
                            let Some(cell) = cells.get(*at) else { continue };
                            said.say(table, actions, &who, cell, span);
                        }
                        true
                    }
                    _ => false,
                }
            }
            Layout::Tables(tables) => {
                let Meaning::Who(who) = self.book.meaning(first.trimmed()) else { return false };
                tables
                    .iter()
                    .filter_map(|(at, table)| Some((cells.get(*at)?, table)))
                    .fold(false, |any, (cell, table)| said.list(table, &who, cell, span) || any)
            }
            Layout::Rows { role, resource, actions } => {
                let (Some(role), Some(resource), Some(actions)) =
                    (cells.get(*role), cells.get(*resource), cells.get(*actions))
                else {
                    return false;
                };
                let Some(table) = self.nouns.names.find(resource.trimmed()) else {
                    return false;
                };
                let mut any = false;
                for who in self.people(&role.text) {
                    any |= said.list(table, &who, actions, span);
                }
                any
            }
        }
    }

    /// A row whose columns are roles: an endpoint, an action on a table, or a table.
    fn role_row(
        &self,
        roles: &[(usize, Who, String)],
        cells: &[Inline],
        span: Span,
        about: Option<&str>,
        said: &mut Said,
    ) -> bool {
        let Some(first) = cells.first() else { return false };
        let cell_of = |at: &usize| cells.get(*at);
        if let Some(index) = self.endpoint(&first.text) {
            let mut who = Vec::new();
            let mut words = Vec::new();
            for (at, role, name) in roles {
                let Some(cell) = cell_of(at) else { continue };
                match allowance(&cell.text) {
                    Some(Allowance::Yes) => who.push(role.clone()),
                    Some(Allowance::Own) => who.push(Who::Owner),
                    _ => continue,
                }
                words.push(name.as_str());
            }
            let who = if who.is_empty() { vec![Who::Admin] } else { who };
            said.callers.push((index, Callers { who, text: words.join(", "), span }));
            return true;
        }
        let phrases = self.nouns.read(&first.text, about);
        if !phrases.found.is_empty() {
            for phrase in &phrases.found {
                for (at, who, _) in roles {
                    let Some(cell) = cell_of(at) else { continue };
                    said.act(&phrase.table, &phrase.actions, who, cell, span, phrase.own, first);
                }
            }
            return true;
        }
        let Some(table) = self.nouns.names.find(first.trimmed()) else { return false };
        roles
            .iter()
            .filter_map(|(at, who, _)| Some((cell_of(at)?, who)))
            .fold(false, |any, (cell, who)| said.list(table, who, cell, span) || any)
    }

    /// `| posts | Public | Authenticated | Owner | Admin |` under actions.
    fn callers_row(
        &self,
        table: &str,
        actions: &[(usize, Vec<Action>)],
        cells: &[Inline],
        span: Span,
        said: &mut Said,
    ) -> bool {
        let mut any = false;
        for (at, actions) in actions {
            let Some(cell) = cells.get(*at) else { continue };
            for who in self.people(&cell.text) {
                let text = format!("{table}: {}", cell.trimmed());
                let permission =
                    Permission::new(table, actions.clone(), who, (&text, span), Source::List);
                said.permissions.push(permission);
                any = true;
            }
        }
        any
    }

    /// Roles and levels in a cell: `Owner, Admin`.
    fn people(&self, text: &str) -> Vec<Who> {
        text.split([',', '/', '|', '+', '&', '\n'])
            .flat_map(|piece| piece.split(" and "))
            .flat_map(|piece| piece.split(" or "))
            .filter_map(|piece| {
                let bare = piece.split('(').next().unwrap_or("").trim().trim_end_matches(" only");
                match self.book.meaning(bare) {
                    Meaning::Who(who) => Some(who),
                    _ => None,
                }
            })
            .collect()
    }

    /// The endpoint that `POST /orders/{id}/accept` names.
    fn endpoint(&self, text: &str) -> Option<usize> {
        let (method, path) = text.trim().trim_matches('`').split_once(char::is_whitespace)?;
        let method = Method::parse(method.trim().trim_matches('`'))?;
        let path = normal_path(path.trim().trim_matches('`'));
        let known = self.paths.get(&(method, last_word(&path)))?;
        known.iter().take(64).find(|(known, _)| known.ends_with(&path)).map(|&(_, index)| index)
    }
}

/// Endpoints by method and the last word of their path.
pub(super) type Paths = HashMap<(Method, String), Vec<(String, usize)>>;

/// Finds endpoints by method and the last word of their path.
pub(super) fn paths(endpoints: &[Endpoint]) -> Paths {
    let mut paths = Paths::new();
    for (index, endpoint) in endpoints.iter().enumerate() {
        let path = normal_path(&endpoint.path);
        paths.entry((endpoint.method, last_word(&path))).or_default().push((path, index));
    }
    paths
}

fn last_word(path: &str) -> String {
    path.rsplit('/').find(|part| *part != "{}").unwrap_or("").to_owned()
}

impl Said {
    /// A cell that allows, refuses or limits to own rows.
    fn say(&mut self, table: &str, actions: &[Action], who: &Who, cell: &Inline, span: Span) {
        self.act(table, actions, who, cell, span, false, cell);
    }

    #[allow(clippy::too_many_arguments, reason = "a cell stands for all of these")]
    fn act(
        &mut self,
        table: &str,
        actions: &[Action],
        who: &Who,
        cell: &Inline,
        span: Span,
        own: bool,
        sentence: &Inline,
    ) {
        let Some(mut allowance) = allowance(&cell.text) else { return };
        if own && allowance == Allowance::Yes {
            allowance = Allowance::Own;
        }
        let text = sentence.trimmed();
        let mut permission =
            Permission::new(table, actions.to_vec(), who.clone(), (text, span), Source::List);
        permission.allowance = allowance;
        self.permissions.push(permission);
    }

    /// A cell that lists actions: `CRUD`, `Read, Update`, `Own`, `Full`, `—`.
    fn list(&mut self, table: &str, who: &Who, cell: &Inline, span: Span) -> bool {
        let Some((actions, own)) = action_list(&cell.text) else { return false };
        let text = format!("{table}: {}", cell.trimmed());
        let refused: Vec<Action> =
            all_actions().into_iter().filter(|action| !actions.contains(action)).collect();
        for (actions, allowance) in
            [(actions, if own { Allowance::Own } else { Allowance::Yes }), (refused, Allowance::No)]
        {
            if actions.is_empty() {
                continue;
            }
            let mut permission =
                Permission::new(table, actions, who.clone(), (&text, span), Source::List);
            permission.allowance = allowance;
            self.permissions.push(permission);
        }
        true
    }
}

/// The actions that a cell lists, and whether they are on own rows.
fn action_list(cell: &str) -> Option<(Vec<Action>, bool)> {
    match allowance(cell) {
        Some(Allowance::Yes) => return Some((all_actions(), false)),
        Some(Allowance::Own) => return Some((all_actions(), true)),
        Some(Allowance::No) => return Some((Vec::new(), false)),
        None => {}
    }
    let mut actions = Vec::new();
    let mut own = false;
    for word in cell.split(|c: char| !c.is_alphanumeric() && c != '-').filter(|w| !w.is_empty()) {
        let lower = word.to_lowercase();
        match lower.as_str() {
            "own" | "owner" => own = true,
            "full" | "all" => actions.extend(all_actions()),
            "only" | "and" | "access" | "their" | "any" => {}
            _ => match (actions_of(&lower), letters(word)) {
                (Some(found), _) | (None, Some(found)) => actions.extend(found),
                (None, None) => return None,
            },
        }
    }
    if own && actions.is_empty() {
        actions = all_actions();
    }
    (!actions.is_empty()).then_some((actions, own))
}

/// `CRUD`, `CR-D`, `RU`.
fn letters(word: &str) -> Option<Vec<Action>> {
    let found: Option<Vec<Option<Action>>> = word
        .chars()
        .map(|c| match c {
            'C' => Some(Some(Action::Create)),
            'R' => Some(Some(Action::Read)),
            'U' => Some(Some(Action::Update)),
            'D' => Some(Some(Action::Delete)),
            '-' => Some(None),
            _ => None,
        })
        .collect();
    found.map(|found| found.into_iter().flatten().collect())
}

/// True for a table whose first column names acts and whose other cells allow or refuse.
pub(super) fn is_matrix(outline: &Outline, id: NodeId, header: &[Inline]) -> bool {
    let first = header.first().map(|cell| cell.trimmed().to_lowercase()).unwrap_or_default();
    let is_act = [
        "action",
        "feature",
        "operation",
        "permission",
        "resource",
        "endpoint",
        "api endpoint",
        "capability",
        "function",
        "module",
        "ability",
        "task",
        "entity",
        "table",
        "area",
        "acción",
        "accion",
        "aktion",
        "acción / recurso",
        "recurso",
        "ressource",
        "funktion",
        "función",
        "fonction",
    ]
    .iter()
    .any(|word| {
        first == *word
            || first == format!("{word}s")
            || first.contains("permission")
            || first.contains("permiso")
            || first.contains("berechtigung")
    });
    let is_about = outline.context(id).iter().take(2).any(|words| speaks_of_roles(words));
    if header.len() < 3 && !is_about || !(is_act || (first.is_empty() && is_about)) {
        return false;
    }
    let (mut cells_seen, mut cells_read) = (0, 0);
    for (_, row) in outline.children(id) {
        let NodeKind::Row { cells } = &row.kind else { continue };
        for cell in cells.iter().skip(1) {
            cells_seen += 1;
            let is_read = allowance(&cell.text).is_some() || action_list(&cell.text).is_some();
            cells_read += usize::from(is_read);
        }
    }
    cells_seen > 0 && cells_read * 2 >= cells_seen
}

fn is_remark(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    ["note", "description", "comment", "remark", "condition", "detail", "scope", "method", "path"]
        .iter()
        .any(|word| lower.starts_with(word))
}

/// A heading's words without those that only say that it is about access.
fn subject(words: &str) -> String {
    words
        .split_whitespace()
        .filter(|word| {
            !matches!(*word, "permissions" | "permission" | "access" | "roles" | "matrix")
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// A path with its parameters made alike.
fn normal_path(path: &str) -> String {
    let parts: Vec<String> =
        path.trim_end_matches('/')
            .split('/')
            .map(|part| {
                if part.starts_with([':', '{', '[']) {
                    "{}".to_owned()
                } else {
                    part.to_lowercase()
                }
            })
            .collect();
    parts.join("/")
}

/// One diagnostic for all rows of a table that say nothing about a table or an endpoint.
fn report_unread(reading: &mut Reading<'_>, unread: &[(String, Span)]) {
    let Some((first, span)) = unread.first() else { return };
    let count = unread.len();
    let message = if count == 1 {
        format!("`{first}` names no table with a clear action, and no endpoint")
    } else {
        format!("{count} rows name no table with a clear action, and no endpoint")
    };
    let mut diagnostic =
        Diagnostic::new(&codes::S008, *span, message).label("allows nothing to anybody");
    for (_, span) in unread.iter().skip(1).take(8) {
        diagnostic = diagnostic.also(*span, "nor this one");
    }
    reading.diagnostics.push(diagnostic.help(
        "to enforce it, write a verb such as `create`, `read`, `update` or `delete` with the \
         table's name, or an endpoint as `METHOD /path`",
    ));
}
