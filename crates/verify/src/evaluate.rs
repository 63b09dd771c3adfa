//! A small evaluator of the document's conditions over one row as JSON. It speaks three-valued
//! logic, and says nothing where it does not understand: a probe then leaves the value alone.

use document::{
    data::ColumnType,
    expression::{Expression, Literal, Operator},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

/// What an expression stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// `NULL`.
    Null,
    /// True or false.
    Boolean(bool),
    /// Any number.
    Number(f64),
    /// Text, also of days and moments.
    Text(String),
    /// A length of time in seconds.
    Seconds(i64),
    /// A list or an object.
    Json(Json),
}

/// Whether a check lets a row through; `NULL` does. None where it is not understood.
pub(crate) fn holds(check: &Expression, row: &dyn Fn(&str) -> Json) -> Option<bool> {
    match value(check, row)? {
        Value::Boolean(truth) => Some(truth),
        Value::Null => Some(true),
        _ => None,
    }
}

/// What an expression stands for in a row; none where it is not understood.
pub(crate) fn value(expression: &Expression, row: &dyn Fn(&str) -> Json) -> Option<Value> {
    let of = |expression: &Expression| value(expression, row);
    Some(match expression {
        Expression::Column { name } => of_json(row(name)),
        Expression::Literal { literal } => of_literal(literal)?,
        Expression::Now => Value::Text(Timestamp::now().to_string()),
        Expression::Today => Value::Text(Timestamp::now().to_string().get(..10)?.to_owned()),
        Expression::Interval { seconds } => Value::Seconds(*seconds),
        Expression::Not { operand } => match of(operand)? {
            Value::Boolean(truth) => Value::Boolean(!truth),
            Value::Null => Value::Null,
            _ => return None,
        },
        Expression::Negate { operand } => match of(operand)? {
            Value::Number(number) => Value::Number(-number),
            Value::Null => Value::Null,
            _ => return None,
        },
        Expression::IsNull { operand, negated } => {
            Value::Boolean((of(operand)? == Value::Null) != *negated)
        }
        Expression::In { operand, list, negated } => member(of(operand)?, list, *negated, row)?,
        Expression::Between { operand, low, high, negated } => {
            let operand = of(operand)?;
            let above = compared(&operand, Operator::GreaterOrEqual, &of(low)?)?;
            let below = compared(&operand, Operator::LessOrEqual, &of(high)?)?;
            let both = both(above, below)?;
            if *negated { not(both)? } else { both }
        }
        Expression::Binary { left, operator, right } => binary(left, *operator, right, row)?,
        Expression::Call { function, arguments } => {
            let arguments: Option<Vec<Value>> = arguments.iter().map(of).collect();
            call(function, &arguments?)?
        }
        Expression::Cast { operand, target } => cast(of(operand)?, target)?,
        Expression::Case { branches, otherwise } => {
            for (condition, result) in branches {
                if of(condition)? == Value::Boolean(true) {
                    return of(result);
                }
            }
            match otherwise {
                Some(otherwise) => of(otherwise)?,
                None => Value::Null,
            }
        }
        Expression::Outer { .. }
        | Expression::Principal { .. }
        | Expression::InSelect { .. }
        | Expression::Exists { .. } => return None,
    })
}

/// A JSON value as an expression's.
pub(crate) fn of_json(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Boolean(truth),
        Json::Number(number) => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => Value::Text(text),
        other => Value::Json(other),
    }
}

fn of_literal(literal: &Literal) -> Option<Value> {
    Some(match literal {
        Literal::Null => Value::Null,
        Literal::Boolean(truth) => Value::Boolean(*truth),
        Literal::Number(digits) => Value::Number(digits.parse().ok()?),
        Literal::Text(text) => Value::Text(text.clone()),
    })
}

fn not(value: Value) -> Option<Value> {
    match value {
        Value::Boolean(truth) => Some(Value::Boolean(!truth)),
        Value::Null => Some(Value::Null),
        _ => None,
    }
}

fn both(left: Value, right: Value) -> Option<Value> {
    Some(match (left, right) {
        (Value::Boolean(false), _) | (_, Value::Boolean(false)) => Value::Boolean(false),
        (Value::Null, _) | (_, Value::Null) => Value::Null,
        (Value::Boolean(true), Value::Boolean(true)) => Value::Boolean(true),
        _ => return None,
    })
}

fn either(left: Value, right: Value) -> Option<Value> {
    Some(match (left, right) {
        (Value::Boolean(true), _) | (_, Value::Boolean(true)) => Value::Boolean(true),
        (Value::Null, _) | (_, Value::Null) => Value::Null,
        (Value::Boolean(false), Value::Boolean(false)) => Value::Boolean(false),
        _ => return None,
    })
}

fn member(
    operand: Value,
    list: &[Expression],
    negated: bool,
    row: &dyn Fn(&str) -> Json,
) -> Option<Value> {
    let mut found = Value::Boolean(false);
    for item in list {
        found = either(found, compared(&operand, Operator::Equal, &value(item, row)?)?)?;
    }
    if negated { not(found) } else { Some(found) }
}

