//! Functions of SQL expressions by their meaning: who asks, what time it is, and what both stores
//! compute.

use sqlparser::ast::{self, Expr};

use crate::{
    data::name::snake,
    expression::{Expression, Literal, PrincipalProperty},
};

/// All claims of the token, until one is picked from them.
pub(super) const CLAIMS: &str = "(claims)";

/// Functions that tell who asks.
pub(super) fn principal_of(name: &str, arguments: &[Expression]) -> Option<Expression> {
    let setting = match arguments.first() {
        Some(Expression::Literal { literal: Literal::Text(text) }) => text.to_lowercase(),
        _ => String::new(),
    };
    let last = setting.rsplit(['.', '_']).next().unwrap_or("");
    let property = match name {
        "auth.uid" | "auth.user_id" => PrincipalProperty::Id,
        "auth.email" => PrincipalProperty::Email,
        "auth.jwt" => PrincipalProperty::Column(CLAIMS.to_owned()),
        "current_setting" if last == "role" => PrincipalProperty::Role,
        "current_setting" if last == "email" => PrincipalProperty::Email,
        "current_setting"
            if ["user_id", "current_user", "userid", "uid", ".sub", "account_id"]
                .iter()
                .any(|ending| setting.ends_with(ending)) =>
        {
            PrincipalProperty::Id
        }
        "current_setting" if setting.contains('.') && !setting.contains("jwt.claims") => {
            let column = setting.rsplit('.').next().unwrap_or("");
            PrincipalProperty::Column(column.trim_start_matches("current_").to_owned())
        }
        _ => return None,
    };
    Some(Expression::Principal { property })
}

/// A claim of the token by name.
pub(super) fn claim(name: &Expression) -> Option<Expression> {
    let Expression::Literal { literal: Literal::Text(name) } = name else { return None };
    let property = match name.as_str() {
        "sub" => PrincipalProperty::Id,
        "email" => PrincipalProperty::Email,
        "role" | "user_role" => PrincipalProperty::Role,
        "user_metadata" | "app_metadata" | "claims" => PrincipalProperty::Column(CLAIMS.to_owned()),
        other => PrincipalProperty::Column(snake(other)),
    };
    Some(Expression::Principal { property })
}

/// The many ways to say now and today.
pub(super) fn time_of(name: &str, arguments: &[Expression]) -> Option<Expression> {
    let first_is_now = matches!(arguments.first(),
        Some(Expression::Literal { literal: Literal::Text(text) }) if text == "now");
    match name {
        "now"
        | "current_timestamp"
        | "localtimestamp"
        | "clock_timestamp"
        | "statement_timestamp"
        | "transaction_timestamp"
        | "getdate"
        | "getutcdate"
        | "sysdatetime"
        | "sysutcdatetime"
        | "sysdate"
        | "utc_timestamp"
        | "sysdatetimeoffset" => Some(Expression::Now),
        "timezone" if arguments.get(1) == Some(&Expression::Now) => Some(Expression::Now),
        "datetime" if first_is_now => Some(Expression::Now),
        "date" if first_is_now => Some(Expression::Today),
        "current_date" | "curdate" => Some(Expression::Today),
        "strftime" => matches!(arguments.get(1),
            Some(Expression::Literal { literal: Literal::Text(text) }) if text == "now")
        .then_some(Expression::Now),
        _ => None,
    }
}

/// Functions that both stores run, by PostgreSQL's name.
pub(super) const KNOWN_FUNCTIONS: &[&str] = &[
    "length",
    "char_length",
    "character_length",
    "octet_length",
    "lower",
    "upper",
    "trim",
    "btrim",
    "ltrim",
    "rtrim",
    "coalesce",
    "nullif",
    "abs",
    "round",
    "ceil",
    "ceiling",
    "floor",
    "greatest",
    "least",
    "concat",
    "concat_ws",
    "replace",
    "substring",
    "substr",
    "left",
    "right",
    "date",
    "date_trunc",
    "date_part",
    "mod",
    "power",
    "sqrt",
    "sign",
    "jsonb_typeof",
    "json_typeof",
    "jsonb_array_length",
    "json_array_length",
    "array_length",
    "cardinality",
    "strpos",
    "starts_with",
    "md5",
    "ifnull",
];

/// PostgreSQL's name of a function that has several.
pub(super) fn canonical(name: &str) -> &str {
    match name {
        "char_length" | "character_length" => "length",
        "ceiling" => "ceil",
        "btrim" => "trim",
        "substr" => "substring",
        "ifnull" => "coalesce",
        other => other,
    }
}

/// The length of an interval.
pub(super) fn interval_seconds(interval: &ast::Interval) -> Option<i64> {
    let text = match interval.value.as_ref() {
        Expr::Value(value) => match &value.value {
            ast::Value::SingleQuotedString(text) => text.clone(),
            ast::Value::Number(number, _) => number.clone(),
            _ => return None,
        },
        _ => return None,
    };
    match &interval.leading_field {
        Some(field) => seconds_of(&format!("{text} {field}")),
        None => seconds_of(&text),
    }
}

/// `24 hours`, `1 day 12:00:00`, `90 minutes` in seconds; none for months and years, whose
/// length varies.
pub(crate) fn seconds_of(text: &str) -> Option<i64> {
    let mut total = 0i64;
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let seconds = if word.contains(':') {
            let mut parts = word.split(':').map(|part| part.parse::<i64>().ok());
            let hours = parts.next()??;
            let minutes = parts.next()??;
            let seconds = parts.next().unwrap_or(Some(0))?;
            hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(seconds)?
        } else {
            let count: i64 = word.parse().ok()?;
            let unit = words.next()?.to_lowercase();
            let length = match unit.trim_end_matches('s') {
                "second" | "sec" => 1,
                "minute" | "min" => 60,
                "hour" | "hr" | "h" => 3600,
                "day" | "d" => 86_400,
                "week" => 604_800,
                _ => return None,
            };
            count.checked_mul(length)?
        };
        total = total.checked_add(seconds)?;
    }
    Some(total)
}
