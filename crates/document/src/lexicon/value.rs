//! Finds a setting's value in the text after its label.

use super::entry::{Entry, Form};
use crate::{
    observability::Comparison,
    quantity::{self, Amount, Unit},
    setting::SettingValue,
};

/// Words stand at most so many bytes from the amount they tell about.
const NEAR_BYTES_MAX: usize = 30;
/// A word after an amount counts as so much further away.
const AFTER_BYTES: usize = 8;
/// Longer texts are sentences, not values.
const TEXT_BYTES_MAX: usize = 200;

/// The value that `text` states for the entry. `seconds` is the unit that the label names
/// (`ttl_minutes`), for numbers without one.
pub(super) fn extract(entry: &Entry, text: &str, seconds: Option<f64>) -> Option<SettingValue> {
    let amounts = || quantity::amounts(text);
    // `> 15 minutes` is a target, not a setting.
    let of = |unit: Unit| {
        quantity::amounts(text).into_iter().find(|amount| {
            let compared =
                matches!(amount.comparison, Some(Comparison::Less | Comparison::Greater));
            amount.unit == unit && !compared
        })
    };
    Some(match entry.form {
        Form::Seconds => SettingValue::Seconds(match (of(Unit::Time), seconds) {
            (Some(amount), _) => amount.value,
            (None, Some(seconds)) => of(Unit::Plain)?.value * seconds,
            (None, None) => return None,
        }),
        Form::SecondsNear(words) => {
            SettingValue::Seconds(nearest(text, &amounts(), Unit::Time, words)?.value)
        }
        Form::Window => SettingValue::Seconds(window(&amounts())?),
        Form::SecondsList => {
            let list: Vec<f64> = amounts()
                .iter()
                .filter(|amount| amount.unit == Unit::Time && amount.comparison.is_none())
                .map(|amount| amount.value)
                .collect();
            (list.len() >= 2).then_some(SettingValue::SecondsList(list))?
        }
        Form::Bytes => SettingValue::Bytes(of(Unit::Size)?.value as u64),
        Form::Ratio => SettingValue::Ratio(of(Unit::Ratio)?.value),
        Form::Count | Form::Factor => SettingValue::Count(quantity::count(text)?),
        Form::CountNear(words) => {
            SettingValue::Count(nearest(text, &amounts(), Unit::Plain, words)?.value)
        }
        Form::Boolean => SettingValue::Boolean(quantity::boolean(text)?),
        Form::Word(words) => SettingValue::Word(word(text, words)?.to_owned()),
        Form::Text => SettingValue::Text(written(entry.key, text)?),
    })
}

/// The amount next to which one of the words stands.
fn nearest<'a>(
    text: &str,
    amounts: &'a [Amount],
    unit: Unit,
    words: &[&str],
) -> Option<&'a Amount> {
    let lower = text.to_lowercase();
    if lower.len() != text.len() {
        return None;
    }
    let asks_bound = words.contains(&"max");
    amounts
        .iter()
        .enumerate()
        .filter(|(_, amount)| amount.unit == unit)
        .filter(|(_, amount)| asks_bound || amount.comparison != Some(Comparison::LessOrEqual))
        .filter_map(|(index, amount)| {
            // `at most 50` is one amount with its words.
            if asks_bound && amount.comparison == Some(Comparison::LessOrEqual) {
                return Some((0, amount));
            }
            let from = index.checked_sub(1).map_or(0, |before| amounts[before].range.end);
            let to = amounts.get(index + 1).map_or(lower.len(), |after| after.range.start);
            let before = lower.get(from..amount.range.start)?;
            let after = lower.get(amount.range.end..to)?;
            let distance = words
                .iter()
                .flat_map(|word| {
                    let left = before.rfind(word).map(|at| before.len() - at - word.len());
                    // What stands before a number tells more about it than what follows.
                    [left, after.find(word).map(|at| at + AFTER_BYTES)]
                })
                .flatten()
                .min()?;
            (distance <= NEAR_BYTES_MAX).then_some((distance, amount))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, amount)| amount)
}

/// The length of time after a count or share.
fn window(amounts: &[Amount]) -> Option<f64> {
    let first =
        amounts.iter().position(|amount| matches!(amount.unit, Unit::Plain | Unit::Ratio))?;
    amounts.iter().skip(first).find(|amount| amount.unit == Unit::Time).map(|amount| amount.value)
}

/// The word that occurs first, as the lexicon stores it.
fn word(text: &str, words: &[(&str, &'static str)]) -> Option<&'static str> {
    let lower = text.to_lowercase();
    words
        .iter()
        .filter_map(|(spelled, stored)| {
            let at = lower
                .match_indices(spelled)
                .map(|(at, _)| at)
                .find(|&at| lower[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric()))?;
            // `tls 1.3` wins over `tls` at the same place.
            Some((at, std::cmp::Reverse(spelled.len()), *stored))
        })
        .min()
        .map(|(_, _, stored)| stored)
}

/// Text as written, where it can be a value of this key at all.
fn written(key: &str, text: &str) -> Option<String> {
    let bare = text.trim().trim_matches(['`', '"', '*']).trim();
    if bare.is_empty() || bare.len() > TEXT_BYTES_MAX {
        return None;
    }
    let fits = match key {
        "security.cors.origins" => origins(bare).next().is_some(),
        "api.base" => bare.starts_with('/') || bare.contains("://"),
        "api.version" => {
            bare.trim_start_matches(['v', 'V']).starts_with(|c: char| c.is_ascii_digit())
        }
        "delivery.scale_up" | "delivery.scale_down" => bare.contains(|c: char| c.is_ascii_digit()),
        _ => true,
    };
    let first = || bare.split([' ', ',', '(']).next().unwrap_or(bare).to_owned();
    fits.then(|| if matches!(key, "api.base" | "api.version") { first() } else { bare.to_owned() })
}

/// Origins that a text names: `*`, addresses with a scheme, host names.
pub(super) fn origins(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ',', ';', '(', ')', '\n', '"', '\''])
        .map(|word| word.trim_matches(['`', '[', ']', '.']))
        .filter(|word| {
            *word == "*"
                || word.starts_with("http://")
                || word.starts_with("https://")
                || word.starts_with("localhost")
        })
}
