//! Arithmetic with moments, days and lengths of time, over their stored text.

use jiff::civil::DateTime;
use rusqlite::{
    Connection, Error, Result,
    functions::Context,
    types::{Value, ValueRef},
};

use super::{CHANGING, PURE, number_of, text_of};
use crate::{moment, sql};

const SECOND: f64 = 1_000_000.0;

pub(super) fn register(connection: &Connection) -> Result<()> {
    connection.create_scalar_function("utc_now", 0, CHANGING, |_| Ok(sql::now_text()))?;
    connection.create_scalar_function("now", 0, CHANGING, |_| Ok(sql::now_text()))?;
    connection.create_scalar_function("date_trunc", 2, PURE, |context| {
        let (Some(unit), Some(at)) = (text_of(context, 0), moment_of(context, 1)) else {
            return Ok(None);
        };
        let at = moment::civil(at).ok_or_else(|| refused("the moment is out of range"))?;
        truncated(&unit, at).and_then(moment::microseconds_of).map(written).map_or_else(
            || Err(refused(&format!("`date_trunc` has no unit `{unit}`"))),
            |text| Ok(Some(text)),
        )
    })?;
    connection.create_scalar_function("date_part", 2, PURE, date_part)?;
    connection.create_scalar_function("add_seconds", 2, PURE, |context| {
        Ok(moment_of(context, 0)
            .zip(length_of(context, 1))
            .and_then(|(at, seconds)| shifted(at, seconds)))
    })?;
    connection.create_scalar_function("subtract_seconds", 2, PURE, |context| {
        Ok(moment_of(context, 0)
            .zip(length_of(context, 1))
            .and_then(|(at, seconds)| shifted(at, -seconds)))
    })?;
    connection.create_scalar_function("add_days", 2, PURE, |context| {
        Ok(moment_of(context, 0)
            .zip(number_of(context, 1))
            .and_then(|(at, days)| shifted(at, days * 86_400.0))
            .map(|text| text.get(..10).unwrap_or_default().to_owned()))
    })?;
    // The arguments come as (from, to).
    connection.create_scalar_function("seconds_between", 2, PURE, |context| {
        #[allow(clippy::cast_precision_loss, reason = "microseconds of 9999 years fit 58 bits")]
        Ok(moment_of(context, 0)
            .zip(moment_of(context, 1))
            .map(|(from, to)| (to - from) as f64 / SECOND))
    })?;
    connection.create_scalar_function("days_between", 2, PURE, |context| {
        Ok(moment_of(context, 0)
            .zip(moment_of(context, 1))
            .map(|(from, to)| (to - from).div_euclid(86_400_000_000)))
    })?;
    connection.create_scalar_function("cast_moment", 1, PURE, |context| {
        Ok(moment_of(context, 0).map(written))
    })?;
    connection.create_scalar_function("cast_time", 1, PURE, |context| {
        let Some(text) = text_of(context, 0) else {
            return Ok(None);
        };
        let time = moment::parse_time(&text).or_else(|| moment::parse_timestamp(&text));
        Ok(time.map(|microseconds| {
            let mut text = String::new();
            moment::write_time(microseconds, &mut text);
            text
        }))
    })
}

/// A length of time in seconds: a number, or ISO 8601 as a column keeps it.
fn length_of(context: &Context<'_>, place: usize) -> Option<f64> {
    number_of(context, place).or_else(|| {
        let span = text_of(context, place)?.parse::<jiff::Span>().ok()?;
        span.total((jiff::Unit::Second, jiff::SpanRelativeTo::days_are_24_hours())).ok()
    })
}

fn refused(message: &str) -> Error {
    Error::UserFunctionError(message.into())
}

/// The moment of an argument, at midnight for a day.
fn moment_of(context: &Context<'_>, place: usize) -> Option<i64> {
    let ValueRef::Text(bytes) = context.get_raw(place) else {
        return None;
    };
    let text = str::from_utf8(bytes).ok()?;
    moment::parse_timestamp(text)
        .or_else(|| Some(i64::from(moment::parse_date(text)?) * 86_400_000_000))
}

