//! `copy`: all rows from one store into another, from SQLite to PostgreSQL or back.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use engine::service;
use store::{
    copy::{CopyError, Order, Place, Progress, Report, Stage, Tell},
    plan::{self, amount},
};

use crate::{
    Failure, Outcome,
    documents::Files,
    output::{StatusLine, counted, print},
};

/// How often a line says how far it is where nobody watches a bar.
const LINE_PAUSE: Duration = Duration::from_secs(10);
/// Cells of the bar.
const BAR_WIDTH: u64 = 24;
/// Digits of a checksum that are shown.
const CHECKSUM_DIGITS: usize = 16;

/// Arguments of `copy`.
#[derive(clap::Args)]
pub(crate) struct Copy {
    #[command(flatten)]
    files: Files,
    /// Where the rows are: a data directory, or `postgres://user:password@host:5432/name`.
    #[arg(long, value_name = "DIR|URL")]
    from: String,
    /// Where they go: a data directory or a database without rows. Nothing is served from it until
    /// all is there and checked.
    #[arg(long, value_name = "DIR|URL")]
    to: String,
    /// Forget a copy that was cut short, and begin anew.
    #[arg(long)]
    again: bool,
}

impl Copy {
    pub(crate) fn run(self) -> Result<Outcome, Failure> {
        let compiled = self.files.compile()?;
        if !compiled.is_sound() {
            print(&document::render::concise(&compiled, &compiled.diagnostics))?;
            return Ok(Outcome::Findings);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(error.to_string()))?;
        let order = Order {
            from: place(&self.from),
            to: place(&self.to),
            schema: engine::data::schema(&compiled),
            document_hash: service::hash_of(&compiled),
            is_again: self.again,
        };
        let (from, to) = (shown(&order.from), shown(&order.to));
        let started = Instant::now();
        let watched = Arc::new(Watched::new(started));
        let result = runtime.block_on(copied(order, watched.clone()));
        watched.line.clear();
        match result {
            Ok(report) => {
                print(&text(&from, &to, &report, started.elapsed()))?;
                Ok(Outcome::Done)
            }
            Err(CopyFailure::Copy(CopyError::Behind(plan) | CopyError::DoesNotFit(plan))) => {
                print(&super::plan::text(&plan, false))?;
                Err(Failure::new(format!("{from} was not copied to {to}")))
            }
            Err(CopyFailure::Copy(error)) => Err(Failure::new(error.to_string())),
            Err(CopyFailure::Other(failure)) => Err(failure),
        }
    }
}

/// Why nothing was copied.
enum CopyFailure {
    Copy(CopyError),
    Other(Failure),
}

impl From<CopyError> for CopyFailure {
    fn from(error: CopyError) -> Self {
        Self::Copy(error)
    }
}

/// Copies while nobody else writes to the target. The source may be served meanwhile: what is
/// copied is how it was at one moment, and that is said.
async fn copied(order: Order, watched: Arc<Watched>) -> Result<Report, CopyFailure> {
    let machine = |error: engine::StartError| CopyFailure::Other(Failure::new(error.to_string()));
    let mut _source_lock = None;
    let is_served = match &order.from {
        Place::Directory(path) if path.join(service::LOCK_FILE).exists() => {
            _source_lock = service::take(path).await.ok();
            _source_lock.is_none()
        }
        Place::Directory(_) => false,
        server => server.others().await.map_err(CopyError::Store)? > 0,
    };
    let _target_lock = match &order.to {
        Place::Directory(path) => Some(service::take(path).await.map_err(machine)?),
        server => match server.others().await.map_err(CopyError::Store)? {
            0 => None,
            others => {
                let words = counted(others, "connection");
                return Err(CopyFailure::Other(Failure::new(format!(
                    "the target is being served: {words} of another vitruvius; stop it first"
                ))));
            }
        },
    };
    if is_served {
        let moment = jiff::Timestamp::now().strftime("%H:%M:%S UTC");
        eprintln!("the source is being served: what is written to it after {moment} is not copied");
    }
    let tell: Tell = Arc::new(move |progress| watched.tell(progress));
    Ok(store::copy::copy(order, tell).await?)
}

