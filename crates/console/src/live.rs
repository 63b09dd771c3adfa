//! Live evidence pushed to open pages as server-sent events: what changed since the last push, and
//! word of a new version.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::response::{
    IntoResponse, Response,
    sse::{Event, KeepAlive, Sse},
};
use engine::{Running, Service};
use futures_util::stream;
use http::StatusCode;
use tokio::{sync::watch, time::Instant};

use crate::evidence::{self, Item};

/// Pages that may be live at once.
const STREAMS_MAX: usize = 64;
/// Time between two looks at the evidence.
const PERIOD: Duration = Duration::from_secs(1);
/// A stream ends after this time and the page asks again, so that rights that were withdrawn end.
const LIFE_MAX: Duration = Duration::from_secs(300);

/// How many pages are live.
#[derive(Debug, Clone, Default)]
pub(crate) struct Streams(Arc<AtomicUsize>);

/// One live page; gives its place back when it is dropped.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Streams {
    fn take(&self) -> Option<Place> {
        let taken =
            self.0.fetch_update(Relaxed, Relaxed, |open| (open < STREAMS_MAX).then_some(open + 1));
        taken.is_ok().then(|| Place(self.0.clone()))
    }
}

struct Stream {
    service: Service,
    running: Arc<Running>,
    changes: watch::Receiver<u64>,
    known: HashMap<String, Item>,
    until: Instant,
    is_first: bool,
    _place: Place,
}

/// The stream of one page.
pub(crate) fn answer(streams: &Streams, service: Service, running: Arc<Running>) -> Response {
    let Some(place) = streams.take() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many live pages").into_response();
    };
    let changes = service.inner.changes.subscribe();
    let state = Stream {
        service,
        running,
        changes,
        known: HashMap::new(),
        until: Instant::now() + LIFE_MAX,
        is_first: true,
        _place: place,
    };
    Sse::new(stream::unfold(state, next)).keep_alive(KeepAlive::default()).into_response()
}

/// The next event; none where the stream's life is over.
async fn next(mut state: Stream) -> Option<(Result<Event, Infallible>, Stream)> {
    loop {
        if !std::mem::take(&mut state.is_first) {
            tokio::select! {
                changed = state.changes.changed() => {
                    changed.ok()?;
                    let event = Event::default().event("changed").data("document");
                    // The page loads anew, so there is nothing more to say to this one.
                    state.until = Instant::now();
                    return Some((Ok(event), state));
                }
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
        if state.until <= Instant::now() {
            return None;
        }
        let fresh = state.fresh();
        if !fresh.is_empty() {
            let data = serde_json::to_string(&fresh).unwrap_or_default();
            return Some((Ok(Event::default().event("evidence").data(data)), state));
        }
    }
}

impl Stream {
    /// Items that differ from what the page knows.
    fn fresh(&mut self) -> Vec<Item> {
        let inner = &self.service.inner;
        let snapshot = inner.evidence.snapshot(inner.world.now());
        let shared = inner.shared.seen(&inner.store);
        let mut fresh = evidence::items(&self.running.compiled, &snapshot, &shared);
        fresh.retain(|item| self.known.get(&item.subject) != Some(item));
        for item in &fresh {
            self.known.insert(item.subject.clone(), item.clone());
        }
        fresh
    }
}
