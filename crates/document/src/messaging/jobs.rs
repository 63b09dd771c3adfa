//! Background jobs: tables with a schedule, blocks with trigger and frequency, bullets, `pg_cron`.

use super::{Job, schedule};
use crate::{
    Chapter, Claim, ClaimKind, Enforcement, Span,
    compile::Reading,
    outline::NodeId,
    placeholder,
    system::System,
    unit::{self, Unit, near, units},
};

const CONTEXT: &[&str] =
    &["background", "job ", "scheduled", "cron", "worker", "scheduler", "async task"];
const SCHEDULES: &[&str] = &["schedule", "frequency", "cron", "interval", "runs"];
const NAMES: &[&str] = &["job", "task", "worker", "scheduler", "cron job", "name"];

/// Reads every job.
pub(super) fn read(reading: &mut Reading<'_>, system: &mut System) {
    let outline = reading.outline;
    let cover = reading.ledger.cover();
    // The block that is being read: its list, name, and what its items said.
    let mut block: Option<(NodeId, Job, Vec<Span>)> = None;
    let mut contexts = unit::Contexts::new(outline);
    for unit in units(outline) {
        let list = outline.nodes.get(unit.node).and_then(|node| node.parent);
        if block.as_ref().is_some_and(|(open, ..)| Some(*open) != list) {
            close(reading, system, block.take());
        }
        if let Some(fence) = unit.fence {
            for (job, span) in pg_cron(&fence.text, |range| fence.span_of(range)) {
                push(reading, system, job, &[span], "statement");
            }
            continue;
        }
        if unit.form == "heading" || cover.knows(unit.span) {
            continue;
        }
        let context = contexts.of(unit.node);
        if !near(&context, 3, CONTEXT) {
            continue;
        }
        if unit.form == "row" {
            if let Some(job) = row(&unit) {
                push(reading, system, job, &[unit.span], "row");
            }
            continue;
        }
        if !matches!(unit.form, "item" | "line") {
            continue;
        }
        if !field(&unit, list, &context, &mut block)
            && let Some(job) = bullet(&unit)
        {
            push(reading, system, job, &[unit.span], unit.form);
        }
    }
    close(reading, system, block.take());
}

fn row(unit: &Unit<'_>) -> Option<Job> {
    let when = unit.column(SCHEDULES)?;
    let name = unit.column(NAMES).or(unit.cells.first())?;
    let purpose = unit.column(&["description", "purpose", "what", "action"]);
    if name.trimmed().is_empty() || std::ptr::eq(name, when) {
        return None;
    }
    Some(Job {
        name: name.trimmed().to_owned(),
        schedule: schedule::parse(&when.text),
        trigger: Some(when.trimmed().to_owned()),
        purpose: purpose.map(|cell| cell.trimmed().to_owned()),
        span: unit.span,
    })
}

/// `Trigger:`, `Frequency:`, `Purpose:` under a job's name; false for anything else.
fn field(
    unit: &Unit<'_>,
    list: Option<NodeId>,
    context: &[String],
    block: &mut Option<(NodeId, Job, Vec<Span>)>,
) -> bool {
    let (Some((label, value)), Some(list)) = (unit.label_value(), list) else { return false };
    let label = label.text.to_lowercase();
    let is_field = matches!(
        label.as_str(),
        "trigger" | "frequency" | "schedule" | "purpose" | "dependencies" | "runs" | "description"
    );
    if !is_field {
        return false;
    }
    let name = context.first().map_or("", String::as_str);
    if placeholder::is_name(name) || name.is_empty() {
        return true;
    }
    let (_, job, spans) = block.get_or_insert_with(|| {
        let job = Job {
            name: name.to_owned(),
            schedule: None,
            trigger: None,
            purpose: None,
            span: unit.span,
        };
        (list, job, Vec::new())
    });
    let text = value.text.to_owned();
    match label.as_str() {
        "trigger" => {
            job.schedule = job.schedule.take().or_else(|| schedule::parse(&text));
            job.trigger = Some(text);
        }
        "frequency" | "schedule" | "runs" => {
            job.schedule = schedule::parse(&text).or(job.schedule.take());
            job.trigger.get_or_insert(text);
        }
        "purpose" | "description" => job.purpose = Some(text),
        _ => {}
    }
    spans.push(unit.span);
    true
}

/// `- **Quality sweep**: daily, checks 50 phrases`; without a schedule it is prose.
fn bullet(unit: &Unit<'_>) -> Option<Job> {
    let (label, value) = unit.label_value()?;
    let found = schedule::parse(value.text).or_else(|| schedule::parse(label.text))?;
    let words = label.text.split_whitespace().count();
    (words <= 6).then(|| Job {
        name: label.text.to_owned(),
        schedule: Some(found),
        trigger: None,
        purpose: Some(value.text.to_owned()),
        span: unit.span,
    })
}

/// `SELECT cron.schedule('name', '*/5 * * * *', …)`.
fn pg_cron(text: &str, place: impl Fn(std::ops::Range<usize>) -> Span) -> Vec<(Job, Span)> {
    let mut found = Vec::new();
    for (at, word) in text.match_indices("cron.schedule(") {
        let rest = &text[at + word.len()..];
        let end = rest.find(';').unwrap_or(rest.len());
        let mut quoted = rest[..end].split('\'').skip(1).step_by(2);
        let (Some(name), Some(when)) = (quoted.next(), quoted.next()) else { continue };
        if let Some(schedule) = schedule::parse(when) {
            let span = place(at..at + word.len() + end);
            let job = Job {
                name: name.to_owned(),
                schedule: Some(schedule),
                trigger: Some(when.to_owned()),
                purpose: quoted.next().map(str::to_owned),
                span,
            };
            found.push((job, span));
        }
    }
    found
}

fn close(reading: &mut Reading<'_>, system: &mut System, block: Option<(NodeId, Job, Vec<Span>)>) {
    // A purpose alone describes anything.
    let Some((_, job, spans)) = block else { return };
    if job.trigger.is_some() {
        push(reading, system, job, &spans, "item");
    }
}

fn push(
    reading: &mut Reading<'_>,
    system: &mut System,
    job: Job,
    spans: &[Span],
    form: &'static str,
) {
    let when = match (&job.schedule, &job.trigger) {
        (Some(schedule), _) => schedule::words(schedule),
        (None, Some(trigger)) => format!("on `{trigger}`"),
        (None, None) => "at no stated time".to_owned(),
    };
    for &span in spans {
        let claim =
            Claim::new(ClaimKind::Job, Chapter::Messaging, format!("job `{}`, {when}", job.name))
                .about(format!("job:{}", job.name))
                .enforced(Enforcement::NotYet);
        reading.ledger.bind(span, form, claim);
    }
    system.messaging.jobs.push(job);
}