fn place(given: &str) -> Place {
    match engine::database::is_postgres(given) {
        true => Place::Server(given.to_owned()),
        false => Place::Directory(PathBuf::from(given)),
    }
}

/// A place without what is secret of it.
fn shown(place: &Place) -> String {
    match place {
        Place::Directory(path) => Path::display(path).to_string(),
        Place::Server(url) => {
            let (head, rest) = url.split_once("://").unwrap_or(("", url));
            let rest = rest.split('?').next().unwrap_or_default();
            let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
            format!("{head}://{rest}")
        }
    }
}

/// What was copied, table by table.
fn text(from: &str, to: &str, report: &Report, took: Duration) -> String {
    let mut text = format!("copied {from} to {to}\n");
    let filled = report.tables.iter().filter(|(_, sum)| sum.rows > 0);
    let width = filled.clone().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, sum) in filled {
        let digits: String = sum.to_string().chars().take(CHECKSUM_DIGITS).collect();
        text.push_str(&format!("  {name:<width$}  {:>12}  {digits}\n", plan::counted(sum.rows)));
    }
    for left in &report.left {
        text.push_str(&format!("  left behind: {left}, which the document no longer has\n"));
    }
    let rows: u64 = report.tables.iter().map(|(_, sum)| sum.rows).sum();
    let seconds = took.as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = rows.saturating_sub(report.rows_before) as f64 / seconds.max(0.001);
    text.push_str(&format!(
        "{} in {seconds:.1} s ({rate:.0} rows/s with the check); counts and checksums are the same \
         on both sides, {} hold\n",
        amount(rows, "row"),
        counted(report.constraints, "constraint")
    ));
    text
}

/// How far it is, as a bar on a terminal and as a line now and then elsewhere.
struct Watched {
    line: StatusLine,
    pace: Mutex<Pace>,
}

/// Since when rows of the present stage are counted.
struct Pace {
    stage: Stage,
    began: Instant,
    first: u64,
    said: Instant,
}

impl Watched {
    fn new(now: Instant) -> Self {
        let pace = Pace { stage: Stage::Copying, began: now, first: u64::MAX, said: now };
        Self { line: StatusLine::new(), pace: Mutex::new(pace) }
    }

    fn tell(&self, progress: &Progress<'_>) {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        if pace.stage != progress.stage || pace.first == u64::MAX {
            let now = Instant::now();
            *pace = Pace { stage: progress.stage, began: now, first: progress.done, said: now };
            if !self.line.is_shown() {
                eprintln!("{}", sentence(progress, &pace));
            }
        }
        if self.line.is_shown() {
            self.line.show(&format!("{} {}", bar(progress), sentence(progress, &pace)));
        } else if pace.said.elapsed() >= LINE_PAUSE {
            pace.said = Instant::now();
            eprintln!("{}", sentence(progress, &pace));
        }
    }
}

fn bar(progress: &Progress<'_>) -> String {
    let full = match progress.all {
        0 => 0,
        all => progress.done.saturating_mul(BAR_WIDTH) / all,
    };
    let cells = (0..BAR_WIDTH).map(|cell| if cell < full { '█' } else { '░' });
    cells.collect()
}

/// What is done, how fast, and how long it will take.
fn sentence(progress: &Progress<'_>, pace: &Pace) -> String {
    let verb = match progress.stage {
        Stage::Proving => return "adding keys and indexes …".to_owned(),
        Stage::Copying => "copying",
        Stage::Checking => "checking",
    };
    let all = plan::counted(progress.all);
    let mut text = format!("{verb} {}: {} of {all}", progress.table, amount(progress.done, "row"));
    let done = progress.done.saturating_sub(pace.first);
    let seconds = pace.began.elapsed().as_secs_f64();
    if done > 0 && seconds > 0.5 {
        #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = done as f64 / seconds;
        #[allow(clippy::cast_precision_loss, reason = "a time for people")]
        let left = progress.all.saturating_sub(progress.done) as f64 / rate;
        text.push_str(&format!(", {rate:.0} rows/s, {left:.0} s left"));
    }
    text
}
