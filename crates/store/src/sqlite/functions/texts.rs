//! Text: patterns, regular expressions, case by Unicode, and search by words.

use std::cmp::Ordering;

use regex::{Regex, RegexBuilder};
use rusqlite::{Connection, Error, Result, functions::Context, types::ValueRef};

use super::{PURE, number_of, text_of, unchanged};

/// Memory that one compiled regular expression may take, in bytes.
const REGEX_BYTES_MAX: usize = 1 << 20;
/// Longest text that padding and repeating may make, in characters.
const PADDED_MAX: usize = 1 << 20;

pub(super) fn register(connection: &Connection) -> Result<()> {
    register_patterns(connection)?;
    register_case(connection)?;
    register_parts(connection)?;
    register_pads(connection)
}

fn register_patterns(connection: &Connection) -> Result<()> {
    // `x LIKE y` calls like(y, x), `x LIKE y ESCAPE z` like(y, x, z).
    connection.create_scalar_function("like", 2, PURE, |context| {
        Ok(texts(context).map(|(pattern, text)| matches_like(&pattern, &text, None)))
    })?;
    connection.create_scalar_function("like", 3, PURE, |context| {
        let escape = text_of(context, 2).and_then(|escape| escape.chars().next());
        Ok(texts(context).map(|(pattern, text)| matches_like(&pattern, &text, escape)))
    })?;
    connection.create_scalar_function("ilike", 2, PURE, |context| {
        Ok(texts(context).map(|(text, pattern)| {
            matches_like(&pattern.to_lowercase(), &text.to_lowercase(), Some('\\'))
        }))
    })?;
    // `x REGEXP y` calls regexp(y, x).
    connection
        .create_scalar_function("regexp", 2, PURE, |context| matches_regex(context, false))?;
    connection
        .create_scalar_function("regexp_i", 2, PURE, |context| matches_regex(context, true))?;
    connection.create_scalar_function("search_words", -1, PURE, |context| {
        let Some(words) = text_of(context, 0) else {
            return Ok(false);
        };
        let columns: Vec<String> = (1..context.len())
            .filter_map(|place| text_of(context, place))
            .map(|text| text.to_lowercase())
            .collect();
        Ok(words
            .to_lowercase()
            .split_whitespace()
            .all(|word| columns.iter().any(|column| column.contains(word))))
    })
}

fn register_case(connection: &Connection) -> Result<()> {
    connection.create_scalar_function("lower", 1, PURE, |context| {
        Ok(text_of(context, 0).map(|text| text.to_lowercase()))
    })?;
    connection.create_scalar_function("upper", 1, PURE, |context| {
        Ok(text_of(context, 0).map(|text| text.to_uppercase()))
    })?;
    connection.create_scalar_function("initcap", 1, PURE, |context| {
        Ok(text_of(context, 0).map(|text| {
            let mut is_inside = false;
            text.chars()
                .flat_map(|letter| {
                    let starts = letter.is_alphanumeric() && !is_inside;
                    is_inside = letter.is_alphanumeric();
                    let changed: Vec<char> = if starts {
                        letter.to_uppercase().collect()
                    } else {
                        letter.to_lowercase().collect()
                    };
                    changed
                })
                .collect::<String>()
        }))
    })?;
    connection.create_scalar_function("reverse", 1, PURE, |context| {
        Ok(text_of(context, 0).map(|text| text.chars().rev().collect::<String>()))
    })
}

fn register_parts(connection: &Connection) -> Result<()> {
    connection.create_scalar_function("left", 2, PURE, |context| {
        Ok(counted(context).map(|(text, count)| {
            let length = text.chars().count();
            text.chars().take(from_end(count, length)).collect::<String>()
        }))
    })?;
    connection.create_scalar_function("right", 2, PURE, |context| {
        Ok(counted(context).map(|(text, count)| {
            let length = text.chars().count();
            text.chars().skip(length - from_end(count, length).min(length)).collect::<String>()
        }))
    })?;
    connection.create_scalar_function("strpos", 2, PURE, |context| {
        Ok(texts(context).map(|(text, part)| {
            text.find(&part)
                .and_then(|at| text.get(..at))
                .map_or(0, |before| i64::try_from(before.chars().count()).unwrap_or(0) + 1)
        }))
    })?;
    connection.create_scalar_function("starts_with", 2, PURE, |context| {
        Ok(texts(context).map(|(text, start)| text.starts_with(&start)))
    })?;
    connection.create_scalar_function("split_part", 3, PURE, |context| {
        let place = number_of(context, 2);
        Ok(texts(context).zip(place).map(|((text, separator), place)| {
            if separator.is_empty() {
                return if place == 1.0 { text } else { String::new() };
            }
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
            let place = (place as usize).saturating_sub(1);
            text.split(&separator).nth(place).unwrap_or_default().to_owned()
        }))
    })
}

