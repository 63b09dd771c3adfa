//! Rows as JSON bytes, by a plan made once per statement: no value tree between.

use rusqlite::{Row, types::ValueRef};

use crate::{Kind, json, query::Output};

/// How the columns of a row are written.
pub(super) struct RowPlan<'a> {
    /// `{"id":`, `,"title":`, … one after the other.
    keys: Vec<u8>,
    /// Where each key ends, and how its value is written.
    columns: Vec<(usize, &'a Kind)>,
}

impl<'a> RowPlan<'a> {
    pub(super) fn of(outputs: &'a [Output]) -> Self {
        let mut keys = Vec::with_capacity(outputs.len() * 16);
        let columns = outputs
            .iter()
            .enumerate()
            .map(|(place, output)| {
                keys.push(if place == 0 { b'{' } else { b',' });
                json::write_string(&output.name, &mut keys);
                keys.push(b':');
                (keys.len(), &output.kind)
            })
            .collect();
        Self { keys, columns }
    }

    /// Writes the members of a row with its opening brace, and no closing one.
    pub(super) fn write(&self, row: &Row<'_>, out: &mut Vec<u8>) -> rusqlite::Result<()> {
        let mut start = 0;
        for (place, (end, kind)) in self.columns.iter().enumerate() {
            out.extend_from_slice(self.keys.get(start..*end).unwrap_or_default());
            write_cell(kind, row.get_ref(place)?, out);
            start = *end;
        }
        if self.columns.is_empty() {
            out.push(b'{');
        }
        Ok(())
    }
}

/// Writes one cell as JSON.
pub(super) fn write_cell(kind: &Kind, cell: ValueRef<'_>, out: &mut Vec<u8>) {
    match (cell, kind) {
        (ValueRef::Null, _) => out.extend_from_slice(b"null"),
        (ValueRef::Integer(number), Kind::Boolean) => {
            out.extend_from_slice(if number == 0 { b"false" } else { b"true" });
        }
        (ValueRef::Integer(number), Kind::Numeric { scale: Some(scale), .. }) if *scale > 0 => {
            json::write_integer(number, out);
            out.push(b'.');
            out.resize(out.len() + usize::from(*scale), b'0');
        }
        (ValueRef::Integer(number), _) => json::write_integer(number, out),
        (ValueRef::Real(number), Kind::Numeric { precision: Some(_), scale })
            if number.is_finite() =>
        {
            let text = format!("{number:.*}", usize::from(scale.unwrap_or(0)));
            let is_negative_zero = text.starts_with('-')
                && !text.contains(['1', '2', '3', '4', '5', '6', '7', '8', '9']);
            let text = if is_negative_zero { text.trim_start_matches('-') } else { &text };
            out.extend_from_slice(text.as_bytes());
        }
        (ValueRef::Real(number), Kind::Real { bits }) => json::write_real(number, *bits, out),
        (ValueRef::Real(number), _) => json::write_real(number, 64, out),
        (ValueRef::Text(bytes), Kind::Json | Kind::Array { .. }) => out.extend_from_slice(bytes),
        (ValueRef::Text(bytes), Kind::Numeric { .. }) if is_number(bytes) => {
            out.extend_from_slice(bytes);
        }
        (ValueRef::Text(bytes), _) => match str::from_utf8(bytes) {
            Ok(text) => json::write_string(text, out),
            Err(_) => json::write_string(&String::from_utf8_lossy(bytes), out),
        },
        (ValueRef::Blob(bytes), _) => json::write_bytes(bytes, out),
    }
}

/// True for text that may stand in JSON as a number.
fn is_number(bytes: &[u8]) -> bool {
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    digits.first().is_some_and(u8::is_ascii_digit)
        && digits.last().is_some_and(u8::is_ascii_digit)
        && digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
        && digits.iter().filter(|byte| **byte == b'.').count() < 2
}
