//! Limits on requests: they trip at the number that the document writes, in any stretch of the
//! length that it writes. Where processes share a Redis they are counted there, else in memory.

use std::{
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash, RandomState},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use document::{
    System,
    api::BuiltIn,
    security::{LimitScope, LimitSubject, RateLimit},
};
use http::{HeaderName, HeaderValue, header::RETRY_AFTER};

use super::{
    address,
    principal::Principal,
    recent::Recent,
    together::{self, Window},
    who::Asked,
};
use crate::{
    Problem, Running,
    pages::is_local,
    problem::ProblemCode,
    sabotage::{self, Sabotage},
    service::Inner,
    shared::Redis,
};

/// Sign-ins and sign-ups per address and minute where the document says nothing.
const ACCOUNT_REQUESTS_DEFAULT: u32 = 10;
/// The window of that default, in seconds.
const ACCOUNT_SECONDS_DEFAULT: u32 = 60;

/// Keys are spread over so many locks.
const SHARDS: usize = 16;
/// Keys behind one lock; beyond, windows that are over go, then any.
const SHARD_KEYS_MAX: usize = 8192;
/// Windows that are over are looked for at most this often, in milliseconds.
const SWEEP_MS: i64 = 1000;

/// Windows by what they count.
pub(super) struct Counters {
    hasher: RandomState,
    shards: Vec<Mutex<Shard>>,
}

/// Windows behind one lock. Their keys are hashes already, which nobody outside can choose: a quick
/// hash of them is good enough.
#[derive(Default)]
struct Shard {
    windows: foldhash::HashMap<Key, Recent>,
    /// Windows that are full elsewhere, and until when nothing can leave them.
    full_until_ms: foldhash::HashMap<Key, i64>,
    /// When windows that are over were last thrown out.
    swept_at_ms: i64,
}

impl Shard {
    /// Makes room for one more window.
    fn make_room(&mut self, now_ms: i64) {
        if self.windows.len() < SHARD_KEYS_MAX {
            return;
        }
        // A sweep looks at every window: one a second, or a flood of keys would make each costly.
        if (now_ms - self.swept_at_ms).abs() >= SWEEP_MS {
            self.swept_at_ms = now_ms;
            self.windows.retain(|_, recent| !recent.is_over(now_ms));
        }
        if self.windows.len() >= SHARD_KEYS_MAX
            && let Some(any) = self.windows.keys().next().copied()
        {
            self.windows.remove(&any);
        }
    }

    /// Remembers that a window is full. What finds no room is asked for again.
    fn fill(&mut self, key: Key, until_ms: i64, now_ms: i64) {
        if self.full_until_ms.len() >= SHARD_KEYS_MAX {
            if (now_ms - self.swept_at_ms).abs() < SWEEP_MS {
                return;
            }
            self.swept_at_ms = now_ms;
            self.full_until_ms.retain(|_, until_ms| *until_ms > now_ms);
        }
        if self.full_until_ms.len() < SHARD_KEYS_MAX {
            self.full_until_ms.insert(key, until_ms);
        }
    }
}

/// Which limit, and whose requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    limit: u64,
    subject: u64,
}

/// What is left after a request was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Taken {
    limit: u32,
    remaining: u32,
    reset_seconds: i64,
    is_over: bool,
}

