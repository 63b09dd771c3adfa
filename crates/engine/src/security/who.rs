//! Who asks: from a bearer token, or from the console's cookie where no other site can have sent it.

use std::{
    cell::RefCell,
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::SocketAddr,
    sync::Arc,
};

use document::api::BuiltIn;
use http::{
    HeaderMap, HeaderValue, Method,
    header::{AUTHORIZATION, COOKIE, ORIGIN, WWW_AUTHENTICATE},
};
use jiff::Timestamp;
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use super::{
    accounts::Accounts,
    changes::Version,
    principal::{Principal, User},
    ring, rows, sessions,
    token::{self, Audience, Refusal},
};
use crate::{Problem, Running, problem::ProblemCode, service::Inner};

/// Verified tokens that are remembered.
const VERIFIED_MAX: u64 = 50_000;
/// Those of them that one thread has near.
const NEAR_MAX: usize = 256;

/// The row and the session of a remembered token are read again after so many seconds, also where
/// nothing is known to have changed: somebody may write the database past this process.
const LOOK_AGAIN_SECONDS: i64 = 10;

/// Name of the console's cookie where the connection is private already.
const COOKIE_LOCAL: &str = "vitruvius_session";
/// Its name over HTTPS: browsers take it from no sub-domain and over no plain connection.
const COOKIE_SECURE: &str = "__Host-vitruvius_session";

/// What of a request says who asks.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its path, without the query string.
    pub path: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Where the connection comes from.
    pub peer: SocketAddr,
    /// What is built in and asked for; limits on sign-ins count by it.
    pub built_in: Option<BuiltIn>,
    /// When it was asked.
    pub now: Timestamp,
}

/// A verified token and the user it stands for, as of a version.
#[derive(Clone)]
struct Known {
    user: Arc<User>,
    expires: i64,
    looked_at: i64,
    version: Version,
}

/// Verified tokens by their hash.
pub(super) struct Verified {
    known: Cache<[u8; 32], Known>,
    /// Goes into each hash: what one service knows means nothing to another.
    own: RandomState,
}

impl Default for Verified {
    fn default() -> Self {
        Self { known: Cache::new(VERIFIED_MAX), own: RandomState::new() }
    }
}

thread_local! {
    /// What this thread has used lately, in copies of its own: processors that share an entry hand
    /// it to each other with each use. It counts as much as what it was copied from.
    static NEAR: RefCell<HashMap<[u8; 32], Known>> = RefCell::default();
}

impl Verified {
    fn hash(&self, audience: Audience, token: &str) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.own.hash_one(()).to_be_bytes());
        hasher.update(audience.word());
        hasher.update(token);
        hasher.finalize().into()
    }

    /// The user of a token, where `counts` says that what is known of it still does.
    fn find(&self, hash: &[u8; 32], counts: impl Fn(&Known) -> bool) -> Option<Arc<User>> {
        let near = NEAR.with_borrow(|near| {
            near.get(hash).filter(|known| counts(known)).map(|known| Arc::clone(&known.user))
        });
        if near.is_some() {
            return near;
        }
        let known = self.known.get(hash).filter(counts)?;
        let user = Arc::new(User::clone(&known.user));
        NEAR.with_borrow_mut(|near| {
            if near.len() >= NEAR_MAX {
                near.clear();
            }
            near.insert(*hash, Known { user: Arc::clone(&user), ..known });
        });
        Some(user)
    }
}

/// Who asks.
///
/// # Errors
/// 401 where an identity is claimed and cannot be believed: never silently anonymous.
pub async fn who(
    inner: &Inner,
    running: &Running,
    asked: &Asked<'_>,
) -> Result<Principal, Problem> {
    if asked.headers.contains_key(AUTHORIZATION) {
        let token = bearer(asked.headers)
            .ok_or_else(|| refused("the Authorization header holds no bearer token"))?;
        return known(inner, running, token, Audience::Api, asked.now).await;
    }
    match cookie(asked.headers) {
        Some(token) if is_from_our_page(inner, asked) => {
            // A cookie that has run out is as good as none: the console asks to sign in again.
            match known(inner, running, token, Audience::Console, asked.now).await {
                Ok(principal) => Ok(principal),
                Err(problem) if problem.code.row().1 == http::StatusCode::UNAUTHORIZED => {
                    Ok(Principal::Anonymous)
                }
                Err(problem) => Err(problem),
            }
        }
        _ => Ok(Principal::Anonymous),
    }
}

/// The token of the one `Authorization: Bearer …` header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (only, None) = (all.next()?, all.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The console's cookie.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_LOCAL || *name == COOKIE_SECURE)
        .map(|(_, value)| value)
}

