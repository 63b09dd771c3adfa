//! JSON written straight to bytes.

use serde_json::Value as Json;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::moment;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends a text as a JSON string, with its quotes. Bytes that need no escape are copied in runs.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    if is_plain(bytes) {
        out.extend_from_slice(bytes);
        out.push(b'"');
        return;
    }
    let mut copied = 0;
    for (place, byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..0x20 => b"\\u00",
            _ => continue,
        };
        out.extend_from_slice(bytes.get(copied..place).unwrap_or_default());
        out.extend_from_slice(escape);
        if escape == b"\\u00" {
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        }
        copied = place + 1;
    }
    out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
    out.push(b'"');
}

/// True where nothing has to be escaped. Almost every text is plain, so eight bytes are looked at
/// at once.
fn is_plain(bytes: &[u8]) -> bool {
    const ONES: u64 = u64::MAX / 255;
    const HIGH_BITS: u64 = ONES * 128;
    // A high bit is left where some byte of the word is zero, or less than a space: the known
    // tests of a word for such a byte.
    let has_zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH_BITS;
    let has_control = |word: u64| word.wrapping_sub(ONES * 0x20) & !word & HIGH_BITS;
    let (words, rest) = bytes.as_chunks::<8>();
    let is_word_plain = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        let quote = has_zero(word ^ (ONES * u64::from(b'"')));
        let backslash = has_zero(word ^ (ONES * u64::from(b'\\')));
        has_control(word) | quote | backslash == 0
    };
    words.iter().all(is_word_plain)
        && rest.iter().all(|byte| *byte >= 0x20 && *byte != b'"' && *byte != b'\\')
}

/// A UUID with its quotes.
pub(crate) fn write_uuid(uuid: uuid::Uuid, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
    out.extend_from_slice(uuid.hyphenated().encode_lower(&mut buffer).as_bytes());
    out.push(b'"');
}

/// The moment so many microseconds after 1970, with its quotes.
pub(crate) fn write_timestamp(microseconds: i64, out: &mut Vec<u8>) {
    out.push(b'"');
    moment::write_timestamp_bytes(microseconds, out);
    out.push(b'"');
}

/// A whole number.
pub(crate) fn write_integer(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A floating-point number: the shortest digits that read back as the same. What JSON has no
/// number for (infinity) becomes a string, as in PostgreSQL.
pub(crate) fn write_real(number: f64, bits: u8, out: &mut Vec<u8>) {
    if number.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else if number.is_infinite() {
        let text: &[u8] = if number > 0.0 { b"\"Infinity\"" } else { b"\"-Infinity\"" };
        out.extend_from_slice(text);
    } else {
        let mut buffer = ryu::Buffer::new();
        #[allow(clippy::cast_possible_truncation, reason = "the column holds 32 bits")]
        let text = if bits == 32 {
            buffer.format_finite(number as f32)
        } else {
            buffer.format_finite(number)
        };
        let text = text.strip_suffix(".0").unwrap_or(text);
        out.extend_from_slice(if text == "-0" { b"0" } else { text.as_bytes() });
    }
}

/// JSON as PostgreSQL's `jsonb` keeps it: members by the length of their names, then by bytes, and
/// numbers without exponents.
pub(crate) fn write_canonical(json: &Json, out: &mut Vec<u8>) {
    match json {
        Json::Null => out.extend_from_slice(b"null"),
        Json::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Json::Number(number) => write_canonical_number(number, out),
        Json::String(text) => write_json_string(text, out),
        Json::Array(items) => {
            out.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write_canonical(item, out);
            }
            out.push(b']');
        }
        Json::Object(members) => {
            let mut members: Vec<(&String, &Json)> = members.iter().collect();
            members.sort_by(|(left, _), (right, _)| {
                left.len().cmp(&right.len()).then_with(|| left.cmp(right))
            });
            out.push(b'{');
            for (place, (name, member)) in members.into_iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write_json_string(name, out);
                out.push(b':');
                write_canonical(member, out);
            }
            out.push(b'}');
        }
    }
}

fn write_canonical_number(number: &serde_json::Number, out: &mut Vec<u8>) {
    let Some(double) = number.as_f64().filter(|_| number.is_f64()) else {
        return out.extend_from_slice(number.to_string().as_bytes());
    };
    // Without an exponent, and with a point: that is how a number with a point reads back.
    let text = double.to_string();
    let text = if double == 0.0 { text.trim_start_matches('-') } else { &text };
    out.extend_from_slice(text.as_bytes());
    if !text.contains('.') && number.to_string().contains('.') {
        out.extend_from_slice(b".0");
    }
}

/// A string as `jsonb` writes it: `\b` and `\f` have their short forms there.
fn write_json_string(text: &str, out: &mut Vec<u8>) {
    if text.contains(['\u{8}', '\u{c}']) {
        // Never fails: a string is always JSON.
        return out.extend_from_slice(&serde_json::to_vec(text).unwrap_or_default());
    }
    write_string(text, out);
}

/// Bytes as a base64 string.
pub(crate) fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
    out.push(b'"');
}

/// Bytes from base64.
pub(crate) fn read_bytes(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_byte_that_needs_an_escape_is_found_at_every_place() {
        for byte in 0..=127_u8 {
            for place in 0..20 {
                let mut bytes = [b'x'; 20];
                bytes[place] = byte;
                let needs_one = byte < 0x20 || byte == b'"' || byte == b'\\';
                assert_eq!(is_plain(&bytes), !needs_one, "{byte} at {place}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_string_reads_back_as_it_was(text in "\\PC*|[\\x00-\\x7f]{0,40}|.*") {
            let mut out = Vec::new();
            write_string(&text, &mut out);
            let back: String = serde_json::from_slice(&out).expect("JSON");
            prop_assert_eq!(back, text);
        }
    }
}