fn written(microseconds: i64) -> String {
    let mut text = String::with_capacity(27);
    moment::write_timestamp(microseconds, &mut text);
    text
}

#[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
fn shifted(at: i64, seconds: f64) -> Option<String> {
    let by = seconds * SECOND;
    if by.is_nan() || by.abs() > 9.0e17 {
        return None;
    }
    moment::civil(at.checked_add(by.round() as i64)?)?;
    Some(written(at + by.round() as i64))
}

fn truncated(unit: &str, at: DateTime) -> Option<DateTime> {
    let date = at.date();
    let midnight = |year: i16, month: i8, day: i8| {
        jiff::civil::Date::new(year, month, day).ok().map(|date| date.at(0, 0, 0, 0))
    };
    match unit.to_ascii_lowercase().as_str() {
        "microsecond" | "microseconds" => Some(at),
        "millisecond" | "milliseconds" => {
            let nanosecond = at.subsec_nanosecond() / 1_000_000 * 1_000_000;
            Some(date.at(at.hour(), at.minute(), at.second(), nanosecond))
        }
        "second" => Some(date.at(at.hour(), at.minute(), at.second(), 0)),
        "minute" => Some(date.at(at.hour(), at.minute(), 0, 0)),
        "hour" => Some(date.at(at.hour(), 0, 0, 0)),
        "day" => Some(date.at(0, 0, 0, 0)),
        "week" => {
            let back = i64::from(date.weekday().to_monday_zero_offset());
            let monday = date.checked_sub(jiff::Span::new().try_days(back).ok()?).ok()?;
            Some(monday.at(0, 0, 0, 0))
        }
        "month" => midnight(date.year(), date.month(), 1),
        "quarter" => midnight(date.year(), (date.month() - 1) / 3 * 3 + 1, 1),
        "year" => midnight(date.year(), 1, 1),
        "decade" => midnight(date.year().div_euclid(10) * 10, 1, 1),
        _ => None,
    }
}

/// `extract(field FROM moment)`; a number of seconds is a length of time.
fn date_part(context: &Context<'_>) -> Result<Option<Value>> {
    let Some(field) = text_of(context, 0).map(|field| field.to_ascii_lowercase()) else {
        return Ok(None);
    };
    if let ValueRef::Integer(_) | ValueRef::Real(_) = context.get_raw(1) {
        let seconds = number_of(context, 1).unwrap_or_default();
        let unit = match field.as_str() {
            "epoch" => return Ok(Some(Value::Real(seconds))),
            "day" | "days" => 86_400.0,
            "hour" | "hours" => 3_600.0,
            "minute" | "minutes" => 60.0,
            _ => return Err(refused(&format!("a length of time has no `{field}`"))),
        };
        return Ok(Some(Value::Real((seconds / unit).trunc())));
    }
    let Some(microseconds) = moment_of(context, 1) else {
        return Ok(None);
    };
    let at = moment::civil(microseconds).ok_or_else(|| refused("the moment is out of range"))?;
    #[allow(clippy::cast_precision_loss, reason = "microseconds of 9999 years fit 58 bits")]
    Ok(Some(match field.as_str() {
        "epoch" => Value::Real(microseconds as f64 / SECOND),
        "second" => Value::Real(microseconds.rem_euclid(60_000_000) as f64 / SECOND),
        "minute" => Value::Integer(at.minute().into()),
        "hour" => Value::Integer(at.hour().into()),
        "day" => Value::Integer(at.day().into()),
        "month" => Value::Integer(at.month().into()),
        "year" => Value::Integer(at.year().into()),
        "quarter" => Value::Integer(i64::from((at.month() - 1) / 3 + 1)),
        "week" => Value::Integer(at.date().iso_week_date().week().into()),
        "dow" => Value::Integer(at.date().weekday().to_sunday_zero_offset().into()),
        "isodow" => Value::Integer(at.date().weekday().to_monday_one_offset().into()),
        "doy" => Value::Integer(at.date().day_of_year().into()),
        _ => return Err(refused(&format!("a moment has no `{field}`"))),
    }))
}
