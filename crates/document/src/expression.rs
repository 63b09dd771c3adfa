//! Conditions and scalar expressions: the one typed form of CHECKs, partial indexes, generated
//! columns, row policies and owner rules. A subset of SQL, so that both stores can run it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::data::ColumnType;

/// A constant written in the document. Numbers keep their digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum Literal {
    /// `NULL`.
    Null,
    /// `TRUE` or `FALSE`.
    Boolean(bool),
    /// A number as written, such as `10.50`.
    Number(String),
    /// A string without its quotes.
    Text(String),
}

/// A property of whoever asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "property", content = "name")]
pub enum PrincipalProperty {
    /// The user's key (`auth.uid()`); NULL for anonymous.
    Id,
    /// One of the user's roles; compares true where any role matches.
    Role,
    /// The user's e-mail address.
    Email,
    /// Another column of the user's own row.
    Column(String),
}

/// Operators with two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
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
    /// `||`
    Concatenate,
    Like,
    NotLike,
    /// Case-insensitive `LIKE`.
    ILike,
    NotILike,
    /// `~`, a POSIX regular expression.
    Matches,
    /// `~*`
    MatchesIgnoringCase,
    /// `!~`
    NotMatches,
    /// `->`
    JsonField,
    /// `->>`
    JsonText,
    /// `@>`
    Contains,
}

/// A scalar expression or condition over the columns of one row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "node")]
pub enum Expression {
    /// A column of the row at hand.
    Column {
        /// Its name.
        name: String,
    },
    /// Inside [`Expression::InSelect`] or [`Expression::Exists`]: a column of the outer row.
    Outer {
        /// Its name.
        name: String,
    },
    /// A constant.
    Literal {
        /// Its value.
        literal: Literal,
    },
    /// Something about whoever asks.
    Principal {
        /// Which property.
        property: PrincipalProperty,
    },
    /// The time of the statement.
    Now,
    /// Today, in UTC.
    Today,
    /// Logical `NOT`.
    Not {
        /// What is negated.
        operand: Box<Expression>,
    },
    /// Arithmetic minus.
    Negate {
        /// What is negated.
        operand: Box<Expression>,
    },
    /// `left operator right`.
    Binary {
        /// Left side.
        left: Box<Expression>,
        /// What joins them.
        operator: Operator,
        /// Right side.
        right: Box<Expression>,
    },
    /// `IS NULL`, or `IS NOT NULL` where `negated`.
    IsNull {
        /// What is tested.
        operand: Box<Expression>,
        /// `IS NOT NULL`.
        negated: bool,
    },
    /// `operand IN (list)`.
    In {
        /// What is looked for.
        operand: Box<Expression>,
        /// Where it is looked for; an empty list is false.
        list: Vec<Expression>,
        /// `NOT IN`.
        negated: bool,
    },
    /// `operand IN (SELECT column FROM table WHERE condition)`.
    InSelect {
        /// What is looked for.
        operand: Box<Expression>,
        /// The column selected.
        column: String,
        /// The table it is selected from.
        table: String,
        /// Which of its rows count.
        condition: Box<Expression>,
    },
    /// `EXISTS (SELECT 1 FROM table WHERE condition)`.
    Exists {
        /// The table searched.
        table: String,
        /// Which of its rows count; `Outer` names columns of the row at hand.
        condition: Box<Expression>,
    },
    /// `operand BETWEEN low AND high`.
    Between {
        /// What is tested.
        operand: Box<Expression>,
        /// Lowest value allowed.
        low: Box<Expression>,
        /// Highest value allowed.
        high: Box<Expression>,
        /// `NOT BETWEEN`.
        negated: bool,
    },
    /// A call of a function that both stores have, by its PostgreSQL name in lower case.
    Call {
        /// Such as `length`, `lower`, `coalesce`, `date_trunc`.
        function: String,
        /// The arguments.
        arguments: Vec<Expression>,
    },
    /// `CAST(operand AS type)`.
    Cast {
        /// What is cast.
        operand: Box<Expression>,
        /// To which type.
        target: ColumnType,
    },
    /// `INTERVAL '24 hours'`, in seconds.
    Interval {
        /// Length in seconds.
        seconds: i64,
    },
    /// `CASE WHEN … THEN … ELSE … END`.
    Case {
        /// Conditions with their results.
        branches: Vec<(Expression, Expression)>,
        /// The result where no condition holds.
        otherwise: Option<Box<Expression>>,
    },
}

impl Expression {
    /// A column by name.
    pub fn column(name: impl Into<String>) -> Self {
        Expression::Column { name: name.into() }
    }

    /// A text constant.
    pub fn text(value: impl Into<String>) -> Self {
        Expression::Literal { literal: Literal::Text(value.into()) }
    }

    /// `self operator right`.
    pub fn binary(self, operator: Operator, right: Expression) -> Self {
        Expression::Binary { left: Box::new(self), operator, right: Box::new(right) }
    }

    /// `self = right`.
    pub fn equals(self, right: Expression) -> Self {
        self.binary(Operator::Equal, right)
    }

    /// The key of whoever asks.
    pub fn principal_id() -> Self {
        Expression::Principal { property: PrincipalProperty::Id }
    }
}