impl Default for Counters {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl Counters {
    fn shard(&self, key: Key) -> Option<MutexGuard<'_, Shard>> {
        let place = usize::try_from((key.subject ^ key.limit) % SHARDS as u64).unwrap_or(0);
        Some(self.shards.get(place)?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn take(&self, key: Key, limit: u32, window_seconds: u32, now_ms: i64) -> Taken {
        let Some(mut shard) = self.shard(key) else {
            return Taken { limit, remaining: 0, reset_seconds: 1, is_over: true };
        };
        if !shard.windows.contains_key(&key) {
            shard.make_room(now_ms);
        }
        let length_ms = i64::from(window_seconds.max(1)) * 1000;
        let recent = shard.windows.entry(key).or_insert_with(|| Recent::of(length_ms));
        let before = recent.at(now_ms);
        let is_over = before >= full_at(limit);
        if !is_over {
            recent.add(limit, now_ms);
        }
        Taken::of(limit, before, recent.wait_ms(now_ms), is_over)
    }

    /// What is left of a window that is known to be full elsewhere; none where it has to be asked.
    fn full(&self, key: Key, limit: u32, now_ms: i64) -> Option<Taken> {
        let mut shard = self.shard(key)?;
        let until_ms = *shard.full_until_ms.get(&key)?;
        if until_ms <= now_ms {
            shard.full_until_ms.remove(&key);
            return None;
        }
        Some(Taken::of(limit, limit, until_ms - now_ms, true))
    }

    fn fill(&self, key: Key, until_ms: i64, now_ms: i64) {
        if let Some(mut shard) = self.shard(key) {
            shard.fill(key, until_ms, now_ms);
        }
    }
}

impl Taken {
    fn of(limit: u32, before: u32, wait_ms: i64, is_over: bool) -> Self {
        let requests = if is_over { before } else { before.saturating_add(1) };
        Self {
            limit,
            remaining: limit.saturating_sub(requests),
            reset_seconds: wait_ms.saturating_add(999).div_euclid(1000),
            is_over,
        }
    }
}

/// With so many requests a window is full.
fn full_at(limit: u32) -> u32 {
    if sabotage::is(Sabotage::LimitForgotten) {
        return u32::MAX;
    }
    let late = u32::from(sabotage::is(Sabotage::LimitOffByOne));
    let early = u32::from(sabotage::is(Sabotage::LimitTripsEarly));
    limit.saturating_add(late).saturating_sub(early)
}

/// The document's limits, and what tells them apart: made ready once.
pub(crate) struct Limits {
    all: Vec<(RateLimit, u64)>,
    /// Some are about endpoints.
    has_endpoints: bool,
    /// Some are about sign-ins.
    has_authentication: bool,
}

impl Limits {
    /// The limits of a document.
    pub(crate) fn of(system: &System) -> Self {
        let limits = &system.security.rate_limits;
        // The same in each version of the document, so that windows go on.
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        let identity = |limit: &RateLimit| {
            hasher.hash_one((limit.requests, limit.window_seconds, &limit.scope, limit.subject))
        };
        let has = |is: fn(&LimitScope) -> bool| limits.iter().any(|limit| is(&limit.scope));
        Self {
            all: limits.iter().map(|limit| (limit.clone(), identity(limit))).collect(),
            has_endpoints: has(|scope| matches!(scope, LimitScope::Endpoint { .. })),
            has_authentication: has(|scope| *scope == LimitScope::Authentication),
        }
    }
}

/// One limit that applies to a request.
struct Applied<'a> {
    requests: u32,
    window_seconds: u32,
    subject: LimitSubject,
    /// What it is about; none for what holds where the document says nothing.
    scope: Option<&'a LimitScope>,
    /// The account endpoint that has it to itself.
    part: Option<BuiltIn>,
    /// Tells this limit from others in this process.
    identity: u64,
}

/// Counts a request against every limit that applies to it. Gives the headers that tell the caller
/// what is left of the tightest.
///
/// # Errors
/// 429 with the same headers and `Retry-After`.
pub(super) async fn count(
    inner: &Inner,
    running: &Running,
    asked: &Asked<'_>,
    principal: &Principal,
    address: IpAddr,
) -> Result<Vec<(HeaderName, HeaderValue)>, Problem> {
    let counters = &inner.security.counters;
    let mut all = applied(counters, &running.rate_limits, asked, principal);
    if is_probe(inner, asked, principal) {
        all.retain(|applied| matches!(applied.scope, Some(LimitScope::Endpoint { .. })));
    }
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let now_ms = asked.now.as_millisecond();
    let key = |applied: &Applied<'_>| {
        let subject = match (applied.subject, principal.user()) {
            (LimitSubject::Everyone, _) => 0,
            (LimitSubject::User, Some(user)) => counters.hasher.hash_one(("user", &user.subject)),
            _ => counters.hasher.hash_one(("address", address::counted(address))),
        };
        Key { limit: applied.identity, subject }
    };
    let here = |applied: &Applied<'_>| {
        counters.take(key(applied), applied.requests, applied.window_seconds, now_ms)
    };
    let Some(redis) = &inner.shared.redis else {
        return tightest(inner, all.iter().map(|applied| (applied, here(applied))));
    };
    let full = |applied| Some((applied, counters.full(key(applied), applied.requests, now_ms)?));
    if let Some(full) = all.iter().find_map(full) {
        return tightest(inner, std::iter::once(full));
    }
    let windows = all.iter().map(|applied| window(redis, applied, principal, address));
    // Boxed, so that no request without Redis carries the room for it.
    let answers = Box::pin(together::count(redis, windows)).await;
    // Counted here as well, so that a Redis that goes away does not set everybody free.
    let taken: Vec<_> = all.iter().map(|applied| (applied, here(applied))).collect();
    let Ok(answers) = answers else { return tightest(inner, taken.into_iter()) };
    tightest(
        inner,
        all.iter().zip(answers).map(|(applied, answer)| {
            if answer.is_full {
                counters.fill(key(applied), now_ms.saturating_add(answer.wait_ms), now_ms);
            }
            let limit = applied.requests;
            (applied, Taken::of(limit, answer.before, answer.wait_ms, answer.is_full))
        }),
    )
}

