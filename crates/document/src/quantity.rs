//! Amounts in running text: durations, sizes, ratios, counts and rates, in the units and spellings
//! that people use, turned into base units (seconds, bytes, shares from 0 to 1).

use std::ops::Range;

use crate::observability::Comparison;

/// What an amount is an amount of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Time,
    /// Bytes.
    Size,
    /// A share from 0 to 1.
    Ratio,
    /// A bare number.
    Plain,
}

/// A number with its unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Amount {
    /// In base units.
    pub value: f64,
    /// Of what.
    pub unit: Unit,
    /// How it is compared, where a sign or word before it says so.
    pub comparison: Option<Comparison>,
    /// Number and unit.
    pub range: Range<usize>,
}

/// So many of something in a length of time: `100 requests per 15 minutes`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    /// How many.
    pub count: f64,
    /// In how many seconds.
    pub seconds: f64,
    /// All of it.
    pub range: Range<usize>,
}

/// Text longer than this is no value.
const TEXT_BYTES_MAX: usize = 2000;

const TIMES: &[(&[&str], f64)] = &[
    (&["ms", "msec", "msecs", "millis", "millisecond", "milliseconds", "мс"], 0.001),
    (&["µs", "us", "microseconds"], 0.000_001),
    (
        &[
            "s",
            "sec",
            "secs",
            "second",
            "seconds",
            "sekunden",
            "sekunde",
            "segundos",
            "secondes",
            "secondi",
            "detik",
            "секунд",
            "секунды",
            "с",
            "秒",
        ],
        1.0,
    ),
    (
        &[
            "m",
            "min",
            "mins",
            "minute",
            "minutes",
            "minuten",
            "minutos",
            "minuti",
            "menit",
            "минут",
            "минуты",
            "минута",
            "мин",
            "分钟",
            "分",
        ],
        60.0,
    ),
    (
        &[
            "h",
            "hr",
            "hrs",
            "hour",
            "hours",
            "stunden",
            "stunde",
            "std",
            "horas",
            "hora",
            "heures",
            "heure",
            "ore",
            "jam",
            "час",
            "часа",
            "часов",
            "小时",
            "時間",
        ],
        3600.0,
    ),
    (
        &[
            "d", "day", "days", "tage", "tag", "tagen", "días", "dias", "día", "dia", "jours",
            "jour", "giorni", "hari", "день", "дня", "дней", "天", "日",
        ],
        86_400.0,
    ),
    (&["w", "week", "weeks", "wochen", "woche", "semanas", "semaines", "minggu", "周"], 604_800.0),
    (&["mo", "month", "months", "monate", "monat", "meses", "mois", "bulan", "个月"], 2_592_000.0),
    (
        &["y", "yr", "yrs", "year", "years", "jahre", "jahr", "años", "ans", "tahun", "лет", "年"],
        31_536_000.0,
    ),
];

const SIZES: &[(&str, f64)] = &[
    ("b", 1.0),
    ("byte", 1.0),
    ("bytes", 1.0),
    ("kb", 1024.0),
    ("kib", 1024.0),
    ("mb", 1_048_576.0),
    ("mib", 1_048_576.0),
    ("gb", 1_073_741_824.0),
    ("gib", 1_073_741_824.0),
    ("tb", 1_099_511_627_776.0),
    ("tib", 1_099_511_627_776.0),
];

const WORDS: &[(&str, Comparison)] = &[
    ("less than", Comparison::Less),
    ("under", Comparison::Less),
    ("below", Comparison::Less),
    ("sub-", Comparison::Less),
    ("within", Comparison::LessOrEqual),
    ("at most", Comparison::LessOrEqual),
    ("up to", Comparison::LessOrEqual),
    ("maximum", Comparison::LessOrEqual),
    ("max", Comparison::LessOrEqual),
    ("more than", Comparison::Greater),
    ("greater than", Comparison::Greater),
    ("above", Comparison::Greater),
    ("over", Comparison::Greater),
    ("exceeds", Comparison::Greater),
    ("at least", Comparison::GreaterOrEqual),
    ("minimum", Comparison::GreaterOrEqual),
    ("min", Comparison::GreaterOrEqual),
    ("<=", Comparison::LessOrEqual),
    ("≤", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("≥", Comparison::GreaterOrEqual),
    ("==", Comparison::Equal),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
    ("=", Comparison::Equal),
];

/// Seconds of a word for a unit of time; lower case `m` is a minute, upper case `M` is none.
pub fn seconds_of(word: &str) -> Option<f64> {
    if word == "M" {
        return None;
    }
    let lower = word.to_lowercase();
    TIMES.iter().find(|(words, _)| words.contains(&lower.as_str())).map(|&(_, seconds)| seconds)
}

/// All amounts of a text, in order. Parts of names (`p95`, `HS256`, `v1`, `AES-256`) are none.
pub fn amounts(text: &str) -> Vec<Amount> {
    let text =
        text.get(..TEXT_BYTES_MAX).unwrap_or(if text.len() > TEXT_BYTES_MAX { "" } else { text });
    let mut found: Vec<Amount> = Vec::new();
    let mut at = 0;
    while let Some(offset) = text[at..].find(|c: char| c.is_ascii_digit()) {
        let start = at + offset;
        let (number, end) = number(text, start);
        at = end;
        let continues =
            found.last().is_some_and(|last| last.unit == Unit::Time && last.range.end == start);
        if is_within_name(text, start) && !continues {
            // Pass over the rest of the name as well.
            at += text[end..].find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len() - end);
            continue;
        }
        let Some(value) = number else { continue };
        let (value, unit, end) = scaled(text, value, end);
        // Decimal fractions stay what they are: 99.9 % is 0.999.
        let value = (value * 1e9).round() / 1e9;
        at = at.max(end);
        let comparison = comparison_before(&text[..start]);
        found.push(Amount { value, unit, comparison, range: start..end });
    }
    join(text, found)
}

