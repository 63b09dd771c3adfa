//! Conditions and scalar expressions as values; written as SQL for the store at hand. Values travel
//! as parameters, never as text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Kind, Value};

/// Operators with two sides, PostgreSQL's meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is its SQL namesake")]
pub enum Operator {
    And,
    Or,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Concatenate,
    Like,
    NotLike,
    ILike,
    NotILike,
    Matches,
    MatchesIgnoringCase,
    NotMatches,
    JsonField,
    JsonText,
    Contains,
}

/// A scalar expression or condition over the columns of one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is its SQL namesake")]
pub enum Expression {
    /// A column of the nearest table.
    Column(String),
    /// Inside a sub-select: a column of the table around it.
    Outer(String),
    /// A value; a parameter in queries, a literal in DDL.
    Value(Value),
    /// A constant truth.
    Always(bool),
    /// The time of the statement.
    Now,
    /// Today in UTC.
    Today,
    Not(Box<Expression>),
    Negate(Box<Expression>),
    Binary {
        left: Box<Expression>,
        operator: Operator,
        right: Box<Expression>,
    },
    IsNull {
        operand: Box<Expression>,
        negated: bool,
    },
    /// An empty list is false (true where negated).
    In {
        operand: Box<Expression>,
        list: Vec<Expression>,
        negated: bool,
    },
    InSelect {
        operand: Box<Expression>,
        column: String,
        table: String,
        condition: Box<Expression>,
    },
    Exists {
        table: String,
        condition: Box<Expression>,
    },
    Between {
        operand: Box<Expression>,
        low: Box<Expression>,
        high: Box<Expression>,
        negated: bool,
    },
    /// PostgreSQL's name in lower case.
    Call {
        function: String,
        arguments: Vec<Expression>,
    },
    Cast {
        operand: Box<Expression>,
        target: Kind,
    },
    /// A length of time in seconds, for arithmetic with moments.
    Interval {
        seconds: i64,
    },
    Case {
        branches: Vec<(Expression, Expression)>,
        otherwise: Option<Box<Expression>>,
    },
    /// Text search: any of the columns contains the words, without case.
    Search {
        columns: Vec<String>,
        words: String,
    },
}

impl Expression {
    /// A column.
    pub fn column(name: impl Into<String>) -> Self {
        Expression::Column(name.into())
    }

    /// The same over columns with other names: `columns` gives the new names by the old ones.
    /// Sub-selects are over other tables and stay as they are.
    #[must_use]
    pub(crate) fn with_columns_renamed(self, columns: &BTreeMap<String, String>) -> Self {
        let inner = |operand: Box<Expression>| Box::new(operand.with_columns_renamed(columns));
        let all = |list: Vec<Expression>| {
            list.into_iter().map(|item| item.with_columns_renamed(columns)).collect()
        };
        match self {
            Expression::Column(name) => {
                Expression::Column(columns.get(&name).cloned().unwrap_or(name))
            }
            Expression::Not(operand) => Expression::Not(inner(operand)),
            Expression::Negate(operand) => Expression::Negate(inner(operand)),
            Expression::Binary { left, operator, right } => {
                Expression::Binary { left: inner(left), operator, right: inner(right) }
            }
            Expression::IsNull { operand, negated } => {
                Expression::IsNull { operand: inner(operand), negated }
            }
            Expression::In { operand, list, negated } => {
                Expression::In { operand: inner(operand), list: all(list), negated }
            }
            Expression::Between { operand, low, high, negated } => Expression::Between {
                operand: inner(operand),
                low: inner(low),
                high: inner(high),
                negated,
            },
            Expression::Call { function, arguments } => {
                Expression::Call { function, arguments: all(arguments) }
            }
            Expression::Cast { operand, target } => {
                Expression::Cast { operand: inner(operand), target }
            }
            Expression::Case { branches, otherwise } => Expression::Case {
                branches: branches
                    .into_iter()
                    .map(|(condition, value)| {
                        (
                            condition.with_columns_renamed(columns),
                            value.with_columns_renamed(columns),
                        )
                    })
                    .collect(),
                otherwise: otherwise.map(inner),
            },
            other => other,
        }
    }

    /// `self operator right`.
    pub fn binary(self, operator: Operator, right: Expression) -> Self {
        Expression::Binary { left: Box::new(self), operator, right: Box::new(right) }
    }

    /// `self = right`.
    pub fn equals(self, right: impl Into<Expression>) -> Self {
        self.binary(Operator::Equal, right.into())
    }

    /// `self AND right`, dropping constant truths.
    pub fn and(self, right: Expression) -> Self {
        match (self, right) {
            (Expression::Always(true), other) | (other, Expression::Always(true)) => other,
            (Expression::Always(false), _) | (_, Expression::Always(false)) => {
                Expression::Always(false)
            }
            (left, right) => left.binary(Operator::And, right),
        }
    }

    /// `self OR right`, dropping constant falsehoods.
    pub fn or(self, right: Expression) -> Self {
        match (self, right) {
            (Expression::Always(false), other) | (other, Expression::Always(false)) => other,
            (Expression::Always(true), _) | (_, Expression::Always(true)) => {
                Expression::Always(true)
            }
            (left, right) => left.binary(Operator::Or, right),
        }
    }
}

impl From<Value> for Expression {
    fn from(value: Value) -> Self {
        Expression::Value(value)
    }
}
