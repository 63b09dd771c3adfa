//! How many requests are being answered. Each thread counts in a place of its own, so that
//! processors do not have to hand one counter to each other with every request.

use std::{
    cell::Cell,
    sync::atomic::{
        AtomicU64, AtomicUsize,
        Ordering::{Relaxed, SeqCst},
    },
};

/// Places; threads beyond share them.
const PLACES: usize = 16;

thread_local! {
    static OWN: Cell<Option<usize>> = const { Cell::new(None) };
}
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Requests that are being answered.
#[derive(Default)]
pub(crate) struct InFlight([Place; PLACES]);

/// Two of them share no line of a processor's cache.
#[derive(Default)]
#[repr(align(128))]
struct Place(AtomicU64);

impl InFlight {
    /// Counts one more; gives back where.
    pub(crate) fn enter(&self) -> usize {
        let place = OWN.get().unwrap_or_else(|| {
            let place = NEXT.fetch_add(1, Relaxed) % PLACES;
            OWN.set(Some(place));
            place
        });
        if let Some(own) = self.0.get(place) {
            own.0.fetch_add(1, SeqCst);
        }
        place
    }

    /// Counts one less where it was counted.
    pub(crate) fn leave(&self, place: usize) {
        if let Some(own) = self.0.get(place) {
            own.0.fetch_sub(1, SeqCst);
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.iter().map(|place| place.0.load(SeqCst)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_leaves_elsewhere_is_counted_where_it_entered() {
        let all = InFlight::default();
        let entered: Vec<usize> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..40).map(|_| scope.spawn(|| (all.enter(), all.enter()))).collect();
            threads
                .into_iter()
                .flat_map(|one| <[usize; 2]>::from(one.join().expect("ended")))
                .collect()
        });
        assert_eq!(all.count(), 80);
        entered[1..].iter().for_each(|place| all.leave(*place));
        assert_eq!(all.count(), 1);
    }
}
