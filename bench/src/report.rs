//! Runs all cases on all servers in interleaved rounds, and writes the table, the plot and the
//! figures.

use std::{fmt::Write as _, fs, path::Path, time::Duration};

use serde_json::json;

use crate::{
    Failure, Run,
    case::{Case, Store},
    load::{self, Pressure, Sample},
    postgresql::{Pgbench, Server},
    subject::{self, At, Durability, LIMIT_FULL, Role, Subject},
};

/// Connections of `pgbench`.
const PGBENCH_CONNECTIONS: [usize; 2] = [8, 64];

/// Everything that is measured in one run.
struct Bench<'a> {
    run: &'a Run,
    store: Store,
    server: Option<&'a Server>,
    subjects: Vec<Subject>,
}

/// All rounds of one case on one server under one number of connections.
struct Series {
    case: Case,
    connections: usize,
    by: By,
    rounds: Vec<Sample>,
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// A server, by its place.
    Subject(usize),
    /// PostgreSQL itself.
    Pgbench,
}

/// Measures and reports.
pub(crate) fn run(run: &Run, store: Store) -> Result<(), Failure> {
    // One thread for the client, so that it takes as little from the servers as it can.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let directory = tempfile::tempdir()?;
        match store {
            Store::Sqlite => measure(run, At::Directory(directory.path()), None).await,
            Store::Postgresql => {
                let server = Server::start(directory.path()).await?;
                measure(run, At::Server(directory.path(), &server), Some(&server)).await
            }
        }
    })
}

async fn measure(run: &Run, at: At<'_>, server: Option<&Server>) -> Result<(), Failure> {
    let mut subjects = Vec::new();
    let usual = usual(at.store());
    let other = if usual == Durability::Full { Durability::Normal } else { Durability::Full };
    for durability in [usual, other] {
        subjects.push(subject::start_limit(run, at, durability).await?);
        subjects.push(subject::start_ours(run, at, durability).await?);
    }
    subjects.extend(subject::peers(run.peers.as_ref())?);
    let bench = Bench { run, store: at.store(), server, subjects };
    let mut found = Vec::new();
    for &connections in &run.connections {
        for case in run.cases() {
            found.extend(bench.rounds(case, connections).await?);
        }
    }
    bench.write(&found)
}

/// The durability under which reads are measured too.
fn usual(store: Store) -> Durability {
    match store {
        Store::Sqlite => Durability::Normal,
        Store::Postgresql => Durability::Full,
    }
}

