//! The lexicon: the one dictionary of settings. A new setting is a new row in `rows.rs`; this reads
//! them from every statement that no chapter has taken.

mod enforce;
mod entry;
mod limits;
mod rows;
mod sentences;
mod value;

use std::{collections::HashMap, sync::LazyLock};

pub use entry::{Entry, Form};

use crate::{
    Chapter, Claim, ClaimKind, Class, Diagnostic, Enforcement, codes,
    compile::Reading,
    diagnostic::{self, Applicability},
    placeholder, quantity,
    setting::{Setting, SettingValue},
    system::System,
    unit::{self, Piece, Unit},
};

/// Words of environments: a setting under one is that environment's alone.
const ENVIRONMENTS: &[&str] = &[
    "development",
    "dev",
    "staging",
    "production",
    "prod",
    "test",
    "testing",
    "local",
    "qa",
    "uat",
];

/// All rows, for the page on the language.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    [rows::SECURITY, rows::DATA_AND_API, rows::RESILIENCE, rows::OPERATIONS].into_iter().flatten()
}

/// Rows by their exact spellings, and rows with a wildcard.
struct Index {
    exact: HashMap<&'static str, Vec<&'static Entry>>,
    wild: Vec<(&'static str, &'static Entry)>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index { exact: HashMap::new(), wild: Vec::new() };
    for entry in entries() {
        for spelling in entry.spellings {
            if spelling.contains('*') {
                index.wild.push((spelling, entry));
            } else {
                index.exact.entry(spelling).or_default().push(entry);
            }
        }
    }
    index
});

/// A label in its normal form.
struct Label {
    words: String,
    /// What stands in parentheses, where that is a subject.
    remark: Option<String>,
    /// The unit that the label ends in, in seconds: `ttl_minutes`.
    seconds: Option<f64>,
}

/// Reads settings from every statement that no chapter has taken.
pub(crate) fn read(reading: &mut Reading<'_>, system: &mut System) {
    let outline = reading.outline;
    let cover = reading.ledger.cover_of(Class::Bound);
    let holes = reading.ledger.cover_of(Class::Placeholder);
    let mut headings = Vec::new();
    let mut contexts = unit::Contexts::new(outline);
    for unit in unit::units(outline) {
        if unit.fence.is_some() || unit.form == "heading" || cover.knows(unit.span) {
            continue;
        }
        let context = contexts.of(unit.node);
        if holes.knows(unit.span) {
            proposal(reading, &unit, &context);
            continue;
        }
        if unit.label_value().is_some_and(|(_, value)| placeholder::proposal(value.text).is_some())
            && proposal(reading, &unit, &context)
        {
            let meaning = "a proposal in brackets, not a value";
            reading.ledger.class(unit.span, unit.form, Class::Placeholder, meaning);
            continue;
        }
        let before = system.settings.len();
        if !limits::read(reading, system, &unit, &context) {
            setting(reading, system, &unit, &context);
        }
        let heading = context.first().cloned().unwrap_or_default();
        headings.resize(headings.len() + system.settings.len() - before, heading);
    }
    enforce::conflicts(reading, system, &headings);
    from_variables(system);
    enforce::copy(system);
}

/// `JWT_EXPIRES_IN=1h` in a sample of variables sets what nothing else in the document sets.
fn from_variables(system: &mut System) {
    let mut found: Vec<Setting> = Vec::new();
    for variable in &system.delivery.variables {
        let Some(text) = variable.default.as_deref().or(variable.example.as_deref()) else {
            continue;
        };
        let label = normal(&variable.name);
        for (entry, _) in candidates(&label, &["auth".to_owned()]) {
            let known = system.settings.iter().chain(&found).any(|one| one.key == entry.key);
            if known || entry.enforcement != Enforcement::Enforced {
                continue;
            }
            if let Some(value) = value::extract(entry, text, label.seconds) {
                found.push(Setting {
                    key: entry.key,
                    chapter: entry.chapter,
                    value,
                    subject: None,
                    enforcement: entry.enforcement,
                    span: variable.span,
                });
            }
        }
    }
    system.settings.append(&mut found);
}

