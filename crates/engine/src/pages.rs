//! Pages: whatever shows the running document to people. The engine knows only that something may
//! answer at `/` and below `/_/`; what it looks like is the console's business.

use std::{net::SocketAddr, sync::Arc};

use axum::response::Response;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, header, request::Parts};

use crate::{Principal, Running, Service, Settings};

/// A request for a page: who asks, from where, for what, and of which version of the document.
pub struct Visit {
    /// The service, for evidence, the store and news of new versions; cheap to clone into a stream.
    pub service: Service,
    /// The version that was served when the request came in.
    pub running: Arc<Running>,
    /// Who asks.
    pub principal: Principal,
    /// Where the connection comes from.
    pub peer: SocketAddr,
    /// Method, address and headers.
    pub parts: Parts,
    /// The whole body, at most [`Settings::body_bytes_max`].
    pub body: Bytes,
}

impl Visit {
    /// True for somebody at the machine itself; see [`is_local`].
    pub fn is_local(&self) -> bool {
        is_local(&self.service.inner.settings, self.peer, &self.parts.headers)
    }

    /// The path without the query string.
    pub fn path(&self) -> &str {
        self.parts.uri.path()
    }
}

/// Answers requests at `/` and below `/_/`. Bodies may be streams: pages push without reload.
pub trait Pages: Send + Sync + 'static {
    /// The page, or nothing where there is none: the request then goes on to the API.
    fn answer(&self, visit: Visit) -> BoxFuture<'_, Option<Response>>;
}

/// True where whoever asks sits at the machine itself: the service listens on loopback only, the
/// connection comes from loopback, no proxy stands between, and the request names a loopback host
/// (a page of somebody else's name that resolves to 127.0.0.1 is not local).
pub fn is_local(settings: &Settings, peer: SocketAddr, headers: &HeaderMap) -> bool {
    let forwarded = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];
    settings.listen.ip().is_loopback()
        && peer.ip().is_loopback()
        && settings.trusted_proxies.is_empty()
        && forwarded.iter().all(|name| !headers.contains_key(*name))
        && headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .is_none_or(is_loopback_host)
}

/// True for `localhost`, `127.x.y.z` and `[::1]`, with or without a port.
fn is_loopback_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(""),
        None => host.split(':').next().unwrap_or(""),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(peer: &str, header: Option<(&'static str, &str)>, expected: bool) {
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            headers.insert(name, value.parse().expect("a header value"));
        }
        let settings = Settings::new("data");
        let peer = peer.parse().expect("an address");
        assert_eq!(is_local(&settings, peer, &headers), expected, "{peer} {header:?}");
    }

    #[test]
    fn only_the_machine_itself_is_local() {
        check("127.0.0.1:5000", Some(("host", "localhost:8080")), true);
        check("127.0.0.1:5000", Some(("host", "127.0.0.1:8080")), true);
        check("[::1]:5000", Some(("host", "[::1]:8080")), true);
        check("10.0.0.9:5000", Some(("host", "localhost:8080")), false);
    }

    #[test]
    fn a_foreign_name_that_resolves_to_loopback_is_not_local() {
        check("127.0.0.1:5000", Some(("host", "evil.example")), false);
        check("127.0.0.1:5000", Some(("host", "127.0.0.1.evil.example")), false);
    }

    #[test]
    fn what_came_through_a_proxy_is_not_local() {
        check("127.0.0.1:5000", Some(("x-forwarded-for", "127.0.0.1")), false);
        check("127.0.0.1:5000", Some(("forwarded", "for=127.0.0.1")), false);
    }
}
