//! What the data says about a change: counts of rows that stand against it.

use std::fmt::Write;

use rusqlite::Connection;

use super::define::write_names;
use crate::{schema::ForeignKey, sql::write_identifier};

/// Counts on one connection.
pub(super) struct Measure<'a>(pub(super) &'a Connection);

impl Measure<'_> {
    fn count(&self, sql: &str) -> rusqlite::Result<u64> {
        let count: i64 = self.0.query_row(sql, [], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// All rows of a table.
    pub(super) fn rows(&self, table: &str) -> rusqlite::Result<u64> {
        let mut sql = String::from("SELECT count(*) FROM ");
        write_identifier(table, &mut sql);
        self.count(&sql)
    }

    /// Values of a column that are not NULL.
    pub(super) fn values(&self, table: &str, column: &str) -> rusqlite::Result<u64> {
        self.where_present(table, column, "1")
    }

    /// Values that are not NULL and fulfil a condition.
    pub(super) fn where_present(
        &self,
        table: &str,
        column: &str,
        condition: &str,
    ) -> rusqlite::Result<u64> {
        let mut sql = String::from("SELECT count(*) FROM ");
        write_identifier(table, &mut sql);
        sql.push_str(" WHERE ");
        write_identifier(column, &mut sql);
        let _ = write!(sql, " IS NOT NULL AND ({condition})");
        self.count(&sql)
    }

    /// Rows against a check; none where it cannot be told before the change.
    pub(super) fn broken(&self, projection: &str, condition: &str) -> Option<u64> {
        self.count(&format!("SELECT count(*) FROM ({projection}) WHERE NOT ({condition})")).ok()
    }

    /// Rows whose key another row has too.
    pub(super) fn duplicates(
        &self,
        projection: &str,
        columns: &[String],
        condition: Option<&str>,
    ) -> Option<u64> {
        if columns.is_empty() {
            return None;
        }
        let mut names = String::new();
        write_names(columns, &mut names);
        let present = columns.iter().fold(String::new(), |mut sql, column| {
            sql.push_str(" AND ");
            write_identifier(column, &mut sql);
            sql.push_str(" IS NOT NULL");
            sql
        });
        let condition = condition.unwrap_or("1");
        self.count(&format!(
            "SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM ({projection}) \
             WHERE ({condition}){present} GROUP BY {names} HAVING count(*) > 1)"
        ))
        .ok()
    }

    /// Rows that refer to nothing. Without a parent that is there all that refer do.
    pub(super) fn orphans(
        &self,
        projection: &str,
        key: &ForeignKey,
        parent: Option<&str>,
    ) -> Option<u64> {
        let mut sql = format!("SELECT count(*) FROM ({projection}) AS child WHERE 1");
        for column in &key.columns {
            sql.push_str(" AND child.");
            write_identifier(column, &mut sql);
            sql.push_str(" IS NOT NULL");
        }
        if let Some(parent) = parent {
            let _ = write!(sql, " AND NOT EXISTS (SELECT 1 FROM ({parent}) AS parent WHERE 1");
            for (column, referred) in key.columns.iter().zip(&key.referred) {
                sql.push_str(" AND parent.");
                write_identifier(referred, &mut sql);
                sql.push_str(" = child.");
                write_identifier(column, &mut sql);
            }
            sql.push(')');
        }
        self.count(&sql).ok()
    }
}

/// A count with separators: `1,204`.
pub(super) fn counted(count: u64) -> String {
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
