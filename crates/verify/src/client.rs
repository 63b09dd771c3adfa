//! The HTTP client of all probes: every request can be shown as a `curl` line, few are in flight
//! at a time, and limits are respected. On the machine itself requests come from many loopback
//! addresses, so that limits by address do not stand in the way of what is not about them.

use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::header::HeaderMap;
use serde_json::Value as Json;
use tokio::sync::Semaphore;

/// Requests in flight at a time.
const IN_FLIGHT_MAX: usize = 12;
/// Requests from one loopback address before the next is taken.
const ADDRESS_REQUESTS_MAX: u32 = 20;
/// Longest wait for one answer.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// Longest wait that a limit may ask for.
const LIMIT_WAIT_MAX: Duration = Duration::from_secs(65);
/// Times that a limited request is sent from another address.
const ADDRESSES_MAX: u32 = 3;
/// Times that a request is sent again which the system was too busy for.
const BUSY_MAX: u32 = 40;
/// Wait before that.
const BUSY_WAIT: Duration = Duration::from_millis(400);
/// Bytes of a body that are shown.
const CAME_BYTES_MAX: usize = 400;

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method in upper case.
    pub method: &'static str,
    /// Path and query, escaped.
    pub path: String,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// A JSON body.
    pub body: Option<Json>,
    /// A body of another type instead: the type and the text.
    pub raw: Option<(&'static str, String)>,
    /// The bearer's token.
    pub token: Option<Arc<str>>,
    /// The loopback address it must come from; any where none.
    pub from: Option<Ipv4Addr>,
    /// False to take an answer of 429 as it is.
    pub waits: bool,
}

impl Request {
    /// A request without a body.
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: Vec::new(),
            body: None,
            raw: None,
            token: None,
            from: None,
            waits: true,
        }
    }

    /// A `GET`.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    /// A `POST` of JSON.
    pub fn post(path: impl Into<String>, body: Json) -> Self {
        Self::new("POST", path).json(body)
    }

    /// Adds a JSON body.
    #[must_use]
    pub fn json(mut self, body: Json) -> Self {
        self.body = Some(body);
        self
    }

    /// Adds a form's members as the body.
    #[must_use]
    pub fn form(self, members: &serde_json::Map<String, Json>) -> Self {
        let pairs = members.iter().map(|(name, value)| (name, crate::shape::text(value)));
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.raw("application/x-www-form-urlencoded", form)
    }

    /// Adds a body of any type.
    #[must_use]
    pub fn raw(mut self, content_type: &'static str, text: impl Into<String>) -> Self {
        self.raw = Some((content_type, text.into()));
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sends it with this token, or without any.
    #[must_use]
    pub fn token(mut self, token: Option<Arc<str>>) -> Self {
        self.token = token;
        self
    }

    /// Sends it from this loopback address, where the target is on the machine itself.
    #[must_use]
    pub fn from(mut self, address: Ipv4Addr) -> Self {
        self.from = Some(address);
        self
    }

    /// Takes an answer of 429 as it is, instead of waiting.
    #[must_use]
    pub fn unwaiting(mut self) -> Self {
        self.waits = false;
        self
    }
}

/// An answer, or that there was none.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status; 0 where nobody answered.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
    /// The body as JSON; null where it is none.
    pub json: Json,
    /// How long it took.
    pub took: Duration,
    request: Arc<Request>,
    origin: Arc<str>,
}

impl Answer {
    /// 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Refused as a value that does not fit.
    pub fn is_invalid(&self) -> bool {
        self.status == 400
    }

