//! Runs the real binary in a directory of its own, and speaks HTTP to it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// Longest time to wait for anything, on a busy machine.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(60);

/// Three tables that anybody may use, so that tests need no identity.
pub(crate) const SHOP: &str = r#"# Shop

## Data

```sql
CREATE TABLE items (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  name VARCHAR(50) NOT NULL,
  price INTEGER
);
```

## API

| Method | Path | Auth |
| --- | --- | --- |
| GET | /api/v1/items | Public |
| POST | /api/v1/items | Public |
| GET | /api/v1/items/{id} | Public |
| PATCH | /api/v1/items/{id} | Public |
| DELETE | /api/v1/items/{id} | Public |
"#;

/// A run that is being prepared.
#[must_use]
pub(crate) struct Test {
    directory: TempDir,
    environment: Vec<(String, String)>,
    standard_input: Vec<u8>,
    /// Length at which files of the process end, in KiB.
    files_end_at: Option<u32>,
}

impl Test {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self { directory, environment: Vec::new(), standard_input: Vec::new(), files_end_at: None }
    }

    /// Writes `ARCHITECTURE.md`.
    pub(crate) fn document(self, text: &str) -> Self {
        self.file("ARCHITECTURE.md", text.as_bytes())
    }

    pub(crate) fn file(self, name: &str, bytes: &[u8]) -> Self {
        std::fs::write(self.directory.path().join(name), bytes).expect("a file");
        self
    }

    pub(crate) fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn standard_input(mut self, bytes: &[u8]) -> Self {
        self.standard_input = bytes.to_vec();
        self
    }

    /// Lets no file of the process grow longer, as a limit of its user would.
    pub(crate) fn files_end_at(mut self, kib: u32) -> Self {
        self.files_end_at = Some(kib);
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_vitruvius");
        let mut command = match self.files_end_at {
            None => Command::new(program),
            Some(kib) => {
                // The signal that comes with the error would end the process.
                let limited = format!("trap '' XFSZ; ulimit -S -f {kib}; exec \"$0\" \"$@\"");
                let mut command = Command::new("bash");
                command.args(["-c", &limited, program]);
                command
            }
        };
        command.args(arguments).current_dir(self.directory.path());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs to the end.
    pub(crate) fn run(self, arguments: &[&str]) -> Ran {
        let started = Instant::now();
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut input = child.stdin.take().expect("standard input");
        let bytes = self.standard_input.clone();
        // A command that reads nothing closes its end: that is not the test's concern.
        let writer = std::thread::spawn(move || drop(input.write_all(&bytes)));
        let output = child.wait_with_output().expect("the binary ends");
        writer.join().expect("the writer ends");
        Ran { output, elapsed: started.elapsed(), directory: self.directory }
    }

    /// Starts `serve ARCHITECTURE.md` on a free port and waits until it is ready.
    pub(crate) fn serve(self, arguments: &[&str]) -> Serving {
        match self.try_serve(arguments) {
            Ok(serving) => serving,
            Err(ran) => panic!("it did not start: {ran:?}"),
        }
    }

    /// Like `serve`, and gives what it said where it ends instead.
    pub(crate) fn try_serve(self, arguments: &[&str]) -> Result<Serving, Ran> {
        let mut all = vec!["serve", "ARCHITECTURE.md", "--listen", "127.0.0.1:0"];
        all.extend(arguments);
        let mut child = self
            .command(&all)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let said = Arc::new(Mutex::new(String::new()));
        let complaints = Arc::new(Mutex::new(String::new()));
        let ready = listen(child.stdout.take().expect("standard output"), said.clone());
        let _ = listen(child.stderr.take().expect("standard error"), complaints.clone());
        match ready.recv_timeout(WAIT_MAX) {
            Ok(()) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let status = child.wait().expect("it ended");
                std::thread::sleep(Duration::from_millis(50));
                let [stdout, stderr] =
                    [said, complaints].map(|text| text.lock().expect("text").clone().into_bytes());
                let output = Output { status, stdout, stderr };
                return Err(Ran { output, elapsed: WAIT_MAX, directory: self.directory });
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let _ = child.kill();
                panic!("not ready in time: {}", complaints.lock().expect("text"));
            }
        }
        let greeting = said.lock().expect("text").clone();
        let origin = greeting
            .lines()
            .find_map(|line| line.trim().strip_prefix("address"))
            .expect("the address is said")
            .trim()
            .to_owned();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        // Redirects are answers that tests look at.
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        let client = client.expect("a client");
        Ok(Serving { child, origin, greeting, complaints, runtime, client, test: self })
    }
}

