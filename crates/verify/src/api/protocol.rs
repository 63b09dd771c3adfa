//! Trials of what every resource owes as HTTP: tags and conditions, requests that are repeated,
//! types of bodies, methods, ids of requests, batches, cursors and totals.

use document::{
    api::{Operation, PageMember},
    data::Table,
};
use serde_json::{Value as Json, json};

use crate::{
    About, Answer, Request, Stage,
    fixture::{Row, fresh_uuid},
    shape::{self, shown},
};

/// Tries it on the table whose rows are made most easily.
pub(super) async fn probe(stage: &Stage<'_>) {
    let Some(table) = super::wrapping::cheap(stage) else { return };
    let Ok(row) = stage.row(table).await else { return };
    let trial = Trial { stage, table, about: About::table(&table.name), row };
    trial.tags().await;
    trial.repeats().await;
    trial.bodies().await;
    trial.answers().await;
    trial.batch().await;
    trial.cursor().await;
    trial.total().await;
    trial.removal().await;
}

struct Trial<'s> {
    stage: &'s Stage<'s>,
    table: &'s Table,
    about: About,
    row: Row,
}

impl Trial<'_> {
    fn judge(&self, expected: &str, answer: &Answer, holds: bool) {
        self.stage.book.judge(&self.about, expected, answer, holds);
    }

    fn path(&self, operation: Operation) -> Option<(&'static str, String)> {
        let (method, path) = self.stage.paths().of_table(self.table, operation)?;
        Some((method, self.stage.paths().of_row(&path, &self.row)?))
    }

    /// Always the same admin: what is repeated is repeated by whoever asked first.
    async fn ask(&self, request: Request) -> Answer {
        let account = self.stage.people.admin.account();
        let token = account.map(|account| account.token.clone());
        self.stage.client.send(request.token(token)).await
    }

    /// A text that may be set to anything.
    fn text_column(&self) -> Option<String> {
        let columns = self.table.columns.iter().filter(|column| {
            matches!(column.kind, document::data::ColumnType::Text { .. })
                && !column.write_only
                && !self.table.primary_key.contains(&column.name)
                && self.table.checks.is_empty()
        });
        let name = columns.into_iter().next().map(|column| column.name.as_str())?;
        Some(shown(self.stage.system(), name))
    }

    /// The tag of a row changes with it, spares a read, and keeps an old version from being written.
    async fn tags(&self) {
        let Some((_, path)) = self.path(Operation::Get) else { return };
        let first = self.ask(Request::get(path.clone())).await;
        let Some(tag) = first.header("etag").map(str::to_owned) else {
            return self.judge("a row has an `ETag`", &first, false);
        };
        let same = self.ask(Request::get(path.clone()).header("if-none-match", tag.clone())).await;
        self.judge("a row that is known is not sent again: 304", &same, same.status == 304);
        let (Some(column), Some((method, change))) =
            (self.text_column(), self.path(Operation::Update))
        else {
            return;
        };
        let set = |text: &str| json!({column.as_str(): text});
        let request = Request::new(method, change.clone()).json(set("Va"));
        let changed = self.ask(request.header("if-match", tag.clone())).await;
        self.judge("a change of the known version is done", &changed, changed.status == 200);
        let second = self.ask(Request::get(path)).await;
        let is_new = second.header("etag").is_some_and(|other| other != tag);
        self.judge("the tag changes with the row", &second, is_new);
        let request = Request::new(method, change).json(set("Vb"));
        let stale = self.ask(request.header("if-match", tag)).await;
        self.judge("a change of an old version is refused with 412", &stale, stale.status == 412);
    }

    /// A create that is repeated with its key is done once.
    async fn repeats(&self) {
        let Some((method, path)) = self.path(Operation::Create) else { return };
        let (Ok(body), Ok(other)) =
            (self.stage.candidate(self.table).await, self.stage.candidate(self.table).await)
        else {
            return;
        };
        let key = fresh_uuid();
        let send = |body: Row| {
            let request = Request::new(method, path.clone()).json(body.into());
            self.ask(request.header("idempotency-key", key.clone()))
        };
        let first = send(body.clone()).await;
        let again = send(body).await;
        let is_same = first.is_success() && again.is_success() && first.json == again.json;
        let own = |answer: &Answer| {
            let row = shape::row(self.stage.system(), &answer.json)?;
            let key = self.table.primary_key.first()?;
            row.get(&shown(self.stage.system(), key)).cloned()
        };
        let holds = is_same || (own(&first).is_some() && own(&first) == own(&again));
        self.judge("a create that is repeated with its key is done once", &again, holds);
        let mixed = send(other).await;
        let expected = "the same key with another body is refused with 422";
        self.judge(expected, &mixed, mixed.status == 422);
    }

    /// What is no JSON object is refused.
    async fn bodies(&self) {
        let Some((method, path)) = self.path(Operation::Create) else { return };
        let broken = Request::new(method, path.clone()).raw("application/json", "{\"a\": ");
        let answer = self.ask(broken).await;
        let is_named = crate::shape::found(&answer.json, &["code"])
            .and_then(Json::as_str)
            .is_none_or(|code| !code.contains("VALIDATION"));
        let holds = answer.status == 400 && is_named;
        self.judge("what is no JSON is refused with 400 as such", &answer, holds);
        let list = Request::new(method, path.clone()).json(json!([1]));
        let answer = self.ask(list).await;
        self.judge("a body that is no object is refused with 400", &answer, answer.is_invalid());
        let Ok(row) = self.stage.candidate(self.table).await else { return };
        let text = Json::Object(row).to_string();
        let answer = self.ask(Request::new(method, path).raw("text/plain", text)).await;
        self.judge("a body of another type is refused with 415", &answer, answer.status == 415);
    }

    /// What every answer says of itself.
    async fn answers(&self) {
        let Some((_, path)) = self.path(Operation::Get) else { return };
        let id = fresh_uuid();
        let answer = self.ask(Request::get(path).header("x-request-id", id.clone())).await;
        let has_id = answer.header("x-request-id") == Some(&id);
        self.judge("`X-Request-Id` comes back", &answer, has_id);
        let kind = answer.header("content-type").unwrap_or_default();
        let is_json = kind.starts_with("application/json");
        self.judge("JSON is called so", &answer, is_json);
        let Some((_, list)) = self.path(Operation::List) else { return };
        let answer = self.ask(Request::new("TRACE", list.clone())).await;
        let is_refused = matches!(answer.status, 405 | 501 | 400);
        self.judge("a method that it does not know is refused with 405", &answer, is_refused);
        let is_free =
            !self.stage.system().api.endpoints.iter().any(|endpoint| {
                endpoint.path == list && endpoint.method == document::api::Method::Put
            });
        if is_free {
            let answer = self.ask(Request::new("PUT", list).json(json!({}))).await;
            let holds = answer.status == 405 && answer.header("allow").is_some();
            let expected = "`PUT` on the list is refused with 405 and `Allow`";
            self.judge(expected, &answer, holds);
        }
    }

    /// A batch is done as a whole or not at all.
    async fn batch(&self) {
        let Some((method, path)) = self.path(Operation::Create) else { return };
        let Ok(good) = self.stage.candidate(self.table).await else { return };
        let id = self.table.key().filter(|key| key.kind == document::data::ColumnType::Uuid);
        let Some(key) = id.map(|key| shown(self.stage.system(), &key.name)) else { return };
        let mut good = good;
        let own = fresh_uuid();
        good.insert(key.clone(), own.clone().into());
        let base = self.stage.system().api.base.trim_end_matches('/');
        let of = |bodies: Vec<Json>| {
            let operations: Vec<Json> = bodies
                .into_iter()
                .map(|body| json!({"method": method, "path": path, "body": body}))
                .collect();
            Request::post(format!("{base}/batch"), json!({ "operations": operations }))
        };
        // The second makes the same row again, which only the store can refuse.
        let mut twin = good.clone();
        twin.insert(key, own.clone().into());
        let failed = self.ask(of(vec![good.clone().into(), twin.into()])).await;
        let is_refused = (400..500).contains(&failed.status);
        self.judge("a batch with a wrong operation is refused", &failed, is_refused);
        let made = crate::fixture::object([(
            shown(self.stage.system(), &self.table.primary_key.concat()),
            Json::from(own),
        )]);
        if let Some((_, one)) = self.stage.paths().of_table(self.table, Operation::Get)
            && let Some(one) = self.stage.paths().of_row(&one, &made)
        {
            let answer = self.ask(Request::get(one)).await;
            let expected = "and nothing of it is done";
            self.judge(expected, &answer, answer.status == 404);
        }
        let done = self.ask(of(vec![good.into()])).await;
        self.judge("a batch that fits is done", &done, done.is_success());
    }

    /// The cursor of a page leads to the next one.
    async fn cursor(&self) {
        let Some((_, list)) = self.path(Operation::List) else { return };
        let system = self.stage.system();
        let limit = &system.api.pagination.limit_parameter;
        let first = self.ask(Request::get(format!("{list}?{limit}=1"))).await;
        let cursor = shape::page_member(system, &first.json, PageMember::NextCursor);
        let Some(cursor) = cursor.and_then(Json::as_str) else { return };
        let query = shape::query(&[(limit, "1"), ("cursor", cursor)]);
        let second = self.ask(Request::get(format!("{list}?{query}"))).await;
        let rows = |answer: &Answer| shape::rows(system, &answer.json).cloned();
        let holds = second.status == 200
            && rows(&second).is_some_and(|rows| rows.len() == 1)
            && rows(&first) != rows(&second);
        self.judge("the cursor of a page leads to the next", &second, holds);
    }

    /// The total counts the rows that are there.
    async fn total(&self) {
        let Some((_, list)) = self.path(Operation::List) else { return };
        let system = self.stage.system();
        let Some(key) = self.table.primary_key.first() else { return };
        let name = shown(system, key);
        let Some(value) = self.row.get(&name) else { return };
        let query = shape::query(&[(&name, &shape::text(value)), ("count", "true")]);
        let answer = self.ask(Request::get(format!("{list}?{query}"))).await;
        let total = shape::page_member(system, &answer.json, PageMember::Total);
        let holds = total.and_then(Json::as_u64) == Some(1) || self.table.primary_key.len() > 1;
        self.judge("`count=true` tells how many there are: 1", &answer, holds);
    }

    /// What is removed is gone.
    async fn removal(&self) {
        let (Some((method, path)), Some((_, one))) =
            (self.path(Operation::Delete), self.path(Operation::Get))
        else {
            return;
        };
        let answer = self.ask(Request::new(method, path)).await;
        self.judge("a row may be removed", &answer, answer.is_success());
        let answer = self.ask(Request::get(one)).await;
        self.judge("what is removed is gone: 404", &answer, answer.status == 404);
    }
}
