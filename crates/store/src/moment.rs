//! Moments, days and times of day as text and back: the one form in which they are stored and
//! shown.

use std::fmt::Write;

use jiff::{Span, civil};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
const EPOCH: civil::Date = civil::date(1970, 1, 1);

/// `2026-11-20T18:04:05.000006Z`: fixed width, so that text sorts as time does.
pub(crate) fn write_timestamp(microseconds: i64, out: &mut String) {
    let Some(moment) = civil_of(microseconds) else {
        return;
    };
    let _ = write!(
        out,
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
        moment.year(),
        moment.month(),
        moment.day(),
        moment.hour(),
        moment.minute(),
        moment.second(),
        microseconds.rem_euclid(SECOND)
    );
}

/// The moment so many microseconds after 1970 as it is shown, `2026-11-20T18:04:05.000006Z`, without
/// formatting machinery: a list shows many.
pub fn write_timestamp_bytes(microseconds: i64, out: &mut Vec<u8>) {
    let (year, month, day) = civil_day(microseconds.div_euclid(DAY));
    if !(0..=9999).contains(&year) {
        let mut text = String::new();
        write_timestamp(microseconds, &mut text);
        return out.extend_from_slice(text.as_bytes());
    }
    let clock = microseconds.rem_euclid(DAY);
    let (seconds, rest) = (clock / SECOND, clock % SECOND);
    let ([c1, c2], [y1, y2]) = (two_digits(year / 100), two_digits(year % 100));
    let ([m1, m2], [d1, d2]) = (two_digits(month), two_digits(day));
    let ([h1, h2], [n1, n2]) = (two_digits(seconds / 3600), two_digits(seconds / 60 % 60));
    let ([s1, s2], [f1, f2]) = (two_digits(seconds % 60), two_digits(rest / 10_000));
    let ([f3, f4], [f5, f6]) = (two_digits(rest / 100 % 100), two_digits(rest % 100));
    out.extend_from_slice(&[
        c1, c2, y1, y2, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2, b'.',
        f1, f2, f3, f4, f5, f6, b'Z',
    ]);
}

/// A number below a hundred.
fn two_digits(number: i64) -> [u8; 2] {
    let number = u8::try_from(number).unwrap_or(0);
    [b'0' + number / 10, b'0' + number % 10]
}

/// Year, month and day of the day so many days after 1970-01-01; years begin in March here, so
/// that the leap day is the last.
fn civil_day(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// A length of time as ISO 8601 by PostgreSQL's three parts: `P1Y2M3DT4H5M6.5S`.
pub(crate) fn write_interval(months: i64, days: i64, microseconds: i64, out: &mut String) {
    let parts = [months, days, microseconds];
    let is_negative = parts.iter().all(|part| *part <= 0) && parts.iter().any(|part| *part < 0);
    let sign = if is_negative { -1 } else { 1 };
    out.push_str(if is_negative { "-P" } else { "P" });
    let mut part = |number: i64, unit: char| {
        if number != 0 {
            let _ = write!(out, "{}{unit}", number * sign);
        }
    };
    part(months / 12, 'Y');
    part(months % 12, 'M');
    part(days, 'D');
    if microseconds == 0 {
        if months == 0 && days == 0 {
            out.push_str("T0S");
        }
        return;
    }
    out.push('T');
    let clock = microseconds * sign;
    let minutes = clock / SECOND / 60;
    let seconds = clock % (60 * SECOND);
    for (number, unit) in [(minutes / 60, 'H'), (minutes % 60, 'M')] {
        if number != 0 {
            let _ = write!(out, "{number}{unit}");
        }
    }
    if seconds != 0 {
        let dash = if seconds < 0 { "-" } else { "" };
        let (whole, fraction) = ((seconds / SECOND).abs(), (seconds % SECOND).abs());
        let _ = write!(out, "{dash}{whole}");
        if fraction != 0 {
            let digits = format!("{fraction:06}");
            let _ = write!(out, ".{}", digits.trim_end_matches('0'));
        }
        out.push('S');
    }
}

/// Months, days and microseconds of a length of time.
pub(crate) fn interval_parts(span: &Span) -> (i64, i64, i64) {
    let months = i64::from(span.get_years()) * 12 + i64::from(span.get_months());
    let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
    let seconds = (i64::from(span.get_hours()) * 60 + span.get_minutes()) * 60 + span.get_seconds();
    let below =
        span.get_milliseconds() * 1000 + span.get_microseconds() + span.get_nanoseconds() / 1000;
    (months, days, seconds.saturating_mul(SECOND).saturating_add(below))
}

/// `2026-11-20`.
pub(crate) fn write_date(days: i32, out: &mut String) {
    if let Some(moment) = civil_of(i64::from(days).saturating_mul(DAY)) {
        let _ = write!(out, "{:04}-{:02}-{:02}", moment.year(), moment.month(), moment.day());
    }
}

/// `18:04:05` or `18:04:05.5`: as short as it is exact, which still sorts as time does.
pub(crate) fn write_time(microseconds: i64, out: &mut String) {
    let microseconds = microseconds.rem_euclid(DAY);
    let seconds = microseconds / SECOND;
    let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if microseconds % SECOND != 0 {
        let fraction = format!("{:06}", microseconds % SECOND);
        out.push('.');
        out.push_str(fraction.trim_end_matches('0'));
    }
}

/// The civil moment of `microseconds` since 1970 in UTC. By days: jiff's own timestamps end a day
/// before the year 9999 does, and that last day is a favourite for "never".
fn civil_of(microseconds: i64) -> Option<civil::DateTime> {
    let days = Span::new().try_days(microseconds.div_euclid(DAY)).ok()?;
    let clock = microseconds.rem_euclid(DAY);
    let seconds = clock / SECOND;
    let time = civil::Time::new(
        i8::try_from(seconds / 3600).ok()?,
        i8::try_from(seconds / 60 % 60).ok()?,
        i8::try_from(seconds % 60).ok()?,
        i32::try_from(clock % SECOND * 1000).ok()?,
    )
    .ok()?;
    Some(EPOCH.checked_add(days).ok()?.to_datetime(time))
}

/// The civil moment of `microseconds` since 1970 in UTC.
pub(crate) fn civil(microseconds: i64) -> Option<civil::DateTime> {
    civil_of(microseconds)
}

/// Microseconds since 1970 of a civil moment in UTC.
pub(crate) fn microseconds_of(moment: civil::DateTime) -> Option<i64> {
    let days = EPOCH.until(moment.date()).ok()?.get_days();
    let seconds = (i64::from(moment.hour()) * 60 + i64::from(moment.minute())) * 60
        + i64::from(moment.second());
    let clock = seconds * SECOND + i64::from(moment.subsec_nanosecond()) / 1000;
    Some(i64::from(days) * DAY + clock)
}

/// RFC 3339 with an offset, or without one for UTC; a space may stand for the `T`.
pub(crate) fn parse_timestamp(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let days = parse_date(date)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let clock_end = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (clock, offset) = rest.split_at(clock_end);
    let clock = parse_clock(clock)?;
    let offset = parse_offset(offset)?;
    let microseconds = i64::from(days) * DAY + clock - offset * SECOND;
    let year = civil_of(microseconds)?.year();
    (1..=9999).contains(&year).then_some(microseconds)
}

/// `2026-11-20`, as days since 1970.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else {
        return None;
    };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    let date = civil::Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(number(&[*m1, *m2])?).ok()?,
        i8::try_from(number(&[*d1, *d2])?).ok()?,
    )
    .ok()?;
    if year == 0 {
        return None;
    }
    i32::try_from(microseconds_of(date.at(0, 0, 0, 0))?.div_euclid(DAY)).ok()
}

