//! Problems: every refusal that a caller can see, with code, status and words, in one table. What
//! is not the caller's doing is a fault: logged once with an id, and the caller gets the id.

use http::StatusCode;

use crate::sabotage::{self, Sabotage};

/// A kind of problem. Codes are words that clients match on; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the table below says what each is")]
pub enum ProblemCode {
    ValidationError,
    MalformedRequest,
    Unauthenticated,
    InvalidCredentials,
    TokenExpired,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    Conflict,
    TransitionRefused,
    PreconditionFailed,
    PreconditionRequired,
    PayloadTooLarge,
    UriTooLong,
    UnsupportedMediaType,
    IdempotencyMismatch,
    AccountLocked,
    RateLimited,
    Timeout,
    NotImplemented,
    Unavailable,
    Fault,
}

impl ProblemCode {
    /// The word in the body and the HTTP status.
    pub fn row(self) -> (&'static str, StatusCode) {
        use ProblemCode as P;
        match self {
            P::ValidationError if sabotage::is(Sabotage::InvalidSaysUnprocessable) => {
                ("VALIDATION_ERROR", StatusCode::UNPROCESSABLE_ENTITY)
            }
            P::ValidationError => ("VALIDATION_ERROR", StatusCode::BAD_REQUEST),
            P::MalformedRequest => ("MALFORMED_REQUEST", StatusCode::BAD_REQUEST),
            P::Unauthenticated => ("UNAUTHENTICATED", StatusCode::UNAUTHORIZED),
            P::InvalidCredentials => ("INVALID_CREDENTIALS", StatusCode::UNAUTHORIZED),
            P::TokenExpired => ("TOKEN_EXPIRED", StatusCode::UNAUTHORIZED),
            P::Forbidden => ("FORBIDDEN", StatusCode::FORBIDDEN),
            P::NotFound => ("NOT_FOUND", StatusCode::NOT_FOUND),
            P::MethodNotAllowed => ("METHOD_NOT_ALLOWED", StatusCode::METHOD_NOT_ALLOWED),
            P::NotAcceptable => ("NOT_ACCEPTABLE", StatusCode::NOT_ACCEPTABLE),
            P::Conflict if sabotage::is(Sabotage::ConflictSaysBadRequest) => {
                ("CONFLICT", StatusCode::BAD_REQUEST)
            }
            P::Conflict => ("CONFLICT", StatusCode::CONFLICT),
            P::TransitionRefused => ("TRANSITION_REFUSED", StatusCode::CONFLICT),
            P::PreconditionFailed => ("PRECONDITION_FAILED", StatusCode::PRECONDITION_FAILED),
            P::PreconditionRequired => ("PRECONDITION_REQUIRED", StatusCode::PRECONDITION_REQUIRED),
            P::PayloadTooLarge => ("PAYLOAD_TOO_LARGE", StatusCode::PAYLOAD_TOO_LARGE),
            P::UriTooLong => ("URI_TOO_LONG", StatusCode::URI_TOO_LONG),
            P::UnsupportedMediaType => {
                ("UNSUPPORTED_MEDIA_TYPE", StatusCode::UNSUPPORTED_MEDIA_TYPE)
            }
            P::IdempotencyMismatch => ("IDEMPOTENCY_MISMATCH", StatusCode::UNPROCESSABLE_ENTITY),
            P::AccountLocked => ("ACCOUNT_LOCKED", StatusCode::TOO_MANY_REQUESTS),
            P::RateLimited => ("RATE_LIMITED", StatusCode::TOO_MANY_REQUESTS),
            P::Timeout => ("TIMEOUT", StatusCode::GATEWAY_TIMEOUT),
            P::NotImplemented => ("NOT_IMPLEMENTED", StatusCode::NOT_IMPLEMENTED),
            P::Unavailable => ("UNAVAILABLE", StatusCode::SERVICE_UNAVAILABLE),
            P::Fault => ("INTERNAL_ERROR", StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

/// One detail of a problem, usually about one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// The field, as the client spells it.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// A refusal.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Its kind.
    pub code: ProblemCode,
    /// One sentence for people.
    pub message: String,
    /// Field by field.
    pub details: Vec<Detail>,
    /// Further headers, such as `Retry-After` or `Allow`.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
}

impl Problem {
    /// A problem in words.
    pub fn new(code: ProblemCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: Vec::new(), headers: Vec::new() }
    }

    /// Adds a detail.
    #[must_use]
    pub fn detail(mut self, field: impl Into<String>, message: impl Into<String>) -> Self {
        self.details.push(Detail { field: field.into(), message: message.into() });
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: http::HeaderName, value: http::HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Nothing there, or nothing that the caller may see: the same words for both.
    pub fn not_found() -> Self {
        let code = match sabotage::is(Sabotage::HiddenRowForbidden) {
            true => ProblemCode::Forbidden,
            false => ProblemCode::NotFound,
        };
        Self::new(code, "there is nothing here that you may see")
    }
}
