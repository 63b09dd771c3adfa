//! Evidence as words: for every claim with a subject, what the running system observed about it,
//! with its sample and window. One function per kind of claim; nothing is said that was not seen.

use std::time::Duration;

use document::{
    ClaimKind, Compiled, Enforcement, Statement,
    observability::{Comparison, Measure, Target},
};
use engine::{
    observability::{CacheSnapshot, EndpointSnapshot, Percentile, Snapshot, Verdict},
    shared::SharedSeen,
};
use serde::Serialize;

use crate::proofs;

/// What stands beside a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Item {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) state: State,
    /// The whole story, shown on hover.
    pub(crate) detail: String,
}

/// How a chip looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Seen, and as promised where something is promised.
    Seen,
    /// Seen, and not as promised.
    Missed,
    /// Not seen, or not often enough to say.
    Unknown,
}

/// Evidence for all claims that have a subject.
pub(crate) fn items(compiled: &Compiled, snapshot: &Snapshot, shared: &SharedSeen) -> Vec<Item> {
    let mut items: Vec<Item> = compiled
        .ledger
        .statements
        .iter()
        .filter(|statement| statement.enforcement.is_some())
        .filter_map(|statement| item(compiled, snapshot, shared, statement))
        .collect();
    items.sort_by(|left, right| left.subject.cmp(&right.subject));
    items.dedup_by(|later, earlier| later.subject == earlier.subject);
    if let Some(found) = &snapshot.proofs {
        proofs::add(compiled, found, snapshot.at, &mut items);
    }
    items
}

fn item(
    compiled: &Compiled,
    snapshot: &Snapshot,
    shared: &SharedSeen,
    statement: &Statement,
) -> Option<Item> {
    let subject = statement.subject.clone()?;
    let (text, state) = match statement.kind? {
        ClaimKind::Table => table(snapshot, subject.strip_prefix("table:")?),
        ClaimKind::Endpoint => endpoint(snapshot, subject.strip_prefix("endpoint:")?),
        ClaimKind::Target => target(snapshot, target_at(compiled, statement)?),
        ClaimKind::Cache if statement.enforcement == Some(Enforcement::NotEnforceable) => {
            return None;
        }
        ClaimKind::Cache => cache(snapshot, &subject),
        _ if statement.enforcement == Some(Enforcement::NotYet) => {
            ("understood, not enforced yet".to_owned(), State::Unknown)
        }
        ClaimKind::Setting if subject.starts_with("setting:data.cache.") => {
            cache(snapshot, EVERYTHING)
        }
        ClaimKind::RateLimit => limit(snapshot, shared, &subject),
        ClaimKind::Setting => setting(snapshot, &subject),
        _ => return None,
    };
    Some(Item { subject, text, state, detail: statement.meaning.clone() })
}

fn table(snapshot: &Snapshot, name: &str) -> (String, State) {
    match snapshot.tables.get(name) {
        Some(counted) if counted.rows == 1 => ("1 row".to_owned(), State::Seen),
        Some(counted) => (format!("{} rows", grouped(counted.rows)), State::Seen),
        None => ("not counted yet".to_owned(), State::Unknown),
    }
}

fn endpoint(snapshot: &Snapshot, name: &str) -> (String, State) {
    let Some(seen) = snapshot.endpoints.iter().find(|endpoint| endpoint.subject == name) else {
        return ("no request yet".to_owned(), State::Unknown);
    };
    let (sample, window) = match seen.window.count {
        0 => (&seen.since_start, "since start"),
        _ => (&seen.window, "last minutes"),
    };
    if sample.count == 0 {
        return ("no request yet".to_owned(), State::Unknown);
    }
    let mut words = vec![format!("n = {} {window}", grouped(sample.count))];
    if let Some(micros) = sample.percentile_micros(0.5) {
        words.push(format!("p50 {}", duration(micros)));
    }
    words.push(match sample.percentile(0.95) {
        Percentile::Micros(micros) => format!("p95 {}", duration(micros)),
        Percentile::NotEnough { needed } => format!("p95 needs n ≥ {needed}"),
    });
    if sample.failed > 0 {
        words.push(format!("{} failed", grouped(sample.failed)));
    }
    if sample.refused > 0 {
        words.push(format!("{} refused", grouped(sample.refused)));
    }
    let state = if sample.failed > 0 { State::Missed } else { State::Seen };
    (words.join(" · "), state)
}

