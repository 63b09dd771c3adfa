//! Trials of written refusals: what leads to one is brought about where the document and the rows
//! tell how, and the answer has the status and the shape of the sample.

use document::{
    ClaimKind,
    api::{Binding, BuiltIn, Endpoint, Example, Operation},
    data::{ColumnType, Table},
    security::Who,
};
use serde_json::{Value as Json, json};

use super::scene::Scene;
use crate::{
    About, Answer, Person, Request, Row, Stage,
    fixture::fresh_uuid,
    shape::{at, shown},
};

/// Tries a written refusal.
pub(super) async fn probe(stage: &Stage<'_>, endpoint: &Endpoint, example: &Example) {
    let about = About::span(&[ClaimKind::Example], example.span);
    let Some(status) = example.status else { return };
    let expected = format!("the refusal is answered as it is written: {status}");
    match replayed(stage, endpoint, example, status).await {
        Ok(answer) => {
            stage.book.judge(&about, expected, &answer, answer.status == status);
            let shape = &stage.system().api.error_shape;
            let is_written = |path: &[String]| at(&example.body, path).is_some();
            let comes = |path: &[String]| at(&answer.json, path).is_some();
            let code = shape.code.iter();
            let parts: Vec<&Vec<String>> = code.chain([&shape.message]).collect();
            let holds = parts.iter().all(|path| !is_written(path) || comes(path));
            let expected = "the refusal has the code and the message of the sample in their places";
            stage.book.judge(&about, expected, &answer, holds);
        }
        Err(reason) => stage.book.skip(&about, expected, reason),
    }
}

async fn replayed(
    stage: &Stage<'_>,
    endpoint: &Endpoint,
    example: &Example,
    status: u16,
) -> Result<Answer, String> {
    let words = example.body.to_string().to_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    match (status, &endpoint.binding) {
        (_, Binding::Unbound { .. }) => Err("its endpoint is bound to nothing".to_owned()),
        (401, Binding::BuiltIn { built_in: BuiltIn::Login }) => Ok(wrong_password(stage).await),
        (401, Binding::BuiltIn { built_in: BuiltIn::Refresh }) => {
            let body = json!({"refresh_token": "not.a.token", "refreshToken": "not.a.token"});
            Ok(stage.client.send(Request::post(&endpoint.path, body)).await)
        }
        (401, _) => as_nobody(stage, endpoint).await,
        (403, Binding::Table { .. }) => as_somebody_else(stage, endpoint).await,
        (404, Binding::Table { operation, key: Some(_), nested: None, .. })
            if *operation != Operation::Create =>
        {
            Ok(stage.as_admin(sent(endpoint, nowhere(stage, endpoint))).await)
        }
        (409, Binding::Table { operation: Operation::Create, nested: None, .. })
            if says(&["exist", "duplicate", "taken", "unique", "already", "conflict"]) =>
        {
            twice(stage, endpoint).await
        }
        (400 | 422, Binding::Table { operation: Operation::Create, nested: None, .. })
            if status == 400 || says(&["valid", "unprocessable"]) =>
        {
            invalid(stage, endpoint).await
        }
        (409, Binding::Transition { .. }) => Err("moves are tried with the states".to_owned()),
        (429, _) => Err("limits are tried on their own".to_owned()),
        (500.., _) => Err("a fault is not brought about".to_owned()),
        _ => Err("what leads to this answer is not written".to_owned()),
    }
}

async fn wrong_password(stage: &Stage<'_>) -> Answer {
    let (method, path) = stage.paths().of_built_in(BuiltIn::Login);
    let mut body = stage.fixture.newcomer(None);
    body.insert("password".to_owned(), "Wrong-horse-7-battery".into());
    let login = match &stage.system().security.identity {
        document::security::Identity::Table { login, .. } => login.as_str(),
        document::security::Identity::BuiltIn => "email",
    };
    let name = shown(stage.system(), login);
    body.retain(|member, _| *member == name || member == "password");
    stage.client.send(Request::new(method, path).json(body.into())).await
}

/// The request with anything in the places of the path, and an empty body where it takes one.
fn sent(endpoint: &Endpoint, path: String) -> Request {
    use document::api::Method as M;
    let request = Request::new(endpoint.method.word(), path);
    match endpoint.method {
        M::Post | M::Put | M::Patch => {
            let body = endpoint.request.as_ref().map_or_else(|| json!({}), |one| one.body.clone());
            request.json(body)
        }
        _ => request,
    }
}

/// The path of a row that is not there.
fn nowhere(stage: &Stage<'_>, endpoint: &Endpoint) -> String {
    let kind = match &endpoint.binding {
        Binding::Table { table, key: Some(key), .. } => {
            let table = stage.system().data.table(table);
            table.and_then(|table| table.column(&key.column)).map(|column| column.kind.clone())
        }
        _ => None,
    };
    let value = match kind {
        Some(ColumnType::Integer { .. } | ColumnType::Serial { .. }) => "2147400003".to_owned(),
        _ => fresh_uuid(),
    };
    let segments = endpoint.path.split('/').map(|segment| match segment.starts_with('{') {
        true => value.as_str(),
        false => segment,
    });
    segments.collect::<Vec<_>>().join("/")
}

