//! JSON written straight to bytes.

use base64::{Engine, engine::general_purpose::STANDARD};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A string with its quotes. Bytes that need no escape are copied in runs.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
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
