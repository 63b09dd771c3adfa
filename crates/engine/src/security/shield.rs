//! What every answer carries to protect its reader, and the limits on every request's size and time.

use document::{System, setting::SettingValue};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::{cors, who::Asked};
use crate::{
    Running, Settings,
    sabotage::{self, Sabotage},
    service::Inner,
};

/// Nothing that an API answers is a page: it may load nothing and stand in no frame.
const CONTENT_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// Two years over HTTPS only.
const TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// Headers of an answer, about.
const HEADERS_EXPECTED: usize = 20;

/// What protects the reader of any answer to the document's endpoints.
pub(crate) fn protection(system: &System, settings: &Settings) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(HEADERS_EXPECTED);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY);
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    let is_open = system.security.cors.origins.iter().any(|one| one == "*");
    let resource = if is_open { "cross-origin" } else { "same-origin" };
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static(resource));
    // What one caller may see is not another's: only the caller's own cache may keep it, and asks.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if is_https(settings) {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, TRANSPORT);
    }
    headers
}

/// Puts on an answer what protects its reader. What is there already stays: pages bring their own
/// content policy.
/// `origin` is the request's `Origin` header; `began_protected` where the answer's headers began as a
/// copy of [`Running::protection`].
pub(crate) fn protect(
    inner: &Inner,
    running: &Running,
    origin: Option<&HeaderValue>,
    response: &mut HeaderMap,
    began_protected: bool,
) {
    for (name, value) in cors::headers(&inner.settings, running, origin) {
        if name == header::VARY {
            response.append(name, value);
        } else {
            response.insert(name, value);
        }
    }
    if !began_protected {
        for (name, value) in &running.protection {
            response.entry(name).or_insert_with(|| value.clone());
        }
    }
    response.remove(header::SERVER);
    let forgotten = match () {
        () if sabotage::is(Sabotage::ForgetNosniff) => "x-content-type-options",
        () if sabotage::is(Sabotage::ForgetFrameOptions) => "x-frame-options",
        () if sabotage::is(Sabotage::ForgetReferrerPolicy) => "referrer-policy",
        () if sabotage::is(Sabotage::ForgetContentPolicy) => "content-security-policy",
        () if sabotage::is(Sabotage::ForgetOpenerPolicy) => "cross-origin-opener-policy",
        () if sabotage::is(Sabotage::ForgetResourcePolicy) => "cross-origin-resource-policy",
        () if sabotage::is(Sabotage::ForgetCacheControl) => "cache-control",
        () if sabotage::is(Sabotage::ForgetTransportSecurity) => "strict-transport-security",
        () => return,
    };
    response.remove(forgotten);
}

/// True where clients reach the service over HTTPS only, as the operator says.
pub(super) fn is_https(settings: &Settings) -> bool {
    settings.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
}

/// The answer to what a browser asks before a page of another origin may send its request; none
/// where this is no such question.
pub fn preflight(
    inner: &Inner,
    running: &Running,
    asked: &Asked<'_>,
) -> Option<http::Response<axum::body::Body>> {
    if asked.method != Method::OPTIONS || !cors::is_preflight(asked.method, asked.headers) {
        return None;
    }
    let mut response = http::Response::new(axum::body::Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(
        header::VARY,
        HeaderValue::from_static("Access-Control-Request-Method, Access-Control-Request-Headers"),
    );
    for (name, value) in
        cors::preflight(&inner.settings, running, asked.headers.get(header::ORIGIN))
    {
        if name == header::VARY {
            headers.append(name, value);
        } else {
            headers.insert(name, value);
        }
    }
    Some(response)
}

/// Limits on one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimits {
    /// Largest body, in bytes.
    pub body_bytes_max: usize,
    /// Longest time to the answer, in milliseconds.
    pub request_ms_max: u64,
}

/// No document raises the limit on bodies beyond this many bytes: they are held in memory.
const BODY_BYTES_CEILING: u64 = 64 * 1024 * 1024;
/// No document makes a request last longer than this many seconds.
const REQUEST_SECONDS_CEILING: f64 = 600.0;

/// The limits that the document states, within bounds; else the operator's.
pub fn limits_of(system: &System, settings: &Settings) -> RequestLimits {
    let mut limits = RequestLimits {
        body_bytes_max: settings.body_bytes_max,
        request_ms_max: settings.request_ms_max,
    };
    // A setting about one endpoint, service or environment is not about every request.
    for setting in system.settings.iter().filter(|setting| setting.subject.is_none()) {
        match (setting.key, &setting.value) {
            ("api.body_bytes_max", SettingValue::Bytes(bytes)) if *bytes > 0 => {
                let bytes = (*bytes).min(BODY_BYTES_CEILING);
                limits.body_bytes_max = usize::try_from(bytes).unwrap_or(usize::MAX);
            }
            ("api.timeout_seconds", SettingValue::Seconds(seconds)) if *seconds > 0.0 => {
                let milliseconds = (seconds.min(REQUEST_SECONDS_CEILING) * 1000.0).ceil();
                // Between 1 and 600,000: no cast can go wrong.
                limits.request_ms_max = milliseconds as u64;
            }
            _ => {}
        }
    }
    if sabotage::is(Sabotage::BodyLimitForgotten) {
        limits.body_bytes_max *= 16;
    }
    limits
}

#[cfg(test)]
mod tests {
    use document::{Chapter, Enforcement, Span, setting::Setting};

    use super::*;

    fn check(value: SettingValue, subject: Option<&str>, expected: (usize, u64)) {
        let key = match value {
            SettingValue::Bytes(_) => "api.body_bytes_max",
            _ => "api.timeout_seconds",
        };
        let mut system = System::default();
        system.settings.push(Setting {
            key,
            chapter: Chapter::Api,
            value,
            subject: subject.map(str::to_owned),
            enforcement: Enforcement::Enforced,
            span: Span::default(),
        });
        let limits = limits_of(&system, &Settings::new("data"));
        assert_eq!((limits.body_bytes_max, limits.request_ms_max), expected);
    }

    #[test]
    fn the_documents_limits_count_within_bounds() {
        let (bytes, ms) = (1024 * 1024, 30_000);
        check(SettingValue::Bytes(5_000), None, (5_000, ms));
        check(SettingValue::Bytes(5_000), Some("upload"), (bytes, ms));
        check(SettingValue::Bytes(0), None, (bytes, ms));
        check(SettingValue::Bytes(u64::MAX), None, (64 * 1024 * 1024, ms));
        check(SettingValue::Seconds(0.25), None, (bytes, 250));
        check(SettingValue::Seconds(f64::NAN), None, (bytes, ms));
        check(SettingValue::Seconds(f64::INFINITY), None, (bytes, 600_000));
        check(SettingValue::Seconds(-1.0), None, (bytes, ms));
    }
}
