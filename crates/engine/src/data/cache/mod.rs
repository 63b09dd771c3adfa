//! The cache: answers that the document wants kept are served again, until their time is over or
//! anything that they were read from has changed.
//!
//! What is kept stands under the whole statement as it was permitted, access rules included, so
//! nobody is ever shown what was read for somebody who may see more. An entry remembers how often
//! each table had changed before it was read; a write counts its tables up after it was committed
//! and before anybody is told, so nobody misses a write that was acknowledged.

mod ahead;
mod key;
mod plan;
mod reach;
mod tier;
mod together;
mod watched;

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use store::{Value, query::Rows};

pub(crate) use ahead::{warm, write_through};
pub(crate) use plan::{Planned, Rule};
pub(crate) use reach::Reach;
pub(crate) use together::Together;
pub use watched::{Cache, WatchedStore};

use self::{
    key::Key,
    reach::Versions,
    tier::{Entry, Turn},
};
use super::{
    run::{self, Page},
    work::{Getting, Listing},
};
use crate::{
    Problem,
    sabotage::{self, Sabotage},
    service::Inner,
};

/// Says where an answer comes from (RFC 9211).
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// What is kept of an answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Kept {
    rows: Rows,
    has_next: bool,
    next_cursor: Option<String>,
    total: Option<u64>,
}

impl Kept {
    /// The same without the room that was made for more rows than came: that would be kept too, uncounted.
    fn fitted(mut self) -> Self {
        self.rows.json.shrink_to_fit();
        self.rows.ends.shrink_to_fit();
        self
    }

    /// How much memory it takes, in bytes.
    fn bytes(&self) -> usize {
        let cursor = self.next_cursor.as_ref().map_or(0, String::len);
        self.rows.json.len() + self.rows.ends.len() * size_of::<usize>() + cursor
    }
}

/// Where an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// From the cache; for so many seconds more.
    Hit { seconds_left: i64 },
    /// From the store, and kept.
    Stored,
    /// From the store, and not kept: it changed meanwhile or is too large.
    Missed,
    /// From the store: the processes' common cache is away.
    Alone,
    /// From the store: an answer that depends on more than rows is not kept.
    Bypassed,
}

impl Told {
    /// The header for it.
    pub(crate) fn header(self) -> (HeaderName, HeaderValue) {
        let value = match self {
            Told::Hit { seconds_left } => {
                let text = format!("vitruvius; hit; ttl={seconds_left}");
                HeaderValue::try_from(text)
                    .unwrap_or_else(|_| HeaderValue::from_static("vitruvius; hit"))
            }
            Told::Stored => HeaderValue::from_static("vitruvius; fwd=miss; stored"),
            Told::Missed => HeaderValue::from_static("vitruvius; fwd=miss"),
            Told::Alone => HeaderValue::from_static("vitruvius; fwd=miss; detail=away"),
            Told::Bypassed => HeaderValue::from_static("vitruvius; fwd=bypass"),
        };
        (CACHE_STATUS, value)
    }
}

// What the cache adds to a read is boxed, so that reads without it carry none of it.

/// Reads one row, from the cache where a rule keeps it.
///
/// # Errors
/// As [`run::get`].
pub(crate) async fn get(
    inner: &Inner,
    rule: Option<&Arc<Rule>>,
    getting: &Getting,
) -> Result<(Rows, Option<Told>), Problem> {
    let Some(rule) = rule else {
        return run::get(inner, getting).await.map(|rows| (rows, None));
    };
    let key = Key::of_row(&getting.select);
    let reads = || rule.reads.of_select(&getting.select);
    let read = async { Ok(Kept { rows: run::get(inner, getting).await?, ..Kept::default() }) };
    let (kept, told) = Box::pin(through(inner, rule, key, reads, read)).await?;
    Ok((Arc::unwrap_or_clone(kept).rows, Some(told)))
}

/// Reads a page, from the cache where a rule keeps it.
///
/// # Errors
/// As [`run::list`].
pub(crate) async fn list(
    inner: &Inner,
    rule: Option<&Arc<Rule>>,
    listing: &Listing,
) -> Result<(Page, Option<Told>), Problem> {
    let Some(rule) = rule else {
        return run::list(inner, listing).await.map(|page| (page, None));
    };
    let key = Key::of_page(listing);
    let reads = || rule.reads.of_listing(listing);
    let read = async {
        let Page { rows, has_next, next_cursor, total, .. } = run::list(inner, listing).await?;
        Ok(Kept { rows, has_next, next_cursor, total })
    };
    let (kept, told) = Box::pin(through(inner, rule, key, reads, read)).await?;
    let Kept { rows, has_next, next_cursor, total } = Arc::unwrap_or_clone(kept);
    let ask = &listing.ask;
    let (page, limit, offset) = (ask.page, ask.limit, ask.offset);
    Ok((Page { rows, page, limit, offset, has_next, next_cursor, total }, Some(told)))
}

