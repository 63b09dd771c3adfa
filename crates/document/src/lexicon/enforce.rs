//! Copies the settings that the engine makes true into the typed parts of the System, and reports
//! settings that are stated twice with different values.

use std::collections::HashMap;

use super::{shown, value::origins};
use crate::{
    Diagnostic,
    api::Api,
    codes,
    compile::Reading,
    security::{Lockout, PasswordAlgorithm, TokenAlgorithm},
    setting::{Setting, SettingValue},
    system::System,
};

/// bcrypt accepts these costs.
const COST: std::ops::RangeInclusive<u32> = 4..=31;
const LOCKED_SECONDS_DEFAULT: u64 = 900;

/// Fills the typed fields from the first statement of each setting that has no subject.
pub(super) fn copy(system: &mut System) {
    let settings = std::mem::take(&mut system.settings);
    let find =
        |key: &str| settings.iter().find(|setting| setting.key == key && setting.subject.is_none());
    let number = |key: &str| find(key).and_then(as_number);
    let word = |key: &str| match find(key).map(|setting| &setting.value) {
        Some(SettingValue::Word(word) | SettingValue::Text(word)) => Some(word.as_str()),
        _ => None,
    };
    let password = &mut system.security.password;
    if word("security.password.algorithm") == Some("argon2id") {
        password.algorithm = PasswordAlgorithm::Argon2id;
    }
    if let Some(cost) = number("security.password.cost").map(|cost| cost as u32)
        && COST.contains(&cost)
    {
        password.cost = cost;
    }
    if let Some(length) = number("security.password.length_min") {
        password.length_min = length as u32;
    }
    password.span = find("security.password.algorithm")
        .or(find("security.password.cost"))
        .map(|setting| setting.span);
    let token = &mut system.security.token;
    if word("security.token.algorithm") == Some("HS256") {
        token.algorithm = TokenAlgorithm::Hs256;
    }
    if let Some(seconds) = number("security.token.access_seconds") {
        token.access_seconds = seconds as u64;
    }
    if let Some(seconds) = number("security.token.refresh_seconds") {
        token.refresh_seconds = seconds as u64;
    }
    token.span = find("security.token.access_seconds")
        .or(find("security.token.refresh_seconds"))
        .or(find("security.token.algorithm"))
        .map(|setting| setting.span);
    if let Some(text) = word("security.cors.origins") {
        system.security.cors.origins = origins(text).map(str::to_owned).collect();
        system.security.cors.span = find("security.cors.origins").map(|setting| setting.span);
    }
    if let Some(SettingValue::Boolean(yes)) =
        find("security.cors.credentials").map(|setting| &setting.value)
    {
        system.security.cors.credentials = *yes;
    }
    if let Some(setting) = find("security.lockout.attempts_max") {
        system.security.lockout = Some(Lockout {
            attempts_max: as_number(setting).unwrap_or(5.0) as u32,
            seconds: number("security.lockout.seconds")
                .map_or(LOCKED_SECONDS_DEFAULT, |seconds| seconds as u64),
            span: setting.span,
        });
    }
    api(&mut system.api, &number, &word);
    system.settings = settings;
}

/// What the API takes from settings.
fn api<'a>(
    api: &mut Api,
    number: &impl Fn(&str) -> Option<f64>,
    word: &impl Fn(&str) -> Option<&'a str>,
) {
    let pagination = &mut api.pagination;
    if let Some(limit) = number("api.pagination.limit_max").filter(|limit| *limit >= 1.0) {
        pagination.limit_max = limit as u32;
    }
    if let Some(limit) = number("api.pagination.limit_default").filter(|limit| *limit >= 1.0) {
        pagination.limit_default = limit as u32;
    }
    pagination.limit_max = pagination.limit_max.max(pagination.limit_default);
    if let Some(version) = word("api.version") {
        api.version.get_or_insert_with(|| version.to_owned());
    }
    if let Some(base) = word("api.base").filter(|_| api.endpoints.is_empty()) {
        api.base = path_of(base);
    }
}

/// `https://api.example.com/v1` is served under `/v1`.
fn path_of(base: &str) -> String {
    let path = match base.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
        None => base,
    };
    path.trim_end_matches('/').to_owned()
}

fn as_number(setting: &Setting) -> Option<f64> {
    match setting.value {
        SettingValue::Seconds(value) | SettingValue::Count(value) | SettingValue::Ratio(value) => {
            Some(value)
        }
        SettingValue::Bytes(value) => Some(value as f64),
        _ => None,
    }
}

/// One setting of one subject has one value. `heading` is the nearest heading of each setting:
/// settings that nothing enforces may differ from heading to heading.
pub(super) fn conflicts(reading: &mut Reading<'_>, system: &System, headings: &[String]) {
    let mut first: HashMap<(&str, Option<&str>, &str), &Setting> = HashMap::new();
    for (setting, heading) in system.settings.iter().zip(headings) {
        let enforced = setting.enforcement == crate::Enforcement::Enforced;
        let place = if enforced { "" } else { heading.as_str() };
        let key = (setting.key, setting.subject.as_deref(), place);
        let Some(known) = first.get(&key) else {
            first.insert(key, setting);
            continue;
        };
        if known.value == setting.value || known.span == setting.span {
            continue;
        }
        let message = format!(
            "`{}` is {} here and {} elsewhere",
            setting.key,
            shown(&setting.value),
            shown(&known.value)
        );
        let diagnostic = Diagnostic::new(&codes::T032, setting.span, message)
            .label("these two disagree")
            .also(
                known.span,
                format!("{} here, which is the value that holds", shown(&known.value)),
            )
            .help("keep one of them, or name in the label what each is for");
        reading.diagnostics.push(diagnostic);
    }
}
