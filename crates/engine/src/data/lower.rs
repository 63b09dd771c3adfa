//! From the document's expressions to the store's, for one principal: constants take their
//! column's kind, and what is said about whoever asks becomes values.

use document::{
    data::Data,
    expression::{Expression as Said, Literal, Operator as SaidOperator, PrincipalProperty},
};
use store::{Expression, Kind, Operator, Value};

use super::{schema::kind_of, truth};
use crate::{Principal, security::User};

/// Where users live, for conditions over the principal's own row.
#[derive(Debug, Clone)]
pub(crate) struct Users {
    /// The table.
    pub(crate) table: String,
    /// Its key column.
    pub(crate) key: String,
}

/// What an expression is lowered for.
pub(crate) struct Lowering<'a> {
    data: &'a Data,
    /// Tables from the outermost to the nearest.
    tables: Vec<&'a str>,
    asker: Option<(&'a Principal, &'a Users)>,
}

impl<'a> Lowering<'a> {
    /// For a schema: nobody asks, and what is said about a principal has no meaning.
    pub(crate) fn schema(data: &'a Data, table: &'a str) -> Self {
        Self { data, tables: vec![table], asker: None }
    }

    /// For a condition over rows of `table`.
    pub(crate) fn request(
        data: &'a Data,
        table: &'a str,
        principal: &'a Principal,
        users: &'a Users,
    ) -> Self {
        Self { data, tables: vec![table], asker: Some((principal, users)) }
    }

    /// The store's form; none where it has none.
    pub(crate) fn lower(&self, said: &'a Said) -> Option<Expression> {
        Some(match said {
            Said::Column { name } => Expression::Column(name.clone()),
            Said::Outer { name } => Expression::Outer(name.clone()),
            Said::Literal { literal: value } => Expression::Value(literal(value, None)),
            Said::Principal { property } => Expression::Value(self.property(property)?),
            Said::Now => Expression::Now,
            Said::Today => Expression::Today,
            Said::Not { operand } => truth::not(self.lower(operand)?),
            Said::Negate { operand } => Expression::Negate(Box::new(self.lower(operand)?)),
            Said::Binary { left, operator, right } => self.binary(left, *operator, right)?,
            Said::IsNull { operand, negated } => truth::is_null(self.lower(operand)?, *negated),
            Said::In { operand, list, negated } => self.list(operand, list, *negated)?,
            Said::InSelect { operand, column, table, condition } => Expression::InSelect {
                operand: Box::new(self.lower(operand)?),
                column: column.clone(),
                table: table.clone(),
                condition: Box::new(self.inside(table).lower(condition)?),
            },
            Said::Exists { table, condition } => Expression::Exists {
                table: table.clone(),
                condition: Box::new(self.inside(table).lower(condition)?),
            },
            Said::Between { operand, low, high, negated } => Expression::Between {
                low: Box::new(self.beside(low, operand)?),
                high: Box::new(self.beside(high, operand)?),
                operand: Box::new(self.lower(operand)?),
                negated: *negated,
            },
            Said::Call { function, arguments } => Expression::Call {
                function: function.clone(),
                arguments: arguments.iter().map(|one| self.lower(one)).collect::<Option<_>>()?,
            },
            Said::Cast { operand, target } => Expression::Cast {
                operand: Box::new(self.lower(operand)?),
                target: kind_of(target, self.data),
            },
            Said::Interval { seconds } => Expression::Interval { seconds: *seconds },
            Said::Case { branches, otherwise } => self.case(branches, otherwise.as_deref())?,
        })
    }

    fn inside(&self, table: &'a str) -> Self {
        let mut tables = self.tables.clone();
        tables.push(table);
        Self { data: self.data, tables, asker: self.asker }
    }

    fn case(
        &self,
        branches: &'a [(Said, Said)],
        otherwise: Option<&'a Said>,
    ) -> Option<Expression> {
        let mut lowered = Vec::with_capacity(branches.len());
        for (condition, result) in branches {
            lowered.push((self.lower(condition)?, self.lower(result)?));
        }
        let otherwise = match otherwise {
            Some(result) => Some(Box::new(self.lower(result)?)),
            None => None,
        };
        Some(Expression::Case { branches: lowered, otherwise })
    }

