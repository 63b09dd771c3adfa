//! The book of trials: what was expected of each claim, and what came.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use crate::{About, Answer, StopsAt};

/// One thing that was expected of a claim.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The claims that it speaks for.
    pub about: About,
    /// What was expected, in words: `a text of 81 characters is refused with 400`.
    pub expected: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// As expected.
    Held,
    /// Otherwise.
    Broken {
        /// The status and the beginning of the body.
        came: String,
        /// A line for a shell that sends the same request again.
        curl: String,
    },
    /// It could not be tried this time.
    Skipped {
        /// Why.
        reason: String,
    },
    /// It can never be tried from outside.
    Impossible {
        /// Why.
        reason: String,
    },
}

/// All trials.
#[derive(Debug, Default)]
pub struct Book {
    trials: Mutex<Vec<Trial>>,
    stops_at: Option<StopsAt>,
    is_over: AtomicBool,
    news: tokio::sync::Notify,
}

impl Book {
    /// Notes a trial by hand.
    pub fn note(&self, about: &About, expected: impl Into<String>, outcome: Outcome) {
        let trial = Trial { about: about.clone(), expected: expected.into(), outcome };
        let is_broken = matches!(trial.outcome, Outcome::Broken { .. });
        let ends = is_broken && self.stops_at.as_ref().is_some_and(|stop| stop.is_met(&trial));
        self.trials.lock().unwrap_or_else(PoisonError::into_inner).push(trial);
        if ends {
            self.is_over.store(true, Ordering::Release);
            self.news.notify_waiters();
        }
    }

    /// A book that ends a run at a broken trial.
    pub(crate) fn stopping_at(stops_at: Option<StopsAt>) -> Self {
        Self { stops_at, ..Self::default() }
    }

    /// Waits until a trial is broken that ends the run.
    pub(crate) async fn is_over(&self) {
        loop {
            let news = self.news.notified();
            if self.is_over.load(Ordering::Acquire) {
                return;
            }
            news.await;
        }
    }

    /// Notes an answer and whether it is as expected. An answer that a request limit has refused
    /// says nothing about the claim. Gives back whether it held.
    pub fn judge(
        &self,
        about: &About,
        expected: impl Into<String>,
        answer: &Answer,
        holds: bool,
    ) -> bool {
        let outcome = match holds {
            true => Outcome::Held,
            false if answer.status == 503 => {
                Outcome::Skipped { reason: "the system was too busy".to_owned() }
            }
            false if answer.is_limited() => {
                Outcome::Skipped { reason: "a request limit stood in the way".to_owned() }
            }
            false => Outcome::Broken { came: answer.came(), curl: answer.curl() },
        };
        self.note(about, expected, outcome);
        holds
    }

    /// Notes that an answer has one of these statuses.
    pub fn status(
        &self,
        about: &About,
        expected: impl Into<String>,
        answer: &Answer,
        statuses: &[u16],
    ) -> bool {
        self.judge(about, expected, answer, statuses.contains(&answer.status))
    }

    /// Notes what could not be tried.
    pub fn skip(&self, about: &About, expected: impl Into<String>, reason: impl Into<String>) {
        self.note(about, expected, Outcome::Skipped { reason: reason.into() });
    }

    /// Notes what nobody can try from outside.
    pub fn cannot(&self, about: &About, expected: impl Into<String>, reason: impl Into<String>) {
        self.note(about, expected, Outcome::Impossible { reason: reason.into() });
    }

    /// What was noted so far.
    pub fn trials(&self) -> Vec<Trial> {
        self.trials.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
