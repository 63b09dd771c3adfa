//! Windows that processes count in together: in Redis, by one script and that server's clock.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use redis::Script;
use sha2::{Digest, Sha256};

use crate::shared::{Away, Redis};

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("limit.lua")));

/// A window, and when it is full.
pub(super) struct Window {
    key: String,
    full_at: u32,
    limit: u32,
    length_ms: u64,
}

/// What was found in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    /// True where the request was not let through.
    pub(super) is_full: bool,
    /// Requests before this one.
    pub(super) before: u32,
    /// How long until the window lets go of something.
    pub(super) wait_ms: i64,
}

impl Window {
    /// The window of a limit and one caller. Their names are hashed: whoever looks into Redis sees
    /// neither users nor addresses.
    pub(super) fn of(
        redis: &Redis,
        limit_name: &str,
        caller: &str,
        full_at: u32,
        limit: u32,
        window_seconds: u32,
    ) -> Self {
        let digest = Sha256::digest(redis.key(limit_name, caller));
        let name = URL_SAFE_NO_PAD.encode(digest.get(..18).unwrap_or_default());
        let length_ms = u64::from(window_seconds.max(1)) * 1000;
        Self { key: redis.key("limit", &name), full_at, limit, length_ms }
    }
}

/// Counts one request in each window, in order, until one is full: what comes after that is not
/// counted, and has no answer.
///
/// # Errors
/// [`Away`].
pub(super) async fn count(
    redis: &Redis,
    windows: impl Iterator<Item = Window>,
) -> Result<Vec<Counted>, Away> {
    if !redis.is_here() {
        return Err(Away);
    }
    let mut invocation = SCRIPT.prepare_invoke();
    for window in windows {
        invocation.key(window.key).arg(window.full_at).arg(window.limit).arg(window.length_ms);
    }
    let answers: Vec<i64> = redis.script(&invocation).await?;
    let counted = answers.chunks_exact(3).filter_map(|answer| match answer {
        &[is_full, before, wait_ms] => {
            let before = u32::try_from(before).unwrap_or(u32::MAX);
            Some(Counted { is_full: is_full != 0, before, wait_ms })
        }
        _ => None,
    });
    Ok(counted.collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{SystemWorld, shared::tests::server};

    async fn redis(server: &server::Redis) -> Arc<Redis> {
        let world = Arc::new(SystemWorld);
        Redis::open(&server.url(), "x", world).await.expect("a connection")
    }

    #[tokio::test]
    async fn a_limit_trips_at_the_written_number_whoever_counts() {
        let server = server::Redis::start();
        let processes = [redis(&server).await, redis(&server).await];
        for limit in [1, 7, 20, 21, 300] {
            let mut through = 0;
            for sent in 0..limit + 5 {
                let redis = &processes[sent as usize % 2];
                let window = Window::of(redis, &limit.to_string(), "me", limit, limit, 60);
                let counted = count(redis, std::iter::once(window)).await.expect("it answers")[0];
                assert_eq!(counted.before, through);
                assert_eq!(counted.is_full, through == limit, "{counted:?}");
                assert!((1..=60_000).contains(&counted.wait_ms), "{counted:?}");
                through += u32::from(!counted.is_full);
            }
            assert_eq!(through, limit);
        }
    }

    #[tokio::test]
    async fn a_window_lets_go_when_it_said_it_would() {
        let server = server::Redis::start();
        let redis = redis(&server).await;
        for limit in [2, 40] {
            let ask = || {
                let window = Window::of(&redis, &limit.to_string(), "me", limit, limit, 1);
                count(&redis, std::iter::once(window))
            };
            for _ in 0..limit {
                assert!(!ask().await.expect("it answers")[0].is_full);
            }
            let full = ask().await.expect("it answers")[0];
            assert!(full.is_full);
            let wait_ms = u64::try_from(full.wait_ms).expect("a while");
            tokio::time::sleep(std::time::Duration::from_millis(wait_ms + 1)).await;
            assert!(!ask().await.expect("it answers")[0].is_full, "after {wait_ms} ms");
        }
    }

    #[tokio::test]
    async fn what_comes_after_a_full_window_is_not_counted() {
        let server = server::Redis::start();
        let redis = redis(&server).await;
        let windows = || {
            [("narrow", 1), ("wide", 9)]
                .into_iter()
                .map(|(name, limit)| Window::of(&redis, name, "me", limit, limit, 60))
        };
        assert_eq!(count(&redis, windows()).await.expect("it answers").len(), 2);
        for _ in 0..3 {
            let counted = count(&redis, windows()).await.expect("it answers");
            assert!(matches!(counted.as_slice(), [only] if only.is_full), "{counted:?}");
        }
        let wide = count(&redis, windows().skip(1)).await.expect("it answers");
        assert_eq!(wide[0].before, 1);
    }
}
