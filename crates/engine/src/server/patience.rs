//! Patience with slow clients: notes on each connection when a head began, when something was
//! last sent and whether a client stopped reading, and says when a limit is exceeded.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Instant,
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Limits;

/// What happens on a connection, in milliseconds since it was opened; zero stands for "not".
pub(super) struct Pulse {
    opened: Instant,
    /// Requests that are being answered, streams that are being sent.
    in_flight: AtomicU32,
    /// When the head of the next request began.
    head_since: AtomicU64,
    /// When the client stopped taking what is sent.
    stalled_since: AtomicU64,
    /// When something last happened.
    active_at: AtomicU64,
}

/// Why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Impatience {
    /// [`Limits::head_ms_max`].
    SlowHead,
    /// [`Limits::write_stall_ms_max`].
    SlowReader,
    /// [`Limits::idle_ms_max`].
    Idle,
}

/// Counts as in flight until dropped.
pub(super) struct InFlight(Arc<Pulse>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.active_at.store(self.0.now(), Relaxed);
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}

impl Pulse {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            in_flight: AtomicU32::new(0),
            head_since: AtomicU64::new(0),
            stalled_since: AtomicU64::new(0),
            active_at: AtomicU64::new(1),
        })
    }

    /// Milliseconds since the connection was opened, never zero.
    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// A request's head is complete.
    pub(super) fn begin(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Relaxed);
        self.head_since.store(0, Relaxed);
        InFlight(self.clone())
    }

    /// The limit that is exceeded, where there is one.
    pub(super) fn exceeded(&self, limits: &Limits) -> Option<Impatience> {
        self.exceeded_at(self.now(), limits)
    }

    fn exceeded_at(&self, now: u64, limits: &Limits) -> Option<Impatience> {
        let over = |since: u64, limit: u64| since != 0 && since.saturating_add(limit) < now;
        if over(self.stalled_since.load(Relaxed), limits.write_stall_ms_max) {
            return Some(Impatience::SlowReader);
        }
        if self.in_flight.load(Relaxed) != 0 {
            return None;
        }
        if over(self.head_since.load(Relaxed), limits.head_ms_max) {
            return Some(Impatience::SlowHead);
        }
        over(self.active_at.load(Relaxed), limits.idle_ms_max).then_some(Impatience::Idle)
    }

    /// True while nothing is asked, answered or awaited.
    pub(super) fn is_idle(&self) -> bool {
        let waits = [&self.head_since, &self.stalled_since];
        self.in_flight.load(Relaxed) == 0 && waits.iter().all(|since| since.load(Relaxed) == 0)
    }

    fn read(&self, bytes: usize) {
        let waits = self.in_flight.load(Relaxed) == 0 && self.head_since.load(Relaxed) == 0;
        if 0 < bytes && waits {
            self.head_since.store(self.now(), Relaxed);
        }
    }

    fn wrote(&self, is_pending: bool) {
        if is_pending {
            if self.stalled_since.load(Relaxed) == 0 {
                self.stalled_since.store(self.now(), Relaxed);
            }
            return;
        }
        // What is written without a stall belongs to an answer whose end is noted anyhow.
        if self.stalled_since.load(Relaxed) != 0 {
            self.stalled_since.store(0, Relaxed);
            self.active_at.store(self.now(), Relaxed);
        }
    }
}

/// A socket whose pulse is taken.
pub(super) struct Watched<T> {
    pub(super) socket: T,
    pub(super) pulse: Arc<Pulse>,
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.socket).poll_read(context, buffer);
        self.pulse.read(buffer.filled().len() - before);
        result
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.pulse.wrote(result.is_pending());
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.pulse.wrote(result.is_pending());
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pulse: &Pulse, after_ms: u64, expected: Option<Impatience>) {
        let limits = Limits::default();
        assert_eq!(pulse.exceeded_at(after_ms, &limits), expected, "after {after_ms} ms");
    }

    #[test]
    fn a_head_that_takes_too_long_is_cut() {
        let pulse = Pulse::new();
        pulse.read(1);
        check(&pulse, 9_000, None);
        check(&pulse, 11_000, Some(Impatience::SlowHead));
    }

    #[test]
    fn a_connection_without_requests_is_closed_but_not_one_with_a_stream() {
        let pulse = Pulse::new();
        check(&pulse, 74_000, None);
        check(&pulse, 80_000, Some(Impatience::Idle));
        assert!(pulse.is_idle());
        let stream = pulse.begin();
        assert!(!pulse.is_idle());
        check(&pulse, 10_000_000, None);
        drop(stream);
        check(&pulse, 10_000_000, Some(Impatience::Idle));
    }

    #[test]
    fn a_client_that_stops_reading_is_cut_even_amid_a_stream() {
        let pulse = Pulse::new();
        let _stream = pulse.begin();
        pulse.wrote(true);
        check(&pulse, 40_000, Some(Impatience::SlowReader));
        pulse.wrote(false);
        check(&pulse, 40_000, None);
    }
}