async fn as_nobody(stage: &Stage<'_>, endpoint: &Endpoint) -> Result<Answer, String> {
    let is_public = |callers: &document::security::Callers| callers.who.contains(&Who::Public);
    match &endpoint.callers {
        Some(callers) if !is_public(callers) => {
            let request = sent(endpoint, nowhere(stage, endpoint));
            Ok(stage.ask(&stage.people.anonymous, request).await)
        }
        _ => Err("no sentence at the endpoint asks for an identity".to_owned()),
    }
}

/// A user whom the endpoint does not let in.
async fn as_somebody_else(stage: &Stage<'_>, endpoint: &Endpoint) -> Result<Answer, String> {
    let callers = endpoint.callers.as_ref().ok_or("no sentence at the endpoint says for whom")?;
    let is_in = |person: &&Person| {
        callers.who.iter().any(|who| match who {
            Who::Public | Who::Authenticated | Who::Owner => true,
            Who::Admin => person.is_admin,
            Who::Role { name } => {
                person.role.as_deref().is_some_and(|role| role.eq_ignore_ascii_case(name))
            }
        })
    };
    let outside = stage.people.users.iter().find(|person| !is_in(person));
    let outside = outside.ok_or("everybody who has signed in may call it")?;
    let (table, operation) = match &endpoint.binding {
        Binding::Table { table, operation, nested: None, .. } => (table, *operation),
        _ => return Err("what leads to this answer is not written".to_owned()),
    };
    let table = stage.system().data.table(table).ok_or("its table is not declared")?;
    let (path, body) = row_of(stage, endpoint, table).await?;
    let mut request = Request::new(endpoint.method.word(), path);
    if matches!(operation, Operation::Create | Operation::Replace | Operation::Update) {
        request = request.json(body.into());
    }
    Ok(stage.ask(outside, request).await)
}

/// The endpoint's path for a row that is there, and a row that would fit.
async fn row_of(
    stage: &Stage<'_>,
    endpoint: &Endpoint,
    table: &Table,
) -> Result<(String, Row), String> {
    let Binding::Table { nested, filters, key, .. } = &endpoint.binding else {
        return Err("it is bound to no table".to_owned());
    };
    let scene = Scene::of(stage, table, nested.as_ref(), filters).await;
    let scene = scene.map_err(|unmade| unmade.reason)?;
    let keys: Vec<_> = key.iter().cloned().collect();
    let path = scene.path(stage, &endpoint.path, &keys);
    let path = path.ok_or("its path has a parameter that nothing says how to fill")?;
    let body = stage.candidate(table).await.map_err(|unmade| unmade.reason)?;
    Ok((path, body))
}

/// One row of unique values, sent twice.
async fn twice(stage: &Stage<'_>, endpoint: &Endpoint) -> Result<Answer, String> {
    let Binding::Table { table, .. } = &endpoint.binding else {
        return Err("it is bound to no table".to_owned());
    };
    let table = stage.system().data.table(table).ok_or("its table is not declared")?;
    let body = stage.candidate(table).await.map_err(|unmade| unmade.reason)?;
    let is_sent = |column: &String| {
        let name = shown(stage.system(), column);
        body.get(&name).is_some_and(|value| !value.is_null())
    };
    let mut keys = table.unique_keys.iter().filter(|key| key.condition.is_none());
    if !keys.any(|key| key.columns.iter().all(is_sent)) {
        return Err("no key of the table is unique beyond the one that names its rows".to_owned());
    }
    let request = || Request::new(endpoint.method.word(), &endpoint.path).json(body.clone().into());
    let first = stage.as_admin(request()).await;
    if !first.is_success() {
        return Err("a first row could not be made".to_owned());
    }
    Ok(stage.as_admin(request()).await)
}

/// A row whose first required value is of another type, or missing.
async fn invalid(stage: &Stage<'_>, endpoint: &Endpoint) -> Result<Answer, String> {
    let Binding::Table { table, .. } = &endpoint.binding else {
        return Err("it is bound to no table".to_owned());
    };
    let table = stage.system().data.table(table).ok_or("its table is not declared")?;
    let mut body = stage.candidate(table).await.map_err(|unmade| unmade.reason)?;
    let required = table.columns.iter().find(|column| {
        !column.nullable
            && column.default.is_none()
            && column.generated.is_none()
            && body.contains_key(&shown(stage.system(), &column.name))
    });
    let required = required.ok_or("the table requires no value")?;
    body.insert(shown(stage.system(), &required.name), Json::Null);
    let request = Request::new(endpoint.method.word(), &endpoint.path).json(body.into());
    Ok(stage.as_admin(request).await)
}
