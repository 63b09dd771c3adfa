//! Trials of targets: an open-loop load at the written rate, each answer timed from the moment at
//! which it was meant to be asked for, and a verdict only where there are samples enough.

use std::time::{Duration, Instant};

use document::{
    ClaimKind,
    api::Operation,
    observability::{Comparison, Measure, Target},
};
use futures_util::future::join_all;

use crate::{About, Outcome, Request, Stage};

/// Requests a second where the document writes no rate.
const RATE_DEFAULT: f64 = 25.0;
/// Requests a second at most: beyond, the client itself would be measured.
const RATE_MAX: f64 = 200.0;
/// Share of wrong verdicts that is accepted.
const DOUBT: f64 = 0.05;

/// Tries the targets, where a load is asked for.
pub(crate) async fn probe(stage: &Stage<'_>) {
    let targets = &stage.system().observability.targets;
    let Some(seconds) = stage.options.load_seconds else {
        for target in targets.iter().filter(|target| is_measurable(target)) {
            let reason = "no load was asked for; `--load 10` measures it";
            stage.book.skip(&about(target), &target.label, reason);
        }
        return;
    };
    let rate = targets
        .iter()
        .find(|target| target.measure == Measure::Throughput)
        .map_or(RATE_DEFAULT, |target| target.bound)
        .clamp(1.0, RATE_MAX);
    let samples = load(stage, rate, seconds).await;
    for target in targets.iter().filter(|target| is_measurable(target)) {
        judge(stage, target, &samples);
    }
}

fn about(target: &Target) -> About {
    About::span(&[ClaimKind::Target], target.span)
}

fn is_measurable(target: &Target) -> bool {
    matches!(target.measure, Measure::ResponseTime | Measure::ErrorRate | Measure::CacheHitRate)
}

/// An answer of the load.
struct Sample {
    took: Duration,
    is_error: bool,
    /// Whether it came from a cache, where it says so.
    is_hit: Option<bool>,
}

/// Sends reads at a rate, whether answers come or not.
async fn load(stage: &Stage<'_>, rate: f64, seconds: u64) -> Vec<Sample> {
    let paths: Vec<String> = stage
        .system()
        .data
        .tables
        .iter()
        .filter_map(|table| stage.paths().of_table(table, Operation::List))
        .map(|(_, path)| path)
        .collect();
    let gap = Duration::from_secs_f64(1.0 / rate);
    let count = usize::try_from(seconds).unwrap_or(usize::MAX).saturating_mul(rate as usize);
    let started = Instant::now();
    let asked = paths.iter().cycle().take(count).enumerate().map(|(place, path)| async move {
        let meant = gap.saturating_mul(u32::try_from(place).unwrap_or(u32::MAX));
        tokio::time::sleep_until((started + meant).into()).await;
        let answer = stage.as_admin(Request::get(path.clone()).unwaiting()).await;
        let took = started.elapsed().saturating_sub(meant);
        let is_error = answer.status == 0 || answer.status >= 500;
        let is_hit = crate::data::is_hit(&answer);
        let sample = Sample { took, is_error, is_hit };
        (!answer.is_limited()).then_some(sample)
    });
    join_all(asked).await.into_iter().flatten().collect()
}

/// The share of answers from a cache, among those that a cache is for.
fn hit_rate(stage: &Stage<'_>, target: &Target, samples: &[Sample]) {
    let told: Vec<bool> = samples.iter().filter_map(|sample| sample.is_hit).collect();
    let misses = told.iter().filter(|is_hit| !**is_hit).count();
    let share = (told.len() - misses) as f64 / told.len().max(1) as f64;
    let reason = format!("measured: {:.1} % hits, n = {}", share * 100.0, told.len());
    let is_lower = matches!(target.comparison, Comparison::Greater | Comparison::GreaterOrEqual);
    let outcome = match verdict(told.len(), misses, 1.0 - target.bound) {
        _ if !is_lower || told.is_empty() => {
            let reason = "its comparison is not one of a lower bound, or no answer is kept";
            Outcome::Skipped { reason: reason.to_owned() }
        }
        Some(true) => Outcome::Skipped { reason },
        Some(false) => Outcome::Broken { came: reason, curl: "vitruvius verify --load 10".into() },
        None => Outcome::Skipped { reason: format!("{reason}, which is not enough") },
    };
    stage.book.note(&about(target), target.label.clone(), outcome);
}

