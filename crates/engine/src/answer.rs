//! Around every request: pages first, then what is built in, then the document's endpoints; within
//! a time limit, with panics contained, counted and logged.

use std::{
    future::poll_fn,
    net::SocketAddr,
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering::Relaxed},
    task::Poll,
    time::{Duration, Instant},
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Request, header, request::Parts};

use crate::{
    Problem, Running, Service, Visit,
    observability::{EndpointEvidence, Line},
    problem::ProblemCode,
    security,
};

impl Service {
    /// Answers one request. Never fails and never panics: what goes wrong on our side is a fault,
    /// logged once with an id that the caller gets.
    pub async fn answer(&self, request: Request<Body>, peer: SocketAddr) -> Response {
        self.answer_timed(request, peer, Timekeeper::Timer).await
    }

    /// The same, where somebody else may keep the time.
    pub(crate) async fn answer_timed(
        &self,
        request: Request<Body>,
        peer: SocketAddr,
        timekeeper: Timekeeper,
    ) -> Response {
        let started = Instant::now();
        let inner = &*self.inner;
        let _in_flight = inner.enter().await;
        let (mut parts, body) = request.into_parts();
        parts.extensions.clear();
        // One version answers the whole request. It is looked at, not counted as used: that count
        // would go from processor to processor with each request.
        let running = inner.running.load();
        let time_max = Duration::from_millis(running.limits.request_ms_max);
        let work = AssertUnwindSafe(self.dispatch(&running, &parts, body, peer)).catch_unwind();
        let work = pin!(work);
        let Answered { mut response, evidence, began_protected } =
            match within(time_max, timekeeper, work).await {
                Some(Ok(answered)) => answered,
                Some(Err(panic)) => self.fault(&parts, &words_of(&*panic)).into(),
                None => self
                    .refuse(Problem::new(
                        ProblemCode::Timeout,
                        format!("the answer took longer than {} ms", time_max.as_millis()),
                    ))
                    .into(),
            };
        let origin = parts.headers.get(header::ORIGIN);
        security::protect(inner, &running, origin, response.headers_mut(), began_protected);
        self.note(&parts, peer, evidence, &response, started.elapsed());
        response
    }

    /// Pages, then what is built in, then the document's endpoints.
    async fn dispatch<'r>(
        &self,
        running: &'r Arc<Running>,
        parts: &'r Parts,
        mut body: Body,
        peer: SocketAddr,
    ) -> Answered<'r> {
        let inner = &self.inner;
        let path = parts.uri.path();
        if path == "/" || path.starts_with("/_/") {
            let bytes_max = running.limits.body_bytes_max;
            let Ok(bytes) = axum::body::to_bytes(body, bytes_max).await else {
                let message = format!("the body is larger than {bytes_max} bytes");
                return self.refuse(Problem::new(ProblemCode::PayloadTooLarge, message)).into();
            };
            // Boxed, so that no other request carries the room for it.
            match Box::pin(self.page(parts, bytes.clone(), peer, Arc::clone(running))).await {
                Ok(Some(response)) => return response.into(),
                Ok(None) => body = Body::from(bytes),
                Err(problem) => return self.refuse(problem).into(),
            }
        }
        crate::request::answer(inner, running, parts, body, peer).await
    }

    /// A page at `/` or below `/_/`: those on which people sign in, then what is mounted.
    async fn page(
        &self,
        parts: &Parts,
        body: Bytes,
        peer: SocketAddr,
        running: Arc<Running>,
    ) -> Result<Option<Response>, Problem> {
        let asked = security::Asked {
            method: &parts.method,
            path: parts.uri.path(),
            headers: &parts.headers,
            peer,
            built_in: None,
            now: self.inner.world.now(),
        };
        let principal = security::who(&self.inner, &running, &asked).await?;
        let parts = parts.clone();
        let visit = Visit { service: self.clone(), running, principal, peer, parts, body };
        if let Some(response) = security::page(&visit).await {
            return Ok(Some(response));
        }
        match self.inner.pages.get() {
            Some(pages) => Ok(pages.answer(visit).await),
            None => Ok(None),
        }
    }

    /// Counts and logs an answer.
    fn note(
        &self,
        parts: &Parts,
        peer: SocketAddr,
        evidence: Option<&EndpointEvidence>,
        response: &Response,
        elapsed: Duration,
    ) {
        let inner = &self.inner;
        let now = inner.world.now();
        if let Some(evidence) = evidence {
            evidence.record(response.status(), elapsed, now);
        }
        if let Some(log) = &inner.access_log {
            let line = Line {
                at: now,
                method: &parts.method,
                uri: &parts.uri,
                route: evidence,
                status: response.status().as_u16(),
                elapsed,
                bytes: hyper::body::Body::size_hint(response.body()).exact(),
                request_id: response.headers().get(&crate::api::REQUEST_ID),
                peer: peer.ip(),
            };
            if !log.write(&line) {
                inner.evidence.log_lines_dropped.fetch_add(1, Relaxed);
            }
        }
    }

    /// A fault of ours: logged once with an id; the caller gets the id and nothing else.
    fn fault(&self, parts: &Parts, words: &str) -> Response {
        let id = self.inner.world.uuid();
        self.inner.evidence.faults.fetch_add(1, Relaxed);
        // Only the path: a query string may carry what no log should hold.
        tracing::error!(
            fault = %id, method = %parts.method, path = parts.uri.path(), "fault: {words}"
        );
        let message = format!("something went wrong on our side; its id is {id}");
        self.refuse(Problem::new(ProblemCode::Fault, message))
    }

    /// A problem as an answer, in the document's own error shape.
    fn refuse(&self, problem: Problem) -> Response {
        let inner = &self.inner;
        let running = inner.running.load();
        let id = inner.world.uuid().to_string();
        let shape = &running.system.api.error_shape;
        let body = crate::api::problem_body(&problem, shape, &*inner.world, &id);
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = problem.code.row().1;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Ok(id) = HeaderValue::try_from(id) {
            headers.insert("x-request-id", id);
        }
        headers.extend(problem.headers);
        response
    }
}

/// An answer, and where it is counted.
pub(crate) struct Answered<'r> {
    pub(crate) response: Response,
    pub(crate) evidence: Option<&'r EndpointEvidence>,
    /// Its headers began with all that protects its reader.
    pub(crate) began_protected: bool,
}

impl From<Response> for Answered<'_> {
    fn from(response: Response) -> Self {
        Self { response, evidence: None, began_protected: false }
    }
}

/// By what a request learns that its time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timekeeper {
    /// A timer of its own.
    Timer,
    /// Its connection, which polls it once a second at least.
    Connection,
}

/// Where the time is as long as this, a second more or less is none.
const ROUGH_MIN: Duration = Duration::from_secs(10);

/// What comes of `work`; none where it takes longer. Most work is done at once: only what is not
/// needs a clock. All timers are in one place, behind one lock: a request whose time is long, and that
/// is polled anyhow, looks at the time itself.
async fn within<T>(
    time_max: Duration,
    timekeeper: Timekeeper,
    mut work: Pin<&mut impl Future<Output = T>>,
) -> Option<T> {
    match poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
        Poll::Ready(done) => return Some(done),
        Poll::Pending => {}
    }
    if timekeeper == Timekeeper::Timer || time_max < ROUGH_MIN {
        return tokio::time::timeout(time_max, work).await.ok();
    }
    let began = Instant::now();
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if time_max < began.elapsed() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// The words of a panic.
fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let word = panic.downcast_ref::<&str>().copied();
    let words = word.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    words.unwrap_or("a panic without words").to_owned()
}
