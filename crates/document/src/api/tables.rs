//! The tables as endpoints see them: found by the words of a path, joined by foreign keys.

use std::collections::{HashMap, HashSet};

use super::{KeyParameter, Nested, Through, action, names};
use crate::{
    data::{Column, ColumnType, Data, ForeignKey, Table},
    expression::{Expression, Literal},
    messaging::StateMachine,
};

/// Beyond so many tables, endpoints are only bound by names, not by a search through all tables.
const TABLES_SCANNED_MAX: usize = 1000;

/// Tables by the words of paths.
pub(super) struct Tables<'a> {
    pub(super) data: &'a Data,
    pub(super) machines: &'a [StateMachine],
    by_name: HashMap<String, &'a Table>,
    views: &'a [Table],
    /// The names of all columns.
    column_names: HashSet<&'a str>,
}

/// The key of a name as it is written; no name in normal form begins so.
fn exact(name: &str) -> String {
    format!("={}", name.to_lowercase())
}

impl<'a> Tables<'a> {
    /// An index of all tables; a prefix that most names share (`tbl_`, `app_`) may be left out in
    /// paths. A view is found where no table has its name.
    pub(super) fn new(data: &'a Data, machines: &'a [StateMachine], views: &'a [Table]) -> Self {
        let mut by_name = HashMap::new();
        let prefix = shared_prefix(data);
        for table in &data.tables {
            if let Some(rest) = prefix.as_deref().and_then(|p| table.name.strip_prefix(p)) {
                by_name.entry(names::normal(rest)).or_insert(table);
            }
        }
        for table in data.tables.iter().rev() {
            by_name.insert(names::normal(&table.name), table);
        }
        for view in views {
            by_name.entry(names::normal(&view.name)).or_insert(view);
        }
        // `order` beside `orders`: whoever writes a name as it stands means that one.
        for table in &data.tables {
            by_name.insert(exact(&table.name), table);
        }
        let columns = data.tables.iter().flat_map(|table| &table.columns);
        let column_names = columns.map(|column| column.name.as_str()).collect();
        Self { data, machines, by_name, views, column_names }
    }

    /// True for the name of a view: it is only read.
    pub(super) fn is_view(&self, name: &str) -> bool {
        self.views.iter().any(|view| view.name == name) && self.data.table(name).is_none()
    }