fn target_at<'a>(compiled: &'a Compiled, statement: &Statement) -> Option<&'a Target> {
    compiled
        .system
        .observability
        .targets
        .iter()
        .find(|target| statement.span.contains(target.span) || target.span.contains(statement.span))
}

fn target(snapshot: &Snapshot, target: &Target) -> (String, State) {
    match target.measure {
        Measure::ResponseTime if is_upper(target.comparison) => {
            response_time(snapshot, target.bound, target.percentile.unwrap_or(0.95))
        }
        Measure::ErrorRate if is_upper(target.comparison) => error_rate(snapshot, target.bound),
        Measure::CacheHitRate if !is_upper(target.comparison) => hit_rate(snapshot, target.bound),
        Measure::Elsewhere => ("not measurable in a backend".to_owned(), State::Unknown),
        _ => ("not measured yet".to_owned(), State::Unknown),
    }
}

fn is_upper(comparison: Comparison) -> bool {
    matches!(comparison, Comparison::Less | Comparison::LessOrEqual)
}

/// A promise about all endpoints holds where it holds for each that was asked.
fn response_time(snapshot: &Snapshot, bound_seconds: f64, percentile: f64) -> (String, State) {
    let Ok(limit) = Duration::try_from_secs_f64(bound_seconds) else {
        return ("not measurable".to_owned(), State::Unknown);
    };
    let asked: Vec<&EndpointSnapshot> =
        snapshot.endpoints.iter().filter(|endpoint| endpoint.since_start.count > 0).collect();
    let verdicts: Vec<Verdict> =
        asked.iter().map(|endpoint| endpoint.since_start.verdict(percentile, limit)).collect();
    let count = |wanted: Verdict| verdicts.iter().filter(|verdict| **verdict == wanted).count();
    let total: u64 = asked.iter().map(|endpoint| endpoint.since_start.count).sum();
    let slowest =
        asked.iter().filter_map(|each| each.since_start.percentile_micros(percentile)).max();
    let Some(slowest) = slowest else {
        return ("no request yet".to_owned(), State::Unknown);
    };
    let name = format!("p{:.0}", percentile * 100.0);
    let now = format!("slowest {name} {} · n = {}", duration(slowest), grouped(total));
    match (count(Verdict::Refuted), count(Verdict::NotEnough)) {
        (0, 0) => (format!("{now} ✓"), State::Seen),
        (0, short) => (format!("{now} · not enough for {short} endpoints"), State::Unknown),
        (refuted, _) => (format!("{now} · missed by {refuted}"), State::Missed),
    }
}

fn error_rate(snapshot: &Snapshot, bound: f64) -> (String, State) {
    /// Fewer answers than this say nothing about a rate.
    const ANSWERS_MIN: u64 = 59;
    let sum =
        |count: fn(&EndpointSnapshot) -> u64| -> u64 { snapshot.endpoints.iter().map(count).sum() };
    let (failed, total) = (sum(|each| each.since_start.failed), sum(|each| each.since_start.count));
    #[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    let rate = failed as f64 / total.max(1) as f64;
    let text = format!("{:.2} % · n = {}", rate * 100.0, grouped(total));
    match (total < ANSWERS_MIN, rate <= bound) {
        (_, false) => (text, State::Missed),
        (true, true) => (format!("{text}, not enough"), State::Unknown),
        (false, true) => (format!("{text} ✓"), State::Seen),
    }
}

/// All that is kept, as a subject.
const EVERYTHING: &str = "cache:*";
/// Fewer reads than this say nothing about a rate.
const READS_MIN: u64 = 59;

/// What was observed of what is kept under a subject.
fn kept(snapshot: &Snapshot, subject: &str) -> CacheSnapshot {
    if subject != EVERYTHING {
        return snapshot.caches.get(subject).copied().unwrap_or_default();
    }
    snapshot.caches.values().fold(CacheSnapshot::default(), |sum, each| sum.plus(each))
}

fn cache(snapshot: &Snapshot, subject: &str) -> (String, State) {
    let seen = kept(snapshot, subject);
    let Some(rate) = seen.hit_rate() else {
        return match seen.bypassed {
            0 => ("nothing read yet".to_owned(), State::Unknown),
            count => {
                (format!("{} reads depend on the time, not kept", grouped(count)), State::Seen)
            }
        };
    };
    let mut words = vec![
        format!("{:.1} % hits · n = {}", rate * 100.0, grouped(seen.count())),
        format!("{} kept, {} kB", grouped(seen.entries), grouped(seen.bytes.div_ceil(1000))),
    ];
    if seen.outdated > 0 {
        words.push(format!("{} ended by writes", grouped(seen.outdated)));
    }
    if seen.evicted > 0 {
        words.push(format!("{} made room", grouped(seen.evicted)));
    }
    (words.join(" · "), State::Seen)
}

