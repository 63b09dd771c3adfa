//! Rows of the lexicon: settings of the observability, delivery and recovery chapters.

use super::super::entry::{Entry, Form};
use crate::Chapter::{Delivery, Observability, Recovery};

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

/// Settings of the observability, delivery and recovery chapters.
pub(in crate::lexicon) static OPERATIONS: &[Entry] = &[
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
            "number instances",
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
