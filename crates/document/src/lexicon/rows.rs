//! The rows of the lexicon, chapter by chapter. A new setting is a new row here.

use super::entry::{Entry, Form};
use crate::Chapter::{
    Api, Data, Delivery, Messaging, Observability, Recovery, Resilience, Security,
};

const BREAKER: &[&str] = &["circuit", "breaker", "resilience", "fault tolerance"];
const PROBES: &[&str] =
    &["probe", "kubernetes", "k8s", "liveness", "readiness", "health check", "autoscal", "scaling"];
const RETRY: &[&str] =
    &["retr", "resilience", "backoff", "error handling", "circuit", "job", "queue"];
const TOKENS: &[&str] =
    &["auth", "token", "security", "session", "jwt", "login", "identity", "credential"];
const FOREIGN: &[&str] = &[
    "oauth",
    "presigned",
    "pre-signed",
    "signed url",
    "otp",
    "invitation",
    "third-party",
    "external",
    "reset",
    "verification",
    "magic link",
    "csrf",
    "integration",
    "webhook",
];
const CACHE: &[&str] = &["cach", "redis", "ttl", "cdn"];
const POOL: &[&str] =
    &["database", "pool", "connection", "postgres", "performance", "data", "scal"];
const BACKUP: &[&str] = &["backup", "recovery", "retention", "snapshot", "disaster"];
const LOGS: &[&str] = &["log", "observability", "monitoring"];
const SCALING: &[&str] = &[
    "scal",
    "replica",
    "deployment",
    "infrastructure",
    "instance",
    "environment",
    "compute",
    "kubernetes",
];

const ENCRYPTION: &[(&str, &str)] = &[
    ("aes-256", "aes-256"),
    ("aes 256", "aes-256"),
    ("aes256", "aes-256"),
    ("aes-128", "aes-128"),
    ("chacha20", "chacha20"),
    ("tde", "transparent"),
    ("transparent data encryption", "transparent"),
    ("kms", "kms"),
];

