//! From HTTP to a call: the body within its limit, the query string, the headers that matter.

use axum::{BoxError, body::Body};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, Limited};
use hyper::body::Body as _;

use super::{Answer, Found};
use crate::{
    Problem, Running,
    data::Call,
    problem::ProblemCode,
    sabotage::{self, Sabotage},
    service::Inner,
};

/// Pairs of one query string at most.
const PAIRS_MAX: usize = 100;

/// The body's bytes, where the method has one.
///
/// # Errors
/// 413 where it is too long, 415 where it is no JSON.
pub(crate) async fn body(running: &Running, parts: &Parts, body: Body) -> Result<Bytes, Problem> {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(Bytes::new());
    }
    let bytes_max = running.limits.body_bytes_max;
    let bytes = whole(body, bytes_max).await.map_err(|_| {
        Problem::new(
            ProblemCode::PayloadTooLarge,
            format!("the body is longer than {bytes_max} bytes, or broke off"),
        )
    })?;
    let is_any = sabotage::is(Sabotage::AnyContentType);
    if !bytes.is_empty() && !is_json(&parts.headers) && !is_any {
        return Err(Problem::new(
            ProblemCode::UnsupportedMediaType,
            "bodies are application/json here",
        ));
    }
    Ok(bytes)
}

/// All bytes of a body. Most come in one piece, which is taken as it is.
async fn whole(body: Body, bytes_max: usize) -> Result<Bytes, BoxError> {
    let mut body = Limited::new(body, bytes_max);
    let Some(frame) = body.frame().await else { return Ok(Bytes::new()) };
    // What is no data follows it, and nobody asks for it.
    let first = frame?.into_data().unwrap_or_default();
    if body.is_end_stream() {
        return Ok(first);
    }
    let rest = body.collect().await?.to_bytes();
    Ok(if rest.is_empty() { first } else { [first, rest].concat().into() })
}

/// True for JSON, and where nothing is said.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let Ok(value) = value.to_str() else { return false };
    let kind = value.split(';').next().unwrap_or("").trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return true;
    }
    let kind = kind.to_ascii_lowercase();
    kind.starts_with("application/") && kind.ends_with("+json")
}

/// The call of a request.
///
/// # Errors
/// 414 where the query string is too long, 400 where it is no text.
pub(crate) fn call<'a>(
    inner: &Inner,
    parts: &Parts,
    found: Found<'a>,
    body: &'a [u8],
) -> Result<Call<'a>, Problem> {
    let query = match parts.uri.query() {
        None | Some("") => Vec::new(),
        Some(text) => pairs(text, inner.settings.query_bytes_max)?,
    };
    Ok(Call { found, query, body, if_match: text(&parts.headers, header::IF_MATCH) })
}

/// A header's text.
pub(crate) fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Decoded pairs of a query string.
pub(crate) fn pairs(text: &str, bytes_max: usize) -> Result<Vec<(String, String)>, Problem> {
    if text.len() > bytes_max {
        return Err(Problem::new(
            ProblemCode::UriTooLong,
            format!("the query string is longer than {bytes_max} bytes"),
        ));
    }
    let malformed = |words: &str| Problem::new(ProblemCode::MalformedRequest, words);
    let mut pairs = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |part: &str| {
            let spaced = part.replace('+', " ");
            percent_encoding::percent_decode_str(&spaced)
                .decode_utf8()
                .ok()
                .filter(|text| !text.contains('\0'))
                .map(|text| text.into_owned())
        };
        let (Some(name), Some(value)) = (decode(name), decode(value)) else {
            return Err(malformed("the query string is not UTF-8 text"));
        };
        if pairs.len() == PAIRS_MAX {
            return Err(malformed("the query string has too many parameters"));
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

/// What a path can do.
///
/// # Errors
/// 404 for an unknown path.
pub(crate) fn options(running: &Running, path: &str) -> Result<Answer, Problem> {
    match running.router.allowed(path) {
        Some(allow) => Ok(Answer::empty(StatusCode::NO_CONTENT).header(header::ALLOW, allow)),
        None => Err(Problem::new(ProblemCode::NotFound, "there is nothing at this path")),
    }
}