fn register_pads(connection: &Connection) -> Result<()> {
    for (name, is_left) in [("lpad", true), ("rpad", false)] {
        let pad = move |context: &Context<'_>| {
            if context.len() < 2 {
                return unchanged(context, 0);
            }
            let Some((text, length)) = counted(context) else {
                return Ok(rusqlite::types::ToSqlOutput::from(rusqlite::types::Null));
            };
            let filling = if context.len() > 2 { text_of(context, 2) } else { None };
            Ok(padded(&text, length, &filling.unwrap_or_else(|| " ".to_owned()), is_left).into())
        };
        connection.create_scalar_function(name, -1, PURE, pad)?;
    }
    Ok(())
}

fn padded(text: &str, length: i64, filling: &str, is_left: bool) -> String {
    let length = usize::try_from(length).unwrap_or(0).min(PADDED_MAX);
    let missing = length.saturating_sub(text.chars().count());
    let filling: String = filling.chars().cycle().take(missing).collect();
    let kept: String = text.chars().take(length).collect();
    if is_left { filling + &kept } else { kept + &filling }
}

/// How many characters a count means: a negative one counts from the end.
fn from_end(count: i64, length: usize) -> usize {
    match usize::try_from(count) {
        Ok(count) => count,
        Err(_) => length.saturating_sub(usize::try_from(count.unsigned_abs()).unwrap_or(length)),
    }
}

fn texts(context: &Context<'_>) -> Option<(String, String)> {
    text_of(context, 0).zip(text_of(context, 1))
}

#[allow(clippy::cast_possible_truncation, reason = "saturates")]
fn counted(context: &Context<'_>) -> Option<(String, i64)> {
    text_of(context, 0).zip(number_of(context, 1)).map(|(text, count)| (text, count as i64))
}

/// SQL's LIKE without backtracking over more than the last `%`.
fn matches_like(pattern: &str, text: &str, escape: Option<char>) -> bool {
    enum Part {
        Any,
        One,
        Letter(char),
    }
    let mut parts = Vec::with_capacity(pattern.len());
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        parts.push(match letter {
            letter if Some(letter) == escape => Part::Letter(letters.next().unwrap_or(letter)),
            '%' => Part::Any,
            '_' => Part::One,
            letter => Part::Letter(letter),
        });
    }
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut part) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at < text.len() {
        match parts.get(part) {
            Some(Part::Any) => {
                retry = Some((at, part));
                part += 1;
                continue;
            }
            Some(Part::One) => {
                (at, part) = (at + 1, part + 1);
                continue;
            }
            Some(Part::Letter(letter)) if text.get(at) == Some(letter) => {
                (at, part) = (at + 1, part + 1);
                continue;
            }
            _ => {}
        }
        let Some((from, any)) = retry else {
            return false;
        };
        retry = Some((from + 1, any));
        (at, part) = (from + 1, any + 1);
    }
    parts.iter().skip(part).all(|part| matches!(part, Part::Any))
}

fn matches_regex(context: &Context<'_>, ignores_case: bool) -> Result<Option<bool>> {
    let ValueRef::Text(text) = context.get_raw(1) else {
        return Ok(None);
    };
    if matches!(context.get_raw(0), ValueRef::Null) {
        return Ok(None);
    }
    let regex = context.get_or_create_aux(0, |pattern| -> Result<Regex> {
        let pattern = pattern.as_str()?;
        RegexBuilder::new(pattern)
            .case_insensitive(ignores_case)
            .size_limit(REGEX_BYTES_MAX)
            .build()
            .map_err(|error| Error::UserFunctionError(Box::new(error)))
    })?;
    Ok(Some(regex.is_match(&String::from_utf8_lossy(text))))
}

/// Compares by lower-case letters.
pub(super) fn compare_ignoring_case(left: &str, right: &str) -> Ordering {
    if left.is_ascii() && right.is_ascii() {
        let lower =
            |text: &str| text.bytes().map(|byte| byte.to_ascii_lowercase()).collect::<Vec<_>>();
        return if left.eq_ignore_ascii_case(right) {
            Ordering::Equal
        } else {
            lower(left).cmp(&lower(right))
        };
    }
    left.chars().flat_map(char::to_lowercase).cmp(right.chars().flat_map(char::to_lowercase))
}