    /// Refused by a request limit.
    pub fn is_limited(&self) -> bool {
        self.status == 429
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The status and the beginning of the body.
    pub fn came(&self) -> String {
        let mut end = self.text.len().min(CAME_BYTES_MAX);
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let more = if end < self.text.len() { "…" } else { "" };
        let text = self.text.get(..end).unwrap_or_default();
        match self.status {
            0 => format!("no answer: {text}"),
            status => format!("{status} {text}{more}").trim_end().to_owned(),
        }
    }

    /// A line for a shell that sends the same request again. The token is a variable.
    pub fn curl(&self) -> String {
        let request = &self.request;
        let mut line = "curl -i".to_owned();
        if request.method != "GET" {
            let _ = write!(line, " -X {}", request.method);
        }
        if request.token.is_some() {
            line.push_str(" -H \"Authorization: Bearer $TOKEN\"");
        }
        for (name, value) in &request.headers {
            let _ = write!(line, " -H {}", quoted(&format!("{name}: {value}")));
        }
        if let Some(body) = &request.body {
            line.push_str(" -H 'Content-Type: application/json' -d ");
            line.push_str(&quoted(&body.to_string()));
        }
        if let Some((content_type, text)) = &request.raw {
            let content_type = quoted(&format!("Content-Type: {content_type}"));
            let _ = write!(line, " -H {content_type} -d {}", quoted(text));
        }
        let _ = write!(line, " {}", quoted(&format!("{}{}", self.origin, request.path)));
        line
    }
}

/// In single quotes for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The connection to the system under trial.
#[derive(Debug)]
pub struct Client {
    origin: Arc<str>,
    is_loopback: bool,
    in_flight: Semaphore,
    lane: Mutex<Lane>,
    next_address: AtomicU32,
    requests: AtomicU64,
}

/// Connections from one address.
#[derive(Debug, Clone)]
struct Lane {
    http: reqwest::Client,
    left: u32,
}

impl Client {
    /// A client of the system at `origin`, such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// Where no HTTP client can be made.
    pub fn new(origin: &str) -> Result<Self, reqwest::Error> {
        let origin = origin.trim_end_matches('/');
        let is_loopback = reqwest::Url::parse(origin).is_ok_and(|url| {
            let address = url.host_str().and_then(|host| host.parse::<Ipv4Addr>().ok());
            address.is_some_and(|address| address.is_loopback())
        });
        Ok(Self {
            origin: Arc::from(origin),
            is_loopback: is_loopback && cfg!(target_os = "linux"),
            in_flight: Semaphore::new(IN_FLIGHT_MAX),
            lane: Mutex::new(Lane { http: http_from(None)?, left: 0 }),
            next_address: AtomicU32::new(0),
            requests: AtomicU64::new(0),
        })
    }

    /// Where the system is.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// True where requests may come from addresses of one's choice.
    pub fn chooses_addresses(&self) -> bool {
        self.is_loopback
    }

    /// How many requests were sent.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// A loopback address that no request came from yet.
    pub fn fresh_address(&self) -> Ipv4Addr {
        let number = self.next_address.fetch_add(1, Ordering::Relaxed);
        let part = |number: u32| u8::try_from(number % 250).unwrap_or(0) + 2;
        Ipv4Addr::new(127, part(number / 62_500), part(number / 250), part(number))
    }

    /// Sends a request and waits for its answer. Where a limit refuses it, it is sent from other
    /// addresses, and then after the time that the limit asks for.
    pub async fn send(&self, request: Request) -> Answer {
        let request = Arc::new(request);
        let (mut tries, mut busy) = (0, 0);
        loop {
            let answer = self.once(&request, tries > 0).await;
            // Too busy is no answer to what was asked; a system that stays so is told apart.
            if answer.status == 503 && request.waits && busy < BUSY_MAX {
                busy += 1;
                tokio::time::sleep(BUSY_WAIT).await;
                continue;
            }
            if !answer.is_limited() || !request.waits || tries > ADDRESSES_MAX {
                return answer;
            }
            let may_move = self.is_loopback && request.from.is_none();
            if !may_move || tries == ADDRESSES_MAX {
                let seconds = answer.header("retry-after").and_then(|text| text.parse().ok());
                let wait = Duration::from_secs(seconds.unwrap_or(1));
                if wait > LIMIT_WAIT_MAX {
                    return answer;
                }
                tokio::time::sleep(wait).await;
                tries = ADDRESSES_MAX;
            }
            tries += 1;
        }
    }

