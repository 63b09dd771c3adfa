//! Runs all cases on all servers in interleaved rounds, and writes the table, the plot and the
//! figures.

use std::{fmt::Write as _, fs, time::Duration};

use serde_json::json;

use crate::{
    Failure, Run,
    case::Case,
    load::{self, Pressure, Sample},
    subject::{self, Subject},
};

/// All rounds of one case on one server under one number of connections.
struct Series {
    case: Case,
    connections: usize,
    subject: usize,
    rounds: Vec<Sample>,
}

/// Measures and reports.
pub(crate) fn run(run: &Run) -> Result<(), Failure> {
    // One thread for the client, so that it takes as little from the servers as it can.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(run))
}

async fn measure(run: &Run) -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let mut subjects = vec![
        subject::start_limit(run, false, directory.path()).await?,
        subject::start_ours(run, false, directory.path()).await?,
        subject::start_limit(run, true, directory.path()).await?,
        subject::start_ours(run, true, directory.path()).await?,
    ];
    subjects.extend(subject::peers(run.peers.as_ref())?);
    let mut found = Vec::new();
    for &connections in &run.connections {
        for case in Case::ALL {
            found.extend(rounds(run, &subjects, case, connections).await?);
        }
    }
    let table = table(run, &subjects, &found);
    println!("{table}");
    fs::create_dir_all(&run.output)?;
    fs::write(run.output.join("report.md"), table)?;
    fs::write(run.output.join("report.svg"), plot(&subjects, &found))?;
    fs::write(run.output.join("report.json"), figures(&subjects, &found).to_string())?;
    println!("report.md, report.svg and report.json are in {}", run.output.display());
    Ok(())
}

/// One case on all servers that answer it, in turn, as often as there are rounds.
async fn rounds(
    run: &Run,
    subjects: &[Subject],
    case: Case,
    connections: usize,
) -> Result<Vec<Series>, Failure> {
    let length = Duration::from_millis(run.round_ms);
    let pressure = Pressure { connections, length, rate: run.rate };
    let mut series: Vec<Series> = subjects
        .iter()
        .enumerate()
        .filter(|(_, subject)| subject.requests.answers(case))
        // Reads are alike whatever a write waits for.
        .filter(|(place, _)| ![2, 3].contains(place) || case.is_write())
        .map(|(subject, _)| Series { case, connections, subject, rounds: Vec::new() })
        .collect();
    for round in 0..run.rounds {
        eprintln!("{}, {connections} connections, round {}", case.name(), round + 1);
        for one in &mut series {
            let Some(subject) = subjects.get(one.subject) else { continue };
            let process = subject.process.as_ref();
            let requests = subject.requests.as_ref();
            let sample = load::measure(subject.address, process, case, requests, pressure)
                .await
                .map_err(|error| format!("{}: {error}", subject.name))?;
            one.rounds.push(sample);
        }
    }
    Ok(series)
}

impl Series {
    fn median(&self, of: impl Fn(&Sample) -> f64) -> f64 {
        let mut values: Vec<f64> = self.rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    }
}

/// The server that one is compared with: the limit with the same durability.
fn reference<'a>(one: &Series, found: &'a [Series]) -> Option<&'a Series> {
    let limit = if one.subject == 3 { 2 } else { 0 };
    found.iter().find(|other| {
        other.subject == limit
            && other.case == one.case.reference()
            && other.connections == one.connections
    })
}

fn table(run: &Run, subjects: &[Subject], found: &[Series]) -> String {
    let mut text = format!(
        "{} rows, {} rounds of {} ms, medians; `share` is the throughput over that of the limit in \
         the same run, `µs` the server's time on processors for each answer, `others` what the \
         machine did beside server and client.\n\n\
         | request | connections | server | answers/s | share | aim | p50 ms | p99 ms | µs | µs over limit | others |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        run.rows, run.rounds, run.round_ms
    );
    for one in found {
        let per_second = one.median(|sample| sample.per_second);
        let server_us = one.median(|sample| sample.server_us);
        let limit = reference(one, found).filter(|limit| limit.subject != one.subject);
        let over = |of: fn(&Sample) -> f64, value: f64| {
            limit.map_or(String::new(), |limit| format!("{:.2}", value / limit.median(of)))
        };
        let aim = one.case.share_aim().filter(|_| one.subject == 1);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.0} | {} | {} | {:.2} | {:.2} | {:.1} | {} | {:.0} % |",
            one.case.name(),
            one.connections,
            subjects.get(one.subject).map_or("", |subject| subject.name.as_str()),
            per_second,
            over(|sample| sample.per_second, per_second),
            aim.map_or(String::new(), |aim| format!("{aim:.2}")),
            one.median(|sample| sample.p50_ms),
            one.median(|sample| sample.p99_ms),
            server_us,
            over(|sample| sample.server_us, server_us),
            one.median(|sample| sample.others) * 100.0,
        );
    }
    text.push_str("\n| server | start to first answer, ms | idle, MiB | after the load, MiB | at most, MiB |\n| --- | --- | --- | --- | --- |\n");
    for subject in subjects {
        let (now, peak) = subject.process.as_ref().map_or((0.0, 0.0), |one| one.memory_mib());
        let start = subject.start_ms.map_or(String::new(), |start| format!("{start:.0}"));
        let _ = writeln!(
            text,
            "| {} | {start} | {:.0} | {now:.0} | {peak:.0} |",
            subject.name, subject.idle_mib
        );
    }
    text
}

/// Everything measured, for other programs.
fn figures(subjects: &[Subject], found: &[Series]) -> serde_json::Value {
    let one = |series: &Series| {
        let rounds: Vec<_> = series
            .rounds
            .iter()
            .map(|sample| {
                json!({
                    "per_second": sample.per_second,
                    "p50_ms": sample.p50_ms,
                    "p99_ms": sample.p99_ms,
                    "server_us": sample.server_us,
                    "others": sample.others,
                })
            })
            .collect();
        json!({
            "case": series.case.name(),
            "connections": series.connections,
            "server": subjects.get(series.subject).map(|subject| &subject.name),
            "rounds": rounds,
        })
    };
    found.iter().map(one).collect()
}

/// Bars of answers per second, one for each case and server.
fn plot(subjects: &[Subject], found: &[Series]) -> String {
    const BAR: usize = 16;
    const COLOURS: [&str; 6] = ["#9aa5b1", "#7b3b1a", "#c3cad2", "#b5794f", "#3b6ea5", "#4f8f5b"];
    let most = found.iter().map(|one| one.median(|sample| sample.per_second)).fold(1.0, f64::max);
    let height = found.len() * (BAR + 4) + 20;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"900\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n"
    );
    for (place, one) in found.iter().enumerate() {
        let per_second = one.median(|sample| sample.per_second);
        let (top, width) = (10 + place * (BAR + 4), per_second / most * 420.0);
        let name = subjects.get(one.subject).map_or("", |subject| subject.name.as_str());
        let colour = COLOURS.get(one.subject % COLOURS.len()).copied().unwrap_or("black");
        let text = top + 12;
        let _ = writeln!(
            svg,
            "<text x=\"0\" y=\"{text}\">{}, {} connections, {name}</text>\
             <rect x=\"400\" y=\"{top}\" width=\"{width:.0}\" height=\"{BAR}\" fill=\"{colour}\"/>\
             <text x=\"{:.0}\" y=\"{text}\">{per_second:.0}</text>",
            one.case.name(),
            one.connections,
            405.0 + width,
        );
    }
    svg.push_str("</svg>\n");
    svg
}
