//! The typed form of what the document wants kept and served again.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{Span, api::Method};

/// So long is kept what nobody says a time for.
pub const TTL_SECONDS_DEFAULT: u64 = 300;
/// So long is kept what the document wants kept without an end.
pub const TTL_SECONDS_MAX: u64 = 30 * 86_400;

/// What the document wants kept and served again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Caching {
    /// By table and endpoint, in the order of the document. Where a read falls under several, the
    /// endpoint's counts before the table's, and a part of a table before the whole.
    pub rules: Vec<CacheRule>,
    /// Memory for all that is kept; the engine's own bound where nothing is said.
    pub bytes_max: Option<u64>,
}

impl Caching {
    /// True where nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rule for this subject.
    pub fn rule(&self, subject: &CacheSubject) -> Option<&CacheRule> {
        self.rules.iter().find(|rule| &rule.subject == subject)
    }
}

/// Reads that are kept, and for how long.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CacheRule {
    /// Which reads.
    pub subject: CacheSubject,
    /// How the cache is filled.
    pub strategy: CacheStrategy,
    /// How long an answer is served again at most; 0 where the document says that it never is.
    pub ttl_seconds: u64,
    /// Read once at the start, before anybody asks.
    pub warm: bool,
    /// True where the document names no subject and means all tables.
    pub general: bool,
    /// Where it is said.
    pub span: Span,
}

/// Which reads are kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "of")]
pub enum CacheSubject {
    /// Reads of a table or view.
    Table {
        /// Its name.
        table: String,
        /// Which of them.
        part: CachePart,
    },
    /// Answers of an endpoint.
    Endpoint {
        /// Its method.
        method: Method,
        /// Its path, as in [`crate::api::Endpoint::path`].
        path: String,
    },
}

impl CacheSubject {
    /// As in a statement's subject: `cache:products`, `cache:products lists`,
    /// `cache:GET /products`.
    pub fn subject(&self) -> String {
        format!("cache:{}", self.words())
    }

    /// In words: `products`, `products lists`, `GET /products`.
    pub fn words(&self) -> String {
        match self {
            CacheSubject::Table { table, part: CachePart::All } => table.clone(),
            CacheSubject::Table { table, part: CachePart::Lists } => format!("{table} lists"),
            CacheSubject::Table { table, part: CachePart::Rows } => format!("{table} rows"),
            CacheSubject::Endpoint { method, path } => format!("{} {path}", method.word()),
        }
    }
}

/// Which reads of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CachePart {
    /// All.
    All,
    /// Pages of rows.
    Lists,
    /// Single rows.
    Rows,
}

/// How the cache is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CacheStrategy {
    /// By the read that misses.
    CacheAside,
    /// By the read that misses; who reads sees no difference to cache-aside.
    ReadThrough,
    /// By the write too: a written row is kept when it was written.
    WriteThrough,
}

impl CacheStrategy {
    /// The words for it.
    pub fn word(self) -> &'static str {
        match self {
            CacheStrategy::CacheAside => "cache-aside",
            CacheStrategy::ReadThrough => "read-through",
            CacheStrategy::WriteThrough => "write-through",
        }
    }
}
