//! Trials of state machines: every move that is drawn works and every other is refused, through
//! the action's own endpoint and as a change of the column, by everybody who may and who may not.

use document::{
    ClaimKind,
    api::{Binding, Endpoint, Operation},
    data::Table,
    messaging::{StateMachine, Transition},
};
use futures_util::future::join_all;
use serde_json::Value as Json;

use crate::{
    About, Answer, Person, Request, Stage,
    fixture::Row,
    shape::{self, shown},
};

/// Tries every state machine.
pub(crate) async fn probe(stage: &Stage<'_>) {
    join_all(stage.system().messaging.machines.iter().map(|machine| drawn(stage, machine))).await;
}

async fn drawn(stage: &Stage<'_>, machine: &StateMachine) {
    let subject = format!("machine:{}.{}", machine.table, machine.column);
    let whole = About::subject(&[ClaimKind::States], subject);
    let Some(table) = stage.system().data.table(&machine.table) else {
        let reason = "the drawing belongs to no table";
        return stage.book.skip(&whole, "it moves along its arrows", reason);
    };
    let trial = Trial { stage, machine, table, whole };
    if machine.transitions.is_empty() {
        return trial.listed().await;
    }
    trial.begins().await;
    let states = &machine.states;
    let pairs = states.iter().flat_map(|from| states.iter().map(move |to| (from, to)));
    join_all(pairs.filter(|(from, to)| from != to).map(|(from, to)| trial.change(from, to))).await;
    let actions = trial.actions();
    let doings =
        actions.iter().flat_map(|endpoint| states.iter().map(move |from| (*endpoint, from)));
    join_all(doings.map(|(endpoint, from)| trial.action(endpoint, from))).await;
    join_all(machine.transitions.iter().map(|one| trial.by_whom(one))).await;
}

struct Trial<'s> {
    stage: &'s Stage<'s>,
    machine: &'s StateMachine,
    table: &'s Table,
    /// The drawing as a whole.
    whole: About,
}

impl<'s> Trial<'s> {
    fn name(&self) -> String {
        shown(self.stage.system(), &self.machine.column)
    }

    /// The claims about one move: its own sentence and the drawing.
    fn abouts(&self, one: Option<&Transition>) -> Vec<About> {
        let mut abouts = vec![self.whole.clone()];
        match one {
            Some(one) => abouts.push(About::span(&[ClaimKind::Transition], one.span)),
            None => abouts.extend(
                self.machine
                    .transitions
                    .iter()
                    .map(|one| About::span(&[ClaimKind::Transition], one.span)),
            ),
        }
        abouts.dedup();
        abouts
    }

    fn judge(&self, one: Option<&Transition>, expected: &str, answer: &Answer, holds: bool) {
        for about in self.abouts(one) {
            self.stage.book.judge(&about, expected, answer, holds);
        }
    }

    /// A new row in a state, made by the admin; its owner, where it has one, is somebody's.
    async fn row_in(&self, state: &str, owner: Option<&Person>) -> Option<Row> {
        let mut row = self.stage.candidate(self.table).await.ok()?;
        row.insert(self.name(), state.into());
        if let Some(id) = owner.and_then(Person::id) {
            for column in self.owner_columns() {
                row.insert(shown(self.stage.system(), column), id.clone());
            }
        }
        let answer = self.stage.create(self.table, row).await.ok()?;
        let made = shape::row(self.stage.system(), &answer.json)?;
        let is_there = made.get(&self.name()).and_then(Json::as_str) == Some(state);
        if !answer.is_success() || !is_there {
            self.judge(None, &format!("the admin makes a row in `{state}`"), &answer, false);
            return None;
        }
        Some(made.clone())
    }

