//! Requests from pages of other origins: none unless the document names the origin. An origin is
//! compared whole, never by a part of it, and never given back without comparing.

use std::collections::BTreeMap;

use document::security::Cors;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::{
    Running, Settings,
    sabotage::{self, Sabotage},
};

/// What pages may send.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
/// Which headers they may set.
const HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Accept, If-Match, If-None-Match, Idempotency-Key, X-Request-Id, \
     traceparent, tracestate",
);
/// Which headers their scripts may read.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, Location, Link, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, \
     X-Request-Id",
);
/// Browsers ask again after so many seconds.
const AGE: HeaderValue = HeaderValue::from_static("600");

/// What an answer says to pages of other origins.
pub(super) fn headers(
    settings: &Settings,
    running: &Running,
    origin: Option<&HeaderValue>,
) -> Vec<(HeaderName, HeaderValue)> {
    let cors = &running.compiled.system.security.cors;
    if cors.origins.is_empty() && !sabotage::is(Sabotage::CorsWidened) {
        return Vec::new();
    }
    let mut headers = vec![(header::VARY, HeaderValue::from_static("Origin"))];
    let Some(origin) = origin else { return headers };
    let Some((allowed, is_named)) = allowed(cors, &settings.variables, origin) else {
        return headers;
    };
    headers.push((header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed));
    headers.push((header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED));
    if (cors.credentials && is_named) || sabotage::is(Sabotage::CorsCredentials) {
        let yes = HeaderValue::from_static("true");
        headers.push((header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes));
    }
    headers
}

/// True for the question that a browser asks before a page's request.
pub(super) fn is_preflight(method: &Method, request: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && request.contains_key(header::ORIGIN)
        && request.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The further headers that answer this question.
pub(super) fn preflight(
    settings: &Settings,
    running: &Running,
    origin: Option<&HeaderValue>,
) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = headers(settings, running, origin);
    let is_allowed = headers.iter().any(|(name, _)| *name == header::ACCESS_CONTROL_ALLOW_ORIGIN);
    headers.retain(|(name, _)| *name != header::ACCESS_CONTROL_EXPOSE_HEADERS);
    if is_allowed {
        headers.push((header::ACCESS_CONTROL_ALLOW_METHODS, METHODS));
        headers.push((header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS));
        headers.push((header::ACCESS_CONTROL_MAX_AGE, AGE));
    }
    headers
}

/// What allows an origin: the origin itself where it is named, else `*` where all are.
fn allowed(
    cors: &Cors,
    variables: &BTreeMap<String, String>,
    origin: &HeaderValue,
) -> Option<(HeaderValue, bool)> {
    let sent = origin.to_str().ok()?;
    if sabotage::is(Sabotage::CorsWidened) {
        return Some((origin.clone(), true));
    }
    if sabotage::is(Sabotage::CorsClosed) {
        return None;
    }
    // `null` is what sandboxed and local pages of anybody send: it names nobody.
    let is_somebody = sent != "null";
    let written = cors.origins.iter().flat_map(|written| from_variables(variables, written));
    let mut is_open = false;
    for written in written {
        if written == "*" {
            is_open = true;
        } else if is_somebody && is_same(written, sent) {
            return Some((origin.clone(), true));
        }
    }
    is_open.then(|| (HeaderValue::from_static("*"), false))
}

/// A name of a variable stands for what the variable holds.
fn from_variables<'a>(
    variables: &'a BTreeMap<String, String>,
    written: &'a str,
) -> impl Iterator<Item = &'a str> {
    let name = written.trim_start_matches("${").trim_start_matches('$').trim_end_matches('}');
    let text = variables.get(name).map_or(written, String::as_str);
    text.split(',').map(str::trim).filter(|origin| !origin.is_empty())
}

fn is_same(written: &str, sent: &str) -> bool {
    let written = written.trim_end_matches('/');
    if written.contains("://") {
        written.eq_ignore_ascii_case(sent)
    } else {
        // Without a scheme only the safe one can be meant.
        sent.strip_prefix("https://").is_some_and(|host| written.eq_ignore_ascii_case(host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(origins: &[&str], sent: &str, expected: Option<&str>) {
        let cors = Cors {
            origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            credentials: true,
            span: None,
        };
        let variables =
            BTreeMap::from([("WEB_ORIGIN".to_owned(), "https://web.example.org".to_owned())]);
        let sent = HeaderValue::from_str(sent).expect("a value");
        let found = allowed(&cors, &variables, &sent).map(|(origin, _)| origin);
        let found = found.as_ref().and_then(|origin| origin.to_str().ok());
        assert_eq!(found, expected, "{origins:?} {sent:?}");
    }

    #[test]
    fn only_a_named_origin_is_let_in() {
        let named = &["https://app.example.org"];
        check(named, "https://app.example.org", Some("https://app.example.org"));
        for other in [
            "https://app.example.org.evil.example",
            "https://evil.example",
            "https://evilapp.example.org",
            "http://app.example.org",
            "https://app.example.org:8443",
            "https://app.example.org/",
            "null",
            "",
        ] {
            check(named, other, None);
        }
        check(&[], "https://app.example.org", None);
        check(&["null"], "null", None);
    }

    #[test]
    fn a_star_lets_all_in_and_names_nobody() {
        check(&["*"], "https://any.example", Some("*"));
        check(&["*"], "null", Some("*"));
    }

    #[test]
    fn an_origin_may_stand_in_a_variable_or_without_its_scheme() {
        check(&["WEB_ORIGIN"], "https://web.example.org", Some("https://web.example.org"));
        check(&["${WEB_ORIGIN}"], "https://web.example.org", Some("https://web.example.org"));
        check(&["web.example.org"], "https://web.example.org", Some("https://web.example.org"));
        check(&["web.example.org"], "http://web.example.org", None);
    }
}
