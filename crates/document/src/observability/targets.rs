//! Targets: `API response time: < 200ms (p95)` in all its spellings.

use super::{Measure, Target, measure};
use crate::{
    Chapter, Claim, ClaimKind, Enforcement,
    compile::Reading,
    quantity::{self, Amount, Unit as Of},
    system::System,
    unit::{self, Unit, near, units},
};

/// Headings under which a number with a sign is a promise.
const CONTEXT: &[&str] = &[
    "performance",
    "target",
    "slo ",
    "sla ",
    "kpi ",
    "non functional",
    "non-functional",
    "nfr ",
    "benchmark",
    "latency",
    "goal",
    "success metric",
    "service level",
    "objective",
    "scalability",
    "availability",
    "reliability",
    "requirements",
    "quality",
    "throughput",
    "response time",
    "key metrics",
];
/// Headings under which numbers with a sign are something else.
const NOT_CONTEXT: &[&str] = &[
    "alert",
    "scaling rule",
    "auto-scaling",
    "auto scaling",
    "rollback",
    "circuit",
    "retry",
    "timeout",
    "rate limit",
    "current",
    "before",
    "validation",
    "cost",
    "pricing",
    "budget",
    "risk",
    "test",
    "trigger",
    "changelog",
    "capacity",
];

/// Reads every target.
pub(super) fn read(reading: &mut Reading<'_>, system: &mut System) {
    let outline = reading.outline;
    let cover = reading.ledger.cover();
    let mut contexts = unit::Contexts::new(outline);
    for unit in units(outline) {
        if unit.fence.is_some() || unit.form == "heading" || cover.knows(unit.span) {
            continue;
        }
        let context = contexts.of(unit.node);
        if near(&context, 3, NOT_CONTEXT) {
            continue;
        }
        let promised = near(&context, 3, CONTEXT);
        for (target, unit_of) in targets(&unit, promised) {
            bind(reading, system, &unit, target, unit_of);
        }
    }
}

fn bind(reading: &mut Reading<'_>, system: &mut System, unit: &Unit<'_>, target: Target, of: Of) {
    let elsewhere = target.measure == Measure::Elsewhere;
    let percentile = target
        .percentile
        .map_or(String::new(), |share| format!(" (p{})", (share * 1000.0).round() / 10.0));
    let meaning = format!(
        "target {}{percentile} {} {}{}",
        target.label,
        measure::sign(target.comparison),
        measure::bound(target.measure, of, target.bound),
        if elsewhere { ", which a backend cannot measure" } else { "" }
    );
    let enforcement = if elsewhere { Enforcement::NotEnforceable } else { Enforcement::NotYet };
    let claim = Claim::new(ClaimKind::Target, Chapter::Observability, meaning)
        .about(format!("target:{}", target.label))
        .enforced(enforcement);
    reading.ledger.bind(unit.span, unit.form, claim);
    system.observability.targets.push(target);
}

/// All targets of a line.
fn targets(unit: &Unit<'_>, promised: bool) -> Vec<(Target, Of)> {
    let (label, value) = match unit.label_value() {
        Some((label, value)) => (label.text.to_owned(), value_text(unit, value.text)),
        None => split(unit.text()),
    };
    let lower = format!(" {} ", value.to_lowercase());
    let words = label.split_whitespace().count();
    let objective = lower.contains(" rpo ") || lower.contains(" rto ");
    if objective
        || words > 8
        || label.is_empty()
        || label.len() > 90
        || value.len() > 200
        || value.contains('?')
    {
        return Vec::new();
    }
    let both = format!("{label} {value}");
    let percentile = quantity::percentile(&both);
    let Some(measured) = measure::measure(&label, percentile.is_some())
        .filter(|found| *found != Measure::Elsewhere)
        .or_else(|| promised.then(|| measure::measure(&both, percentile.is_some())).flatten())
        .or(promised.then_some(Measure::Elsewhere))
    else {
        return Vec::new();
    };
    let amounts = quantity::amounts(&value);
    let fitting: Vec<&Amount> =
        amounts.iter().filter(|amount| measure::fits(measured, amount)).collect();
    let signed: Vec<&Amount> =
        fitting.iter().copied().filter(|amount| amount.comparison.is_some()).collect();
    // Without a heading that promises something, only a sign makes a number a promise. A time-out is
    // a setting wherever it stands.
    let is_timeout = label.to_lowercase().contains("timeout");
    let is_said = promised && measured != Measure::Elsewhere && !is_timeout;
    let mut chosen =
        if signed.is_empty() && is_said { fitting.into_iter().take(1).collect() } else { signed };
    // What no backend measures is a promise only where it is nothing but a sign and a number.
    let bare = value.trim_start().starts_with(['<', '>', '≤', '≥', '~']);
    if measured == Measure::Elsewhere && !(promised && bare && words <= 6) {
        chosen.clear();
    }
    chosen.truncate(4);
    let several = chosen.len() > 1;
    chosen
        .into_iter()
        .map(|amount| {
            let remark = if several { remark(&value, amount) } else { None };
            let near = clause(&value, amount);
            let target = Target {
                label: remark.map_or(label.clone(), |words| format!("{label} ({words})")),
                measure: measured,
                comparison: amount.comparison.unwrap_or(measure::usual(measured)),
                bound: amount.value,
                percentile: quantity::percentile(near)
                    .or(if several { quantity::percentile(&label) } else { percentile.clone() })
                    .map(|found| found.0),
                span: unit.span,
            };
            (target, amount.unit)
        })
        .collect()
}

/// The value's cell: the one under `Target`, else the second.
fn value_text(unit: &Unit<'_>, value: &str) -> String {
    if unit.cells.len() < 2 {
        return value.to_owned();
    }
    let named =
        unit.column(&["target", "slo", "goal", "objective", "threshold", "requirement", "value"]);
    named.map_or(value.to_owned(), |cell| cell.trimmed().to_owned())
}

/// `API latency < 200ms`: the label ends where the sign begins.
fn split(text: &str) -> (String, String) {
    let Some(at) = text.find(['<', '>', '≤', '≥']) else {
        // `99.9% uptime`
        let starts = text.starts_with(|c: char| c.is_ascii_digit());
        return if starts && text.len() < 80 {
            (text.trim_start_matches(|c: char| !c.is_alphabetic()).to_owned(), text.to_owned())
        } else {
            (String::new(), String::new())
        };
    };
    let label = text[..at].trim().trim_end_matches(['-', '–', '—', ':']).trim();
    (label.to_owned(), text[at..].to_owned())
}

/// The piece of the value around an amount, up to the next comma.
fn clause<'a>(value: &'a str, amount: &Amount) -> &'a str {
    let start = value[..amount.range.start].rfind([',', ';', '/']).map_or(0, |at| at + 1);
    let rest = &value[amount.range.end..];
    let end = rest.find([',', ';', '/']).map_or(value.len(), |at| amount.range.end + at);
    &value[start..end]
}

/// `< 500ms for list, < 1s for search`: what each is for.
fn remark(value: &str, amount: &Amount) -> Option<String> {
    let rest = value[amount.range.end..].trim_start();
    let words = rest.strip_prefix("for ").or_else(|| rest.strip_prefix('('))?;
    let end = words.find([',', ';', ')', '.']).unwrap_or(words.len());
    let words = words[..end].trim();
    (!words.is_empty() && words.len() < 40).then(|| words.to_owned())
}
