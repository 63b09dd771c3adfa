//! Whether answers stay as quick while a table grows from a thousand rows to ten million.

use std::{fs, time::Duration};

use crate::{
    Failure, Run,
    case::{Case, Store},
    load::{self, Pressure},
    postgresql::Server,
    subject::{self, At, Durability},
};

/// Options.
#[derive(clap::Args)]
pub(crate) struct Growth {
    /// Rows of the table, one measurement each.
    #[arg(long, value_delimiter = ',', default_value = "1000,10000,100000,1000000,10000000")]
    sizes: Vec<usize>,
    /// Rows are in a PostgreSQL server of its own, not in SQLite.
    #[arg(long)]
    postgresql: bool,
}

/// What is asked of each size.
const CASES: [Case; 4] = [Case::Get, Case::List, Case::FirstPage, Case::FarPage];

/// Measures each size in turn and prints a table.
pub(crate) fn run(growth: &Growth, run: &Run) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut text = String::from("| rows | start, ms | after a kill, ms |");
    for case in CASES {
        text += &format!(" {0}, µs | {0}, p50 ms | {0}, answers/s |", case.name());
    }
    text += &format!(" memory, MiB |\n{}|\n", "| --- ".repeat(4 + 3 * CASES.len()));
    for &rows in &growth.sizes {
        let line = runtime.block_on(line(growth, &Run { rows, ..run.clone() }))?;
        eprint!("{line}");
        text += &line;
    }
    println!("{text}");
    fs::create_dir_all(&run.output)?;
    Ok(fs::write(run.output.join("growth.md"), text)?)
}

async fn line(growth: &Growth, run: &Run) -> Result<String, Failure> {
    let directory = tempfile::tempdir()?;
    let server = match growth.postgresql {
        true => Some(Server::start(directory.path()).await?),
        false => None,
    };
    let at = match &server {
        Some(server) => At::Server(directory.path(), server),
        None => At::Directory(directory.path()),
    };
    let durability = match at.store() {
        Store::Sqlite => Durability::Normal,
        Store::Postgresql => Durability::Full,
    };
    let subject = subject::start_ours(run, at, durability).await?;
    let length = Duration::from_millis(run.round_ms);
    let connections = run.connections.first().copied().unwrap_or(64);
    let pressure = Pressure { connections, length, rate: run.rate };
    let [start, killed] =
        [subject.start_ms, subject.killed_start_ms].map(|ms| ms.unwrap_or_default());
    let mut line = format!("| {} | {start:.0} | {killed:.0} |", run.rows);
    for case in CASES {
        // A thousand rows have no page that is far.
        if case == Case::FarPage && run.rows < Case::FAR_ROWS {
            line += " | | |";
            continue;
        }
        let sample = load::measure(&subject, case, pressure).await?;
        let (us, p50_ms, per_second) = (sample.server_us, sample.p50_ms, sample.per_second);
        line += &format!(" {us:.1} | {p50_ms:.2} | {per_second:.0} |");
    }
    Ok(format!("{line} {:.0} |\n", subject.memory_mib().0))
}
