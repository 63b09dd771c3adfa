//! The outside world as the engine may know it: time and randomness. Tests replace it.

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
}