    fn owner_columns(&self) -> impl Iterator<Item = &'s str> {
        let owners = &self.stage.system().security.owners;
        owners
            .iter()
            .filter(|owner| owner.table == self.table.name && owner.path.len() == 1)
            .filter_map(|owner| owner.path.first().map(String::as_str))
    }

    fn path_of(&self, row: &Row) -> Option<(&'static str, String)> {
        let paths = self.stage.paths();
        let (method, path) = paths.of_table(self.table, Operation::Update)?;
        Some((method, paths.of_row(&path, row)?))
    }

    async fn state_of(&self, row: &Row) -> Option<String> {
        let paths = self.stage.paths();
        let (_, path) = paths.of_table(self.table, Operation::Get)?;
        let answer = self.stage.as_admin(Request::get(paths.of_row(&path, row)?)).await;
        let row = shape::row(self.stage.system(), &answer.json)?;
        row.get(&self.name()).and_then(Json::as_str).map(str::to_owned)
    }

    /// Where only states are listed: each is taken, any other word is not.
    async fn listed(&self) {
        for state in &self.machine.states {
            let Some(row) = self.row_in(state, None).await else { continue };
            let _ = row;
            self.stage.book.note(&self.whole, format!("`{state}` is taken"), crate::Outcome::Held);
        }
        let Ok(mut row) = self.stage.candidate(self.table).await else { return };
        row.insert(self.name(), "zz-unlisted".into());
        if let Ok(answer) = self.stage.create(self.table, row).await {
            let expected = "a state that is not listed is refused with 400";
            self.judge(None, expected, &answer, answer.is_invalid());
        }
    }

    /// A new row is in the first state, and nobody but the admin begins elsewhere.
    async fn begins(&self) {
        let Some(initial) = &self.machine.initial else { return };
        let Ok(row) = self.stage.candidate(self.table).await else { return };
        let Ok(answer) = self.stage.create(self.table, row).await else { return };
        let came = shape::row(self.stage.system(), &answer.json);
        let state = came.and_then(|row| row.get(&self.name())?.as_str());
        let expected = format!("a new row is `{initial}`");
        let holds = answer.is_success() && state == Some(initial);
        self.judge(None, &expected, &answer, holds);
        let Some(other) = self.machine.states.iter().find(|state| *state != initial) else {
            return;
        };
        for person in &self.stage.people.users {
            let Ok(mut row) = self.stage.candidate(self.table).await else { return };
            for column in self.owner_columns() {
                row.remove(&shown(self.stage.system(), column));
            }
            let path = self.stage.paths().of_table(self.table, Operation::Create);
            let Some((method, path)) = path else { return };
            row.insert(self.name(), other.as_str().into());
            let request = Request::new(method, path).json(row.into());
            let answer = self.stage.ask(person, request).await;
            let expected = format!("{} makes no row that begins as `{other}`", person.name);
            self.judge(None, &expected, &answer, !answer.is_success());
        }
    }

    /// The state set as an ordinary member, by the admin.
    async fn change(&self, from: &str, to: &str) {
        let drawn = self.machine.transitions.iter().find(|one| one.from == from && one.to == to);
        let Some(row) = self.row_in(from, None).await else { return };
        let Some((method, path)) = self.path_of(&row) else { return };
        let set = crate::fixture::object([(self.name(), Json::from(to))]);
        let answer = self.stage.as_admin(Request::new(method, path).json(set.into())).await;
        self.outcome(drawn, (from, to), &row, &answer).await;
    }

    /// The move is done and the row is where it leads; or it is refused and the row stays.
    async fn outcome(
        &self,
        drawn: Option<&Transition>,
        (from, to): (&str, &str),
        row: &Row,
        answer: &Answer,
    ) {
        let state = self.state_of(row).await;
        match drawn {
            Some(one) => {
                let expected = format!("`{from}` becomes `{to}`");
                let is_there = state.as_deref() == Some(to);
                self.judge(Some(one), &expected, answer, answer.is_success() && is_there);
            }
            None => {
                let expected = format!("`{from}` does not become `{to}`: 409, and the row stays");
                let stays = state.as_deref() == Some(from);
                self.judge(None, &expected, answer, answer.status == 409 && stays);
            }
        }
    }

    /// Endpoints of the machine's actions, with a path that names one row.
    fn actions(&self) -> Vec<&'s Endpoint> {
        let endpoints = self.stage.system().api.endpoints.iter();
        endpoints
            .filter(|endpoint| match &endpoint.binding {
                Binding::Transition { table, column, .. } => {
                    *table == self.table.name && *column == self.machine.column
                }
                _ => false,
            })
            .collect()
    }

    fn action_path(&self, endpoint: &Endpoint, row: &Row) -> Option<String> {
        let Binding::Transition { key, .. } = &endpoint.binding else { return None };
        let value = row.get(&shown(self.stage.system(), &key.column))?;
        let parameter = format!("{{{}}}", key.parameter);
        let path = endpoint.path.replace(&parameter, &shape::segment(value));
        (!path.contains('{')).then_some(path)
    }

    /// The moves that an endpoint's action stands for.
    fn called(&self, endpoint: &Endpoint) -> Vec<&'s Transition> {
        let Binding::Transition { action, target, .. } = &endpoint.binding else {
            return Vec::new();
        };
        let all = &self.machine.transitions;
        let named: Vec<&Transition> =
            all.iter().filter(|one| one.action.as_deref() == Some(action)).collect();
        match named.is_empty() {
            true => all.iter().filter(|one| one.to == *target).collect(),
            false => named,
        }
    }

    /// An action on a row in a state, by the admin.
    async fn action(&self, endpoint: &Endpoint, from: &str) {
        let called = self.called(endpoint);
        let drawn = called.iter().find(|one| one.from == from).copied();
        let Some(row) = self.row_in(from, None).await else { return };
        let Some(path) = self.action_path(endpoint, &row) else { return };
        let answer = self.stage.as_admin(Request::new(endpoint.method.word(), path)).await;
        let first = called.first().map_or("another", |one| one.to.as_str());
        let to = drawn.map_or(first, |one| one.to.as_str());
        if drawn.is_none() && to == from {
            // Whoever is there already may be told so, or left in peace; the row stays either way.
            let state = self.state_of(&row).await;
            let expected = format!("`{from}` stays `{from}`");
            return self.judge(None, &expected, &answer, state.as_deref() == Some(from));
        }
        self.outcome(drawn, (from, to), &row, &answer).await;
    }

    /// A move that names roles is theirs alone, through either door.
    async fn by_whom(&self, one: &Transition) {
        if one.roles.is_empty() {
            return;
        }
        let names_owner = one.roles.iter().any(|role| role.eq_ignore_ascii_case("owner"));
        for person in &self.stage.people.users {
            let may = person
                .role
                .as_ref()
                .is_some_and(|own| one.roles.iter().any(|role| role.eq_ignore_ascii_case(own)));
            if may || names_owner {
                continue;
            }
            let Some(row) = self.row_in(&one.from, Some(person)).await else { return };
            let mut answers = Vec::new();
            for endpoint in self.actions() {
                let is_it = |called: &&Transition| called.from == one.from && called.to == one.to;
                if self.called(endpoint).iter().any(is_it) {
                    let Some(path) = self.action_path(endpoint, &row) else { continue };
                    let request = Request::new(endpoint.method.word(), path);
                    answers.push(self.stage.ask(person, request).await);
                }
            }
            if let Some((method, path)) = self.path_of(&row) {
                let set = crate::fixture::object([(self.name(), Json::from(one.to.as_str()))]);
                let request = Request::new(method, path).json(set.into());
                answers.push(self.stage.ask(person, request).await);
            }
            let stays = self.state_of(&row).await.as_deref() == Some(&*one.from);
            for answer in answers {
                let expected = format!(
                    "{} does not move `{}` to `{}`: the arrow names {}",
                    person.name,
                    one.from,
                    one.to,
                    one.roles.join(", ")
                );
                let is_refused = matches!(answer.status, 401 | 403 | 404 | 409);
                self.judge(Some(one), &expected, &answer, is_refused && stays);
            }
        }
    }
}
