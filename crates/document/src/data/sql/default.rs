//! Defaults of columns: constants, the clock, random keys, and other expressions.

use crate::{
    data::{Column, ColumnType, DefaultValue, SqlExpression},
    expression::{Expression, Literal},
};

/// What a default means: `Some(None)` for `NULL`; none where it is not understood.
pub(crate) fn default_value(value: &SqlExpression) -> Option<Option<DefaultValue>> {
    if let Some(known) = by_text(&value.text) {
        return Some(known);
    }
    // MySQL and SQLite take a constant in double quotes.
    let quoted = value.text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    if let Some(text) = quoted.filter(|text| !text.contains('"')) {
        return Some(Some(DefaultValue::Literal { literal: Literal::Text(text.to_owned()) }));
    }
    Some(match value.expression.clone()? {
        Expression::Literal { literal: Literal::Null } => None,
        Expression::Literal { literal } => Some(DefaultValue::Literal { literal }),
        Expression::Now => Some(DefaultValue::Now),
        Expression::Today => Some(DefaultValue::Today),
        // PostgreSQL refuses another column here; a bare word was meant as text.
        Expression::Column { .. } => return None,
        Expression::Cast { operand, .. } => match *operand {
            Expression::Now => Some(DefaultValue::Now),
            Expression::Literal { literal } => Some(DefaultValue::Literal { literal }),
            operand => Some(DefaultValue::Expression { expression: operand }),
        },
        expression => Some(DefaultValue::Expression { expression }),
    })
}

/// Defaults that are known by their text: functions outside of the subset, and arrays.
fn by_text(text: &str) -> Option<Option<DefaultValue>> {
    let plain: String = text
        .to_ascii_lowercase()
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '"' && *c != '`')
        .collect();
    let mut plain = plain.as_str();
    while let Some(inner) = plain.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        plain = inner;
    }
    let call = plain.split('(').next().unwrap_or("").rsplit('.').next().unwrap_or("");
    let text = |value: &str| {
        Some(Some(DefaultValue::Literal { literal: Literal::Text(value.to_owned()) }))
    };
    match call {
        "gen_random_uuid" | "uuid_generate_v4" | "uuid_generate_v1" | "uuid_generate_v7"
        | "uuid_generate_v1mc" | "uuidv4" | "uuidv7" | "uuid_v4" | "uuid_v7" | "uuid" | "newid"
        | "newsequentialid" | "gen_uuid" | "gen_random_ulid" | "gen_ulid" | "generate_uuid"
        | "generateuuidv4" | "randomblob" | "cuid" | "nanoid" | "gen_uuid_v7" => {
            return Some(Some(DefaultValue::RandomUuid));
        }
        "hex" | "lower" if plain.contains("randomblob") => {
            return Some(Some(DefaultValue::RandomUuid));
        }
        "json_object" | "json_build_object" | "jsonb_build_object" if plain.ends_with("()") => {
            return text("{}");
        }
        "json_array" | "json_build_array" | "jsonb_build_array" if plain.ends_with("()") => {
            return text("[]");
        }
        "current_time" | "curtime" | "localtime" => return Some(Some(DefaultValue::Now)),
        _ => {}
    }
    None
}

/// Gives a default the type of its column: `DEFAULT 1` of a boolean is true.
pub(crate) fn refine_default(column: &mut Column) {
    let Some(DefaultValue::Literal { literal }) = &mut column.default else { return };
    match (&column.kind, &*literal) {
        (ColumnType::Boolean, Literal::Number(number)) => {
            *literal = Literal::Boolean(number != "0");
        }
        (ColumnType::Boolean, Literal::Text(text)) => {
            let value =
                matches!(text.to_ascii_lowercase().as_str(), "true" | "t" | "1" | "yes" | "y");
            *literal = Literal::Boolean(value);
        }
        (
            ColumnType::Integer { .. } | ColumnType::Numeric { .. } | ColumnType::Real { .. },
            Literal::Text(text),
        ) if text.parse::<f64>().is_ok() => {
            *literal = Literal::Number(text.clone());
        }
        (ColumnType::Text { .. }, Literal::Number(number)) => {
            *literal = Literal::Text(number.clone());
        }
        _ => {}
    }
}
