//! Whether memory grows under a constant load of mixed requests: a sample every ten seconds, and the
//! slope of what the server holds of its own once its caches have had time to fill.

use std::{
    fmt::Write as _,
    fs,
    time::{Duration, Instant},
};

use crate::{
    Failure, Run,
    case::Case,
    load::{self, Pressure},
    postgresql::Server,
    subject::{self, At, Durability},
};

/// Options.
#[derive(clap::Args)]
pub(crate) struct Soak {
    /// How long.
    minutes: f64,
    /// Minutes at the beginning that the slope leaves out; half of all where it is not said.
    #[arg(long)]
    settle: Option<f64>,
    /// Rows are in a PostgreSQL server of its own, not in SQLite.
    #[arg(long)]
    postgresql: bool,
}

/// Between two samples.
const EVERY: Duration = Duration::from_secs(10);
/// Requests per second where `--rate` says nothing.
const RATE: f64 = 2000.0;

/// One look at the server.
struct Sample {
    seconds: f64,
    own_mib: f64,
    files_mib: f64,
    load: load::Sample,
}

/// Loads and watches, prints each sample, and writes all of them with the slope.
pub(crate) fn run(soak: &Soak, run: &Run) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let directory = tempfile::tempdir()?;
        let server = match soak.postgresql {
            true => Some(Server::start(directory.path()).await?),
            false => None,
        };
        let at = match &server {
            Some(server) => At::Server(directory.path(), server),
            None => At::Directory(directory.path()),
        };
        watch(soak, run, at).await
    })
}

async fn watch(soak: &Soak, run: &Run, at: At<'_>) -> Result<(), Failure> {
    let subject = subject::start_ours(run, at, Durability::Full).await?;
    let connections = run.connections.first().copied().unwrap_or(64);
    let mut clients = load::connect(subject.address, connections).await?;
    let rate = run.rate.unwrap_or(RATE);
    let pressure = Pressure { connections, length: EVERY, rate: Some(rate) };
    let head = "| minute | own memory, MiB | of files, MiB | answers/s | p50 ms | p99 ms |\n| --- | --- | --- | --- | --- | --- |\n";
    let mut text = format!(
        "{rate:.0} requests per second over {connections} connections, {} rows at first; idle \
         {:.0} MiB.\n\n{head}",
        run.rows, subject.idle_mib
    );
    let mut samples = Vec::new();
    let began = Instant::now();
    while began.elapsed().as_secs_f64() < soak.minutes * 60.0 {
        let load = load::mixed(&subject, &mut clients, &mixture, pressure).await?;
        let seconds = began.elapsed().as_secs_f64();
        let (own_mib, files_mib) = subject.own_and_files_mib();
        let sample = Sample { seconds, own_mib, files_mib, load };
        let line = sample.line();
        eprint!("{line}");
        text += &line;
        samples.push(sample);
    }
    let settle = soak.settle.unwrap_or(soak.minutes / 2.0);
    text += &format!("\n{}", slopes(&samples, settle));
    let _ = writeln!(
        text,
        "At most {:.0} MiB with pages of files; {:.1} µs of processor for each answer.",
        subject.memory_mib().1,
        subject.processor_seconds() * 1e6
            / samples.iter().map(|it| it.load.per_second * EVERY.as_secs_f64()).sum::<f64>(),
    );
    println!("{text}");
    fs::create_dir_all(&run.output)?;
    Ok(fs::write(run.output.join("soak.md"), text)?)
}

/// Of ten requests eight read and two write; half of them with a token.
fn mixture(place: usize) -> Case {
    match place % 10 {
        0..3 => Case::Get,
        3..5 => Case::GetOwn,
        5 => Case::List,
        6..8 => Case::ListOwn,
        8 => Case::Insert,
        _ => Case::InsertOwn,
    }
}

impl Sample {
    fn line(&self) -> String {
        let Self { seconds, own_mib, files_mib, load } = self;
        let load::Sample { per_second, p50_ms, p99_ms, .. } = load;
        let minute = seconds / 60.0;
        format!(
            "| {minute:.1} | {own_mib:.1} | {files_mib:.1} | {per_second:.0} | {p50_ms:.2} | {p99_ms:.2} |\n"
        )
    }
}

/// What grew after so many minutes, and in each quarter of that time: caches that still fill show as
/// quarters that grow less and less, a leak as four that are alike.
fn slopes(samples: &[Sample], settle: f64) -> String {
    let from = samples.partition_point(|sample| sample.seconds < settle * 60.0);
    let later = samples.get(from..).unwrap_or_default();
    let length = later.len().div_ceil(4).max(1);
    let quarters: Vec<String> =
        later.chunks(length).map(|quarter| format!("{:+.1}", slope_per_hour(quarter))).collect();
    format!(
        "Own memory after minute {settle:.1}: {:+.1} MiB per hour; by quarters of that time {}.\n",
        slope_per_hour(later),
        quarters.join(", ")
    )
}

/// The line of least squares through the samples, in MiB per hour.
fn slope_per_hour(samples: &[Sample]) -> f64 {
    let count = samples.len() as f64;
    let mean = |of: fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (seconds, memory) = (mean(|it| it.seconds), mean(|it| it.own_mib));
    let (mut along, mut across) = (0.0, 0.0);
    for sample in samples {
        along += (sample.seconds - seconds).powi(2);
        across += (sample.seconds - seconds) * (sample.own_mib - memory);
    }
    if along > 0.0 { across / along * 3600.0 } else { 0.0 }
}
