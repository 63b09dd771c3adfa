//! A SELECT of the document under an endpoint: who may run it, where its parameters come from, and
//! what is shown of its rows.

use http::StatusCode;
use store::{
    Kind, Value,
    query::{QUERY_ROWS_MAX, Rows},
};

use super::{Answer, Content, Route};
use crate::{
    Problem,
    data::{
        Call, Members, Page,
        cache::{self, Told},
    },
    problem::ProblemCode,
    security::may::Asker,
    service::Inner,
};

/// Rows that may be skipped.
const OFFSET_MAX: i64 = 1_000_000_000;

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
    let names_asker = parameters.iter().any(|name| stands_for_asker(route, name));
    let is_only_for_owners = asker.enter(endpoint)? && !names_asker;
    let says_who = endpoint.is_some_and(|endpoint| endpoint.callers.is_some());
    if (!says_who || is_only_for_owners) && !asker.principal.is_admin() {
        return Err(asker.refused("no sentence of the document says who may run this query"));
    }
    let members = crate::data::members(call.body)?;
    refuse_unknown(call, parameters)?;
    let mut values = Vec::with_capacity(parameters.len());
    let mut wrong = Problem::new(ProblemCode::ValidationError, "some parameters are not valid");
    for name in parameters {
        let value = match stands_for_asker(route, name) {
            true => Ok(asker.principal.user().map_or(Value::Null, |user| user.id.clone())),
            false => match given(call, &members, name) {
                Some(value) if is_paging(name) => paging(asker, name, &value),
                Some(value) => Ok(value),
                None if is_paging(name) => paging(asker, name, &Value::Null),
                None => Err("is required"),
            },
        };
        match value {
            Ok(value) => values.push((name.clone(), value)),
            Err(words) => wrong = wrong.detail(name.as_str(), words),
        }
    }
    if !wrong.details.is_empty() {
        return Err(wrong);
    }
    let (rows, told) = cache::query(inner, route.cached.get(), sql, &values).await?;
    let page = page_of(without_secrets(asker, rows), &values);
    Ok(Answer {
        status: StatusCode::OK,
        headers: told.map(Told::header).into_iter().collect(),
        content: Content::List(Box::new(page)),
    })
}

/// As with tables, a parameter that nobody knows is a typing error.
fn refuse_unknown(call: &Call<'_>, parameters: &[String]) -> Result<(), Problem> {
    let route = call.found.route;
    let listed = route.endpoint.iter().flat_map(|endpoint| &endpoint.parameters);
    let known: Vec<&str> = from_request(route, parameters)
        .into_iter()
        .chain(listed.map(String::as_str).filter(|name| !stands_for_asker(route, name)))
        .collect();
    let mut problem = Problem::new(ProblemCode::ValidationError, "the query string is not valid");
    for (name, _) in &call.query {
        if !known.contains(&name.as_str()) {
            let shown: String = name.chars().take(64).collect();
            let words = match known.as_slice() {
                [] => "is not known here; this query takes no parameters".to_owned(),
                known => format!("is not known here; {} are", known.join(", ")),
            };
            problem = problem.detail(shown, words);
        }
    }
    if problem.details.is_empty() { Ok(()) } else { Err(problem) }
}

/// Parameters of a query that come from the query string or the body.
pub(crate) fn from_request<'p>(route: &Route, parameters: &'p [String]) -> Vec<&'p str> {
    let names = parameters.iter().map(String::as_str);
    names
        .filter(|name| {
            !stands_for_asker(route, name) && route.parameters.iter().all(|own| own != name)
        })
        .collect()
}

/// The rows as a page: the one that the query's own paging parameters ask for, or all there are.
fn page_of(rows: Rows, values: &[(String, Value)]) -> Page {
    let number = |wanted: &str| {
        let value = values.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
        match value {
            Some(Value::Integer(number)) => u64::try_from(*number).ok(),
            _ => None,
        }
    };
    let asked = number("limit");
    let limit = asked.unwrap_or(QUERY_ROWS_MAX as u64);
    let offset = match (number("offset"), number("page")) {
        (Some(offset), _) => offset,
        (None, Some(page)) => page.saturating_sub(1).saturating_mul(limit),
        (None, None) => 0,
    };
    let page = number("page").unwrap_or(offset / limit.max(1) + 1);
    // A full page says that there may be more; the query itself knows no further.
    let has_next = asked.is_some_and(|limit| rows.len() as u64 >= limit);
    Page { rows, page, limit, offset, has_next, next_cursor: None, total: None }
}

/// A parameter that stands for whoever asks; never taken from the request. `user_id` does so
/// unless the path or the document's list of parameters has one of that name.
fn stands_for_asker(route: &Route, name: &str) -> bool {
    match name {
        "me" | "self" | "current_user" | "current_user_id" | "principal_id" | "auth_user_id" => {
            true
        }
        "user_id" | "userId" => {
            let is_listed = |mut names: std::slice::Iter<'_, String>| names.any(|own| own == name);
            let listed = route.endpoint.as_ref().map(|endpoint| endpoint.parameters.iter());
            !is_listed(route.parameters.iter()) && !listed.is_some_and(is_listed)
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

/// True for a parameter that pages and so has a value where nobody gives one.
pub(crate) fn is_paging(name: &str) -> bool {
    matches!(name, "limit" | "offset" | "page")
}

/// A paging parameter as it was given, within its bounds, or its default.
fn paging(asker: &Asker<'_>, name: &str, given: &Value) -> Result<Value, &'static str> {
    let own = &asker.running.system.api.pagination;
    let (least, most, default) = match name {
        "limit" => (1, i64::from(own.limit_max.max(1)), i64::from(own.limit_default)),
        "page" => (1, OFFSET_MAX, 1),
        _ => (0, OFFSET_MAX, 0),
    };
    match given {
        Value::Null => Ok(Value::Integer(default)),
        Value::Integer(number) if *number < least => Err("must be a larger number"),
        // As for tables, a longer page than the longest is the longest.
        Value::Integer(number) if name == "limit" => Ok(Value::Integer((*number).min(most))),
        Value::Integer(number) if *number <= most => Ok(Value::Integer(*number)),
        Value::Text(text) if name == "limit" && is_huge(text) => Ok(Value::Integer(most)),
        _ => Err("must be a whole number within bounds"),
    }
}

/// True for a whole number beyond what is counted with.
fn is_huge(text: &str) -> bool {
    text.len() > 18 && text.bytes().all(|byte| byte.is_ascii_digit())
}