fn binary(
    left: &Expression,
    operator: Operator,
    right: &Expression,
    row: &dyn Fn(&str) -> Json,
) -> Option<Value> {
    let (left, right) = (value(left, row), value(right, row));
    match operator {
        // One side may decide even where the other is not understood.
        Operator::And => match (left, right) {
            (Some(Value::Boolean(false)), _) | (_, Some(Value::Boolean(false))) => {
                Some(Value::Boolean(false))
            }
            (left, right) => both(left?, right?),
        },
        Operator::Or => match (left, right) {
            (Some(Value::Boolean(true)), _) | (_, Some(Value::Boolean(true))) => {
                Some(Value::Boolean(true))
            }
            (left, right) => either(left?, right?),
        },
        _ => {
            let (left, right) = (left?, right?);
            if left == Value::Null || right == Value::Null {
                return Some(Value::Null);
            }
            match operator {
                Operator::Add
                | Operator::Subtract
                | Operator::Multiply
                | Operator::Divide
                | Operator::Modulo => arithmetic(&left, operator, &right),
                Operator::Concatenate => Some(Value::Text(text(&left)? + &text(&right)?)),
                _ => compared(&left, operator, &right),
            }
        }
    }
}

fn arithmetic(left: &Value, operator: Operator, right: &Value) -> Option<Value> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => Some(Value::Number(match operator {
            Operator::Add => left + right,
            Operator::Subtract => left - right,
            Operator::Multiply => left * right,
            Operator::Divide if *right != 0.0 => left / right,
            Operator::Modulo if *right != 0.0 => left % right,
            _ => return None,
        })),
        (Value::Text(moment), Value::Seconds(seconds)) => {
            let moment = moment_of(moment)?;
            let seconds = match operator {
                Operator::Add => *seconds,
                Operator::Subtract => seconds.checked_neg()?,
                _ => return None,
            };
            let moved = moment.checked_add(SignedDuration::from_secs(seconds)).ok()?;
            Some(Value::Text(moved.to_string()))
        }
        _ => None,
    }
}

fn compared(left: &Value, operator: Operator, right: &Value) -> Option<Value> {
    use std::cmp::Ordering as O;
    if *left == Value::Null || *right == Value::Null {
        return Some(Value::Null);
    }
    if let (Value::Text(left), Value::Text(right)) = (left, right)
        && let Some(truth) = pattern(left, operator, right)
    {
        return truth.map(Value::Boolean);
    }
    let order = match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.partial_cmp(right)?,
        (Value::Boolean(left), Value::Boolean(right)) => left.cmp(right),
        (Value::Text(left), Value::Text(right)) => match (moment_of(left), moment_of(right)) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => left.cmp(right),
        },
        (Value::Number(number), Value::Text(text)) => number.partial_cmp(&text.parse().ok()?)?,
        (Value::Text(text), Value::Number(number)) => {
            text.parse::<f64>().ok()?.partial_cmp(number)?
        }
        _ => return None,
    };
    Some(Value::Boolean(match operator {
        Operator::Equal => order == O::Equal,
        Operator::NotEqual => order != O::Equal,
        Operator::Less => order == O::Less,
        Operator::LessOrEqual => order != O::Greater,
        Operator::Greater => order == O::Greater,
        Operator::GreaterOrEqual => order != O::Less,
        _ => return None,
    }))
}

/// Whether a text fits a pattern; `Some(None)` where the pattern is not understood, none where the
/// operator is about no pattern.
fn pattern(text: &str, operator: Operator, pattern: &str) -> Option<Option<bool>> {
    let like = |ignores_case: bool| regex(&of_like(pattern), ignores_case, text);
    Some(match operator {
        Operator::Like => like(false),
        Operator::NotLike => like(false).map(|truth| !truth),
        Operator::ILike => like(true),
        Operator::NotILike => like(true).map(|truth| !truth),
        Operator::Matches => regex(pattern, false, text),
        Operator::MatchesIgnoringCase => regex(pattern, true, text),
        Operator::NotMatches => regex(pattern, false, text).map(|truth| !truth),
        _ => return None,
    })
}

fn regex(pattern: &str, ignores_case: bool, text: &str) -> Option<bool> {
    let built = regex::RegexBuilder::new(pattern).case_insensitive(ignores_case).build();
    built.ok().map(|regex| regex.is_match(text))
}

/// A `LIKE` pattern as a regular expression.
fn of_like(pattern: &str) -> String {
    let mut regex = "(?s)^".to_owned();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            '\\' => {
                let next = letters.next().unwrap_or('\\');
                regex.push_str(&regex::escape(&next.to_string()));
            }
            letter => regex.push_str(&regex::escape(&letter.to_string())),
        }
    }
    regex + "$"
}

