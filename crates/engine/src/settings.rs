//! What the operator decides: addresses, directories, limits. Everything has a safe default.

use crate::observability::AccessLogTo;
use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

/// The operator's settings of one service.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where the database, keys and backups live.
    pub data_directory: PathBuf,
    /// URL of the PostgreSQL database that holds the rows; none is SQLite in the data directory,
    /// unless the document's own variable names one.
    pub database: Option<String>,
    /// URLs of its read replicas.
    pub replicas: Vec<String>,
    /// URL of the Redis that processes on one database share; none is the memory of each, unless
    /// the document's own variable names one.
    pub redis: Option<String>,
    /// When a write counts as done.
    pub durability: store::Durability,
    /// Memory for pages of an SQLite file, all connections together, in bytes.
    pub page_cache_bytes: u64,
    /// Serve what is sound of a document with errors.
    pub partial: bool,
    /// Values of the document's environment variables.
    pub variables: BTreeMap<String, String>,
    /// Public address for links, such as `https://api.example.org`; none trusts nothing from requests.
    pub public_url: Option<String>,
    /// Addresses of proxies whose `X-Forwarded-For` is believed (rightmost untrusted hop counts).
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// Largest request body, in bytes; the document may say less or more.
    pub body_bytes_max: usize,
    /// Longest time for a request, in milliseconds; the document may say less or more.
    pub request_ms_max: u64,
    /// Longest query string, in bytes.
    pub query_bytes_max: usize,
    /// Operations in one batch.
    pub batch_operations_max: usize,
    /// Where the access log goes.
    pub access_log: AccessLogTo,
    /// What is broken on purpose, for tests of `verify` alone.
    #[cfg(any(debug_assertions, feature = "sabotage"))]
    pub sabotage: Option<crate::sabotage::Sabotage>,
}

impl Settings {
    /// Safe defaults for a data directory.
    pub fn new(data_directory: impl Into<PathBuf>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data_directory: data_directory.into(),
            database: None,
            replicas: Vec::new(),
            redis: None,
            durability: store::Durability::Full,
            page_cache_bytes: store::PAGE_CACHE_BYTES_DEFAULT,
            partial: false,
            variables: BTreeMap::new(),
            public_url: None,
            trusted_proxies: Vec::new(),
            body_bytes_max: 1024 * 1024,
            request_ms_max: 30_000,
            query_bytes_max: 8 * 1024,
            batch_operations_max: 100,
            access_log: AccessLogTo::Off,
            #[cfg(any(debug_assertions, feature = "sabotage"))]
            sabotage: None,
        }
    }
}