    /// The table that a word of a path names, in any spelling and number.
    pub(super) fn find(&self, word: &str) -> Option<&'a Table> {
        let normal = names::normal(word);
        if let Some(table) = self.by_name.get(&exact(&word.replace('-', "_"))) {
            return Some(table);
        }
        // A word of another language whose plural the table was given: `tema`, `temas`.
        self.by_name.get(&normal).or_else(|| self.by_name.get(&format!("{normal}s"))).copied()
    }

    /// The only table whose name ends in these words and has others before them.
    pub(super) fn find_by_end(&self, normal: &str) -> Option<&'a Table> {
        if self.data.tables.len() > TABLES_SCANNED_MAX {
            return None;
        }
        let end = format!("_{normal}");
        let mut found =
            self.data.tables.iter().filter(|table| names::normal(&table.name).ends_with(&end));
        match (found.next(), found.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }

    /// The table of children that the word names under a parent: `order_items` for `items` under
    /// `orders`; the plain name where it belongs to the parent, or where nothing else fits.
    pub(super) fn find_under(&self, parent: &Table, word: &str) -> Option<&'a Table> {
        let composed = self.find(&format!("{}_{word}", names::normal(&parent.name)));
        let plain = self.find(word);
        match (plain, composed) {
            (Some(plain), Some(composed)) => {
                let belongs = self.child_column(plain, parent, word).is_some();
                Some(if belongs || is_join(composed) { plain } else { composed })
            }
            (Some(plain), None) => Some(plain),
            (None, Some(composed)) => Some(composed),
            (None, None) => {
                if self.data.tables.len() > TABLES_SCANNED_MAX {
                    return None;
                }
                let word = names::normal(word);
                let mut near = self.data.tables.iter().filter(|table| {
                    is_rows_of(&names::normal(&table.name), &word)
                        && self.child_column(table, parent, &word).is_some()
                });
                match (near.next(), near.next()) {
                    (Some(only), None) => Some(only),
                    _ => None,
                }
            }
        }
    }

    /// The table that holds the people who sign in.
    pub(super) fn users(&self) -> Option<&'a Table> {
        let named = ["users", "user_accounts", "accounts", "app_users", "auth_users", "members"];
        named.iter().find_map(|name| self.find(name)).filter(|table| {
            table.columns.iter().any(|column| {
                column.name.contains("email")
                    || column.name.contains("password")
                    || column.name.contains("phone")
                    || column.name.contains("username")
            })
        })
    }

    /// The column of a table that a path parameter is compared with, where the parameter names a
    /// row of this table and no other.
    pub(super) fn key_column(&self, table: &Table, parameter: &str) -> Option<String> {
        let name = names::snake(parameter);
        let own = names::normal(&table.name);
        let is_key_name = is_any_key(&name)
            || name.strip_suffix("_id").is_some_and(|rest| own == names::normal(rest));
        let unique = unique_columns(table);
        if !is_key_name {
            if let Some(column) = unique.iter().find(|column| **column == name) {
                return Some((*column).to_owned());
            }
            let end = format!("_{name}");
            let mut near = unique.iter().filter(|column| column.ends_with(&end));
            if let (Some(only), None) = (near.next(), near.next())
                && name != "id"
            {
                return Some((*only).to_owned());
            }
            // A name with its table's in front: `article_slug` is `slug`.
            let short = name.strip_prefix(&format!("{own}_")).unwrap_or(&name);
            if let Some(column) = unique.iter().find(|column| **column == short) {
                return Some((*column).to_owned());
            }
            if !self.may_name_row(table, &own, &name) {
                return None;
            }
        }
        if let Some(key) = table.key() {
            return Some(key.name.clone());
        }
        let id = table.column("id").map(|column| column.name.clone());
        let is_part = |name: &String| table.primary_key.contains(name);
        id.filter(|name| table.primary_key.is_empty() || is_part(name))
    }

    /// True where a parameter that is no plain `id` may still stand for this table's key: it bears
    /// the table's name, or a name that means nothing else in the document.
    fn may_name_row(&self, table: &Table, own: &str, name: &str) -> bool {
        let is_key =
            |column: &str| matches!(table.primary_key.as_slice(), [only] if only == column);
        if table.column(name).is_some() {
            return is_key(name);
        }
        let stem = ["_id", "_uuid", "_key", "_pk", "_uid", "_guid"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .or_else(|| name.strip_prefix("id_"));
        let Some(stem) = stem else {
            // `/users/{user}`
            let name = names::normal(name);
            return name == own || own.ends_with(&format!("_{name}"));
        };
        let stem = names::normal(stem);
        if own == stem || own.ends_with(&format!("_{stem}")) {
            return true;
        }
        if self.by_name.get(&stem).is_some_and(|other| other.name != table.name) {
            return false;
        }
        own.split('_').any(|word| stem.split('_').any(|other| other == word))
            || !self.column_names.contains(format!("{stem}_id").as_str())
    }

    /// The column by which rows of `child` belong to a row of `parent`. `word` is how the path
    /// calls the child: it decides where several columns refer to the parent.
    pub(super) fn child_column(&self, child: &Table, parent: &Table, word: &str) -> Option<String> {
        let columns: Vec<&str> = child
            .foreign_keys
            .iter()
            .filter(|key| key.columns.len() == 1 && key.table == parent.name)
            .filter_map(|key| key.columns.first().map(String::as_str))
            .collect();
        let own = format!("{}_id", names::normal(&parent.name));
        match columns.as_slice() {
            [] => {
                // Forms without foreign keys still say it in the name: `post_id`.
                let named = child.column(&own).filter(|_| child.name != parent.name)?;
                let refers_elsewhere =
                    child.foreign_keys.iter().any(|key| key.columns == [named.name.clone()]);
                (!refers_elsewhere).then(|| named.name.clone())
            }
            [only] => Some((*only).to_owned()),
            several => {
                if let Some(named) = several.iter().find(|column| **column == own) {
                    return Some((*named).to_owned());
                }
                let passive: Vec<&&str> =
                    several.iter().filter(|column| !is_actor(column)).collect();
                let is_back = names::singular(word).ends_with("er") && several.len() == 2;
                match passive.as_slice() {
                    [only] if is_back || several.len() == 2 => Some((**only).to_owned()),
                    _ => None,
                }
            }
        }
    }

    /// The parent that a parameter of `/answers/{questionId}` names: the row of another table that
    /// a column of this one refers to.
    pub(super) fn parent_by_parameter(&self, table: &Table, parameter: &str) -> Option<Nested> {
        let name = names::snake(parameter);
        let stem = name.strip_suffix("_id")?;
        let own = names::normal(&table.name);
        if own == names::normal(stem) {
            return None;
        }
        let end = format!("_{name}");
        let keys = || table.foreign_keys.iter().filter(|key| key.columns.len() == 1);
        let column = |key: &&ForeignKey| key.columns.first().cloned();
        let exact = keys().find(|key| key.columns == [name.clone()]);
        let mut near = keys().filter(|key| column(key).is_some_and(|name| name.ends_with(&end)));
        let foreign = exact.or_else(|| match (near.next(), near.next()) {
            (Some(only), None) if self.key_column(table, parameter).is_none() => Some(only),
            _ => None,
        })?;
        let column = column(&foreign)?;
        if matches!(table.primary_key.as_slice(), [only] if *only == column) {
            return None;
        }
        let parent = self.data.table(&foreign.table)?;
        let referred = foreign.referred.first().cloned();
        Some(Nested {
            parent: parent.name.clone(),
            parameter: parameter.to_owned(),
            parent_column: referred.or_else(|| parent.key().map(|key| key.name.clone()))?,
            column,
            through: None,
        })
    }

    /// The columns that beside `column` name one row of the table: what a key of two has more.
    fn beside<'t>(table: &'t Table, column: &str) -> Vec<&'t String> {
        let keys = table.unique_keys.iter().filter(|key| key.condition.is_none());
        let keys = keys.map(|key| &key.columns).chain(std::iter::once(&table.primary_key));
        keys.filter_map(|key| match key.as_slice() {
            [first, other] if first == column => Some(other),
            [other, second] if second == column => Some(other),
            _ => None,
        })
        .collect()
    }

    /// The column that a parameter names a row by within a parent: `/notes/{id}/shares/{userId}`,
    /// `/files/{id}/versions/{version}`.
    pub(super) fn key_within(
        &self,
        table: &Table,
        column: &str,
        parameter: &str,
    ) -> Option<String> {
        let name = names::snake(parameter);
        let start = format!("{name}_");
        let mut others = Self::beside(table, column).into_iter();
        others.find(|other| **other == name || other.starts_with(&start)).cloned()
    }

    /// The principal's only row under a parent: `likes` of a post are unique by post and user.
    pub(super) fn own_row(&self, table: &Table, column: &str) -> Option<KeyParameter> {
        let users = self.users()?;
        let is_users = |own: &String| {
            let mut keys = table.foreign_keys.iter();
            keys.any(|key| key.columns == [own.clone()] && key.table == users.name)
        };
        let own = Self::beside(table, column).into_iter().find(|own| is_users(own))?;
        Some(KeyParameter { parameter: Nested::ME.to_owned(), column: own.clone() })
    }

    /// The table whose rows an action makes under a parent: `registrations` for `register`,
    /// `shared_trips` for `share` on one of `trips`.
    pub(super) fn made_by(&self, parent: &Table, verb: &str) -> Option<&'a Table> {
        let verb = names::snake(verb);
        let own = names::normal(&parent.name);
        let shared = action::participles(&verb);
        let shared = shared.iter().map(|participle| format!("{participle}_{own}"));
        let nouns = action::nouns(&verb);
        let composed = nouns.iter().map(|noun| format!("{own}_{noun}"));
        let mut names = composed.chain(nouns.iter().cloned()).chain(shared);
        names.find_map(|name| {
            let child = self.by_name.get(&name).copied()?;
            self.child_column(child, parent, &verb).map(|_| child)
        })
    }

    /// How rows of `child` are limited to those of a parent's row.
    pub(super) fn nest(
        &self,
        parent: &Table,
        parameter: &str,
        child: &Table,
        word: &str,
    ) -> Option<Nested> {
        let parent_column = match parameter {
            Nested::ME => parent.key().map(|key| key.name.clone()).or(Some("id".to_owned()))?,
            _ => self.key_column(parent, parameter)?,
        };
        let base = |column: String, through| Nested {
            parent: parent.name.clone(),
            parameter: parameter.to_owned(),
            parent_column: parent_column.clone(),
            column,
            through,
        };
        if let Some(column) = self.child_column(child, parent, word) {
            return Some(base(column, None));
        }
        // `/delivery-partners/{partnerId}/documents`: the column is called as the parameter is.
        let name = names::snake(parameter);
        if name != "id" && child.column(&name).is_some() && !child.primary_key.contains(&name) {
            let refers_elsewhere = child.foreign_keys.iter().any(|key| {
                key.columns == [name.clone()] && key.resolved && key.table != parent.name
            });
            if !refers_elsewhere {
                return Some(base(name, None));
            }
        }
        let join = self.join_table(parent, child)?;
        let key = child.key().map(|key| key.name.clone())?;
        Some(base(key, Some(join)))
    }

    /// The only table that refers to both.
    fn join_table(&self, parent: &Table, child: &Table) -> Option<Through> {
        if self.data.tables.len() > TABLES_SCANNED_MAX {
            return None;
        }
        let mut found = self.data.tables.iter().filter_map(|table| {
            if table.name == parent.name || table.name == child.name {
                return None;
            }
            let to = |target: &Table| {
                let mut columns = table
                    .foreign_keys
                    .iter()
                    .filter(|key| key.table == target.name && key.columns.len() == 1);
                match (columns.next(), columns.next()) {
                    (Some(only), None) => only.columns.first().cloned(),
                    _ => None,
                }
            };
            Some(Through {
                table: table.name.clone(),
                parent_column: to(parent)?,
                child_column: to(child)?,
            })
        });
        match (found.next(), found.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }

    /// The columns of a table that hold a state, with the values each may take.
    pub(super) fn value_columns(&self, table: &Table) -> Vec<(String, Vec<String>)> {
        let mut found: Vec<(String, Vec<String>)> = Vec::new();
        for machine in self.machines.iter().filter(|machine| machine.table == table.name) {
            found.push((machine.column.clone(), machine.states.clone()));
        }
        for column in &table.columns {
            if found.iter().any(|(known, _)| *known == column.name) {
                continue;
            }
            if let Some(values) = self.values_of(table, column) {
                found.push((column.name.clone(), values));
            }
        }
        // States decide before other lists of values.
        found.sort_by_key(|(name, _)| !is_state_name(name));
        found
    }

    fn values_of(&self, table: &Table, column: &Column) -> Option<Vec<String>> {
        if let ColumnType::Enum { name } = &column.kind {
            return self.data.enumeration(name).map(|known| known.values.clone());
        }
        table.checks.iter().find_map(|check| match check.condition.expression.as_ref()? {
            Expression::In { operand, list, negated: false } => {
                let Expression::Column { name } = operand.as_ref() else { return None };
                if *name != column.name {
                    return None;
                }
                list.iter()
                    .map(|value| match value {
                        Expression::Literal { literal: Literal::Text(text) } => Some(text.clone()),
                        _ => None,
                    })
                    .collect()
            }
            _ => None,
        })
    }
}

