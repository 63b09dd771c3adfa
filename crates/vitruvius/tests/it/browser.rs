//! A headless Chromium that shows one page, asked over its debugging port what stands on it.

use std::{
    io::{BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::WAIT_MAX;

/// Names under which the browser is installed.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

fn installed() -> &'static str {
    let runs = |name: &&&str| {
        let mut version = Command::new(name);
        version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        version.status().is_ok_and(|status| status.success())
    };
    NAMES.iter().find(runs).unwrap_or_else(|| {
        panic!(
            "these tests look at the page in Chromium, and there is none: `./test` installs it, \
             or `apt-get install chromium`"
        )
    })
}

/// A browser with one page open; closed when dropped.
pub(crate) struct Browser {
    child: Child,
    incoming: BufReader<TcpStream>,
    outgoing: TcpStream,
    session: Value,
    last_id: u64,
    _profile: TempDir,
}

impl Browser {
    /// Opens a page; `further` are arguments of Chromium's.
    pub(crate) fn open(address: &str, further: &[&str]) -> Self {
        let profile = tempfile::tempdir().expect("a directory");
        let child = Command::new(installed())
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-sync"])
            .args(["--disable-component-update", "--remote-debugging-port=0"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(further)
            .arg(address)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the browser starts");
        let port_file = profile.path().join("DevToolsActivePort");
        let (port, path) = wait("the browser's port", || {
            let text = std::fs::read_to_string(&port_file).ok()?;
            let (port, path) = text.split_once('\n')?;
            path.starts_with('/').then(|| (port.to_owned(), path.trim().to_owned()))
        });
        let (incoming, outgoing) = connect(&port, &path);
        let session = Value::Null;
        let mut browser =
            Self { child, incoming, outgoing, session, last_id: 0, _profile: profile };
        browser.attach();
        browser
    }

    fn attach(&mut self) {
        let target = wait("the page", || {
            let targets = self.call("Target.getTargets", &json!({}));
            let mut targets = targets["targetInfos"].as_array()?.iter();
            Some(targets.find(|target| target["type"] == "page")?["targetId"].clone())
        });
        let attach = json!({"targetId": target, "flatten": true});
        self.session = self.call("Target.attachToTarget", &attach)["sessionId"].clone();
    }

    /// What a script gives in the page.
    pub(crate) fn evaluate(&mut self, script: &str) -> String {
        let answer = self.call("Runtime.evaluate", &json!({"expression": script}));
        answer["result"]["value"].as_str().unwrap_or_default().to_owned()
    }

    /// The page as it stands once these words are on it.
    #[track_caller]
    pub(crate) fn once(&mut self, words: &str) -> String {
        let started = Instant::now();
        loop {
            let page = self.evaluate("document.documentElement.outerHTML");
            if page.contains(words) {
                return page;
            }
            assert!(started.elapsed() < WAIT_MAX, "`{words}` does not come:\n{page}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let mut message = json!({"id": self.last_id, "method": method, "params": params});
        if !self.session.is_null() {
            message["sessionId"] = self.session.clone();
        }
        self.send(message.to_string().as_bytes());
        loop {
            let answer: Value = serde_json::from_slice(&self.receive()).expect("JSON");
            if answer["id"] == self.last_id {
                return answer["result"].clone();
            }
        }
    }

    /// One text frame; the mask that clients must give is zero, so it changes nothing.
    fn send(&mut self, text: &[u8]) {
        let length = u16::try_from(text.len()).expect("a short message");
        let mut frame = vec![0x81, 0x80 | 126];
        frame.extend(length.to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(text);
        self.outgoing.write_all(&frame).expect("sent");
    }

    /// One message, of as many frames as it comes in.
    fn receive(&mut self) -> Vec<u8> {
        let mut message = Vec::new();
        loop {
            let [first, second] = self.read::<2>();
            let length = match second & 0x7f {
                126 => u64::from(u16::from_be_bytes(self.read())),
                127 => u64::from_be_bytes(self.read()),
                short => u64::from(short),
            };
            let mut bytes = vec![0; usize::try_from(length).expect("a length")];
            self.incoming.read_exact(&mut bytes).expect("a frame");
            let is_control = first & 0x08 != 0;
            if !is_control {
                message.extend(bytes);
                if first & 0x80 != 0 {
                    return message;
                }
            }
        }
    }

    fn read<const LENGTH: usize>(&mut self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        self.incoming.read_exact(&mut bytes).expect("a frame");
        bytes
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn connect(port: &str, path: &str) -> (BufReader<TcpStream>, TcpStream) {
    let mut outgoing = TcpStream::connect(format!("127.0.0.1:{port}")).expect("a connection");
    outgoing.set_read_timeout(Some(WAIT_MAX)).expect("a time-out");
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    outgoing.write_all(head.as_bytes()).expect("sent");
    let mut incoming = BufReader::new(outgoing.try_clone().expect("its other half"));
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        incoming.read_exact(&mut byte).expect("an answer");
        answer.extend(byte);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
    (incoming, outgoing)
}

fn wait<Found>(what: &str, mut look: impl FnMut() -> Option<Found>) -> Found {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < WAIT_MAX, "{what} does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}