impl Bench<'_> {
    /// One case on all servers that answer it, in turn, as often as there are rounds.
    async fn rounds(&self, case: Case, connections: usize) -> Result<Vec<Series>, Failure> {
        let length = Duration::from_millis(self.run.round_ms);
        let pressure = Pressure { connections, length, rate: self.run.rate };
        let series = |by, connections| Series { case, connections, by, rounds: Vec::new() };
        let asked = self.subjects.iter().enumerate().filter(|(_, subject)| {
            let is_usual = match subject.role {
                Role::Limit(durability) | Role::Ours(durability) => durability == usual(self.store),
                Role::Peer => true,
            };
            // Reads are alike whatever a write waits for.
            subject.requests.answers(case) && (is_usual || case.is_write())
        });
        let mut all: Vec<Series> =
            asked.map(|(place, _)| series(By::Subject(place), connections)).collect();
        if self.server.is_some() && matches!(case, Case::Get | Case::List) {
            all.extend(PGBENCH_CONNECTIONS.map(|count| series(By::Pgbench, count)));
        }
        for round in 0..self.run.rounds {
            eprintln!("{}, {connections} connections, round {}", case.name(), round + 1);
            for one in &mut all {
                one.rounds.push(match one.by {
                    By::Subject(place) => {
                        let Some(subject) = self.subjects.get(place) else { continue };
                        let sample = load::measure(subject, case, pressure).await;
                        sample.map_err(|error| format!("{}: {error}", subject.name))?
                    }
                    By::Pgbench => self.pgbench(case, one.connections, length).await?,
                });
            }
        }
        Ok(all)
    }

    async fn pgbench(
        &self,
        case: Case,
        connections: usize,
        length: Duration,
    ) -> Result<Sample, Failure> {
        let Some(server) = self.server else { return Ok(Sample::default()) };
        let pgbench = Pgbench { case, database: LIMIT_FULL, connections, rows: self.run.rows };
        let before = server.process.processor_seconds();
        let (per_second, mean_ms) = server.pgbench(&pgbench, length).await?;
        let used = server.process.processor_seconds() - before;
        let answers = per_second * length.as_secs_f64().trunc().max(1.0);
        Ok(Sample {
            per_second,
            p50_ms: mean_ms,
            server_us: used * 1e6 / answers.max(1.0),
            ..Sample::default()
        })
    }

    fn name(&self, one: &Series) -> String {
        match one.by {
            By::Subject(place) => {
                self.subjects.get(place).map_or(String::new(), |subject| subject.name.clone())
            }
            By::Pgbench => "`pgbench`, prepared".to_owned(),
        }
    }

    fn role(&self, one: &Series) -> Role {
        match one.by {
            By::Subject(place) => self.subjects.get(place).map_or(Role::Peer, |it| it.role),
            By::Pgbench => Role::Peer,
        }
    }

    /// The server that one is compared with: the limit with the same durability.
    fn reference<'f>(&self, one: &Series, found: &'f [Series]) -> Option<&'f Series> {
        let durability = match self.role(one) {
            Role::Ours(durability) => durability,
            Role::Peer => usual(self.store),
            Role::Limit(_) => return None,
        };
        found.iter().find(|other| {
            self.role(other) == Role::Limit(durability)
                && other.case == one.case.reference()
                && (other.connections == one.connections || one.by == By::Pgbench)
        })
    }

    fn write(&self, found: &[Series]) -> Result<(), Failure> {
        let table = self.table(found);
        println!("{table}");
        let name = match self.store {
            Store::Sqlite => "report",
            Store::Postgresql => "postgresql",
        };
        let output: &Path = &self.run.output;
        fs::create_dir_all(output)?;
        fs::write(output.join(format!("{name}.md")), table)?;
        fs::write(output.join(format!("{name}.svg")), self.plot(found))?;
        fs::write(output.join(format!("{name}.json")), self.figures(found).to_string())?;
        println!("{name}.md, {name}.svg and {name}.json are in {}", output.display());
        Ok(())
    }

    fn table(&self, found: &[Series]) -> String {
        let Run { rows, rounds, round_ms, .. } = self.run;
        let mut text = format!(
            "{rows} rows, {rounds} rounds of {round_ms} ms, medians; `share` is the throughput over \
             that of the limit in the same run, `µs` the time on processors for each answer of the \
             server and its database, `others` what the machine did beside them and the client.\n\n\
             | request | connections | server | answers/s | share | aim | p50 ms | p99 ms | µs | \
             µs over limit | others |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        );
        for one in found {
            text += &self.line(one, found);
        }
        if self.server.is_some() {
            text += &self.beside_pgbench(found);
        }
        text.push_str(
            "\n| server | start to first answer, ms | idle, MiB | after the load, MiB | \
             at most, MiB |\n| --- | --- | --- | --- | --- |\n",
        );
        for subject in &self.subjects {
            let (now, peak) = subject.memory_mib();
            let start = subject.start_ms.map_or(String::new(), |start| format!("{start:.0}"));
            let _ = writeln!(
                text,
                "| {} | {start} | {:.0} | {now:.0} | {peak:.0} |",
                subject.name, subject.idle_mib
            );
        }
        text
    }

    fn line(&self, one: &Series, found: &[Series]) -> String {
        let limit = self.reference(one, found);
        let over = |of: fn(&Sample) -> f64| {
            limit.map_or(String::new(), |limit| format!("{:.2}", one.median(of) / limit.median(of)))
        };
        let is_ours = matches!(self.role(one), Role::Ours(_));
        let aim = one.case.share_aim(self.store).filter(|_| is_ours);
        // `pgbench` tells the mean alone, and the machine's other work is not told from its own.
        let told = |value: String| if one.by == By::Pgbench { "–".to_owned() } else { value };
        format!(
            "| {} | {} | {} | {:.0} | {} | {} | {:.2} | {} | {:.1} | {} | {} |\n",
            one.case.name(),
            one.connections,
            self.name(one),
            one.median(|sample| sample.per_second),
            over(|sample| sample.per_second),
            aim.map_or(String::new(), |aim| format!("{aim:.2}")),
            one.median(|sample| sample.p50_ms),
            told(format!("{:.2}", one.median(|sample| sample.p99_ms))),
            one.median(|sample| sample.server_us),
            over(|sample| sample.server_us),
            told(format!("{:.0} %", one.median(|sample| sample.others) * 100.0)),
        )
    }

    /// Our throughput over that of PostgreSQL asked by `pgbench`.
    fn beside_pgbench(&self, found: &[Series]) -> String {
        let mut text = String::from("\nOver `pgbench` (its p50 is a mean):");
        for own in found.iter().filter(|one| matches!(self.role(one), Role::Ours(_))) {
            let rate = |one: &Series| one.median(|sample| sample.per_second);
            let beside = found.iter().filter(|it| it.by == By::Pgbench && it.case == own.case);
            for bare in beside {
                let _ = write!(
                    text,
                    " {} with {} connections {:.2} of its {};",
                    own.case.name(),
                    own.connections,
                    rate(own) / rate(bare),
                    bare.connections
                );
            }
        }
        text.pop();
        text + ".\n"
    }

    /// Everything measured, for other programs.
    fn figures(&self, found: &[Series]) -> serde_json::Value {
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
                "server": self.name(series),
                "rounds": rounds,
            })
        };
        found.iter().map(one).collect()
    }

    /// Bars of answers per second, one for each case and server.
    fn plot(&self, found: &[Series]) -> String {
        const BAR: usize = 16;
        const COLOURS: [&str; 6] =
            ["#9aa5b1", "#7b3b1a", "#c3cad2", "#b5794f", "#3b6ea5", "#4f8f5b"];
        let rate = |one: &Series| one.median(|sample| sample.per_second);
        let most = found.iter().map(rate).fold(1.0, f64::max);
        let height = found.len() * (BAR + 4) + 20;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"960\" height=\"{height}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n"
        );
        for (place, one) in found.iter().enumerate() {
            let (top, width) = (10 + place * (BAR + 4), rate(one) / most * 420.0);
            let colour = match one.by {
                By::Subject(place) => COLOURS.get(place % COLOURS.len()).copied(),
                By::Pgbench => Some("#336791"),
            };
            let _ = writeln!(
                svg,
                "<text x=\"0\" y=\"{text}\">{}, {} connections, {}</text>\
                 <rect x=\"460\" y=\"{top}\" width=\"{width:.0}\" height=\"{BAR}\" \
                 fill=\"{}\"/><text x=\"{:.0}\" y=\"{text}\">{:.0}</text>",
                one.case.name(),
                one.connections,
                self.name(one),
                colour.unwrap_or("black"),
                465.0 + width,
                rate(one),
                text = top + 12,
            );
        }
        svg.push_str("</svg>\n");
        svg
    }
}

impl Series {
    fn median(&self, of: impl Fn(&Sample) -> f64) -> f64 {
        load::median(&self.rounds, of)
    }
}
