//! Rows of the lexicon: settings of the data and api chapters.

use super::super::entry::{Entry, Form};
use crate::Chapter::{Api, Data};

const CACHE: &[&str] = &["cach", "redis", "ttl", "cdn"];

const POOL: &[&str] =
    &["database", "pool", "connection", "postgres", "performance", "data", "scal"];

/// Settings of the data and api chapters.
pub(in crate::lexicon) static DATA_AND_API: &[Entry] = &[
    Entry::new(
        "data.retention_seconds",
        Data,
        Form::Seconds,
        &[
            "data retention",
            "retention",
            "retention period",
            "retention policy",
            "* retention",
            "data retention period",
        ],
    )
    .not_under(&["backup", "recovery", "disaster", "log", "snapshot", "monitoring", "metric"]),
    Entry::new(
        "data.archive_after_seconds",
        Data,
        Form::Seconds,
        &[
            "archival",
            "archive after",
            "archive",
            "archiving",
            "archival policy",
            "archive policy",
            "data archival",
        ],
    ),
    Entry::new(
        "data.cache.ttl_seconds",
        Data,
        Form::Seconds,
        &[
            "cache ttl",
            "ttl",
            "ttl strategy",
            "default ttl",
            "cache expiry",
            "cache duration",
            "* cache ttl",
            "* ttl",
            "cache invalidation ttl",
            "* cache",
            "time to live",
        ],
    )
    .under(CACHE)
    .not_under(&["token", "auth", "dns", "session token"]),
    Entry::new(
        "data.cache.strategy",
        Data,
        Form::Word(&[
            ("cache-aside", "cache_aside"),
            ("cache aside", "cache_aside"),
            ("lazy loading", "cache_aside"),
            ("write-through", "write_through"),
            ("write through", "write_through"),
            ("write-behind", "write_behind"),
            ("write behind", "write_behind"),
            ("write-back", "write_behind"),
            ("read-through", "read_through"),
            ("read through", "read_through"),
        ]),
        &[
            "caching approach",
            "cache strategy",
            "caching strategy",
            "caching pattern",
            "cache pattern",
            "strategy",
            "pattern",
        ],
    )
    .under(CACHE),
    Entry::new(
        "data.cache.size_bytes_max",
        Data,
        Form::Bytes,
        &[
            "max cache size",
            "cache size",
            "max memory",
            "maxmemory",
            "cache memory",
            "memory limit",
            "cache size max",
        ],
    )
    .under(CACHE),
    Entry::new(
        "data.pool.connections_max",
        Data,
        Form::Count,
        &[
            "connection pool size",
            "pool size",
            "max pool size",
            "max connections",
            "connection pool",
            "connection pooling",
            "pool max",
            "max pool",
            "db pool size",
            "database connections",
            "connection pool max",
            "pool size max",
            "database pool size",
            "max database connections",
            "connection limit",
        ],
    )
    .under(POOL),
    Entry::new(
        "data.pool.connections_min",
        Data,
        Form::Count,
        &[
            "min pool size",
            "min connections",
            "pool min",
            "min idle",
            "min idle connections",
            "pool size min",
        ],
    )
    .under(POOL),
    Entry::new(
        "data.replicas",
        Data,
        Form::Count,
        &["read replicas", "database replicas", "db replicas", "number read replicas"],
    ),
    Entry::new(
        "data.query.timeout_seconds",
        Data,
        Form::Seconds,
        &[
            "statement timeout",
            "query timeout",
            "database query timeout",
            "db query timeout",
            "database timeout",
            "db timeout",
        ],
    ),
    Entry::new(
        "api.timeout_seconds",
        Api,
        Form::Seconds,
        &[
            "api request timeout",
            "request timeout",
            "api timeout",
            "http timeout",
            "server timeout",
            "http request timeout",
            "api gateway timeout",
        ],
    )
    .not_under(&["external", "integration", "third-party", "stripe", "client", "frontend"])
    .default("30 seconds")
    .enforced("the HTTP server"),
    Entry::new(
        "api.body_bytes_max",
        Api,
        Form::Bytes,
        &[
            "max request size",
            "request size limit",
            "body size limit",
            "max body size",
            "request body limit",
            "payload limit",
            "max payload size",
            "request body size",
            "max payload",
            "body limit",
            "request size max",
            "request size",
            "payload size limit",
            "max request body size",
            "body size",
        ],
    )
    .default("1 MB")
    .enforced("the HTTP server"),
    Entry::new(
        "api.upload_bytes_max",
        Api,
        Form::Bytes,
        &[
            "max file size",
            "file size limit",
            "upload limit",
            "max upload size",
            "file upload limit",
            "upload size limit",
            "file size max",
            "file size",
            "max upload",
        ],
    ),
    Entry::new(
        "api.pagination.limit_default",
        Api,
        Form::Count,
        &[
            "default page size",
            "default limit",
            "page size",
            "page size default",
            "items per page",
            "default per page",
            "default items per page",
            "per page default",
            "limit default",
            "default pagination",
            "results per page",
        ],
    )
    .default("20")
    .enforced("REST"),
    Entry::new(
        "api.pagination.limit_default",
        Api,
        Form::CountNear(&["default", "items", "page"]),
        &[
            "pagination",
            "pagination limit",
            "pagination defaults",
            "limit",
            "pagination approach",
            "page size",
        ],
    )
    .under(&["pagina", "api", "convention", "performance", "list"])
    .default("20")
    .enforced("REST"),
    Entry::new(
        "api.pagination.limit_max",
        Api,
        Form::CountNear(&["max", "most", "maximum", "up to", "more than", "capped"]),
        &[
            "pagination",
            "pagination limit",
            "pagination defaults",
            "limit",
            "default page size",
            "page size",
            "default limit",
            "pagination approach",
        ],
    )
    .under(&["pagina", "api", "convention", "performance", "list"])
    .default("100")
    .enforced("REST"),
    Entry::new(
        "api.pagination.limit_max",
        Api,
        Form::Count,
        &[
            "max page size",
            "max limit",
            "page size max",
            "max per page",
            "max items per page",
            "limit max",
            "max results",
            "max results per page",
        ],
    )
    .default("100")
    .enforced("REST"),
    Entry::new(
        "api.base",
        Api,
        Form::Text,
        &[
            "base url",
            "base path",
            "api base url",
            "api base path",
            "api base",
            "api prefix",
            "url prefix",
            "path prefix",
            "api root",
        ],
    )
    .not_under(&["external", "integration", "third-party", "environment", "stripe"])
    .enforced("REST"),
    Entry::new(
        "api.version",
        Api,
        Form::Text,
        &["api version", "current api version", "current version"],
    )
    .under(&["api", "version"])
    .enforced("REST"),
    Entry::new(
        "api.idempotency.expiry_seconds",
        Api,
        Form::Seconds,
        &[
            "idempotency key expiry",
            "idempotency",
            "idempotency keys",
            "idempotency key ttl",
            "idempotency ttl",
            "idempotency window",
        ],
    ),
    Entry::new(
        "api.webhook.timeout_seconds",
        Api,
        Form::Seconds,
        &["webhook timeout", "webhook delivery timeout"],
    ),
];
