//! Reads and writes of one table as SQL.

use std::{borrow::Cow, sync::Arc};

use super::{Dialect, SqlWriter, Unsupported};
use crate::{
    Expression, Kind, Value,
    catalog::{Catalog, TableEntry},
    decimal::Decimal,
    query::{Output, Select},
};

/// The longest page whose length is written out on PostgreSQL: it plans a statement anew for each
/// run as long as it does not know that few rows are wanted.
pub(crate) const WRITTEN_LIMIT_MAX: u64 = 101;
/// From so many rows on, those before a page are skipped by their index alone.
const FAR_OFFSET: u64 = 200;

/// The rows of `select`, its outputs first, then what its nested selects are joined by. `joined_by`
/// names the column that must equal one more parameter, whose place (from 1) is given back.
pub(crate) fn write_select<'a>(
    writer: &mut SqlWriter<'a>,
    select: &'a Select,
    joined_by: Option<&str>,
) -> Result<Option<usize>, Unsupported> {
    write_part(writer, select, joined_by, &select.order, select.limit)
}

/// The column by which a page far behind is found, and whether it descends: the first of an
/// order of several, so that rows which are alike in it stand in one known order too. Only
/// columns that compare as they sort.
pub(crate) fn far_key<'s>(catalog: &Catalog, select: &'s Select) -> Option<(&'s str, bool)> {
    let [(Expression::Column(name), descends), _, ..] = select.order.as_slice() else {
        return None;
    };
    let column = catalog.table(&select.table)?.column(name)?;
    let is_plain = matches!(
        column.kind,
        Kind::Integer { .. }
            | Kind::Serial { .. }
            | Kind::Timestamp { .. }
            | Kind::Date
            | Kind::Time
            | Kind::Uuid
    );
    let is_far = select.limit.is_some() && select.offset >= FAR_OFFSET;
    (is_far && is_plain && !column.nullable).then_some((name.as_ref(), *descends))
}

/// The keys of the first row of a page and of so many rows before it, in the order of the page.
pub(crate) fn write_keys_before<'a>(
    writer: &mut SqlWriter<'a>,
    select: &'a Select,
    key: &str,
    descends: bool,
    rows: u64,
) -> Result<(), Unsupported> {
    writer.keys_in_order(select, key, descends)?;
    writer.limit(Some(rows + 1), select.offset.saturating_sub(rows));
    Ok(())
}

/// The same with another order and limit than its own.
pub(crate) fn write_part<'a>(
    writer: &mut SqlWriter<'a>,
    select: &'a Select,
    joined_by: Option<&str>,
    order: &'a [(Expression, bool)],
    limit: Option<u64>,
) -> Result<Option<usize>, Unsupported> {
    let alias = writer.enter(&select.table);
    writer.text.push_str("SELECT ");
    writer.shown(alias, select);
    writer.from(&select.table, alias);
    writer.text.push_str(" WHERE ");
    writer.expression(&select.condition)?;
    let mut joined_at = None;
    if let Some(column) = joined_by {
        writer.text.push_str(" AND ");
        writer.aliased(alias, column);
        writer.text.push_str(" = ?");
        writer.parameters.push(Cow::Owned(Value::Null));
        joined_at = Some(writer.parameters.len());
    }
    if let (Some((key, descends)), None) = (far_key(writer.catalog, select), joined_by) {
        writer.not_before(select, key, descends)?;
        writer.order(order)?;
        writer.limit(limit, 0);
        writer.skip_beside(select, key, descends)?;
    } else {
        writer.order(order)?;
        writer.limit(limit, select.offset);
    }
    writer.leave();
    Ok(joined_at)
}

/// The rows of a nested select that belong to each of many keys, which are one parameter of its
/// own, the first: the key's place (from 1), then what a select gives.
pub(crate) fn write_nested<'a>(
    writer: &mut SqlWriter<'a>,
    select: &'a Select,
    inner_column: &str,
    key_type: &str,
) -> Result<(), Unsupported> {
    writer.text.push_str("SELECT k.place, q.* FROM unnest(");
    writer.parameters.push(Cow::Owned(Value::Null));
    writer.place();
    writer.text.push_str("::");
    writer.identifier(key_type);
    writer.text.push_str("[]) WITH ORDINALITY AS k(key, place) CROSS JOIN LATERAL (SELECT ");
    let alias = writer.enter(&select.table);
    writer.shown(alias, select);
    writer.from(&select.table, alias);
    writer.text.push_str(" WHERE ");
    writer.expression(&select.condition)?;
    writer.text.push_str(" AND ");
    writer.aliased(alias, inner_column);
    writer.text.push_str(" = k.key");
    writer.order(&select.order)?;
    writer.limit(select.limit, select.offset);
    writer.leave();
    writer.text.push_str(") AS q");
    Ok(())
}

