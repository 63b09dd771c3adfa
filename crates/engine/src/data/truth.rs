//! Conditions with constants worked out, in SQL's logic of three values: what is decided before
//! the store is asked costs nothing there, and a rule that no row can meet is seen at once.

use std::sync::Arc;

use store::{Expression, Operator, Value};

/// True, false, unknown, or not decided here.
fn decided(expression: &Expression) -> Option<Option<bool>> {
    match expression {
        Expression::Always(truth) | Expression::Value(Value::Boolean(truth)) => Some(Some(*truth)),
        Expression::Value(Value::Null) => Some(None),
        _ => None,
    }
}

const UNKNOWN: Expression = Expression::Value(Value::Null);

/// True where a condition is `part` already, or joins it with others by this operator. Two endpoints
/// of an owner say the same of a row: said once, an index serves it.
fn says(whole: &Expression, operator: Operator, part: &Expression) -> bool {
    match whole {
        Expression::Binary { left, operator: own, right } if *own == operator => {
            whole == part || says(left, operator, part) || says(right, operator, part)
        }
        _ => whole == part,
    }
}

/// `left AND right`.
pub(crate) fn and(left: Expression, right: Expression) -> Expression {
    match (decided(&left), decided(&right)) {
        (Some(Some(false)), _) | (_, Some(Some(false))) => Expression::Always(false),
        (Some(Some(true)), _) => right,
        (_, Some(Some(true))) => left,
        (Some(None), Some(None)) => UNKNOWN,
        _ if says(&left, Operator::And, &right) => left,
        _ => left.binary(Operator::And, right),
    }
}

/// `left OR right`.
pub(crate) fn or(left: Expression, right: Expression) -> Expression {
    match (decided(&left), decided(&right)) {
        (Some(Some(true)), _) | (_, Some(Some(true))) => Expression::Always(true),
        (Some(Some(false)), _) => right,
        (_, Some(Some(false))) => left,
        (Some(None), Some(None)) => UNKNOWN,
        _ if says(&left, Operator::Or, &right) => left,
        _ => left.binary(Operator::Or, right),
    }
}

/// `NOT operand`.
pub(crate) fn not(operand: Expression) -> Expression {
    match decided(&operand) {
        Some(Some(truth)) => Expression::Always(!truth),
        Some(None) => UNKNOWN,
        None => Expression::Not(Box::new(operand)),
    }
}

/// `operand IS NULL`, or `IS NOT NULL`.
pub(crate) fn is_null(operand: Expression, negated: bool) -> Expression {
    match &operand {
        Expression::Value(value) => Expression::Always((*value == Value::Null) != negated),
        Expression::Always(_) => Expression::Always(negated),
        _ => Expression::IsNull { operand: Box::new(operand), negated },
    }
}

/// A comparison or calculation; comparisons of constants are worked out where both are alike.
pub(crate) fn compare(left: Expression, operator: Operator, right: Expression) -> Expression {
    if let (Expression::Value(left), Expression::Value(right)) = (&left, &right)
        && let Some(truth) = compare_values(left, operator, right)
    {
        return truth.map_or(UNKNOWN, Expression::Always);
    }
    let nothing = |side: &Expression| *side == UNKNOWN;
    if is_comparison(operator) && (nothing(&left) || nothing(&right)) {
        return UNKNOWN;
    }
    left.binary(operator, right)
}

fn is_comparison(operator: Operator) -> bool {
    use Operator as O;
    matches!(
        operator,
        O::Equal | O::NotEqual | O::Less | O::LessOrEqual | O::Greater | O::GreaterOrEqual
    )
}

fn compare_values(left: &Value, operator: Operator, right: &Value) -> Option<Option<bool>> {
    use std::cmp::Ordering;
    if !is_comparison(operator) {
        return None;
    }
    let ordering = match (left, right) {
        (Value::Null, _) | (_, Value::Null) => return Some(None),
        (Value::Boolean(left), Value::Boolean(right)) => left.cmp(right),
        (Value::Integer(left), Value::Integer(right)) => left.cmp(right),
        (Value::Uuid(left), Value::Uuid(right)) => left.cmp(right),
        (Value::Timestamp(left), Value::Timestamp(right)) => left.cmp(right),
        (Value::Date(left), Value::Date(right)) => left.cmp(right),
        // Order of texts is the store's collation; only equality is the same everywhere.
        (Value::Text(left), Value::Text(right)) => match operator {
            Operator::Equal => return Some(Some(left == right)),
            Operator::NotEqual => return Some(Some(left != right)),
            _ => return None,
        },
        _ => return None,
    };
    Some(Some(match operator {
        Operator::Equal => ordering == Ordering::Equal,
        Operator::NotEqual => ordering != Ordering::Equal,
        Operator::Less => ordering == Ordering::Less,
        Operator::LessOrEqual => ordering != Ordering::Greater,
        Operator::Greater => ordering == Ordering::Greater,
        _ => ordering != Ordering::Less,
    }))
}

/// `operand IN (list)`; an empty list holds nothing.
pub(crate) fn member_of(operand: Expression, list: Vec<Expression>, negated: bool) -> Expression {
    if list.is_empty() {
        return Expression::Always(negated);
    }
    let is_constant = |one: &Expression| matches!(one, Expression::Value(_));
    if is_constant(&operand) && list.iter().all(is_constant) {
        let mut any = Expression::Always(false);
        for one in &list {
            any = or(any, compare(operand.clone(), Operator::Equal, one.clone()));
        }
        return if negated { not(any) } else { any };
    }
    Expression::In { operand: Box::new(operand), list, negated }
}

