//! Trials of an endpoint: it does what it is bound to, and what is bound to nothing is refuted.

use document::{
    api::{Binding, Endpoint, KeyParameter, NOW, NULL, Nested, Operation, TOGGLE},
    data::Table,
};
use serde_json::Value as Json;

use super::{built_in, list, scene::Scene};
use crate::{
    About, Answer, Request, Stage, Unmade,
    fixture::{Row, fresh_uuid, passes},
    shape::{self, shown},
};

/// Tries an endpoint.
pub(super) async fn probe(stage: &Stage<'_>, endpoint: &Endpoint) {
    let about = About::endpoint(endpoint);
    match &endpoint.binding {
        Binding::Unbound { candidates } => unbound(stage, endpoint, candidates).await,
        Binding::BuiltIn { built_in } => built_in::probe(stage, endpoint, *built_in).await,
        // Queries are tried alone, when nothing else changes rows.
        Binding::Query { .. } => {}
        Binding::Transition { table, column, target, key, .. } => {
            let Some(table) = stage.system().data.table(table) else { return };
            transition(stage, endpoint, table, (column, target), key).await;
        }
        Binding::Table { table, operation, nested, filters, key } => {
            let Some(table) = stage.system().data.table(table) else {
                // A view has no rows of its own to make.
                return listed(stage, endpoint).await;
            };
            let key: Vec<KeyParameter> = key.iter().cloned().collect();
            let scene = Scene::of(stage, table, nested.as_ref(), filters).await;
            let scene = match scene {
                Ok(scene) => scene,
                Err(unmade) => return unready(stage, &about, &unmade),
            };
            let Some(path) = scene.path(stage, &endpoint.path, &key) else {
                let reason = "its path has a parameter that nothing says how to fill";
                return stage.book.skip(&about, "it answers", reason);
            };
            let trial =
                Trial { stage, endpoint, table, nested: nested.as_ref(), about, scene, path };
            trial.operation(*operation, !key.is_empty()).await;
        }
    }
}

/// What the endpoint is about could not be made ready.
pub(super) fn unready(stage: &Stage<'_>, about: &About, unmade: &Unmade) {
    match &unmade.answer {
        Some(answer) => {
            let expected = "a row that fits is taken";
            stage.book.judge(about, expected, answer, false);
        }
        None => stage.book.skip(about, "it answers", &unmade.reason),
    }
}

/// Any text stands for a path parameter.
pub(super) fn filled(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment.starts_with('{') {
        true => "1",
        false => segment,
    });
    segments.collect::<Vec<_>>().join("/")
}

async fn unbound(stage: &Stage<'_>, endpoint: &Endpoint, candidates: &[String]) {
    let request = Request::new(endpoint.method.word(), filled(&endpoint.path));
    let answer = stage.as_admin(request).await;
    let near = match candidates {
        [] => String::new(),
        names => format!("; it could be {}", names.join(", ")),
    };
    let expected = format!("it is bound to something and does it{near}");
    let about = About::endpoint(endpoint);
    // Nobody knows what it should do, so no answer proves it.
    stage.book.judge(&about, expected, &answer, false);
    let expected = "as long as it is bound to nothing it says so: 501";
    stage.book.judge(&about, expected, &answer, answer.status == 501);
}

async fn listed(stage: &Stage<'_>, endpoint: &Endpoint) {
    let answer = stage.as_admin(Request::get(filled(&endpoint.path))).await;
    let is_list = shape::rows(stage.system(), &answer.json).is_some();
    let about = About::endpoint(endpoint);
    stage.book.judge(&about, "it lists rows", &answer, answer.status == 200 && is_list);
}