/// How many rows fulfil a condition.
pub(crate) fn write_count<'a>(
    writer: &mut SqlWriter<'a>,
    table: &str,
    condition: &'a Expression,
) -> Result<(), Unsupported> {
    let alias = writer.enter(table);
    writer.text.push_str("SELECT count(*)");
    writer.from(table, alias);
    writer.text.push_str(" WHERE ");
    writer.expression(condition)?;
    writer.leave();
    Ok(())
}

/// Whether some row fulfils a condition.
pub(crate) fn write_require<'a>(
    writer: &mut SqlWriter<'a>,
    table: &str,
    condition: &'a Expression,
) -> Result<(), Unsupported> {
    let alias = writer.enter(table);
    writer.text.push_str("SELECT 1");
    writer.from(table, alias);
    writer.text.push_str(" WHERE ");
    writer.expression(condition)?;
    writer.text.push_str(" LIMIT 1");
    writer.leave();
    Ok(())
}

/// A new row.
pub(crate) fn write_insert<'a>(
    writer: &mut SqlWriter<'a>,
    table: &str,
    values: &'a [(Arc<str>, Value)],
    returning: &[Output],
) {
    let entry = writer.catalog.table(table);
    if writer.dialect == Dialect::Postgres {
        return writer.insert_typed(entry, table, values, returning);
    }
    // A serial column that is not the whole key: a value that is not given is counted up.
    let is_given =
        |name: &str| values.iter().any(|(own, value)| **own == *name && !value.is_null());
    let counted = entry.map_or(&[][..], |entry| &entry.counted);
    let is_counted = |name: &str| counted.iter().any(|own| own == name) && !is_given(name);
    writer.text.push_str("INSERT INTO ");
    writer.identifier(table);
    let given = values.iter().filter(|(name, _)| !is_counted(name));
    let added = counted.iter().filter(|name| !is_given(name));
    let names =
        given.clone().map(|(name, _)| name.as_ref()).chain(added.clone().map(String::as_str));
    if names.clone().next().is_none() {
        writer.text.push_str(" DEFAULT VALUES");
    } else {
        writer.text.push_str(" (");
        writer.identifiers(names);
        writer.text.push_str(") VALUES (");
        for (place, (name, value)) in given.clone().enumerate() {
            if place > 0 {
                writer.text.push_str(", ");
            }
            writer.stored(entry, name, value);
        }
        for (place, name) in added.enumerate() {
            if place > 0 || given.clone().next().is_some() {
                writer.text.push_str(", ");
            }
            writer.text.push_str("(SELECT coalesce(max(");
            writer.identifier(name);
            writer.text.push_str("), 0) + 1 FROM ");
            writer.identifier(table);
            writer.text.push(')');
        }
        writer.text.push(')');
    }
    writer.returning(table, returning);
}

/// Changed rows.
pub(crate) fn write_update<'a>(
    writer: &mut SqlWriter<'a>,
    table: &str,
    set: &'a [(Arc<str>, Expression)],
    condition: &'a Expression,
    returning: &[Output],
) -> Result<(), Unsupported> {
    let alias = writer.enter(table);
    let entry = writer.catalog.table(table);
    writer.text.push_str("UPDATE ");
    writer.named(table, alias);
    writer.text.push_str(" SET ");
    for (place, (name, expression)) in set.iter().enumerate() {
        if place > 0 {
            writer.text.push_str(", ");
        }
        writer.identifier(name);
        writer.text.push_str(" = ");
        match (expression, writer.dialect) {
            (Expression::Value(value), Dialect::Sqlite) => writer.stored(entry, name, value),
            (Expression::Value(value), Dialect::Postgres) => writer.assigned(value),
            (expression, Dialect::Sqlite) => writer.expression(expression)?,
            (expression, Dialect::Postgres) => {
                let kind = entry.and_then(|entry| entry.column(name)).map(|column| &column.kind);
                writer.assigned_expression(expression, kind)?;
            }
        }
    }
    writer.text.push_str(" WHERE ");
    writer.expression(condition)?;
    writer.returning(table, returning);
    writer.leave();
    Ok(())
}