/// Settings of the security chapter.
pub(super) static SECURITY: &[Entry] = &[
    Entry::new(
        "security.password.algorithm",
        Security,
        Form::Word(&[("bcrypt", "bcrypt"), ("argon2", "argon2id")]),
        &[
            "password hashing",
            "password hash",
            "password hashing algorithm",
            "passwords",
            "password storage",
            "hashing",
            "hashing algorithm",
            "password encryption",
            "password",
            "password security",
            "hash algorithm",
            "password protection",
        ],
    )
    .default("bcrypt")
    .enforced("identity"),
    Entry::new(
        "security.password.cost",
        Security,
        Form::CountNear(&["cost", "rounds", "round", "factor", "salt", "work", "bcrypt"]),
        &[
            "password hashing",
            "password hash",
            "password hashing algorithm",
            "passwords",
            "password storage",
            "hashing",
            "hashing algorithm",
            "password encryption",
            "password",
            "password security",
            "hash algorithm",
            "password protection",
        ],
    )
    .default("12")
    .enforced("identity"),
    Entry::new(
        "security.password.cost",
        Security,
        Form::Count,
        &[
            "bcrypt cost",
            "bcrypt rounds",
            "bcrypt cost factor",
            "bcrypt salt rounds",
            "salt rounds",
            "hash rounds",
            "bcrypt work factor",
        ],
    )
    .default("12")
    .enforced("identity"),
    Entry::new(
        "security.password.length_min",
        Security,
        Form::Count,
        &[
            "password min length",
            "min password length",
            "password length",
            "min length",
            "password length min",
        ],
    )
    .under(&["password", "auth", "security"])
    .default("8 characters")
    .enforced("identity"),
    Entry::new(
        "security.password.length_min",
        Security,
        Form::CountNear(&["character", "characters", "chars"]),
        &["password policy", "password requirements", "password", "passwords", "password strength"],
    )
    .default("8 characters")
    .enforced("identity"),
    Entry::new(
        "security.token.algorithm",
        Security,
        Form::Word(&[("rs256", "RS256"), ("hs256", "HS256")]),
        &[
            "token type",
            "token algorithm",
            "jwt algorithm",
            "signing algorithm",
            "jwt",
            "token",
            "tokens",
            "jwt tokens",
            "jwt signing",
            "token signing",
            "algorithm",
            "authentication",
            "authentication method",
            "jwt token",
            "access token",
            "token format",
            "authentication mechanism",
        ],
    )
    .under(TOKENS)
    .default("RS256")
    .enforced("identity"),
    Entry::new(
        "security.token.access_seconds",
        Security,
        Form::Seconds,
        &[
            "token expiry",
            "access token",
            "access token expiry",
            "jwt expiry",
            "jwt token expiry",
            "access token ttl",
            "token ttl",
            "jwt ttl",
            "jwt access token",
            "access tokens",
            "auth.access token ttl",
            "token validity",
            "bearer token expiry",
            "access",
            "jwt token ttl",
            "auth token expiry",
            "access token validity",
            "jwt access token expiry",
            "jwt validity",
        ],
    )
    .under(TOKENS)
    .not_under(FOREIGN)
    .default("1 hour")
    .enforced("identity"),
    Entry::new(
        "security.token.access_seconds",
        Security,
        Form::SecondsNear(&[
            "access",
            "expiry",
            "expiration",
            "expire",
            "expires",
            "lifetime",
            "tokens",
        ]),
        &[
            "jwt",
            "tokens",
            "jwt tokens",
            "jwt token",
            "jwt bearer",
            "authentication",
            "token",
            "authentication method",
        ],
    )
    .under(TOKENS)
    .not_under(FOREIGN)
    .default("1 hour")
    .enforced("identity"),
    Entry::new(
        "security.token.refresh_seconds",
        Security,
        Form::Seconds,
        &[
            "refresh token",
            "refresh token expiry",
            "refresh tokens",
            "refresh token ttl",
            "refresh expiry",
            "jwt refresh expiry",
            "jwt refresh token",
            "refresh token validity",
            "refresh ttl",
            "jwt refresh token expiry",
            "refresh token expiry time",
            "refresh",
        ],
    )
    .under(TOKENS)
    .not_under(FOREIGN)
    .default("7 days")
    .enforced("identity"),
    Entry::new(
        "security.token.refresh_seconds",
        Security,
        Form::SecondsNear(&["refresh"]),
        &[
            "token expiry",
            "jwt",
            "tokens",
            "jwt tokens",
            "jwt expiry",
            "jwt token",
            "authentication",
            "token",
        ],
    )
    .under(TOKENS)
    .not_under(FOREIGN)
    .default("7 days")
    .enforced("identity"),
    Entry::new(
        "security.session.seconds",
        Security,
        Form::Seconds,
        &[
            "session expiry",
            "session timeout",
            "session duration",
            "session length",
            "session ttl",
            "session",
            "sessions",
            "idle timeout",
            "session max age",
            "inactivity timeout",
        ],
    )
    .under(TOKENS),
    Entry::new(
        "security.lockout.attempts_max",
        Security,
        Form::CountNear(&["attempt", "attempts", "failed", "failures", "tries", "logins", "times"]),
        &[
            "account lockout",
            "lockout",
            "lockout policy",
            "brute force protection",
            "failed login attempts",
            "account locking",
            "login lockout",
            "account lock",
        ],
    )
    .enforced("identity"),
    Entry::new(
        "security.lockout.attempts_max",
        Security,
        Form::Count,
        &[
            "max login attempts",
            "login attempts max",
            "failed login attempts",
            "max failed attempts",
            "max failed logins",
            "lockout attempts",
            "lockout threshold",
            "login attempts",
        ],
    )
    .under(TOKENS)
    .enforced("identity"),
    Entry::new(
        "security.lockout.seconds",
        Security,
        Form::Seconds,
        &[
            "account lockout",
            "lockout",
            "lockout policy",
            "lockout duration",
            "lockout time",
            "lockout period",
            "brute force protection",
            "failed login attempts",
            "account locking",
            "login lockout",
            "account lock",
        ],
    )
    .default("15 minutes")
    .enforced("identity"),
    Entry::new(
        "security.cors.origins",
        Security,
        Form::Text,
        &[
            "cors",
            "cors origins",
            "allowed origins",
            "cors allowed origins",
            "cors policy",
            "cors configuration",
            "cors origin",
            "cross origin",
            "origins",
        ],
    )
    .under(&["security", "cors", "api", "auth", "header", "middleware", "network", "http"])
    .enforced("the HTTP server"),
    Entry::new(
        "security.cors.credentials",
        Security,
        Form::Boolean,
        &["cors credentials", "allow credentials", "credentials allowed", "cors allow credentials"],
    )
    .enforced("the HTTP server"),
    Entry::new(
        "security.encryption.at_rest",
        Security,
        Form::Word(ENCRYPTION),
        &[
            "encryption at rest",
            "database encryption",
            "at rest",
            "data at rest",
            "file storage encryption",
            "disk encryption",
            "storage encryption",
            "data encryption",
            "encryption",
            "backup encryption",
            "field level encryption",
        ],
    )
    .under(&["security", "encryption", "protection", "data", "compliance", "storage"])
    .elsewhere(),
    Entry::new(
        "security.encryption.in_transit",
        Security,
        Form::Word(&[
            ("tls 1.3", "tls-1.3"),
            ("tls1.3", "tls-1.3"),
            ("tls 1.2", "tls-1.2"),
            ("tls1.2", "tls-1.2"),
            ("tls", "tls"),
            ("https", "tls"),
        ]),
        &[
            "encryption in transit",
            "tls version",
            "in transit",
            "data in transit",
            "tls",
            "transport",
            "transport security",
            "transport encryption",
            "https",
            "ssl/tls",
            "min tls version",
        ],
    )
    .under(&["security", "encryption", "protection", "network", "transit", "data"])
    .elsewhere(),
    Entry::new(
        "security.hsts_seconds",
        Security,
        Form::Seconds,
        &["hsts", "hsts max age", "strict transport security"],
    ),
    Entry::new(
        "security.audit.retention_seconds",
        Security,
        Form::Seconds,
        &[
            "audit log retention",
            "audit retention",
            "audit logs",
            "audit log",
            "audit logging",
            "audit trail retention",
        ],
    ),
    Entry::new(
        "security.key_rotation_seconds",
        Security,
        Form::Seconds,
        &[
            "key rotation",
            "api key rotation",
            "secret rotation",
            "secrets rotation",
            "credential rotation",
            "certificate rotation",
            "password rotation",
        ],
    ),
    Entry::new(
        "security.otp.expiry_seconds",
        Security,
        Form::Seconds,
        &[
            "otp expiry",
            "otp ttl",
            "otp validity",
            "verification code expiry",
            "password reset token expiry",
            "reset token expiry",
            "email verification token expiry",
        ],
    ),
];

