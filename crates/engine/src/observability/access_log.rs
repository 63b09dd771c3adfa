//! The access log: one JSON line per answer. A request appends its line to a buffer in memory, and a
//! thread takes what has gathered a few times a second: waking it for each line would cost more than
//! the line. Requests never wait for a disk: where the buffer is full, lines are dropped and counted.
//!
//! A line never holds a token, a cookie, a body or the value of a query parameter, and no path
//! parameter that carries a secret.

use std::{
    cell::RefCell,
    fs::{File, OpenOptions},
    io::{self, Write},
    mem,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use http::{HeaderValue, Method, Uri};
use jiff::Timestamp;

use super::EndpointEvidence;

/// Bytes of lines that may wait to be written.
const WAITING_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Query parameters whose names are written.
const PARAMETERS_MAX: usize = 32;
/// A log file is set aside when it is larger; one predecessor is kept.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Longest time until a line is on its way to the file.
const WRITE_EVERY: Duration = Duration::from_millis(200);

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
pub struct Line<'a> {
    /// When it was given.
    pub at: Timestamp,
    /// HTTP method.
    pub method: &'a Method,
    /// The address; only its path and the names of its query parameters are written.
    pub uri: &'a Uri,
    /// The endpoint, where one was found.
    pub route: Option<&'a EndpointEvidence>,
    /// HTTP status.
    pub status: u16,
    /// From the request's head to the answer's.
    pub elapsed: Duration,
    /// Size of the body, where known beforehand.
    pub bytes: Option<u64>,
    /// The request's id.
    pub request_id: Option<&'a HeaderValue>,
    /// Where the connection comes from.
    pub peer: IpAddr,
}

/// The access log. Dropping it writes what has gathered.
pub struct AccessLog {
    waiting: Arc<Waiting>,
    writer: Option<JoinHandle<()>>,
}

/// What has gathered since the thread last took it.
#[derive(Default)]
struct Waiting {
    gathered: Mutex<Gathered>,
    closed: Condvar,
}

#[derive(Default)]
struct Gathered {
    lines: Vec<u8>,
    is_closed: bool,
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.closed.notify_all();
    }
}

thread_local! {
    /// A line is put together here, so that the lock is held for one copy alone.
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
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
        let waiting = Arc::new(Waiting::default());
        let theirs = waiting.clone();
        let writer = std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || write_all(&theirs, output))?;
        Ok(Some(Self { waiting, writer: Some(writer) }))
    }

    /// Adds a line; false where too much waits already.
    pub fn write(&self, line: &Line<'_>) -> bool {
        LINE.with_borrow_mut(|bytes| {
            bytes.clear();
            line.write_json(bytes);
            bytes.push(b'\n');
            let mut gathered = self.waiting.lock();
            let has_room = gathered.lines.len() + bytes.len() <= WAITING_BYTES_MAX;
            if has_room && !gathered.is_closed {
                gathered.lines.extend_from_slice(bytes);
            }
            has_room && !gathered.is_closed
        })
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.waiting.close();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl Line<'_> {
    /// The line as JSON.
    fn write_json(&self, into: &mut Vec<u8>) {
        let logged = self.route.map(|route| &route.logged);
        let instead = logged.and_then(|logged| logged.path.as_deref());
        into.extend_from_slice(b"{\"time\":\"");
        store::write_timestamp_bytes(self.at.as_microsecond(), into);
        into.push(b'"');
        // The line is written member by member: described as a whole, it costs several times as much.
        into.extend_from_slice(b",\"method\":");
        store::write_json_string(self.method.as_str(), into);
        into.extend_from_slice(b",\"path\":");
        store::write_json_string(instead.unwrap_or(self.uri.path()), into);
        if let Some(query) = self.uri.query() {
            write_parameter_names(query, into);
        }
        into.extend_from_slice(b",\"route\":");
        into.extend_from_slice(logged.map_or(b"null", |logged| logged.route.as_slice()));
        into.extend_from_slice(b",\"status\":");
        write_number(self.status, into);
        into.extend_from_slice(b",\"duration_us\":");
        write_number(u64::try_from(self.elapsed.as_micros()).unwrap_or(u64::MAX), into);
        into.extend_from_slice(b",\"bytes\":");
        match self.bytes {
            Some(bytes) => write_number(bytes, into),
            None => into.extend_from_slice(b"null"),
        }
        into.extend_from_slice(b",\"request_id\":");
        match self.request_id.and_then(|id| id.to_str().ok()) {
            Some(id) => store::write_json_string(id, into),
            None => into.extend_from_slice(b"null"),
        }
        into.extend_from_slice(b",\"peer\":\"");
        write_address(self.peer, into);
        into.extend_from_slice(b"\"}");
    }
}

