//! What several processes on one database share: limits and cached answers through Redis, notices and
//! the order of their documents through the database itself.

mod hear;
mod notices;
pub(crate) mod order;
mod redis;

use std::sync::{
    Arc,
    atomic::{
        AtomicBool, AtomicU32,
        Ordering::{Relaxed, SeqCst},
    },
};

use document::Compiled;
use store::Store;

pub(crate) use hear::listen;
pub(crate) use notices::{Notice, Notices};
pub use redis::{Away, Redis, RedisError, RedisSeen};

use crate::{Settings, StartError, World, database};

/// The service's ways to the other processes on its database.
pub struct Shared {
    /// Redis, where one is given.
    pub redis: Option<Arc<Redis>>,
    /// What the others are told; none where no other process can be.
    pub(crate) notices: Option<Arc<Notices>>,
    is_hearing: AtomicBool,
    mark: AtomicU32,
}

/// What was seen of other processes and of Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedSeen {
    /// Redis, where one is given.
    pub redis: Option<Arc<RedisSeen>>,
    /// Processes on the database, this one included, a moment ago; none where there can be only one.
    pub processes: Option<u64>,
    /// True while other processes are heard.
    pub is_hearing: bool,
    /// Processes that serve other tables than this one.
    pub elsewhere: u64,
    /// Read replicas that are read from just now; none where there are none at all.
    pub replicas: Option<u64>,
}

impl Shared {
    /// Opens what the operator or the document's own variable names.
    ///
    /// # Errors
    /// A Redis that refuses, or a URL that is none; and a store that fails.
    pub(crate) async fn open(
        settings: &Settings,
        compiled: &Compiled,
        store: &Store,
        world: &Arc<dyn World>,
    ) -> Result<Self, StartError> {
        let redis = match database::redis_url(settings, compiled) {
            None => None,
            Some(url) => {
                let identity = crate::security::identity(store, &**world).await?;
                let redis = Redis::open(url, &identity, world.clone()).await;
                Some(redis.map_err(|error| StartError::Machine(error.to_string()))?)
            }
        };
        let sender = world.uuid().simple().to_string();
        let is_server = store.place().is_some();
        let notices = is_server.then(|| Notices::start(store.clone(), sender));
        Ok(Self { redis, notices, is_hearing: AtomicBool::new(false), mark: AtomicU32::new(0) })
    }

    /// True while other processes are heard.
    pub fn is_hearing(&self) -> bool {
        self.is_hearing.load(Relaxed)
    }

    /// Whether other processes are heard from now on.
    fn hears(&self, is_hearing: bool) {
        self.is_hearing.store(is_hearing, Relaxed);
    }

    /// What is known of the other processes and of Redis just now.
    pub fn seen(&self, store: &Store) -> SharedSeen {
        let present = store.present();
        let processes = present.values().sum();
        let own = self.mark();
        let others = present.iter().filter(|(mark, _)| **mark != own);
        let (replicas, replicas_up) = store.replicas();
        SharedSeen {
            replicas: (replicas > 0).then_some(replicas_up as u64),
            redis: self.redis.as_ref().map(|redis| redis.seen()),
            processes: self.notices.is_some().then_some(processes),
            is_hearing: self.is_hearing(),
            elsewhere: others.map(|(_, count)| *count).sum(),
        }
    }

    /// True where no other process was seen on the database a moment ago.
    pub(crate) fn is_alone(&self, store: &Store) -> bool {
        self.notices.is_none() || self.is_hearing() && store.present().values().sum::<u64>() <= 1
    }

    /// What this process serves, as the others see it.
    pub(crate) fn mark(&self) -> u32 {
        self.mark.load(SeqCst)
    }

    /// This process serves something else from now on.
    pub(crate) fn set_mark(&self, mark: u32) {
        self.mark.store(mark, SeqCst);
    }

    /// Tells the others and waits until they are told.
    pub(crate) async fn tell(&self, notice: Notice) {
        if let Some(notices) = &self.notices {
            notices.tell(notice).await;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
