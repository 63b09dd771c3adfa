//! Rows of the lexicon: settings of the resilience and messaging chapters.

use super::super::entry::{Entry, Form};
use crate::Chapter::{Messaging, Resilience};

const BREAKER: &[&str] = &["circuit", "breaker", "resilience", "fault tolerance"];

const PROBES: &[&str] =
    &["probe", "kubernetes", "k8s", "liveness", "readiness", "health check", "autoscal", "scaling"];

const RETRY: &[&str] =
    &["retr", "resilience", "backoff", "error handling", "circuit", "job", "queue"];

/// Settings of the resilience and messaging chapters.
pub(in crate::lexicon) static RESILIENCE: &[Entry] = &[
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
            "number retries",
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
            "number workers",
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
