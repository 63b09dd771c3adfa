//! Routes that go to no table and no query: what is built in, and what is unbound.

use document::api::BuiltIn;
use http::StatusCode;

use super::{Answer, Content, Route};
use crate::{
    Problem,
    data::Call,
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
