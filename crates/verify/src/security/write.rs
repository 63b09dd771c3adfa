//! The access matrix, doors that write: create, change, action, batch and delete. What is refused
//! changes nothing and tells nothing.

use document::{
    System,
    api::{Binding, Operation},
    data::{Column, ColumnType, Table},
    expression::{Expression, Literal, PrincipalProperty},
    security::{Action, Who},
};
use serde_json::{Value as Json, json};

use super::{
    matrix::Doors,
    may::May,
    scene::{columns_read, of_person, own_columns, with},
};
use crate::{
    Answer, Request, Row,
    fixture::{is_link, is_number, passes},
    shape::{row, segment, shown},
};

/// Rows of one table that one person tries to change.
const TRIED_MAX: usize = 6;

impl Doors<'_> {
    /// All doors that write, but for those that remove.
    pub(super) async fn write(&self) {
        for row in self.shown.rows.iter().take(TRIED_MAX) {
            self.update(row).await;
        }
        self.actions().await;
        if !self.stage.fixture.is_users(self.table()) {
            self.create().await;
            self.create_for_another().await;
            self.give_away().await;
            self.become_forbidden().await;
        }
    }

    /// What holds where a row may not be changed: hidden rows are not there.
    fn is_refused(
        &self,
        action: &Action,
        operation: Operation,
        row: &Row,
        answer: &Answer,
    ) -> bool {
        let access = self.access();
        let is_let_in = self.is_let_in(self.endpoint(operation));
        let status = match access.on(self.table(), &Action::Read, row) {
            _ if !is_let_in || !access.at_all(self.table(), action) => self.no(),
            May::No => 404,
            May::Yes => self.no(),
            May::Unknown => answer.status,
        };
        let is_visible = access.on(self.table(), &Action::Read, row) == May::Yes;
        let is_status = answer.status == status && matches!(status, 401 | 403 | 404);
        is_status && (is_visible || self.is_silent(answer, row))
    }

    /// A column that may be set to what it holds already.
    fn harmless(&self, row: &Row) -> Option<(String, Json)> {
        let (system, table) = (self.stage.system(), self.table());
        let read = columns_read(self.stage, table);
        let is_state = |column: &Column| {
            let machines = &system.messaging.machines;
            machines.iter().any(|one| one.table == table.name && one.column == column.name)
        };
        let is_users = self.stage.fixture.is_users(table);
        let plain = table.columns.iter().filter(|column| {
            let is_reserved = is_users && self.stage.fixture.is_reserved(column);
            !(is_reserved
                || table.primary_key.contains(&column.name)
                || is_link(table, column)
                || column.generated.is_some()
                || column.write_only
                || column.touched_on_update
                || read.contains(&column.name)
                || is_state(column)
                || matches!(column.kind, ColumnType::Serial { .. }))
        });
        let mut shown_ones = plain.filter_map(|column| {
            let name = shown(system, &column.name);
            let value = row.get(&name).filter(|value| !value.is_null())?.clone();
            Some((name, value))
        });
        shown_ones.next()
    }

    /// Whether the sentences let the person change a row and see it.
    fn changes(&self, operation: Operation, action: &Action, row: &Row) -> May {
        let access = self.access();
        let seen = access.on(self.table(), &Action::Read, row);
        let through = access.through(self.endpoint(operation), self.table(), row);
        let becomes = match action {
            Action::Delete => May::Yes,
            action => access.becomes(self.table(), action, row),
        };
        access.on(self.table(), action, row).and(seen).and(through).and(becomes)
    }

    async fn update(&self, row: &Row) {
        let Some((method, path)) = self.path(Operation::Update, row) else { return };
        let Some((name, value)) = self.harmless(row) else { return };
        let may = self.changes(Operation::Update, &Action::Update, row);
        let body = json!({ name: value });
        let answer = self
            .stage
            .ask(self.person, Request::new(method, path.clone()).json(body.clone()))
            .await;
        match may {
            May::Yes => {
                let holds = answer.is_success();
                self.note(&Action::Update, "a row that is theirs to change", &answer, holds);
            }
            May::No => {
                let holds = self.is_refused(&Action::Update, Operation::Update, row, &answer);
                let expected = "a row that is not theirs to change is refused";
                self.note(&Action::Update, expected, &answer, holds);
            }
            May::Unknown => return,
        }
        let operation = json!({"method": method, "path": path, "body": body});
        self.batch(&Action::Update, may, operation).await;
    }

    /// The same through the batch, where there is one.
    async fn batch(&self, action: &Action, may: May, operation: Json) {
        let base = self.stage.system().api.base.trim_end_matches('/');
        let body = json!({"operations": [operation]});
        let request = Request::post(format!("{base}/batch"), body);
        let answer = self.stage.ask(self.person, request).await;
        let holds = match may {
            _ if answer.status == 405 => return,
            May::Yes => answer.is_success(),
            _ => matches!(answer.status, 401 | 403 | 404),
        };
        let expected = match may {
            May::Yes => "a batch changes what is theirs to change",
            _ => "a batch does not change what is not theirs",
        };
        self.note(action, expected, &answer, holds);
    }

    /// Actions of state machines on rows that are not theirs to move.
    async fn actions(&self) {
        let system = self.stage.system();
        for endpoint in &system.api.endpoints {
            let Binding::Transition { table, action, column, key, .. } = &endpoint.binding else {
                continue;
            };
            if *table != self.table().name {
                continue;
            }
            let machines = &system.messaging.machines;
            let arrows: Vec<_> = machines
                .iter()
                .filter(|one| one.table == *table && one.column == *column)
                .flat_map(|one| &one.transitions)
                .filter(|one| one.action.as_deref() == Some(action))
                .collect();
            let role = self.person.role.as_deref().unwrap_or("");
            let by_role = |name: &String| name.eq_ignore_ascii_case(role);
            if self.person.is_admin || arrows.iter().any(|one| one.roles.iter().any(by_role)) {
                continue;
            }
            let what = Action::Transition { name: action.clone() };
            let access = self.access();
            let parameter = format!("{{{}}}", key.parameter);
            for row in self.shown.rows.iter().take(TRIED_MAX) {
                let may = access
                    .on(self.table(), &what, row)
                    .and(access.on(self.table(), &Action::Read, row))
                    .and(access.through(Some(endpoint), self.table(), row));
                let Some(value) = row.get(&shown(system, &key.column)) else { continue };
                // A state from which the action starts, so that nothing else stands in its way.
                let state = row.get(&shown(system, column)).and_then(Json::as_str);
                let starts =
                    arrows.is_empty() || arrows.iter().any(|one| Some(&*one.from) == state);
                if may != May::No || !starts {
                    continue;
                }
                let path = endpoint.path.replace(&parameter, &segment(value));
                let request = Request::new(endpoint.method.word(), path);
                let answer = self.stage.ask(self.person, request).await;
                let is_refused = matches!(answer.status, 401 | 403 | 404 | 409);
                let holds = is_refused && self.is_silent_to(row, &answer);
                self.note(&what, "a row that is not theirs to move stays", &answer, holds);
            }
        }
    }

    fn is_silent_to(&self, row: &Row, answer: &Answer) -> bool {
        let is_visible = self.access().on(self.table(), &Action::Read, row) == May::Yes;
        is_visible || self.is_silent(answer, row)
    }

    /// A candidate row with the person's own name wherever rows name somebody.
    async fn own_candidate(&self, table: &Table) -> Option<Row> {
        let system = self.stage.system();
        let mut candidate = self.stage.candidate(table).await.ok()?;
        for (column, property) in own_columns(self.stage, table) {
            if let Some(value) = of_person(self.stage, self.person, &property) {
                candidate.insert(shown(system, &column), value);
            }
        }
        // What the row refers to has to be seen by whoever makes it.
        for key in table.foreign_keys.iter().filter(|key| key.resolved) {
            let Some(parent) = self.scene.tables.iter().find(|one| one.table.name == key.table)
            else {
                continue;
            };
            let access = self.access();
            let is_seen = |row: &&Row| access.on(parent.table, &Action::Read, row) == May::Yes;
            let is_owned = |row: &&Row| access.owns(parent.table, row) == May::Yes;
            let seen = || parent.rows.iter().filter(is_seen);
            let best = seen().find(is_owned).or_else(|| seen().next());
            let names: Vec<String> = key.columns.iter().map(|one| shown(system, one)).collect();
            let is_named = names.iter().any(|name| candidate.contains_key(name));
            if let Some(parent) =
                best.filter(|_| is_named && !self.stage.fixture.is_users(parent.table))
            {
                for (column, value) in crate::fixture::linked(system, key, parent)? {
                    candidate.insert(shown(system, column), value);
                }
            }
        }
        Some(candidate)
    }

    async fn create(&self) {
        let Some((method, path)) = self.stage.paths().of_table(self.table(), Operation::Create)
        else {
            return;
        };
        let Some(candidate) = self.own_candidate(self.table()).await else { return };
        let access = self.access();
        let may = access.becomes(self.table(), &Action::Create, &candidate).and(access.through(
            self.endpoint(Operation::Create),
            self.table(),
            &candidate,
        ));
        let request = Request::new(method, path).json(candidate.clone().into());
        let answer = self.stage.ask(self.person, request).await;
        match may {
            May::Yes if answer.is_success() => {
                self.note(&Action::Create, "a row that they may make", &answer, true);
                self.owner_is_filled(&candidate).await;
            }
            // Values that do not fit say nothing about who may send them.
            May::Yes if answer.is_invalid() || answer.status == 409 => {}
            May::Yes => self.note(&Action::Create, "a row that they may make", &answer, false),
            May::No => {
                let holds = matches!(answer.status, 401 | 403)
                    || access.at_all(self.table(), &Action::Create) && answer.status >= 400;
                self.note(&Action::Create, "a row that they may not make", &answer, holds);
            }
            May::Unknown => {}
        }
    }

    /// Columns of the table itself that hold the user whose row it is.
    fn owner_columns(&self) -> Vec<&str> {
        let owners = self.stage.system().security.owners.iter();
        let own = owners.filter(|owner| owner.table == self.table().name);
        own.filter_map(|owner| match owner.path.as_slice() {
            [column] => Some(column.as_str()),
            _ => None,
        })
        .collect()
    }

    /// A row made without naming its owner belongs to whoever makes it.
    async fn owner_is_filled(&self, made: &Row) {
        let system = self.stage.system();
        let columns = self.owner_columns();
        let ([column], Some(own)) = (columns.as_slice(), self.person.id()) else { return };
        let Some(declared) = self.table().column(column) else { return };
        if self.person.is_admin || declared.default.is_some() {
            return;
        }
        let Some(mut candidate) = self.own_candidate(self.table()).await else { return };
        let name = shown(system, column);
        if made.get(&name) != Some(own) {
            return;
        }
        candidate.remove(&name);
        let Some((method, path)) = self.stage.paths().of_table(self.table(), Operation::Create)
        else {
            return;
        };
        let request = Request::new(method, path).json(candidate.into());
        let answer = self.stage.ask(self.person, request).await;
        if answer.status == 409 {
            return;
        }
        let owner = row(system, &answer.json).and_then(|row| row.get(&name));
        let holds = answer.is_success() && owner == Some(own);
        self.note(&Action::Create, "a new row belongs to whoever makes it", &answer, holds);
    }

    /// True where a sentence lets a role make or change rows of anybody.
    fn is_free(&self, action: &Action) -> bool {
        let access = self.access();
        let mut grants = self.stage.system().security.grants.iter();
        self.person.is_admin
            || grants.any(|grant| {
                let is_free = grant.condition.is_none() && grant.check.is_none();
                grant.table == self.table().name
                    && grant.actions.contains(action)
                    && matches!(grant.who, Who::Role { .. })
                    && is_free
                    && access.is(&grant.who)
            })
    }

    /// Somebody else, for rows in another's name.
    fn another(&self) -> Option<Json> {
        let others = self.stage.people.users.iter().filter_map(|person| person.id());
        others.filter(|id| Some(*id) != self.person.id()).find(|id| !id.is_null()).cloned()
    }

    async fn create_for_another(&self) {
        let columns = self.owner_columns();
        let ([column], Some(other)) = (columns.as_slice(), self.another()) else { return };
        if self.is_free(&Action::Create) || self.person.id().is_none() {
            return;
        }
        let Some(mut candidate) = self.own_candidate(self.table()).await else { return };
        candidate.insert(shown(self.stage.system(), column), other);
        let Some((method, path)) = self.stage.paths().of_table(self.table(), Operation::Create)
        else {
            return;
        };
        let request = Request::new(method, path).json(candidate.into());
        let answer = self.stage.ask(self.person, request).await;
        let holds = (400..500).contains(&answer.status);
        self.note(&Action::Create, "no row is made in another's name", &answer, holds);
    }

    /// A row of one's own is not handed to somebody else.
    async fn give_away(&self) {
        let columns = self.owner_columns();
        let ([column], Some(other)) = (columns.as_slice(), self.another()) else { return };
        if self.is_free(&Action::Update) || self.person.id().is_none() {
            return;
        }
        let name = shown(self.stage.system(), column);
        let own = self.shown.rows.iter().find(|row| {
            row.get(&name) == self.person.id()
                && self.changes(Operation::Update, &Action::Update, row) == May::Yes
        });
        let Some(own) = own else { return };
        let Some((method, path)) = self.path(Operation::Update, own) else { return };
        let request = Request::new(method, path).json(json!({ name: other }));
        let answer = self.stage.ask(self.person, request).await;
        let holds = (400..500).contains(&answer.status);
        self.note(&Action::Update, "no row is handed to somebody else", &answer, holds);
    }

    /// A row of one's own does not become what its sentence forbids.
    async fn become_forbidden(&self) {
        let system = self.stage.system();
        let checked = system.security.grants.iter().any(|grant| {
            grant.table == self.table().name
                && grant.check.is_some()
                && grant.actions.contains(&Action::Update)
        });
        let mine = self
            .shown
            .rows
            .iter()
            .find(|row| self.changes(Operation::Update, &Action::Update, row) == May::Yes);
        let Some(own) = mine.filter(|_| checked && !self.person.is_admin) else { return };
        for name in columns_read(self.stage, self.table()) {
            let Some(column) = self.table().column(&name) else { continue };
            if self.owner_columns().contains(&name.as_str()) || is_link(self.table(), column) {
                continue;
            }
            let member = shown(system, &name);
            for value in limits_of(system, self.table(), column) {
                let mut changed = own.clone();
                changed.insert(member.clone(), value.clone());
                let becomes = self.access().becomes(self.table(), &Action::Update, &changed);
                let Some((method, path)) = self.path(Operation::Update, own) else { return };
                if becomes != May::No || !passes(system, self.table(), &changed) {
                    continue;
                }
                let request = Request::new(method, path).json(json!({ member.clone(): value }));
                let answer = self.stage.ask(self.person, request).await;
                let holds = (400..500).contains(&answer.status);
                let expected = "a row does not become what its sentence forbids";
                self.note(&Action::Update, expected, &answer, holds);
                break;
            }
        }
    }

    /// Deletes: those that are refused on known rows, one that is allowed on a row of its own.
    pub(super) async fn remove(&self) {
        if self.stage.fixture.is_users(self.table()) {
            return;
        }
        for row in self.shown.rows.iter().take(TRIED_MAX) {
            let may = self.changes(Operation::Delete, &Action::Delete, row);
            if may != May::No {
                continue;
            }
            let Some((method, path)) = self.path(Operation::Delete, row) else { return };
            let answer = self.stage.ask(self.person, Request::new(method, path)).await;
            let holds = self.is_refused(&Action::Delete, Operation::Delete, row, &answer);
            let expected = "a row that is not theirs to delete is refused";
            self.note(&Action::Delete, expected, &answer, holds);
        }
        self.remove_own().await;
    }

    async fn remove_own(&self) {
        let system = self.stage.system();
        let own =
            own_columns(self.stage, self.table()).into_iter().filter_map(|(name, property)| {
                let is_id = property == PrincipalProperty::Id;
                let value = of_person(self.stage, self.person, &property).filter(|_| is_id)?;
                Some((shown(system, &name), value))
            });
        let Some(fresh) = with(self.stage, self.table(), own.collect()).await else { return };
        if self.changes(Operation::Delete, &Action::Delete, &fresh) != May::Yes {
            return;
        }
        let Some((method, path)) = self.path(Operation::Delete, &fresh) else { return };
        let answer = self.stage.ask(self.person, Request::new(method, path)).await;
        let mut holds = answer.is_success();
        if holds {
            // Where no endpoint gives single rows, its answer has to do.
            holds = match self.path(Operation::Get, &fresh) {
                Some((_, path)) => self.stage.as_admin(Request::get(path)).await.status == 404,
                None => true,
            };
        }
        self.note(&Action::Delete, "a row that is theirs to delete is gone", &answer, holds);
    }
}

/// Values of a column on either side of what the sentences of its table compare it with.
fn limits_of(system: &System, table: &Table, column: &Column) -> Vec<Json> {
    if let Some((values, _)) = system.data.values_of(table, column) {
        return values.into_iter().map(Json::from).collect();
    }
    if column.kind == ColumnType::Boolean {
        return vec![true.into(), false.into()];
    }
    let grants = system.security.grants.iter().filter(|grant| grant.table == table.name);
    let mut numbers = Vec::new();
    for condition in grants.flat_map(|grant| grant.check.iter().chain(&grant.condition)) {
        numbers_in(condition, &mut numbers);
    }
    match is_number(&column.kind) {
        true => numbers.iter().flat_map(|one| [one - 1, *one, one + 1]).map(Json::from).collect(),
        false => Vec::new(),
    }
}

/// Whole numbers that a condition compares with.
fn numbers_in(condition: &Expression, found: &mut Vec<i64>) {
    if let Expression::Binary { left, right, .. } = condition {
        numbers_in(left, found);
        numbers_in(right, found);
    }
    if let Expression::Literal { literal: Literal::Number(digits) } = condition {
        found.extend(digits.parse::<i64>());
    }
}
