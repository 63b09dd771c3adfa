//! One number for all rows of a table, the same in every store and in every order: the sum of the
//! SHA-256 of each row's values in one canonical form.

use std::fmt;

use sha2::{Digest, Sha256};

use super::part::{Part, Row};
use crate::{Kind, Value, json};

/// How many rows there are, and the sum of their hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Checksum {
    /// Rows.
    pub rows: u64,
    /// Modulo 2²⁵⁶, the least first. A sum, and not an exclusive or: two equal rows of a table
    /// without a key must not make up for each other.
    sum: [u64; 4],
}

impl Checksum {
    /// Adds a row. `bytes` is there to be used again.
    pub(crate) fn add(&mut self, part: &Part, row: &Row, bytes: &mut Vec<u8>) {
        bytes.clear();
        for ((_, kind), value) in part.columns.iter().zip(row) {
            write_cell(kind, value, bytes);
        }
        let hash = Sha256::digest(bytes.as_slice());
        let mut carry = false;
        for (own, chunk) in self.sum.iter_mut().zip(hash.chunks_exact(8)) {
            let term = u64::from_le_bytes(chunk.try_into().unwrap_or_default());
            let (sum, first) = own.overflowing_add(term);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            *own = sum;
            carry = first || second;
        }
        self.rows += 1;
    }
}

impl fmt::Display for Checksum {
    /// All digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sum.iter().rev().try_for_each(|part| write!(f, "{part:016x}"))
    }
}

/// A value so that no two different ones look alike: NULL is no text, and each says how long it is.
fn write_cell(kind: &Kind, value: &Value, out: &mut Vec<u8>) {
    if value.is_null() {
        return out.push(0);
    }
    out.push(1);
    let start = out.len();
    out.extend_from_slice(&[0; 8]);
    match (value, kind) {
        (Value::Boolean(truth), _) => out.push((*truth).into()),
        (Value::Integer(number), Kind::Boolean) => out.push(u8::from(*number != 0)),
        (Value::Integer(number), Kind::Real { .. }) => write_number(&number.to_string(), out),
        #[allow(clippy::cast_possible_truncation, reason = "the column holds 32 bits")]
        (Value::Real(number), Kind::Real { bits: 32 }) => {
            json::write_real(f64::from(*number as f32), 32, out);
        }
        (Value::Real(number), _) => json::write_real(*number, 64, out),
        (Value::Decimal(text), _) => write_number(text, out),
        (Value::Json(text), Kind::Json) => write_json(text, out),
        (Value::Bytes(bytes), _) => out.extend_from_slice(bytes),
        (Value::Uuid(uuid), _) => out.extend_from_slice(uuid.as_bytes()),
        (Value::Timestamp(number) | Value::Time(number), _) => json::write_integer(*number, out),
        (Value::Date(days), _) => json::write_integer(i64::from(*days), out),
        (Value::Integer(number), _) => json::write_integer(*number, out),
        (Value::Text(text) | Value::Json(text), _) => out.extend_from_slice(text.as_bytes()),
        (Value::Null, _) => {}
    }
    let length = (out.len() - start - 8) as u64;
    if let Some(place) = out.get_mut(start..start + 8) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

/// Digits without zeros that say nothing.
fn write_number(text: &str, out: &mut Vec<u8>) {
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    };
    out.extend_from_slice(if text == "-0" { b"0" } else { text.as_bytes() });
}

/// JSON as `jsonb` shows it, however it was written.
fn write_json(text: &str, out: &mut Vec<u8>) {
    match serde_json::from_str(text) {
        Ok(json) => json::write_canonical(&json, out),
        Err(_) => out.extend_from_slice(text.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(kind: &Kind, rows: &[Value]) -> Checksum {
        let column = ("v".to_owned(), kind.clone());
        let part = Part {
            table: "t".to_owned(),
            columns: vec![column],
            key: Vec::new(),
            serials: Vec::new(),
        };
        let mut checksum = Checksum::default();
        for row in rows {
            checksum.add(&part, &vec![row.clone()], &mut Vec::new());
        }
        checksum
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn the_order_of_rows_does_not_matter_and_their_number_does() {
        let kind = Kind::Text { length_max: None };
        let there = sum(&kind, &[text("a"), text("b"), text("b")]);
        assert_eq!(there, sum(&kind, &[text("b"), text("a"), text("b")]));
        assert_ne!(there, sum(&kind, &[text("a"), text("a"), text("b")]));
        assert_ne!(sum(&kind, &[text("b"), text("b")]), sum(&kind, &[]));
    }

    #[test]
    fn nothing_is_not_an_empty_text() {
        let kind = Kind::Text { length_max: None };
        assert_ne!(sum(&kind, &[Value::Null]), sum(&kind, &[text("")]));
        assert_ne!(
            sum(&Kind::Json, &[Value::Null]),
            sum(&Kind::Json, &[Value::Json("null".into())])
        );
    }

    #[test]
    fn what_only_looks_different_counts_alike() {
        let check = |kind: Kind, one: Value, other: Value| {
            assert_eq!(sum(&kind, &[one]), sum(&kind, &[other]));
        };
        let free = Kind::Numeric { precision: None, scale: None };
        check(free, Value::Decimal("1.50".into()), Value::Decimal("1.5".into()));
        check(Kind::Real { bits: 64 }, Value::Real(-0.0), Value::Real(0.0));
        check(Kind::Real { bits: 32 }, Value::Real(0.1), Value::Real(f64::from(0.1_f32)));
        let (one, other) = (r#"{"bb":1, "a":[ ]}"#, r#"{"a":[],"bb":1}"#);
        check(Kind::Json, Value::Json(one.into()), Value::Json(other.into()));
    }
}