/// True for what watches the service rather than uses it. Refused, it would have a healthy process
/// restarted, or taken out of service while it is needed most: only a limit on the very endpoint counts
/// it. Metrics are a probe for those to whom they are shown without a sentence of the document.
fn is_probe(inner: &Inner, asked: &Asked<'_>, principal: &Principal) -> bool {
    match asked.built_in {
        Some(BuiltIn::Health | BuiltIn::Ready) => true,
        Some(BuiltIn::Metrics) => {
            principal.is_admin() || is_local(&inner.settings, asked.peer, asked.headers)
        }
        _ => false,
    }
}

/// A limit's window for one caller, as all processes call it. Neither users nor addresses can be
/// read from its name.
fn window(redis: &Redis, applied: &Applied<'_>, principal: &Principal, address: IpAddr) -> Window {
    let caller = match (applied.subject, principal.user()) {
        (LimitSubject::Everyone, _) => String::new(),
        (LimitSubject::User, Some(user)) => format!("user {}", user.subject),
        _ => format!("address {:?}", address::counted(address)),
    };
    let Applied { requests, window_seconds, scope, subject, part, .. } = applied;
    let limit = format!("{requests} {window_seconds} {scope:?} {subject:?} {part:?}");
    Window::of(redis, &limit, &caller, full_at(*requests), *requests, *window_seconds)
}

/// The headers of the tightest limit.
///
/// # Errors
/// 429 where one is over.
fn tightest<'a, 'l: 'a>(
    inner: &Inner,
    taken: impl Iterator<Item = (&'a Applied<'l>, Taken)>,
) -> Result<Vec<(HeaderName, HeaderValue)>, Problem> {
    let mut tightest: Option<Taken> = None;
    for (applied, taken) in taken {
        if taken.is_over {
            inner.evidence.happened("security.rate_limit", inner.world.now());
            return Err(refused(applied, taken));
        }
        if tightest.is_none_or(|tightest| taken.remaining < tightest.remaining) {
            tightest = Some(taken);
        }
    }
    Ok(tightest.map(headers).unwrap_or_default())
}

fn headers(taken: Taken) -> Vec<(HeaderName, HeaderValue)> {
    vec![
        (LIMIT, number(taken.limit)),
        (REMAINING, number(taken.remaining)),
        (RESET, number(taken.reset_seconds)),
    ]
}

