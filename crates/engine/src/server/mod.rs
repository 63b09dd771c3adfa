//! The server: sockets in, answers out. Accepts connections up to a limit, speaks HTTP/1.1 and
//! HTTP/2 without TLS on each, drops clients that are slower than the limits allow, and drains what
//! is in flight before it stops. One handler answers everything: [`Service::answer`].

mod compression;
mod connection;
mod crowd;
mod patience;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpSocket},
    sync::{Semaphore, watch},
};

use crate::{Service, StartError};

/// How patient the server is. Each limit has a name and a safe default.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at once; further ones are answered 503 and closed.
    pub connections_max: usize,
    /// Connections that the kernel queues.
    pub backlog_max: u32,
    /// Longest time from the first byte of a request's head to its last, in milliseconds.
    pub head_ms_max: u64,
    /// Largest head of a request, in bytes.
    pub head_bytes_max: usize,
    /// Header lines of a request.
    pub headers_max: usize,
    /// Longest time that a connection stays open without a request, in milliseconds.
    pub idle_ms_max: u64,
    /// Longest time that a client takes nothing of what is sent to it, in milliseconds.
    pub write_stall_ms_max: u64,
    /// Requests at once on one HTTP/2 connection.
    pub streams_max: u32,
    /// Longest time to finish what is in flight before stopping, in milliseconds.
    pub drain_ms_max: u64,
    /// Smallest body that is compressed, in bytes.
    pub compress_bytes_min: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 16_384,
            backlog_max: 1_024,
            head_ms_max: 10_000,
            head_bytes_max: 64 * 1024,
            headers_max: 100,
            idle_ms_max: 75_000,
            write_stall_ms_max: 30_000,
            streams_max: 128,
            drain_ms_max: 10_000,
            compress_bytes_min: 1_024,
        }
    }
}

/// A server that listens and has not accepted anybody yet.
pub struct Server {
    listener: TcpListener,
    limits: Arc<Limits>,
}

/// How a server stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Everything that was in flight was answered.
    Drained,
    /// So many connections were still open when the time for draining was over.
    Cut(usize),
}

impl Server {
    /// Listens on an address; port 0 takes a free one, see [`Server::address`].
    ///
    /// # Errors
    /// [`StartError::Machine`] where the address is taken or not ours.
    pub fn listen(address: SocketAddr, limits: Limits) -> Result<Self, StartError> {
        let listener = bind(address, limits.backlog_max)
            .map_err(|error| StartError::Machine(format!("cannot listen on {address}: {error}")))?;
        Ok(Self { listener, limits: Arc::new(limits) })
    }

    /// The address that it really listens on.
    ///
    /// # Errors
    /// [`StartError::Machine`] where the system does not know.
    pub fn address(&self) -> Result<SocketAddr, StartError> {
        self.listener.local_addr().map_err(|error| StartError::Machine(error.to_string()))
    }

    /// Serves until `stop` is done, then drains: no new connections, what is in flight is answered
    /// within [`Limits::drain_ms_max`].
    pub async fn serve(self, service: Service, stop: impl Future<Output = ()>) -> Stopped {
        let Self { listener, limits } = self;
        let places = Arc::new(Semaphore::new(limits.connections_max));
        let mut refusals = crowd::Refusals::new();
        let (draining, drain) = watch::channel(false);
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let Ok(place) = places.clone().try_acquire_owned() else {
                        refusals.refuse(stream, &limits);
                        continue;
                    };
                    // Answers are small and written whole: waiting to fill a segment only delays.
                    let _ = stream.set_nodelay(true);
                    let (service, limits) = (service.clone(), limits.clone());
                    let drain = drain.clone();
                    tokio::spawn(async move {
                        connection::serve(stream, peer, service, &limits, drain).await;
                        drop(place);
                    });
                }
                Err(error) => wait_after(&error).await,
            }
        }
        drop(listener);
        let _ = draining.send(true);
        let all = u32::try_from(limits.connections_max).unwrap_or(u32::MAX);
        let drained = places.acquire_many(all);
        match tokio::time::timeout(Duration::from_millis(limits.drain_ms_max), drained).await {
            Ok(_) => Stopped::Drained,
            Err(_) => Stopped::Cut(limits.connections_max - places.available_permits()),
        }
    }
}

/// A socket that listens. The address can be taken again right after a restart.
fn bind(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(backlog)
}

/// A client that gave up is no reason to wait; too many open files is.
async fn wait_after(error: &io::Error) {
    use io::ErrorKind as Kind;
    let gone = [Kind::ConnectionAborted, Kind::ConnectionReset, Kind::ConnectionRefused];
    if !gone.contains(&error.kind()) {
        tracing::warn!(%error, "cannot accept a connection");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
