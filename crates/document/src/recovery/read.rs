//! Reads the recovery chapter's statements into claims: backups and objectives. Retention alone is
//! the lexicon's.

use super::{Backup, Objective, ObjectiveKind};
use crate::{
    Chapter, Claim, ClaimKind, Enforcement,
    compile::Reading,
    lexicon,
    messaging::{Schedule, schedule},
    quantity,
    system::System,
    unit::{self, Unit, near, units},
};

/// Adds what the document says to the system, and classes each statement it understands.
pub(crate) fn read(reading: &mut Reading<'_>, system: &mut System) {
    let outline = reading.outline;
    let cover = reading.ledger.cover();
    let mut contexts = unit::Contexts::new(outline);
    for unit in units(outline) {
        if unit.fence.is_some() || unit.form == "heading" || cover.knows(unit.span) {
            continue;
        }
        let objectives = objectives(&unit);
        if !objectives.is_empty() {
            for objective in objectives {
                bind_objective(reading, system, &unit, objective);
            }
            continue;
        }
        let context = contexts.of(unit.node);
        let own = unit
            .label_value()
            .is_some_and(|(label, _)| label.text.to_lowercase().contains("backup"));
        if (near(&context, 2, &["backup", "snapshot"]) || own)
            && let Some(backup) = backup(&unit)
        {
            bind_backup(reading, system, &unit, backup);
        }
    }
}

fn bind_objective(
    reading: &mut Reading<'_>,
    system: &mut System,
    unit: &Unit<'_>,
    objective: Objective,
) {
    let word = match objective.kind {
        ObjectiveKind::Rto => "recovery time",
        ObjectiveKind::Rpo => "recovery point",
    };
    let meaning = format!("{word} objective of {}", lexicon::time(objective.seconds as f64));
    let subject = if objective.kind == ObjectiveKind::Rto { "rto" } else { "rpo" };
    let claim = Claim::new(ClaimKind::Objective, Chapter::Recovery, meaning)
        .about(format!("objective:{subject}"))
        .enforced(Enforcement::NotYet);
    reading.ledger.bind(unit.span, unit.form, claim);
    system.recovery.objectives.push(objective);
}

fn bind_backup(reading: &mut Reading<'_>, system: &mut System, unit: &Unit<'_>, backup: Backup) {
    let when = backup.schedule.as_ref().map_or("at no stated time".to_owned(), schedule::words);
    let mut meaning = format!("backup of `{}` {when}", backup.subject);
    if let Some(seconds) = backup.retention_seconds {
        meaning.push_str(&format!(", kept {}", lexicon::time(seconds as f64)));
    }
    let claim = Claim::new(ClaimKind::Backup, Chapter::Recovery, meaning)
        .about(format!("backup:{}", backup.subject))
        .enforced(Enforcement::NotYet);
    reading.ledger.bind(unit.span, unit.form, claim);
    system.recovery.backups.push(backup);
}

/// All RTOs and RPOs of a line; the amount follows its name.
fn objectives(unit: &Unit<'_>) -> Vec<Objective> {
    let line = unit.line();
    if line.len() > 500 || !unit.cells.is_empty() && unit.cells.len() > 4 {
        return Vec::new();
    }
    let lower = line.to_lowercase();
    let mut names: Vec<(usize, ObjectiveKind)> = Vec::new();
    for (words, kind) in [
        (["rto", "recovery time objective"], ObjectiveKind::Rto),
        (["rpo", "recovery point objective"], ObjectiveKind::Rpo),
    ] {
        let found = words.iter().flat_map(|word| {
            lower.match_indices(word).filter(|(at, word)| {
                let before = lower[..*at].chars().next_back();
                let after = lower[at + word.len()..].chars().next();
                let whole = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
                whole(before) && whole(after)
            })
        });
        if let Some(at) = found.map(|(at, _)| at).min() {
            names.push((at, kind));
        }
    }
    names.sort_by_key(|&(at, _)| at);
    let mut found = Vec::new();
    for (index, &(at, kind)) in names.iter().enumerate() {
        let end = names.get(index + 1).map_or(lower.len(), |next| next.0);
        // Lower case may differ in length from what is written; then nothing is read.
        let Some(piece) = lower.get(at..end) else { continue };
        let Some(amount) =
            quantity::amounts(piece).into_iter().find(|amount| amount.unit == quantity::Unit::Time)
        else {
            continue;
        };
        found.push(Objective {
            kind,
            seconds: amount.value as u64,
            scenario: scenario(&piece[amount.range.end..]),
            span: unit.span,
        });
    }
    found
}

/// `… for region failure, …`.
fn scenario(after: &str) -> Option<String> {
    let rest = after.trim_start().strip_prefix("for ")?;
    let end = rest.find([',', ';', '.', '|', ')', '·']).unwrap_or(rest.len());
    let words = rest[..end].trim();
    (!words.is_empty()).then(|| words.to_owned())
}

/// `Database: daily backups, 30-day retention`, `Full Backup: Daily`, `Frequency: Hourly`.
fn backup(unit: &Unit<'_>) -> Option<Backup> {
    let (label, value) = match unit.label_value() {
        Some((label, value)) => (label.text, value.text),
        None => ("", unit.text()),
    };
    let lower = label.to_lowercase();
    let drill = ["test", "verif", "drill"].iter().any(|word| value.to_lowercase().contains(word));
    if drill || value.len() > 300 || lower.contains("retention") || lower.contains("test") {
        return None;
    }
    let schedule: Schedule = schedule::parse(value).or_else(|| {
        label.to_lowercase().contains("daily").then_some(Schedule::Every { seconds: 86_400 })
    })?;
    let retention = value.to_lowercase().contains("ret").then(|| retention(value)).flatten();
    let generic =
        ["frequency", "backup frequency", "schedule", "backup schedule", "backup", "backups", ""];
    let subject = if generic.contains(&lower.as_str()) { "database" } else { label };
    Some(Backup {
        subject: subject.to_owned(),
        schedule: Some(schedule),
        retention_seconds: retention.map(|seconds| seconds as u64),
        span: unit.span,
    })
}

/// The length of time next to `retention` or `retained`.
fn retention(value: &str) -> Option<f64> {
    let lower = value.to_lowercase();
    let at = lower.find("reten").or_else(|| lower.find("retain"))?;
    quantity::amounts(&lower)
        .into_iter()
        .filter(|amount| amount.unit == quantity::Unit::Time)
        .min_by_key(|amount| amount.range.start.abs_diff(at))
        .map(|amount| amount.value)
}
