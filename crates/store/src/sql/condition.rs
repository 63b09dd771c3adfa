//! Expressions as SQL, with PostgreSQL's meaning.

use std::borrow::Cow;

use super::{Dialect, SqlWriter, Unsupported};
use crate::{
    Expression, Kind, Operator, Value,
    catalog::{ColumnEntry, TableEntry},
    range, rank,
};

/// What arithmetic with an expression has to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    Moment,
    Day,
    Length,
    Other,
}

impl<'a> SqlWriter<'a> {
    /// Writes an expression over the columns of the nearest scope.
    pub(crate) fn expression(&mut self, expression: &'a Expression) -> Result<(), Unsupported> {
        self.depth += 1;
        if self.depth > super::DEPTH_MAX {
            return Err(Unsupported("the condition is nested too deeply".to_owned()));
        }
        let written = self.node(expression);
        self.depth -= 1;
        written
    }

    fn node(&mut self, expression: &'a Expression) -> Result<(), Unsupported> {
        match expression {
            Expression::Column(name) => self.column(name, 1),
            Expression::Outer(name) => self.column(name, 2),
            Expression::Value(value) => self.value(Cow::Borrowed(value)),
            Expression::Always(truth) => self.truth(*truth),
            Expression::Now => self.now(),
            Expression::Today => self.today(),
            Expression::Not(operand) => {
                self.text.push_str("(NOT ");
                self.expression(operand)?;
                self.text.push(')');
            }
            Expression::Negate(operand) => {
                self.text.push_str("(- ");
                self.expression(operand)?;
                self.text.push(')');
            }
            Expression::Binary { left, operator, right } => {
                return self.binary(left, *operator, right);
            }
            Expression::IsNull { operand, negated } => {
                self.text.push('(');
                self.expression(operand)?;
                self.text.push_str(if *negated { " IS NOT NULL)" } else { " IS NULL)" });
            }
            Expression::In { operand, list, negated } => {
                return self.in_list(operand, list, *negated);
            }
            Expression::InSelect { .. } | Expression::Exists { .. } => {
                return self.sub_select(expression);
            }
            Expression::Between { operand, low, high, negated } => {
                self.text.push('(');
                self.expression(operand)?;
                self.text.push_str(if *negated { " NOT BETWEEN " } else { " BETWEEN " });
                self.beside(operand, low)?;
                self.text.push_str(" AND ");
                self.beside(operand, high)?;
                self.text.push(')');
            }
            Expression::Call { function, arguments } => return self.call(function, arguments),
            Expression::Cast { operand, target } => return self.cast(operand, target),
            Expression::Interval { seconds } => match self.dialect {
                Dialect::Sqlite => self.text.push_str(&seconds.to_string()),
                Dialect::Postgres => self.interval(*seconds),
            },
            Expression::Case { branches, otherwise } => {
                return self.case(branches, otherwise.as_deref());
            }
            Expression::Search { columns, words } => match self.dialect {
                Dialect::Sqlite => self.search(columns, words),
                Dialect::Postgres => self.search_typed(columns, words),
            },
        }
        Ok(())
    }

    /// A constant truth.
    fn truth(&mut self, truth: bool) {
        self.text.push_str(match (self.dialect, truth) {
            (Dialect::Sqlite, true) => "1",
            (Dialect::Sqlite, false) => "0",
            (Dialect::Postgres, true) => "TRUE",
            (Dialect::Postgres, false) => "FALSE",
        });
    }

    pub(super) fn now(&mut self) {
        if self.is_definition {
            self.text.push_str(match self.dialect {
                Dialect::Sqlite => "utc_now()",
                Dialect::Postgres => "now()",
            });
        } else {
            self.value(Cow::Owned(Value::Timestamp(super::now())));
        }
    }

    pub(super) fn today(&mut self) {
        if self.is_definition {
            self.text.push_str(match self.dialect {
                Dialect::Sqlite => "substr(utc_now(), 1, 10)",
                Dialect::Postgres => "CURRENT_DATE",
            });
        } else {
            let days = super::now().div_euclid(86_400_000_000);
            self.value(Cow::Owned(Value::Date(i32::try_from(days).unwrap_or(i32::MAX))));
        }
    }

    /// A column of the scope so many levels out.
    pub(super) fn column(&mut self, name: &str, level: usize) {
        let scope = self.scopes.len().checked_sub(level).and_then(|at| self.scopes.get(at));
        if let Some(alias) = scope.and_then(|scope| scope.alias) {
            self.text.push('t');
            self.text.push_str(itoa::Buffer::new().format(alias));
            self.text.push('.');
        }
        self.identifier(name);
    }