/// A row in a state from which the action leads on, and the action on it.
async fn transition(
    stage: &Stage<'_>,
    endpoint: &Endpoint,
    table: &Table,
    (column, target): (&str, &str),
    key: &KeyParameter,
) {
    let about = About::endpoint(endpoint);
    let system = stage.system();
    let machine = system
        .messaging
        .machines
        .iter()
        .find(|machine| machine.table == table.name && machine.column == column);
    let from = machine.and_then(|machine| {
        let mut moves = machine.transitions.iter();
        moves.find(|one| one.to == target).map(|one| one.from.clone())
    });
    let mut filters = Vec::new();
    if let Some(from) = from {
        filters.push((column.to_owned(), from));
    }
    let scene = match Scene::of(stage, table, None, &filters).await {
        Ok(scene) => scene,
        Err(unmade) => return unready(stage, &about, &unmade),
    };
    let Some(path) = scene.path(stage, &endpoint.path, std::slice::from_ref(key)) else {
        let reason = "its path has a parameter that nothing says how to fill";
        return stage.book.skip(&about, "it answers", reason);
    };
    let answer = stage.as_admin(Request::new(endpoint.method.word(), path)).await;
    let name = shown(system, column);
    let came = shape::row(system, &answer.json).and_then(|row| row.get(&name));
    let before = scene.row.get(&name).and_then(Json::as_bool);
    let is_there = came.is_some_and(|came| match target {
        NOW => came.as_str().is_some_and(|came| crate::evaluate::moment_of(came).is_some()),
        NULL => came.is_null(),
        TOGGLE => came.as_bool().is_some() && came.as_bool() != before,
        target => shape::text(came) == target,
    });
    let expected = format!("it answers 200 with `{column}` {target}");
    stage.book.judge(&about, expected, &answer, answer.status == 200 && is_there);
}

/// An endpoint on a table, with a row to use it on.
pub(super) struct Trial<'s> {
    pub(super) stage: &'s Stage<'s>,
    pub(super) endpoint: &'s Endpoint,
    pub(super) table: &'s Table,
    pub(super) nested: Option<&'s Nested>,
    pub(super) about: About,
    pub(super) scene: Scene,
    pub(super) path: String,
}

