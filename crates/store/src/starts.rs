//! Where pages far behind begin, remembered for as long as nobody writes: finding it out means
//! skipping every row before.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{Expression, Operator, Value, query::Select, sql::SqlWriter};

/// Rows right before a page that are looked at, to know how many have the same key as its first.
pub(crate) const BESIDE_MAX: usize = 64;
/// Beginnings that are remembered.
const KNOWN_MAX: usize = 1_024;
/// For how long: another process may write too, and a page may then begin a few rows off for so
/// long, with every row as it is.
const KNOWN_FOR: Duration = Duration::from_secs(1);

/// Where pages begin, by the statement that finds it out.
#[derive(Default)]
pub(crate) struct Starts(Mutex<HashMap<u64, Known>>);

/// Where a page begins: so many rows after the first one with this key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Start {
    at: Value,
    beside: u64,
}

/// What the keys right before a page say of it.
#[derive(Debug, PartialEq)]
pub(crate) enum Found {
    At(Start),
    /// There are fewer rows than are to be skipped.
    Nothing,
    /// Too many rows have the same key to say how many of them come before.
    Tied,
}

impl Found {
    /// From the keys of the rows before a page, [`BESIDE_MAX`] of them, and of its first row.
    pub(crate) fn of(mut keys: Vec<Value>) -> Self {
        let Some(at) = keys.pop().filter(|_| keys.len() == BESIDE_MAX) else {
            return Self::Nothing;
        };
        match keys.iter().rev().take_while(|key| **key == at).count() {
            BESIDE_MAX => Self::Tied,
            beside => Self::At(Start { at, beside: beside as u64 }),
        }
    }
}

impl Start {
    /// The page, read from here on instead of past all rows before it.
    pub(crate) fn page(self, select: &Select, key: &str, descends: bool) -> Select {
        let operator = if descends { Operator::LessOrEqual } else { Operator::GreaterOrEqual };
        let from = Expression::column(key).binary(operator, self.at.into());
        let condition = select.condition.clone().and(from);
        Select { condition, offset: self.beside, ..select.clone() }
    }
}

/// A start, and after how many writes it was found.
struct Known {
    start: Start,
    writes: u64,
    since: Instant,
}

impl Starts {
    /// Where a page begins, as long as nobody has written since it was found.
    pub(crate) fn find(&self, id: u64, writes: u64) -> Option<Start> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(&id)?;
        let counts = known.writes == writes && known.since.elapsed() < KNOWN_FOR;
        counts.then(|| known.start.clone())
    }

    /// Remembers where a page begins, after so many writes.
    pub(crate) fn learn(&self, id: u64, writes: u64, start: Start) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(id, Known { start, writes, since: Instant::now() });
    }
}

/// Identifies a statement and its values.
pub(crate) fn id_of(writer: &SqlWriter<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    writer.text.hash(&mut hasher);
    format!("{:?}", writer.parameters).hash(&mut hasher);
    hasher.finish()
}
