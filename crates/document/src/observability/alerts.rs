//! Alert rules: YAML, Prometheus rules, tables and bullets.

use super::{Alert, measure};
use crate::{
    Chapter, Claim, ClaimKind, Enforcement, Span,
    compile::Reading,
    outline::Fence,
    quantity::{self, Unit as Of},
    system::System,
    unit::{self, Unit, near, units},
    yaml::{self, Yaml},
};

/// Reads every alert.
pub(super) fn read(reading: &mut Reading<'_>, system: &mut System) {
    let outline = reading.outline;
    let cover = reading.ledger.cover();
    let mut contexts = unit::Contexts::new(outline);
    for unit in units(outline) {
        if unit.form == "heading" || cover.knows(unit.span) {
            continue;
        }
        if let Some(fence) = unit.fence {
            if matches!(fence.language.as_str(), "yaml" | "yml" | "") {
                for (alert, span) in in_yaml(fence) {
                    push(reading, system, alert, span, "member");
                }
            }
            continue;
        }
        let context = contexts.of(unit.node);
        if !near(&context, 3, &["alert", "slo ", "sli ", "threshold"]) {
            continue;
        }
        let found = match unit.form {
            "row" => row(&unit),
            "item" | "line" if near(&context, 3, &["alert"]) => line(&unit).into_iter().collect(),
            _ => Vec::new(),
        };
        for alert in found {
            push(reading, system, alert, unit.span, unit.form);
        }
    }
}

fn empty(name: &str, condition: &str, span: Span) -> Alert {
    Alert {
        name: name.to_owned(),
        condition: condition.to_owned(),
        measure: None,
        comparison: None,
        bound: None,
        percentile: None,
        duration_seconds: None,
        severity: None,
        channels: Vec::new(),
        span,
    }
}

/// Takes `metric > number [for time]` apart; what does not fit stays text.
fn understood(mut alert: Alert) -> Alert {
    let condition = alert.condition.clone();
    let amounts = quantity::amounts(&condition);
    let compared = amounts.iter().find(|amount| amount.comparison.is_some());
    let query = condition.contains(['{', '[']) || condition.matches('(').count() > 1;
    if let Some(amount) = compared.filter(|_| !query) {
        let words = format!("{} {}", alert.name, &condition[..amount.range.start]);
        let percentile = quantity::percentile(&words.replace('_', " "));
        let found = measure::measure(&condition[..amount.range.start], percentile.is_some())
            .or_else(|| measure::measure(&alert.name, percentile.is_some()));
        alert.measure = found.filter(|found| {
            // `error_rate > 0.05` is a share without its sign.
            measure::fits(*found, amount) || (amount.unit == Of::Plain && amount.value <= 1.0)
        });
        alert.comparison = amount.comparison;
        alert.bound = Some(amount.value);
        alert.percentile = percentile.map(|found| found.0);
        let rest = &condition[amount.range.end..];
        let held = quantity::amounts(rest).into_iter().find(|amount| amount.unit == Of::Time);
        if let Some(held) = held.filter(|_| alert.duration_seconds.is_none()) {
            alert.duration_seconds = Some(held.value as u64);
        }
    }
    alert
}

fn in_yaml(fence: &Fence) -> Vec<(Alert, Span)> {
    let Ok(documents) = yaml::read(&fence.text) else { return Vec::new() };
    let mut found = Vec::new();
    for document in &documents {
        let groups = document.get("groups").map_or(&[][..], Yaml::items);
        let rules = groups.iter().flat_map(|group| group.get("rules").map_or(&[][..], Yaml::items));
        for rule in rules {
            found.extend(prometheus(fence, rule));
        }
        let list = document.get("alerts").or_else(|| document.get("alerting")).unwrap_or(document);
        for item in list.items() {
            found.extend(prometheus(fence, item).or_else(|| plain(fence, None, item)));
        }
        for (key, value) in list.members() {
            found.extend(plain(fence, key.text(), value));
        }
    }
    found
}

fn place(fence: &Fence, node: &Yaml) -> Span {
    let text = fence.text.get(node.range.clone()).unwrap_or("");
    fence.span_of(node.range.start..node.range.start + text.trim_end().len())
}

