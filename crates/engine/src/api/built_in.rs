//! Routes that go to no table: what is built in, the document's queries, and what is unbound.

use document::api::BuiltIn;
use http::StatusCode;
use store::{Kind, Value, query::Rows};

use super::{Answer, Content, Route};
use crate::{
    Problem,
    data::{Call, Members, Page, fault},
    observability::{self, BuiltInCall},
    problem::ProblemCode,
    security::{self, Asked, may::Asker},
    service::Inner,
};

/// Answers what is built in.
///
/// # Errors
/// Whatever the built-in refuses.
pub(crate) async fn built_in(
    inner: &Inner,
    asker: &Asker<'_>,
    built_in: BuiltIn,
    asked: &Asked<'_>,
    call: &Call<'_>,
) -> Result<Answer, Problem> {
    let running = asker.running;
    let endpoint = call.found.route.endpoint.as_ref();
    if built_in == BuiltIn::Jwks {
        return Ok(Answer::whole(StatusCode::OK, security::jwks(inner, running)?));
    }
    let watched = BuiltInCall {
        built_in,
        endpoint,
        file: call.found.value("file"),
        principal: asker.principal,
        peer: asked.peer,
        headers: asked.headers,
    };
    if let Some(answered) = observability::built_in(inner, running, &watched).await {
        let response = answered?;
        return Ok(Answer {
            status: response.status(),
            headers: Vec::new(),
            content: Content::Made(response),
        });
    }
    let account = security::Call {
        principal: asker.principal,
        endpoint,
        members: crate::data::members(call.body)?,
    };
    let reply = security::account(inner, running, built_in, account).await?;
    let mut answer = match (reply.body, reply.is_whole) {
        (None, _) => Answer::empty(reply.status),
        (Some(body), true) => Answer::whole(reply.status, body),
        (Some(body), false) => Answer::json(reply.status, body),
    };
    answer.headers = reply.headers;
    Ok(answer)
}

/// A path that the document writes down and that is bound to nothing. Who may not call it learns
/// no more than for any other path.
pub(crate) fn unbound(asker: &Asker<'_>, route: &Route, sentence: &str) -> Problem {
    match asker.enter(route.endpoint.as_ref()) {
        Err(refusal) => refusal,
        Ok(_) => Problem::new(
            ProblemCode::NotImplemented,
            format!("{sentence} is not bound to anything that could answer it"),
        ),
    }
}

/// Answers an endpoint with a query of the document. Who may call it has to be written: a query
/// reads past the rules of its tables.
///
/// # Errors
/// A refusal, or 400 for parameters that are missing.
pub(crate) async fn query_fence(
    inner: &Inner,
    asker: &Asker<'_>,
    call: &Call<'_>,
    sql: &str,
    parameters: &[String],
) -> Result<Answer, Problem> {
    let route = call.found.route;
    let endpoint = route.endpoint.as_ref();
    // An owner's query is one that asks for the rows of whoever runs it.
    let names_asker = parameters.iter().any(|name| stands_for_asker(call, name));
    let is_only_for_owners = asker.enter(endpoint)? && !names_asker;
    let says_who = endpoint.is_some_and(|endpoint| endpoint.callers.is_some());
    if (!says_who || is_only_for_owners) && !asker.principal.is_admin() {
        return Err(asker.refused("no sentence of the document says who may run this query"));
    }
    let members = crate::data::members(call.body)?;
    let mut values = Vec::with_capacity(parameters.len());
    let mut missing = Problem::new(ProblemCode::ValidationError, "some parameters are missing");
    for name in parameters {
        let value = match stands_for_asker(call, name) {
            true => Some(asker.principal.user().map_or(Value::Null, |user| user.id.clone())),
            false => given(call, &members, name),
        };
        match value {
            Some(value) => values.push((name.clone(), value)),
            None if is_paging(name) => values.push((name.clone(), paging(asker, name))),
            None => missing = missing.detail(name.as_str(), "is required"),
        }
    }
    if !missing.details.is_empty() {
        return Err(missing);
    }
    let rows = inner.store.query(sql, &values).await.map_err(|error| fault(inner, error))?;
    let rows = without_secrets(asker, rows);
    let limit = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let page =
        Page { rows, page: 1, limit, offset: 0, has_next: false, next_cursor: None, total: None };
    Ok(Answer {
        status: StatusCode::OK,
        headers: Vec::new(),
        content: Content::List(Box::new(page)),
    })
}

/// A parameter that stands for whoever asks; never taken from the request. `user_id` does so
/// unless the path or the document's list of parameters has one of that name.
fn stands_for_asker(call: &Call<'_>, name: &str) -> bool {
    match name {
        "me" | "self" | "current_user" | "current_user_id" | "principal_id" | "auth_user_id" => {
            true
        }
        "user_id" | "userId" => {
            let route = call.found.route;
            let endpoint = route.endpoint.as_ref();
            let mut listed = endpoint.into_iter().flat_map(|one| &one.parameters);
            call.found.value(name).is_none() && listed.all(|parameter| parameter != name)
        }
        _ => false,
    }
}

/// The rows without columns that are never shown, which `SELECT *` brings along.
fn without_secrets(asker: &Asker<'_>, rows: Rows) -> Rows {
    let tables = asker.running.resources.by_name.values();
    let secrets: Vec<&str> = tables
        .flat_map(|table| table.fields.iter().filter(|field| field.write_only))
        .map(|field| &*field.name)
        .collect();
    let parsed = |index| rows.row(index).and_then(|row| serde_json::from_slice(row).ok());
    let has_secret = |row: Members| secrets.iter().any(|name| row.contains_key(*name));
    if !parsed(0).is_some_and(has_secret) {
        return rows;
    }
    let mut shown = Rows::default();
    for mut row in (0..rows.len()).filter_map(parsed) {
        row.retain(|name, _| !secrets.contains(&name.as_str()));
        if !shown.ends.is_empty() {
            shown.json.push(b',');
        }
        shown.json.extend_from_slice(serde_json::Value::Object(row).to_string().as_bytes());
        shown.ends.push(shown.json.len());
    }
    shown
}

/// A parameter's value from the path, the query string or the body, in this order.
fn given(call: &Call<'_>, members: &Members, name: &str) -> Option<Value> {
    if let Some(text) = call.found.value(name) {
        return Some(guess(text));
    }
    if let Some((_, text)) = call.query.iter().find(|(own, _)| own == name) {
        return Some(guess(text));
    }
    Some(match members.get(name)? {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Boolean(*truth),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(number) => Value::Integer(number),
            None => Value::Real(number.as_f64()?),
        },
        serde_json::Value::String(text) => match Kind::Uuid.parse_text(text) {
            Ok(value) => value,
            Err(_) => Value::Text(text.clone()),
        },
        other => Value::Json(other.to_string()),
    })
}

/// A query's parameters have no declared kind: text that is a number or UUID is taken for one.
fn guess(text: &str) -> Value {
    if let Ok(value) = Kind::Uuid.parse_text(text) {
        return value;
    }
    let is_plain = text == "0" || !text.starts_with(['0', '+']);
    match text.parse::<i64>() {
        Ok(number) if is_plain => Value::Integer(number),
        _ => Value::Text(text.to_owned()),
    }
}

fn is_paging(name: &str) -> bool {
    matches!(name, "limit" | "offset" | "page")
}

fn paging(asker: &Asker<'_>, name: &str) -> Value {
    Value::Integer(match name {
        "limit" => i64::from(asker.running.system.api.pagination.limit_default),
        "page" => 1,
        _ => 0,
    })
}