/// A browser sends the cookie by itself. It counts where our own page asks (the browser says so and
/// scripts cannot), or where one of the console's pages is merely looked at.
fn is_from_our_page(inner: &Inner, asked: &Asked<'_>) -> bool {
    let header = |name: &str| asked.headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = header("sec-fetch-site") {
        if site.eq_ignore_ascii_case("same-origin") {
            return true;
        }
    } else if let Some(origin) = header(ORIGIN.as_str()) {
        return is_own_origin(inner, asked.headers, origin);
    }
    let is_console = asked.path == "/" || asked.path.starts_with("/_/");
    is_console && (asked.method == Method::GET || asked.method == Method::HEAD)
}

/// True where an `Origin` names this service itself.
pub(super) fn is_own_origin(inner: &Inner, headers: &HeaderMap, origin: &str) -> bool {
    if let Some(url) = &inner.settings.public_url {
        return url.trim_end_matches('/').eq_ignore_ascii_case(origin);
    }
    let host = headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    let named = origin.split_once("://").map(|(_, host)| host);
    named.is_some() && named == host
}

/// The user that a token stands for, from memory where nothing has changed since.
async fn known(
    inner: &Inner,
    running: &Running,
    token: &str,
    audience: Audience,
    now: Timestamp,
) -> Result<Principal, Problem> {
    let now = now.as_second();
    let verified = &inner.security.verified;
    let hash = verified.hash(audience, token);
    let counts = |known: &Known| {
        let is_recent = (0..LOOK_AGAIN_SECONDS).contains(&(now - known.looked_at));
        let version = inner.security.changes.version(&known.user.subject);
        is_recent && version == known.version && now < known.expires
    };
    if let Some(user) = verified.find(&hash, counts) {
        return Ok(Principal::User(user));
    }
    // Boxed, so that a request whose token is remembered carries no room for it.
    match Box::pin(looked_up(inner, running, token, audience, now)).await {
        Ok(known) => {
            verified.known.insert(hash, known.clone());
            Ok(Principal::User(known.user))
        }
        Err(problem) => {
            verified.known.invalidate(&hash);
            Err(problem)
        }
    }
}

/// Verifies a token and reads its session and user.
async fn looked_up(
    inner: &Inner,
    running: &Running,
    token: &str,
    audience: Audience,
    now: i64,
) -> Result<Known, Problem> {
    let own = sessions::key(inner, running)?;
    let other = match token::key_id(token).filter(|id| *id != own.id && own.public.is_some()) {
        Some(id) => ring::find(inner, &id).await,
        None => None,
    };
    let key = other.as_deref().unwrap_or(own);
    let claims = match token::verify(key, sessions::issuer(inner), audience, token, now) {
        Ok(claims) => claims,
        Err(Refusal::Expired) => {
            return Err(Problem::new(ProblemCode::TokenExpired, "the access token has expired")
                .header(WWW_AUTHENTICATE, challenge("the access token has expired")));
        }
        Err(Refusal::Invalid) => return Err(refused("the access token is not valid")),
    };
    // The version comes first: what changes after this line is seen by the next request.
    let version = inner.security.changes.version(&claims.sub);
    let accounts = Accounts::of(&running.compiled.system);
    let account = accounts.by_subject(&inner.store, &claims.sub).await.map_err(rows::problem)?;
    let Some(account) = account.filter(|account| account.is_active) else {
        return Err(refused("the access token is not valid any more"));
    };
    let alive = sessions::is_alive(inner, &claims.sid, &account.user.id, audience).await;
    if !alive.map_err(rows::problem)? {
        return Err(refused("the access token is not valid any more"));
    }
    let user = Arc::new(User { session: claims.sid, ..account.user });
    Ok(Known { user, expires: claims.exp, looked_at: now, version })
}

fn refused(message: &'static str) -> Problem {
    Problem::new(ProblemCode::Unauthenticated, message).header(WWW_AUTHENTICATE, challenge(message))
}

/// What RFC 6750 wants beside a refused token. The words are ours, never the caller's.
fn challenge(message: &'static str) -> HeaderValue {
    HeaderValue::from_str(&format!(
        r#"Bearer error="invalid_token", error_description="{message}""#
    ))
    .unwrap_or_else(|_| HeaderValue::from_static("Bearer"))
}

/// Asks for an identity where one would help.
pub fn unauthenticated() -> Problem {
    Problem::new(ProblemCode::Unauthenticated, "sign in to do this")
        .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

/// The header that keeps a console session, or ends it where `token` is empty.
pub(super) fn set_cookie(is_secure: bool, token: &str, seconds: u64) -> HeaderValue {
    let name = if is_secure { COOKIE_SECURE } else { COOKIE_LOCAL };
    let secure = if is_secure { "; Secure" } else { "" };
    let text =
        format!("{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    let mut value =
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("invalid=1"));
    value.set_sensitive(true);
    value
}
