//! Which database holds the rows: SQLite in the data directory, or the PostgreSQL that the operator
//! or the document's own variable names; and which Redis its processes share.

use document::{Compiled, setting::SettingValue};
use store::{Options, Store, StoreError};

use crate::Settings;

/// The variable of a document that names its database.
const VARIABLE: &str = "DATABASE_URL";
/// The variable of a document that names its Redis.
const REDIS_VARIABLE: &str = "REDIS_URL";
/// How long a start waits for a database that is away, in milliseconds.
const START_MS_MAX: u64 = 30_000;
/// Connections that a document may ask for, at most.
const CONNECTIONS_MAX: f64 = 500.0;
/// Longest time for one statement that a document may ask for, in seconds.
const STATEMENT_S_MAX: f64 = 3_600.0;

/// The URL of the PostgreSQL database that is to be used, if one is: what the operator says, else
/// `DATABASE_URL` where the document's variables name it and it is PostgreSQL's.
pub fn url<'a>(settings: &'a Settings, compiled: &Compiled) -> Option<&'a str> {
    let named = || {
        let mut variables = compiled.system.delivery.variables.iter();
        variables.find(|variable| variable.name == VARIABLE)?;
        let url = settings.variables.get(VARIABLE)?.as_str();
        is_postgres(url).then_some(url)
    };
    settings.database.as_deref().or_else(named)
}

/// The URL of the Redis that is to be used, if one is: what the operator says, else `REDIS_URL` where
/// the document's variables name it, or its text names Redis.
pub fn redis_url<'a>(settings: &'a Settings, compiled: &Compiled) -> Option<&'a str> {
    let named = || {
        let url = settings.variables.get(REDIS_VARIABLE)?.trim();
        let mut variables = compiled.system.delivery.variables.iter();
        let mut is_named = || {
            variables.any(|variable| variable.name == REDIS_VARIABLE)
                || crate::observability::is_named(compiled, "Redis")
        };
        (!url.is_empty() && is_named()).then_some(url)
    };
    settings.redis.as_deref().or_else(named)
}

/// True for the URL of a PostgreSQL database.
pub fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Opens the store with the document's limits.
///
/// # Errors
/// [`StoreError::Unavailable`] where it cannot be reached.
pub async fn open(settings: &Settings, compiled: &Compiled) -> Result<Store, StoreError> {
    let options = options(settings, compiled);
    match url(settings, compiled) {
        Some(url) => Store::open_postgres(url, options).await,
        None => Store::open(&settings.data_directory, options),
    }
}

/// The store's limits, as the document says them.
fn options(settings: &Settings, compiled: &Compiled) -> Options {
    let mut options = Options {
        durability: settings.durability,
        connect_ms_max: START_MS_MAX,
        page_cache_bytes: settings.page_cache_bytes,
        replicas: settings.replicas.clone(),
        ..Options::default()
    };
    // A setting about one service or environment is not about the database.
    for setting in compiled.system.settings.iter().filter(|setting| setting.subject.is_none()) {
        match (setting.key, &setting.value) {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
            ("data.pool.connections_max", SettingValue::Count(count)) => {
                options.connections_max = count.clamp(1.0, CONNECTIONS_MAX) as usize;
            }
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
            ("data.query.timeout_seconds", SettingValue::Seconds(seconds)) if *seconds > 0.0 => {
                options.read_ms_max = (seconds.min(STATEMENT_S_MAX) * 1000.0) as u64;
            }
            _ => {}
        }
    }
    options
}