/// The number that begins at `start`, and where it ends.
fn number(text: &str, start: usize) -> (Option<f64>, usize) {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut end = start;
    let mut digits = String::new();
    let mut fraction = false;
    while let Some(&byte) = bytes.get(end) {
        if byte.is_ascii_digit() {
            digits.push(char::from(byte));
        } else if byte == b'.' && !fraction && digit(end + 1) {
            fraction = true;
            digits.push('.');
        } else if matches!(byte, b',' | b'_') && !fraction && groups_of_three(bytes, end) {
            // A separator of thousands says nothing.
        } else {
            break;
        }
        end += 1;
    }
    (digits.parse().ok(), end)
}

fn groups_of_three(bytes: &[u8], comma: usize) -> bool {
    let after = bytes[comma + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    after == 3
}

/// `p95`, `HS256`, `AES-256`, `TLS 1.3`'s parts stay names; `<5`, `(5`, `$5` are numbers.
fn is_within_name(text: &str, start: usize) -> bool {
    let mut before = text[..start].chars().rev();
    match before.next() {
        Some(c) if c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '#' => true,
        Some('-') => {
            before.next().is_some_and(|c| c.is_alphabetic()) && !text[..start].ends_with("sub-")
        }
        Some('/') => before.next().is_some_and(|c| c.is_ascii_uppercase()),
        _ => false,
    }
}

/// Applies `K`, `%` and the unit after a number.
fn scaled(text: &str, value: f64, end: usize) -> (f64, Unit, usize) {
    let rest = &text[end..];
    if let Some(tail) = rest.trim_start_matches(' ').strip_prefix('%') {
        return (value / 100.0, Unit::Ratio, text.len() - tail.len());
    }
    let gap = rest.len() - rest.trim_start_matches([' ', '-', '\u{a0}']).len();
    let word_length = rest[gap..].find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len() - gap);
    let word = &rest[gap..gap + word_length];
    let word_end = end + gap + word_length;
    let lower = word.to_lowercase();
    if gap > 2 || word.is_empty() {
        return (value, Unit::Plain, end);
    }
    if let Some(seconds) = seconds_of(word) {
        return (value * seconds, Unit::Time, word_end);
    }
    if let Some(&(_, bytes)) = SIZES.iter().find(|(name, _)| *name == lower)
        && (lower != "b" || word == "B")
    {
        return (value * bytes, Unit::Size, word_end);
    }
    match lower.as_str() {
        "percent" | "prozent" | "pct" => (value / 100.0, Unit::Ratio, word_end),
        "k" => (value * 1e3, Unit::Plain, word_end),
        "million" | "mio" => (value * 1e6, Unit::Plain, word_end),
        _ if word == "M" => (value * 1e6, Unit::Plain, word_end),
        // CJK units stand without a space before the next word.
        _ => match cjk_unit(word) {
            Some((seconds, length)) => (value * seconds, Unit::Time, end + gap + length),
            None => (value, Unit::Plain, end),
        },
    }
}

fn cjk_unit(word: &str) -> Option<(f64, usize)> {
    TIMES.iter().find_map(|(words, seconds)| {
        let unit = words.iter().find(|unit| {
            !unit.is_ascii() && unit.chars().all(is_cjk) && word.starts_with(**unit)
        })?;
        Some((*seconds, unit.len()))
    })
}

fn is_cjk(c: char) -> bool {
    ('\u{3000}'..='\u{9fff}').contains(&c)
}

