//! A Redis of the tests' own, on a free port: gone when the test process is, however it ends.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

/// Longest start, in seconds.
const START_S_MAX: u64 = 60;

/// Ends the server when its standard input ends, which is when this process does.
const SUPERVISOR: &str = r#"
redis-server --port "$1" --bind 127.0.0.1 --save '' --appendonly no --dir /tmp --loglevel warning \
  ${2:+--requirepass "$2"} >/dev/null 2>&1 &
echo $!
cat >/dev/null
kill -KILL $! 2>/dev/null
wait
"#;

/// A running server.
pub(crate) struct Redis {
    pub(crate) port: u16,
    password: Option<String>,
    running: Mutex<Option<Running>>,
}

struct Running {
    supervisor: Child,
    /// The server's own process.
    id: String,
}

impl Redis {
    /// Starts one that anybody may use.
    pub(crate) fn start() -> Self {
        Self::with(None)
    }

    /// Starts one with a password.
    pub(crate) fn with_password(password: &str) -> Self {
        Self::with(Some(password.to_owned()))
    }

    fn with(password: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let redis = Self { port, password, running: Mutex::new(None) };
        redis.start_again();
        redis
    }

    /// Its URL, without a password.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it after a stop, with nothing in it.
    pub(crate) fn start_again(&self) {
        let mut command = Command::new("sh");
        command.args(["-c", SUPERVISOR, "redis", &self.port.to_string()]);
        command.args(self.password.as_deref());
        let mut supervisor = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell: these tests need the Debian package `redis-server`");
        let mut told = BufReader::new(supervisor.stdout.take().expect("its output"));
        let mut id = String::new();
        told.read_line(&mut id).expect("the server's process");
        let running = Running { supervisor, id: id.trim().to_owned() };
        *self.running.lock().expect("a lock") = Some(running);
        let started = Instant::now();
        while !self.say("PING").contains("PONG") && !self.say("PING").contains("NOAUTH") {
            let words = "Redis does not start: is the Debian package `redis-server` installed?";
            assert!(started.elapsed().as_secs() < START_S_MAX, "{words}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it as a crash would: connections break.
    pub(crate) fn stop(&self) {
        let running = self.running.lock().expect("a lock").take();
        if let Some(mut running) = running {
            drop(running.supervisor.stdin.take());
            running.supervisor.wait().expect("its end");
        }
    }

    /// It stays connected and answers nothing.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let running = self.running.lock().expect("a lock");
        let id = &running.as_ref().expect("it runs").id;
        let status = Command::new("kill").args(["-s", name, id]).status().expect("kill runs");
        assert!(status.success());
    }

    /// What it answers to one line, as its protocol has it; nothing where it is away.
    pub(crate) fn say(&self, line: &str) -> String {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else {
            return String::new();
        };
        let wait = Some(Duration::from_secs(5));
        stream.set_read_timeout(wait).expect("a deadline");
        let _ = stream.write_all(format!("{line}\r\nQUIT\r\n").as_bytes());
        let mut told = String::new();
        let _ = stream.read_to_string(&mut told);
        told
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}
