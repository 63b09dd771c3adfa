//! A PostgreSQL server of the tests' own: started by the first test that asks, one database for
//! each, and gone when the test process is, however it ends.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::{
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// The password of `postgres` over TCP; over the socket everybody on the machine is trusted.
pub(crate) const PASSWORD: &str = "a password of tests";
/// Longest start, in seconds.
const START_S_MAX: u64 = 60;

/// Ends the server when its standard input ends, which is when this process does.
const SUPERVISOR: &str = r#"
"$1/postgres" -D "$2/data" -k "$2" -p "$3" -c listen_addresses=127.0.0.1 -c fsync=off \
  -c full_page_writes=off -c max_connections=400 -c shared_buffers=32MB -c max_wal_size=64MB \
  -c log_min_messages=fatal >"$2/log" 2>&1 &
cat >/dev/null
kill -QUIT "$(head -n 1 "$2/data/postmaster.pid")" 2>/dev/null
wait
sleep 0.2
rm -rf "$2"
"#;

/// A running server.
pub(crate) struct Server {
    pub(crate) programs: PathBuf,
    /// Where its socket is.
    pub(crate) directory: PathBuf,
    pub(crate) port: u16,
    _supervisor: Child,
}

/// A database of one test, dropped with it.
pub(crate) struct Database {
    pub(crate) name: String,
    pub(crate) url: String,
}

/// The server of this process.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::start)
}

/// A new, empty database.
pub(crate) fn database() -> Database {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    server().sql("postgres", &format!("CREATE DATABASE {name}"));
    Database { url: server().url(&name), name }
}

