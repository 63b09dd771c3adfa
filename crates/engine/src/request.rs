//! A request becomes an answer: seven steps, one function.

use std::{net::SocketAddr, sync::Arc};

use axum::body::Body;
use http::request::Parts;

use crate::{
    Problem, Running,
    answer::Answered,
    api::{self, Answer, Target, Told},
    data,
    security::{self, Asked, may::Asker},
    service::Inner,
};

/// Answers a request to the document's endpoints.
pub(crate) async fn answer<'r>(
    inner: &Arc<Inner>,
    running: &'r Arc<Running>,
    parts: &'r Parts,
    body: Body,
    peer: SocketAddr,
) -> Answered<'r> {
    let asked = Asked {
        method: &parts.method,
        path: parts.uri.path(),
        headers: &parts.headers,
        peer,
        built_in: None,
        now: inner.world.now(),
    };
    let mut told = Told::default();
    if let Some(response) = security::preflight(inner, running, &asked) {
        return response.into();
    }
    let answer = steps(inner, running, parts, body, &asked, &mut told).await;
    api::write(inner, running, parts, answer, told)
}

/// read → who → plan → may → announce → run; writing is for whoever asked.
async fn steps<'r>(
    inner: &Arc<Inner>,
    running: &'r Arc<Running>,
    parts: &'r Parts,
    body: Body,
    asked: &Asked<'r>,
    told: &mut Told<'r>,
) -> Result<Answer, Problem> {
    // read
    if parts.method == http::Method::OPTIONS {
        return api::options(running, asked.path);
    }
    let found = running.router.find(&parts.method, asked.path)?;
    let route = found.route;
    told.evidence = route.evidence.get().map(Arc::as_ref);
    // who
    let asked = Asked { built_in: route.built_in(), ..*asked };
    let admitted = security::admit(inner, running, &asked).await?;
    told.headers = admitted.headers;
    let (world, now) = (&*inner.world, asked.now);
    let asker = Asker { running, principal: &admitted.principal, world, now };
    let body = api::body(running, parts, body).await?;
    let call = api::call(inner, parts, found, &body)?;
    // plan; what the engine answers itself, or a query of the document, is boxed, so that requests for
    // rows carry no room for it.
    let plans = match &route.target {
        Target::Table { .. } | Target::Transition { .. } => vec![data::plan(&asker, &call)?],
        Target::Batch => api::batch::plans(inner, &asker, &call)?,
        Target::Query { sql, parameters } => {
            let answer = api::query_fence(inner, &asker, &call, sql, parameters);
            return Box::pin(answer).await;
        }
        Target::BuiltIn(built_in) => {
            return Box::pin(api::built_in(inner, &asker, *built_in, &asked, &call)).await;
        }
        Target::Unbound { sentence } => return Err(api::unbound(&asker, route, sentence)),
    };
    // may
    let mut works = Vec::with_capacity(plans.len());
    for plan in plans {
        works.push(data::work(&asker, plan)?);
    }
    if api::is_plan_asked(parts) {
        return Box::pin(api::explain(inner, &asker, &works)).await;
    }
    security::keep_passwords(inner, running, &mut works).await?;
    // announce: the event of each write becomes one more step of its transaction, here.
    let announced = works;
    // run
    api::run(inner, &asker, route, parts, &call, announced).await
}