    /// The table of the scope so many levels out.
    fn scope_table(&self, level: usize) -> Option<&'a TableEntry> {
        self.scopes.get(self.scopes.len().checked_sub(level)?)?.table
    }

    /// The column that an expression is, if it is one.
    pub(super) fn column_entry(&self, expression: &Expression) -> Option<&'a ColumnEntry> {
        match expression {
            Expression::Column(name) => self.scope_table(1)?.column(name),
            Expression::Outer(name) => self.scope_table(2)?.column(name),
            _ => None,
        }
    }

    /// Writes `operand` as it compares with `sibling`: a text beside a moment's column is a moment.
    pub(super) fn beside(
        &mut self,
        sibling: &'a Expression,
        operand: &'a Expression,
    ) -> Result<(), Unsupported> {
        let Expression::Value(value) = operand else {
            return self.expression(operand);
        };
        if self.dialect == Dialect::Postgres {
            let kind = self.kind_of(sibling);
            self.typed(value, kind.as_ref());
            return Ok(());
        }
        let kind = self.column_entry(sibling).map(|column| &column.kind);
        let value = match (kind, value) {
            (
                Some(
                    kind @ (Kind::Timestamp { .. }
                    | Kind::Date
                    | Kind::Time
                    | Kind::Uuid
                    | Kind::Boolean
                    | Kind::Interval),
                ),
                Value::Text(text),
            ) => kind.parse_text(text).map_or(Cow::Borrowed(value), Cow::Owned),
            (Some(kind), Value::Text(text)) if range::of_kind(kind).is_some() => {
                kind.parse_text(text).map_or(Cow::Borrowed(value), Cow::Owned)
            }
            // Away from a column a decimal has to be a number, or SQLite would compare it as text.
            (None, Value::Decimal(digits)) => match digits.parse::<f64>() {
                Ok(number) if !self.is_definition => Cow::Owned(Value::Real(number)),
                _ => Cow::Borrowed(value),
            },
            _ => Cow::Borrowed(value),
        };
        self.value(value);
        Ok(())
    }

    pub(super) fn nature(&self, expression: &Expression) -> Nature {
        match expression {
            Expression::Now | Expression::Value(Value::Timestamp(_)) => Nature::Moment,
            Expression::Today | Expression::Value(Value::Date(_)) => Nature::Day,
            Expression::Interval { .. } => Nature::Length,
            Expression::Cast { target, .. } => nature_of(target),
            Expression::Call { function, .. } if function == "date_trunc" => Nature::Moment,
            Expression::Call { function, arguments } if function == "coalesce" => {
                arguments.first().map_or(Nature::Other, |first| self.nature(first))
            }
            Expression::Binary { left, operator: Operator::Add | Operator::Subtract, right } => {
                match (self.nature(left), self.nature(right)) {
                    (Nature::Moment | Nature::Day, Nature::Length)
                    | (Nature::Length, Nature::Moment | Nature::Day) => Nature::Moment,
                    (Nature::Moment, Nature::Moment | Nature::Day)
                    | (Nature::Day, Nature::Moment) => Nature::Length,
                    (Nature::Day, Nature::Other) => Nature::Day,
                    _ => Nature::Other,
                }
            }
            _ => self.column_entry(expression).map_or(Nature::Other, |it| nature_of(&it.kind)),
        }
    }

    fn binary(
        &mut self,
        left: &'a Expression,
        operator: Operator,
        right: &'a Expression,
    ) -> Result<(), Unsupported> {
        if self.dialect == Dialect::Postgres {
            return self.binary_typed(left, operator, right);
        }
        match operator {
            Operator::Add | Operator::Subtract
                if self.moment_arithmetic(left, operator, right)? =>
            {
                return Ok(());
            }
            Operator::ILike => return self.function_of("ilike", left, right),
            Operator::NotILike => return self.function_of("NOT ilike", left, right),
            Operator::MatchesIgnoringCase => return self.function_of("regexp_i", right, left),
            Operator::Contains => return self.function_of("json_contains", left, right),
            Operator::JsonText => {
                self.text.push_str("json_text(");
                self.expression(left)?;
                self.text.push_str(" -> ");
                self.expression(right)?;
                self.text.push(')');
                return Ok(());
            }
            _ => {}
        }
        self.text.push('(');
        if matches!(operator, Operator::And | Operator::Or) {
            self.expression(left)?;
            self.text.push_str(symbol(operator));
            self.expression(right)?;
        } else if is_comparison(operator) && self.ranks(left, right, is_order(operator)) {
            self.ranked_beside(left, right)?;
            self.text.push_str(symbol(operator));
            self.ranked_beside(right, left)?;
        } else {
            self.beside(right, left)?;
            self.text.push_str(symbol(operator));
            self.beside(left, right)?;
        }
        if matches!(operator, Operator::Like | Operator::NotLike) {
            self.text.push_str(" ESCAPE '\\'");
        }
        self.text.push(')');
        Ok(())
    }

    fn ranked_kind(&self, expression: &Expression) -> Option<&'a Kind> {
        let kind = self.column_entry(expression).map(|column| &column.kind);
        kind.filter(|kind| rank::is_ranked(kind) && !self.is_definition)
    }

    /// True where both sides are compared by their ranks: a column whose text does not sort as its
    /// values do, beside a constant or another such column. Words are equal where their texts are.
    fn ranks(&self, left: &Expression, right: &Expression, orders: bool) -> bool {
        let fits = |column: &Expression, other: &Expression| {
            let kind = self.ranked_kind(column);
            let is_text = matches!(other, Expression::Value(Value::Text(_)));
            kind.is_some_and(|kind| orders || *kind == Kind::Interval)
                && (is_text || self.ranked_kind(other) == kind)
        };
        fits(left, right) || fits(right, left)
    }

    /// An expression as it sorts.
    pub(super) fn ranked(&mut self, expression: &'a Expression) -> Result<(), Unsupported> {
        match self.ranked_kind(expression) {
            Some(Kind::Enum { values, .. }) => {
                self.text.push_str("(CASE ");
                self.expression(expression)?;
                for (place, value) in values.iter().enumerate() {
                    self.text.push_str(" WHEN ");
                    super::write_text_literal(value, &mut self.text);
                    self.text.push_str(" THEN ");
                    self.text.push_str(itoa::Buffer::new().format(place));
                }
                self.text.push_str(" END)");
                Ok(())
            }
            Some(kind) => {
                match (kind, range::of_kind(kind)) {
                    (_, Some(kind)) => {
                        self.text.push_str("rank_range('");
                        self.text.push_str(kind);
                        self.text.push_str("', ");
                    }
                    (Kind::Network, None) => self.text.push_str("rank_network("),
                    _ => self.text.push_str("rank_interval("),
                }
                self.expression(expression)?;
                self.text.push(')');
                Ok(())
            }
            None => self.expression(expression),
        }
    }

    /// The same for one side of a comparison, where the other may be a constant.
    fn ranked_beside(
        &mut self,
        operand: &'a Expression,
        sibling: &'a Expression,
    ) -> Result<(), Unsupported> {
        match (operand, self.ranked_kind(sibling)) {
            (Expression::Value(Value::Text(text)), Some(kind)) => {
                self.value(Cow::Owned(rank::of(kind, text).unwrap_or(Value::Null)));
                Ok(())
            }
            _ => self.ranked(operand),
        }
    }

    pub(super) fn function_of(
        &mut self,
        function: &str,
        first: &'a Expression,
        second: &'a Expression,
    ) -> Result<(), Unsupported> {
        self.text.push('(');
        self.text.push_str(function);
        self.text.push('(');
        self.expression(first)?;
        self.text.push_str(", ");
        self.expression(second)?;
        self.text.push_str("))");
        Ok(())
    }

    /// Sums and differences of moments, days and lengths of time. False where neither side is one.
    fn moment_arithmetic(
        &mut self,
        left: &'a Expression,
        operator: Operator,
        right: &'a Expression,
    ) -> Result<bool, Unsupported> {
        use Nature::{Day, Length, Moment, Other};
        let subtracts = operator == Operator::Subtract;
        let (moment, length) = match (self.nature(left), self.nature(right)) {
            (Moment | Day, Length) => (left, right),
            (Length, Moment | Day) if !subtracts => (right, left),
            (Moment, Moment | Day) | (Day, Moment) if subtracts => {
                self.function_of("seconds_between", right, left)?;
                return Ok(true);
            }
            (Day, Day) if subtracts => {
                self.function_of("days_between", right, left)?;
                return Ok(true);
            }
            (Day, Other) => {
                self.text.push_str("add_days(");
                self.expression(left)?;
                self.text.push_str(if subtracts { ", - " } else { ", " });
                self.expression(right)?;
                self.text.push(')');
                return Ok(true);
            }
            _ => return Ok(false),
        };
        self.text.push_str(if subtracts { "subtract_seconds(" } else { "add_seconds(" });
        self.expression(moment)?;
        self.text.push_str(", ");
        self.expression(length)?;
        self.text.push(')');
        Ok(true)
    }

    fn in_list(
        &mut self,
        operand: &'a Expression,
        list: &'a [Expression],
        negated: bool,
    ) -> Result<(), Unsupported> {
        if list.is_empty() {
            self.truth(negated);
            return Ok(());
        }
        let ranks = self.dialect == Dialect::Sqlite
            && list.iter().all(|item| self.ranks(operand, item, false));
        self.text.push('(');
        if ranks {
            self.ranked(operand)?
        } else {
            self.expression(operand)?
        }
        self.text.push_str(if negated { " NOT IN (" } else { " IN (" });
        for (place, item) in list.iter().enumerate() {
            if place > 0 {
                self.text.push_str(", ");
            }
            if ranks { self.ranked_beside(item, operand)? } else { self.beside(operand, item)? }
        }
        self.text.push_str("))");
        Ok(())
    }

    fn sub_select(&mut self, expression: &'a Expression) -> Result<(), Unsupported> {
        let (table, condition) = match expression {
            Expression::InSelect { operand, table, condition, column } => {
                self.text.push('(');
                match (&**operand, self.dialect) {
                    (Expression::Value(value), Dialect::Postgres) => {
                        let inner = self.catalog.table(table).and_then(|it| it.column(column));
                        self.typed(value, inner.map(|column| &column.kind));
                    }
                    (operand, _) => self.expression(operand)?,
                }
                self.text.push_str(" IN (SELECT ");
                (table, condition)
            }
            Expression::Exists { table, condition } => {
                self.text.push_str("(EXISTS (SELECT ");
                (table, condition)
            }
            _ => return Ok(()),
        };
        if self.is_definition {
            return Err(Unsupported("a sub-select cannot stand in a definition".to_owned()));
        }
        let alias = self.enter(table);
        match expression {
            Expression::InSelect { column, .. } => self.column(column, 1),
            _ => self.text.push('1'),
        }
        self.text.push_str(" FROM ");
        self.identifier(table);
        self.text.push_str(" AS t");
        self.text.push_str(itoa::Buffer::new().format(alias));
        self.text.push_str(" WHERE ");
        self.expression(condition)?;
        self.leave();
        self.text.push_str("))");
        Ok(())
    }

    fn case(
        &mut self,
        branches: &'a [(Expression, Expression)],
        otherwise: Option<&'a Expression>,
    ) -> Result<(), Unsupported> {
        self.text.push_str("(CASE");
        for (condition, value) in branches {
            self.text.push_str(" WHEN ");
            self.expression(condition)?;
            self.text.push_str(" THEN ");
            self.expression(value)?;
        }
        if let Some(otherwise) = otherwise {
            self.text.push_str(" ELSE ");
            self.expression(otherwise)?;
        }
        self.text.push_str(" END)");
        Ok(())
    }

    fn search(&mut self, columns: &[String], words: &'a str) {
        self.text.push_str("search_words(");
        self.value(Cow::Owned(Value::Text(words.to_owned())));
        for column in columns {
            self.text.push_str(", ");
            self.column(column, 1);
        }
        self.text.push(')');
    }
}