/// `18:04`, `18:04:05` or `18:04:05.000006`, as microseconds since midnight.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    parse_clock(text)
}

fn parse_clock(text: &str) -> Option<i64> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let (hour, minute, second) = match whole.as_bytes() {
        [h1, h2, b':', m1, m2] => (number(&[*h1, *h2])?, number(&[*m1, *m2])?, 0),
        [h1, h2, b':', m1, m2, b':', s1, s2] => {
            (number(&[*h1, *h2])?, number(&[*m1, *m2])?, number(&[*s1, *s2])?)
        }
        _ => return None,
    };
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // A leap second is the first moment of the next minute, as in PostgreSQL.
    let whole = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
    let fraction = match fraction {
        None => 0,
        Some(digits) => parse_fraction(digits)?,
    };
    let clock = whole * SECOND + fraction;
    Some(clock)
}

/// Digits after the point as microseconds, rounded to the nearest.
fn parse_fraction(digits: &str) -> Option<i64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut microseconds = 0;
    for place in 0..6 {
        let digit = digits.as_bytes().get(place).map_or(0, |byte| i64::from(byte - b'0'));
        microseconds = microseconds * 10 + digit;
    }
    let rounds_up = digits.as_bytes().get(6).is_some_and(|byte| *byte >= b'5');
    Some(microseconds + i64::from(rounds_up))
}

/// Seconds east of UTC; none is UTC.
fn parse_offset(text: &str) -> Option<i64> {
    let (sign, rest) = match text.as_bytes() {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest {
        [h1, h2] => (number(&[*h1, *h2])?, 0),
        [h1, h2, b':', m1, m2] | [h1, h2, m1, m2] => (number(&[*h1, *h2])?, number(&[*m1, *m2])?),
        _ => return None,
    };
    (hours <= 23 && minutes <= 59)
        .then_some(sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60))
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0u32, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::{interval_parts, write_interval, write_timestamp, write_timestamp_bytes};

    #[test]
    fn both_ways_to_write_a_moment_agree() {
        let mut microseconds = -62_135_596_800_000_000i64;
        while microseconds < 253_402_300_800_000_000 {
            let (mut text, mut bytes) = (String::new(), Vec::new());
            write_timestamp(microseconds, &mut text);
            write_timestamp_bytes(microseconds, &mut bytes);
            assert_eq!(text.as_bytes(), bytes);
            microseconds += 86_400_000_000 * 13 + 7_919_123_457;
        }
    }

    #[test]
    fn lengths_of_time_have_three_parts() {
        for (given, shown) in [
            ("PT90M", "PT1H30M"),
            ("P2W", "P14D"),
            ("P14M", "P1Y2M"),
            ("PT0S", "PT0S"),
            ("-PT1.5S", "-PT1.5S"),
            ("7 days", "P7D"),
            ("P1DT25H", "P1DT25H"),
        ] {
            let span: jiff::Span = given.parse().expect("a span");
            let (months, days, microseconds) = interval_parts(&span);
            let mut text = String::new();
            write_interval(months, days, microseconds, &mut text);
            assert_eq!(text, shown);
        }
    }
}
