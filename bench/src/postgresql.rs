//! A PostgreSQL server of the bench's own: its default configuration, its own directory, reached by
//! its socket, gone with this value. And `pgbench`, which asks it without anything in between.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use futures_util::SinkExt;
use tokio_postgres::{Client, NoTls};

use crate::{Failure, case::Case, process::Process, seed};

/// How long the server may take to start.
const START_MAX: Duration = Duration::from_secs(60);
/// Rows of one message while a table is filled.
const CHUNK: usize = 1000;

/// A running server.
pub(crate) struct Server {
    programs: PathBuf,
    directory: PathBuf,
    pub(crate) process: Process,
}

impl Server {
    /// Starts one in a directory, on the processors that everybody shares.
    pub(crate) async fn start(directory: &Path) -> Result<Self, Failure> {
        let programs = programs()?;
        let directory = directory.join("postgresql");
        fs::create_dir(&directory)?;
        if is_root()? {
            // It refuses to run as root, and has to reach its directory.
            let above = directory.parent().unwrap_or(Path::new("/"));
            run(Command::new("chmod").arg("711").arg(above))?;
            run(Command::new("chown").arg("postgres:postgres").arg(&directory))?;
        }
        let data = directory.join("data");
        let mut initdb = as_postgres(&programs.join("initdb"))?;
        initdb.args(["--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8"]);
        run(initdb.arg("--locale=C.UTF-8").arg("-D").arg(&data))?;
        let mut postgres = as_postgres(&programs.join("postgres"))?;
        postgres.arg("-D").arg(&data).arg("-k").arg(&directory).args(["-c", "listen_addresses="]);
        let log = directory.join("log");
        let process = Process::start(&mut postgres, &log)?;
        let server = Self { programs, directory, process };
        let began = Instant::now();
        while let Err(error) = server.connect("postgres").await {
            if began.elapsed() > START_MAX {
                let words = fs::read_to_string(&log).unwrap_or_default();
                return Err(format!("PostgreSQL does not start: {error}\n{words}").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(server)
    }

    /// The address of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        let socket = self.directory.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{socket}/{database}")
    }

    async fn connect(&self, database: &str) -> Result<Client, Failure> {
        let (client, connection) = tokio_postgres::connect(&self.url(database), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Makes an empty database with these tables.
    pub(crate) async fn create(&self, database: &str, schema: &str) -> Result<(), Failure> {
        let client = self.connect("postgres").await?;
        client.batch_execute(&format!("CREATE DATABASE {database}")).await?;
        Ok(self.connect(database).await?.batch_execute(schema).await?)
    }

    /// Fills `messages` up to a number of rows, and gives each user as many notes.
    pub(crate) async fn fill(
        &self,
        database: &str,
        rows: usize,
        owners: &[String],
    ) -> Result<(), Failure> {
        let client = self.connect(database).await?;
        let messages = (0..rows).map(|place| {
            let seed::Message { id, room, author, data, created_at } = seed::Message::at(place);
            format!("{id}\t{room}\t{author}\t{data}\t{created_at}\n")
        });
        copy(&client, "messages (id, room, author, data, created_at)", messages).await?;
        let notes = owners.iter().enumerate().flat_map(|(number, owner)| {
            seed::notes_of(number).into_iter().enumerate().map(move |(place, id)| {
                let seed::Message { room, data, created_at, .. } = seed::Message::at(place);
                format!("{id}\t{owner}\t{room}\t{data}\t{created_at}\n")
            })
        });
        if !owners.is_empty() {
            copy(&client, "notes (id, user_id, room, data, created_at)", notes).await?;
        }
        // So that nobody is cleaned up after while others are measured.
        client.batch_execute("VACUUM ANALYZE").await?;
        Ok(client.batch_execute("CHECKPOINT").await?)
    }

    /// Runs `pgbench` for a while with prepared statements; answers per second and the mean delay
    /// in milliseconds.
    pub(crate) async fn pgbench(
        &self,
        bench: &Pgbench,
        length: Duration,
    ) -> Result<(f64, f64), Failure> {
        let script = self.directory.join("script.sql");
        fs::write(&script, bench.script())?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut command = Command::new(self.programs.join("pgbench"));
        command.args(["-n", "-M", "prepared", "-U", "postgres"]).arg("-h").arg(&self.directory);
        command.args(["-c", &bench.connections.to_string()]);
        command.args(["-j", &threads.min(bench.connections).to_string()]);
        command.args(["-T", &length.as_secs().max(1).to_string()]);
        command.arg("-f").arg(&script).arg(bench.database);
        // Its own processor time is no server's: it stands for the client.
        let told = tokio::task::spawn_blocking(move || run(&mut command)).await??;
        let number = |from: &str| {
            let rest = told.split_once(from).map(|(_, rest)| rest.trim_start());
            rest.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok())
        };
        match (number("tps ="), number("latency average =")) {
            (Some(per_second), Some(mean_ms)) => Ok((per_second, mean_ms)),
            _ => Err(format!("pgbench says what nobody understands: {told}").into()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // At once, and its children with it; the process is waited for when it is dropped.
        let _ = Command::new("kill").arg("-QUIT").arg(self.process.id().to_string()).status();
        let began = Instant::now();
        while !self.process.has_ended() && began.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What `pgbench` asks.
pub(crate) struct Pgbench {
    pub(crate) case: Case,
    pub(crate) database: &'static str,
    pub(crate) connections: usize,
    pub(crate) rows: usize,
}

impl Pgbench {
    /// The same statement as the limit's, over the same keys; empty for what it is not asked.
    fn script(&self) -> String {
        let columns = "SELECT id, room, author, data, created_at FROM messages";
        match self.case {
            Case::Get => {
                let (rows, [factor, prime, first]) = (self.rows.max(1), seed::KEY);
                // The keys are decimal digits for this: the server only has to pad them.
                format!(
                    "\\set place random(0, {rows} - 1)\n\
                     \\set key {first} + :place * {factor} % {prime}\n\
                     {columns} WHERE id = rpad(:key, 32, '0')::uuid;\n"
                )
            }
            Case::List => format!("{columns} ORDER BY created_at DESC LIMIT 20;\n"),
            _ => String::new(),
        }
    }
}

async fn copy(
    client: &Client,
    target: &str,
    lines: impl Iterator<Item = String>,
) -> Result<(), Failure> {
    let sink = client.copy_in::<_, bytes::Bytes>(&format!("COPY {target} FROM STDIN")).await?;
    let mut sink = std::pin::pin!(sink);
    let mut lines = lines.peekable();
    while lines.peek().is_some() {
        let chunk: String = lines.by_ref().take(CHUNK).collect();
        sink.send(chunk.into()).await?;
    }
    sink.finish().await?;
    Ok(())
}

/// Where the newest server's programs are.
fn programs() -> Result<PathBuf, Failure> {
    let installed =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    let versions = installed.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    if let Some(version) = versions.filter(|version| *version >= 15).max() {
        return Ok(PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")));
    }
    let told = run(Command::new("pg_config").arg("--bindir"))
        .map_err(|error| format!("no PostgreSQL 15 or newer is installed ({error})"))?;
    Ok(PathBuf::from(told.trim()))
}

fn is_root() -> Result<bool, Failure> {
    Ok(run(Command::new("id").arg("-u"))?.trim() == "0")
}

/// PostgreSQL refuses to run as root.
fn as_postgres(program: &Path) -> Result<Command, Failure> {
    if !is_root()? {
        return Ok(Command::new(program));
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    command.current_dir("/");
    Ok(command)
}

fn run(command: &mut Command) -> Result<String, Failure> {
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?}: {words}").into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
