//! What this process tells the others on its database: whose rights may have changed, which tables,
//! that another document was applied. Notices travel through the database itself, because a
//! revocation must not depend on anything that may be away while the database answers.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use store::Store;
use tokio::sync::{Notify, watch};

/// Notices that wait at once; beyond that all of them become one about everything.
const WAITING_MAX: usize = 1_000;
/// Longest name in a notice, in bytes; a longer one becomes one about everything.
const NAME_BYTES_MAX: usize = 5_000;
/// How long an answer waits until the others are told, at most.
const TOLD_MAX: Duration = Duration::from_millis(500);
/// Between two attempts to tell.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(250);

/// Something that the others must know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Notice {
    /// One user's row, role or sessions changed.
    User(String),
    /// Any user's may have.
    Users,
    /// Rows of a table changed.
    Table(String),
    /// This process writes and cannot reach Redis: what is kept there is not to be believed.
    Uncounted,
    /// A document with this mark was applied.
    Document(u32),
    /// Anything may have changed.
    Everything,
}

impl Notice {
    fn text(&self) -> String {
        match self {
            Notice::User(subject) => format!("user {subject}"),
            Notice::Users => "users".to_owned(),
            Notice::Table(name) => format!("table {name}"),
            Notice::Uncounted => "uncounted".to_owned(),
            Notice::Document(mark) => format!("document {mark}"),
            Notice::Everything => "everything".to_owned(),
        }
    }

    /// What was said. Words of a later version that are not known may mean anything.
    fn parsed(text: &str) -> Self {
        match text.split_once(' ') {
            Some(("user", subject)) => Notice::User(subject.to_owned()),
            Some(("table", name)) => Notice::Table(name.to_owned()),
            Some(("document", mark)) => mark.parse().map_or(Notice::Everything, Notice::Document),
            None if text == "users" => Notice::Users,
            None if text == "uncounted" => Notice::Uncounted,
            _ => Notice::Everything,
        }
    }

    fn is_long(&self) -> bool {
        matches!(self, Notice::User(name) | Notice::Table(name) if name.len() > NAME_BYTES_MAX)
    }
}

/// Notices on their way.
pub(crate) struct Notices {
    /// Tells this process's own notices from others'.
    sender: String,
    waiting: Mutex<Waiting>,
    is_waiting: Notify,
    /// The number of the last batch that was told.
    told: watch::Sender<u64>,
}

/// The batch that is told next.
#[derive(Default)]
struct Waiting {
    batch: BTreeSet<Notice>,
    number: u64,
}

impl Notices {
    /// Tells through a store, for as long as this is held.
    pub(crate) fn start(store: Store, sender: String) -> Arc<Self> {
        let notices = Arc::new(Self {
            sender,
            waiting: Mutex::default(),
            is_waiting: Notify::new(),
            told: watch::Sender::new(0),
        });
        tokio::spawn(tell(Arc::downgrade(&notices), store));
        notices
    }

    /// Tells the others, soon. What is told at the same time travels together.
    pub(crate) fn add(&self, notice: Notice) -> u64 {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if notice.is_long() || waiting.batch.len() >= WAITING_MAX {
            waiting.batch.clear();
            waiting.batch.insert(Notice::Everything);
        } else {
            waiting.batch.insert(notice);
        }
        self.is_waiting.notify_one();
        waiting.number + 1
    }

    /// Tells the others and waits until it is told; not for long, since it will be told in any case.
    pub(crate) async fn tell(&self, notice: Notice) {
        self.tell_all(std::iter::once(notice)).await;
    }

    /// As [`Notices::tell`], for several.
    pub(crate) async fn tell_all(&self, notices: impl Iterator<Item = Notice>) {
        let Some(number) = notices.map(|notice| self.add(notice)).last() else { return };
        let mut told = self.told.subscribe();
        let is_told = told.wait_for(|last| *last >= number);
        if tokio::time::timeout(TOLD_MAX, is_told).await.is_err() {
            tracing::warn!("the other processes could not be told of a change yet");
        }
    }

    /// What another process said; none where it was this one.
    pub(crate) fn heard(&self, words: &str) -> Option<Notice> {
        match words.split_once(' ') {
            Some((sender, _)) if sender == self.sender => None,
            Some((_, text)) => Some(Notice::parsed(text)),
            None => Some(Notice::Everything),
        }
    }

    /// The next batch and its number.
    fn next(&self) -> (Vec<Notice>, u64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.number += 1;
        (std::mem::take(&mut waiting.batch).into_iter().collect(), waiting.number)
    }
}

/// Tells one batch after the other; what cannot be told is told again.
async fn tell(notices: Weak<Notices>, store: Store) {
    loop {
        let Some(held) = notices.upgrade() else { return };
        // Looks now and then whether anybody still holds it.
        let waits = tokio::time::timeout(Duration::from_secs(1), held.is_waiting.notified());
        if waits.await.is_err() {
            continue;
        }
        let (batch, number) = held.next();
        let sender = &held.sender;
        let words: Vec<String> =
            batch.iter().map(|notice| format!("{sender} {}", notice.text())).collect();
        if words.is_empty() || store.tell(&words).await.is_ok() {
            held.told.send_replace(number);
            continue;
        }
        for notice in batch {
            held.add(notice);
        }
        drop(held);
        tokio::time::sleep(ATTEMPT_PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_heard_as_it_was_said() {
        for notice in [
            Notice::User("7f 3".to_owned()),
            Notice::Users,
            Notice::Table("order lines".to_owned()),
            Notice::Document(u32::MAX),
            Notice::Everything,
        ] {
            assert_eq!(Notice::parsed(&notice.text()), notice);
        }
        assert_eq!(Notice::parsed("a word of a later version"), Notice::Everything);
    }
}