fn judge(stage: &Stage<'_>, target: &Target, samples: &[Sample]) {
    if target.measure == Measure::CacheHitRate {
        return hit_rate(stage, target, samples);
    }
    let is_upper = matches!(target.comparison, Comparison::Less | Comparison::LessOrEqual);
    if !is_upper {
        let reason = "its comparison is not one of an upper bound";
        return stage.book.skip(&about(target), &target.label, reason);
    }
    let (share, over, measured) = match target.measure {
        Measure::ErrorRate => {
            let over = samples.iter().filter(|sample| sample.is_error).count();
            let rate = over as f64 / samples.len().max(1) as f64;
            (target.bound, over, format!("{:.2} % of answers were errors", rate * 100.0))
        }
        _ => {
            let percentile = target.percentile.unwrap_or(0.95);
            let is_over = |sample: &&Sample| sample.took.as_secs_f64() >= target.bound;
            let over = samples.iter().filter(is_over).count();
            let time = at_percentile(samples, percentile).as_secs_f64() * 1000.0;
            let words = format!("p{:.0} was {time:.1} ms", percentile * 100.0);
            (1.0 - percentile, over, words)
        }
    };
    let reason = format!("measured: {measured}, n = {}", samples.len());
    let outcome = match verdict(samples.len(), over, share) {
        Some(true) => Outcome::Skipped { reason },
        Some(false) => Outcome::Broken { came: reason, curl: "vitruvius verify --load 10".into() },
        None => Outcome::Skipped { reason: format!("{reason}, which is not enough") },
    };
    stage.book.note(&about(target), target.label.clone(), outcome);
}

fn at_percentile(samples: &[Sample], percentile: f64) -> Duration {
    let mut times: Vec<Duration> = samples.iter().map(|sample| sample.took).collect();
    times.sort_unstable();
    let place = (percentile * times.len() as f64).ceil() as usize;
    times.get(place.saturating_sub(1)).copied().unwrap_or_default()
}

/// Whether at most `share` of all answers are over the bound, with `over` of `count` being so;
/// none where that is too few to tell.
fn verdict(count: usize, over: usize, share: f64) -> Option<bool> {
    let at_most = binomial(count, over, share);
    if at_most <= DOUBT {
        return Some(true);
    }
    let fewer = if over == 0 { 0.0 } else { binomial(count, over - 1, share) };
    (1.0 - fewer <= DOUBT).then_some(false)
}

/// The chance of at most `most` of `count`, each with chance `share`.
fn binomial(count: usize, most: usize, share: f64) -> f64 {
    if share <= 0.0 {
        return 1.0;
    }
    if share >= 1.0 {
        return if most >= count { 1.0 } else { 0.0 };
    }
    let (yes, no) = (share.ln(), (1.0 - share).ln());
    let mut sum = 0.0;
    let mut ways = 0.0;
    for hits in 0..=most.min(count) {
        if hits > 0 {
            ways += ((count - hits + 1) as f64).ln() - (hits as f64).ln();
        }
        sum += (ways + hits as f64 * yes + (count - hits) as f64 * no).exp();
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_needs_samples_enough() {
        let check = |count, over, share, expected| {
            assert_eq!(verdict(count, over, share), expected, "{over} of {count}, {share}");
        };
        check(58, 0, 0.05, None);
        check(59, 0, 0.05, Some(true));
        check(298, 0, 0.01, None);
        check(299, 0, 0.01, Some(true));
        check(100, 20, 0.05, Some(false));
        check(100, 5, 0.05, None);
        check(0, 0, 0.05, None);
    }
}
