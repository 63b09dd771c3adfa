//! Rows as `COPY … FROM STDIN` takes them: a line for each, tabs between the cells. As text and not
//! in binary, because every type of PostgreSQL reads its own text.

use serde_json::value::RawValue;

use super::super::bind::write_quoted;
use crate::{
    Kind, Value,
    copy::part::{Part, Row},
    json, moment,
};

/// A row with the end of its line.
pub(super) fn write_row(part: &Part, row: &Row, out: &mut Vec<u8>) {
    for (place, ((_, kind), value)) in part.columns.iter().zip(row).enumerate() {
        if place > 0 {
            out.push(b'\t');
        }
        write_cell(kind, value, out);
    }
    out.push(b'\n');
}

fn write_cell(kind: &Kind, value: &Value, out: &mut Vec<u8>) {
    let mut text = String::new();
    match value {
        Value::Null => return out.extend_from_slice(b"\\N"),
        Value::Boolean(truth) => return out.push(if *truth { b't' } else { b'f' }),
        Value::Integer(number) => return json::write_integer(*number, out),
        Value::Real(number) => return write_real(*number, kind, out),
        Value::Bytes(bytes) => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(b"\\\\x");
            let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
            return out.extend(digits.filter_map(|digit| HEX.get(usize::from(digit))));
        }
        Value::Timestamp(number) => return moment::write_timestamp_bytes(*number, out),
        Value::Uuid(uuid) => {
            let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
            let text = uuid.hyphenated().encode_lower(&mut buffer);
            return out.extend_from_slice(text.as_bytes());
        }
        Value::Date(days) => moment::write_date(*days, &mut text),
        Value::Time(number) => moment::write_time(*number, &mut text),
        Value::Text(own) if *kind == Kind::Interval => match interval(own) {
            Some(own) => text = own,
            None => return write_escaped(own, out),
        },
        Value::Json(own) => match kind {
            Kind::Array { element } => match serde_json::from_str(own) {
                Ok(items) => write_array(items, element, &mut text),
                Err(_) => return write_escaped(own, out),
            },
            _ => return write_escaped(own, out),
        },
        Value::Text(own) | Value::Decimal(own) => return write_escaped(own, out),
    }
    write_escaped(&text, out);
}

/// What would end a cell or a line is written with a backslash.
fn write_escaped(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (place, byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            _ => continue,
        };
        out.extend_from_slice(bytes.get(copied..place).unwrap_or_default());
        out.extend_from_slice(escape);
        copied = place + 1;
    }
    out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
}

/// PostgreSQL has words for what JSON has no number for, and JSON puts them in quotes.
fn write_real(number: f64, kind: &Kind, out: &mut Vec<u8>) {
    let start = out.len();
    json::write_real(number, if *kind == (Kind::Real { bits: 32 }) { 32 } else { 64 }, out);
    if out.get(start) == Some(&b'"') {
        out.remove(start);
        out.pop();
    }
}

/// A length of time with a sign for each part: PostgreSQL reads none before the whole.
fn interval(text: &str) -> Option<String> {
    let span = text.parse::<jiff::Span>().ok()?;
    let (months, days, microseconds) = moment::interval_parts(&span);
    let sign = if microseconds < 0 { "-" } else { "" };
    let (seconds, fraction) =
        (microseconds.unsigned_abs() / 1_000_000, microseconds.unsigned_abs() % 1_000_000);
    Some(format!("{months} mons {days} days {sign}{seconds}.{fraction:06} secs"))
}

/// A JSON array as PostgreSQL writes arrays: `{a,"b c",NULL}`. Numbers keep all their digits.
fn write_array(items: Vec<&RawValue>, element: &Kind, out: &mut String) {
    out.push('{');
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        let raw = item.get();
        match (raw.as_bytes().first(), element) {
            (Some(b'n'), element) if *element != Kind::Json => out.push_str("NULL"),
            (_, Kind::Json) => write_quoted(raw, out),
            (Some(b'['), _) => match serde_json::from_str(raw) {
                Ok(inner) => write_array(inner, element, out),
                Err(_) => write_quoted(raw, out),
            },
            (Some(b'"'), _) => {
                let text: String = serde_json::from_str(raw).unwrap_or_default();
                write_item(&text, element, out);
            }
            _ => out.push_str(raw),
        }
    }
    out.push('}');
}

fn write_item(text: &str, element: &Kind, out: &mut String) {
    match element {
        Kind::Bytes => {
            let bytes = json::read_bytes(text).unwrap_or_default();
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            write_quoted(&format!("\\x{hex}"), out);
        }
        Kind::Interval => write_quoted(interval(text).as_deref().unwrap_or(text), out),
        _ => write_quoted(text, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, value: Value, expected: &str) {
        let mut text = Vec::new();
        write_cell(&kind, &value, &mut text);
        assert_eq!(String::from_utf8_lossy(&text), expected);
    }

    fn list(element: Kind) -> Kind {
        Kind::Array { element: Box::new(element) }
    }

    #[test]
    fn nothing_ends_a_cell_that_is_inside_of_it() {
        let kind = || Kind::Text { length_max: None };
        check(kind(), Value::Text("a\tb\nc\\N".into()), "a\\tb\\nc\\\\N");
        check(kind(), Value::Text(String::new()), "");
        check(kind(), Value::Null, "\\N");
        check(Kind::Bytes, Value::Bytes(vec![0, 255]), "\\\\x00ff");
    }

    #[test]
    fn lists_keep_all_digits_and_quotes() {
        let numeric = || Kind::Numeric { precision: None, scale: None };
        let digits = "[123456789012345678901234567890.5,null]";
        check(
            list(numeric()),
            Value::Json(digits.into()),
            "{123456789012345678901234567890.5,NULL}",
        );
        let words = r#"["a,b","c\"d",null,""]"#;
        let expected = r#"{"a,b","c\\"d",NULL,""}"#;
        check(list(Kind::Text { length_max: None }), Value::Json(words.into()), expected);
        check(list(Kind::Json), Value::Json(r#"[{"a":1}]"#.into()), r#"{"{\\"a\\":1}"}"#);
    }

    #[test]
    fn lengths_of_time_go_either_way() {
        let check =
            |text: &str, expected| check(Kind::Interval, Value::Text(text.into()), expected);
        check("-P1Y2M3DT4.5S", "-14 mons -3 days -4.500000 secs");
        check("-PT1.5S", "0 mons 0 days -1.500000 secs");
        check("PT36H", "0 mons 0 days 129600.000000 secs");
        // What PostgreSQL alone has a spelling for, it reads itself.
        check("P-1Y-2M3DT-4.5S", "P-1Y-2M3DT-4.5S");
    }
}
