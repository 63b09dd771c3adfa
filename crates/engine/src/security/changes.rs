//! Counts changes of users and sessions, so that a verified token that is still cached is looked at
//! again as soon as anything about its user may have changed.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

/// Users share this many counters; two that share one merely cause a needless second look.
const SLOTS: usize = 4096;

/// Counters by user.
pub(super) struct Changes {
    all: AtomicU64,
    slots: Box<[AtomicU64]>,
    hasher: RandomState,
}

/// The counters as they stood when a user was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    all: u64,
    slot: u64,
}

impl Default for Changes {
    fn default() -> Self {
        Self {
            all: AtomicU64::new(0),
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Changes {
    /// The version of one user. Read it before the user's row, never after.
    pub(super) fn version(&self, subject: &str) -> Version {
        let slot = self.slot(subject).map_or(0, |slot| slot.load(Ordering::Acquire));
        Version { all: self.all.load(Ordering::Acquire), slot }
    }

    /// One user changed, or one of their sessions ended.
    pub(super) fn user(&self, subject: &str) {
        match self.slot(subject) {
            Some(slot) => slot.fetch_add(1, Ordering::AcqRel),
            None => self.all.fetch_add(1, Ordering::AcqRel),
        };
    }

    /// Any user may have changed.
    pub(super) fn everybody(&self) {
        self.all.fetch_add(1, Ordering::AcqRel);
    }

    fn slot(&self, subject: &str) -> Option<&AtomicU64> {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(subject.as_bytes());
        let index = usize::try_from(hasher.finish() % SLOTS as u64).ok()?;
        self.slots.get(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_one_user_is_seen_in_that_users_version() {
        let changes = Changes::default();
        let before = changes.version("ada");
        assert_eq!(before, changes.version("ada"));
        changes.user("ada");
        assert_ne!(before, changes.version("ada"));
    }

    #[test]
    fn a_change_of_everybody_is_seen_in_each_version() {
        let changes = Changes::default();
        let before = changes.version("ada");
        changes.everybody();
        assert_ne!(before, changes.version("ada"));
    }
}