fn call(function: &str, arguments: &[Value]) -> Option<Value> {
    if function == "coalesce" {
        let first = arguments.iter().find(|value| **value != Value::Null);
        return Some(first.cloned().unwrap_or(Value::Null));
    }
    if arguments.contains(&Value::Null) {
        return Some(Value::Null);
    }
    Some(match (function, arguments) {
        ("length" | "char_length" | "character_length", [Value::Text(text)]) => {
            Value::Number(f64::from(u32::try_from(text.chars().count()).ok()?))
        }
        (
            "cardinality" | "array_length" | "jsonb_array_length",
            [Value::Json(Json::Array(items)), ..],
        ) => Value::Number(f64::from(u32::try_from(items.len()).ok()?)),
        ("jsonb_typeof" | "json_typeof", [value]) => Value::Text(kind_of_json(value)?.to_owned()),
        ("lower", [Value::Text(text)]) => Value::Text(text.to_lowercase()),
        ("upper", [Value::Text(text)]) => Value::Text(text.to_uppercase()),
        ("trim" | "btrim", [Value::Text(text)]) => Value::Text(text.trim_matches(' ').to_owned()),
        ("abs", [Value::Number(number)]) => Value::Number(number.abs()),
        ("round", [Value::Number(number)]) => Value::Number(number.round()),
        ("floor", [Value::Number(number)]) => Value::Number(number.floor()),
        ("ceil" | "ceiling", [Value::Number(number)]) => Value::Number(number.ceil()),
        ("greatest" | "least", [first, rest @ ..]) => {
            let wanted = if function == "least" { Operator::Less } else { Operator::Greater };
            let mut best = first.clone();
            for other in rest {
                if compared(other, wanted, &best)? == Value::Boolean(true) {
                    best = other.clone();
                }
            }
            best
        }
        ("concat", values) => {
            let texts: Option<Vec<String>> = values.iter().map(text).collect();
            Value::Text(texts?.concat())
        }
        _ => return None,
    })
}

fn kind_of_json(value: &Value) -> Option<&'static str> {
    Some(match value {
        Value::Boolean(_) => "boolean",
        Value::Number(_) => "number",
        Value::Text(_) => "string",
        Value::Json(Json::Array(_)) => "array",
        Value::Json(Json::Object(_)) => "object",
        _ => return None,
    })
}

fn cast(value: Value, target: &ColumnType) -> Option<Value> {
    Some(match (value, target) {
        (Value::Null, _) => Value::Null,
        (value, ColumnType::Text { .. }) => Value::Text(text(&value)?),
        (Value::Text(text), ColumnType::Integer { .. } | ColumnType::Numeric { .. }) => {
            Value::Number(text.parse().ok()?)
        }
        (Value::Text(text), ColumnType::Date) => Value::Text(text.get(..10)?.to_owned()),
        (Value::Text(text), _) => Value::Text(text),
        (Value::Number(number), ColumnType::Integer { .. }) => Value::Number(number.round()),
        (Value::Number(number), ColumnType::Numeric { .. } | ColumnType::Real { .. }) => {
            Value::Number(number)
        }
        _ => return None,
    })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// A day or a moment.
pub(crate) fn moment_of(text: &str) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().or_else(|| {
        let is_day = text.len() == 10 && text.as_bytes().get(4) == Some(&b'-');
        is_day.then(|| format!("{text}T00:00:00Z").parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(condition: &str, row: Json, expected: Option<bool>) {
        let text = format!(
            "# X\n\n```sql\nCREATE TABLE t (id INT PRIMARY KEY, a INT, b INT, s TEXT, j JSONB, d DATE, e DATE, CHECK ({condition}));\n```\n"
        );
        let compiled = document::compile(document::Sources::single("x.md", &text));
        let check = &compiled.system.data.tables[0].checks[0].condition;
        let expression = check.expression.as_ref().expect("a typed check");
        let found = holds(expression, &|name| row[name].clone());
        assert_eq!(found, expected, "{condition} {row}");
    }

    #[test]
    fn conditions_hold_as_sql_has_it() {
        use serde_json::json;
        check("a >= 0", json!({"a": 0}), Some(true));
        check("a >= 0", json!({"a": -1}), Some(false));
        check("a >= 0", json!({}), Some(true));
        check("a BETWEEN 1 AND 5", json!({"a": 6}), Some(false));
        check("a < b", json!({"a": 1, "b": 1}), Some(false));
        check("s IN ('x', 'y')", json!({"s": "z"}), Some(false));
        check("a IS NOT NULL OR b IS NOT NULL", json!({}), Some(false));
        check("s ~ '^[0-9]{3}$'", json!({"s": "123"}), Some(true));
        check("s ~ '^[0-9]{3}$'", json!({"s": "12"}), Some(false));
        check("s LIKE 'a%'", json!({"s": "ab"}), Some(true));
        check("length(s) > 2", json!({"s": "äöü"}), Some(true));
        check("jsonb_typeof(j) = 'array'", json!({"j": [1]}), Some(true));
        check("jsonb_typeof(j) = 'array'", json!({"j": {"a": 1}}), Some(false));
        check("d < e", json!({"d": "2026-01-02", "e": "2026-01-01"}), Some(false));
        check("a % 2 = 0 AND b > 0", json!({"a": 3, "b": 1}), Some(false));
    }
}
