//! One connection: HTTP/1.1 or HTTP/2, each request to the one handler, closed when its client is
//! slower than the limits allow.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
    time::Duration,
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{Request, Version};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use tokio::{net::TcpStream, sync::watch};

use super::{
    Limits, compression,
    patience::{InFlight, Pulse, Watched},
};
use crate::{Service, answer::Timekeeper};

/// How often a connection's limits are looked at; whatever is under way on it is polled then too.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The same while nothing happens on it: ten thousand that are idle shall cost nothing.
const LOOK_IDLE_EVERY: Duration = Duration::from_secs(5);

/// Serves a connection to its end.
pub(super) async fn serve(
    socket: TcpStream,
    peer: SocketAddr,
    service: Service,
    limits: &Limits,
    mut drain: watch::Receiver<bool>,
) {
    service.inner.evidence.connections.fetch_add(1, Relaxed);
    let inner = service.inner.clone();
    let pulse = Pulse::new();
    let compress_bytes_min = limits.compress_bytes_min;
    // One for the connection: counting the uses of what all connections share would make the
    // processors hand it to each other with every request.
    let own = Arc::new(service);
    let handler = {
        let pulse = pulse.clone();
        hyper::service::service_fn(move |request: Request<Incoming>| {
            let in_flight = pulse.begin();
            let service = Arc::clone(&own);
            // A connection keeps the place of its answer for as long as it is open: boxed, that is a
            // pointer while nothing is asked, and not all that an answer ever needs.
            Box::pin(async move {
                let wishes = compression::Wishes::of(request.headers());
                // A stream of HTTP/2 has a task of its own, which only its timer wakes.
                let timekeeper = match request.version() {
                    Version::HTTP_10 | Version::HTTP_11 => Timekeeper::Connection,
                    _ => Timekeeper::Timer,
                };
                let response = service.answer_timed(request.map(body), peer, timekeeper).await;
                let response = compression::compress(response, wishes, compress_bytes_min).await;
                Ok::<_, Infallible>(held(response, in_flight))
            })
        })
    };
    let builder = builder(limits);
    let watched = Watched { socket, pulse: pulse.clone() };
    let mut connection = pin!(builder.serve_connection(TokioIo::new(watched), handler));
    let mut look = tokio::time::interval(LOOK_EVERY);
    let mut drains = *drain.borrow();
    loop {
        tokio::select! {
            biased;
            // Broken pipes and malformed heads are the client's business: hyper has answered them.
            _ = connection.as_mut() => break,
            _ = look.tick() => match pulse.exceeded(limits) {
                Some(limit) => {
                    tracing::debug!(%peer, ?limit, "connection closed");
                    break;
                }
                None if pulse.is_idle() => look.reset_after(LOOK_IDLE_EVERY),
                None => {}
            },
            changed = drain.changed(), if !drains => {
                drains = true;
                if changed.is_ok() {
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
    inner.evidence.connections.fetch_sub(1, Relaxed);
}

/// A request's body; where there is none, nothing that would have to be freed.
fn body(incoming: Incoming) -> Body {
    if incoming.is_end_stream() { Body::empty() } else { Body::new(incoming) }
}

/// Headers of a request that hyper takes where it is not told another number.
const HYPER_HEADERS_MAX: usize = 100;

/// HTTP as we speak it.
fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // hyper's own timer for heads would be set anew for every request; ours looks once a second.
    builder
        .http1()
        .header_read_timeout(None)
        .max_buf_size(limits.head_bytes_max)
        .pipeline_flush(true);
    // Room for its own number stands in the binary; for any other hyper makes it for every request.
    if limits.headers_max != HYPER_HEADERS_MAX {
        builder.http1().max_headers(limits.headers_max);
    }
    builder
        .http2()
        .max_concurrent_streams(limits.streams_max)
        .max_header_list_size(u32::try_from(limits.head_bytes_max).unwrap_or(u32::MAX));
    builder
}

/// Streams count as in flight until they end; whole bodies are written at once and need no guard.
fn held(response: Response, in_flight: InFlight) -> Response {
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    response.map(|body| Body::new(Held { body, _in_flight: Arc::new(in_flight) }))
}

/// A stream and the guard that marks it as in flight.
struct Held {
    body: Body,
    _in_flight: Arc<InFlight>,
}

impl hyper::body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut frame = self.body.frame();
        Pin::new(&mut frame).poll(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
