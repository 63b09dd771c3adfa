//! Whether answers stay as quick while a table grows from a thousand rows to ten million.

use std::{fs, time::Duration};

use crate::{
    Failure, Run,
    case::Case,
    load::{self, Pressure},
    subject,
};

/// Options.
#[derive(clap::Args)]
pub(crate) struct Growth {
    /// Rows of the table, one measurement each.
    #[arg(long, value_delimiter = ',', default_value = "1000,10000,100000,1000000,10000000")]
    sizes: Vec<usize>,
}

/// Measures each size in turn and prints a table.
pub(crate) fn run(growth: &Growth, run: &Run) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut text = String::from(
        "| rows | start, ms | get µs | get/s | list µs | list/s | memory, MiB |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for &rows in &growth.sizes {
        let directory = tempfile::tempdir()?;
        let sized = Run { rows, ..run.clone() };
        let line = runtime.block_on(async {
            let subject = subject::start_ours(&sized, false, directory.path()).await?;
            let length = Duration::from_millis(run.round_ms);
            let connections = run.connections.first().copied().unwrap_or(64);
            let pressure = Pressure { connections, length, rate: run.rate };
            let mut line = format!("| {rows} | {:.0} |", subject.start_ms.unwrap_or(0.0));
            for case in [Case::Get, Case::List] {
                let (process, requests) = (subject.process.as_ref(), subject.requests.as_ref());
                let sample =
                    load::measure(subject.address, process, case, requests, pressure).await?;
                line += &format!(" {:.1} | {:.0} |", sample.server_us, sample.per_second);
            }
            let memory_mib = subject.process.as_ref().map_or(0.0, |one| one.memory_mib().0);
            Ok::<_, Failure>(format!("{line} {memory_mib:.0} |\n"))
        })?;
        eprint!("{line}");
        text += &line;
    }
    println!("{text}");
    fs::create_dir_all(&run.output)?;
    Ok(fs::write(run.output.join("growth.md"), text)?)
}