fn comparison_before(before: &str) -> Option<Comparison> {
    let lead = before.trim_end_matches([' ', '~', '$', '€', '*', '`', '\u{a0}']);
    let tail_start = lead.char_indices().rev().nth(15).map_or(0, |(at, _)| at);
    let tail = lead[tail_start..].to_lowercase();
    WORDS.iter().find_map(|(word, comparison)| {
        let rest = tail.strip_suffix(word)?;
        let whole = !word.ends_with(char::is_alphabetic)
            || rest.chars().next_back().is_none_or(|c| !c.is_alphabetic());
        whole.then_some(*comparison)
    })
}

/// `1h 30m` is one amount; `15-30 minutes` is at most 30.
fn join(text: &str, found: Vec<Amount>) -> Vec<Amount> {
    let mut joined: Vec<Amount> = Vec::new();
    for amount in found {
        if let Some(last) = joined.last_mut() {
            let between = text[last.range.end..amount.range.start].trim();
            let both_times = last.unit == Unit::Time && amount.unit == Unit::Time;
            if both_times && between.is_empty() && amount.value < last.value {
                last.value += amount.value;
                last.range.end = amount.range.end;
                continue;
            }
            let is_dash = matches!(between, "-" | "–" | "—" | "to");
            if is_dash && last.unit == Unit::Plain && amount.unit != Unit::Plain {
                let range = last.range.start..amount.range.end;
                *last = Amount { range, comparison: last.comparison, ..amount };
                continue;
            }
        }
        joined.push(amount);
    }
    joined
}

/// The first amount of time in a text, in seconds.
pub fn duration(text: &str) -> Option<f64> {
    first(text, Unit::Time)
}

/// The first size in a text, in bytes.
pub fn size(text: &str) -> Option<f64> {
    first(text, Unit::Size)
}

/// The first share in a text, from 0 to 1.
pub fn ratio(text: &str) -> Option<f64> {
    first(text, Unit::Ratio)
}

fn first(text: &str, unit: Unit) -> Option<f64> {
    amounts(text).into_iter().find(|amount| amount.unit == unit).map(|amount| amount.value)
}

/// The first bare number of a text; a number word counts.
pub fn count(text: &str) -> Option<f64> {
    first(text, Unit::Plain).or_else(|| {
        let word = text.split(|c: char| !c.is_alphabetic()).find(|word| !word.is_empty())?;
        let words =
            ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
        words.iter().position(|known| word.eq_ignore_ascii_case(known)).map(|number| number as f64)
    })
}

/// Yes or no.
pub fn boolean(text: &str) -> Option<bool> {
    let bare = text.trim().trim_matches(['`', '*', '.', '"']).to_lowercase();
    let word = bare.split([' ', ',', '(', ';']).next().unwrap_or("");
    match word {
        "yes" | "true" | "on" | "enabled" | "enable" | "required" | "✅" | "✓" | "always"
        | "allowed" | "supported" | "enforced" | "active" => Some(true),
        "no" | "false" | "off" | "disabled" | "disable" | "none" | "never" | "❌" | "✗" => {
            Some(false)
        }
        _ => None,
    }
}

/// `p95`, `P99`, `95th percentile` as a share, with its place.
pub fn percentile(text: &str) -> Option<(f64, Range<usize>)> {
    let lower = text.to_ascii_lowercase();
    let plain = lower.match_indices('p').find_map(|(at, _)| {
        let boundary = lower[..at].chars().next_back().is_none_or(|c| !c.is_alphabetic());
        let rest = &lower[at + 1..];
        let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let digits = rest[..length].trim_end_matches('.');
        let value: f64 = digits.parse().ok()?;
        let share = share_of(digits, value)?;
        boundary.then(|| (share, at..at + 1 + digits.len()))
    });
    plain.or_else(|| {
        let at = lower.find("percentile")?;
        let before = lower[..at].trim_end();
        let bare = before.trim_end_matches("th").trim_end_matches("st").trim_end_matches("rd");
        let start = bare.rfind(|c: char| !c.is_ascii_digit() && c != '.').map_or(0, |at| at + 1);
        let start = (start..bare.len()).find(|&at| bare.is_char_boundary(at))?;
        let value: f64 = bare[start..].parse().ok()?;
        Some((share_of(&bare[start..], value)?, start..at + "percentile".len()))
    })
}

fn share_of(digits: &str, value: f64) -> Option<f64> {
    match value {
        _ if digits == "999" => Some(0.999),
        value if (50.0..100.0).contains(&value) => Some(value / 100.0),
        _ => None,
    }
}