/// A side of a comparison moved into a sub-select over another table: its columns become outer
/// ones. None where it already looks outward or selects by itself.
pub(crate) fn seen_from_inside(expression: Expression) -> Option<Expression> {
    Some(match expression {
        Expression::Column(name) => Expression::Outer(name),
        Expression::Value(_) | Expression::Now | Expression::Today | Expression::Always(_) => {
            expression
        }
        Expression::Cast { operand, target } => {
            Expression::Cast { operand: Box::new(seen_from_inside(*operand)?), target }
        }
        Expression::Call { function, arguments } => Expression::Call {
            function,
            arguments: arguments.into_iter().map(seen_from_inside).collect::<Option<_>>()?,
        },
        Expression::Binary { left, operator, right } => Expression::Binary {
            left: Box::new(seen_from_inside(*left)?),
            operator,
            right: Box::new(seen_from_inside(*right)?),
        },
        _ => return None,
    })
}

/// The condition with the new row's values in the place of its columns. Columns that are not
/// among them count as unknown.
pub(crate) fn with_row(condition: &Expression, row: &[(Arc<str>, Value)]) -> Expression {
    substitute(condition, row, 0)
}

fn substitute(expression: &Expression, row: &[(Arc<str>, Value)], depth: usize) -> Expression {
    use Expression as E;
    let again = |one: &Expression| substitute(one, row, depth);
    let boxed = |one: &Expression| Box::new(substitute(one, row, depth));
    let value_of = |name: &str| {
        row.iter()
            .find(|(column, _)| &**column == name)
            .map_or(UNKNOWN, |(_, value)| E::Value(value.clone()))
    };
    match expression {
        E::Column(name) if depth == 0 => value_of(name),
        E::Outer(name) if depth == 1 => value_of(name),
        E::Not(operand) => not(again(operand)),
        E::Negate(operand) => E::Negate(boxed(operand)),
        E::Binary { left, operator: Operator::And, right } => and(again(left), again(right)),
        E::Binary { left, operator: Operator::Or, right } => or(again(left), again(right)),
        E::Binary { left, operator, right } => compare(again(left), *operator, again(right)),
        E::IsNull { operand, negated } => is_null(again(operand), *negated),
        E::In { operand, list, negated } => {
            member_of(again(operand), list.iter().map(again).collect(), *negated)
        }
        E::InSelect { operand, column, table, condition } => E::InSelect {
            operand: boxed(operand),
            column: column.clone(),
            table: table.clone(),
            condition: Box::new(substitute(condition, row, depth + 1)),
        },
        E::Exists { table, condition } => E::Exists {
            table: table.clone(),
            condition: Box::new(substitute(condition, row, depth + 1)),
        },
        E::Between { operand, low, high, negated } => E::Between {
            operand: boxed(operand),
            low: boxed(low),
            high: boxed(high),
            negated: *negated,
        },
        E::Call { function, arguments } => {
            E::Call { function: function.clone(), arguments: arguments.iter().map(again).collect() }
        }
        E::Cast { operand, target } => E::Cast { operand: boxed(operand), target: target.clone() },
        E::Case { branches, otherwise } => E::Case {
            branches: branches.iter().map(|(when, then)| (again(when), again(then))).collect(),
            otherwise: otherwise.as_ref().map(|one| boxed(one)),
        },
        E::Search { .. } => E::Always(false),
        E::Column(_)
        | E::Outer(_)
        | E::Value(_)
        | E::Always(_)
        | E::Now
        | E::Today
        | E::Interval { .. } => expression.clone(),
    }
}

/// Whether the condition looks at any of these columns of the row at hand.
pub(crate) fn looks_at(expression: &Expression, is_it: &dyn Fn(&str) -> bool) -> bool {
    reads(expression, is_it, 0)
}

fn reads(expression: &Expression, is_it: &dyn Fn(&str) -> bool, depth: usize) -> bool {
    use Expression as E;
    let again = |one: &Expression| reads(one, is_it, depth);
    match expression {
        E::Column(name) => depth == 0 && is_it(name),
        E::Outer(name) => depth == 1 && is_it(name),
        E::Not(operand) | E::Negate(operand) => again(operand),
        E::Binary { left, right, .. } => again(left) || again(right),
        E::IsNull { operand, .. } | E::Cast { operand, .. } => again(operand),
        E::In { operand, list, .. } => again(operand) || list.iter().any(again),
        E::InSelect { operand, condition, .. } => {
            again(operand) || reads(condition, is_it, depth + 1)
        }
        E::Exists { condition, .. } => reads(condition, is_it, depth + 1),
        E::Between { operand, low, high, .. } => again(operand) || again(low) || again(high),
        E::Call { arguments, .. } => arguments.iter().any(again),
        E::Case { branches, otherwise } => {
            branches.iter().any(|(when, then)| again(when) || again(then))
                || otherwise.as_ref().is_some_and(|one| again(one))
        }
        E::Search { columns, .. } => depth == 0 && columns.iter().any(|column| is_it(column)),
        E::Value(_) | E::Always(_) | E::Now | E::Today | E::Interval { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_twice_counts_once() {
        let is = |name: &str| Expression::column(name).equals(Value::Integer(1));
        assert_eq!(or(is("a"), is("a")), is("a"));
        assert_eq!(and(or(is("a"), is("a")), is("a")), is("a"));
        let both = and(is("a"), is("b"));
        assert_eq!(and(both.clone(), is("a")), both);
        let either = or(is("a"), is("b"));
        assert_ne!(and(either.clone(), is("a")), either, "one of two is less than both");
        assert_ne!(or(both.clone(), is("a")), both);
    }
}