    fn binary(
        &self,
        left: &'a Said,
        operator: SaidOperator,
        right: &'a Said,
    ) -> Option<Expression> {
        match operator {
            SaidOperator::And => return Some(truth::and(self.lower(left)?, self.lower(right)?)),
            SaidOperator::Or => return Some(truth::or(self.lower(left)?, self.lower(right)?)),
            _ => {}
        }
        let operator_lowered = lower_operator(operator);
        match (principal_in(left), principal_in(right)) {
            (Some(PrincipalProperty::Role), _) => return self.role(operator, right),
            (_, Some(PrincipalProperty::Role)) => return self.role(operator, left),
            (Some(PrincipalProperty::Column(column)), _) => {
                return self
                    .own_row(column, right, |own, other| own.binary(operator_lowered, other));
            }
            (_, Some(PrincipalProperty::Column(column))) => {
                return self
                    .own_row(column, left, |own, other| other.binary(operator_lowered, own));
            }
            _ => {}
        }
        let sides_compare = !matches!(
            operator,
            SaidOperator::JsonField | SaidOperator::JsonText | SaidOperator::Concatenate
        );
        let (left, right) = match sides_compare {
            true => (self.beside(left, right)?, self.beside(right, left)?),
            false => (self.lower(left)?, self.lower(right)?),
        };
        Some(truth::compare(left, operator_lowered, right))
    }

    /// `role = 'x'` holds where any of the principal's roles is `x`.
    fn role(&self, operator: SaidOperator, other: &'a Said) -> Option<Expression> {
        let (principal, _) = self.asker?;
        let negated = match operator {
            SaidOperator::Equal => false,
            SaidOperator::NotEqual => true,
            _ => return None,
        };
        let roles: &[String] = principal.user().map_or(&[], |user| &user.roles);
        let list = roles.iter().map(|role| Value::Text(role.clone()).into()).collect();
        Some(truth::member_of(self.lower(other)?, list, negated))
    }

    /// A comparison with another column of the principal's own row.
    fn own_row(
        &self,
        column: &str,
        other: &'a Said,
        compare: impl FnOnce(Expression, Expression) -> Expression,
    ) -> Option<Expression> {
        let (principal, users) = self.asker?;
        let Some(user) = principal.user() else { return Some(Expression::Value(Value::Null)) };
        let own_key = Expression::column(users.key.as_str()).equals(user.id.clone());
        let compared =
            compare(Expression::column(column), truth::seen_from_inside(self.lower(other)?)?);
        Some(Expression::Exists {
            table: users.table.clone(),
            condition: Box::new(own_key.and(compared)),
        })
    }

    fn list(&self, operand: &'a Said, list: &'a [Said], negated: bool) -> Option<Expression> {
        if principal_in(operand) == Some(&PrincipalProperty::Role) {
            let mut any = Expression::Always(false);
            for one in list {
                any = truth::or(any, self.role(SaidOperator::Equal, one)?);
            }
            return Some(if negated { truth::not(any) } else { any });
        }
        let list = list.iter().map(|one| self.beside(one, operand)).collect::<Option<_>>()?;
        Some(truth::member_of(self.lower(operand)?, list, negated))
    }

    /// An expression that is compared with `other`: constants and the principal's key take the
    /// kind of the column they are compared with.
    fn beside(&self, said: &'a Said, other: &'a Said) -> Option<Expression> {
        let Some(kind) = self.kind(other) else { return self.lower(said) };
        Some(match said {
            Said::Literal { literal: value } => Expression::Value(literal(value, Some(&kind))),
            Said::Principal { property } => {
                Expression::Value(fitting(self.property(property)?, &kind))
            }
            _ => self.lower(said)?,
        })
    }

    /// What a plain column holds.
    fn kind(&self, said: &Said) -> Option<Kind> {
        let depth = self.tables.len();
        let (table, name) = match said {
            Said::Column { name } => (self.tables.last()?, name),
            Said::Outer { name } => (self.tables.get(depth.checked_sub(2)?)?, name),
            _ => return None,
        };
        Some(kind_of(&self.data.table(table)?.column(name)?.kind, self.data))
    }

