//! Metrics in Prometheus' text format.

use std::{fmt::Write, time::Duration};

use axum::{body::Body, response::Response};
use http::{HeaderValue, header};

use super::{CacheSnapshot, Sample, Snapshot};
use crate::{service::Inner, shared::SharedSeen};

/// Upper bounds of the buckets that are shown, in microseconds.
const BOUNDS_MICROS: [u64; 14] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000,
];

/// The metrics as an answer.
pub(super) fn answer(inner: &Inner) -> Response {
    let mut text = text(&inner.evidence.snapshot(inner.world.now()));
    shared(&mut text, &inner.shared.seen(&inner.store));
    let mut response = Response::new(Body::from(text));
    let content = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content);
    response
}

/// Everything since the service started.
fn text(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    endpoints(&mut text, snapshot);
    let name = "vitruvius_table_rows";
    head(&mut text, name, "gauge", "Rows of a table, as counted last.");
    for (table, count) in &*snapshot.tables {
        line(&mut text, name, &[("table", table)], &count.rows);
    }
    let name = "vitruvius_setting_effects_total";
    head(&mut text, name, "counter", "How often a setting had an effect.");
    for (key, seen) in &snapshot.settings {
        line(&mut text, name, &[("setting", key)], &seen.count);
    }
    caches(&mut text, snapshot);
    let singles: [(&str, &str, &str, u64); 4] = [
        ("vitruvius_requests_in_flight", "gauge", "Being answered now.", snapshot.in_flight),
        ("vitruvius_connections", "gauge", "Open now.", snapshot.connections),
        ("vitruvius_faults_total", "counter", "Panics that were contained.", snapshot.faults),
        (
            "vitruvius_access_log_lines_dropped_total",
            "counter",
            "Lines of the access log that found its queue full.",
            snapshot.log_lines_dropped,
        ),
    ];
    for (name, kind, help, value) in singles {
        head(&mut text, name, kind, help);
        line(&mut text, name, &[], &value);
    }
    let name = "vitruvius_start_time_seconds";
    head(&mut text, name, "gauge", "When counting began, in seconds since 1970.");
    line(&mut text, name, &[], &snapshot.since.as_second());
    text
}

/// What is kept of answers, by what it is of.
fn caches(text: &mut String, snapshot: &Snapshot) {
    type Figure = fn(&CacheSnapshot) -> u64;
    let figures: [(&str, &str, &str, Figure); 7] = [
        ("hits_total", "counter", "Reads served from memory.", |seen| seen.hits),
        ("misses_total", "counter", "Reads that asked the store.", |seen| seen.misses),
        ("bypassed_total", "counter", "Reads that are never kept.", |seen| seen.bypassed),
        ("outdated_total", "counter", "Misses for a write since.", |seen| seen.outdated),
        ("evicted_total", "counter", "Entries that made room.", |seen| seen.evicted),
        ("entries", "gauge", "Kept answers.", |seen| seen.entries),
        ("bytes", "gauge", "Memory of kept answers.", |seen| seen.bytes),
    ];
    for (figure, kind, help, value) in figures {
        let name = format!("vitruvius_cache_{figure}");
        head(text, &name, kind, help);
        for (subject, seen) in &snapshot.caches {
            let of = subject.strip_prefix("cache:").unwrap_or(subject);
            line(text, &name, &[("of", of)], &value(seen));
        }
    }
}

/// Redis and the other processes, where there can be any.
fn shared(text: &mut String, seen: &SharedSeen) {
    let here = seen.redis.as_ref().map(|redis| u64::from(redis.away.is_none()));
    let hearing = seen.processes.map(|_| u64::from(seen.is_hearing));
    let singles: [(&str, &str, Option<u64>); 4] = [
        ("vitruvius_redis_up", "1 while limits are counted in Redis.", here),
        ("vitruvius_replicas_up", "Replicas that are read from.", seen.replicas),
        ("vitruvius_processes", "Processes on the database.", seen.processes),
        ("vitruvius_notices_up", "1 while other processes are heard.", hearing),
    ];
    for (name, help, value) in singles {
        if let Some(value) = value {
            head(text, name, "gauge", help);
            line(text, name, &[], &value);
        }
    }
}

