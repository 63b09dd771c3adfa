//! The access log: one JSON line per answer, written by a thread of its own. Requests never wait for
//! it: where its queue is full, lines are dropped and counted.
//!
//! A line never holds a token, a cookie, a body or the value of a query parameter, and no path
//! parameter that carries a secret.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use http::{HeaderValue, Method, Uri};
use jiff::Timestamp;
use serde::Serialize;

use super::EndpointEvidence;

/// Lines that may wait to be written.
const LINES_MAX: usize = 10_000;
/// A log file is set aside when it is larger; one predecessor is kept.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Longest time until a line is on its way to the file.
const FLUSH_EVERY: Duration = Duration::from_millis(500);

/// Where the access log goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AccessLogTo {
    /// Nowhere.
    #[default]
    Off,
    /// Standard output.
    StandardOutput,
    /// A file, set aside at 64 MB as `NAME.1`.
    File(PathBuf),
}

/// One answer, as the log needs it.
pub struct Line {
    /// When it was given.
    pub at: Timestamp,
    /// HTTP method.
    pub method: Method,
    /// The address; only its path and the names of its query parameters are written.
    pub uri: Uri,
    /// The endpoint, where one was found.
    pub route: Option<Arc<EndpointEvidence>>,
    /// HTTP status.
    pub status: u16,
    /// From the request's head to the answer's.
    pub elapsed: Duration,
    /// Size of the body, where known beforehand.
    pub bytes: Option<u64>,
    /// The request's id.
    pub request_id: Option<HeaderValue>,
    /// Where the connection comes from.
    pub peer: IpAddr,
}

/// The access log. Dropping it writes what is queued.
pub struct AccessLog {
    sender: Option<SyncSender<Line>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl AccessLog {
    /// Opens the log; nothing where it goes nowhere.
    ///
    /// # Errors
    /// Where the file cannot be opened or no thread can be started.
    pub fn open(to: &AccessLogTo) -> io::Result<Option<Self>> {
        let output = match to {
            AccessLogTo::Off => return Ok(None),
            AccessLogTo::StandardOutput => Output::Standard,
            AccessLogTo::File(path) => Output::file(path)?,
        };
        let (sender, lines) = sync_channel(LINES_MAX);
        let writer = std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || write_all(&lines, output))?;
        Ok(Some(Self { sender: Some(sender), writer: Mutex::new(Some(writer)) }))
    }

    /// Queues a line; false where the queue is full and it is dropped.
    pub fn write(&self, line: Line) -> bool {
        self.sender.as_ref().is_some_and(|sender| sender.try_send(line).is_ok())
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.sender = None;
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            let _ = writer.join();
        }
    }
}

/// A line as it is written.
#[derive(Serialize)]
struct Written<'a> {
    time: String,
    method: &'a str,
    path: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    query: Vec<&'a str>,
    route: Option<&'a str>,
    status: u16,
    duration_us: u64,
    bytes: Option<u64>,
    request_id: Option<&'a str>,
    peer: IpAddr,
}

impl Line {
    /// The line as JSON.
    fn json(&self) -> Vec<u8> {
        let route = self.route.as_deref().map(EndpointEvidence::subject);
        let template = route.and_then(|route| route.split_once(' ')).map(|(_, path)| path);
        let written = Written {
            time: format!("{:.6}", self.at),
            method: self.method.as_str(),
            path: match template {
                Some(template) if carries_secret(template) => template,
                _ => self.uri.path(),
            },
            query: parameter_names(self.uri.query().unwrap_or("")),
            route,
            status: self.status,
            duration_us: u64::try_from(self.elapsed.as_micros()).unwrap_or(u64::MAX),
            bytes: self.bytes,
            request_id: self.request_id.as_ref().and_then(|id| id.to_str().ok()),
            peer: self.peer,
        };
        serde_json::to_vec(&written).unwrap_or_default()
    }
}

/// True where a path parameter of the template holds what only its owner should know.
fn carries_secret(template: &str) -> bool {
    let secret = ["token", "secret", "code", "password", "key", "signature"];
    let parameters = template.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    parameters
        .map(str::to_ascii_lowercase)
        .any(|name| secret.iter().any(|word| name.contains(word)))
}

