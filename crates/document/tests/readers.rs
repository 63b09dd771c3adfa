//! What the chapters read from one filled-in document, and that its look does not matter.

use document::{
    Compiled, Sources, compile,
    messaging::Schedule,
    observability::{Comparison, Measure},
    recovery::ObjectiveKind,
};
use serde_json::Value;

const SAMPLE: &str = include_str!("sample.md");

fn compiled(text: &str) -> Compiled {
    compile(Sources::single("sample.md", text))
}

/// The System as JSON without its places.
fn without_spans(text: &str) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.retain(|name, _| !name.ends_with("span"));
                members.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(&compiled(text).system).expect("json");
    strip(&mut value);
    value
}

#[track_caller]
fn same_system(changed: &str) {
    assert_ne!(changed, SAMPLE, "the change changes nothing");
    let (before, after) = (without_spans(SAMPLE), without_spans(changed));
    for (chapter, value) in before.as_object().expect("an object") {
        assert_eq!(Some(value), after.get(chapter), "chapter {chapter}");
    }
}

#[test]
fn other_bullets_do_not_matter() {
    for bullet in ["* ", "+ "] {
        let changed: Vec<String> = outside_fences(|line| match line.strip_prefix("- ") {
            Some(rest) => format!("{bullet}{rest}"),
            None => line.to_owned(),
        });
        same_system(&changed.join("\n"));
    }
}

#[test]
fn the_depth_of_headings_does_not_matter() {
    let deeper =
        outside_fences(
            |line| {
                if line.starts_with("##") { format!("#{line}") } else { line.to_owned() }
            },
        );
    same_system(&deeper.join("\n"));
}

#[test]
fn how_prose_is_wrapped_does_not_matter() {
    let wrapped = outside_fences(|line| {
        let prose = line.len() > 60 && !line.starts_with(['-', '|', '#', '*']);
        if prose {
            line.replacen(" a ", "\na ", 1).replacen(" is ", " is\n", 1)
        } else {
            line.to_owned()
        }
    });
    same_system(&wrapped.join("\n"));
}

#[test]
fn bold_labels_and_blank_lines_do_not_matter() {
    let bold =
        outside_fences(|line| match line.strip_prefix("- ").and_then(|l| l.split_once(": ")) {
            Some((label, value)) if !label.contains(['*', '`', '>']) => {
                format!("- **{label}:** {value}")
            }
            _ => line.to_owned(),
        });
    same_system(&bold.join("\n"));
    let loose =
        outside_fences(
            |line| {
                if line.starts_with("- ") { format!("{line}\n") } else { line.to_owned() }
            },
        );
    same_system(&loose.join("\n"));
}

fn outside_fences(change: impl Fn(&str) -> String) -> Vec<String> {
    let mut inside = false;
    SAMPLE
        .lines()
        .map(|line| {
            if line.starts_with("```") {
                inside = !inside;
                return line.to_owned();
            }
            if inside { line.to_owned() } else { change(line) }
        })
        .collect()
}

#[test]
fn messaging_is_read() {
    let messaging = compiled(SAMPLE).system.messaging;
    let events: Vec<&str> = messaging.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(events, ["loan.requested", "loan.returned"]);
    assert_eq!(messaging.events[0].payload.len(), 3);
    let jobs: Vec<_> =
        messaging.jobs.iter().map(|job| (job.name.as_str(), &job.schedule)).collect();
    let cron = |expression: &str| Some(Schedule::Cron { expression: expression.to_owned() });
    assert_eq!(jobs, [("reminder", &cron("0 7 * * *")), ("Sweep", &cron("*/15 * * * *"))]);
}

#[test]
fn integration_and_resilience_are_read() {
    let system = compiled(SAMPLE).system;
    let service = &system.integration.services[0];
    assert_eq!(
        (service.name.as_str(), service.fallback.as_deref()),
        ("Postbox", Some("queue and retry"))
    );
    assert_eq!(system.integration.routes[0].path, "/api/v1/tools");
    assert_eq!(system.integration.routes[0].service, "Catalogue");
    let categories = &system.resilience.error_categories;
    assert_eq!(*categories, [("Validation Errors".to_owned(), 400), ("Missing".to_owned(), 404)]);
}

