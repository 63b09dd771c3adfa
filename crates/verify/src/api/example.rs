//! Trials of the examples that stand in the document: each request is sent as it is written, with
//! references to rows that are there, and each answer has the members and types of the sample.

use document::{
    ClaimKind,
    api::{Binding, BuiltIn, Endpoint, Example, Operation},
    data::Table,
};
use serde_json::{Map, Value as Json};

use super::{endpoint::unready, scene::Scene};
use crate::{
    About, Answer, Request, Stage,
    fixture::{PASSWORD, Row},
    shape::{shown, snake},
};

/// Tries the examples of an endpoint.
pub(super) async fn probe(stage: &Stage<'_>, endpoint: &Endpoint) {
    let is_refusal = |one: &&Example| one.status.is_some_and(|status| status >= 400);
    for refusal in endpoint.responses.iter().filter(is_refusal) {
        super::refusal::probe(stage, endpoint, refusal).await;
    }
    let responses = endpoint.responses.iter().filter(|one| !is_refusal(one));
    let examples: Vec<&Example> = endpoint.request.iter().chain(responses).collect();
    if examples.is_empty() {
        return;
    }
    let abouts: Vec<About> =
        examples.iter().map(|example| About::span(&[ClaimKind::Example], example.span)).collect();
    let answer = match &endpoint.binding {
        Binding::Table { table, operation, nested, filters, key } => {
            let Some(table) = stage.system().data.table(table) else { return };
            let scene = match Scene::of(stage, table, nested.as_ref(), filters).await {
                Ok(scene) => scene,
                Err(unmade) => {
                    return abouts.iter().for_each(|about| unready(stage, about, &unmade));
                }
            };
            let keys: Vec<_> = key.iter().cloned().collect();
            let Some(path) = scene.path(stage, &endpoint.path, &keys) else { return };
            let other = stage.candidate_with(table, scene.fixed.clone()).await;
            let other = other.unwrap_or_else(|_| scene.row.clone());
            let body = endpoint.request.as_ref().map(|example| match operation {
                Operation::List | Operation::Get | Operation::Delete => example.body.clone(),
                _ => fitted(stage, table, &example.body, &other),
            });
            send(stage, endpoint, path, body).await
        }
        Binding::BuiltIn { built_in } => match account(stage, endpoint, *built_in).await {
            Some(answer) => answer,
            None => return skip(stage, &abouts, "what it is about cannot be repeated"),
        },
        Binding::Query { .. } => {
            let path = endpoint.path.clone();
            if path.contains('{') {
                return skip(stage, &abouts, "no value of its path's parameter is known");
            }
            send(stage, endpoint, path, endpoint.request.as_ref().map(|one| one.body.clone())).await
        }
        Binding::Transition { .. } => {
            return skip(stage, &abouts, "the move is tried with the states");
        }
        Binding::Unbound { .. } => {
            return skip(stage, &abouts, "its endpoint is bound to nothing");
        }
    };
    judge(stage, endpoint, &answer);
}

fn skip(stage: &Stage<'_>, abouts: &[About], reason: &str) {
    for about in abouts {
        stage.book.skip(about, "the example is replayed", reason);
    }
}

async fn send(stage: &Stage<'_>, endpoint: &Endpoint, path: String, body: Option<Json>) -> Answer {
    let mut request = Request::new(endpoint.method.word(), path);
    request.body = body;
    stage.as_admin(request).await
}

/// The example's body with references to rows that are there, and keys that are free.
fn fitted(stage: &Stage<'_>, table: &Table, body: &Json, other: &Row) -> Json {
    let system = stage.system();
    let Some(members) = body.as_object() else { return body.clone() };
    let fitted = members.iter().map(|(name, value)| {
        let column = table.column(name).or_else(|| table.column(&snake(name)));
        let Some(column) = column else { return (name.clone(), value.clone()) };
        let is_link = table.foreign_keys.iter().any(|key| key.columns.contains(&column.name));
        let is_unique = table.primary_key.contains(&column.name)
            || table.unique_keys.iter().any(|key| key.columns == [column.name.clone()]);
        let fitting = match (is_link, is_unique) {
            (true, _) => other.get(&shown(system, &column.name)).cloned(),
            _ if is_unique && value.is_string() => {
                Some(stage.fixture.value(table, column, stage.fixture.number()))
            }
            _ => None,
        };
        (name.clone(), fitting.unwrap_or_else(|| value.clone()))
    });
    Json::Object(fitted.collect())
}

