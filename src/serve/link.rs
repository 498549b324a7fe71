//! Starts the link of an instance to its database, for news of changes and outages.

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::{
    app::Parts,
    cache::{self, Cache},
    config::Config,
    database::DatabaseUrl,
};

/// Starts the task that listens to the database for the cache. If there is no cache, starts the one that asks
/// whether the database is there.
pub(super) fn start(config: &Config, url: &DatabaseUrl, parts: &mut Parts) -> JoinHandle<()> {
    let (database, clock) = (parts.services.database.clone(), parts.services.clock.clone());
    let presence = parts.presence.clone();
    if config.cache_bytes == 0 {
        return tokio::spawn(async move { match presence.watch(&database, Duration::ZERO).await {} });
    }
    let (cache, asked) = Cache::new(config.cache_bytes, config.stale_if_error, presence);
    parts.cache = Some(cache.clone());
    tokio::spawn(cache::invalidation::run(url.clone(), database, clock, cache, asked))
}
