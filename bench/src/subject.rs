//! The servers that are measured: ours and the limit, started here over the same rows, and peers.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use serde::Deserialize;

use crate::{
    Failure, Run,
    case::{Own, Requests, Store, post},
    client::Client,
    limit, peer,
    postgresql::Server,
    process::Process,
    seed::{self, Keys, User},
};

/// Users that ask with a token.
const USERS: usize = 8;
/// How long a server may take until it answers.
const START_MS_MAX: u64 = 60_000;

/// A server that is measured.
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) address: SocketAddr,
    pub(crate) process: Option<Process>,
    /// The database server that works for it.
    pub(crate) database: Option<Process>,
    pub(crate) requests: Box<dyn Requests>,
    /// From the start of the process to the first answer, over the filled store, in milliseconds.
    pub(crate) start_ms: Option<f64>,
    /// The same where the process before it was killed, right after the store was filled: an SQLite file
    /// has a long log then.
    pub(crate) killed_start_ms: Option<f64>,
    /// Memory before anything was asked, in MiB.
    pub(crate) idle_mib: f64,
}

/// What a server is compared with, and with which durability it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Limit(Durability),
    Ours(Durability),
    Peer,
}

/// When a row counts as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    Normal,
    Full,
}

impl Durability {
    fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Full => "full",
        }
    }
}

impl Subject {
    /// Seconds on processors, with the database's.
    pub(crate) fn processor_seconds(&self) -> f64 {
        let processes = self.process.iter().chain(&self.database);
        processes.map(Process::processor_seconds).sum()
    }

    /// Memory that it holds now, and held at most, without the database's, in MiB.
    pub(crate) fn memory_mib(&self) -> (f64, f64) {
        self.process.as_ref().map_or((0.0, 0.0), Process::memory_mib)
    }

    /// Memory of its own, and pages of files, without the database's, in MiB.
    pub(crate) fn own_and_files_mib(&self) -> (f64, f64) {
        self.process.as_ref().map_or((0.0, 0.0), Process::own_and_files_mib)
    }
}

/// Where the rows are.
#[derive(Clone, Copy)]
pub(crate) enum At<'a> {
    /// In files of this directory.
    Directory(&'a Path),
    /// In a server; keys and logs are in the directory.
    Server(&'a Path, &'a Server),
}

impl At<'_> {
    fn directory(&self) -> &Path {
        match self {
            Self::Directory(directory) | Self::Server(directory, _) => directory,
        }
    }

    fn database(&self) -> Option<Process> {
        match self {
            Self::Directory(_) => None,
            Self::Server(_, server) => Some(Process::Other(server.process.id())),
        }
    }

    /// Which store it is.
    pub(crate) fn store(&self) -> Store {
        match self {
            Self::Directory(_) => Store::Sqlite,
            Self::Server(..) => Store::Postgresql,
        }
    }
}

/// The database of the limit server on PostgreSQL, which `pgbench` asks too.
pub(crate) const LIMIT_FULL: &str = "limit_full";

/// Starts the limit server over a fresh database.
pub(crate) async fn start_limit(
    run: &Run,
    at: At<'_>,
    durability: Durability,
) -> Result<Subject, Failure> {
    let name = match durability {
        Durability::Full => LIMIT_FULL,
        Durability::Normal => "limit_normal",
    };
    let database = match at {
        At::Directory(directory) => {
            let file = directory.join(name);
            limit::sqlite::create(&file)?;
            seed::fill(&file, run.rows, &[])?;
            file.display().to_string()
        }
        At::Server(_, server) => {
            server.create(name, limit::postgresql::SCHEMA).await?;
            server.fill(name, run.rows, &[]).await?;
            server.url(name)
        }
    };
    let command = |address: SocketAddr| {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("limit").arg("--listen").arg(address.to_string());
        command.arg("--database").arg(&database);
        if durability == Durability::Full {
            command.arg("--full");
        }
        Ok(command)
    };
    let keys = Keys { rows: run.rows, users: Vec::new() };
    let name = shown("limit", at, durability);
    let requests = Box::new(Own { keys, newest: "?limit=20" });
    let log = at.directory().join("limit.log");
    let subject = start(&name, &log, command, requests).await?;
    Ok(Subject { role: Role::Limit(durability), database: at.database(), ..subject })
}

