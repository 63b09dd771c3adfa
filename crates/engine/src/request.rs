//! A request becomes an answer: seven steps, one function.

use std::{net::SocketAddr, sync::Arc};

use axum::{body::Body, response::Response};
use http::{StatusCode, request::Parts};

use crate::service::Inner;

/// Answers a request to the document's endpoints.
pub async fn answer(
    _inner: &Arc<Inner>,
    _parts: Parts,
    _body: Body,
    _peer: SocketAddr,
) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
