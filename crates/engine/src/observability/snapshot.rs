//! Evidence at rest, as pages, metrics and verdicts read it: each value with its sample count and
//! window, and "not enough" where the sample is too small to say.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{cache::CacheSnapshot, histogram::Counts, proofs::Proofs};

/// Everything that was observed.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// When it was taken.
    pub at: Timestamp,
    /// When counting began.
    pub since: Timestamp,
    /// Endpoints by subject.
    pub endpoints: Vec<EndpointSnapshot>,
    /// Tables by name.
    pub tables: Arc<BTreeMap<String, TableSnapshot>>,
    /// Effects of settings by key.
    pub settings: BTreeMap<String, SettingSnapshot>,
    /// Kept answers by what they are of.
    pub caches: BTreeMap<String, CacheSnapshot>,
    /// What `verify` found, where it left a report in the data directory.
    pub proofs: Option<Arc<Proofs>>,
    /// Lines of the access log that were dropped because its queue was full.
    pub log_lines_dropped: u64,
    /// Panics that were contained.
    pub faults: u64,
    /// Requests that are being answered now.
    pub in_flight: u64,
    /// Connections that are open now.
    pub connections: u64,
}

/// What was observed of one endpoint.
#[derive(Debug, Clone)]
pub struct EndpointSnapshot {
    /// `METHOD /path/{id}`.
    pub subject: String,
    /// In the last minutes; [`Sample::seconds`] says how many.
    pub window: Sample,
    /// Since the service started.
    pub since_start: Sample,
    /// When it last answered.
    pub last_at: Option<Timestamp>,
}

/// Rows of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableSnapshot {
    /// How many.
    pub rows: u64,
    /// When they were counted.
    pub at: Timestamp,
}

/// How often a setting had an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingSnapshot {
    /// How often since the service started.
    pub count: u64,
    /// When last.
    pub last_at: Option<Timestamp>,
}

/// Answers of a stretch of time.
#[derive(Debug, Clone)]
pub struct Sample {
    /// How many answers.
    pub count: u64,
    /// How many of them were `4xx`: refused for the caller's doing.
    pub refused: u64,
    /// How many of them were `5xx`: failed for ours.
    pub failed: u64,
    /// How long the stretch is.
    pub seconds: u64,
    /// By hundreds of the status: `1xx` to `5xx`.
    pub classes: [u64; 5],
    counts: Counts,
}

/// A percentile of durations, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Percentile {
    /// In microseconds, rounded up to a sixteenth.
    Micros(u64),
    /// The sample is too small to say anything with 95 % confidence.
    NotEnough {
        /// Answers that would be enough.
        needed: u64,
    },
}

/// Whether a promise about durations held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It held, with 95 % confidence.
    Observed,
    /// It did not: the sample itself breaks it.
    Refuted,
    /// The sample holds it, but is too small for 95 % confidence.
    NotEnough,
}

impl Sample {
    pub(super) fn new(classes: [u64; 5], counts: Counts, seconds: u64) -> Self {
        let [.., refused, failed] = classes;
        // The histogram is the truth for `count`: percentiles and their sample never disagree.
        Self { count: counts.total(), refused, failed, seconds, classes, counts }
    }

    /// The duration that the share `percentile` (0.95 for p95) of the answers did not exceed.
    pub fn percentile(&self, percentile: f64) -> Percentile {
        let needed = samples_needed(percentile);
        match needed <= self.count {
            true => Percentile::Micros(self.counts.quantile_micros(percentile)),
            false => Percentile::NotEnough { needed },
        }
    }

    /// The duration that the share `percentile` did not exceed, whatever the sample's size; none
    /// where there is no answer at all. To be shown beside [`Sample::count`] only.
    pub fn percentile_micros(&self, percentile: f64) -> Option<u64> {
        (0 < self.count).then(|| self.counts.quantile_micros(percentile))
    }