/// Removed rows.
pub(crate) fn write_delete<'a>(
    writer: &mut SqlWriter<'a>,
    table: &str,
    condition: &'a Expression,
    returning: &[Output],
) -> Result<(), Unsupported> {
    let alias = writer.enter(table);
    writer.text.push_str("DELETE FROM ");
    writer.named(table, alias);
    writer.text.push_str(" WHERE ");
    writer.expression(condition)?;
    writer.returning(table, returning);
    writer.leave();
    Ok(())
}

impl<'a> SqlWriter<'a> {
    /// `SELECT` of some columns of the rows that fulfil a condition.
    pub(crate) fn keys_of(
        &mut self,
        table: &str,
        columns: &[String],
        condition: &'a Expression,
    ) -> Result<(), Unsupported> {
        let alias = self.enter(table);
        self.text.push_str("SELECT ");
        for (place, column) in columns.iter().enumerate() {
            if place > 0 {
                self.text.push_str(", ");
            }
            self.aliased(alias, column);
        }
        self.from(table, alias);
        self.text.push_str(" WHERE ");
        self.expression(condition)?;
        self.leave();
        Ok(())
    }

    fn aliased(&mut self, alias: u32, column: &str) {
        self.text.push('t');
        self.text.push_str(itoa::Buffer::new().format(alias));
        self.text.push('.');
        self.identifier(column);
    }

    fn named(&mut self, table: &str, alias: u32) {
        self.identifier(table);
        self.text.push_str(" AS t");
        self.text.push_str(itoa::Buffer::new().format(alias));
    }

    fn from(&mut self, table: &str, alias: u32) {
        self.text.push_str(" FROM ");
        self.named(table, alias);
    }

    pub(crate) fn returning(&mut self, table: &str, outputs: &[Output]) {
        let is_typed = self.dialect == Dialect::Postgres;
        let entry = self.catalog.table(table).filter(|_| is_typed);
        for (place, output) in outputs.iter().enumerate() {
            self.text.push_str(if place == 0 { " RETURNING " } else { ", " });
            self.identifier(&output.column);
            self.readable(entry, &output.column);
        }
    }

    /// What is shown of a row, then what its nested selects are joined by.
    fn shown(&mut self, alias: u32, select: &Select) {
        let table = self.scopes.last().and_then(|scope| scope.table);
        for (place, output) in select.outputs.iter().enumerate() {
            if place > 0 {
                self.text.push_str(", ");
            }
            self.aliased(alias, &output.column);
            self.readable(table, &output.column);
        }
        for (place, nested) in select.nested.iter().enumerate() {
            if place + select.outputs.len() > 0 {
                self.text.push_str(", ");
            }
            self.aliased(alias, &nested.outer_column);
        }
        if select.outputs.is_empty() && select.nested.is_empty() {
            self.text.push('1');
        }
    }

    /// Types that nobody decodes come as PostgreSQL's own text.
    fn readable(&mut self, table: Option<&TableEntry>, column: &str) {
        if self.dialect == Dialect::Postgres {
            let entry = table.and_then(|table| table.column(column));
            match entry.map(|column| &column.kind) {
                Some(Kind::Other { .. }) => self.text.push_str("::text"),
                Some(Kind::Array { element }) if matches!(**element, Kind::Other { .. }) => {
                    self.text.push_str("::text[]");
                }
                _ => {}
            }
        }
    }

    fn order(&mut self, order: &'a [(Expression, bool)]) -> Result<(), Unsupported> {
        for (place, (expression, descends)) in order.iter().enumerate() {
            self.text.push_str(if place == 0 { " ORDER BY " } else { ", " });
            if self.dialect == Dialect::Postgres {
                self.order_typed(expression, *descends)?;
                continue;
            }
            self.ranked(expression)?;
            let is_never_null =
                self.column_entry(expression).is_some_and(|column| !column.nullable);
            self.text.push_str(match (descends, is_never_null) {
                (false, true) => "",
                (true, true) => " DESC",
                (false, false) => " NULLS LAST",
                (true, false) => " DESC NULLS FIRST",
            });
        }
        Ok(())
    }

