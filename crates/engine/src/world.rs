//! The outside world as the engine may know it: time and randomness. Tests replace it.

use std::cell::RefCell;

use jiff::Timestamp;

/// Time and randomness.
pub trait World: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Fills `bytes` from a cryptographically secure source.
    fn fill_random(&self, bytes: &mut [u8]);

    /// A random UUID (version 4).
    fn uuid(&self) -> uuid::Uuid {
        let mut bytes = [0; 16];
        self.fill_random(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

/// The real world.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemWorld;

impl World for SystemWorld {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        // The operating system's source does not fail on the platforms we run on; all zeroes
        // would be a key that anybody could guess, so stopping is the only safe answer.
        if getrandom::fill(bytes).is_err() {
            std::process::abort();
        }
    }

    fn uuid(&self) -> uuid::Uuid {
        POOL.with_borrow_mut(|pool| {
            let bytes = pool.next(|bytes| self.fill_random(bytes));
            uuid::Builder::from_random_bytes(bytes).into_uuid()
        })
    }
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; POOL_BYTES], used: POOL_BYTES }) };
}

/// Randomness that is asked of the operating system at once.
const POOL_BYTES: usize = 1024;

/// Random bytes for names that are no secrets: each request gets one, and a system call for each
/// would take as long as finding its route.
struct Pool {
    bytes: [u8; POOL_BYTES],
    used: usize,
}

impl Pool {
    /// Sixteen bytes that were never given out.
    fn next(&mut self, fill: impl FnOnce(&mut [u8])) -> [u8; 16] {
        if self.used + 16 > POOL_BYTES {
            fill(&mut self.bytes);
            self.used = 0;
        }
        let mut given = [0; 16];
        if let Some(next) = self.bytes.get_mut(self.used..self.used + 16) {
            given.copy_from_slice(next);
            next.fill(0);
        }
        self.used += 16;
        given
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_never_given_twice() {
        let names: HashSet<_> = (0..1000).map(|_| SystemWorld.uuid()).collect();
        assert_eq!(names.len(), 1000);
        assert!(names.iter().all(|name| name.get_version_num() == 4));
    }
}
