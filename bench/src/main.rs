//! What a request costs, beside a hand-written server and whatever peers are named, in one run:
//! `cargo run --release -p bench`. A report, never a test: only ratios of one run mean anything on
//! a machine that others use too, so the rounds of all servers are interleaved.

mod case;
mod client;
mod growth;
mod limit;
mod load;
mod peer;
mod process;
mod report;
mod seed;
mod subject;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

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
    /// The hand-written server that the others are compared with.
    Limit(limit::Limit),
    /// One key and one page, in tables of a thousand to ten million rows.
    Growth(growth::Growth),
}

/// What is measured, and how long.
#[derive(clap::Args, Clone)]
struct Run {
    /// The command that is measured.
    #[arg(long, default_value = "target/release/vitruvius")]
    binary: PathBuf,
    /// Connections that ask at the same time.
    #[arg(long, value_delimiter = ',', default_value = "64")]
    connections: Vec<usize>,
    /// How often each case is measured; the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Length of one measurement in milliseconds, after a fifth of it to warm up.
    #[arg(long, default_value_t = 2000)]
    round_ms: u64,
    /// Rows of the table that is asked.
    #[arg(long, default_value_t = 100_000)]
    rows: usize,
    /// Asks at this rate per second whether answers come or not, and counts delay from the moment
    /// at which the request was due; without it each connection waits for its answer.
    #[arg(long)]
    rate: Option<f64>,
    /// A JSON file that names other servers that are running, and their requests.
    #[arg(long)]
    peers: Option<PathBuf>,
    /// Directory of the report.
    #[arg(long, default_value = "target/bench")]
    output: PathBuf,
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    match arguments.verb {
        Some(Verb::Limit(limit)) => limit::serve(&limit),
        Some(Verb::Growth(growth)) => growth::run(&growth, &arguments.run),
        None => report::run(&arguments.run),
    }
}