/// A promise about the share of reads that are served from memory.
fn hit_rate(snapshot: &Snapshot, bound: f64) -> (String, State) {
    let seen = kept(snapshot, EVERYTHING);
    let Some(rate) = seen.hit_rate() else {
        return ("nothing read yet".to_owned(), State::Unknown);
    };
    let text = format!("{:.1} % · n = {}", rate * 100.0, grouped(seen.count()));
    match (seen.count() < READS_MIN, rate >= bound) {
        (true, _) => (format!("{text}, not enough"), State::Unknown),
        (false, true) => (format!("{text} ✓"), State::Seen),
        (false, false) => (text, State::Missed),
    }
}

fn setting(snapshot: &Snapshot, subject: &str) -> (String, State) {
    let key = subject.strip_prefix("setting:").unwrap_or(subject);
    match snapshot.settings.get(key) {
        Some(seen) => (format!("took effect {} ×", grouped(seen.count)), State::Seen),
        None => ("in force".to_owned(), State::Unknown),
    }
}

/// How often limits refused, and where they are counted.
fn limit(snapshot: &Snapshot, shared: &SharedSeen, subject: &str) -> (String, State) {
    let (text, state) = setting(snapshot, subject);
    let many = shared.processes.filter(|processes| *processes > 1);
    match (&shared.redis, many) {
        (Some(redis), _) if redis.away.is_some() => {
            (format!("{text} · counted in this process alone: Redis is away"), State::Missed)
        }
        (Some(_), None) => (format!("{text} · counted in Redis"), state),
        (Some(_), Some(many)) => {
            (format!("{text} · counted in Redis, shared by {many} processes"), state)
        }
        (None, Some(many)) => (
            format!("{text} · counted by each of {many} processes: no Redis is given"),
            State::Missed,
        ),
        (None, None) => (text, state),
    }
}

/// Microseconds as people read them.
fn duration(micros: u64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "durations of requests are small")]
    let millis = micros as f64 / 1000.0;
    match millis {
        millis if millis < 10.0 => format!("{millis:.1} ms"),
        millis if millis < 1000.0 => format!("{millis:.0} ms"),
        millis => format!("{:.1} s", millis / 1000.0),
    }
}

/// A number with its thousands set apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(hits: u64, misses: u64) -> Snapshot {
        let mut snapshot = engine::observability::Evidence::new(jiff::Timestamp::UNIX_EPOCH)
            .snapshot(jiff::Timestamp::UNIX_EPOCH);
        let seen = CacheSnapshot { hits, misses, ..CacheSnapshot::default() };
        snapshot.caches.insert("cache:products".to_owned(), seen);
        snapshot
    }

    #[test]
    fn a_hit_rate_is_judged_with_enough_reads_alone() {
        let check = |hits: u64, misses: u64, text: &str, state: State| {
            assert_eq!(hit_rate(&snapshot(hits, misses), 0.9), (text.to_owned(), state));
        };
        check(0, 0, "nothing read yet", State::Unknown);
        check(57, 1, "98.3 % · n = 58, not enough", State::Unknown);
        check(95, 5, "95.0 % · n = 100 ✓", State::Seen);
        check(50, 50, "50.0 % · n = 100", State::Missed);
    }

    #[test]
    fn what_is_kept_is_told_with_its_count() {
        let (text, state) = cache(&snapshot(3, 1), "cache:products");
        assert_eq!((text.as_str(), state), ("75.0 % hits · n = 4 · 0 kept, 0 kB", State::Seen));
        assert_eq!(cache(&snapshot(3, 1), "cache:orders").1, State::Unknown);
    }

    #[test]
    fn numbers_and_durations_are_written_for_people() {
        assert_eq!(grouped(4812), "4\u{202f}812");
        assert_eq!(grouped(12), "12");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(duration(140), "0.1 ms");
        assert_eq!(duration(12_000), "12 ms");
        assert_eq!(duration(2_500_000), "2.5 s");
    }
}
