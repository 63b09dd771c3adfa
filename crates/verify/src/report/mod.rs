//! The report: each claim of the document with its verdict, and what was found where one is
//! refuted.

mod github;
mod json;
mod junit;
mod markdown;
mod terminal;
mod words;

use std::time::Duration;

use document::{Chapter, Class, Compiled, Enforcement, Statement};

use crate::{Outcome, Trial};

/// What is said of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything that was tried came as expected.
    Proved,
    /// Something came otherwise.
    Refuted,
    /// It, or a part of it, could not be tried.
    NotTested {
        /// Why.
        reason: String,
    },
    /// Nobody can try it from outside.
    NotTestable {
        /// Why.
        reason: String,
    },
}

impl Verdict {
    /// In words.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Proved => "proved",
            Verdict::Refuted => "refuted",
            Verdict::NotTested { .. } => "not tested",
            Verdict::NotTestable { .. } => "not testable here",
        }
    }

    /// Why there is no answer, where there is none.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Verdict::NotTested { reason } | Verdict::NotTestable { reason } => Some(reason),
            _ => None,
        }
    }
}

/// What came otherwise than expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was expected.
    pub expected: String,
    /// What came instead.
    pub came: String,
    /// A line for a shell that sends the same request again.
    pub curl: String,
}

/// A claim with its verdict.
#[derive(Debug, Clone)]
pub struct Proof {
    /// The first line of its statement, as written.
    pub sentence: String,
    /// `file:line`.
    pub place: String,
    /// Its file.
    pub file: String,
    /// Its line, from 1.
    pub line: u32,
    /// Its chapter.
    pub chapter: Option<Chapter>,
    /// Its kind, in a word.
    pub kind: &'static str,
    /// What the document means by it.
    pub meaning: String,
    /// What it is about; see [`document::Statement::subject`].
    pub subject: Option<String>,
    /// False for what the engine does not make true yet, and for what no software can.
    pub is_enforced: bool,
    /// What is said of it.
    pub verdict: Verdict,
    /// How many things were tried.
    pub trials: usize,
    /// What came otherwise.
    pub findings: Vec<Finding>,
}

/// How many claims have which verdict; claims that nothing enforces are counted apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Proved.
    pub proved: usize,
    /// Refuted, whether enforced or not.
    pub refuted: usize,
    /// Not tested, of those that are enforced.
    pub not_tested: usize,
    /// Not testable from outside, of those that are enforced.
    pub not_testable: usize,
    /// Understood, but not enforced yet or not enforceable.
    pub not_enforced: usize,
}

impl Tally {
    /// Claims that are said to be enforced.
    pub fn enforced(&self) -> usize {
        self.proved + self.refuted + self.not_tested + self.not_testable
    }
}

/// All claims of a document with their verdicts.
#[derive(Debug, Clone)]
pub struct Report {
    /// The document's title.
    pub title: String,
    /// The claims in the order in which they are written.
    pub proofs: Vec<Proof>,
    /// How many requests were sent.
    pub requests: u64,
    /// How long it took.
    pub took: Duration,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people at a terminal; true for colours.
    Terminal(bool),
    /// JSON.
    Json,
    /// JUnit's XML.
    Junit,
    /// Annotations of a GitHub workflow.
    Github,
    /// Markdown that can be committed.
    Markdown,
}

impl Report {
    /// Adds the trials up to verdicts.
    pub(crate) fn of(
        compiled: &Compiled,
        trials: Vec<Trial>,
        requests: u64,
        took: Duration,
    ) -> Self {
        let statements = &compiled.ledger.statements;
        let bound = statements.iter().filter(|statement| statement.class == Class::Bound);
        let mut proofs: Vec<(document::Span, Proof)> =
            bound.map(|statement| (statement.span, proof(compiled, statement, &trials))).collect();
        proofs.sort_by_key(|(span, _)| *span);
        let mut proofs: Vec<Proof> = proofs.into_iter().map(|(_, proof)| proof).collect();
        proofs.extend(unwritten(statements, &trials));
        Self { title: compiled.system.api.title.clone(), proofs, requests, took }
    }

    /// Counts the verdicts.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for proof in &self.proofs {
            match (&proof.verdict, proof.is_enforced) {
                (Verdict::Refuted, _) => tally.refuted += 1,
                (_, false) => tally.not_enforced += 1,
                (Verdict::Proved, true) => tally.proved += 1,
                (Verdict::NotTested { .. }, true) => tally.not_tested += 1,
                (Verdict::NotTestable { .. }, true) => tally.not_testable += 1,
            }
        }
        tally
    }

    /// The report in a format.
    pub fn write(&self, format: Format) -> String {
        match format {
            Format::Terminal(has_colour) => terminal::text(self, has_colour),
            Format::Json => json::text(self),
            Format::Junit => junit::text(self),
            Format::Github => github::text(self),
            Format::Markdown => markdown::text(self),
        }
    }
}

