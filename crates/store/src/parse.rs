//! Values read from JSON and from query strings, strictly, with messages for whoever sent them.
//!
//! A message completes the sentence "`name` …": `must be at most 255 characters`.

use serde_json::Value as Json;

use crate::{Kind, Value, decimal::Decimal, json, moment, range};

/// Digits up to which a decimal number survives a double, and so a JSON number.
const DIGITS_EXACT: usize = 15;

impl Kind {
    /// Reads a member of a JSON body. `null` is [`Value::Null`]; whether that may be is not asked
    /// here.
    ///
    /// A decimal number with more digits after the point than the column has is rounded half away
    /// from zero, as PostgreSQL does. A moment without an offset is UTC.
    ///
    /// # Errors
    /// What the value must be.
    pub fn parse_json(&self, json: &Json) -> Result<Value, String> {
        match (self, json) {
            (_, Json::Null) if *self != Kind::Json => Ok(Value::Null),
            (Kind::Json, Json::Null) => Ok(Value::Null),
            (Kind::Json, json) => {
                refuse_nul_inside(json)?;
                let mut text = Vec::new();
                json::write_canonical(json, &mut text);
                Ok(Value::Json(String::from_utf8_lossy(&text).into_owned()))
            }
            (Kind::Array { element }, Json::Array(items)) => parse_array(element, items),
            (Kind::Array { .. }, _) => Err("must be an array".to_owned()),
            (Kind::Boolean, Json::Bool(truth)) => Ok(Value::Boolean(*truth)),
            (Kind::Boolean, _) => Err("must be true or false".to_owned()),
            (Kind::Integer { bits } | Kind::Serial { bits }, Json::Number(number)) => {
                let whole = number.as_i64().or_else(|| whole_of(number.as_f64()?));
                in_range(whole.ok_or_else(|| not_whole(number, *bits))?, *bits)
            }
            (Kind::Integer { .. } | Kind::Serial { .. }, _) => {
                Err("must be a whole number".to_owned())
            }
            (Kind::Real { bits }, Json::Number(number)) => {
                real(number.as_f64().ok_or("must be a number")?, *bits)
            }
            (Kind::Real { .. }, _) => Err("must be a number".to_owned()),
            (Kind::Numeric { precision, scale }, Json::Number(number)) => {
                let text = number.to_string();
                let decimal = Decimal::parse(&text).ok_or("must be a number")?;
                // What is rounded to fifteen digits or fewer is the same after a double.
                let is_rounded = precision.is_some_and(|most| usize::from(most) <= DIGITS_EXACT);
                let is_long = decimal.significant_digits() > DIGITS_EXACT;
                if number.is_f64() && is_long && !is_rounded {
                    return Err(
                        "has too many digits for a JSON number; write it as a string".into()
                    );
                }
                numeric(&text, *precision, *scale)
            }
            (Kind::Numeric { precision, scale }, Json::String(text)) => {
                numeric(text, *precision, *scale)
            }
            (Kind::Numeric { .. }, _) => Err("must be a number".to_owned()),
            (_, Json::String(text)) => self.parse_text(text),
            _ => Err(self.expectation()),
        }
    }

    /// Reads a value from a path or a query string.
    ///
    /// # Errors
    /// What the value must be.
    pub fn parse_text(&self, text: &str) -> Result<Value, String> {
        if text.contains('\0') {
            return Err("must not contain the NUL character".to_owned());
        }
        let fault = || self.expectation();
        match self {
            Kind::Text { length_max } => bounded_text(text, *length_max),
            Kind::CaseInsensitiveText => Ok(Value::Text(text.to_owned())),
            Kind::Other { .. } => match range::of_kind(self) {
                Some(kind) => range::canonical(kind, text).map(Value::Text),
                None => Ok(Value::Text(text.to_owned())),
            },
            Kind::Uuid => match (text.len(), uuid::Uuid::try_parse(text)) {
                (36, Ok(uuid)) => Ok(Value::Uuid(uuid)),
                _ => Err(fault()),
            },
            Kind::Integer { bits } | Kind::Serial { bits } => parse_integer(text, *bits),
            Kind::Numeric { precision, scale } => numeric(text, *precision, *scale),
            Kind::Real { bits } => match text.parse::<f64>() {
                Ok(number) if text.bytes().any(|byte| byte.is_ascii_digit()) => real(number, *bits),
                _ => Err("must be a number".to_owned()),
            },
            Kind::Boolean => match text {
                "true" | "t" | "1" => Ok(Value::Boolean(true)),
                "false" | "f" | "0" => Ok(Value::Boolean(false)),
                _ => Err(fault()),
            },
            Kind::Timestamp { .. } => moment::parse_timestamp(text)
                .or_else(|| moment::parse_timestamp(&format!("{text}T00:00")))
                .map(Value::Timestamp)
                .ok_or_else(fault),
            Kind::Date => moment::parse_date(text).map(Value::Date).ok_or_else(fault),
            Kind::Time => moment::parse_time(text).map(Value::Time).ok_or_else(fault),
            Kind::Interval => parse_interval(text).map(Value::Text).ok_or_else(fault),
            Kind::Json => match serde_json::from_str::<Json>(text) {
                Ok(json) => self.parse_json(&json),
                Err(_) => Err("must be JSON".to_owned()),
            },
            Kind::Bytes => json::read_bytes(text).map(Value::Bytes).ok_or_else(fault),
            Kind::Enum { values, .. } => {
                if values.iter().any(|value| value == text) {
                    Ok(Value::Text(text.to_owned()))
                } else {
                    Err(format!("must be one of {}", values.join(", ")))
                }
            }
            Kind::Network => network(text).map(Value::Text).ok_or_else(fault),
            Kind::Array { element } => parse_array_text(element, text),
        }
    }

