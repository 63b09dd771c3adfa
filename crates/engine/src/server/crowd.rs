//! What happens when more clients come than there are places: how many places the system allows,
//! and a refusal that says so.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
};

use super::Limits;

/// Files that are open beside connections: the store's, logs, calls to other services.
const FILES_BESIDE: u64 = 512;
/// Refusals that are under way at once; whoever comes then is cut without a word.
const REFUSALS_MAX: usize = 256;
/// How long a refused client may take to read why.
const REFUSAL: Duration = Duration::from_secs(1);
/// How often the log says that there are no places.
const TOLD_EVERY: Duration = Duration::from_secs(10);
/// The answer to whoever finds no place. Nothing of the request was read: the path that would say
/// how the document shows errors is not known.
const ANSWER: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n\
    content-length: 98\r\nretry-after: 1\r\nconnection: close\r\n\r\n\
    {\"error\":{\"code\":\"UNAVAILABLE\",\"message\":\"too many connections are open; \
    try again in a moment\"}}\n";

impl Limits {
    /// The defaults, with no more connections than this process may have files. Its own limit is
    /// raised to what the system allows at most.
    pub fn of_this_process() -> Self {
        let limits = Self::default();
        let Some(files) = files_max() else { return limits };
        let places = usize::try_from(files.saturating_sub(FILES_BESIDE)).unwrap_or(usize::MAX);
        if places < limits.connections_max {
            tracing::warn!("the system allows {files} open files: {places} connections at once");
        }
        Self { connections_max: limits.connections_max.min(places.max(1)), ..limits }
    }
}

/// Files that this process may have open; none where there is no limit.
#[cfg(unix)]
fn files_max() -> Option<u64> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let before = limit.current;
        limit.current = limit.maximum;
        // A system that promises more than it gives leaves what was there.
        if setrlimit(Resource::Nofile, limit).is_err() {
            limit.current = before;
        }
    }
    limit.current
}

#[cfg(not(unix))]
fn files_max() -> Option<u64> {
    None
}

/// Refuses those who find no place.
pub(super) struct Refusals {
    under_way: Arc<Semaphore>,
    told: Option<Instant>,
}

impl Refusals {
    pub(super) fn new() -> Self {
        Self { under_way: Arc::new(Semaphore::new(REFUSALS_MAX)), told: None }
    }

    /// Tells a client to come back later.
    pub(super) fn refuse(&mut self, stream: TcpStream, limits: &Limits) {
        if self.told.is_none_or(|told| told.elapsed() > TOLD_EVERY) {
            self.told = Some(Instant::now());
            let most = limits.connections_max;
            tracing::warn!("{most} connections are open; further clients are refused");
        }
        if let Ok(place) = self.under_way.clone().try_acquire_owned() {
            tokio::spawn(async move {
                let _ = tokio::time::timeout(REFUSAL, say(stream)).await;
                drop(place);
            });
        }
    }
}

/// A connection that is closed with something unread in it is reset, and the answer with it: what
/// the client sends is read until it has seen the end.
async fn say(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(ANSWER.as_bytes()).await?;
    stream.shutdown().await?;
    let mut unread = [0; 1024];
    while stream.read(&mut unread).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn the_refusal_is_as_long_as_it_says() {
        let (head, body) = ANSWER.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{}", body.len());
        let json: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(json["error"]["code"], "UNAVAILABLE");
    }

    #[test]
    fn places_leave_files_for_the_rest() {
        let limits = Limits::of_this_process();
        assert!(limits.connections_max <= Limits::default().connections_max);
        assert!(0 < limits.connections_max);
    }

    #[tokio::test]
    async fn whoever_finds_no_place_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        let address = listener.local_addr().expect("an address");
        let mut client = TcpStream::connect(address).await.expect("a connection");
        client.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
        let (stream, _) = listener.accept().await.expect("accepted");
        Refusals::new().refuse(stream, &Limits::default());
        let mut told = String::new();
        client.read_to_string(&mut told).await.expect("an answer");
        assert_eq!(told, ANSWER);
    }
}