/// Starts Vitruvius over the document of the bench and a fresh store.
pub(crate) async fn start_ours(
    run: &Run,
    at: At<'_>,
    durability: Durability,
) -> Result<Subject, Failure> {
    let directory = at.directory();
    let document = directory.join("document.md");
    std::fs::write(&document, include_str!("../document.md"))?;
    let database = format!("ours_{}", durability.word());
    let data = directory.join(&database);
    let binary = run.binary.canonicalize().map_err(|error| {
        format!("{}: {error}; build it with `cargo build --release`", run.binary.display())
    })?;
    if let At::Server(_, server) = at {
        server.create(&database, "").await?;
    }
    let command = |address: SocketAddr| {
        let mut command = Command::new(&binary);
        command.arg("serve").arg(&document).arg("--listen").arg(address.to_string());
        command.arg("--data").arg(&data).args(["--durability", durability.word()]);
        command.args(&run.serve);
        if let At::Server(_, server) = at {
            command.arg("--database").arg(server.url(&database));
        }
        Ok(command)
    };
    let log = directory.join("ours.log");
    let name = shown("vitruvius", at, durability);
    let nothing = || Box::new(Own { keys: Keys::default(), newest: "" });
    let first = start(&name, &log, command, nothing()).await?;
    let (users, owners) = register(first.address).await?;
    match at {
        At::Directory(_) => seed::fill(&data.join("data.db"), run.rows, &owners)?,
        At::Server(_, server) => server.fill(&database, run.rows, &owners).await?,
    }
    drop(first);
    // Twice more, over the rows: so a start is timed as it is in practice, after a kill and after a stop.
    let keys = Keys { rows: run.rows, users };
    let requests = Box::new(Own { keys, newest: "?limit=20&sort=-created_at" });
    let second = start(&name, &log, command, nothing()).await?;
    let killed_start_ms = second.start_ms;
    if let Some(process) = second.process {
        process.stop()?;
    }
    let subject = start(&name, &log, command, requests).await?;
    let role = Role::Ours(durability);
    Ok(Subject { role, database: at.database(), killed_start_ms, ..subject })
}

/// A server's name in the report; what is usual for its store is not said.
fn shown(name: &str, at: At<'_>, durability: Durability) -> String {
    match (at.store(), durability) {
        (Store::Sqlite, Durability::Full) => format!("{name}, FULL"),
        (Store::Postgresql, Durability::Normal) => format!("{name}, commit not awaited"),
        _ => name.to_owned(),
    }
}

/// The peers of the file, where one is given.
pub(crate) fn peers(file: Option<&PathBuf>) -> Result<Vec<Subject>, Failure> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let found = peer::read(file)?.into_iter().map(|peer| {
        let process = peer.process.map(Process::Other);
        Subject {
            name: peer.name.clone(),
            role: Role::Peer,
            address: peer.address,
            idle_mib: process.as_ref().map_or(0.0, |process| process.memory_mib().0),
            process,
            database: None,
            requests: Box::new(peer),
            start_ms: None,
            killed_start_ms: None,
        }
    });
    Ok(found.collect())
}

async fn start(
    name: &str,
    log: &Path,
    command: impl Fn(SocketAddr) -> Result<Command, Failure>,
    requests: Box<dyn Requests>,
) -> Result<Subject, Failure> {
    // A port that was free a moment ago; nothing else asks for ports here.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let began = Instant::now();
    let process = Process::start(&mut command(address)?, log)?;
    while began.elapsed() < Duration::from_millis(START_MS_MAX) {
        if let Ok(mut client) = Client::connect(address).await
            && client.ask(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await?.status == 200
        {
            let start_ms = Some(began.elapsed().as_secs_f64() * 1000.0);
            return Ok(Subject {
                name: name.to_owned(),
                role: Role::Peer,
                address,
                idle_mib: process.memory_mib().0,
                process: Some(process),
                database: None,
                requests,
                start_ms,
                killed_start_ms: None,
            });
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let words = std::fs::read_to_string(log).unwrap_or_default();
    Err(format!("{name} does not answer; it says:\n{words}").into())
}

#[derive(Deserialize)]
struct Registered {
    access_token: String,
    user: Identified,
}

#[derive(Deserialize)]
struct Identified {
    id: String,
}

/// Registers the users; they and their keys.
async fn register(address: SocketAddr) -> Result<(Vec<User>, Vec<String>), Failure> {
    let mut client = Client::connect(address).await?;
    let (mut users, mut owners) = (Vec::new(), Vec::new());
    for number in 0..USERS {
        let mut request = Vec::new();
        let body = format!(
            r#"{{"email":"user{number}@example.org","password":"correct horse {number}"}}"#
        );
        post(&mut request, "/api/v1/auth/register", None, &body);
        let answer = client.ask(&request).await?;
        let registered: Registered = serde_json::from_slice(answer.body)
            .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(answer.body)))?;
        owners.push(registered.user.id);
        users.push(User { token: registered.access_token, notes: seed::notes_of(number) });
    }
    Ok((users, owners))
}