/// Reads the unit as settings.
fn setting(reading: &mut Reading<'_>, system: &mut System, unit: &Unit<'_>, context: &[String]) {
    let mut found: Vec<(&'static Entry, SettingValue, Option<String>)> = Vec::new();
    let pair = unit.label_value();
    if let Some((label, _)) = &pair {
        let value = value_piece(unit).unwrap_or(Piece { text: "", span: unit.span });
        let label = normal(label.text);
        for (entry, subject) in candidates(&label, context) {
            if found.iter().any(|(known, ..)| known.key == entry.key) {
                continue;
            }
            if let Some(value) = value::extract(entry, value.text, label.seconds) {
                let subject = subject.or_else(|| label.remark.clone());
                found.push((entry, value, subject.or_else(|| environment(context))));
            }
        }
        if found.is_empty() {
            found = sentences::read(unit, context);
        }
        if found.is_empty() {
            not_understood(reading, unit, &label, &value, context);
        }
    } else {
        found = sentences::read(unit, context);
    }
    for (entry, value, subject) in found {
        let meaning = match &subject {
            Some(subject) => format!("{} of {subject} is {}", entry.key, shown(&value)),
            None => format!("{} is {}", entry.key, shown(&value)),
        };
        let claim = Claim::new(ClaimKind::Setting, entry.chapter, meaning)
            .about(format!("setting:{}", entry.key))
            .enforced(entry.enforcement);
        reading.ledger.bind(unit.span, unit.form, claim);
        system.settings.push(Setting {
            key: entry.key,
            chapter: entry.chapter,
            value,
            subject,
            enforcement: entry.enforcement,
            span: unit.span,
        });
    }
}

/// The value: the second cell, or the one whose header says so.
fn value_piece<'a>(unit: &Unit<'a>) -> Option<Piece<'a>> {
    const HEADERS: [&str; 10] = [
        "value",
        "default",
        "setting",
        "limit",
        "target",
        "configuration",
        "threshold",
        "expiry",
        "duration",
        "ttl",
    ];
    if unit.cells.len() > 2 {
        let named = unit.header.iter().skip(1).position(|cell| {
            let words = cell.text.trim().to_lowercase();
            HEADERS.iter().any(|header| words.starts_with(header))
        });
        if let Some(cell) = named.and_then(|at| unit.cells.get(at + 1)) {
            return Some(Piece { text: cell.trimmed(), span: cell.span });
        }
    }
    unit.label_value().map(|(_, value)| value)
}

/// The rows that a label may mean in its context, with the subject that a wildcard stands for.
fn candidates(label: &Label, context: &[String]) -> Vec<(&'static Entry, Option<String>)> {
    let fits = |entry: &Entry| {
        let near = |words: &[&str]| {
            words.iter().any(|word| {
                label.words.contains(word) || context.iter().any(|heading| heading.contains(word))
            })
        };
        // What is excluded counts only near by: a title says nothing against a setting.
        let excluded = entry.not_under.iter().any(|word| {
            label.words.contains(word)
                || context.iter().take(2).any(|heading| heading.contains(word))
        });
        (entry.under.is_empty() || near(entry.under)) && !excluded
    };
    let exact = INDEX.exact.get(label.words.as_str()).into_iter().flatten();
    let mut found: Vec<_> = exact.filter(|entry| fits(entry)).map(|entry| (*entry, None)).collect();
    if let Some((first, _)) = found.first() {
        // One label means one thing: the context's chapter decides between rows of several.
        let named = unit::chapter(context)
            .filter(|chapter| found.iter().any(|(entry, _)| entry.chapter == *chapter));
        let chapter = named.unwrap_or(first.chapter);
        found.retain(|(entry, _)| entry.chapter == chapter);
        return found;
    }
    for (pattern, entry) in &INDEX.wild {
        let rest = match pattern.strip_prefix("* ") {
            Some(tail) => label.words.strip_suffix(tail),
            None => pattern.strip_suffix(" *").and_then(|head| label.words.strip_prefix(head)),
        };
        let subject = rest.map(str::trim).filter(|rest| !rest.is_empty());
        if let (Some(subject), true) = (subject, fits(entry))
            && subject.split_whitespace().count() <= 3
        {
            found.push((entry, Some(subject.to_owned())));
        }
    }
    found
}