fn prometheus(fence: &Fence, rule: &Yaml) -> Option<(Alert, Span)> {
    let name = rule.get_text("alert")?;
    let span = place(fence, rule);
    let mut alert = empty(name, rule.get_text("expr").unwrap_or("").trim(), span);
    alert.duration_seconds =
        rule.get_text("for").and_then(quantity::duration).map(|seconds| seconds as u64);
    alert.severity =
        rule.get("labels").and_then(|labels| labels.get_text("severity")).map(str::to_owned);
    Some((understood(alert), span))
}

fn plain(fence: &Fence, key: Option<&str>, item: &Yaml) -> Option<(Alert, Span)> {
    let condition = item.get_text("condition").or_else(|| item.get_text("threshold"))?;
    let name = item.get_text("name").or(key)?;
    let span = place(fence, item);
    let mut alert = empty(name, condition, span);
    alert.duration_seconds = item
        .get_text("duration")
        .or_else(|| item.get_text("for"))
        .and_then(quantity::duration)
        .map(|seconds| seconds as u64);
    alert.severity = item.get_text("severity").map(str::to_owned);
    alert.channels = ["notification", "channels", "notify", "channel"]
        .iter()
        .find_map(|member| item.get(member))
        .map(Yaml::texts)
        .unwrap_or_default();
    Some((understood(alert), span))
}

/// `Alert | Condition | Severity`, `SLI | Target | Alert threshold`, `Metric | Warning | Critical`.
fn row(unit: &Unit<'_>) -> Vec<Alert> {
    let Some(name) = unit.cells.first().map(|cell| cell.trimmed()) else { return Vec::new() };
    if name.is_empty() {
        return Vec::new();
    }
    let text = |headers: &[&str]| unit.column(headers).map(|cell| cell.trimmed().to_owned());
    let severity = text(&["severity", "level", "priority"]);
    let mut found = Vec::new();
    if let Some(condition) = text(&[
        "condition",
        "alert threshold",
        "trigger",
        "alert when",
        "threshold",
        "alert condition",
    ]) {
        found.push(Alert { severity, ..empty(name, &condition, unit.span) });
    } else {
        for level in ["warning", "critical"] {
            if let Some(condition) = text(&[level]) {
                let alert = empty(name, &condition, unit.span);
                found.push(Alert { severity: Some(level.to_owned()), ..alert });
            }
        }
    }
    found
        .into_iter()
        .filter(|alert| alert.condition.chars().any(|c| c.is_ascii_digit()))
        .map(understood)
        .collect()
}

/// `Error rate > 1% for 5 min → alert engineer`, `p95 > 500ms for 10 minutes: scale out`.
fn line(unit: &Unit<'_>) -> Option<Alert> {
    let text = unit.text();
    let amounts = quantity::amounts(text);
    let compared = amounts.iter().find(|amount| amount.comparison.is_some())?;
    let (label, _) = unit.label_value().map_or(("", ""), |(label, value)| (label.text, value.text));
    let head = text[..compared.range.start]
        .trim_end_matches(|c: char| !c.is_alphanumeric() && c != ')')
        .trim();
    let name = if label.is_empty() || label.contains(['<', '>']) { head } else { label };
    let end = text.find(['→', '➜']).or_else(|| text.find("->")).unwrap_or(text.len());
    if name.is_empty() || name.len() > 80 {
        return None;
    }
    Some(understood(empty(name.trim_matches('`'), text[..end].trim(), unit.span)))
}

fn push(
    reading: &mut Reading<'_>,
    system: &mut System,
    alert: Alert,
    span: Span,
    form: &'static str,
) {
    let held = alert
        .duration_seconds
        .map_or(String::new(), |seconds| format!(" for {}", crate::lexicon::time(seconds as f64)));
    let text = match alert.measure {
        Some(_) => "",
        None => ", its condition kept as text",
    };
    let meaning = format!("alert `{}` when {}{held}{text}", alert.name, alert.condition);
    let claim = Claim::new(ClaimKind::Alert, Chapter::Observability, meaning)
        .about(format!("alert:{}", alert.name))
        .enforced(Enforcement::NotYet);
    reading.ledger.bind(span, form, claim);
    system.observability.alerts.push(alert);
}