fn write_address(address: IpAddr, into: &mut Vec<u8>) {
    match address {
        IpAddr::V4(address) => {
            for (place, part) in address.octets().into_iter().enumerate() {
                if place > 0 {
                    into.push(b'.');
                }
                write_number(part, into);
            }
        }
        // A buffer in memory takes all.
        IpAddr::V6(address) => drop(write!(into, "{address}")),
    }
}

fn write_number(number: impl itoa::Integer, into: &mut Vec<u8>) {
    into.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// What the log writes of an endpoint, made once.
pub(super) struct Logged {
    /// `METHOD /path/{id}` as JSON.
    route: Vec<u8>,
    /// The template of a path that holds a secret, in the place of the path.
    path: Option<String>,
}

impl Logged {
    /// Of `METHOD /path/{id}`.
    pub(super) fn of(subject: &str) -> Self {
        let mut route = Vec::with_capacity(subject.len() + 2);
        store::write_json_string(subject, &mut route);
        let template = subject.split_once(' ').map(|(_, path)| path);
        let path = template.filter(|template| carries_secret(template)).map(str::to_owned);
        Self { route, path }
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

/// The names of query parameters as a member, without their values; nothing where there are none.
fn write_parameter_names(query: &str, into: &mut Vec<u8>) {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let names = pairs.map(|pair| pair.split('=').next().unwrap_or(""));
    let mut names = names.take(PARAMETERS_MAX);
    let Some(first) = names.next() else { return };
    into.extend_from_slice(b",\"query\":[");
    store::write_json_string(first, into);
    for name in names {
        into.push(b',');
        store::write_json_string(name, into);
    }
    into.push(b']');
}

/// Writes what gathers until the log is closed. What cannot be written is tried again: a disk that was
/// full has room some day, and nobody restarts the service for that.
fn write_all(waiting: &Waiting, mut output: Output) {
    let mut lines = Vec::new();
    let mut is_failing = false;
    loop {
        let is_open = |gathered: &mut Gathered| !gathered.is_closed;
        let (mut gathered, _) = waiting
            .closed
            .wait_timeout_while(waiting.lock(), WRITE_EVERY, is_open)
            .unwrap_or_else(PoisonError::into_inner);
        let is_last = gathered.is_closed;
        // What is left over comes first; meanwhile the rest gathers, as far as there is room for it.
        if lines.is_empty() {
            mem::swap(&mut gathered.lines, &mut lines);
        } else if is_last {
            lines.append(&mut gathered.lines);
        }
        drop(gathered);
        let written = output.write(&mut lines);
        match &written {
            // Once: a full disk must not fill the other log as well.
            Err(error) if !is_failing => {
                tracing::error!(%error, "the access log cannot be written; it is tried again");
            }
            Ok(()) if is_failing => tracing::info!("the access log is written again"),
            _ => {}
        }
        is_failing = written.is_err();
        if is_last {
            return;
        }
    }
}

/// What lines are written to.
enum Output {
    Standard,
    File { path: PathBuf, file: File, bytes: u64 },
}

impl Output {
    fn file(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Output::File { path: path.to_owned(), file, bytes })
    }

    /// Takes from `lines` what is written.
    fn write(&mut self, lines: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Output::Standard => pour(lines, &mut io::stdout().lock()).1,
            Output::File { path, file, bytes } => {
                let (count, poured) = pour(lines, file);
                *bytes += count;
                poured?;
                if FILE_BYTES_MAX < *bytes {
                    let mut aside = path.clone().into_os_string();
                    aside.push(".1");
                    match std::fs::rename(&*path, aside) {
                        // Set aside before, when no new one could be opened.
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        renamed => renamed?,
                    }
                    *self = Output::file(&path.clone())?;
                }
                Ok(())
            }
        }
    }
}

/// Writes bytes and takes them away, as far as it gets; a line that breaks off goes on where it
/// broke. How many were written comes back.
fn pour(bytes: &mut Vec<u8>, into: &mut impl Write) -> (u64, io::Result<()>) {
    let mut count = 0;
    let poured = loop {
        let rest = bytes.get(count..).unwrap_or_default();
        if rest.is_empty() {
            break into.flush();
        }
        match into.write(rest) {
            Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => count += written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    bytes.drain(..count);
    (count as u64, poured)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(uri: &'static str, route: Option<&str>) -> serde_json::Value {
        let now = Timestamp::from_second(1_700_000_000).expect("a moment");
        let evidence = super::super::Evidence::new(now);
        let endpoint = route.map(|template| evidence.endpoint("GET", template));
        let line = Line {
            at: now,
            method: &Method::GET,
            uri: &Uri::from_static(uri),
            route: endpoint.as_deref(),
            status: 200,
            elapsed: Duration::from_micros(123),
            bytes: Some(2),
            request_id: Some(&HeaderValue::from_static("r-1")),
            peer: IpAddr::from([127, 0, 0, 1]),
        };
        let mut bytes = Vec::new();
        line.write_json(&mut bytes);
        serde_json::from_slice(&bytes).expect("JSON")
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

    fn missing(uri: &Uri) -> Line<'_> {
        Line {
            at: Timestamp::UNIX_EPOCH,
            method: &Method::GET,
            uri,
            route: None,
            status: 404,
            elapsed: Duration::ZERO,
            bytes: None,
            request_id: None,
            peer: IpAddr::from([127, 0, 0, 1]),
        }
    }

    #[test]
    fn what_has_gathered_is_written_before_the_log_is_gone() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("access.jsonl");
        let log = AccessLog::open(&AccessLogTo::File(path.clone())).expect("opens").expect("on");
        let uri = Uri::from_static("/x");
        for _ in 0..100 {
            assert!(log.write(&missing(&uri)));
        }
        drop(log);
        assert_eq!(std::fs::read_to_string(path).expect("the file").lines().count(), 100);
    }

    /// A disk with room for so many bytes.
    struct Small(Vec<u8>, usize);

    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match bytes.len().min(self.1 - self.0.len()) {
                0 => Err(io::ErrorKind::StorageFull.into()),
                fits => self.0.write(&bytes[..fits]),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_that_breaks_off_on_a_full_disk_goes_on_once_there_is_room() {
        let mut lines = b"one\ntwo\n".to_vec();
        let mut disk = Small(Vec::new(), 6);
        let (count, poured) = pour(&mut lines, &mut disk);
        assert_eq!((count, poured.is_err(), lines.as_slice()), (6, true, &b"o\n"[..]));
        assert!(pour(&mut lines, &mut disk).1.is_err(), "still full");
        disk.1 = 100;
        assert!(pour(&mut lines, &mut disk).1.is_ok());
        assert_eq!((disk.0.as_slice(), lines.len()), (&b"one\ntwo\n"[..], 0));
    }

    #[test]
    fn lines_are_refused_rather_than_gathered_without_end() {
        let waiting = Arc::new(Waiting::default());
        let log = AccessLog { waiting: waiting.clone(), writer: None };
        let uri = Uri::from_static("/x");
        let taken = (0..1_000_000).take_while(|_| log.write(&missing(&uri))).count();
        assert!(0 < taken && taken < 1_000_000);
        assert!(waiting.lock().lines.len() <= WAITING_BYTES_MAX);
    }
}