    /// Keeps the rows whose key is not before that of the first row of the page. The database
    /// skips rows by the index of the key alone; with the whole order it would read and sort each.
    fn not_before(
        &mut self,
        select: &'a Select,
        key: &str,
        descends: bool,
    ) -> Result<(), Unsupported> {
        self.text.push_str(" AND ");
        self.column(key, 1);
        self.text.push_str(if descends { " <= " } else { " >= " });
        self.key_at_page(select, key, descends)
    }

    /// Skips what is left: rows before the page with the same key as its first.
    fn skip_beside(
        &mut self,
        select: &'a Select,
        key: &str,
        descends: bool,
    ) -> Result<(), Unsupported> {
        self.text.push_str(" OFFSET ");
        self.number(select.offset);
        self.text.push_str(" - (SELECT count(*)");
        let alias = self.enter(&select.table);
        self.from(&select.table, alias);
        self.text.push_str(" WHERE ");
        self.expression(&select.condition)?;
        self.text.push_str(" AND ");
        self.aliased(alias, key);
        self.text.push_str(if descends { " > " } else { " < " });
        self.key_at_page(select, key, descends)?;
        self.leave();
        self.text.push(')');
        Ok(())
    }

    /// The key of the first row of the page.
    fn key_at_page(
        &mut self,
        select: &'a Select,
        key: &str,
        descends: bool,
    ) -> Result<(), Unsupported> {
        self.text.push('(');
        self.keys_in_order(select, key, descends)?;
        self.text.push_str(" LIMIT 1 OFFSET ");
        self.number(select.offset);
        self.text.push(')');
        Ok(())
    }

    /// `SELECT` of the key of all rows, sorted by it.
    fn keys_in_order(
        &mut self,
        select: &'a Select,
        key: &str,
        descends: bool,
    ) -> Result<(), Unsupported> {
        let alias = self.enter(&select.table);
        self.text.push_str("SELECT ");
        self.aliased(alias, key);
        self.from(&select.table, alias);
        self.text.push_str(" WHERE ");
        self.expression(&select.condition)?;
        self.text.push_str(" ORDER BY ");
        self.aliased(alias, key);
        self.text.push_str(if descends { " DESC" } else { "" });
        self.leave();
        Ok(())
    }

    /// A number of rows as a parameter.
    fn number(&mut self, number: u64) {
        let number = Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        if self.dialect == Dialect::Postgres {
            return self.bigint(number);
        }
        self.text.push('?');
        self.parameters.push(Cow::Owned(number));
    }

    /// Limits are parameters, so that pages share one prepared statement.
    fn limit(&mut self, limit: Option<u64>, offset: u64) {
        let bounded = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        if self.dialect == Dialect::Postgres {
            if let Some(limit) = limit {
                self.text.push_str(" LIMIT ");
                match limit <= WRITTEN_LIMIT_MAX {
                    true => self.text.push_str(itoa::Buffer::new().format(limit)),
                    false => self.bigint(bounded(limit)),
                }
            }
            if offset > 0 {
                self.text.push_str(" OFFSET ");
                self.bigint(bounded(offset));
            }
            return;
        }
        match (limit, offset) {
            (None, 0) => {}
            (limit, offset) => {
                self.text.push_str(" LIMIT ?");
                let limit = limit.map_or(Value::Integer(-1), bounded);
                self.parameters.push(Cow::Owned(limit));
                if offset > 0 {
                    self.text.push_str(" OFFSET ?");
                    self.parameters.push(Cow::Owned(bounded(offset)));
                }
            }
        }
    }

    /// A value as the column stores it: decimals with the column's own digits.
    fn stored(&mut self, entry: Option<&TableEntry>, column: &str, value: &'a Value) {
        let kind = entry.and_then(|entry| entry.column(column)).map(|column| &column.kind);
        let value = match (kind, value) {
            (Some(Kind::Numeric { precision, scale }), Value::Integer(_) | Value::Real(_)) => {
                decimal(value, *precision, *scale).map_or(Cow::Borrowed(value), Cow::Owned)
            }
            _ => Cow::Borrowed(value),
        };
        self.value(value);
    }
}

fn decimal(value: &Value, precision: Option<u16>, scale: Option<u16>) -> Option<Value> {
    let mut decimal = Decimal::parse(&value.to_string())?;
    match precision {
        Some(_) => decimal.round(usize::from(scale.unwrap_or(0))),
        None => decimal.trim(),
    }
    Some(Value::Decimal(decimal.text()))
}
