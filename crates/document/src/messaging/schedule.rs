//! When something runs: five fields of cron, `every 5 minutes`, `daily at 2 AM`, `Mon 10:00`.

use super::Schedule;
use crate::quantity;

const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// Longer texts tell what a job does.
const TEXT_BYTES_MAX: usize = 300;

/// The schedule that a text states, where it states one.
pub(crate) fn parse(text: &str) -> Option<Schedule> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    if let Some(expression) = cron(text) {
        return Some(Schedule::Cron { expression });
    }
    let lower = text.to_lowercase();
    if let Some(schedule) = every(&lower) {
        return Some(schedule);
    }
    let has = |word: &str| {
        lower
            .match_indices(word)
            .any(|(at, _)| lower[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric()))
    };
    let time = time_of_day(&lower);
    let cron = |days: &str| {
        let (hour, minute) = time.unwrap_or((0, 0));
        Some(Schedule::Cron { expression: format!("{minute} {hour} {days}") })
    };
    if has("monthly") || has("1st of") || has("first of the month") || has("every month") {
        return cron("1 * *");
    }
    let weekday = WEEKDAYS.iter().position(|day| has(day));
    if has("weekly") || has("every week") {
        return match weekday {
            Some(day) => cron(&format!("* * {day}")),
            None if time.is_some() => cron("* * 0"),
            None => Some(Schedule::Every { seconds: 604_800 }),
        };
    }
    if let (Some(day), true) = (weekday, time.is_some()) {
        return cron(&format!("* * {day}"));
    }
    if has("daily") || has("nightly") || has("every day") || has("every night") || has("täglich") {
        return match time {
            Some(_) => cron("* * *"),
            None => Some(Schedule::Every { seconds: 86_400 }),
        };
    }
    if has("hourly") {
        return Some(Schedule::Every { seconds: 3600 });
    }
    // A bare time with a zone is a time of every day.
    let zone = has("utc") || has("gmt");
    if zone && time.is_some() { cron("* * *") } else { None }
}

/// `every 5 minutes`, `every minute`.
fn every(lower: &str) -> Option<Schedule> {
    let at = ["every ", "alle ", "cada ", "each "]
        .iter()
        .find_map(|word| lower.find(word).map(|at| at + word.len()))?;
    let rest = &lower[at..];
    let first = rest.split_whitespace().next()?.trim_matches([',', '.', ')', ';']);
    let seconds = if first.starts_with(|c: char| c.is_ascii_digit()) {
        quantity::amounts(rest).first().filter(|amount| amount.unit == quantity::Unit::Time)?.value
    } else if matches!(first, "day" | "night" | "week" | "month" | "monday" | "m") {
        // These may name a time as well.
        return None;
    } else {
        quantity::seconds_of(first)?
    };
    (seconds >= 1.0).then_some(Schedule::Every { seconds: seconds as u64 })
}

/// `2 am`, `14:30`, `midnight` as hour and minute.
fn time_of_day(lower: &str) -> Option<(u32, u32)> {
    if lower.contains("midnight") {
        return Some((0, 0));
    }
    if lower.contains("noon") {
        return Some((12, 0));
    }
    let bytes = lower.as_bytes();
    let mut at = 0;
    while let Some(offset) = lower[at..].find(|c: char| c.is_ascii_digit()) {
        let start = at + offset;
        let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        at = start + length;
        let Ok(hour) = lower[start..at].parse::<u32>() else { continue };
        let mut minute = None;
        if bytes.get(at) == Some(&b':') {
            let digits = lower[at + 1..].get(..2).and_then(|two| two.parse::<u32>().ok());
            if let Some(found) = digits.filter(|found| *found < 60) {
                minute = Some(found);
                at += 3;
            }
        }
        let after = lower[at..].trim_start();
        let half = ["am", "a.m", "pm", "p.m"].iter().position(|mark| after.starts_with(mark));
        let hour = match half {
            Some(0 | 1) => hour % 12,
            Some(_) => hour % 12 + 12,
            None => hour,
        };
        if hour < 24 && (half.is_some() || minute.is_some()) {
            return Some((hour, minute.unwrap_or(0)));
        }
    }
    None
}

/// Five fields of cron; `24 * 60 * 60` is a product, since no month has a 60th day.
fn cron(text: &str) -> Option<String> {
    const BOUNDS: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];
    let words: Vec<&str> = text
        .split([' ', '\t', '`', '"', '\'', '(', ')', '\n', '='])
        .filter(|word| !word.is_empty())
        .collect();
    let fields = words.windows(5).find(|fields| {
        fields.iter().zip(BOUNDS).all(|(field, bounds)| is_field(field, bounds))
            && fields.iter().any(|field| field.contains('*'))
    })?;
    Some(fields.join(" "))
}

fn is_field(field: &str, (least, most): (u32, u32)) -> bool {
    field.split(',').all(|part| {
        let (range, step) = part.split_once('/').map_or((part, None), |(a, b)| (a, Some(b)));
        let stepped = step.is_none_or(|step| step.parse::<u32>().is_ok_and(|step| step > 0));
        let within = range == "*"
            || range.split('-').all(|end| {
                end.parse::<u32>().is_ok_and(|value| (least..=most).contains(&value))
                    || (most == 7 && WEEKDAYS.contains(&end.to_lowercase().as_str()))
            });
        stepped && within
    })
}

/// A schedule in words.
pub(crate) fn words(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Cron { expression } => format!("at `{expression}`"),
        Schedule::Every { seconds } => format!("every {}", crate::lexicon::time(*seconds as f64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(parse(text).as_ref().map(words).unwrap_or_default(), expected, "{text}");
    }

    #[test]
    fn schedules_are_read_in_all_spellings() {
        check("`0 2 * * *`", "at `0 2 * * *`");
        check("Cron (*/5 * * * *)", "at `*/5 * * * *`");
        check("Every 5 min", "every 5 minutes");
        check("every minute", "every 1 minute");
        check("Hourly", "every 1 hour");
        check("Daily 1 AM", "at `0 1 * * *`");
        check("Daily at 7:30 PM", "at `30 19 * * *`");
        check("Weekly Mon 6 AM", "at `0 6 * * 1`");
        check("Mon 10:00 Europe/London", "at `0 10 * * 1`");
        check("06:00 UTC", "at `0 6 * * *`");
        check("1st of month", "at `0 0 1 * *`");
        check("Daily Midnight", "at `0 0 * * *`");
        check("Daily", "every 1 day");
        check("Alle 15 Min", "every 15 minutes");
    }

    #[test]
    fn what_only_looks_like_a_schedule_is_none() {
        for text in ["24 * 60 * 60 * 1000", "on demand", "Configurable", "when a user signs up"] {
            check(text, "");
        }
    }
}
