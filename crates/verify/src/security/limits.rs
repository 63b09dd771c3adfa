//! Request limits: the written number goes through, the next one does not and says when to come
//! again.

use document::security::{LimitScope, LimitSubject, RateLimit};

use crate::{About, Answer, Outcome, Request, Stage, people::Door};
use document::api::{BuiltIn, Method};

/// Larger limits are not tried out.
const REQUESTS_MAX: u32 = 1_200;
/// Requests to an account endpoint, each of which hashes a password, at most.
const ACCOUNT_REQUESTS_MAX: u32 = 60;

/// Tries every limit.
pub(super) async fn probe(stage: &Stage<'_>) {
    for limit in &stage.system().security.rate_limits {
        let about = About::span(&[], limit.span);
        let Some(requests) = limit.requests else { continue };
        let expected = format!("request {} of {} s is refused", requests + 1, limit.window_seconds);
        match why_not(stage, limit, requests) {
            Some(reason) => stage.book.skip(&about, expected, reason),
            None => trip(stage, limit, requests, &about).await,
        }
    }
}

/// Why a limit cannot be tried.
fn why_not(stage: &Stage<'_>, limit: &RateLimit, requests: u32) -> Option<String> {
    let is_account = limit.scope == LimitScope::Authentication;
    let most = if is_account { ACCOUNT_REQUESTS_MAX } else { REQUESTS_MAX };
    if requests > most {
        return Some(format!("{requests} requests are too many for a trial"));
    }
    if limit.subject == LimitSubject::Everyone {
        return Some("it counts everybody, so every other trial as well".to_owned());
    }
    let is_named = match &limit.scope {
        LimitScope::Role { name } => stage.people.of_role(name).next().is_some(),
        LimitScope::Endpoint { path, .. } => !path.contains(['{', '*']),
        _ => true,
    };
    if !is_named {
        return Some("nobody here is whom it is about".to_owned());
    }
    let needs_address = limit.subject == LimitSubject::Address;
    if needs_address && !stage.client.chooses_addresses() {
        return Some("requests cannot be sent from an address of their own".to_owned());
    }
    let all = &stage.system().security.rate_limits;
    let is_hidden = all.iter().any(|other| {
        let is_tighter = other.requests.is_some_and(|count| count < requests);
        let is_also_there = other.scope == limit.scope || other.scope == LimitScope::All;
        is_tighter && is_also_there && other.window_seconds >= limit.window_seconds
    });
    is_hidden.then(|| "a tighter limit trips first".to_owned())
}

async fn trip(stage: &Stage<'_>, limit: &RateLimit, requests: u32, about: &About) {
    let Some(request) = request(stage, limit).await else {
        stage.book.skip(about, "it trips at its number", "nobody could be made whom it is about");
        return;
    };
    let started = std::time::Instant::now();
    let mut last: Option<Answer> = None;
    // Meeting a new user takes one request of theirs, which a limit by user has counted.
    let is_by_user = limit.subject == LimitSubject::User
        && !matches!(limit.scope, LimitScope::Endpoint { .. } | LimitScope::Authentication);
    // Whoever gets another role after that is counted anew.
    let role_default = stage.system().security.role_default.as_deref();
    let is_promoted = matches!(&limit.scope, LimitScope::Role { name }
        if role_default.is_none_or(|role| !role.eq_ignore_ascii_case(name)));
    let met = u32::from(is_by_user && request.token.is_some() && !is_promoted);
    for _ in met..requests {
        let answer = stage.client.send(request.clone()).await;
        let is_limited = answer.is_limited();
        last = Some(answer);
        if is_limited {
            break;
        }
    }
    let Some(last) = last else { return };
    if started.elapsed().as_secs() + 1 >= u64::from(limit.window_seconds) {
        let reason = "its window ended before it could be filled";
        stage.book.skip(about, "it trips at its number", reason);
        return;
    }
    let through = if last.is_limited() { broken(&last) } else { Outcome::Held };
    stage.book.note(about, format!("{requests} requests go through"), through);
    if last.is_limited() {
        return;
    }
    let next = stage.client.send(request).await;
    let expected = format!("request {} is refused", requests + 1);
    let is_held = next.is_limited() && !is_locked(&next);
    stage.book.note(about, expected, if is_held { Outcome::Held } else { broken(&next) });
    let seconds = next.header("retry-after").and_then(|text| text.parse::<u64>().ok());
    let is_told = seconds.is_some_and(|seconds| seconds <= u64::from(limit.window_seconds));
    let told = if is_told { Outcome::Held } else { broken(&next) };
    stage.book.note(about, "a refusal says when to come again", told);
}

fn is_locked(answer: &Answer) -> bool {
    answer.text.contains("ACCOUNT_LOCKED")
}

fn broken(answer: &Answer) -> Outcome {
    Outcome::Broken { came: answer.came(), curl: answer.curl() }
}

/// The method by which the document serves a path.
fn method_at(stage: &Stage<'_>, path: &str) -> Option<Method> {
    let endpoints = &stage.system().api.endpoints;
    let declared = endpoints.iter().find(|one| one.path == path).map(|one| one.method);
    let built_in = [BuiltIn::Login, BuiltIn::Register, BuiltIn::Refresh, BuiltIn::ForgotPassword];
    let posted = || built_in.iter().any(|one| stage.paths().of_built_in(*one).1 == path);
    declared.or_else(|| posted().then_some(Method::Post))
}

/// A request that the limit counts, from an address and of a user of its own.
async fn request(stage: &Stage<'_>, limit: &RateLimit) -> Option<Request> {
    let address = stage.client.fresh_address();
    let door = Door { system: stage.system(), client: &stage.client, fixture: &stage.fixture };
    let admin = &stage.people.admin;
    let paths = stage.paths();
    let role_default = stage.system().security.role_default.as_deref();
    let (method, path) = match &limit.scope {
        LimitScope::Authentication => paths.of_built_in(BuiltIn::Refresh),
        LimitScope::Endpoint { method, path } => {
            let method = method.or_else(|| method_at(stage, path)).unwrap_or(Method::Get);
            (method.word(), path.clone())
        }
        _ => paths.of_built_in(BuiltIn::Me),
    };
    let mut request = Request::new(method, path).from(address).unwaiting();
    if method != "GET" {
        request = request.json(serde_json::json!({}));
    }
    let role = match &limit.scope {
        LimitScope::Role { name } => Some(name.as_str()),
        _ => role_default,
    };
    let is_somebody = matches!(limit.scope, LimitScope::Role { .. } | LimitScope::Authenticated)
        || limit.subject == LimitSubject::User;
    if is_somebody {
        let account = door.user(admin, role).await.ok()?;
        request = request.token(Some(account.token));
    }
    Some(request)
}