impl Drop for Database {
    fn drop(&mut self) {
        server().sql("postgres", &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

impl Server {
    /// Starts a server of one's own, for tests that stop it.
    pub(crate) fn start() -> Self {
        let programs = programs();
        let directory = tempfile::Builder::new().prefix("vitruvius-pg-").tempdir();
        let directory = directory.expect("a temporary directory").keep();
        if is_root() {
            run(Command::new("chown").arg("postgres:postgres").arg(&directory));
        }
        copy_template(&programs, &directory);
        Self::run(programs, directory)
    }

    /// Starts a replica of this server.
    pub(crate) fn replica(&self) -> Self {
        let directory = tempfile::Builder::new().prefix("vitruvius-pg-").tempdir();
        let directory = directory.expect("a temporary directory").keep();
        if is_root() {
            run(Command::new("chown").arg("postgres:postgres").arg(&directory));
        }
        let mut copy = as_postgres(&self.programs.join("pg_basebackup").display().to_string());
        copy.arg("-D").arg(directory.join("data")).args(["-R", "-c", "fast", "-N", "-h"]);
        copy.arg(&self.directory).args(["-U", "postgres", "-p", &self.port.to_string()]);
        run(&mut copy);
        Self::run(self.programs.clone(), directory)
    }

    fn run(programs: PathBuf, directory: PathBuf) -> Self {
        let port = free_port();
        let supervisor = as_postgres("sh")
            .args(["-c", SUPERVISOR, "sh"])
            .arg(&programs)
            .arg(&directory)
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let server = Self { programs, directory, port, _supervisor: supervisor };
        server.wait();
        server
    }

    /// A database's address by the socket.
    pub(crate) fn url(&self, database: &str) -> String {
        let socket = self.directory.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{socket}:{}/{database}", self.port)
    }

    /// A database's address by TCP, with a password.
    pub(crate) fn url_tcp(&self, database: &str, password: &str) -> String {
        let password = password.replace(' ', "%20");
        format!("postgres://postgres:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// What a statement gives back, as text.
    #[track_caller]
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        psql.arg("-d").arg(self.url(database));
        run(&mut psql)
    }

    /// Stops it, as an operator would.
    pub(crate) fn stop(&self) {
        let mut stop = as_postgres(&self.programs.join("pg_ctl").display().to_string());
        stop.args(["stop", "-w", "-m", "fast", "-D"]).arg(self.directory.join("data"));
        run(&mut stop);
    }

    /// Sends all its processes a signal.
    pub(crate) fn signal(&self, name: &str) {
        let file = self.directory.join("data/postmaster.pid");
        let file = fs::read_to_string(file).expect("it runs");
        let first = file.lines().next().unwrap_or_default();
        let mut all = Command::new("ps");
        let children = run(all.args(["--no-headers", "-o", "pid", "--ppid", first]));
        let ids = children.split_whitespace().chain([first]);
        // A process may have ended meanwhile.
        let _ = Command::new("kill").args(["-s", name]).args(ids).stderr(Stdio::null()).status();
    }

    /// Starts it after a stop.
    pub(crate) fn start_again(&self) {
        let directory = self.directory.display();
        let options = format!("-k {directory} -p {} -c listen_addresses=127.0.0.1", self.port);
        let mut start = as_postgres(&self.programs.join("pg_ctl").display().to_string());
        start.args(["start", "-w", "-l"]).arg(self.directory.join("log")).arg("-D");
        start.arg(self.directory.join("data")).arg("-o").arg(options).stdout(Stdio::null());
        // Its output is not read: the server keeps the pipe for as long as it runs.
        assert!(start.stderr(Stdio::null()).status().is_ok_and(|status| status.success()));
    }

    /// Speaks TLS from now on; gives the file of the authority that signed its certificate.
    pub(crate) fn speak_tls(&self) -> PathBuf {
        let data = self.directory.join("data");
        let made = |arguments: &str| {
            let mut openssl = as_postgres("openssl");
            let key = "-x509 -newkey rsa:2048 -nodes -days 3";
            openssl.current_dir("/").arg("req").args(key.split(' ')).args(arguments.split(' '));
            run(&mut openssl);
        };
        let at = |name: &str| data.join(name).display().to_string();
        made(&format!("-subj /CN=tests -keyout {} -out {}", at("ca.key"), at("ca.crt")));
        made(&format!(
            "-subj /CN=localhost -CA {} -CAkey {} -keyout {} -out {} \
             -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:localhost",
            at("ca.crt"),
            at("ca.key"),
            at("server.key"),
            at("server.crt")
        ));
        self.sql("postgres", "ALTER SYSTEM SET ssl = on");
        self.sql("postgres", "SELECT pg_reload_conf()");
        thread::sleep(Duration::from_millis(300));
        data.join("ca.crt")
    }

    fn wait(&self) {
        let start = Instant::now();
        let mut ready = Command::new(self.programs.join("pg_isready"));
        ready.arg("-q").arg("-h").arg(&self.directory).args(["-p", &self.port.to_string()]);
        while !ready.status().is_ok_and(|status| status.success()) {
            if start.elapsed().as_secs() > START_S_MAX {
                let log = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
                panic!("PostgreSQL does not start: {log}");
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Where the server's programs are.
fn programs() -> PathBuf {
    let installed =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    let versions = installed.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    if let Some(version) = versions.filter(|version| *version >= 15).max() {
        return PathBuf::from(format!("/usr/lib/postgresql/{version}/bin"));
    }
    let configured = Command::new("pg_config").arg("--bindir").output().ok();
    let configured = configured.map(|it| PathBuf::from(String::from_utf8_lossy(&it.stdout).trim()));
    configured.filter(|programs| programs.join("postgres").exists()).unwrap_or_else(|| {
        panic!("these tests need PostgreSQL 15: install the Debian package `postgresql`")
    })
}

/// An empty cluster is made once and copied from then on.
fn copy_template(programs: &Path, directory: &Path) {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let version = programs.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let template = kept.join(format!("postgres-{version}"));
    let data = directory.join("data");
    let lock = File::create(kept.join("postgres.lock")).expect("a lock");
    lock.lock().expect("the lock");
    if template.exists() {
        run(Command::new("cp").arg("-a").arg(&template).arg(&data));
        return;
    }
    let password = directory.join("password");
    fs::write(&password, PASSWORD).expect("a file");
    // A collation by language: what sorts by code point must say so.
    run(as_postgres(&programs.join("initdb").display().to_string())
        .args(["--username=postgres", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"])
        .args(["--locale-provider=icu", "--icu-locale=en-US"])
        .args(["--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile"])
        .arg(&password)
        .arg("-D")
        .arg(&data));
    let partial = kept.join("postgres.partial");
    let _ = fs::remove_dir_all(&partial);
    run(Command::new("cp").arg("-a").arg(&data).arg(&partial));
    fs::rename(partial, template).expect("the template");
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn is_root() -> bool {
    run(Command::new("id").arg("-u")).trim() == "0"
}

/// PostgreSQL refuses to run as root.
fn as_postgres(program: &str) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", program]);
    command.current_dir("/");
    command
}

#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {told}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