/// `100 requests per 15 minutes per IP`, `100/min`, `5 requests in 10 seconds`.
pub fn rate(text: &str) -> Option<Rate> {
    let all = amounts(text);
    all.iter().enumerate().find_map(|(index, amount)| {
        if amount.unit != Unit::Plain {
            return None;
        }
        let next = all.get(index + 1);
        let end = next.map_or(text.len(), |next| next.range.start);
        let rest = text.get(amount.range.end..end)?;
        separators(rest).into_iter().find_map(|at| {
            let after = rest[at.end..].trim_start();
            // `per 15 minutes`: the window is the next amount; `per minute`: a bare unit.
            if let Some(next) = next.filter(|next| next.unit == Unit::Time && after.is_empty()) {
                let range = amount.range.start..next.range.end;
                return Some(Rate { count: amount.value, seconds: next.value, range });
            }
            let length = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
            let seconds = seconds_of(&after[..length])?;
            let end = end - after.len() + length;
            Some(Rate { count: amount.value, seconds, range: amount.range.start..end })
        })
    })
}

/// Where `per`, `/`, `in`, `within` stand with at most four words before them.
fn separators(rest: &str) -> Vec<Range<usize>> {
    const WORDS: [&str; 9] =
        [" per ", "/", " every ", " in ", " within ", " each ", " a ", " pro ", " por "];
    let lower = rest.to_ascii_lowercase();
    let mut found: Vec<Range<usize>> = WORDS
        .iter()
        .flat_map(|word| lower.match_indices(word).map(|(at, _)| at..at + word.len()))
        .filter(|range| {
            let between = &rest[..range.start];
            between.split_whitespace().count() <= 4 && !between.contains(['.', ';', ':', ','])
        })
        .collect();
    found.sort_by_key(|range| range.start);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(f64, Unit)]) {
        let found: Vec<_> = amounts(text).iter().map(|a| (a.value, a.unit)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn amounts_are_read_in_all_units() {
        check("24 hours", &[(86_400.0, Unit::Time)]);
        check("15m", &[(900.0, Unit::Time)]);
        check("24-hour expiry", &[(86_400.0, Unit::Time)]);
        check("1h30m", &[(5400.0, Unit::Time)]);
        check("15-30 minutes", &[(1800.0, Unit::Time)]);
        check("30 hari", &[(2_592_000.0, Unit::Time)]);
        check("4 Stunden", &[(14_400.0, Unit::Time)]);
        check("5 MB", &[(5_242_880.0, Unit::Size)]);
        check("99.9% (8.76 hours/year)", &[(0.999, Unit::Ratio), (31_536.0, Unit::Time)]);
        check(
            "10K users, 1,000,000 rows, 2M",
            &[(10_000.0, Unit::Plain), (1_000_000.0, Unit::Plain), (2_000_000.0, Unit::Plain)],
        );
        check("1s, 2s, 4s", &[(1.0, Unit::Time), (2.0, Unit::Time), (4.0, Unit::Time)]);
    }

    #[test]
    fn parts_of_names_are_no_amounts() {
        for text in ["p95", "HS256", "AES-256", "v1.2", "W3C", "OAuth2", "item_5"] {
            check(text, &[]);
        }
    }

    #[test]
    fn comparisons_stand_as_signs_or_words() {
        let of = |text: &str| amounts(text).first().and_then(|amount| amount.comparison);
        assert_eq!(of("<200ms"), Some(Comparison::Less));
        assert_eq!(of("≤ 200 ms"), Some(Comparison::LessOrEqual));
        assert_eq!(of("> ~60%"), Some(Comparison::Greater));
        assert_eq!(of("sub-100ms"), Some(Comparison::Less));
        assert_eq!(of("at least 3"), Some(Comparison::GreaterOrEqual));
        assert_eq!(of("wonder 3"), None);
    }

    #[test]
    fn rates_are_read_in_all_spellings() {
        for (text, count, seconds) in [
            ("100 requests per 15 minutes per IP", 100.0, 900.0),
            ("100 req/min", 100.0, 60.0),
            ("1,000 requests/hour per user", 1000.0, 3600.0),
            ("5 failures in 10 seconds", 5.0, 10.0),
            ("100 requests/60 seconds", 100.0, 60.0),
            ("10/min", 10.0, 60.0),
            ("30 / IP / hour", 30.0, 3600.0),
            ("5 / email / 10 min", 5.0, 600.0),
            ("100 requests per user per minute", 100.0, 60.0),
        ] {
            let rate = rate(text);
            assert_eq!(
                rate.map(|rate| (rate.count, rate.seconds)),
                Some((count, seconds)),
                "{text}"
            );
        }
        assert_eq!(rate("5 consecutive failures"), None);
    }

    #[test]
    fn percentiles_are_read() {
        assert_eq!(percentile("< 200ms (P95)").map(|found| found.0), Some(0.95));
        assert_eq!(percentile("95th percentile < 2 s").map(|found| found.0), Some(0.95));
        assert_eq!(percentile("p999").map(|found| found.0), Some(0.999));
        assert_eq!(percentile("top 5").map(|found| found.0), None);
    }
}
