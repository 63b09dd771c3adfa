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

impl Expression {
    /// The columns of the row at hand that it reads; those inside sub-selects are left out,
    /// except the ones that they name as outer.
    pub fn columns(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.gather_columns(&mut found, false);
        found
    }

    fn gather_columns<'a>(&'a self, found: &mut Vec<&'a str>, is_inner: bool) {
        match self {
            Expression::Column { name } if !is_inner => found.push(name),
            Expression::Outer { name } if is_inner => found.push(name),
            Expression::InSelect { operand, condition, .. } => {
                operand.gather_columns(found, is_inner);
                condition.gather_columns(found, true);
            }
            Expression::Exists { condition, .. } => condition.gather_columns(found, true),
            _ => {
                for part in self.parts() {
                    part.gather_columns(found, is_inner);
                }
            }
        }
    }

    /// The expressions directly inside, conditions of sub-selects included.
    pub fn parts(&self) -> Vec<&Expression> {
        match self {
            Expression::Not { operand }
            | Expression::Negate { operand }
            | Expression::IsNull { operand, .. }
            | Expression::Cast { operand, .. } => vec![operand],
            Expression::InSelect { operand, condition, .. } => vec![operand, condition],
            Expression::Binary { left, right, .. } => vec![left, right],
            Expression::In { operand, list, .. } => {
                std::iter::once(operand.as_ref()).chain(list).collect()
            }
            Expression::Between { operand, low, high, .. } => vec![operand, low, high],
            Expression::Call { arguments, .. } => arguments.iter().collect(),
            Expression::Case { branches, otherwise } => branches
                .iter()
                .flat_map(|(condition, result)| [condition, result])
                .chain(otherwise.as_deref())
                .collect(),
            Expression::Exists { condition, .. } => vec![condition],
            Expression::Column { .. }
            | Expression::Outer { .. }
            | Expression::Literal { .. }
            | Expression::Principal { .. }
            | Expression::Now
            | Expression::Today
            | Expression::Interval { .. } => Vec::new(),
        }
    }

    /// Gives a column another name, also where it is named as outer.
    pub fn rename_column(&mut self, old: &str, new: &str) {
        match self {
            Expression::Column { name } | Expression::Outer { name } => {
                if name == old {
                    new.clone_into(name);
                }
            }
            Expression::Not { operand }
            | Expression::Negate { operand }
            | Expression::IsNull { operand, .. }
            | Expression::Cast { operand, .. }
            | Expression::InSelect { operand, .. } => operand.rename_column(old, new),
            Expression::Binary { left, right, .. } => {
                left.rename_column(old, new);
                right.rename_column(old, new);
            }
            Expression::In { operand, list, .. } => {
                operand.rename_column(old, new);
                list.iter_mut().for_each(|value| value.rename_column(old, new));
            }
            Expression::Between { operand, low, high, .. } => {
                for part in [operand, low, high] {
                    part.rename_column(old, new);
                }
            }
            Expression::Call { arguments, .. } => {
                arguments.iter_mut().for_each(|argument| argument.rename_column(old, new));
            }
            Expression::Case { branches, otherwise } => {
                for (condition, result) in branches {
                    condition.rename_column(old, new);
                    result.rename_column(old, new);
                }
                if let Some(otherwise) = otherwise {
                    otherwise.rename_column(old, new);
                }
            }
            Expression::Exists { .. }
            | Expression::Literal { .. }
            | Expression::Principal { .. }
            | Expression::Now
            | Expression::Today
            | Expression::Interval { .. } => {}
        }
    }

    /// The texts that a condition of the form `column IN ('a', 'b')` allows, with the column.
    pub fn value_set(&self) -> Option<(&str, Vec<&str>)> {
        match self {
            Expression::In { operand, list, negated: false } => {
                let Expression::Column { name } = operand.as_ref() else { return None };
                let values = list.iter().map(Expression::as_text).collect::<Option<Vec<_>>>()?;
                (!values.is_empty()).then_some((name, values))
            }
            // `column IS NULL OR column IN (…)`.
            Expression::Binary { left, operator: Operator::Or, right } => {
                match (left.as_ref(), right.as_ref()) {
                    (Expression::IsNull { negated: false, .. }, set)
                    | (set, Expression::IsNull { negated: false, .. }) => set.value_set(),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The text of a text constant.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Expression::Literal { literal: Literal::Text(text) } => Some(text),
            _ => None,
        }
    }

    /// The expressions directly inside this one, for changing.
    pub(crate) fn parts_mut(&mut self) -> Vec<&mut Expression> {
        match self {
            Expression::Not { operand }
            | Expression::Negate { operand }
            | Expression::IsNull { operand, .. }
            | Expression::Cast { operand, .. } => vec![operand],
            Expression::Binary { left, right, .. } => vec![left, right],
            Expression::In { operand, list, .. } => {
                let mut parts: Vec<&mut Expression> = vec![operand];
                parts.extend(list.iter_mut());
                parts
            }
            Expression::InSelect { operand, condition, .. } => vec![operand, condition],
            Expression::Exists { condition, .. } => vec![condition],
            Expression::Between { operand, low, high, .. } => vec![operand, low, high],
            Expression::Call { arguments, .. } => arguments.iter_mut().collect(),
            Expression::Case { branches, otherwise } => {
                let mut parts = Vec::new();
                for (condition, result) in branches.iter_mut() {
                    parts.push(condition);
                    parts.push(result);
                }
                parts.extend(otherwise.as_deref_mut());
                parts
            }
            Expression::Column { .. }
            | Expression::Outer { .. }
            | Expression::Literal { .. }
            | Expression::Principal { .. }
            | Expression::Now
            | Expression::Today
            | Expression::Interval { .. } => Vec::new(),
        }
    }
}
