//! `verify --sabotage`: breaks one enforcement of a started system after the other, and counts which
//! of them `verify` refutes. What it misses is a defect of `verify`.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use ::verify::{Options, Report, StopsAt, Verdict};
use document::{Chapter, Compiled};
use engine::sabotage::Sabotage;
use serde_json::{Value as Json, json};

use super::verify::Own;
use crate::{Failure, Outcome, documents::Files, output::print};

/// Sabotaged systems at a time.
const SYSTEMS: usize = 4;

/// What came of one sabotage.
struct Trial {
    sabotage: Sabotage,
    result: Result,
    seconds: f64,
}

enum Result {
    /// Refuted: which sentence, and what was expected.
    Caught { sentence: String, expected: String },
    /// Nothing of what it breaks was refuted; something else was, where it is named.
    Missed(Option<String>),
    /// The sabotaged system could not be verified at all, and why.
    NotRun(String),
}

/// Tries the named sabotages, or all where none is named, and prints the score.
///
/// # Errors
/// Where the sound system is refuted too, or a name is unknown.
pub(super) fn run(
    files: &Files,
    compiled: &Compiled,
    names: &str,
    as_json: bool,
) -> std::result::Result<Outcome, Failure> {
    let chosen = chosen(names)?;
    let sound = verified(files, compiled, None)?;
    if let Some(proof) = sound.proofs.iter().find(|proof| proof.verdict == Verdict::Refuted) {
        let (place, sentence) = (&proof.place, &proof.sentence);
        let words = "mend this first: the system is refuted without any sabotage";
        return Err(Failure::new(format!("{words}: {place} {sentence}")));
    }
    let trials = tried(files, compiled, &chosen, as_json);
    let score = Score { trials };
    print(&if as_json { score.json() } else { score.text() })?;
    Ok(if score.caught() == score.trials.len() { Outcome::Done } else { Outcome::Findings })
}

fn chosen(names: &str) -> std::result::Result<Vec<Sabotage>, Failure> {
    if names == "all" {
        return Ok(Sabotage::ALL.to_vec());
    }
    let one = |name: &str| {
        Sabotage::named(name).ok_or_else(|| Failure::new(format!("no sabotage is called `{name}`")))
    };
    names.split(',').map(str::trim).map(one).collect()
}

/// Every sabotage with what came of it, in the order of their names' list.
fn tried(files: &Files, compiled: &Compiled, chosen: &[Sabotage], is_quiet: bool) -> Vec<Trial> {
    let next = AtomicUsize::new(0);
    let trials: Mutex<Vec<(usize, Trial)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..SYSTEMS {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(sabotage) = chosen.get(place) else { break };
                    let trial = one(files, compiled, *sabotage);
                    if !is_quiet {
                        eprintln!("{}", trial.line());
                    }
                    let mut trials = trials.lock().unwrap_or_else(PoisonError::into_inner);
                    trials.push((place, trial));
                }
            });
        }
    });
    let mut trials = trials.into_inner().unwrap_or_else(PoisonError::into_inner);
    trials.sort_by_key(|(place, _)| *place);
    trials.into_iter().map(|(_, trial)| trial).collect()
}

fn one(files: &Files, compiled: &Compiled, sabotage: Sabotage) -> Trial {
    let started = Instant::now();
    let found: Arc<Mutex<Option<::verify::Trial>>> = Arc::default();
    let (seen, statements) = (Arc::clone(&found), compiled.ledger.statements.clone());
    let stops_at = StopsAt::new(move |trial| {
        let is_it = super::damage::is_shown_by(sabotage, trial, &statements);
        if is_it {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.get_or_insert_with(|| trial.clone());
        }
        is_it
    });
    let verified = verified(files, compiled, Some((sabotage, stops_at)));
    let found = found.lock().unwrap_or_else(PoisonError::into_inner).take();
    let result = match (verified, found) {
        (Err(failure), _) => Result::NotRun(failure.to_string()),
        (Ok(_), Some(trial)) => {
            let covered = compiled.ledger.statements.iter().find(|one| trial.about.covers(one));
            let sources = &compiled.sources;
            let sentence = covered.map_or_else(
                || format!("not written {}", trial.about.words()),
                |one| format!("{} {}", sources.location(one.span), sources.first_line(one.span)),
            );
            Result::Caught { sentence, expected: trial.expected }
        }
        (Ok(report), None) => {
            let other = report.proofs.iter().find_map(|proof| proof.findings.first());
            Result::Missed(other.map(|finding| finding.expected.clone()))
        }
    };
    Trial { sabotage, result, seconds: started.elapsed().as_secs_f64() }
}

