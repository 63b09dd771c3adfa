//! What is built in for whoever operates or explores the service: health, readiness, metrics, the
//! OpenAPI description and its page.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use axum::{body::Body, response::Response};
use document::{
    api::{BuiltIn, Endpoint},
    security::Who,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::metrics;
use crate::{
    Principal, Problem, Running, api, pages::is_local, problem::ProblemCode, service::Inner,
};

/// Longest time for the store to answer when it is asked whether it is there.
const READY_WAIT_MAX: Duration = Duration::from_secs(2);

/// For so long an answer of the store is good for whoever else asks: no limit holds probes back, and
/// the store is not to be kept busy by them.
const READY_FOR: Duration = Duration::from_millis(250);

/// Whether the store answered, and when it was asked last.
#[derive(Debug, Default)]
pub(crate) struct Readiness(tokio::sync::Mutex<Option<(Instant, bool)>>);

impl Readiness {
    /// Asks the store, unless somebody has just asked.
    async fn now(&self, inner: &Inner) -> bool {
        let mut last = self.0.lock().await;
        if let Some((at, is_ready)) = *last
            && at.elapsed() < READY_FOR
        {
            return is_ready;
        }
        let asked = tokio::time::timeout(READY_WAIT_MAX, inner.store.query("SELECT 1", &[])).await;
        if let Ok(Err(error)) = &asked {
            // What exactly is wrong is for the log: the probe's caller is anybody.
            tracing::warn!(%error, "not ready: the store does not answer");
        }
        let is_ready = matches!(asked, Ok(Ok(_)));
        *last = Some((Instant::now(), is_ready));
        is_ready
    }
}

/// A call of something built in.
pub struct BuiltInCall<'a> {
    /// Which.
    pub built_in: BuiltIn,
    /// The endpoint that declares it, where one does.
    pub endpoint: Option<&'a Endpoint>,
    /// The file that is asked for, below the documentation's path.
    pub file: Option<&'a str>,
    /// Who asks.
    pub principal: &'a Principal,
    /// Where the connection comes from.
    pub peer: SocketAddr,
    /// The request's headers.
    pub headers: &'a HeaderMap,
}

/// Answers health, readiness, metrics, OpenAPI and its page; nothing for what is built in elsewhere.
///
/// # Errors
/// 401 or 403 where the caller may not see it, 404 for an unknown file.
pub async fn built_in(
    inner: &Inner,
    running: &Running,
    call: &BuiltInCall<'_>,
) -> Option<Result<Response, Problem>> {
    Some(match call.built_in {
        // Alive means that this line runs: a store that is gone is no reason to be restarted.
        BuiltIn::Health => Ok(json(StatusCode::OK, r#"{"status":"ok"}"#.into())),
        BuiltIn::Ready => Ok(ready(inner).await),
        BuiltIn::Metrics => call.visible(inner).map(|()| metrics::answer(inner)),
        BuiltIn::OpenApi => {
            call.visible(inner).map(|()| json(StatusCode::OK, api::openapi::bytes(running).into()))
        }
        BuiltIn::Documentation => {
            call.visible(inner).and_then(|()| api::documentation::answer(call.file))
        }
        _ => return None,
    })
}

impl BuiltInCall<'_> {
    /// Visible to the admin and on the machine itself, and to whom the document says.
    fn visible(&self, inner: &Inner) -> Result<(), Problem> {
        let callers = self.endpoint.and_then(|endpoint| endpoint.callers.as_ref());
        let declared = callers.map_or(&[][..], |callers| &callers.who);
        let is_user = self.principal.user().is_some();
        let is_declared = declared.iter().any(|who| match who {
            Who::Public => true,
            Who::Authenticated | Who::Owner => is_user,
            Who::Role { name } => {
                self.principal.user().is_some_and(|user| user.roles.contains(name))
            }
            Who::Admin => false,
        });
        if self.principal.is_admin()
            || is_declared
            || is_local(&inner.settings, self.peer, self.headers)
        {
            return Ok(());
        }
        let message = "only the admin sees this from another machine";
        Err(match is_user {
            true => Problem::new(ProblemCode::Forbidden, message),
            false => Problem::new(ProblemCode::Unauthenticated, message)
                .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
        })
    }
}

/// Whether requests can be answered: the store can be read.
async fn ready(inner: &Inner) -> Response {
    // Boxed, as what is rarely asked: no other request carries the room for it.
    match Box::pin(inner.readiness.now(inner)).await {
        true => json(StatusCode::OK, ready_text(inner).into()),
        false => json(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"not ready"}"#.into()),
    }
}

/// Without Redis requests are answered all the same; that it is away is said.
fn ready_text(inner: &Inner) -> &'static str {
    match inner.shared.redis.as_ref().map(|redis| redis.is_here()) {
        None => r#"{"status":"ready"}"#,
        Some(true) => r#"{"status":"ready","redis":"ready"}"#,
        Some(false) => r#"{"status":"ready","redis":"away"}"#,
    }
}

fn json(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