/// `status`, `state`, `order_status`, `stage`.
pub(super) fn is_state_name(column: &str) -> bool {
    ["status", "state", "stage", "phase"].iter().any(|end| {
        column == *end || column.strip_suffix(end).is_some_and(|rest| rest.ends_with('_'))
    })
}

/// True for a table that only joins two others.
fn is_join(table: &Table) -> bool {
    let own = table.columns.iter().filter(|column| {
        column.name != "id"
            && !column.name.ends_with("_at")
            && !table.foreign_keys.iter().any(|key| key.columns.contains(&column.name))
    });
    table.foreign_keys.len() == 2 && own.count() == 0
}

/// Columns that are unique by themselves.
pub(super) fn unique_columns(table: &Table) -> Vec<&str> {
    let mut found: Vec<&str> = table
        .unique_keys
        .iter()
        .filter(|key| key.condition.is_none())
        .filter_map(|key| match key.columns.as_slice() {
            [only] => Some(only.as_str()),
            _ => None,
        })
        .collect();
    if let [only] = table.primary_key.as_slice() {
        found.push(only);
    }
    found
}

/// True where a table is the word's rows by its name: `order_notes` for `notes`, `budget_items`
/// for `budget`.
fn is_rows_of(table: &str, word: &str) -> bool {
    const ROWS: &[&str] = &["item", "line", "entry", "metric", "record", "link"];
    table.strip_suffix(word).is_some_and(|rest| rest.ends_with('_'))
        || table
            .strip_prefix(word)
            .and_then(|rest| rest.strip_prefix('_'))
            .is_some_and(|rest| ROWS.contains(&rest))
}

/// `{id}` and its like, which name the row of any table.
fn is_any_key(name: &str) -> bool {
    matches!(name, "id" | "uuid" | "pk" | "key" | "uid" | "guid")
}

/// The one who acts: `follower_id`, `sender_id`, `created_by`.
fn is_actor(column: &str) -> bool {
    [
        "follower",
        "sender",
        "from",
        "author",
        "creator",
        "created_by",
        "requester",
        "blocker",
        "inviter",
        "invited_by",
        "reporter",
        "assigned_by",
        "approved_by",
        "updated_by",
        "liker",
    ]
    .iter()
    .any(|actor| column.starts_with(actor))
}

/// `app_` where at least three tables and most of all begin so.
fn shared_prefix(data: &Data) -> Option<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for table in &data.tables {
        if let Some(at) = table.name.find('_') {
            *counts.entry(&table.name[..=at]).or_default() += 1;
        }
    }
    let (prefix, count) =
        counts.into_iter().max_by_key(|(prefix, count)| (*count, std::cmp::Reverse(*prefix)))?;
    (count >= 3 && count * 2 > data.tables.len()).then(|| prefix.to_owned())
}