/// A number as a header's value: its digits in one piece of memory.
fn number(number: impl itoa::Integer) -> HeaderValue {
    let digits = Bytes::copy_from_slice(itoa::Buffer::new().format(number).as_bytes());
    HeaderValue::from_maybe_shared(digits).unwrap_or_else(|_| HeaderValue::from_static("0"))
}

fn refused(applied: &Applied<'_>, taken: Taken) -> Problem {
    let each = match applied.subject {
        LimitSubject::Address => " from one address",
        LimitSubject::User => " of one user",
        LimitSubject::Everyone => "",
    };
    let message = format!(
        "too many requests: at most {} in {} seconds{each}",
        applied.requests, applied.window_seconds
    );
    let mut problem = Problem::new(ProblemCode::RateLimited, message);
    problem.headers = headers(taken);
    if sabotage::is(Sabotage::RetryAfterForgotten) {
        return problem;
    }
    problem.header(RETRY_AFTER, taken.reset_seconds.into())
}

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// The limits for one request. Those about who asks exclude each other, the narrowest counts: a
/// role's before that of users or strangers, and that before the one for all. Those about an
/// endpoint come on top.
fn applied<'a>(
    counters: &Counters,
    limits: &'a Limits,
    asked: &Asked<'_>,
    principal: &Principal,
) -> Vec<Applied<'a>> {
    let identity = |own: u64, part: Option<BuiltIn>| match part {
        None => own,
        Some(part) => counters.hasher.hash_one((own, part)),
    };
    let as_applied = |(limit, own): &'a (RateLimit, u64), part: Option<BuiltIn>| {
        limit.requests.map(|requests| Applied {
            requests,
            window_seconds: limit.window_seconds,
            subject: limit.subject,
            scope: Some(&limit.scope),
            part,
            identity: identity(*own, part),
        })
    };
    let all = || limits.all.iter();
    let narrowest = all().filter_map(|(limit, _)| breadth(limit, principal)).min();
    let mut applied: Vec<Applied<'_>> = all()
        .filter(|(limit, _)| narrowest.is_some() && breadth(limit, principal) == narrowest)
        .filter_map(|limit| as_applied(limit, None))
        .collect();
    if limits.has_endpoints {
        let mut of_endpoint =
            all().filter(|(limit, _)| is_of_endpoint(&limit.scope, asked)).peekable();
        if of_endpoint.peek().is_some() {
            applied.extend(of_endpoint.filter_map(|limit| as_applied(limit, None)));
            return applied;
        }
    }
    if limits.has_authentication && is_account_request(asked) {
        // Each of the account endpoints has the written number to itself.
        let of_accounts = all().filter(|(limit, _)| limit.scope == LimitScope::Authentication);
        applied.extend(of_accounts.filter_map(|limit| as_applied(limit, asked.built_in)));
    } else if matches!(asked.built_in, Some(BuiltIn::Login | BuiltIn::Register)) {
        applied.push(Applied {
            requests: ACCOUNT_REQUESTS_DEFAULT,
            window_seconds: ACCOUNT_SECONDS_DEFAULT,
            subject: LimitSubject::Address,
            scope: None,
            part: asked.built_in,
            identity: counters.hasher.hash_one(("default", asked.built_in)),
        });
    }
    applied
}

/// How broad a limit about who asks is; none where it is about something else, or somebody else.
fn breadth(limit: &RateLimit, principal: &Principal) -> Option<u8> {
    match (&limit.scope, principal.user()) {
        (LimitScope::Role { name }, Some(user)) => {
            user.roles.iter().any(|role| role.eq_ignore_ascii_case(name)).then_some(0)
        }
        (LimitScope::Authenticated, Some(_)) | (LimitScope::Anonymous, None) => Some(1),
        (LimitScope::All, _) => Some(2),
        _ => None,
    }
}