/// Runs a query of the document, or serves what it gave before where a rule keeps it.
///
/// # Errors
/// Whatever `read` gives.
pub(crate) async fn query(
    inner: &Inner,
    rule: Option<&Arc<Rule>>,
    sql: &str,
    values: &[(String, Value)],
) -> Result<(Rows, Option<Told>), Problem> {
    let run =
        async { inner.store.query(sql, values).await.map_err(|error| run::fault(inner, error)) };
    let Some(rule) = rule else { return run.await.map(|rows| (rows, None)) };
    let key = Key::of_query(sql, values);
    let reads = || rule.reads.of_query(sql);
    let read = async { Ok(Kept { rows: run.await?, ..Kept::default() }) };
    let (kept, told) = Box::pin(through(inner, rule, key, reads, read)).await?;
    Ok((Arc::unwrap_or_clone(kept).rows, Some(told)))
}

/// As [`through`], with what several processes keep together. While Redis is away nothing is kept
/// and nothing that was kept is believed.
async fn together(
    inner: &Inner,
    together: &Together,
    rule: &Arc<Rule>,
    key: Key,
    reads: impl FnOnce() -> Option<Versions>,
    read: impl Future<Output = Result<Kept, Problem>>,
) -> Result<(Arc<Kept>, Told), Problem> {
    let Some(tables) = reads().map(|versions| versions.tables()) else {
        rule.evidence.bypassed();
        return Ok((Arc::new(read.await?), Told::Bypassed));
    };
    let hit = |(kept, until): (Kept, jiff::Timestamp)| {
        let now = inner.world.now();
        rule.evidence.hit(now);
        let seconds_left = (until.as_second() - now.as_second()).max(0);
        (Arc::new(kept), Told::Hit { seconds_left })
    };
    let mut glance = together.look(rule, &key, &tables).await;
    let mut _turn = Turn::Alone;
    if matches!(&glance, Ok(glance) if glance.kept.is_none()) {
        _turn = rule.tier.turns.turn(&key).await;
        if let Turn::Waited(_) = _turn {
            glance = together.look(rule, &key, &tables).await;
        }
    }
    let glance = match glance {
        Ok(mut glance) => match glance.kept.take() {
            Some(kept) => return Ok(hit(kept)),
            None => glance,
        },
        Err(_) => {
            rule.evidence.missed();
            return Ok((Arc::new(read.await?), Told::Alone));
        }
    };
    rule.evidence.missed();
    let kept = Arc::new(read.await?);
    if sabotage::is(Sabotage::CacheNothing) {
        return Ok((kept, Told::Missed));
    }
    let until = together::until(inner.world.now(), rule.ttl);
    let is_kept = together.keep(rule, &key, &tables, &glance, &kept, until).await;
    Ok((kept, if is_kept { Told::Stored } else { Told::Missed }))
}

/// Serves what is kept under a key, or reads it and keeps it. Those who ask for the same thing at
/// the same time wait for whoever came first.
async fn through(
    inner: &Inner,
    rule: &Arc<Rule>,
    key: Key,
    reads: impl FnOnce() -> Option<Versions>,
    read: impl Future<Output = Result<Kept, Problem>>,
) -> Result<(Arc<Kept>, Told), Problem> {
    if let Some(shared) = inner.cache.together() {
        return together(inner, shared, rule, key, reads, read).await;
    }
    if !inner.shared.is_alone(&inner.store) {
        // What another process writes is heard of a moment later: too late for whoever wrote it.
        rule.evidence.bypassed();
        return Ok((Arc::new(read.await?), Told::Bypassed));
    }
    if let Some(hit) = served(inner, rule, &key) {
        return Ok(hit);
    }
    let turn = rule.tier.turns.turn(&key).await;
    if let Turn::Waited(_) = turn
        && let Some(hit) = served(inner, rule, &key)
    {
        return Ok(hit);
    }
    // The versions come before the rows: a write in between makes the entry old, never wrong.
    let Some(versions) = reads() else {
        rule.evidence.bypassed();
        return Ok((Arc::new(read.await?), Told::Bypassed));
    };
    rule.evidence.missed();
    let kept = Arc::new(read.await?.fitted());
    if !versions.hold() || sabotage::is(Sabotage::CacheNothing) {
        return Ok((kept, Told::Missed));
    }
    let entry = Entry::new(rule, Arc::clone(&kept), versions, inner.world.now());
    let told = if rule.tier.keep(key, entry) { Told::Stored } else { Told::Missed };
    Ok((kept, told))
}

/// What is kept under a key, where it still counts.
fn served(inner: &Inner, rule: &Rule, key: &Key) -> Option<(Arc<Kept>, Told)> {
    let entry = rule.tier.get(key)?;
    if !entry.versions.hold() && !sabotage::is(Sabotage::CacheForgetsWrites) {
        rule.evidence.outdated();
        return None;
    }
    let now = inner.world.now();
    let seconds_left = entry.until.as_second() - now.as_second();
    if entry.until <= now && !sabotage::is(Sabotage::CacheForgetsTime) {
        return None;
    }
    rule.evidence.hit(now);
    Some((Arc::clone(&entry.kept), Told::Hit { seconds_left }))
}