impl Trial<'_> {
    async fn operation(&self, operation: Operation, has_key: bool) {
        match operation {
            Operation::List => list::probe(self).await,
            Operation::Get => self.get(has_key).await,
            Operation::Create => self.create().await,
            Operation::Update => self.update().await,
            Operation::Replace => self.replace().await,
            Operation::Delete => self.delete().await,
        }
    }

    pub(super) fn judge(&self, expected: impl Into<String>, answer: &Answer, holds: bool) {
        self.stage.book.judge(&self.about, expected, answer, holds);
    }

    async fn ask(&self, path: &str, body: Option<Row>) -> Answer {
        let mut request = Request::new(self.endpoint.method.word(), path);
        if let Some(body) = body {
            request = request.json(Json::Object(body));
        }
        self.stage.as_admin(request).await
    }

    fn row<'j>(&self, answer: &'j Answer) -> Option<&'j Row> {
        shape::row(self.stage.system(), &answer.json)
    }

    /// True for the row of the scene, or one that agrees with it in its key.
    fn is_own(&self, row: Option<&Row>) -> bool {
        let names = self.table.primary_key.iter().map(|name| shown(self.stage.system(), name));
        let mut names = names.filter(|name| self.scene.row.contains_key(name));
        row.is_some_and(|row| names.all(|name| row.get(&name) == self.scene.row.get(&name)))
    }

    async fn get(&self, has_key: bool) {
        let answer = self.ask(&self.path, None).await;
        let holds = answer.status == 200 && self.is_own(self.row(&answer));
        self.judge("it gives the row that its path names", &answer, holds);
        if has_key && let Some(place) = self.path.rfind('/') {
            let is_uuid =
                self.table.key().is_some_and(|key| key.kind == document::data::ColumnType::Uuid);
            let nowhere = if is_uuid { fresh_uuid() } else { "2147400003".to_owned() };
            let parent = self.path.get(..place).unwrap_or_default();
            let ends_in_key = self.endpoint.path.ends_with('}');
            if ends_in_key {
                let answer = self.ask(&format!("{parent}/{nowhere}"), None).await;
                self.judge("a row that is not there is 404", &answer, answer.status == 404);
            }
        }
    }

    async fn create(&self) {
        let system = self.stage.system();
        let fixed = self.scene.fixed.clone();
        let mut body = match self.stage.candidate_with(self.table, fixed).await {
            Ok(body) => body,
            Err(unmade) => return unready(self.stage, &self.about, &unmade),
        };
        if let Some(nested) = self.nested.filter(|nested| nested.through.is_none()) {
            body.remove(&shown(system, &nested.column));
        }
        let answer = self.ask(&self.path, Some(body)).await;
        let row = self.row(&answer);
        self.judge(
            "it adds a row and answers 201 with it",
            &answer,
            answer.status == 201 && row.is_some(),
        );
        let Some(row) = row.filter(|_| answer.is_success()) else { return };
        let fits = self.scene.fixed.iter().all(|(name, value)| row.get(name) == Some(value));
        self.judge("the row lies below what its path names", &answer, fits);
        let location = answer.header("location");
        self.judge("`Location` says where the row is", &answer, location.is_some());
        if let Some(location) = location {
            let location = location.strip_prefix(self.stage.client.origin()).unwrap_or(location);
            let found = self.stage.as_admin(Request::get(location)).await;
            self.judge("`Location` leads to the row", &found, found.status == 200);
        }
    }

    /// A column whose value may be changed to another that fits.
    fn changeable(&self) -> Option<(String, Json)> {
        let system = self.stage.system();
        let columns = self.table.columns.iter().filter(|column| {
            let is_key = self.table.primary_key.contains(&column.name)
                || self.table.foreign_keys.iter().any(|key| key.columns.contains(&column.name));
            let machines = &system.messaging.machines;
            let is_state = machines
                .iter()
                .any(|machine| machine.table == self.table.name && machine.column == column.name);
            !is_key
                && !is_state
                && column.generated.is_none()
                && !column.write_only
                && !column.touched_on_update
                && !self.stage.fixture.is_reserved(column)
        });
        columns
            .filter_map(|column| {
                let name = shown(system, &column.name);
                let before = self.scene.row.get(&name)?;
                let number = self.stage.fixture.number();
                let value = self.stage.fixture.value(self.table, column, number);
                let mut changed = self.scene.row.clone();
                changed.insert(name.clone(), value.clone());
                let is_new = value != *before && passes(system, self.table, &changed);
                is_new.then_some((name, value))
            })
            .next()
    }

    async fn update(&self) {
        let body = self.changeable();
        let Some((name, value)) = body else {
            let answer = self.ask(&self.path, Some(Row::new())).await;
            return self.judge("a change of nothing is taken", &answer, answer.status == 200);
        };
        let set = crate::fixture::object([(name.clone(), value.clone())]);
        let answer = self.ask(&self.path, Some(set)).await;
        let row = self.row(&answer);
        let keeps = |row: &Row| {
            let key = self.table.primary_key.iter().map(|key| shown(self.stage.system(), key));
            let mut key = key.into_iter();
            key.all(|key| row.get(&key) == self.scene.row.get(&key))
        };
        let holds = answer.status == 200
            && row.is_some_and(|row| {
                let came = row.get(&name).unwrap_or(&Json::Null);
                let is_set = self.table.columns.iter().any(|column| {
                    shown(self.stage.system(), &column.name) == name
                        && crate::fixture::same(&column.kind, &value, came)
                });
                is_set && keeps(row)
            });
        self.judge(format!("it sets `{name}` and answers 200 with the row"), &answer, holds);
    }

    async fn replace(&self) {
        let fixed = self.scene.fixed.clone();
        let Ok(mut body) = self.stage.candidate_with(self.table, fixed).await else { return };
        body.remove("password");
        for key in &self.table.primary_key {
            body.remove(&shown(self.stage.system(), key));
        }
        let answer = self.ask(&self.path, Some(body)).await;
        let holds = answer.status == 200 && self.is_own(self.row(&answer));
        self.judge("it replaces the row and answers 200 with it", &answer, holds);
    }

    async fn delete(&self) {
        let answer = self.ask(&self.path, None).await;
        let is_gone = matches!(answer.status, 200 | 204);
        self.judge("it removes the row and answers 204", &answer, is_gone);
        let again = self.ask(&self.path, None).await;
        self.judge("the row is gone then: 404", &again, again.status == 404);
    }
}