    /// What a value of another shape is told.
    fn expectation(&self) -> String {
        match self {
            Kind::Uuid => "must be a UUID".to_owned(),
            Kind::Integer { .. } | Kind::Serial { .. } => "must be a whole number".to_owned(),
            Kind::Numeric { .. } | Kind::Real { .. } => "must be a number".to_owned(),
            Kind::Boolean => "must be true or false".to_owned(),
            Kind::Timestamp { .. } => {
                "must be a moment such as 2026-11-20T18:00:00Z, from year 1 to 9999".to_owned()
            }
            Kind::Date => "must be a day such as 2026-11-20".to_owned(),
            Kind::Time => "must be a time such as 18:30:00".to_owned(),
            Kind::Interval => "must be a length of time such as PT15M".to_owned(),
            Kind::Bytes => "must be base64".to_owned(),
            Kind::Network => "must be an internet address such as 192.0.2.1".to_owned(),
            Kind::Array { .. } => "must be an array".to_owned(),
            Kind::Enum { values, .. } => format!("must be one of {}", values.join(", ")),
            Kind::Json => "must be JSON".to_owned(),
            Kind::Text { .. } | Kind::CaseInsensitiveText | Kind::Other { .. } => {
                "must be a string".to_owned()
            }
        }
    }
}

fn bounded_text(text: &str, length_max: Option<u32>) -> Result<Value, String> {
    match length_max {
        // Bytes are never fewer than characters: most texts need no count.
        Some(length_max)
            if text.len() > length_max as usize && text.chars().count() > length_max as usize =>
        {
            let plural = if length_max == 1 { "" } else { "s" };
            Err(format!("must be at most {length_max} character{plural}"))
        }
        _ => Ok(Value::Text(text.to_owned())),
    }
}

/// A double that is a whole number which every reader of JSON sees alike.
#[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole_of(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
}

fn not_whole(number: &serde_json::Number, bits: u8) -> String {
    match number.as_f64() {
        Some(double) if double.fract() == 0.0 => range_of(bits),
        _ => "must be a whole number".to_owned(),
    }
}

fn limits(bits: u8) -> (i64, i64) {
    match bits {
        16 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        64 => (i64::MIN, i64::MAX),
        _ => (i64::from(i32::MIN), i64::from(i32::MAX)),
    }
}

fn range_of(bits: u8) -> String {
    let (low, high) = limits(bits);
    format!("must be between {low} and {high}")
}

fn in_range(number: i64, bits: u8) -> Result<Value, String> {
    let (low, high) = limits(bits);
    if (low..=high).contains(&number) { Ok(Value::Integer(number)) } else { Err(range_of(bits)) }
}

fn parse_integer(text: &str, bits: u8) -> Result<Value, String> {
    match text.parse::<i64>() {
        Ok(number) => in_range(number, bits),
        Err(_) => {
            let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
            if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                Err(range_of(bits))
            } else {
                Err("must be a whole number".to_owned())
            }
        }
    }
}

fn real(number: f64, bits: u8) -> Result<Value, String> {
    if !number.is_finite() || (bits == 32 && number.abs() > f64::from(f32::MAX)) {
        return Err("is too large".to_owned());
    }
    #[allow(clippy::cast_possible_truncation, reason = "the column holds 32 bits")]
    let number = if bits == 32 { f64::from(number as f32) } else { number };
    Ok(Value::Real(number))
}

