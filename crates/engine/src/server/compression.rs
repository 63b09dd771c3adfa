//! Compression of larger bodies, where the client asks for it. Small answers and event streams go
//! out as they are.

use std::convert::Infallible;

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderValue, Request, header};
use hyper::body::Body as _;
use tower::ServiceExt;
use tower_http::{
    CompressionLevel,
    compression::{
        Compression, Predicate,
        predicate::{NotForContentType, SizeAbove},
    },
};

/// What the client accepts; nothing where it names no encoding that we have.
pub(super) struct Wishes(Option<HeaderValue>);

impl Wishes {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT_ENCODING);
        let names_ours = accept
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("gzip") || accept.contains("br"));
        Self(accept.filter(|_| names_ours).cloned())
    }
}

/// Compresses a body of at least `bytes_min` bytes in the encoding that the client likes best.
pub(super) async fn compress(response: Response, wishes: Wishes, bytes_min: u64) -> Response {
    let Some(accept) = wishes.0 else { return response };
    if response.body().size_hint().upper().is_some_and(|size| size < bytes_min) {
        return response;
    }
    let mut question = Request::new(Body::empty());
    question.headers_mut().insert(header::ACCEPT_ENCODING, accept);
    let mut response = Some(response);
    let answer = tower::service_fn(move |_: Request<Body>| {
        std::future::ready(Ok::<_, Infallible>(response.take().unwrap_or_default()))
    });
    let predicate = SizeAbove::new(bytes_min)
        .and(NotForContentType::SSE)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::const_new("application/octet-stream"));
    let compression = Compression::new(answer)
        // What is made for each request is compressed once: time counts more than the last bytes.
        .quality(CompressionLevel::Fastest)
        .compress_when(predicate);
    match compression.oneshot(question).await {
        Ok(compressed) => compressed.map(Body::new),
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(accept: &str, content: &str, size: usize, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, accept.parse().expect("a header value"));
        let response = http::Response::builder()
            .header(header::CONTENT_TYPE, content)
            .body(Body::from(vec![b'x'; size]))
            .expect("a response");
        let response = compress(response, Wishes::of(&headers), 1024).await;
        let encoding = response.headers().get(header::CONTENT_ENCODING);
        assert_eq!(
            encoding.map(|value| value.to_str().expect("ASCII")),
            expected,
            "{accept} {content} {size}"
        );
        let varies = response.headers().contains_key(header::VARY);
        assert_eq!(varies, expected.is_some());
    }

    #[tokio::test]
    async fn large_bodies_are_compressed_as_the_client_likes() {
        check("gzip", "application/json", 5000, Some("gzip")).await;
        check("gzip, br", "application/json", 5000, Some("br")).await;
        check("identity", "application/json", 5000, None).await;
    }

    #[tokio::test]
    async fn small_bodies_and_event_streams_are_not_compressed() {
        check("gzip, br", "application/json", 500, None).await;
        check("gzip, br", "text/event-stream", 5000, None).await;
    }
}