    /// Whether the share `percentile` of answers took at most `limit`: observed only where the
    /// one-sided 95 % bound holds.
    pub fn verdict(&self, percentile: f64, limit: Duration) -> Verdict {
        let over = self.counts.longer_than(limit);
        let share_allowed = 1.0 - percentile;
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let share_over = over as f64 / self.count.max(1) as f64;
        if 0 < self.count && share_allowed < share_over {
            return Verdict::Refuted;
        }
        match binomial_at_most(over, self.count, share_allowed) <= 0.05 {
            true => Verdict::Observed,
            false => Verdict::NotEnough,
        }
    }

    /// Answers per second.
    pub fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let rate = self.count as f64 / self.seconds.max(1) as f64;
        rate
    }

    /// How many answers surely took at most `limit`.
    pub(super) fn at_most(&self, limit: Duration) -> u64 {
        self.counts.at_most(limit)
    }

    /// All durations together, in microseconds.
    pub(super) fn sum_micros(&self) -> u64 {
        self.counts.sum_micros
    }
}

/// The smallest sample that can bound a percentile with 95 % confidence, all of it under the
/// limit: 59 for p95, 299 for p99.
fn samples_needed(percentile: f64) -> u64 {
    let percentile = percentile.clamp(0.01, 0.9999);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 30 000")]
    let needed = (0.05_f64.ln() / percentile.ln()).ceil() as u64;
    needed
}

/// The chance to see at most `successes` in `trials` where each has the chance `share`.
fn binomial_at_most(successes: u64, trials: u64, share: f64) -> f64 {
    if trials == 0 {
        return 1.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    let (n, share) = (trials as f64, share.clamp(1e-9, 1.0 - 1e-9));
    // Logarithms, because each term alone may be smaller than any number.
    let mut term = n * (1.0 - share).ln();
    let mut sum = term.exp();
    for index in 0..successes.min(trials) {
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let k = index as f64;
        term += ((n - k) / (k + 1.0)).ln() + (share / (1.0 - share)).ln();
        sum += term.exp();
        // Past the mean the tail is certain to be above any confidence that is asked for.
        if 0.5 < sum {
            return sum;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::{super::histogram::Histogram, *};

    fn sample(fast: u64, slow: u64) -> Sample {
        let histogram = Histogram::new();
        (0..fast).for_each(|_| histogram.record(Duration::from_millis(1)));
        (0..slow).for_each(|_| histogram.record(Duration::from_secs(1)));
        let mut counts = Counts::new();
        histogram.add_to(&mut counts);
        Sample::new([0, fast + slow, 0, 0, 0], counts, 60)
    }

    #[test]
    fn p95_needs_59_answers_and_p99_needs_299() {
        assert_eq!(sample(58, 0).percentile(0.95), Percentile::NotEnough { needed: 59 });
        assert!(matches!(sample(59, 0).percentile(0.95), Percentile::Micros(1000..=1063)));
        assert_eq!(sample(298, 0).percentile(0.99), Percentile::NotEnough { needed: 299 });
        assert!(matches!(sample(299, 0).percentile(0.99), Percentile::Micros(_)));
    }

    fn check(fast: u64, slow: u64, percentile: f64, expected: Verdict) {
        let limit = Duration::from_millis(200);
        let verdict = sample(fast, slow).verdict(percentile, limit);
        assert_eq!(verdict, expected, "{fast} fast, {slow} slow, {percentile}");
    }

    #[test]
    fn a_promise_is_observed_only_with_enough_answers() {
        check(0, 0, 0.95, Verdict::NotEnough);
        check(58, 0, 0.95, Verdict::NotEnough);
        check(59, 0, 0.95, Verdict::Observed);
        check(299, 0, 0.99, Verdict::Observed);
        // One slow answer among 59 keeps the share but not the confidence; 93 are enough.
        check(58, 1, 0.95, Verdict::NotEnough);
        check(92, 1, 0.95, Verdict::Observed);
    }

    #[test]
    fn a_promise_that_the_sample_breaks_is_refuted() {
        check(90, 10, 0.95, Verdict::Refuted);
        check(0, 1, 0.95, Verdict::Refuted);
    }

    #[test]
    fn large_samples_end_quickly_and_stay_within_bounds() {
        check(10_000_000, 400_000, 0.95, Verdict::Observed);
        check(10_000_000, 600_000, 0.95, Verdict::Refuted);
    }
}