#[test]
fn a_time_out_is_a_setting_wherever_it_stands() {
    for heading in ["Slow requests", "Booking slots", "Performance targets", "API"] {
        let text = format!("# A service\n\n## {heading}\n\n- Request timeout: 10 seconds\n");
        let system = compiled(&text).system;
        let keys: Vec<_> = system.settings.iter().map(|setting| setting.key).collect();
        assert_eq!(keys, ["api.timeout_seconds"], "{heading}");
        assert!(system.observability.targets.is_empty(), "{heading}");
    }
}

#[test]
fn targets_and_alerts_are_read() {
    let observability = compiled(SAMPLE).system.observability;
    let targets: Vec<_> = observability
        .targets
        .iter()
        .map(|target| (target.measure, target.comparison, target.bound, target.percentile))
        .collect();
    use {Comparison::*, Measure::*};
    assert_eq!(
        targets,
        [
            (ResponseTime, Less, 0.2, Some(0.95)),
            (DatabaseQueryTime, Less, 0.05, None),
            (CacheHitRate, Greater, 0.9, None),
            (Elsewhere, Less, 3.0, None),
        ]
    );
    let [first, second] = observability.alerts.as_slice() else { panic!("two alerts") };
    assert_eq!(
        (first.measure, first.bound, first.duration_seconds),
        (Some(ErrorRate), Some(0.05), Some(300))
    );
    assert_eq!(first.channels, ["chat", "mail"]);
    assert_eq!(
        (second.measure, second.bound, second.percentile),
        (Some(ResponseTime), Some(0.5), Some(0.95))
    );
    assert_eq!(second.duration_seconds, Some(600));
}

#[test]
fn delivery_and_recovery_are_read() {
    let system = compiled(SAMPLE).system;
    let variables: Vec<_> = system
        .delivery
        .variables
        .iter()
        .map(|variable| (variable.name.as_str(), variable.required, variable.default.as_deref()))
        .collect();
    assert_eq!(variables, [("POSTBOX_KEY", true, None), ("PORT", false, Some("8080"))]);
    let flag = &system.delivery.flags[0];
    assert_eq!((flag.name.as_str(), flag.enabled, flag.rollout), ("late_fees", false, Some(0.25)));
    assert_eq!(flag.environments, [("staging".to_owned(), 1.0)]);
    assert_eq!(system.delivery.environments, ["staging", "production"]);
    let backup = &system.recovery.backups[0];
    assert_eq!(backup.schedule, Some(Schedule::Every { seconds: 86_400 }));
    assert_eq!(backup.retention_seconds, Some(30 * 86_400));
    let objectives: Vec<_> =
        system.recovery.objectives.iter().map(|one| (one.kind, one.seconds)).collect();
    assert_eq!(objectives, [(ObjectiveKind::Rto, 14_400), (ObjectiveKind::Rpo, 3600)]);
}

#[test]
fn every_statement_is_classed_once_and_the_counts_add_up() {
    let (one, two) = (compiled(SAMPLE), compiled(SAMPLE));
    let tally = one.tally();
    assert_eq!(tally, two.tally());
    let classes = tally.bound + tally.placeholder + tally.prose + tally.not_understood;
    assert_eq!(classes, one.ledger.statements.len());
    assert_eq!(tally.kinds.values().sum::<usize>(), tally.bound);
    assert_eq!(tally.not_understood, 0);
    let starts: Vec<u32> =
        one.ledger.statements.iter().map(|statement| statement.span.start).collect();
    assert!(starts.is_sorted(), "in the order of the text");
}

#[test]
fn false_friends_are_left_alone() {
    for text in [
        "## Error Codes\n\n| Code | Meaning |\n|---|---|\n| DUPLICATE_NAME | taken |\n",
        "## Kubernetes Probes\n\n- Failure threshold: 3 attempts\n",
        "## Glossary\n\n- **RTO**: Recovery Time Objective\n",
        "## Design\n\nThe event loop never blocks. See GraphQL and WebSocket.\n",
        "## Notes\n\n- Runs `24 * 60 * 60 * 1000` times\n",
        "## External API\n\n- Rate limit: 60 calls/min\n",
    ] {
        let system = compiled(text).system;
        assert!(system.delivery.variables.is_empty(), "{text}");
        assert!(system.settings.is_empty(), "{text}");
        assert!(system.recovery.objectives.is_empty(), "{text}");
        assert!(system.messaging.events.is_empty() && system.messaging.jobs.is_empty(), "{text}");
        assert!(system.security.rate_limits.is_empty(), "{text}");
    }
}