    async fn once(&self, request: &Arc<Request>, moves: bool) -> Answer {
        let answer = |status, headers, text: String, took| {
            let json = serde_json::from_str(&text).unwrap_or(Json::Null);
            let (request, origin) = (Arc::clone(request), Arc::clone(&self.origin));
            Answer { status, headers, text, json, took, request, origin }
        };
        // Never closed, so a permit always comes.
        let _permit = self.in_flight.acquire().await.ok();
        self.requests.fetch_add(1, Ordering::Relaxed);
        let started = std::time::Instant::now();
        let sent = match self.http(request, moves) {
            Ok(http) => self.built(&http, request).send().await,
            Err(error) => Err(error),
        };
        let response = match sent {
            Ok(response) => response,
            Err(error) => return answer(0, HeaderMap::new(), words(&error), started.elapsed()),
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        match response.text().await {
            Ok(text) => answer(status, headers, text, started.elapsed()),
            Err(error) => answer(0, headers, words(&error), started.elapsed()),
        }
    }

    fn built(&self, http: &reqwest::Client, request: &Request) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(request.method.as_bytes()).unwrap_or_default();
        let mut built = http.request(method, format!("{}{}", self.origin, request.path));
        if let Some(token) = &request.token {
            built = built.bearer_auth(token);
        }
        for (name, value) in &request.headers {
            built = built.header(*name, value);
        }
        if let Some((content_type, text)) = &request.raw {
            return built.header("content-type", *content_type).body(text.clone());
        }
        match &request.body {
            Some(body) => built.json(body),
            None => built,
        }
    }

    fn http(&self, request: &Request, moves: bool) -> Result<reqwest::Client, reqwest::Error> {
        if let Some(from) = request.from.filter(|_| self.is_loopback) {
            return http_from(Some(from));
        }
        let mut lane = self.lane.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_loopback && (lane.left == 0 || moves) {
            let http = http_from(Some(self.fresh_address()))?;
            *lane = Lane { http, left: ADDRESS_REQUESTS_MAX };
        }
        lane.left = lane.left.saturating_sub(1);
        Ok(lane.http.clone())
    }
}

fn http_from(address: Option<Ipv4Addr>) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(ANSWER_MAX)
        .no_proxy()
        .local_address(address.map(IpAddr::V4))
        .build()
}

/// An error with its causes.
fn words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(words, ": {error}");
        cause = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_shown_as_a_line_for_a_shell() {
        let request = Request::post("/a?b=c", serde_json::json!({"name": "it's"}))
            .token(Some("secret".into()));
        let answer = Answer {
            status: 400,
            headers: HeaderMap::new(),
            text: "no".to_owned(),
            json: Json::Null,
            took: Duration::ZERO,
            request: Arc::new(request),
            origin: "http://127.0.0.1:1".into(),
        };
        let curl = answer.curl();
        assert!(curl.starts_with("curl -i -X POST -H \"Authorization: Bearer $TOKEN\""), "{curl}");
        assert!(curl.contains(r#"-d '{"name":"it'\''s"}'"#), "{curl}");
        assert!(curl.ends_with("'http://127.0.0.1:1/a?b=c'"), "{curl}");
        assert!(!curl.contains("secret"), "{curl}");
    }

    #[test]
    fn no_loopback_address_comes_twice() {
        let client = Client::new("http://127.0.0.1:1").expect("a client");
        let addresses: std::collections::HashSet<_> =
            (0..200).map(|_| client.fresh_address()).collect();
        assert_eq!(addresses.len(), 200);
        assert!(addresses.iter().all(Ipv4Addr::is_loopback));
    }
}