fn is_comparison(operator: Operator) -> bool {
    is_order(operator) || matches!(operator, Operator::Equal | Operator::NotEqual)
}

fn is_order(operator: Operator) -> bool {
    use Operator::{Greater, GreaterOrEqual, Less, LessOrEqual};
    matches!(operator, Less | LessOrEqual | Greater | GreaterOrEqual)
}

fn nature_of(kind: &Kind) -> Nature {
    match kind {
        Kind::Timestamp { .. } => Nature::Moment,
        Kind::Date => Nature::Day,
        Kind::Interval => Nature::Length,
        _ => Nature::Other,
    }
}

pub(super) fn symbol(operator: Operator) -> &'static str {
    match operator {
        Operator::And => " AND ",
        Operator::Or => " OR ",
        Operator::Equal => " = ",
        Operator::NotEqual => " <> ",
        Operator::Less => " < ",
        Operator::LessOrEqual => " <= ",
        Operator::Greater => " > ",
        Operator::GreaterOrEqual => " >= ",
        Operator::Add => " + ",
        Operator::Subtract => " - ",
        Operator::Multiply => " * ",
        Operator::Divide => " / ",
        Operator::Modulo => " % ",
        Operator::Concatenate => " || ",
        Operator::Like => " LIKE ",
        Operator::NotLike => " NOT LIKE ",
        Operator::Matches => " REGEXP ",
        Operator::NotMatches => " NOT REGEXP ",
        Operator::JsonField => " -> ",
        // These are written as functions before a symbol is asked for.
        Operator::ILike
        | Operator::NotILike
        | Operator::MatchesIgnoringCase
        | Operator::JsonText
        | Operator::Contains => " = ",
    }
}