/// Collects what is said line by line; tells when a line is `ready`, hangs up at the end.
fn listen(stream: impl Read + Send + 'static, text: Arc<Mutex<String>>) -> mpsc::Receiver<()> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut sender = Some(sender);
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut text = text.lock().expect("text");
            text.push_str(&line);
            text.push('\n');
            if line == "ready" {
                drop(text);
                sender.take().map(|sender| sender.send(()));
            }
        }
    });
    receiver
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Ran {
    output: Output,
    pub(crate) elapsed: Duration,
    directory: TempDir,
}

impl Ran {
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Fails unless the exit code is this; no run may speak of a fault of ours.
    pub(crate) fn code(self, expected: i32) -> Self {
        let (stdout, stderr) = (self.stdout(), self.stderr());
        assert_eq!(self.output.status.code(), Some(expected), "\n{stdout}\n{stderr}");
        assert!(!stderr.contains("fault of ours"), "{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        self
    }

    /// Fails unless standard output or standard error holds this.
    pub(crate) fn says(self, words: &str) -> Self {
        let all = format!("{}\n{}", self.stdout(), self.stderr());
        assert!(all.contains(words), "`{words}` is not in:\n{all}");
        self
    }

    /// Fails where standard output or standard error holds this.
    pub(crate) fn says_not(self, words: &str) -> Self {
        let all = format!("{}\n{}", self.stdout(), self.stderr());
        assert!(!all.contains(words), "`{words}` is in:\n{all}");
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.output.stdout).expect("JSON on standard output")
    }
}

/// A service that runs; killed when dropped.
pub(crate) struct Serving {
    child: Child,
    pub(crate) origin: String,
    /// What it said until it was ready.
    pub(crate) greeting: String,
    complaints: Arc<Mutex<String>>,
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    test: Test,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    #[track_caller]
    pub(crate) fn status(self, expected: u16) -> Self {
        assert_eq!(self.status, expected, "{self:?}");
        self
    }
}

impl Serving {
    pub(crate) fn directory(&self) -> &Path {
        self.test.directory.path()
    }

    pub(crate) fn address(&self) -> &str {
        self.origin.trim_start_matches("http://")
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it said on standard error so far.
    pub(crate) fn complaints(&self) -> String {
        self.complaints.lock().expect("text").clone()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(self.client.get(format!("{}{path}", self.origin)))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.client.post(format!("{}{path}", self.origin)).json(body))
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        self.client.request(method, format!("{}{path}", self.origin))
    }

    pub(crate) fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        self.runtime.block_on(async {
            let response = request.send().await.expect("an answer");
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Answer { status, headers, text: response.text().await.expect("a body") }
        })
    }

    /// Saves the document as editors do: a new file in the old one's place.
    pub(crate) fn save(&self, text: &str) {
        let path = self.directory().join("ARCHITECTURE.md");
        let fresh = self.directory().join("ARCHITECTURE.md.new");
        std::fs::write(&fresh, text).expect("a file");
        std::fs::rename(fresh, path).expect("a file");
    }

    /// Waits until it is true.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, mut is_true: impl FnMut(&Self) -> bool) {
        let started = Instant::now();
        while !is_true(self) {
            let complaints = self.complaints();
            assert!(started.elapsed() < WAIT_MAX, "{what} did not come true:\n{complaints}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until it said this on standard error.
    #[track_caller]
    pub(crate) fn until_said(&self, words: &str) {
        self.until(words, |serving| serving.complaints().contains(words));
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status().expect("kill runs");
        assert!(status.success());
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self) -> std::process::ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                return status;
            }
            assert!(started.elapsed() < WAIT_MAX, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it the hard way and starts it again on the same data; files may grow then.
    pub(crate) fn kill_and_serve_again(mut self) -> Serving {
        self.signal("KILL");
        self.end();
        let mut test = std::mem::replace(&mut self.test, Test::new());
        test.files_end_at = None;
        test.serve(&[])
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
