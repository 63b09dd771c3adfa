//! What PostgreSQL needs that SQLite does not: every value in a statement has a type, letters of
//! all languages are lowered by a collation that is named, and texts compare by code point.

mod call;
mod value;

use super::{SqlWriter, Unsupported};
use std::{borrow::Cow, sync::Arc};

use crate::{
    Expression, Kind, Operator, Value, catalog::TableEntry, postgres::native, query::Output,
};

/// The collation by which letters are lowered and raised.
const LETTERS: &str = " COLLATE \"und-x-icu\"";
/// The collation by which texts compare.
const CODE_POINTS: &str = " COLLATE \"C\"";

const TEXT: Kind = Kind::Text { length_max: None };
const INTEGER: Kind = Kind::Integer { bits: 32 };
const MOMENT: Kind = Kind::Timestamp { zoned: true };

impl<'a> SqlWriter<'a> {
    /// What an expression yields, where it can be told.
    pub(super) fn kind_of(&self, expression: &Expression) -> Option<Kind> {
        match expression {
            Expression::Column(_) | Expression::Outer(_) => {
                self.column_entry(expression).map(|column| column.kind.clone())
            }
            Expression::Cast { target, .. } => Some(target.clone()),
            Expression::Now => Some(MOMENT),
            Expression::Today => Some(Kind::Date),
            Expression::Interval { .. } => Some(Kind::Interval),
            Expression::Call { function, arguments } => self.kind_of_call(function, arguments),
            Expression::Case { branches, otherwise } => branches
                .iter()
                .map(|(_, value)| value)
                .chain(otherwise.as_deref())
                .find_map(|value| self.kind_of(value)),
            Expression::Binary { left, operator, right } => {
                self.kind_of_binary(left, *operator, right)
            }
            Expression::Not(_)
            | Expression::IsNull { .. }
            | Expression::In { .. }
            | Expression::InSelect { .. }
            | Expression::Exists { .. }
            | Expression::Between { .. }
            | Expression::Search { .. }
            | Expression::Always(_) => Some(Kind::Boolean),
            Expression::Value(_) | Expression::Negate(_) => None,
        }
    }

    fn kind_of_binary(
        &self,
        left: &Expression,
        operator: Operator,
        right: &Expression,
    ) -> Option<Kind> {
        match operator {
            Operator::JsonField => Some(Kind::Json),
            Operator::JsonText | Operator::Concatenate => Some(TEXT),
            Operator::Add
            | Operator::Subtract
            | Operator::Multiply
            | Operator::Divide
            | Operator::Modulo => match (self.kind_of(left), self.kind_of(right), operator) {
                (Some(Kind::Timestamp { .. }), Some(Kind::Timestamp { .. } | Kind::Date), _)
                | (Some(Kind::Date), Some(Kind::Timestamp { .. }), _) => Some(Kind::Interval),
                (Some(Kind::Date), Some(Kind::Date), Operator::Subtract) => Some(INTEGER),
                (Some(Kind::Date), Some(Kind::Interval), _) => {
                    Some(Kind::Timestamp { zoned: false })
                }
                (Some(moment @ (Kind::Timestamp { .. } | Kind::Date | Kind::Interval)), _, _) => {
                    Some(moment)
                }
                _ => None,
            },
            _ => Some(Kind::Boolean),
        }
    }

    /// An operator with two sides.
    pub(super) fn binary_typed(
        &mut self,
        left: &'a Expression,
        operator: Operator,
        right: &'a Expression,
    ) -> Result<(), Unsupported> {
        self.text.push('(');
        match operator {
            Operator::And | Operator::Or => {
                self.expression(left)?;
                self.text.push_str(super::condition::symbol(operator));
                self.expression(right)?;
            }
            Operator::Like | Operator::NotLike | Operator::Concatenate => {
                self.as_text(left)?;
                self.text.push_str(super::condition::symbol(operator));
                self.as_text(right)?;
            }
            Operator::ILike
            | Operator::NotILike
            | Operator::Matches
            | Operator::NotMatches
            | Operator::MatchesIgnoringCase => {
                self.as_text(left)?;
                self.text.push_str(LETTERS);
                self.text.push_str(match operator {
                    Operator::ILike => " ILIKE ",
                    Operator::NotILike => " NOT ILIKE ",
                    Operator::Matches => " ~ ",
                    Operator::NotMatches => " !~ ",
                    _ => " ~* ",
                });
                self.as_text(right)?;
            }
            Operator::JsonField | Operator::JsonText => {
                self.expression(left)?;
                self.text.push_str(if operator == Operator::JsonField { " -> " } else { " ->> " });
                self.expression(right)?;
            }
            Operator::Contains => {
                self.beside(right, left)?;
                self.text.push_str(" @> ");
                self.beside(left, right)?;
            }
            _ => self.compared(left, operator, right)?,
        }
        self.text.push(')');
        Ok(())
    }

