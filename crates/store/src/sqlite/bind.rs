//! Values as SQLite keeps them; `docs/decisions/0002-sqlite-representation.md` says why.

use std::borrow::Cow;

use rusqlite::{
    Statement, ToSql,
    types::{ToSqlOutput, Value as Cell, ValueRef},
};

use crate::Value;

/// A value on its way into a parameter.
pub(super) struct Bound<'a>(pub(super) &'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Value::Null => ToSqlOutput::Owned(Cell::Null),
            Value::Boolean(truth) => ToSqlOutput::Owned(Cell::Integer((*truth).into())),
            Value::Integer(number) => ToSqlOutput::Owned(Cell::Integer(*number)),
            Value::Real(number) => ToSqlOutput::Owned(Cell::Real(*number)),
            // The column's own affinity makes a number of it where the column holds numbers.
            Value::Decimal(text) | Value::Text(text) | Value::Json(text) => {
                ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))
            }
            Value::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Value::Uuid(_) | Value::Timestamp(_) | Value::Date(_) | Value::Time(_) => {
                ToSqlOutput::Owned(Cell::Text(self.0.to_string()))
            }
        })
    }
}

/// Binds all parameters of a statement, from place 1.
pub(super) fn bind_all(
    statement: &mut Statement<'_>,
    parameters: &[Cow<'_, Value>],
) -> rusqlite::Result<()> {
    for (place, value) in parameters.iter().enumerate() {
        statement.raw_bind_parameter(place + 1, Bound(value))?;
    }
    Ok(())
}
