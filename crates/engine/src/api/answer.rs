//! What came of a request, before it is written as HTTP.

use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode};
use store::query::Rows;

use crate::{data::Page, observability::EndpointEvidence};

/// What came of a request.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// Further headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub content: Content,
}

/// What else an answer tells, whatever came of the request.
#[derive(Default)]
pub(crate) struct Told<'r> {
    /// Where the answer is counted.
    pub(crate) evidence: Option<&'r EndpointEvidence>,
    /// What is left of the caller's limits.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

/// The body of an answer.
pub enum Content {
    /// None.
    Empty,
    /// One row, to be wrapped as the document shows.
    Item(Rows),
    /// A page of rows, to be wrapped as the document shows.
    #[allow(private_interfaces, reason = "pages are made by the data chapter alone")]
    List(Box<Page>),
    /// One JSON value, to be wrapped like a row.
    Json(serde_json::Value),
    /// One JSON value as it is.
    Whole(serde_json::Value),
    /// A response as it is.
    Made(Response),
}

impl Answer {
    /// An answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), content: Content::Empty }
    }

    /// One JSON value, wrapped as the document shows.
    pub fn json(status: StatusCode, value: serde_json::Value) -> Self {
        Self { status, headers: Vec::new(), content: Content::Json(value) }
    }

    /// One JSON value as it is.
    pub fn whole(status: StatusCode, value: serde_json::Value) -> Self {
        Self { status, headers: Vec::new(), content: Content::Whole(value) }
    }

    /// Adds a header; one that cannot be written is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl TryInto<HeaderValue>) -> Self {
        if let Ok(value) = value.try_into() {
            self.headers.push((name, value));
        }
        self
    }
}
