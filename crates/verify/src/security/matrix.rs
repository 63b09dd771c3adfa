//! The access matrix, read doors: one row, list, filter, search, order, count, include and nested
//! list. What a sentence shows is shown; what none shows is refused and leaks nothing.

use document::{
    api::{Binding, Endpoint, Nested, Operation, PageMember, Through},
    data::{ColumnType, Table},
    security::Action,
};
use serde_json::Value as Json;

use super::{
    may::{Access, May},
    scene::{Scene, Shown, listed},
};
use crate::{
    About, Answer, Person, Request, Row, Stage,
    fixture::fresh_uuid,
    shape::{page_member, query, row, rows, shown, text},
};

/// Rows of one table that one person is tried on.
const TRIED_MAX: usize = 8;
/// Shorter texts may stand in an answer by chance.
const MARK_LENGTH_MIN: usize = 6;

/// One person before the doors of one table.
pub(super) struct Doors<'a> {
    pub(super) stage: &'a Stage<'a>,
    pub(super) scene: &'a Scene<'a>,
    pub(super) shown: &'a Shown<'a>,
    pub(super) person: &'a Person,
}

impl<'a> Doors<'a> {
    pub(super) fn table(&self) -> &'a Table {
        self.shown.table
    }

    pub(super) fn access(&self) -> Access<'a> {
        let (system, world) = (self.stage.system(), &self.scene.world);
        Access { system, world, person: self.person }
    }

    /// The endpoint by which the document opens an operation; none for standard routes.
    pub(super) fn endpoint(&self, operation: Operation) -> Option<&'a Endpoint> {
        let (method, path) = self.stage.paths().of_table(self.table(), operation)?;
        let is_it = |endpoint: &&Endpoint| match &endpoint.binding {
            Binding::Table { table, operation: other, nested: None, filters, key } => {
                let path = key.as_ref().map_or_else(
                    || path.clone(),
                    |key| {
                        let column = format!("{{{}}}", key.column);
                        path.replace(&column, &format!("{{{}}}", key.parameter))
                    },
                );
                *table == self.table().name
                    && *other == operation
                    && filters.is_empty()
                    && endpoint.method.word() == method
                    && endpoint.path == path
            }
            _ => false,
        };
        self.stage.system().api.endpoints.iter().find(is_it)
    }

    /// Whether the person sees a row, by the sentences and by the endpoint.
    pub(super) fn sees(&self, operation: Operation, row: &Row) -> May {
        let access = self.access();
        let through = access.through(self.endpoint(operation), self.table(), row);
        access.on(self.table(), &Action::Read, row).and(through)
    }

    /// Whether an endpoint is for the person at all, if only for rows of their own.
    pub(super) fn is_let_in(&self, endpoint: Option<&Endpoint>) -> bool {
        let access = self.access();
        endpoint.and_then(|one| one.callers.as_ref()).is_none_or(|callers| {
            self.person.is_admin || callers.who.iter().any(|who| access.is(who))
        })
    }

    /// Claims that speak of an action on the table.
    pub(super) fn abouts(&self, action: &Action) -> Vec<About> {
        let grants = self.stage.system().security.grants.iter();
        let mut abouts: Vec<About> = grants
            .filter(|grant| grant.table == self.table().name && grant.actions.contains(action))
            .map(|grant| About::span(&[], grant.span))
            .collect();
        abouts.dedup();
        if abouts.is_empty() {
            abouts.push(About::table(&self.table().name));
        }
        abouts
    }

    pub(super) fn note(&self, action: &Action, expected: &str, answer: &Answer, holds: bool) {
        let expected = format!("{}: {expected}", self.person.name);
        for about in self.abouts(action) {
            self.stage.book.judge(&about, expected.clone(), answer, holds);
        }
    }

    /// The path of a row.
    pub(super) fn path(&self, operation: Operation, row: &Row) -> Option<(&'static str, String)> {
        let (method, path) = self.stage.paths().of_table(self.table(), operation)?;
        Some((method, self.stage.paths().of_row(&path, row)?))
    }

    /// Statuses of a refusal: nobody is asked to sign in, somebody is told no.
    pub(super) fn no(&self) -> u16 {
        if self.person.id().is_some() { 403 } else { 401 }
    }

    /// Texts that stand in this row alone.
    pub(super) fn marks(&self, row: &Row) -> Vec<String> {
        let system = self.stage.system();
        let texts = self.table().columns.iter().filter(|column| {
            matches!(column.kind, ColumnType::Text { .. } | ColumnType::CaseInsensitiveText)
                && system.data.values_of(self.table(), column).is_none()
        });
        texts
            .filter_map(|column| row.get(&shown(system, &column.name))?.as_str())
            .filter(|text| text.len() >= MARK_LENGTH_MIN)
            .filter(|text| {
                let all = self.scene.tables.iter().flat_map(|shown| &shown.rows);
                let holds = |row: &&Row| row.values().any(|value| value.as_str() == Some(text));
                all.filter(holds).count() < 2
            })
            .map(str::to_owned)
            .collect()
    }

    /// True where an answer tells nothing of a row.
    pub(super) fn is_silent(&self, answer: &Answer, row: &Row) -> bool {
        !self.marks(row).iter().any(|mark| answer.text.contains(mark.as_str()))
    }

    /// True where two rows are the same one.
    fn is_same(&self, left: &Row, right: &Row) -> bool {
        let key = &self.table().primary_key;
        !key.is_empty()
            && key.iter().all(|column| {
                let name = shown(self.stage.system(), column);
                left.get(&name).is_some() && left.get(&name) == right.get(&name)
            })
    }

    /// All read doors.
    pub(super) async fn read(&self) {
        for row in self.shown.rows.iter().take(TRIED_MAX) {
            self.get(row).await;
            self.filtered(row).await;
            self.searched(row).await;
        }
        self.list("the list", &[]).await;
        let sortable = self.table().columns.iter().find(|column| {
            !self.table().primary_key.contains(&column.name)
                && !column.write_only
                && matches!(column.kind, ColumnType::Text { .. } | ColumnType::Integer { .. })
        });
        if let Some(column) = sortable {
            let name = shown(self.stage.system(), &column.name);
            self.list("the sorted list", &[("sort", &name)]).await;
        }
        self.nested().await;
        self.included().await;
    }

    async fn get(&self, row: &Row) {
        let Some((method, path)) = self.path(Operation::Get, row) else { return };
        let sees = self.sees(Operation::Get, row);
        if sees == May::Unknown {
            return;
        }
        let answer = self.stage.ask(self.person, Request::new(method, path)).await;
        let access = self.access();
        let is_let_in = self.is_let_in(self.endpoint(Operation::Get));
        match sees {
            May::Yes => self.note(
                &Action::Read,
                "a row that is theirs to see",
                &answer,
                answer.status == 200,
            ),
            _ => {
                let is_hidden = is_let_in && access.at_all(self.table(), &Action::Read);
                let status = if is_hidden { 404 } else { self.no() };
                let holds = answer.status == status && self.is_silent(&answer, row);
                let expected = format!("a row that no sentence shows them answers {status}");
                self.note(&Action::Read, &expected, &answer, holds);
            }
        }
    }

    /// A filter is an oracle where it counts or shows what is hidden.
    async fn filtered(&self, hidden: &Row) {
        let Some((method, path)) = self.stage.paths().of_table(self.table(), Operation::List)
        else {
            return;
        };
        let sees = self.sees(Operation::List, hidden);
        let key = self.table().primary_key.iter().map(|column| {
            let name = shown(self.stage.system(), column);
            let value = text(hidden.get(&name)?);
            Some((name, value))
        });
        let key: Option<Vec<(String, String)>> = key.collect();
        let Some(key) = key.filter(|key| !key.is_empty() && sees != May::Unknown) else { return };
        let own = key.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let pairs: Vec<(&str, &str)> = own.chain([("count", "true")]).collect();
        let request = Request::new(method, format!("{path}?{}", query(&pairs)));
        let answer = self.stage.ask(self.person, request).await;
        let system = self.stage.system();
        let found = rows(system, &answer.json).map_or(0, Vec::len);
        let total = page_member(system, &answer.json, PageMember::Total).and_then(Json::as_u64);
        match sees {
            May::Yes => {
                let holds = answer.status == 200 && found == 1 && total.is_none_or(|all| all == 1);
                self.note(&Action::Read, "a filter finds and counts what they see", &answer, holds);
            }
            _ => {
                let is_none = found == 0 && total.unwrap_or(0) == 0;
                let holds = is_none && self.is_silent(&answer, hidden);
                let expected = "a filter neither finds nor counts what is hidden";
                self.note(&Action::Read, expected, &answer, holds);
            }
        }
    }

    async fn searched(&self, hidden: &Row) {
        let Some((method, path)) = self.stage.paths().of_table(self.table(), Operation::List)
        else {
            return;
        };
        let sees = self.sees(Operation::List, hidden);
        let marks = self.marks(hidden);
        let Some(mark) = marks.first().filter(|_| sees != May::Unknown) else { return };
        let request = Request::new(method, format!("{path}?{}", query(&[("search", mark)])));
        let answer = self.stage.ask(self.person, request).await;
        if answer.is_invalid() {
            return;
        }
        let found = rows(self.stage.system(), &answer.json).is_some_and(|rows| {
            let mut rows = rows.iter().filter_map(Json::as_object);
            rows.any(|row| self.is_same(row, hidden))
        });
        match sees {
            May::Yes => self.note(&Action::Read, "a search finds what they see", &answer, found),
            _ => self.note(&Action::Read, "a search does not find what is hidden", &answer, !found),
        }
    }

    /// Every page of a list: what is seen is there, what is hidden is not.
    async fn list(&self, what: &str, pairs: &[(&str, &str)]) {
        let Some((method, path)) = self.stage.paths().of_table(self.table(), Operation::List)
        else {
            return;
        };
        let (all, is_whole) = listed(self.stage, self.person, self.table(), pairs).await;
        // The first page stands for all of them in a finding.
        let request = Request::new(method, format!("{path}?{}", query(pairs)));
        let answer = self.stage.ask(self.person, request).await;
        for row in &self.shown.rows {
            let is_there = all.iter().any(|other| self.is_same(other, row));
            match self.sees(Operation::List, row) {
                May::Yes if is_whole || is_there => {
                    let expected = format!("{what} shows what they see");
                    self.note(&Action::Read, &expected, &answer, is_there);
                }
                May::No => {
                    let expected = format!("{what} leaves out what is hidden");
                    self.note(&Action::Read, &expected, &answer, !is_there);
                }
                _ => {}
            }
        }
    }

    /// Lists below a parent: rows of the parent that are seen, and no others.
    async fn nested(&self) {
        let system = self.stage.system();
        for endpoint in &system.api.endpoints {
            let Binding::Table { table, operation: Operation::List, nested: Some(nested), .. } =
                &endpoint.binding
            else {
                continue;
            };
            if *table != self.table().name {
                continue;
            }
            if let Some(through) = &nested.through {
                self.joined(endpoint, nested, through).await;
                continue;
            }
            let parameter = format!("{{{}}}", nested.parameter);
            self.without_parent(endpoint, &nested.parent, &nested.parent_column).await;
            for parent in self.scene.rows_of(&nested.parent).iter().take(4) {
                let Some(value) = parent.get(&shown(system, &nested.parent_column)) else {
                    continue;
                };
                let path = endpoint.path.replace(&parameter, &crate::shape::segment(value));
                if path.contains('{') || !endpoint.path.contains(&parameter) {
                    continue;
                }
                let path = format!("{path}?{}", query(&[("limit", "100")]));
                let answer = self.stage.ask(self.person, Request::get(path)).await;
                self.below(endpoint, &nested.column, value, &answer);
            }
        }
    }

    /// Lists below a parent that a join table leads to.
    async fn joined(&self, endpoint: &Endpoint, nested: &Nested, through: &Through) {
        let system = self.stage.system();
        let Some(table) = system.data.table(&through.table) else { return };
        let (joins, is_whole) = listed(self.stage, &self.stage.people.admin, table, &[]).await;
        let has_key = !self.table().primary_key.is_empty();
        if !is_whole || !has_key || !self.is_let_in(Some(endpoint)) {
            return;
        }
        let parameter = format!("{{{}}}", nested.parameter);
        let of = |row: &Row, column: &str| row.get(&shown(system, column)).cloned();
        for parent in self.scene.rows_of(&nested.parent).iter().take(4) {
            let Some(value) = of(parent, &nested.parent_column) else { continue };
            let path = endpoint.path.replace(&parameter, &crate::shape::segment(&value));
            if path.contains('{') || !endpoint.path.contains(&parameter) {
                continue;
            }
            let path = format!("{path}?{}", query(&[("limit", "100")]));
            let answer = self.stage.ask(self.person, Request::get(path)).await;
            let found = rows(system, &answer.json).into_iter().flatten();
            let found: Vec<&Row> = found.filter_map(Json::as_object).collect();
            for row in &self.shown.rows {
                let is_below = joins.iter().any(|join| {
                    of(join, &through.parent_column).as_ref() == Some(&value)
                        && of(join, &through.child_column) == of(row, &nested.column)
                });
                let access = self.access();
                let through = access.through(Some(endpoint), self.table(), row);
                let sees = access.on(self.table(), &Action::Read, row).and(through);
                let is_there = found.iter().any(|other| self.is_same(other, row));
                let (what, holds) = match sees {
                    May::No => ("a nested list leaves out what is hidden", !is_there),
                    _ if !is_below => ("a nested list holds the parent's rows alone", !is_there),
                    May::Yes if found.len() < 100 => {
                        ("a nested list shows what they see", is_there)
                    }
                    _ => continue,
                };
                self.note(&Action::Read, what, &answer, holds);
            }
        }
    }

    /// Below a parent that is not there, nothing is there.
    async fn without_parent(&self, endpoint: &Endpoint, parent: &str, column: &str) {
        let table = self.stage.system().data.table(parent);
        let kind = table.and_then(|table| table.column(column)).map(|column| &column.kind);
        let is_named = endpoint.path.contains('{');
        if kind != Some(&ColumnType::Uuid) || !self.person.is_admin || !is_named {
            return;
        }
        let mut segments = endpoint.path.split('/').map(|segment| match segment.starts_with('{') {
            true => fresh_uuid(),
            false => segment.to_owned(),
        });
        let first = segments.next().unwrap_or_default();
        let path = segments.fold(first, |path, segment| path + "/" + &segment);
        let answer = self.stage.ask(self.person, Request::get(path)).await;
        let expected = "a nested list of a parent that is not there answers 404";
        self.stage.book.status(&About::endpoint(endpoint), expected, &answer, &[404]);
    }

    fn below(&self, endpoint: &Endpoint, column: &str, parent: &Json, answer: &Answer) {
        let system = self.stage.system();
        let column = shown(system, column);
        if !self.is_let_in(Some(endpoint)) {
            let expected = format!("a nested list that is not for them answers {}", self.no());
            self.note(&Action::Read, &expected, answer, answer.status == self.no());
            return;
        }
        let found: Vec<&Row> = rows(system, &answer.json)
            .map(|rows| rows.iter().filter_map(Json::as_object).collect())
            .unwrap_or_default();
        let is_own = found.iter().all(|row| row.get(&column).is_none_or(|value| value == parent));
        self.note(&Action::Read, "a nested list holds the parent's rows alone", answer, is_own);
        for row in self.shown.rows.iter().filter(|row| row.get(&column) == Some(parent)) {
            let access = self.access();
            let sees = access.on(self.table(), &Action::Read, row).and(access.through(
                Some(endpoint),
                self.table(),
                row,
            ));
            let is_there = found.iter().any(|other| self.is_same(other, row));
            match sees {
                May::No => {
                    let expected = "a nested list leaves out what is hidden";
                    self.note(&Action::Read, expected, answer, !is_there);
                }
                May::Yes if found.len() < 100 => {
                    self.note(&Action::Read, "a nested list shows what they see", answer, is_there);
                }
                _ => {}
            }
        }
    }

    /// Rows of other tables inside those that are seen.
    async fn included(&self) {
        let system = self.stage.system();
        for key in self.table().foreign_keys.iter().filter(|key| key.resolved) {
            let ([column], [referred]) = (key.columns.as_slice(), key.referred.as_slice()) else {
                continue;
            };
            let Some(other) = self.scene.tables.iter().find(|one| one.table.name == key.table)
            else {
                continue;
            };
            let doors = Doors { shown: other, ..*self };
            let name = column.strip_suffix("_id").unwrap_or(column);
            for own in self.shown.rows.iter().take(TRIED_MAX) {
                let value = own.get(&shown(system, column));
                let is_it = |row: &&Row| row.get(&shown(system, referred)) == value;
                let Some(inner) = other.rows.iter().find(is_it).filter(|_| value.is_some()) else {
                    continue;
                };
                if self.sees(Operation::Get, own) == May::Yes {
                    self.include(&doors, own, name, inner).await;
                }
            }
        }
    }

    async fn include(&self, doors: &Doors<'_>, own: &Row, name: &str, inner: &Row) {
        let Some((method, path)) = self.path(Operation::Get, own) else { return };
        let request = Request::new(method, format!("{path}?{}", query(&[("include", name)])));
        let answer = self.stage.ask(self.person, request).await;
        if answer.is_invalid() {
            return;
        }
        let system = self.stage.system();
        let member = row(system, &answer.json).and_then(|row| row.get(&shown(system, name)));
        let is_there = member.is_some_and(|member| !member.is_null());
        match doors.access().on(doors.table(), &Action::Read, inner) {
            May::Yes => doors.note(&Action::Read, "an included row is there", &answer, is_there),
            May::No => {
                let holds = !is_there && doors.is_silent(&answer, inner);
                doors.note(&Action::Read, "a hidden row is not included", &answer, holds);
            }
            May::Unknown => {}
        }
    }
}