/// The environment that the nearest words name.
fn environment(context: &[String]) -> Option<String> {
    context.iter().take(2).find_map(|words| {
        let first = words.split(' ').next().unwrap_or("");
        ENVIRONMENTS.contains(&first).then(|| first.to_owned())
    })
}

/// A value in brackets is a proposal: says what it would mean. False where it would mean nothing.
fn proposal(reading: &mut Reading<'_>, unit: &Unit<'_>, context: &[String]) -> bool {
    let Some((label, piece)) = unit.label_value() else { return false };
    let Some(inner) = placeholder::proposal(piece.text) else { return false };
    let normalised = normal(label.text);
    let meaning = candidates(&normalised, context).into_iter().find_map(|(entry, _)| {
        let value = value::extract(entry, inner, normalised.seconds)?;
        (!matches!(value, SettingValue::Text(_))).then(|| (entry.key, shown(&value)))
    });
    let Some((key, shown)) = meaning else { return false };
    let message =
        format!("`{}` is not set: `{}` is a proposal in brackets", label.text, piece.text);
    reading.diagnostics.push(
        Diagnostic::new(&codes::T011, piece.span, message)
            .label(format!("would mean that {key} is {shown}"))
            .edit(
                "to set it, remove the brackets",
                piece.span,
                inner,
                Applicability::MaybeIncorrect,
            ),
    );
    true
}

/// Known labels whose value is not understood, and labels that are nearly known.
fn not_understood(
    reading: &mut Reading<'_>,
    unit: &Unit<'_>,
    label: &Label,
    value: &Piece<'_>,
    context: &[String],
) {
    if value.text.is_empty() || unit.cells.len() > 2 || value.text.contains("::") {
        return;
    }
    let amounts = quantity::amounts(value.text);
    let short = value.text.split_whitespace().count() <= 6;
    let known = candidates(label, context).into_iter().find(|(entry, subject)| {
        subject.is_none() && is_numeric(entry.form) && entry.enforcement == Enforcement::Enforced
    });
    if let Some((entry, _)) = known {
        let settles = entry.spellings.first().is_some_and(|first| *first == label.words)
            || entry.spellings.len() > 1 && label.words.split(' ').count() > 1;
        if short && settles {
            let message = format!("the value of `{}` is not understood", label.words);
            let default = entry.default.unwrap_or("a number with its unit");
            reading.diagnostics.push(
                Diagnostic::new(&codes::T031, value.span, message)
                    .label(format!("not read as {}", entry.key))
                    .help(format!("write a value such as `{default}`")),
            );
            let meaning = format!("not understood as {}", entry.key);
            reading.ledger.class(unit.span, unit.form, Class::NotUnderstood, meaning);
        }
        return;
    }
    let with_unit = amounts.iter().any(|amount| amount.unit != quantity::Unit::Plain);
    let Some(chapter) = unit::chapter(context).filter(|_| with_unit && short) else { return };
    if let Some(near) = near_miss(&label.words, chapter) {
        let message = format!("`{}` is no setting that is known here", label.words);
        reading.diagnostics.push(
            Diagnostic::new(&codes::T031, unit.span, message)
                .label("has no effect")
                .help(format!("a setting with a similar label exists: `{near}`")),
        );
        let meaning = "looks like a setting, but its label is not known";
        reading.ledger.class(unit.span, unit.form, Class::NotUnderstood, meaning);
    }
}

fn is_numeric(form: Form) -> bool {
    matches!(form, Form::Seconds | Form::Bytes | Form::Ratio | Form::Count)
}