/// Requests by which somebody becomes somebody. What a signed-in user does under the same path is
/// none.
fn is_account_request(asked: &Asked<'_>) -> bool {
    use BuiltIn as B;
    match asked.built_in {
        Some(B::Me | B::UpdateMe | B::DeleteMe | B::Logout) => false,
        Some(B::Health | B::Ready | B::Metrics | B::OpenApi | B::Documentation | B::Jwks) => false,
        Some(_) => true,
        None => asked.path.split('/').any(|segment| segment == "auth"),
    }
}

fn is_of_endpoint(scope: &LimitScope, asked: &Asked<'_>) -> bool {
    let LimitScope::Endpoint { method, path } = scope else { return false };
    let sent = if asked.method == http::Method::HEAD { "GET" } else { asked.method.as_str() };
    method.is_none_or(|method| method.word() == sent) && fits(path, asked.path)
}

/// True where a path fits a pattern with `{name}` for one segment and a closing `*` for the rest.
fn fits(pattern: &str, path: &str) -> bool {
    let mut segments = path.trim_matches('/').split('/');
    for wanted in pattern.trim_matches('/').split('/') {
        if wanted == "*" || wanted == "**" {
            return true;
        }
        let Some(found) = segments.next() else { return false };
        let is_parameter = wanted.starts_with('{') && wanted.ends_with('}');
        let is_prefix = wanted.strip_suffix('*').is_some_and(|start| found.starts_with(start));
        if !(is_parameter || is_prefix || wanted == found) {
            return false;
        }
    }
    segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key { limit: 1, subject: 2 };

    #[test]
    fn a_limit_trips_at_the_written_number_and_not_before() {
        let counters = Counters::default();
        for sent in 0..100 {
            let taken = counters.take(KEY, 100, 60, sent * 500);
            assert!(!taken.is_over, "request {}", sent + 1);
            assert_eq!(i64::from(taken.remaining), 99 - sent);
        }
        let taken = counters.take(KEY, 100, 60, 59_999);
        assert!(taken.is_over);
        assert_eq!(taken.reset_seconds, 3, "the first requests of the window leave it together");
        assert!(!counters.take(KEY, 100, 60, 62_999).is_over);
    }

    #[test]
    fn whoever_waits_as_told_is_let_through() {
        let counters = Counters::default();
        counters.take(KEY, 1, 10, 1_234);
        let taken = counters.take(KEY, 1, 10, 5_678);
        assert!(taken.is_over);
        assert!(!counters.take(KEY, 1, 10, 5_678 + taken.reset_seconds * 1000).is_over);
    }

    #[test]
    fn keys_are_bounded() {
        let counters = Counters::default();
        for subject in 0..(SHARDS * SHARD_KEYS_MAX * 2) as u64 {
            counters.take(Key { limit: 0, subject }, 1, 60, 0);
        }
        let kept: usize =
            counters.shards.iter().map(|shard| shard.lock().expect("a lock").windows.len()).sum();
        assert!(kept <= SHARDS * SHARD_KEYS_MAX);
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let counters = Counters::default();
        counters.take(KEY, 1, 60, 1_000_000_000);
        let taken = counters.take(KEY, 1, 60, 0);
        assert!(taken.is_over, "it gives nothing away either");
        assert_eq!(taken.reset_seconds, 60);
        assert!(!counters.take(KEY, 1, 60, 60_000).is_over);
    }

    #[test]
    fn a_pattern_fits_whole_segments() {
        let check = |pattern: &str, path: &str, expected: bool| {
            assert_eq!(fits(pattern, path), expected, "{pattern} {path}");
        };
        check("/api/v1/posts/{id}", "/api/v1/posts/7", true);
        check("/api/v1/posts/{id}", "/api/v1/posts/7/", true);
        check("/api/v1/posts/{id}", "/api/v1/posts", false);
        check("/api/v1/posts/{id}", "/api/v1/posts/7/comments", false);
        check("/api/v1/admin/*", "/api/v1/admin/users/7", true);
        check("/api/v1/admin/*", "/api/v1/posts", false);
        check("/api/v1/auth/login", "/api/v1/auth/logout", false);
    }
}