    /// A comparison or a sum.
    fn compared(
        &mut self,
        left: &'a Expression,
        operator: Operator,
        right: &'a Expression,
    ) -> Result<(), Unsupported> {
        self.beside(right, left)?;
        let orders = matches!(
            operator,
            Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual
        );
        if orders && self.kind_of(left).is_some_and(|kind| is_collated(&kind)) {
            self.text.push_str(CODE_POINTS);
        }
        self.text.push_str(super::condition::symbol(operator));
        self.beside(left, right)
    }

    /// An operand as text, whatever it is.
    pub(super) fn as_text(&mut self, operand: &'a Expression) -> Result<(), Unsupported> {
        if let Expression::Value(value) = operand {
            self.typed(value, Some(&TEXT));
            return Ok(());
        }
        let is_text = matches!(self.kind_of(operand), Some(Kind::Text { .. }));
        self.text.push('(');
        self.expression(operand)?;
        self.text.push_str(if is_text { ")" } else { ")::text" });
        Ok(())
    }

    /// A part of an order. PostgreSQL takes NULL for the greatest value of its own accord.
    pub(super) fn order_typed(
        &mut self,
        expression: &'a Expression,
        descends: bool,
    ) -> Result<(), Unsupported> {
        self.expression(expression)?;
        if self.kind_of(expression).is_some_and(|kind| is_collated(&kind)) {
            self.text.push_str(CODE_POINTS);
        }
        if descends {
            self.text.push_str(" DESC");
        }
        Ok(())
    }

    /// Text search: each word is in one of the columns.
    pub(super) fn search_typed(&mut self, columns: &[String], words: &str) {
        let words = words.to_lowercase();
        self.text.push_str("(TRUE");
        for word in words.split_whitespace() {
            self.text.push_str(" AND (FALSE");
            for column in columns {
                self.text.push_str(" OR coalesce(strpos(lower((");
                self.column(column, 1);
                self.text.push_str(")::text");
                self.text.push_str(LETTERS);
                self.text.push_str("), ");
                self.parameter(Value::Text(word.to_owned()), "text");
                self.text.push_str(") > 0, FALSE)");
            }
            self.text.push(')');
        }
        self.text.push(')');
    }

    /// A new row. A serial number that is not given comes from its sequence.
    pub(super) fn insert_typed(
        &mut self,
        entry: Option<&TableEntry>,
        table: &str,
        values: &'a [(Arc<str>, Value)],
        returning: &[Output],
    ) {
        let given: Vec<_> = values
            .iter()
            .filter(|(name, value)| !(value.is_null() && is_serial(entry, name)))
            .collect();
        self.text.push_str("INSERT INTO ");
        self.identifier(table);
        if given.is_empty() {
            self.text.push_str(" DEFAULT VALUES");
        } else {
            self.text.push_str(" (");
            self.identifiers(given.iter().map(|(name, _)| name));
            self.text.push_str(") VALUES (");
            for (place, (_, value)) in given.into_iter().enumerate() {
                if place > 0 {
                    self.text.push_str(", ");
                }
                self.assigned(value);
            }
            self.text.push(')');
        }
        self.returning(table, returning);
    }

    /// A value on its way into a column, whose type it takes; NULL too, so that rows of one table
    /// share a statement.
    pub(super) fn assigned(&mut self, value: &'a Value) {
        self.parameters.push(Cow::Borrowed(value));
        self.place();
    }

    /// What is computed on its way into a column. Text becomes an enum only where it is told to.
    pub(super) fn assigned_expression(
        &mut self,
        expression: &'a Expression,
        kind: Option<&Kind>,
    ) -> Result<(), Unsupported> {
        let told = match kind {
            Some(kind @ (Kind::Enum { .. } | Kind::Uuid | Kind::Json | Kind::Network)) => {
                Some(kind)
            }
            _ => None,
        };
        self.text.push('(');
        self.expression(expression)?;
        self.text.push(')');
        if let Some(kind) = told {
            self.text.push_str("::");
            self.text.push_str(&native::type_of(kind));
        }
        Ok(())
    }

    /// A number of rows.
    pub(super) fn bigint(&mut self, number: Value) {
        self.parameter(number, "bigint");
    }

    /// A length of time.
    pub(super) fn interval(&mut self, seconds: i64) {
        self.text.push_str("interval '");
        self.text.push_str(itoa::Buffer::new().format(seconds));
        self.text.push_str(" seconds'");
    }
}

fn is_serial(entry: Option<&TableEntry>, column: &str) -> bool {
    let kind = entry.and_then(|entry| entry.column(column)).map(|column| &column.kind);
    matches!(kind, Some(Kind::Serial { .. }))
}

/// True where values compare by a collation.
fn is_collated(kind: &Kind) -> bool {
    matches!(kind, Kind::Text { .. } | Kind::CaseInsensitiveText)
}