/// What was broken though no statement says it: a system owes it all the same.
fn unwritten(statements: &[Statement], trials: &[Trial]) -> Vec<Proof> {
    let is_bound = |statement: &&Statement| statement.class == Class::Bound;
    let is_written = |trial: &Trial| {
        statements.iter().filter(is_bound).any(|statement| trial.about.covers(statement))
    };
    // A trial that speaks for several claims is told where one of them is written.
    let told: Vec<&Outcome> =
        trials.iter().filter(|trial| is_written(trial)).map(|trial| &trial.outcome).collect();
    let mut proofs: Vec<Proof> = Vec::new();
    for trial in trials {
        let Outcome::Broken { came, curl } = &trial.outcome else { continue };
        if told.contains(&&trial.outcome) {
            continue;
        }
        let (expected, came, curl) = (trial.expected.clone(), came.clone(), curl.clone());
        let finding = Finding { expected, came, curl };
        let words = trial.about.words();
        match proofs.iter_mut().find(|proof| proof.sentence == words) {
            Some(proof) => proof.findings.push(finding),
            None => proofs.push(Proof {
                sentence: words.to_owned(),
                place: "not written".to_owned(),
                file: String::new(),
                line: 0,
                chapter: None,
                kind: "promise",
                meaning: "what a system owes without being told".to_owned(),
                subject: None,
                is_enforced: true,
                verdict: Verdict::Refuted,
                trials: 1,
                findings: vec![finding],
            }),
        }
    }
    proofs
}

fn proof(compiled: &Compiled, statement: &Statement, trials: &[Trial]) -> Proof {
    let own: Vec<&Trial> = trials.iter().filter(|trial| trial.about.covers(statement)).collect();
    let sources = &compiled.sources;
    let sentence = sources.first_line(statement.span);
    let file = sources.files.get(usize::from(statement.span.file));
    Proof {
        sentence: sentence.to_owned(),
        place: sources.location(statement.span),
        file: file.map_or_else(String::new, |file| file.name.clone()),
        line: sources.place(statement.span).line,
        chapter: statement.chapter,
        kind: statement.kind.map_or("claim", |kind| kind.word()),
        meaning: statement.meaning.clone(),
        subject: statement.subject.clone(),
        is_enforced: statement.enforcement == Some(Enforcement::Enforced),
        verdict: verdict(statement.enforcement, &own),
        trials: own.len(),
        findings: findings(&own),
    }
}

fn findings(trials: &[&Trial]) -> Vec<Finding> {
    let broken = trials.iter().filter_map(|trial| match &trial.outcome {
        Outcome::Broken { came, curl } => Some(Finding {
            expected: trial.expected.clone(),
            came: came.clone(),
            curl: curl.clone(),
        }),
        _ => None,
    });
    broken.collect()
}

/// The worst of all trials. What nothing enforces is never proved.
fn verdict(enforcement: Option<Enforcement>, trials: &[&Trial]) -> Verdict {
    if trials.iter().any(|trial| matches!(trial.outcome, Outcome::Broken { .. })) {
        return Verdict::Refuted;
    }
    match enforcement {
        Some(Enforcement::NotEnforceable) => {
            return Verdict::NotTestable { reason: "no software can enforce it".to_owned() };
        }
        Some(Enforcement::NotYet) => {
            let noted = trials.iter().find_map(|trial| match &trial.outcome {
                Outcome::Skipped { reason } | Outcome::Impossible { reason } => Some(reason),
                _ => None,
            });
            let reason = "it is understood but not enforced yet".to_owned();
            return Verdict::NotTested { reason: noted.cloned().unwrap_or(reason) };
        }
        _ => {}
    }
    let skipped = trials.iter().find_map(|trial| match &trial.outcome {
        Outcome::Skipped { reason } => Some(format!("{}: {reason}", trial.expected)),
        _ => None,
    });
    if let Some(reason) = skipped {
        return Verdict::NotTested { reason };
    }
    if trials.iter().any(|trial| trial.outcome == Outcome::Held) {
        return Verdict::Proved;
    }
    let impossible = trials.iter().find_map(|trial| match &trial.outcome {
        Outcome::Impossible { reason } => Some(reason.clone()),
        _ => None,
    });
    match impossible {
        Some(reason) => Verdict::NotTestable { reason },
        None => Verdict::NotTested { reason: "nothing tries claims of this kind".to_owned() },
    }
}

#[cfg(test)]
mod tests;
