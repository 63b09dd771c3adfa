//! `POST /batch`: several writes in one transaction. Each goes through its own route, plan and
//! permission; one that fails undoes all.

use http::StatusCode;
use serde_json::{Value as Json, json};

use super::{
    Answer, Target, read,
    run::{answer_of, expect_version, place_of},
};
use crate::{
    Problem,
    data::{self, Call, Failure, Plan, Transaction, Work, Writing},
    problem::ProblemCode,
    sabotage::{self, Sabotage},
    security::may::Asker,
    service::Inner,
};

/// The plans of a batch.
///
/// # Errors
/// The first operation that cannot be planned, with its place.
pub(crate) fn plans(
    inner: &Inner,
    asker: &Asker<'_>,
    call: &Call<'_>,
) -> Result<Vec<Plan>, Problem> {
    let members = data::members(call.body)?;
    let operations = members.get("operations").or_else(|| members.get("requests"));
    let Some(Json::Array(operations)) = operations else {
        return Err(malformed("a batch is {\"operations\": [{\"method\", \"path\", \"body\"}]}"));
    };
    let count_max = inner.settings.batch_operations_max;
    if operations.len() > count_max {
        return Err(malformed(&format!("a batch holds at most {count_max} operations")));
    }
    let mut plans = Vec::with_capacity(operations.len());
    for (place, operation) in operations.iter().enumerate() {
        let planned = plan_one(inner, asker, operation);
        plans.push(planned.map_err(|problem| at(place, problem))?);
    }
    Ok(plans)
}

fn plan_one(inner: &Inner, asker: &Asker<'_>, operation: &Json) -> Result<Plan, Problem> {
    let text = |name: &str| operation.get(name).and_then(Json::as_str);
    let method = text("method").unwrap_or("").to_ascii_uppercase();
    let Some(path) = text("path").or_else(|| text("url")) else {
        return Err(malformed("an operation names its path"));
    };
    let method = match method.as_str() {
        "POST" => http::Method::POST,
        "PUT" => http::Method::PUT,
        "PATCH" => http::Method::PATCH,
        "DELETE" => http::Method::DELETE,
        _ => return Err(malformed("a batch writes: POST, PUT, PATCH or DELETE")),
    };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let base = asker.running.system.api.base.trim_end_matches('/');
    let below_base = format!("{base}/{}", path.trim_start_matches('/'));
    let router = &asker.running.router;
    let found = match router.find(&method, path) {
        Err(problem) if problem.code == ProblemCode::NotFound => router.find(&method, &below_base),
        found => found,
    }?;
    if !matches!(found.route.target, Target::Table { .. } | Target::Transition { .. }) {
        return Err(malformed("a batch holds operations on tables only"));
    }
    let body = match operation.get("body") {
        None | Some(Json::Null) => String::new(),
        Some(body) => body.to_string(),
    };
    let call = Call {
        found,
        query: read::pairs(query, inner.settings.query_bytes_max)?,
        body: body.as_bytes(),
        if_match: text("if_match").or_else(|| text("ifMatch")).map(str::to_owned),
    };
    data::plan(asker, &call)
}

/// Runs a batch: all of it or nothing.
///
/// # Errors
/// The problem of the operation that failed, with its place where it is known.
pub(crate) async fn run(
    inner: &Inner,
    asker: &Asker<'_>,
    works: Vec<Work>,
) -> Result<Answer, Problem> {
    if sabotage::is(Sabotage::BatchNotAtomic) && works.len() > 1 {
        for work in works {
            Box::pin(run(inner, asker, vec![work])).await?;
        }
        return Ok(Answer::json(StatusCode::OK, json!({"results": []})));
    }
    let mut writings: Vec<Writing> = Vec::with_capacity(works.len());
    for work in works {
        match work {
            Work::Write(writing) if sabotage::is(Sabotage::OwnerSkippedInBatch) => {
                writings.push(writing.on_anybodys_rows());
            }
            Work::Write(writing) => writings.push(*writing),
            _ => return Err(malformed("a batch writes: POST, PUT, PATCH or DELETE")),
        }
    }
    for (place, writing) in writings.iter_mut().enumerate() {
        expect_version(inner, asker, writing).await.map_err(|problem| at(place, problem))?;
    }
    let outcomes = match writings.is_empty() {
        true => Vec::new(),
        false => Transaction::of(inner, &mut writings, Vec::new())
            .run(asker, &writings)
            .await
            .map_err(|(place, failure)| match failure {
                Failure::Problem(problem) => {
                    place.map_or(problem.clone(), |place| at(place, problem))
                }
                Failure::Taken(table) => {
                    data::fault(inner, store::StoreError::Fault(format!("a key of {table}")))
                }
            })?,
    };
    let mut results = Vec::with_capacity(outcomes.len());
    for (writing, outcome) in writings.iter().zip(outcomes) {
        let row = outcome.rows.row(0).and_then(|row| serde_json::from_slice::<Json>(row).ok());
        let place = standard_place(asker, writing, &outcome);
        let answer = answer_of(writing, outcome, place.clone());
        let mut result = json!({"status": answer.status.as_u16()});
        if answer.status != StatusCode::NO_CONTENT {
            result["body"] = row.unwrap_or_default();
        }
        if let Some(place) = place {
            result["location"] = place.into();
        }
        results.push(result);
    }
    Ok(Answer::json(StatusCode::OK, json!({"results": results})))
}

fn standard_place(
    asker: &Asker<'_>,
    writing: &Writing,
    outcome: &store::query::Outcome,
) -> Option<String> {
    let base = asker.running.system.api.base.trim_end_matches('/');
    let path = format!("{base}/{}", writing.resource.name);
    let found = asker.running.router.find(&http::Method::GET, &path).ok()?;
    place_of(asker, found.route, &path, writing, outcome)
}

/// A problem with the place of its operation.
fn at(place: usize, mut problem: Problem) -> Problem {
    problem.message = format!("operation {place}: {}", problem.message);
    for detail in &mut problem.details {
        detail.field = format!("operations[{place}].{}", detail.field);
    }
    problem
}

fn malformed(words: &str) -> Problem {
    Problem::new(ProblemCode::MalformedRequest, words)
}
