//! The public keys of all processes on one database. Each process writes its own there and learns the
//! others', so that a token that one signed is good for all, and no private key leaves its machine.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
};

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use store::{Expression, Operator, StoreError};

use super::{
    kept,
    keys::{self, VerifyingKey},
    rows::{self, before, equal, moment, text},
    sessions,
    tables::{SETTINGS, TEXT},
};
use crate::{Problem, Running, service::Inner};

/// Begins the names of public keys among what the engine remembers.
const PREFIX: &str = "token key ";
/// The first name behind all of them.
const PREFIX_END: &str = "token key!";
/// Where the secret is kept that no variable holds.
const SECRET: &str = "token secret";
/// A key that nobody has renewed for so long verifies nothing that is still alive, in seconds;
/// longer where tokens live longer.
const KEY_SECONDS_MIN: u64 = 7 * 86_400;
/// Keys that are learned at most.
const KEYS_MAX: u64 = 1_000;
/// An unknown key is looked for at most this often, in seconds.
const LOOK_EVERY_SECONDS: i64 = 1;

/// What is known of the others.
#[derive(Default)]
pub(super) struct Ring {
    known: ArcSwap<HashMap<String, Arc<VerifyingKey>>>,
    looked_at: AtomicI64,
}

impl Ring {
    /// The public keys, by their ids.
    pub(super) fn public(&self) -> Vec<serde_json::Value> {
        let known = self.known.load();
        let mut all: Vec<_> = known.iter().collect();
        all.sort_by_key(|(id, _)| id.as_str());
        all.into_iter().filter_map(|(_, key)| key.public.clone()).collect()
    }
}

/// Makes tokens of this process good for the others, and theirs for this one; where processes use one
/// secret, agrees on it.
pub(super) async fn share(inner: &Inner, running: &Running) -> Result<(), Problem> {
    if inner.store.place().is_none() {
        return Ok(());
    }
    let keys = &inner.security.keys;
    let system = &running.compiled.system;
    let (settings, world) = (&inner.settings, &*inner.world);
    if keys.needs_secret(settings, system) {
        let own = || keys::proposed_secret(&settings.data_directory, world);
        let secret = kept::kept(&inner.store, SECRET, world.now(), own).await;
        keys.share_secret(&secret.map_err(rows::problem)?).map_err(sessions::no_key)?;
    }
    publish(inner, running).await?;
    learn(inner).await.map_err(rows::problem)
}

/// Writes this process's own public key, and removes those that nobody renews any more.
async fn publish(inner: &Inner, running: &Running) -> Result<(), Problem> {
    let key = sessions::key(inner, running)?;
    let Some(public) = &key.public else { return Ok(()) };
    let now = inner.world.now();
    let token = &running.compiled.system.security.token;
    let life = KEY_SECONDS_MIN.max(token.access_seconds.saturating_mul(2));
    let life = SignedDuration::from_secs(i64::try_from(life).unwrap_or(i64::MAX));
    let old = now.saturating_sub(life).unwrap_or(Timestamp::MIN);
    let name = format!("{PREFIX}{}", key.id);
    let row = vec![
        ("name", text(name.as_str())),
        ("value", text(public.to_string())),
        ("updated_at", moment(now)),
    ];
    let steps = vec![
        rows::delete(SETTINGS, is_key().and(before("updated_at", old))),
        rows::delete(SETTINGS, equal("name", text(name))),
        rows::insert(SETTINGS, row),
    ];
    inner.store.write(steps).await.map(|_| ()).map_err(rows::problem)
}

fn is_key() -> Expression {
    let name =
        |operator, text: &str| Expression::column("name").binary(operator, rows::text(text).into());
    name(Operator::GreaterOrEqual, PREFIX).and(name(Operator::Less, PREFIX_END))
}

/// Reads the keys of all processes.
async fn learn(inner: &Inner) -> Result<(), StoreError> {
    let outputs = rows::outputs([("value", TEXT)]);
    let found = rows::read(&inner.store, SETTINGS, outputs, is_key(), KEYS_MAX).await?;
    let keys = found.iter().filter_map(|row| {
        let public = serde_json::from_str(row.get("value")?.as_str()?).ok()?;
        let key = keys::public_key(&public)?;
        Some((key.id.clone(), Arc::new(key)))
    });
    inner.security.ring.known.store(Arc::new(keys.collect()));
    Ok(())
}

/// The key of another process by its id. One that is not known is looked for, now and then.
pub(super) async fn find(inner: &Inner, id: &str) -> Option<Arc<VerifyingKey>> {
    inner.store.place()?;
    let ring = &inner.security.ring;
    if let Some(key) = ring.known.load().get(id) {
        return Some(Arc::clone(key));
    }
    let now = inner.world.now().as_second();
    let looked_at = ring.looked_at.load(Relaxed);
    let is_due = (now - looked_at).abs() >= LOOK_EVERY_SECONDS;
    // Of many that bring an unknown key at once one looks; the others come again.
    let is_mine =
        is_due && ring.looked_at.compare_exchange(looked_at, now, Relaxed, Relaxed).is_ok();
    if is_mine && let Err(error) = learn(inner).await {
        tracing::warn!(%error, "the keys of other processes cannot be read");
    }
    ring.known.load().get(id).map(Arc::clone)
}