    fn property(&self, property: &PrincipalProperty) -> Option<Value> {
        let (principal, _) = self.asker?;
        let of_user = |value: fn(&User) -> Value| principal.user().map_or(Value::Null, value);
        Some(match property {
            PrincipalProperty::Id => of_user(|user| user.id.clone()),
            PrincipalProperty::Email => {
                of_user(|user| user.login.clone().map_or(Value::Null, Value::Text))
            }
            PrincipalProperty::Role | PrincipalProperty::Column(_) => return None,
        })
    }
}

fn principal_in(said: &Said) -> Option<&PrincipalProperty> {
    match said {
        Said::Principal { property } => Some(property),
        Said::Cast { operand, .. } => principal_in(operand),
        _ => None,
    }
}

/// A constant as a value of `kind`, or of the kind it looks like.
pub(crate) fn literal(literal: &Literal, kind: Option<&Kind>) -> Value {
    match (literal, kind) {
        (Literal::Null, _) => Value::Null,
        (Literal::Boolean(truth), Some(Kind::Boolean) | None) => Value::Boolean(*truth),
        (Literal::Boolean(truth), Some(kind)) => {
            let digit = if *truth { "1" } else { "0" };
            kind.parse_text(digit).unwrap_or(Value::Boolean(*truth))
        }
        (Literal::Number(digits) | Literal::Text(digits), Some(kind)) => {
            kind.parse_text(digits).unwrap_or_else(|_| plain(literal))
        }
        (_, None) => plain(literal),
    }
}

fn plain(literal: &Literal) -> Value {
    match literal {
        Literal::Null => Value::Null,
        Literal::Boolean(truth) => Value::Boolean(*truth),
        Literal::Number(digits) => match digits.parse() {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Decimal(digits.clone()),
        },
        Literal::Text(text) => Value::Text(text.clone()),
    }
}

/// A value in the kind of the column that it is compared with, such as a UUID kept as text.
pub(crate) fn fitting(value: Value, kind: &Kind) -> Value {
    let text = match (&value, kind) {
        (Value::Uuid(uuid), Kind::Uuid) => return Value::Uuid(*uuid),
        (Value::Uuid(uuid), _) => uuid.to_string(),
        (Value::Integer(_), Kind::Integer { .. } | Kind::Serial { .. }) => return value,
        (Value::Integer(number), _) => number.to_string(),
        (Value::Text(text), Kind::Uuid | Kind::Integer { .. } | Kind::Serial { .. }) => {
            text.clone()
        }
        _ => return value,
    };
    kind.parse_text(&text).unwrap_or(value)
}

fn lower_operator(operator: SaidOperator) -> Operator {
    match operator {
        SaidOperator::And => Operator::And,
        SaidOperator::Or => Operator::Or,
        SaidOperator::Equal => Operator::Equal,
        SaidOperator::NotEqual => Operator::NotEqual,
        SaidOperator::Less => Operator::Less,
        SaidOperator::LessOrEqual => Operator::LessOrEqual,
        SaidOperator::Greater => Operator::Greater,
        SaidOperator::GreaterOrEqual => Operator::GreaterOrEqual,
        SaidOperator::Add => Operator::Add,
        SaidOperator::Subtract => Operator::Subtract,
        SaidOperator::Multiply => Operator::Multiply,
        SaidOperator::Divide => Operator::Divide,
        SaidOperator::Modulo => Operator::Modulo,
        SaidOperator::Concatenate => Operator::Concatenate,
        SaidOperator::Like => Operator::Like,
        SaidOperator::NotLike => Operator::NotLike,
        SaidOperator::ILike => Operator::ILike,
        SaidOperator::NotILike => Operator::NotILike,
        SaidOperator::Matches => Operator::Matches,
        SaidOperator::MatchesIgnoringCase => Operator::MatchesIgnoringCase,
        SaidOperator::NotMatches => Operator::NotMatches,
        SaidOperator::JsonField => Operator::JsonField,
        SaidOperator::JsonText => Operator::JsonText,
        SaidOperator::Contains => Operator::Contains,
    }
}
