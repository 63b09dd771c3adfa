//! The plan of a read, for the admin alone: which index or scan the statement would use. The
//! request takes the same path as any other up to the statement, which is explained instead of run.

use axum::{body::Body, response::Response};
use http::{HeaderValue, header, request::Parts};

use super::{Answer, Content};
use crate::{
    Problem,
    data::{self, Work},
    problem::ProblemCode,
    sabotage::{self, Sabotage},
    security::may::Asker,
    service::Inner,
};

/// The media type that asks for the plan.
const PLAN: &str = "application/vnd.vitruvius.plan+json";

/// True where the request asks for the plan of its answer.
pub(crate) fn is_asked(parts: &Parts) -> bool {
    let Some(Ok(accept)) = parts.headers.get(header::ACCEPT).map(HeaderValue::to_str) else {
        return false;
    };
    let is_plan = |range: &str| {
        let name = range.split(';').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case(PLAN)
    };
    accept.split(',').any(is_plan)
}

/// How the statement would be read.
///
/// # Errors
/// 401 or 403 for everybody but the admin, 406 for what does not read.
pub(crate) async fn explain(
    inner: &Inner,
    asker: &Asker<'_>,
    works: &[Work],
) -> Result<Answer, Problem> {
    if !asker.principal.is_admin() && !sabotage::is(Sabotage::PlanForEverybody) {
        return Err(asker.refused("only the admin sees plans"));
    }
    let select = match works {
        [Work::Get(getting)] => &getting.select,
        [Work::List(listing)] => &listing.select,
        _ => {
            let words = "only lists and single rows have a plan";
            return Err(Problem::new(ProblemCode::NotAcceptable, words));
        }
    };
    let explanation = inner.store.explain(select).await;
    let explanation = explanation.map_err(|error| data::fault(inner, error))?;
    let body = serde_json::json!(explanation).to_string();
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PLAN));
    let status = response.status();
    Ok(Answer { status, headers: Vec::new(), content: Content::Made(response) })
}
