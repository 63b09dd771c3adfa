//! What the data says about a change: counts of rows that stand against it.

use std::{cell::OnceCell, fmt::Write};

use super::Ground;
use crate::{
    StoreError,
    schema::ForeignKey,
    sql::{write_identifier, write_names},
};

/// Counts on one store, in words that every store understands.
pub(crate) struct Measure<'a>(pub(crate) &'a dyn Ground);

impl Measure<'_> {
    fn count(&self, sql: &str) -> Result<u64, StoreError> {
        self.0.count(sql)
    }

    /// All rows of a table.
    pub(crate) fn rows(&self, table: &str) -> Result<u64, StoreError> {
        let mut sql = String::from("SELECT count(*) FROM ");
        write_identifier(&self.0.kept(table), &mut sql);
        self.count(&sql)
    }

    /// Values of a column that are not NULL.
    pub(crate) fn values(&self, table: &str, column: &str) -> Result<u64, StoreError> {
        self.where_present(table, column, "TRUE")
    }

    /// Values that are not NULL and fulfil a condition.
    pub(crate) fn where_present(
        &self,
        table: &str,
        column: &str,
        condition: &str,
    ) -> Result<u64, StoreError> {
        let mut sql = String::from("SELECT count(*) FROM ");
        write_identifier(&self.0.kept(table), &mut sql);
        sql.push_str(" WHERE ");
        write_identifier(&self.0.kept(column), &mut sql);
        let _ = write!(sql, " IS NOT NULL AND ({condition})");
        self.count(&sql)
    }

    /// Rows against a check; none where it cannot be told before the change.
    pub(crate) fn broken(&self, projection: &str, condition: &str) -> Option<u64> {
        self.count(&format!("SELECT count(*) FROM ({projection}) AS there WHERE NOT ({condition})"))
            .ok()
    }

    /// Rows whose key another row has too.
    pub(crate) fn duplicates(
        &self,
        projection: &str,
        columns: &[String],
        condition: Option<&str>,
    ) -> Option<u64> {
        if columns.is_empty() {
            return None;
        }
        let kept: Vec<String> =
            columns.iter().map(|column| self.0.kept(column).into_owned()).collect();
        let mut names = String::new();
        write_names(&kept, &mut names);
        let present = kept.iter().fold(String::new(), |mut sql, column| {
            sql.push_str(" AND ");
            write_identifier(column, &mut sql);
            sql.push_str(" IS NOT NULL");
            sql
        });
        let condition = condition.unwrap_or("TRUE");
        self.count(&format!(
            "SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM (SELECT count(*) AS n \
             FROM ({projection}) AS there WHERE ({condition}){present} GROUP BY {names} \
             HAVING count(*) > 1) AS twice"
        ))
        .ok()
    }

    /// Rows that another row stands against; `conflict` is about `one` and `other`.
    pub(crate) fn excluded(
        &self,
        projection: &str,
        covers: Option<&str>,
        conflict: &str,
    ) -> Option<u64> {
        let covers = covers.unwrap_or("TRUE");
        self.count(&format!(
            "WITH numbered AS (SELECT row_number() OVER () AS \"row number\", there.* \
             FROM ({projection}) AS there WHERE ({covers})) \
             SELECT count(DISTINCT one.\"row number\") FROM numbered AS one \
             JOIN numbered AS other ON other.\"row number\" <> one.\"row number\" AND {conflict}"
        ))
        .ok()
    }

    /// Rows that refer to nothing. Without a parent that is there all that refer do.
    pub(crate) fn orphans(
        &self,
        projection: &str,
        key: &ForeignKey,
        parent: Option<&str>,
    ) -> Option<u64> {
        let mut sql = format!("SELECT count(*) FROM ({projection}) AS child WHERE TRUE");
        for column in &key.columns {
            sql.push_str(" AND child.");
            write_identifier(&self.0.kept(column), &mut sql);
            sql.push_str(" IS NOT NULL");
        }
        if let Some(parent) = parent {
            let _ = write!(sql, " AND NOT EXISTS (SELECT 1 FROM ({parent}) AS parent WHERE TRUE");
            for (column, referred) in key.columns.iter().zip(&key.referred) {
                sql.push_str(" AND parent.");
                write_identifier(&self.0.kept(referred), &mut sql);
                sql.push_str(" = child.");
                write_identifier(&self.0.kept(column), &mut sql);
            }
            sql.push(')');
        }
        self.count(&sql).ok()
    }
}

/// The rows of a table, counted when somebody first asks: a table of millions that does not change
/// is never counted, and a start does not wait for it.
pub(crate) struct Rows<'a> {
    measure: Measure<'a>,
    table: &'a str,
    count: OnceCell<u64>,
}

impl<'a> Rows<'a> {
    pub(crate) fn of(measure: Measure<'a>, table: &'a str) -> Self {
        Self { measure, table, count: OnceCell::new() }
    }

    pub(crate) fn count(&self) -> Result<u64, StoreError> {
        if let Some(count) = self.count.get() {
            return Ok(*count);
        }
        let count = self.measure.rows(self.table)?;
        Ok(*self.count.get_or_init(|| count))
    }
}

/// A count with separators: `1,204`.
pub fn counted(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 row`, `1,204 rows`.
pub fn amount(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", counted(count))
}
