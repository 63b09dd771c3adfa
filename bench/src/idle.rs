//! What connections cost that are kept open and ask nothing: memory, processor, and the delay of
//! those who do ask meanwhile.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::{
    Failure, Run,
    case::Case,
    client::Client,
    load::{self, Pressure},
    subject::{self, At, Durability, Subject},
};

/// Options.
#[derive(clap::Args)]
pub(crate) struct Idle {
    /// How many.
    #[arg(default_value_t = 10_000)]
    open: usize,
    /// How long they are held before each measurement, in seconds.
    #[arg(long, default_value_t = 10)]
    hold_s: u64,
}

/// Requests per second meanwhile where `--rate` says nothing.
const RATE: f64 = 2000.0;
/// Connections that ask meanwhile, files that are open anyway.
const SPARE: u64 = 200;

/// Opens and holds them, and prints what it takes.
pub(crate) fn run(idle: &Idle, run: &Run) -> Result<(), Failure> {
    raise_limit(idle.open as u64 + SPARE)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(hold(idle, run))
}

/// As many files as the connections need.
fn raise_limit(files: u64) -> Result<(), Failure> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.maximum.is_some_and(|maximum| maximum < files) {
        let maximum = limit.maximum.unwrap_or(0);
        return Err(format!(
            "{files} files are needed and the system allows {maximum}; raise the hard limit \
             (`ulimit -Hn {files}` as root) or hold fewer connections"
        )
        .into());
    }
    if limit.current.is_some_and(|current| current < files) {
        limit.current = Some(files);
        setrlimit(Resource::Nofile, limit)?;
    }
    Ok(())
}

async fn hold(idle: &Idle, run: &Run) -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let at = At::Directory(directory.path());
    let subject = subject::start_ours(run, at, Durability::Normal).await?;
    let asking = run.connections.first().copied().unwrap_or(64);
    let length = Duration::from_millis(run.round_ms.max(5000));
    let pressure = Pressure { connections: asking, length, rate: Some(run.rate.unwrap_or(RATE)) };
    let alone = load::measure(&subject, Case::Get, pressure).await?;
    let before_mib = subject.memory_mib().0;
    let began = Instant::now();
    let mut clients = Vec::new();
    for _ in 0..idle.open {
        clients.push(Client::connect(subject.address).await?);
    }
    ask_all(&subject, &mut clients).await?;
    let opened_s = began.elapsed().as_secs_f64();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let used_before = subject.processor_seconds();
    tokio::time::sleep(Duration::from_secs(idle.hold_s)).await;
    let used = subject.processor_seconds() - used_before;
    let held_mib = subject.memory_mib().0;
    let beside = load::measure(&subject, Case::Get, pressure).await?;
    ask_all(&subject, &mut clients).await?;
    let count = idle.open;
    let text = format!(
        "{count} connections were opened and asked once each in {opened_s:.1} s, held, and \
         answered again at the end.\n\n\
         | | without them | beside them |\n| --- | --- | --- |\n\
         | memory, MiB | {before_mib:.1} | {held_mib:.1} |\n\
         | get, public: p50 ms | {:.2} | {:.2} |\n\
         | get, public: p99 ms | {:.2} | {:.2} |\n\n\
         {:.1} KiB for each connection; while they ask nothing the server takes {:.2} % of one \
         processor.\n",
        alone.p50_ms,
        beside.p50_ms,
        alone.p99_ms,
        beside.p99_ms,
        (held_mib - before_mib) * 1024.0 / count as f64,
        used / idle.hold_s.max(1) as f64 * 100.0,
    );
    println!("{text}");
    fs::create_dir_all(&run.output)?;
    Ok(fs::write(run.output.join("idle.md"), text)?)
}

/// One answer over each connection.
async fn ask_all(subject: &Subject, clients: &mut [Client]) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    for (place, client) in clients.iter_mut().enumerate() {
        bytes.clear();
        subject.requests.write(Case::Get, place, &mut bytes);
        let answer = client.ask(&bytes).await.map_err(|error| format!("{place}: {error}"))?;
        if answer.status != 200 {
            return Err(format!("connection {place} was answered {}", answer.status).into());
        }
    }
    Ok(())
}
