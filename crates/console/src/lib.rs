//! How a running document is shown: the living page is the document itself, with the evidence of
//! the running system beside each claim. [`Console`] is the site map.

mod body;
pub mod diagram;
mod evidence;
mod live;
mod mark;
mod page;
mod proofs;
mod served;

use axum::response::{IntoResponse, Response};
use engine::pages::{Pages, Visit};
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use maud::{Markup, html};

use crate::{live::Streams, page::View};

/// What pages may load: only what the service itself sends, and no script that is written inline.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The pages of a running document.
#[derive(Default)]
pub struct Console {
    streams: Streams,
}

impl Console {
    /// Pages to mount with [`engine::Service::mount`].
    pub fn new() -> Self {
        Self::default()
    }
}

impl Pages for Console {
    fn answer(&self, visit: Visit) -> BoxFuture<'_, Option<Response>> {
        Box::pin(async move { self.route(visit) })
    }
}

impl Console {
    /// The site map.
    fn route(&self, visit: Visit) -> Option<Response> {
        let is_read = matches!(visit.parts.method, Method::GET | Method::HEAD);
        if !is_read {
            return None;
        }
        match visit.path() {
            "/_/page.css" => {
                Some(asset("text/css; charset=utf-8", include_str!("assets/page.css")))
            }
            "/_/page.js" => {
                Some(asset("text/javascript; charset=utf-8", include_str!("assets/page.js")))
            }
            "/" if may_see(&visit) => Some(living_page(&visit)),
            "/_/live" if may_see(&visit) => {
                Some(live::answer(&self.streams, visit.service, visit.running))
            }
            "/" => Some(gate()),
            "/_/live" => Some(StatusCode::FORBIDDEN.into_response()),
            _ => None,
        }
    }
}

/// The page shows the architecture and what is going on: it is the admin's, or that of whoever sits
/// at the machine itself during development.
fn may_see(visit: &Visit) -> bool {
    visit.is_local() || visit.principal.is_admin()
}

fn living_page(visit: &Visit) -> Response {
    let refused = visit.service.inner.refused.load_full();
    let view = View {
        running: &visit.running,
        settings: &visit.service.inner.settings,
        refused: refused.as_deref(),
        shared: visit.service.inner.shared.seen(&visit.service.inner.store),
    };
    html_page(StatusCode::OK, &page::page(&view))
}

/// What everybody else sees: that there is a service, and where the admin signs in.
fn gate() -> Response {
    let inner = html! {
        main.gate {
            h1 { "This service runs" }
            p { "Its document is shown to its administrator." }
            p { a href="/_/login" { "Sign in" } }
        }
    };
    html_page(StatusCode::UNAUTHORIZED, &page::shell("Vitruvius", false, inner))
}

fn html_page(status: StatusCode, markup: &Markup) -> Response {
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
    ];
    (status, headers, markup.0.clone()).into_response()
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], text).into_response()
}
