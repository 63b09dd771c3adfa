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
    case::{Own, Requests, post},
    client::Client,
    limit, peer,
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
    pub(crate) address: SocketAddr,
    pub(crate) process: Option<Process>,
    pub(crate) requests: Box<dyn Requests>,
    /// From the start of the process to the first answer, over the filled store, in milliseconds.
    pub(crate) start_ms: Option<f64>,
    /// Memory before anything was asked, in MiB.
    pub(crate) idle_mib: f64,
}

/// Starts the limit server over a fresh database.
pub(crate) async fn start_limit(
    run: &Run,
    full: bool,
    directory: &Path,
) -> Result<Subject, Failure> {
    let database = directory.join(if full { "limit-full.db" } else { "limit.db" });
    limit::create(&database)?;
    seed::fill(&database, run.rows, &[])?;
    let command = |address: SocketAddr| {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("limit").arg("--listen").arg(address.to_string());
        command.arg("--database").arg(&database);
        if full {
            command.arg("--full");
        }
        Ok(command)
    };
    let keys = Keys { rows: run.rows, users: Vec::new() };
    let name = if full { "limit, FULL" } else { "limit" };
    let requests = Box::new(Own { keys, newest: "?limit=20" });
    start(name, &directory.join("limit.log"), command, requests).await
}

/// Starts Vitruvius over the document of the bench and a fresh store.
pub(crate) async fn start_ours(
    run: &Run,
    full: bool,
    directory: &Path,
) -> Result<Subject, Failure> {
    let document = directory.join("document.md");
    std::fs::write(&document, include_str!("../document.md"))?;
    let data = directory.join(if full { "ours-full" } else { "ours" });
    let binary = run.binary.canonicalize().map_err(|error| {
        format!("{}: {error}; build it with `cargo build --release`", run.binary.display())
    })?;
    let command = |address: SocketAddr| {
        let mut command = Command::new(&binary);
        command.arg("serve").arg(&document).arg("--listen").arg(address.to_string());
        command.arg("--data").arg(&data);
        command.args(["--durability", if full { "full" } else { "normal" }]);
        Ok(command)
    };
    let log = directory.join("ours.log");
    let name = if full { "vitruvius, FULL" } else { "vitruvius" };
    let nothing = || Box::new(Own { keys: Keys::default(), newest: "" });
    let first = start(name, &log, command, nothing()).await?;
    let keys = register(first.address, run.rows, &data.join("data.db")).await?;
    drop(first);
    // Once more, over the rows: so a start is timed as it is in practice.
    start(name, &log, command, Box::new(Own { keys, newest: "?limit=20&sort=-created_at" })).await
}

/// The peers of the file, where one is given.
pub(crate) fn peers(file: Option<&PathBuf>) -> Result<Vec<Subject>, Failure> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let found = peer::read(file)?.into_iter().map(|peer| {
        let process = peer.process.map(Process::Other);
        Subject {
            name: peer.name.clone(),
            address: peer.address,
            idle_mib: process.as_ref().map_or(0.0, |process| process.memory_mib().0),
            process,
            requests: Box::new(peer),
            start_ms: None,
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
            let idle_mib = process.memory_mib().0;
            let name = name.to_owned();
            let process = Some(process);
            return Ok(Subject { name, address, process, requests, start_ms, idle_mib });
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

/// Registers the users, and fills the tables.
async fn register(address: SocketAddr, rows: usize, database: &Path) -> Result<Keys, Failure> {
    let mut client = Client::connect(address).await?;
    let mut users = Vec::new();
    let mut owners = Vec::new();
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
    seed::fill(database, rows, &owners)?;
    Ok(Keys { rows, users })
}