/// The names of query parameters, without their values.
fn parameter_names(query: &str) -> Vec<&str> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split('=').next().unwrap_or("")).take(32).collect()
}

/// Writes lines until nobody sends any more.
fn write_all(lines: &Receiver<Line>, mut output: Output) {
    loop {
        let written = match lines.recv_timeout(FLUSH_EVERY) {
            Ok(line) => output.line(&line.json()),
            Err(RecvTimeoutError::Timeout) => output.flush(),
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if let Err(error) = written {
            // Once: a full disk must not fill the other log as well.
            tracing::error!(%error, "the access log cannot be written; it ends here");
            return;
        }
    }
    let _ = output.flush();
}

/// What lines are written to.
enum Output {
    Standard,
    File { path: PathBuf, file: BufWriter<File>, bytes: u64 },
}

impl Output {
    fn file(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Output::File { path: path.to_owned(), file: BufWriter::new(file), bytes })
    }

    fn line(&mut self, json: &[u8]) -> io::Result<()> {
        match self {
            Output::Standard => {
                let mut output = io::stdout().lock();
                output.write_all(json)?;
                output.write_all(b"\n")
            }
            Output::File { path, file, bytes } => {
                file.write_all(json)?;
                file.write_all(b"\n")?;
                *bytes += json.len() as u64 + 1;
                if FILE_BYTES_MAX < *bytes {
                    file.flush()?;
                    let mut aside = path.clone().into_os_string();
                    aside.push(".1");
                    std::fs::rename(&*path, aside)?;
                    *self = Output::file(&path.clone())?;
                }
                Ok(())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Output::Standard => io::stdout().flush(),
            Output::File { file, .. } => file.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(uri: &'static str, route: Option<&str>) -> serde_json::Value {
        let now = Timestamp::from_second(1_700_000_000).expect("a moment");
        let evidence = super::super::Evidence::new(now);
        let line = Line {
            at: now,
            method: Method::GET,
            uri: Uri::from_static(uri),
            route: route.map(|template| evidence.endpoint("GET", template)),
            status: 200,
            elapsed: Duration::from_micros(123),
            bytes: Some(2),
            request_id: Some(HeaderValue::from_static("r-1")),
            peer: IpAddr::from([127, 0, 0, 1]),
        };
        serde_json::from_slice(&line.json()).expect("JSON")
    }

    #[test]
    fn a_line_holds_names_but_no_values_of_the_query() {
        let seen = line("/posts?email=ann%40example.org&token=s3cret&page=2", Some("/posts"));
        assert_eq!(seen["query"], serde_json::json!(["email", "token", "page"]));
        assert!(!seen.to_string().contains("s3cret"));
        assert!(!seen.to_string().contains("ann"));
        assert_eq!(seen["time"], "2023-11-14T22:13:20.000000Z");
        assert_eq!((&seen["route"], &seen["duration_us"]), (&"GET /posts".into(), &123.into()));
    }

    #[test]
    fn a_secret_in_the_path_is_shown_as_its_template() {
        let seen = line("/reset/s3cret", Some("/reset/{token}"));
        assert_eq!(seen["path"], "/reset/{token}");
        assert_eq!(line("/posts/7", Some("/posts/{id}"))["path"], "/posts/7");
    }

    #[test]
    fn what_was_queued_is_written_before_the_log_is_gone() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("access.jsonl");
        let log = AccessLog::open(&AccessLogTo::File(path.clone())).expect("opens").expect("on");
        for _ in 0..100 {
            assert!(log.write(Line {
                at: Timestamp::UNIX_EPOCH,
                method: Method::GET,
                uri: Uri::from_static("/x"),
                route: None,
                status: 404,
                elapsed: Duration::ZERO,
                bytes: None,
                request_id: None,
                peer: IpAddr::from([127, 0, 0, 1]),
            }));
        }
        drop(log);
        assert_eq!(std::fs::read_to_string(path).expect("the file").lines().count(), 100);
    }
}
