//! Feature flags (YAML, tables, bullets) and the names of environments.

use super::Flag;
use crate::{
    Chapter, Claim, ClaimKind, Enforcement, Span,
    compile::Reading,
    outline::Fence,
    quantity,
    system::System,
    unit::{self, Unit, near, units},
    yaml::{self, Yaml},
};

const ENVIRONMENTS: &[&str] = &[
    "development",
    "dev",
    "staging",
    "production",
    "prod",
    "test",
    "testing",
    "qa",
    "uat",
    "local",
    "preview",
    "sandbox",
    "pre-production",
    "demo",
];

/// Reads flags and environments.
pub(super) fn read(reading: &mut Reading<'_>, system: &mut System) {
    let outline = reading.outline;
    let cover = reading.ledger.cover();
    let mut contexts = unit::Contexts::new(outline);
    for unit in units(outline) {
        if cover.knows(unit.span) {
            continue;
        }
        let context = contexts.of(unit.node);
        let flags = near(&context, 3, &["feature flag", "feature toggle", "feature-flag", "flags"]);
        if let Some(fence) = unit.fence {
            if matches!(fence.language.as_str(), "yaml" | "yml" | "") {
                for flag in in_yaml(fence, flags) {
                    push(reading, system, flag, "member");
                }
            }
            if fence.language.is_empty() && near(&context, 1, &["environment"]) {
                chain(reading, system, fence);
            }
            continue;
        }
        if flags && unit.form != "heading" {
            if let Some(flag) = stated(&unit) {
                push(reading, system, flag, unit.form);
            }
        } else if near(&context, 2, &["environment"]) {
            environment(reading, system, &unit);
        }
    }
}

fn in_yaml(fence: &Fence, under_flags: bool) -> Vec<Flag> {
    let Ok(documents) = yaml::read(&fence.text) else { return Vec::new() };
    let mut found = Vec::new();
    for document in &documents {
        let named = ["features", "flags", "feature_flags", "featureFlags", "feature_toggles"]
            .iter()
            .find_map(|member| document.get(member));
        let inner = named.unwrap_or(document);
        if named.is_none() && !under_flags {
            continue;
        }
        for (key, value) in inner.members() {
            let Some(name) = key.text() else { continue };
            let span = fence.span_of(key.range.start..end_of(fence, value));
            found.extend(flag(name, value, span));
        }
        for item in inner.items() {
            let name =
                ["name", "key", "flag", "flag_key"].iter().find_map(|key| item.get_text(key));
            let span = fence.span_of(item.range.start..end_of(fence, item));
            found.extend(name.and_then(|name| flag(name, item, span)));
        }
    }
    found
}

fn end_of(fence: &Fence, value: &Yaml) -> usize {
    let text = fence.text.get(value.range.clone()).unwrap_or("");
    value.range.start + text.trim_end().len()
}

fn flag(name: &str, value: &Yaml, span: Span) -> Option<Flag> {
    if let Some(text) = value.text() {
        let enabled = quantity::boolean(text)?;
        let name = name.to_owned();
        return Some(Flag { name, enabled, rollout: None, environments: Vec::new(), span });
    }
    let enabled = value.get_text("enabled").or_else(|| value.get_text("default"));
    let rollout = ["rollout_percentage", "rollout", "percentage", "rolloutPercentage"]
        .iter()
        .find_map(|member| value.get_text(member));
    if enabled.is_none() && rollout.is_none() {
        return None;
    }
    let environments = value.get("environments").map_or_else(Vec::new, |list| {
        let shares = list
            .members()
            .iter()
            .filter_map(|(key, value)| Some((key.text()?.to_owned(), share(value.text()?)?)));
        let named = list.items().iter().filter_map(|item| Some((item.text()?.to_owned(), 1.0)));
        shares.chain(named).collect()
    });
    Some(Flag {
        name: name.to_owned(),
        enabled: enabled.and_then(quantity::boolean).unwrap_or(false),
        rollout: rollout.and_then(share),
        environments,
        span,
    })
}

/// `100%`, `25`, `true` as a share.
fn share(text: &str) -> Option<f64> {
    quantity::ratio(text)
        .or_else(|| quantity::count(text).map(|percent| percent / 100.0))
        .or_else(|| quantity::boolean(text).map(|yes| if yes { 1.0 } else { 0.0 }))
        .map(|share| share.clamp(0.0, 1.0))
}

/// A row under `Flag | Default`, or a bullet `NEW_SEARCH: true`.
fn stated(unit: &Unit<'_>) -> Option<Flag> {
    let (label, value) = unit.label_value()?;
    let name = label.text.trim_matches('`');
    let value = unit
        .column(&["default", "enabled", "status", "state", "value"])
        .map_or(value.text, |cell| cell.trimmed());
    let word = !name.is_empty()
        && !name.contains(' ')
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let enabled = quantity::boolean(value)?;
    let rollout = quantity::ratio(value);
    word.then(|| Flag {
        name: name.to_owned(),
        enabled,
        rollout,
        environments: Vec::new(),
        span: unit.span,
    })
}

fn push(reading: &mut Reading<'_>, system: &mut System, flag: Flag, form: &'static str) {
    let state = if flag.enabled { "on" } else { "off" };
    let claim = Claim::new(
        ClaimKind::Flag,
        Chapter::Delivery,
        format!("feature flag `{}`, {state}", flag.name),
    )
    .about(format!("flag:{}", flag.name))
    .enforced(Enforcement::NotYet);
    reading.ledger.bind(flag.span, form, claim);
    system.delivery.flags.push(flag);
}

/// `**Production**:`, `- **Staging**: …`, `#### Development Environment`.
fn environment(reading: &mut Reading<'_>, system: &mut System, unit: &Unit<'_>) {
    let text = unit.label_value().map_or(unit.text(), |(label, _)| label.text);
    let lower = text.to_lowercase();
    let bare =
        lower.trim_end_matches(':').trim_end_matches(" environment").trim().trim_matches('`');
    let named = bare.split([' ', '(']).next().unwrap_or("");
    let single = bare == named || lower.contains('(') || unit.form == "row";
    if ENVIRONMENTS.contains(&named) && single {
        add(reading, system, unit.span, unit.form, named);
    }
}

/// `Development → Staging → Production`.
fn chain(reading: &mut Reading<'_>, system: &mut System, fence: &Fence) {
    for line in fence.text.lines() {
        let names: Vec<String> = line
            .split(['→', '>', '-', '—'])
            .map(|piece| piece.trim().to_lowercase())
            .filter(|piece| !piece.is_empty())
            .collect();
        if names.len() >= 2 && names.iter().all(|name| ENVIRONMENTS.contains(&name.as_str())) {
            for name in names {
                add(reading, system, fence.body, "fence", &name);
            }
        }
    }
}

fn add(reading: &mut Reading<'_>, system: &mut System, span: Span, form: &'static str, name: &str) {
    let claim =
        Claim::new(ClaimKind::Environment, Chapter::Delivery, format!("environment `{name}`"))
            .about(format!("environment:{name}"))
            .enforced(Enforcement::NotYet);
    reading.ledger.bind(span, form, claim);
    if !system.delivery.environments.iter().any(|known| known == name) {
        system.delivery.environments.push(name.to_owned());
    }
}
