//! Whether answers stay as quick while a table grows from a thousand rows to ten million.

use std::{fs, time::Duration};

use crate::{
    Failure, Run,
    case::{Case, Store},
    load::{self, Pressure, Sample, median},
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

/// Measures each size in turn and prints a table. The limit is measured beside: what a size costs that
/// server too is the machine's and the database's.
pub(crate) fn run(growth: &Growth, run: &Run) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut text = String::from("| rows | start, ms | after a kill, ms |");
    let mut columns = 4;
    for case in CASES {
        let name = case.name();
        text += &format!(" {name}, µs |");
        columns += 1;
        if has_limit(case) {
            text += &format!(" {name}, limit, µs | {name}, share |");
            columns += 2;
        }
    }
    text += &format!(" memory, MiB |\n{}|\n", "| --- ".repeat(columns));
    for &rows in &growth.sizes {
        let line = runtime.block_on(line(growth, &Run { rows, ..run.clone() }))?;
        eprint!("{line}");
        text += &line;
    }
    println!("{text}");
    fs::create_dir_all(&run.output)?;
    Ok(fs::write(run.output.join("growth.md"), text)?)
}

/// Whether the limit server answers it: it has no numbered pages.
fn has_limit(case: Case) -> bool {
    matches!(case, Case::Get | Case::List)
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
    let limit = subject::start_limit(run, at, durability).await?;
    let ours = subject::start_ours(run, at, durability).await?;
    let length = Duration::from_millis(run.round_ms);
    let connections = run.connections.first().copied().unwrap_or(64);
    let pressure = Pressure { connections, length, rate: run.rate };
    let [start, killed] = [ours.start_ms, ours.killed_start_ms].map(|ms| ms.unwrap_or_default());
    let mut line = format!("| {} | {start:.0} | {killed:.0} |", run.rows);
    for case in CASES {
        // A thousand rows have no page that is far.
        if case == Case::FarPage && run.rows < Case::FAR_ROWS {
            line += " |";
            continue;
        }
        let (mut own, mut of_limit) = (Vec::new(), Vec::new());
        for _ in 0..run.rounds {
            own.push(load::measure(&ours, case, pressure).await?);
            if has_limit(case) {
                of_limit.push(load::measure(&limit, case, pressure).await?);
            }
        }
        line += &format!(" {:.1} |", median(&own, |sample| sample.server_us));
        if has_limit(case) {
            let per_second = |samples: &[Sample]| median(samples, |sample| sample.per_second);
            let share = per_second(&own) / per_second(&of_limit).max(1.0);
            line += &format!(" {:.1} | {share:.2} |", median(&of_limit, |sample| sample.server_us));
        }
    }
    Ok(format!("{line} {:.0} |\n", ours.memory_mib().0))
}