/// Verifies a system of its own; a sabotaged one only until what it breaks is refuted.
fn verified(
    files: &Files,
    compiled: &Compiled,
    sabotage: Option<(Sabotage, StopsAt)>,
) -> std::result::Result<Report, Failure> {
    let failed = |words: String| Failure::new(words);
    let (sabotage, stops_at) = sabotage.unzip();
    let arguments: Vec<String> =
        sabotage.iter().map(|one| format!("--sabotage={}", one.name())).collect();
    let mut own = Own::start(files, compiled, &arguments)?;
    // Two systems take longer than one: only claims of this chapter look at the second.
    if sabotage.is_none_or(|one| one.chapter() == Chapter::Security) {
        own.start_behind_https(files, compiled, &arguments);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let options = Options {
        first: sabotage.map(Sabotage::chapter),
        stops_at,
        behind_https: own.behind_https.clone(),
        ..Options::default()
    };
    let verifying = ::verify::verify(compiled, own.target.clone(), options, &|_| ());
    runtime.block_on(verifying).map_err(|error| failed(error.to_string()))
}

impl Trial {
    fn word(&self) -> &'static str {
        match self.result {
            Result::Caught { .. } => "caught",
            Result::Missed(_) => "missed",
            Result::NotRun(_) => "not run",
        }
    }

    fn line(&self) -> String {
        let name = self.sabotage.name();
        let by = match &self.result {
            Result::Caught { sentence, expected } => format!("{sentence}: {expected}"),
            Result::Missed(None) => self.sabotage.words().to_owned(),
            Result::Missed(Some(other)) => {
                format!("{}; refuted for another reason: {other}", self.sabotage.words())
            }
            Result::NotRun(why) => why.lines().next().unwrap_or_default().to_owned(),
        };
        let by: String = by.chars().take(110).collect();
        format!("{:8} {name:28} {:5.1} s  {by}", self.word(), self.seconds)
    }

    fn json(&self) -> Json {
        let (by, why) = match &self.result {
            Result::Caught { sentence, expected } => {
                (json!({"sentence": sentence, "expected": expected}), Json::Null)
            }
            Result::Missed(other) => (Json::Null, other.as_deref().into()),
            Result::NotRun(why) => (Json::Null, why.as_str().into()),
        };
        json!({
            "name": self.sabotage.name(),
            "chapter": self.sabotage.chapter(),
            "words": self.sabotage.words(),
            "result": self.word(),
            "by": by,
            "reason": why,
            "seconds": (self.seconds * 10.0).round() / 10.0,
        })
    }
}

/// All trials with their sum.
struct Score {
    trials: Vec<Trial>,
}

impl Score {
    fn caught(&self) -> usize {
        self.trials.iter().filter(|one| matches!(one.result, Result::Caught { .. })).count()
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for chapter in Chapter::ALL {
            let own = || self.trials.iter().filter(move |one| one.sabotage.chapter() == chapter);
            if own().next().is_some() {
                let caught = own().filter(|one| matches!(one.result, Result::Caught { .. }));
                let counts = format!("{} of {}", caught.count(), own().count());
                text.push_str(&format!("{:12} {counts:>10} caught\n", chapter.word()));
            }
        }
        for one in self.trials.iter().filter(|one| !matches!(one.result, Result::Caught { .. })) {
            text.push_str(&format!("{}\n", one.line()));
        }
        let (caught, all) = (self.caught(), self.trials.len());
        let share = caught as f64 / all.max(1) as f64 * 100.0;
        text.push_str(&format!("{caught} of {all} sabotages caught ({share:.0} %)\n"));
        text
    }

    fn json(&self) -> String {
        let (caught, all) = (self.caught(), self.trials.len());
        let trials: Vec<Json> = self.trials.iter().map(Trial::json).collect();
        let whole = json!({
            "version": 1,
            "caught": caught,
            "all": all,
            "share": caught as f64 / all.max(1) as f64,
            "sabotages": trials,
        });
        format!("{whole:#}\n")
    }
}
