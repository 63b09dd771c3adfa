//! Puts together what all lines say about caching, with the settings that hold where a line says
//! nothing, and records the claims.

use super::{
    model::{CachePart, CacheRule, CacheStrategy, CacheSubject, Caching, TTL_SECONDS_DEFAULT},
    read::{Drafts, Said, time},
};
use crate::{
    Chapter, Claim, ClaimKind, Enforcement, Span,
    api::{Binding, Method},
    compile::Reading,
    setting::SettingValue,
    system::System,
    unit::{self, near, units},
};

const TTL: &str = "data.cache.ttl_seconds";
const STRATEGY: &str = "data.cache.strategy";
const SIZE: &str = "data.cache.size_bytes_max";

/// Makes rules of drafts and settings. Where no line names anything that is served, a time or a
/// strategy that stands alone is meant for all that is read.
pub(crate) fn settle(reading: &mut Reading<'_>, system: &mut System, drafts: Drafts) {
    let defaults = Defaults::of(reading, system, &drafts);
    let said = &defaults.said;
    let mut caching = Caching { rules: Vec::new(), bytes_max: defaults.bytes_max };
    let rule = |subject: CacheSubject, own: &Said, general: bool, span: Span| CacheRule {
        subject,
        strategy: own.strategy.or(said.strategy).unwrap_or(CacheStrategy::CacheAside),
        ttl_seconds: own.ttl_seconds.or(said.ttl_seconds).unwrap_or(TTL_SECONDS_DEFAULT),
        warm: own.warm || drafts.warm,
        general,
        span,
    };
    caching.rules.extend(
        drafts.rules.iter().map(|(subject, own, span)| rule(subject.clone(), own, false, *span)),
    );
    let means_all = caching.rules.iter().all(|rule| rule.ttl_seconds == 0);
    if let (true, Some(span)) = (means_all, defaults.span) {
        let own = Said::default();
        let named = |subject: &CacheSubject| caching.rule(subject).is_some();
        let all: Vec<CacheSubject> =
            everything(system).into_iter().filter(|subject| !named(subject)).collect();
        caching.rules.extend(all.into_iter().map(|subject| rule(subject, &own, true, span)));
    }
    bind(reading, &drafts, &caching);
    if !caching.is_empty() {
        enforce(reading, &defaults.used);
        if let Some((_, span)) = drafts.general {
            let words = general_words(&caching, system);
            let claim = Claim::new(ClaimKind::Cache, Chapter::Data, words);
            reading.ledger.bind(span, "item", claim.about("cache:*"));
        }
    }
    system.data.cache = caching;
}

/// What holds where a line says nothing.
struct Defaults {
    said: Said,
    bytes_max: Option<u64>,
    /// Where a time or a strategy stands for all that is read.
    span: Option<Span>,
    /// Statements of settings that are in force.
    used: Vec<Span>,
}

impl Defaults {
    fn of(reading: &Reading<'_>, system: &System, drafts: &Drafts) -> Self {
        let mut defaults =
            Self { said: Said::default(), bytes_max: None, span: None, used: Vec::new() };
        if let Some((said, span)) = &drafts.general {
            defaults.said = said.clone();
            defaults.span = Some(*span);
        }
        for setting in &system.settings {
            if setting.subject.is_some() || !is_about_rows(reading, setting.key, setting.span) {
                continue;
            }
            let said = &mut defaults.said;
            match (setting.key, &setting.value) {
                (TTL, SettingValue::Seconds(seconds)) => {
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "≥ 0"
                    )]
                    let seconds = seconds.max(0.0).ceil() as u64;
                    if *said.ttl_seconds.get_or_insert(seconds) != seconds {
                        continue;
                    }
                }
                (STRATEGY, SettingValue::Word(word)) => {
                    let strategy = match word.as_str() {
                        "cache_aside" => CacheStrategy::CacheAside,
                        "read_through" => CacheStrategy::ReadThrough,
                        "write_through" => CacheStrategy::WriteThrough,
                        // Writing behind would acknowledge what is not stored.
                        _ => continue,
                    };
                    if *said.strategy.get_or_insert(strategy) != strategy {
                        continue;
                    }
                }
                (SIZE, SettingValue::Bytes(bytes)) if defaults.bytes_max.is_none() => {
                    defaults.bytes_max = Some(*bytes);
                    defaults.used.push(setting.span);
                    continue;
                }
                _ => continue,
            }
            defaults.used.push(setting.span);
            defaults.span = defaults.span.or(Some(setting.span));
        }
        defaults
    }
}

/// True where a setting stands in a section on caching, and on no other cache.
fn is_about_rows(reading: &Reading<'_>, key: &str, span: Span) -> bool {
    if ![TTL, STRATEGY, SIZE].contains(&key) {
        return false;
    }
    let unit = units(reading.outline).into_iter().find(|unit| unit.span == span);
    unit.is_some_and(|unit| {
        let context = unit::context(reading.outline, unit.node);
        let lower = unit.line().to_lowercase();
        (near(&context, 2, &["cach"]) || lower.contains("cach"))
            && !super::read::is_elsewhere(&lower, &context)
    })
}

/// All that is read: tables, views and queries.
fn everything(system: &System) -> Vec<CacheSubject> {
    let tables = system.data.tables.iter().map(|table| &table.name);
    let views = system.data.views.iter().map(|view| &view.name);
    let part = CachePart::All;
    let named = |table: &String| CacheSubject::Table { table: table.clone(), part };
    let mut all: Vec<CacheSubject> = tables.chain(views).map(named).collect();
    let queries = system.api.endpoints.iter().filter(|endpoint| {
        endpoint.method == Method::Get && matches!(endpoint.binding, Binding::Query { .. })
    });
    all.extend(queries.map(|endpoint| CacheSubject::Endpoint {
        method: endpoint.method,
        path: endpoint.path.clone(),
    }));
    all
}

fn bind(reading: &mut Reading<'_>, drafts: &Drafts, caching: &Caching) {
    for (subject, span, form) in &drafts.bound {
        let Some(rule) = caching.rule(subject) else { continue };
        let claim = Claim::new(ClaimKind::Cache, Chapter::Data, words(rule));
        reading.ledger.bind(*span, form, claim.about(subject.subject()));
    }
}

fn words(rule: &CacheRule) -> String {
    let what = rule.subject.words();
    if rule.ttl_seconds == 0 {
        return format!("reads of {what} are never kept");
    }
    let warm = if rule.warm { ", warm at the start" } else { "" };
    let (time, how) = (time(rule.ttl_seconds), rule.strategy.word());
    format!("reads of {what} are kept for {time} at most, {how}{warm}")
}

fn general_words(caching: &Caching, system: &System) -> String {
    let general = caching.rules.iter().find(|rule| rule.general);
    match general {
        Some(rule) => {
            let count = system.data.tables.len();
            let (time, how) = (time(rule.ttl_seconds), rule.strategy.word());
            format!("reads of all {count} tables are kept for {time} at most, {how}")
        }
        None => "how reads are kept where a line says nothing else".to_owned(),
    }
}

/// Settings that are in force say so.
fn enforce(reading: &mut Reading<'_>, used: &[Span]) {
    for statement in &mut reading.ledger.statements {
        let subject = statement.subject.as_deref().and_then(|it| it.strip_prefix("setting:"));
        let is_cache = subject.is_some_and(|key| [TTL, STRATEGY, SIZE].contains(&key));
        if is_cache && used.contains(&statement.span) {
            statement.enforcement = Some(Enforcement::Enforced);
        }
    }
}
