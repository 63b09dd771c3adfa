//! What several processes on one database share: counts and cached answers, through Redis.

mod redis;

use std::sync::Arc;

use document::Compiled;
use store::Store;

pub use redis::{Away, Redis, RedisError, RedisSeen};

use crate::{Settings, StartError, World, database};

/// The service's ways to the other processes on its database.
pub struct Shared {
    /// Redis, where one is given.
    pub redis: Option<Arc<Redis>>,
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
        let Some(url) = database::redis_url(settings, compiled) else {
            return Ok(Self { redis: None });
        };
        let identity = crate::security::identity(store, &**world).await?;
        let redis = Redis::open(url, &identity, world.clone()).await;
        let redis = redis.map_err(|error| StartError::Machine(error.to_string()))?;
        Ok(Self { redis: Some(redis) })
    }
}

#[cfg(test)]
pub(crate) mod tests;
