//! What a request costs, beside a hand-written server and whatever peers are named, in one run:
//! `cargo run --release -p bench`, with `postgresql` behind it over PostgreSQL. A report, never a
//! test: only ratios of one run mean anything on a machine that others use too, so the rounds of all
//! servers are interleaved.

mod case;
mod client;
mod growth;
mod idle;
mod limit;
mod load;
mod peer;
mod postgresql;
mod process;
mod report;
mod seed;
mod soak;
mod subject;

use std::path::PathBuf;

use case::{Case, Store};
use clap::{Parser, Subcommand};

/// The same as the command's: what is compared is not the allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Whatever goes wrong ends the run with its words.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures Vitruvius beside its limit.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    run: Run,
}

#[derive(Subcommand)]
enum Verb {
    /// The same beside a hand-written server over PostgreSQL, and beside `pgbench`.
    Postgresql,
    /// The hand-written server that the others are compared with.
    Limit(limit::Limit),
    /// One key and one page, in tables of a thousand to ten million rows.
    Growth(growth::Growth),
    /// Memory under a constant load of mixed requests, for so many minutes.
    Soak(soak::Soak),
    /// What idle connections cost.
    Idle(idle::Idle),
}

/// What is measured, and how long.
#[derive(clap::Args, Clone)]
struct Run {
    /// The command that is measured.
    #[arg(global = true, long, default_value = "target/release/vitruvius")]
    binary: PathBuf,
    /// More words for the command that is measured: `--serve=--page-cache=16`.
    #[arg(global = true, long, value_delimiter = ' ')]
    serve: Vec<String>,
    /// Connections that ask at the same time.
    #[arg(global = true, long, value_delimiter = ',', default_value = "64")]
    connections: Vec<usize>,
    /// Only the cases whose names begin with one of these words: `hello`, `get`, `list`, `insert`.
    #[arg(global = true, long, value_delimiter = ',')]
    only: Vec<String>,
    /// How often each case is measured; the median counts.
    #[arg(global = true, long, default_value_t = 5)]
    rounds: usize,
    /// Length of one measurement in milliseconds, after a fifth of it to warm up.
    #[arg(global = true, long, default_value_t = 2000)]
    round_ms: u64,
    /// Rows of the table that is asked.
    #[arg(global = true, long, default_value_t = 100_000)]
    rows: usize,
    /// Asks at this rate per second whether answers come or not, and counts delay from the moment
    /// at which the request was due; without it each connection waits for its answer.
    #[arg(global = true, long)]
    rate: Option<f64>,
    /// A JSON file that names other servers that are running, and their requests.
    #[arg(global = true, long)]
    peers: Option<PathBuf>,
    /// Directory of the report.
    #[arg(global = true, long, default_value = "target/bench")]
    output: PathBuf,
}

impl Run {
    /// The cases that are wanted.
    fn cases(&self) -> impl Iterator<Item = Case> {
        let is_wanted =
            |case: &Case| self.only.iter().any(|word| case.name().starts_with(word.as_str()));
        Case::ALL.into_iter().filter(move |case| self.only.is_empty() || is_wanted(case))
    }
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    match arguments.verb {
        Some(Verb::Limit(limit)) => limit::serve(&limit),
        Some(Verb::Growth(growth)) => growth::run(&growth, &arguments.run),
        Some(Verb::Soak(soak)) => soak::run(&soak, &arguments.run),
        Some(Verb::Idle(idle)) => idle::run(&idle, &arguments.run),
        Some(Verb::Postgresql) => report::run(&arguments.run, Store::Postgresql),
        None => report::run(&arguments.run, Store::Sqlite),
    }
}