/// Settings of the data and api chapters.
pub(super) static DATA_AND_API: &[Entry] = &[
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
        &["read replicas", "database replicas", "db replicas", "number of read replicas"],
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
        Form::CountNear(&["max"]),
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

/// Settings of the resilience and messaging chapters.
pub(super) static RESILIENCE: &[Entry] = &[
    Entry::new(
        "resilience.circuit_breaker.failures_max",
        Resilience,
        Form::Count,
        &[
            "failure threshold",
            "threshold",
            "open after",
            "trip threshold",
            "error threshold",
            "open threshold",
            "max failures",
            "failures",
            "circuit breaker threshold",
            "circuit breaker failure threshold",
            "open circuit",
            "trip condition",
            "circuit breaker",
        ],
    )
    .under(BREAKER)
    .not_under(PROBES),
    Entry::new(
        "resilience.circuit_breaker.failure_ratio",
        Resilience,
        Form::Ratio,
        &[
            "failure threshold",
            "threshold",
            "error threshold",
            "failure rate threshold",
            "failure rate",
            "open threshold",
            "error rate threshold",
            "circuit breaker threshold",
            "circuit breaker",
            "trip condition",
            "error percentage",
        ],
    )
    .under(BREAKER)
    .not_under(PROBES),
    Entry::new(
        "resilience.circuit_breaker.window_seconds",
        Resilience,
        Form::Window,
        &[
            "failure threshold",
            "threshold",
            "error threshold",
            "open after",
            "open threshold",
            "circuit breaker threshold",
            "failure rate threshold",
            "circuit breaker",
            "trip condition",
        ],
    )
    .under(BREAKER)
    .not_under(PROBES),
    Entry::new(
        "resilience.circuit_breaker.window_seconds",
        Resilience,
        Form::Seconds,
        &[
            "window",
            "rolling window",
            "time window",
            "sliding window",
            "failure window",
            "monitoring period",
            "monitoring window",
        ],
    )
    .under(BREAKER)
    .not_under(PROBES),
    Entry::new(
        "resilience.circuit_breaker.open_seconds",
        Resilience,
        Form::Seconds,
        &[
            "open duration",
            "open circuit duration",
            "recovery timeout",
            "reset timeout",
            "break duration",
            "open state duration",
            "cooldown",
            "cooldown period",
            "open state",
            "timeout",
            "recovery time",
            "sleep window",
            "wait duration",
            "circuit open duration",
            "open timeout",
            "circuit reset timeout",
            "half open after",
            "recovery period",
            "open for",
        ],
    )
    .under(&["circuit", "breaker"])
    .not_under(PROBES),
    Entry::new(
        "resilience.circuit_breaker.probes",
        Resilience,
        Form::Count,
        &[
            "half open state",
            "half open",
            "half open max requests",
            "half open requests",
            "half open test requests",
            "half open max calls",
            "half open probes",
            "half open attempts",
            "test requests",
        ],
    )
    .under(BREAKER),
    Entry::new(
        "resilience.circuit_breaker.probe_ratio",
        Resilience,
        Form::Ratio,
        &["half open state", "half open"],
    )
    .under(BREAKER),
    Entry::new(
        "resilience.circuit_breaker.successes",
        Resilience,
        Form::Count,
        &[
            "success threshold",
            "close circuit",
            "close after",
            "closed after",
            "successes to close",
            "close threshold",
            "recovery threshold",
        ],
    )
    .under(BREAKER)
    .not_under(PROBES),
    Entry::new(
        "resilience.retry.attempts_max",
        Resilience,
        Form::Count,
        &[
            "max retries",
            "max attempts",
            "retries",
            "retry attempts",
            "retry count",
            "max retry attempts",
            "retry limit",
            "number of retries",
            "attempts",
            "retries max",
            "retry max attempts",
            "max retry",
        ],
    )
    .under(RETRY)
    .not_under(&["login", "password", "otp", "probe"]),
    Entry::new(
        "resilience.retry.attempts_max",
        Resilience,
        Form::CountNear(&["retries", "retry", "attempts", "attempt", "max", "times", "×"]),
        &[
            "retry",
            "retry policy",
            "retry logic",
            "retry strategy",
            "retries",
            "retry with backoff",
            "retry mechanism",
            "exponential backoff",
            "error handling",
        ],
    )
    .not_under(&["login", "password", "otp", "probe"]),
    Entry::new(
        "resilience.retry.delays_seconds",
        Resilience,
        Form::SecondsList,
        &[
            "exponential backoff",
            "backoff",
            "retry delays",
            "backoff strategy",
            "retry",
            "retry policy",
            "retry logic",
            "retry strategy",
            "retries",
            "retry backoff",
            "retry intervals",
            "delays",
            "retry with backoff",
            "max retries",
            "retry delay",
            "backoff delays",
            "backoff schedule",
        ],
    )
    .not_under(&["login", "password", "otp", "probe"]),
    Entry::new(
        "resilience.retry.delay_seconds_initial",
        Resilience,
        Form::Seconds,
        &[
            "initial delay",
            "base delay",
            "initial backoff",
            "initial interval",
            "retry delay",
            "initial retry delay",
            "retry interval",
            "first retry",
        ],
    )
    .under(RETRY)
    .not_under(PROBES),
    Entry::new(
        "resilience.retry.delay_seconds_max",
        Resilience,
        Form::Seconds,
        &[
            "max delay",
            "max backoff",
            "max interval",
            "backoff cap",
            "max retry delay",
            "delay cap",
        ],
    )
    .under(RETRY),
    Entry::new(
        "resilience.retry.factor",
        Resilience,
        Form::Factor,
        &[
            "backoff multiplier",
            "multiplier",
            "backoff factor",
            "exponential base",
            "backoff rate",
            "retry multiplier",
        ],
    )
    .under(RETRY),
    Entry::new(
        "resilience.timeout_seconds",
        Resilience,
        Form::Seconds,
        &[
            "timeout",
            "timeouts",
            "* timeout",
            "timeout *",
            "default timeout",
            "connection timeout",
            "read timeout",
            "external service timeout",
            "response timeout",
        ],
    )
    .not_under(&["session", "auth", "lockout", "probe", "circuit", "half", "login", "idle"]),
    Entry::new(
        "resilience.bulkhead.concurrent_max",
        Resilience,
        Form::Count,
        &[
            "max concurrent calls",
            "max concurrency",
            "concurrency limit",
            "thread pool size",
            "max concurrent requests",
            "concurrent calls",
            "bulkhead",
            "thread pools",
            "max threads",
            "concurrent requests limit",
        ],
    )
    .under(&["bulkhead", "resilience", "isolation", "concurren", "circuit", "worker", "pool"]),
    Entry::new(
        "resilience.queue.size_max",
        Resilience,
        Form::Count,
        &["queue size", "max queue size", "queue limit", "queue capacity", "max queue length"],
    ),
    Entry::new(
        "messaging.message.retention_seconds",
        Messaging,
        Form::Seconds,
        &["message retention", "event retention", "topic retention", "queue retention"],
    ),
    Entry::new(
        "messaging.delivery",
        Messaging,
        Form::Word(&[
            ("exactly once", "exactly_once"),
            ("exactly-once", "exactly_once"),
            ("at least once", "at_least_once"),
            ("at-least-once", "at_least_once"),
            ("at most once", "at_most_once"),
            ("at-most-once", "at_most_once"),
        ]),
        &[
            "delivery guarantee",
            "delivery guarantees",
            "message delivery",
            "delivery semantics",
            "delivery",
            "guarantee",
            "guarantees",
            "delivery mode",
        ],
    ),
    Entry::new(
        "messaging.concurrency",
        Messaging,
        Form::Count,
        &[
            "worker concurrency",
            "workers",
            "concurrency",
            "consumers",
            "prefetch",
            "prefetch count",
            "number of workers",
            "max workers",
        ],
    )
    .under(&[
        "queue",
        "job",
        "worker",
        "message",
        "messaging",
        "event",
        "celery",
        "background",
    ]),
];

/// Settings of the observability, delivery and recovery chapters.
pub(super) static OPERATIONS: &[Entry] = &[
    Entry::new(
        "observability.log.level",
        Observability,
        Form::Word(&[
            ("trace", "trace"),
            ("debug", "debug"),
            ("info", "info"),
            ("warning", "warn"),
            ("warn", "warn"),
            ("error", "error"),
        ]),
        &[
            "log level",
            "default log level",
            "logging level",
            "production log level",
            "min log level",
            "* log level",
        ],
    ),
    Entry::new(
        "observability.log.format",
        Observability,
        Form::Word(&[("json", "json"), ("logfmt", "logfmt"), ("plain", "text"), ("text", "text")]),
        &[
            "log format",
            "logging format",
            "format",
            "structured logging",
            "structured logs",
            "logs format",
        ],
    )
    .under(LOGS),
    Entry::new(
        "observability.log.retention_seconds",
        Observability,
        Form::Seconds,
        &[
            "log retention",
            "logs retention",
            "retention",
            "retention period",
            "log storage",
            "logs",
            "retention policy",
        ],
    )
    .under(LOGS)
    .not_under(&["backup", "audit"]),
    Entry::new(
        "observability.metrics.retention_seconds",
        Observability,
        Form::Seconds,
        &["metrics retention", "metric retention", "trace retention", "traces retention"],
    ),
    Entry::new(
        "observability.trace.sample_ratio",
        Observability,
        Form::Ratio,
        &[
            "sample rate",
            "sampling rate",
            "trace sampling",
            "sampling",
            "trace sample rate",
            "sampling ratio",
            "trace sampling rate",
            "sampling strategy",
        ],
    ),
    Entry::new(
        "observability.health.interval_seconds",
        Observability,
        Form::Seconds,
        &[
            "health check interval",
            "check interval",
            "probe interval",
            "health check",
            "health checks",
            "health check frequency",
            "check frequency",
            "polling interval",
        ],
    )
    .under(&[
        "health",
        "monitor",
        "probe",
        "observab",
        "deploy",
        "infrastructure",
        "load balanc",
    ]),
    Entry::new(
        "observability.scrape_seconds",
        Observability,
        Form::Seconds,
        &[
            "scrape interval",
            "metrics interval",
            "collection interval",
            "metrics collection interval",
        ],
    ),
    Entry::new(
        "delivery.instances_min",
        Delivery,
        Form::Count,
        &[
            "min instances",
            "min replicas",
            "min pods",
            "min capacity",
            "minreplicas",
            "instances min",
            "min nodes",
        ],
    )
    .under(SCALING),
    Entry::new(
        "delivery.instances_max",
        Delivery,
        Form::Count,
        &[
            "max instances",
            "max replicas",
            "max pods",
            "max capacity",
            "maxreplicas",
            "instances max",
            "max nodes",
        ],
    )
    .under(SCALING),
    Entry::new(
        "delivery.instances",
        Delivery,
        Form::Count,
        &[
            "replicas",
            "instances",
            "number of instances",
            "pods",
            "replica count",
            "instance count",
            "nodes",
            "servers",
        ],
    )
    .under(SCALING),
    Entry::new(
        "delivery.scale_up",
        Delivery,
        Form::Text,
        &[
            "scale up",
            "scale out",
            "scale up trigger",
            "scale out trigger",
            "scale up when",
            "scale up threshold",
            "scale up policy",
        ],
    )
    .elsewhere(),
    Entry::new(
        "delivery.scale_down",
        Delivery,
        Form::Text,
        &[
            "scale down",
            "scale in",
            "scale down trigger",
            "scale in trigger",
            "scale down when",
            "scale down threshold",
            "scale down policy",
        ],
    )
    .elsewhere(),
    Entry::new(
        "delivery.cpu_target",
        Delivery,
        Form::Ratio,
        &[
            "target cpu",
            "cpu target",
            "cpu threshold",
            "target cpu utilization",
            "cpu utilization target",
            "cpu utilization",
            "cpu",
        ],
    )
    .under(&["scal", "autoscal", "hpa"])
    .elsewhere(),
    Entry::new(
        "recovery.backup.retention_seconds",
        Recovery,
        Form::Seconds,
        &[
            "backup retention",
            "retention",
            "retention period",
            "retention policy",
            "backup retention period",
            "backups retention",
        ],
    )
    .under(BACKUP)
    .not_under(&["log", "monitoring"]),
    Entry::new(
        "recovery.backup.point_in_time_seconds",
        Recovery,
        Form::Seconds,
        &["point in time recovery", "pitr", "point in time", "wal retention"],
    ),
    Entry::new(
        "recovery.drill",
        Recovery,
        Form::Text,
        &[
            "recovery drills",
            "dr drills",
            "disaster recovery drills",
            "backup testing",
            "restore test",
            "dr testing",
            "recovery testing",
            "restore testing",
            "test frequency",
            "restore drill",
            "backup verification",
        ],
    )
    .under(BACKUP),
    Entry::new(
        "recovery.backup.storage",
        Recovery,
        Form::Text,
        &[
            "backup storage",
            "backup location",
            "storage location",
            "offsite backup",
            "offsite storage",
            "storage",
        ],
    )
    .under(&["backup"]),
];