fn endpoints(text: &mut String, snapshot: &Snapshot) {
    let seen: Vec<_> = snapshot
        .endpoints
        .iter()
        .map(|endpoint| {
            let split = endpoint.subject.split_once(' ');
            let (method, route) = split.unwrap_or(("", &endpoint.subject));
            (method, route, &endpoint.since_start)
        })
        .collect();
    let name = "vitruvius_http_requests_total";
    head(text, name, "counter", "Answers by endpoint and class of status.");
    for (method, route, sample) in &seen {
        for (class, count) in ["1xx", "2xx", "3xx", "4xx", "5xx"].iter().zip(sample.classes) {
            if 0 < count {
                let labels = [("method", *method), ("route", *route), ("status", *class)];
                line(text, name, &labels, &count);
            }
        }
    }
    let name = "vitruvius_http_request_duration_seconds";
    head(text, name, "histogram", "From a request's head to its answer's, by endpoint.");
    for (method, route, sample) in &seen {
        if 0 < sample.count {
            durations(text, name, method, route, sample);
        }
    }
}

fn durations(text: &mut String, name: &str, method: &str, route: &str, sample: &Sample) {
    let bucket = format!("{name}_bucket");
    for bound in BOUNDS_MICROS {
        let count = sample.at_most(Duration::from_micros(bound));
        let bound = seconds(bound).to_string();
        line(text, &bucket, &[("method", method), ("route", route), ("le", &bound)], &count);
    }
    let all = [("method", method), ("route", route), ("le", "+Inf")];
    line(text, &bucket, &all, &sample.count);
    let labels = [("method", method), ("route", route)];
    line(text, &format!("{name}_sum"), &labels, &seconds(sample.sum_micros()));
    line(text, &format!("{name}_count"), &labels, &sample.count);
}

fn seconds(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64()
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, name: &str, labels: &[(&str, &str)], value: &dyn std::fmt::Display) {
    text.push_str(name);
    for (index, (label, content)) in labels.iter().enumerate() {
        text.push(if index == 0 { '{' } else { ',' });
        let _ = write!(text, "{label}=\"");
        for letter in content.chars() {
            match letter {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                letter => text.push(letter),
            }
        }
        text.push('"');
    }
    if !labels.is_empty() {
        text.push('}');
    }
    let _ = writeln!(text, " {value}");
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use jiff::Timestamp;

    use super::{super::Evidence, *};

    fn shown() -> String {
        let now = Timestamp::from_second(1_700_000_000).expect("a moment");
        let evidence = Evidence::new(now);
        let endpoint = evidence.endpoint("GET", "/posts/{id}");
        endpoint.record(StatusCode::OK, Duration::from_micros(900), now);
        endpoint.record(StatusCode::NOT_FOUND, Duration::from_millis(30), now);
        evidence.happened("a \"quoted\" setting", now);
        text(&evidence.snapshot(now))
    }

    fn check(line: &str) {
        let shown = shown();
        assert!(shown.lines().any(|each| each == line), "{line} is not in\n{shown}");
    }

    #[test]
    fn answers_are_counted_by_route_and_class() {
        check(r#"vitruvius_http_requests_total{method="GET",route="/posts/{id}",status="2xx"} 1"#);
        check(r#"vitruvius_http_requests_total{method="GET",route="/posts/{id}",status="4xx"} 1"#);
    }

    #[test]
    fn buckets_add_up_and_never_flatter() {
        let name =
            r#"vitruvius_http_request_duration_seconds_bucket{method="GET",route="/posts/{id}""#;
        check(&format!(r#"{name},le="0.0005"}} 0"#));
        check(&format!(r#"{name},le="0.001"}} 1"#));
        check(&format!(r#"{name},le="0.05"}} 2"#));
        check(&format!(r#"{name},le="+Inf"}} 2"#));
    }

    #[test]
    fn labels_are_escaped() {
        check(r#"vitruvius_setting_effects_total{setting="a \"quoted\" setting"} 1"#);
    }
}