/// A spelling of the chapter's rows that differs by a slip of the pen.
fn near_miss(words: &str, chapter: Chapter) -> Option<&'static str> {
    if words.len() < 8 || INDEX.exact.contains_key(words) {
        return None;
    }
    let known = entries()
        .filter(|entry| entry.chapter == chapter)
        .flat_map(|entry| entry.spellings.iter().copied())
        .filter(|known| known.len().abs_diff(words.len()) <= 2 && !known.contains('*'));
    let near = diagnostic::similar(words, known);
    let best = near.first()?;
    (strsim::damerau_levenshtein(words, best) <= 2).then_some(*best)
}

/// A label in the form in which rows spell them: lower case, without marks and parentheses,
/// `maximum` as `max`, `expiration` and `lifetime` as `expiry`.
fn normal(label: &str) -> Label {
    let (outside, inside) = match label.split_once('(') {
        Some((before, rest)) => {
            let (inside, after) = rest.split_once(')').unwrap_or((rest, ""));
            (format!("{before} {after}"), Some(inside.trim().to_lowercase()))
        }
        None => (label.to_owned(), None),
    };
    let mut words: Vec<&str> = Vec::new();
    let lower = outside.to_lowercase();
    for word in lower.split(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '/' | '%')) {
        match word.trim_matches(['.', '/']) {
            "" | "the" | "a" | "of" => {}
            "maximum" => words.push("max"),
            "minimum" => words.push("min"),
            "expiration" | "expires" | "lifetime" | "expire" | "expiries" => words.push("expiry"),
            word => words.push(word),
        }
    }
    let mut seconds = None;
    if let [.., before, last] = words.as_slice() {
        let unit = last.len() > 1 && !matches!(*last, "day" | "month" | "year" | "min");
        if let Some(found) = quantity::seconds_of(last).filter(|_| unit && *before != "per") {
            seconds = Some(found);
            words.pop();
        } else if matches!(*last, "in" | "time" | "period" | "limit") && *before == "expiry" {
            words.pop();
        }
    }
    if let Some(inside) = &inside {
        seconds = seconds.or_else(|| quantity::seconds_of(inside));
    }
    let remark = inside.filter(|text| {
        text.split_whitespace().count() <= 2
            && quantity::seconds_of(text).is_none()
            && !matches!(
                text.as_str(),
                "jwt"
                    | "default"
                    | "ttl"
                    | "optional"
                    | "required"
                    | "seconds"
                    | "max"
                    | "min"
                    | "int"
                    | "integer"
                    | "string"
                    | "number"
                    | "configurable"
            )
    });
    Label { words: words.join(" "), remark, seconds }
}

/// A value for people.
pub(crate) fn shown(value: &SettingValue) -> String {
    match value {
        SettingValue::Seconds(seconds) => time(*seconds),
        SettingValue::Bytes(bytes) => format!("{bytes} bytes"),
        SettingValue::Ratio(ratio) => format!("{} %", (ratio * 1e6).round() / 1e4),
        SettingValue::Count(count) => format!("{count}"),
        SettingValue::Boolean(yes) => (if *yes { "yes" } else { "no" }).to_owned(),
        SettingValue::Word(word) => format!("`{word}`"),
        SettingValue::Text(text) => format!("`{text}`"),
        SettingValue::SecondsList(list) => {
            list.iter().map(|seconds| time(*seconds)).collect::<Vec<_>>().join(", ")
        }
    }
}

/// A length of time in the largest unit that fits it.
pub(crate) fn time(seconds: f64) -> String {
    for (unit, length) in [("days", 86_400.0), ("hours", 3600.0), ("minutes", 60.0)] {
        let whole = seconds / length;
        if whole >= 1.0 && whole.fract() == 0.0 {
            let unit = if whole == 1.0 { &unit[..unit.len() - 1] } else { unit };
            return format!("{whole} {unit}");
        }
    }
    if seconds < 1.0 {
        return format!("{} ms", (seconds * 1e6).round() / 1e3);
    }
    format!("{seconds} s")
}

/// The row for a key; for sentences.
fn entry(key: &str) -> Option<&'static Entry> {
    entries().find(|entry| entry.key == key)
}

#[cfg(test)]
mod tests;
