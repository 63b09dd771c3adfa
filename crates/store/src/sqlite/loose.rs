//! Orders that leave ties open. A page is sorted by what was asked for and then by the key, so that
//! the order is total. SQLite sorts each group of equal rows in a table of its own to do so, which
//! costs half of a short list, and for nothing where no two rows are equal: so rows are asked for
//! without the key first, and once more with it only where two neighbours turn out to be equal.

use rusqlite::{Row, types::ValueRef};

use super::read::Part;
use crate::{
    Expression, Kind,
    catalog::{Catalog, TableEntry},
    query::Select,
};

/// A select without the key at the end of its order.
pub(super) struct Loose<'q> {
    /// What is asked for: one row more, to see whether the last one stands alone.
    pub(super) part: Part<'q>,
    /// Rows that are given back.
    pub(super) rows_max: usize,
    /// Places of the outputs that the rows are sorted by.
    ranked_by: Vec<usize>,
}

/// The select without its key, where the rows show what they are sorted by. Skipped rows may be
/// equal to the first one that is not: then the key counts.
pub(super) fn of<'q>(catalog: &Catalog, select: &'q Select) -> Option<Loose<'q>> {
    let table = catalog.table(&select.table)?;
    let limit = select.limit.filter(|limit| *limit > 0 && select.offset == 0)?;
    let kept = select.order.len().checked_sub(table.primary_key.len()).filter(|kept| *kept > 0)?;
    let (order, key) = select.order.split_at_checked(kept)?;
    let mut key = key.iter().map(|(expression, _)| column_of(expression));
    if table.primary_key.is_empty()
        || !key.all(|column| column.is_some_and(|name| table.primary_key.iter().any(|k| k == name)))
    {
        return None;
    }
    let ranked_by = order.iter().map(|(expression, _)| ranked_at(table, select, expression));
    Some(Loose {
        part: Part { joined_by: None, order, limit: Some(limit.checked_add(1)?) },
        rows_max: usize::try_from(limit).ok()?,
        ranked_by: ranked_by.collect::<Option<_>>()?,
    })
}

fn column_of(expression: &Expression) -> Option<&str> {
    match expression {
        Expression::Column(name) => Some(name),
        _ => None,
    }
}

/// The output that shows a column whose values are equal just where their bytes are.
fn ranked_at(table: &TableEntry, select: &Select, expression: &Expression) -> Option<usize> {
    let name = column_of(expression)?;
    let is_exact = matches!(
        table.column(name)?.kind,
        Kind::Timestamp { .. }
            | Kind::Date
            | Kind::Time
            | Kind::Uuid
            | Kind::Integer { .. }
            | Kind::Serial { .. }
            | Kind::Text { .. }
    );
    let place = select.outputs.iter().position(|output| &*output.column == name);
    place.filter(|_| is_exact)
}

impl Loose<'_> {
    /// Appends what a row is sorted by, so that equal bytes mean equal ranks.
    pub(super) fn rank(&self, row: &Row<'_>, into: &mut Vec<u8>) -> rusqlite::Result<()> {
        for place in &self.ranked_by {
            match row.get_ref(*place)? {
                ValueRef::Null => into.push(0),
                ValueRef::Integer(number) => {
                    into.push(1);
                    into.extend_from_slice(&number.to_le_bytes());
                }
                ValueRef::Real(number) => {
                    into.push(2);
                    into.extend_from_slice(&number.to_le_bytes());
                }
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                    into.push(3);
                    into.extend_from_slice(&bytes.len().to_le_bytes());
                    into.extend_from_slice(bytes);
                }
            }
        }
        Ok(())
    }
}