/// The example of an account endpoint, with a name that is free or one that is known.
async fn account(stage: &Stage<'_>, endpoint: &Endpoint, built_in: BuiltIn) -> Option<Answer> {
    let members = endpoint.request.as_ref().and_then(|example| example.body.as_object());
    let known = stage.people.users.first().or(Some(&stage.people.admin))?.account()?;
    let body = match built_in {
        BuiltIn::Register => {
            let own = stage.fixture.newcomer(None);
            let mut body = members?.clone();
            for (name, value) in own {
                let is_said = body.keys().any(|said| snake(said) == snake(&name));
                let is_password = name == "password";
                if is_said && !is_password {
                    body.retain(|said, _| snake(said) != snake(&name));
                    body.insert(name, value);
                }
            }
            Some(body)
        }
        BuiltIn::Login => Some(signing_in(members?, &known.login)),
        BuiltIn::Me | BuiltIn::Health | BuiltIn::Ready => None,
        _ => return None,
    };
    let path = endpoint.path.clone();
    let mut request = Request::new(endpoint.method.word(), path).token(Some(known.token.clone()));
    request.body = body.map(Json::Object);
    Some(stage.client.send(request).await)
}

fn signing_in(members: &Map<String, Json>, login: &str) -> Map<String, Json> {
    let fitted = members.iter().map(|(name, value)| {
        let value = match snake(name).as_str() {
            "password" => PASSWORD.into(),
            "email" | "username" | "login" | "identifier" | "phone" => login.into(),
            _ => value.clone(),
        };
        (name.clone(), value)
    });
    fitted.collect()
}

/// The request is taken, and the answer looks as the sample does.
fn judge(stage: &Stage<'_>, endpoint: &Endpoint, answer: &Answer) {
    let about = |example: &Example| About::span(&[ClaimKind::Example], example.span);
    if let Some(request) = &endpoint.request {
        let expected = "the example is taken as it is written";
        stage.book.judge(&about(request), expected, answer, answer.is_success());
    }
    for response in &endpoint.responses {
        let is_success = response.status.is_none_or(|status| (200..300).contains(&status));
        if !is_success {
            continue;
        }
        if let Some(status) = response.status {
            let expected = format!("the answer has status {status}");
            stage.book.judge(&about(response), expected, answer, answer.status == status);
        }
        let difference = difference(&response.body, &answer.json, "");
        let expected = match &difference {
            Some(at) => format!(
                "the answer has the members of the sample; `{at}` is missing or of another type"
            ),
            None => "the answer has the members of the sample".to_owned(),
        };
        stage.book.judge(&about(response), expected, answer, difference.is_none());
    }
}

/// Where an answer lacks a member of the sample or has one of another type.
fn difference(sample: &Json, came: &Json, at: &str) -> Option<String> {
    match (sample, came) {
        (Json::Object(sample), Json::Object(came)) => sample.iter().find_map(|(name, value)| {
            let at = format!("{at}/{name}");
            match came.get(name) {
                Some(came) => difference(value, came, &at),
                None => Some(at),
            }
        }),
        (Json::Array(sample), Json::Array(came)) => {
            let (sample, came) = (sample.first()?, came.first()?);
            difference(sample, came, &format!("{at}/0"))
        }
        (Json::Null, _) | (_, Json::Null) => None,
        (sample, came) if std::mem::discriminant(sample) == std::mem::discriminant(came) => None,
        _ => Some(at.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_has_the_members_and_types_of_the_sample() {
        let check = |sample: Json, came: Json, expected: Option<&str>| {
            assert_eq!(difference(&sample, &came, "").as_deref(), expected, "{sample} {came}");
        };
        check(json!({"id": "x"}), json!({"id": "y", "more": 1}), None);
        check(json!({"data": {"id": 1}}), json!({"data": {"id": "1"}}), Some("/data/id"));
        check(json!({"data": [{"id": 1}]}), json!({"data": []}), None);
        check(json!({"data": [{"id": 1}]}), json!({"data": [{}]}), Some("/data/0/id"));
        check(json!({"at": null}), json!({"at": "2026"}), None);
        check(json!({"at": "2026"}), json!({"at": null}), None);
    }
}