fn numeric(text: &str, precision: Option<u16>, scale: Option<u16>) -> Result<Value, String> {
    let mut decimal = Decimal::parse(text).ok_or("must be a number")?;
    match precision {
        None => decimal.trim(),
        Some(precision) => {
            let scale = scale.unwrap_or(0);
            decimal.round(usize::from(scale));
            let whole_max = usize::from(precision.saturating_sub(scale));
            if decimal.whole_digits() > whole_max {
                return Err(format!("must have at most {whole_max} digits before the point"));
            }
        }
    }
    Ok(Value::Decimal(decimal.text()))
}

/// A length of time as ISO 8601 by PostgreSQL's parts, read from ISO 8601 or from words such as `7 days`.
fn parse_interval(text: &str) -> Option<String> {
    let (months, days, microseconds) = moment::interval_parts(&text.parse().ok()?);
    let mut shown = String::new();
    moment::write_interval(months, days, microseconds, &mut shown);
    Some(shown)
}

/// An address or network in its shortest form.
fn network(text: &str) -> Option<String> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address = address.parse::<std::net::IpAddr>().ok()?;
    let bits_max = if address.is_ipv4() { 32 } else { 128 };
    match bits.map(str::parse::<u8>) {
        None => Some(address.to_string()),
        Some(Ok(bits)) if bits == bits_max => Some(address.to_string()),
        Some(Ok(bits)) if bits < bits_max => Some(format!("{address}/{bits}")),
        Some(_) => None,
    }
}

fn parse_array(element: &Kind, items: &[Json]) -> Result<Value, String> {
    let mut text = vec![b'['];
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        element
            .parse_json(item)
            .map_err(|message| format!("item {} {message}", place + 1))?
            .write_json(&mut text);
    }
    text.push(b']');
    Ok(Value::Json(String::from_utf8_lossy(&text).into_owned()))
}

/// A JSON array, or items separated by commas.
fn parse_array_text(element: &Kind, text: &str) -> Result<Value, String> {
    if text.starts_with('[') {
        return match serde_json::from_str::<Json>(text) {
            Ok(Json::Array(items)) => parse_array(element, &items),
            _ => Err("must be an array".to_owned()),
        };
    }
    let items = match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(inner) => array_literal_items(inner),
        None => {
            text.split(',').filter(|_| !text.is_empty()).map(|item| item.trim().into()).collect()
        }
    };
    let mut json = vec![b'['];
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            json.push(b',');
        }
        element
            .parse_text(item)
            .map_err(|message| format!("item {} {message}", place + 1))?
            .write_json(&mut json);
    }
    json.push(b']');
    Ok(Value::Json(String::from_utf8_lossy(&json).into_owned()))
}

/// The items of a PostgreSQL array literal, without its braces: `a, "b, c"`. A backslash takes
/// the next character as it stands, inside quotes and outside.
fn array_literal_items(inner: &str) -> Vec<String> {
    let mut items = Vec::new();
    let mut item = String::new();
    let (mut is_inside, mut has_quotes) = (false, false);
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => item.extend(characters.next()),
            '"' => (is_inside, has_quotes) = (!is_inside, true),
            ',' if !is_inside => {
                items.push(finished_item(std::mem::take(&mut item), has_quotes));
                has_quotes = false;
            }
            _ if is_inside || !character.is_whitespace() => item.push(character),
            _ if item.is_empty() || has_quotes => {}
            _ => item.push(character),
        }
    }
    if !item.is_empty() || has_quotes || !items.is_empty() {
        items.push(finished_item(item, has_quotes));
    }
    items
}

/// Without the spaces behind it, unless quotes hold them.
fn finished_item(mut item: String, has_quotes: bool) -> String {
    if !has_quotes {
        item.truncate(item.trim_end().len());
    }
    item
}

/// PostgreSQL's JSON cannot hold the NUL character either.
fn refuse_nul_inside(json: &Json) -> Result<(), String> {
    let is_clean = match json {
        Json::String(text) => !text.contains('\0'),
        Json::Array(items) => return items.iter().try_for_each(refuse_nul_inside),
        Json::Object(members) => {
            for (name, member) in members {
                if name.contains('\0') {
                    return Err("must not contain the NUL character".to_owned());
                }
                refuse_nul_inside(member)?;
            }
            true
        }
        _ => true,
    };
    if is_clean { Ok(()) } else { Err("must not contain the NUL character".to_owned()) }
}
