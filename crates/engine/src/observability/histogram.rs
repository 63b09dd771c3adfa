//! Durations counted in buckets that grow with the duration: sixteen to each power of two, so that
//! a bucket is never wider than a sixteenth of its value. Counting takes one atomic addition.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Sub-buckets of a power of two, as a power of two.
const PRECISION_BITS: u32 = 4;
/// Powers of two counted apart: the longest duration is 2^28 µs, about four and a half minutes;
/// longer ones count as that long.
const EXPONENT_MAX: u32 = 28;
/// How many buckets there are.
const BUCKET_COUNT: usize =
    (((EXPONENT_MAX - PRECISION_BITS) as usize) << PRECISION_BITS) + (1 << PRECISION_BITS);

/// Durations, counted while they happen.
pub(super) struct Histogram {
    buckets: Box<[AtomicU32]>,
    sum_micros: AtomicU64,
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self {
            buckets: (0..BUCKET_COUNT).map(|_| AtomicU32::new(0)).collect(),
            sum_micros: AtomicU64::new(0),
        }
    }

    /// Counts one duration.
    pub(super) fn record(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.buckets.get(index_of(micros)) {
            bucket.fetch_add(1, Relaxed);
        }
        self.sum_micros.fetch_add(micros, Relaxed);
    }

    /// Moves everything that was counted to `other`.
    pub(super) fn move_to(&self, other: &Self) {
        for (bucket, theirs) in self.buckets.iter().zip(&other.buckets) {
            theirs.fetch_add(bucket.swap(0, Relaxed), Relaxed);
        }
        other.sum_micros.fetch_add(self.sum_micros.swap(0, Relaxed), Relaxed);
    }

    /// Adds what was counted to `counts`.
    pub(super) fn add_to(&self, counts: &mut Counts) {
        for (total, bucket) in counts.buckets.iter_mut().zip(&self.buckets) {
            *total += u64::from(bucket.load(Relaxed));
        }
        counts.sum_micros += self.sum_micros.load(Relaxed);
    }
}

/// Durations that were counted, at rest.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    buckets: Vec<u64>,
    /// All durations together.
    pub(super) sum_micros: u64,
}

impl Counts {
    pub(super) fn new() -> Self {
        Self { buckets: vec![0; BUCKET_COUNT], sum_micros: 0 }
    }

    /// How many durations.
    pub(super) fn total(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The duration in microseconds that the share `quantile` (0 to 1) of all durations does not
    /// exceed: the upper end of its bucket, so never flattering. Zero where nothing was counted.
    pub(super) fn quantile_micros(&self, quantile: f64) -> u64 {
        let total = self.total();
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=total")]
        let rank = ((total as f64 * quantile).ceil() as u64).clamp(1, total.max(1));
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if rank <= seen {
                return upper_micros(index);
            }
        }
        0
    }

    /// How many durations may have been longer than the limit: a bucket that reaches over it counts
    /// as longer.
    pub(super) fn longer_than(&self, limit: Duration) -> u64 {
        let limit = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        let buckets = self.buckets.iter().enumerate();
        buckets.filter(|(index, _)| limit < upper_micros(*index)).map(|(_, count)| count).sum()
    }

    /// How many durations were surely not longer than the limit.
    pub(super) fn at_most(&self, limit: Duration) -> u64 {
        self.total() - self.longer_than(limit)
    }
}

/// The bucket of a duration.
fn index_of(micros: u64) -> usize {
    let micros = micros.min((1 << EXPONENT_MAX) - 1);
    if micros < 1 << PRECISION_BITS {
        return usize::try_from(micros).unwrap_or(0);
    }
    let exponent = 63 - micros.leading_zeros();
    let shift = exponent - PRECISION_BITS;
    let sub = usize::try_from(micros >> shift).unwrap_or(0) - (1 << PRECISION_BITS);
    ((shift as usize + 1) << PRECISION_BITS) + sub
}

/// The longest duration of a bucket.
fn upper_micros(index: usize) -> u64 {
    let (group, sub) = (index >> PRECISION_BITS, index & ((1 << PRECISION_BITS) - 1));
    if group == 0 {
        return sub as u64;
    }
    let shift = group - 1;
    ((((1 << PRECISION_BITS) + sub + 1) as u64) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(micros: impl IntoIterator<Item = u64>) -> Counts {
        let histogram = Histogram::new();
        for micros in micros {
            histogram.record(Duration::from_micros(micros));
        }
        let mut counts = Counts::new();
        histogram.add_to(&mut counts);
        counts
    }

    #[test]
    fn every_duration_lies_within_its_bucket_and_a_sixteenth_of_its_upper_end() {
        for micros in (0..100_000).chain([1 << 20, (1 << 27) + 12_345, (1 << 28) - 1]) {
            let upper = upper_micros(index_of(micros));
            assert!(micros <= upper, "{micros} > {upper}");
            assert!(upper - micros <= micros / 16, "{micros} is far from {upper}");
        }
    }

    #[test]
    fn a_duration_beyond_the_last_bucket_counts_in_it() {
        assert_eq!(index_of(u64::MAX), BUCKET_COUNT - 1);
        assert_eq!(counted([u64::MAX / 2]).total(), 1);
    }

    #[test]
    fn quantiles_never_flatter() {
        let counts = counted(1..=1000);
        for (quantile, exact) in [(0.5, 500), (0.95, 950), (0.99, 990), (1.0, 1000)] {
            let shown = counts.quantile_micros(quantile);
            assert!(exact <= shown && shown <= exact + exact / 16, "{quantile}: {shown}");
        }
        assert_eq!(counted([]).quantile_micros(0.5), 0);
    }

    #[test]
    fn what_may_be_over_the_limit_counts_as_over() {
        let counts = counted([10, 100, 1000]);
        assert_eq!(counts.longer_than(Duration::from_micros(100)), 2);
        assert_eq!(counts.longer_than(Duration::from_micros(110)), 1);
        assert_eq!(counts.at_most(Duration::from_millis(2)), 3);
    }

    #[test]
    fn moving_takes_counts_and_sum_along() {
        let (histogram, other) = (Histogram::new(), Histogram::new());
        histogram.record(Duration::from_millis(5));
        other.record(Duration::from_millis(2));
        histogram.move_to(&other);
        let (mut left, mut moved) = (Counts::new(), Counts::new());
        histogram.add_to(&mut left);
        other.add_to(&mut moved);
        assert_eq!((left.total(), left.sum_micros), (0, 0));
        assert_eq!((moved.total(), moved.sum_micros), (2, 7_000));
    }
}
