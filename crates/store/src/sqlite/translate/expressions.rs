//! Expressions of a translated SELECT.

use sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Interval, Value as Constant,
};

use super::{Translator, column_name, raw};
use crate::Kind;

/// What arithmetic has to know of a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nature {
    Moment,
    Day,
    Length,
    Other,
}

impl Translator<'_> {
    pub(super) fn expression(&mut self, expression: &mut Expr) -> Result<(), String> {
        if self.binary(expression)? {
            return Ok(());
        }
        self.inside(expression)?;
        let replaced = match expression {
            Expr::Cast { expr, data_type, .. } => cast(expr, data_type),
            Expr::ILike { negated, expr, pattern, .. } => {
                let not = if *negated { "NOT " } else { "" };
                Some(format!("({not}ilike({expr}, {pattern}))"))
            }
            Expr::Like { escape_char: None, negated, expr, pattern, .. } => {
                let not = if *negated { "NOT " } else { "" };
                Some(format!("({expr} {not}LIKE {pattern} ESCAPE '\\')"))
            }
            Expr::Extract { field, expr, .. } => {
                Some(format!("date_part('{}', {expr})", field.to_string().to_lowercase()))
            }
            Expr::Interval(interval) => {
                Some(seconds(interval).ok_or("an interval that is not a constant")?.to_string())
            }
            Expr::Position { expr, r#in } => Some(format!("strpos({}, {expr})", r#in)),
            Expr::Substring { expr, substring_from, substring_for, .. } => {
                let from = substring_from.as_ref().map_or("1".to_owned(), ToString::to_string);
                Some(match substring_for {
                    Some(length) => format!("substr({expr}, {from}, {length})"),
                    None => format!("substr({expr}, {from})"),
                })
            }
            Expr::AtTimeZone { timestamp, .. } => Some(timestamp.to_string()),
            Expr::TypedString(typed) => cast(&raw(typed.value.to_string()), &typed.data_type),
            Expr::Function(function) => function_text(function),
            Expr::Array(array) => {
                let items: Vec<_> = array.elem.iter().map(ToString::to_string).collect();
                Some(format!("json_array({})", items.join(", ")))
            }
            Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => {
                Some(format!("({left} IN (SELECT value FROM json_each({right})))"))
            }
            _ => None,
        };
        if let Some(text) = replaced {
            *expression = raw(text);
        }
        Ok(())
    }

    /// Translates what is inside an expression.
    fn inside(&mut self, expression: &mut Expr) -> Result<(), String> {
        match expression {
            Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::Nested(inner)
            | Expr::UnaryOp { expr: inner, .. }
            | Expr::Cast { expr: inner, .. }
            | Expr::Extract { expr: inner, .. }
            | Expr::Collate { expr: inner, .. }
            | Expr::Ceil { expr: inner, .. }
            | Expr::Floor { expr: inner, .. }
            | Expr::Trim { expr: inner, .. }
            | Expr::AtTimeZone { timestamp: inner, .. } => self.expression(inner),
            Expr::IsDistinctFrom(left, right)
            | Expr::IsNotDistinctFrom(left, right)
            | Expr::Like { expr: left, pattern: right, .. }
            | Expr::ILike { expr: left, pattern: right, .. }
            | Expr::Position { expr: left, r#in: right }
            | Expr::AnyOp { left, right, .. } => {
                self.expression(left)?;
                self.expression(right)
            }
            Expr::InList { expr, list, .. } => {
                self.expression(expr)?;
                list.iter_mut().try_for_each(|item| self.expression(item))
            }
            Expr::InSubquery { expr, subquery, .. } => {
                self.expression(expr)?;
                self.query(subquery)
            }
            Expr::Between { expr, low, high, .. } => {
                [expr, low, high].into_iter().try_for_each(|part| self.expression(part))
            }
            Expr::Substring { expr, substring_from, substring_for, .. } => {
                self.expression(expr)?;
                [substring_from, substring_for]
                    .into_iter()
                    .flatten()
                    .try_for_each(|part| self.expression(part))
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                for part in [operand, else_result].into_iter().flatten() {
                    self.expression(part)?;
                }
                conditions.iter_mut().try_for_each(|when| {
                    self.expression(&mut when.condition)?;
                    self.expression(&mut when.result)
                })
            }
            Expr::Exists { subquery, .. } | Expr::Subquery(subquery) => self.query(subquery),
            Expr::Tuple(items) => items.iter_mut().try_for_each(|item| self.expression(item)),
            Expr::Array(array) => array.elem.iter_mut().try_for_each(|item| self.expression(item)),
            Expr::Function(function) => self.function(function),
            _ => Ok(()),
        }
    }

    fn function(&mut self, function: &mut Function) -> Result<(), String> {
        if let FunctionArguments::List(list) = &mut function.args {
            for argument in &mut list.args {
                if let FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) = argument {
                    self.expression(argument)?;
                }
            }
        }
        function.filter.as_mut().map_or(Ok(()), |filter| self.expression(filter))
    }

    /// Operators whose sides decide how they are written. True where it is done.
    fn binary(&mut self, expression: &mut Expr) -> Result<bool, String> {
        let Expr::BinaryOp { left, op, right } = expression else {
            return Ok(false);
        };
        let natures = (self.nature(left), self.nature(right));
        self.expression(left)?;
        self.expression(right)?;
        let text = match (&op, natures) {
            (BinaryOperator::Plus, (Nature::Moment | Nature::Day, Nature::Length)) => {
                format!("add_seconds({left}, {right})")
            }
            (BinaryOperator::Plus, (Nature::Length, Nature::Moment | Nature::Day)) => {
                format!("add_seconds({right}, {left})")
            }
            (BinaryOperator::Minus, (Nature::Moment | Nature::Day, Nature::Length)) => {
                format!("subtract_seconds({left}, {right})")
            }
            (BinaryOperator::Minus, (Nature::Moment, Nature::Moment | Nature::Day))
            | (BinaryOperator::Minus, (Nature::Day, Nature::Moment)) => {
                format!("seconds_between({right}, {left})")
            }
            (BinaryOperator::Minus, (Nature::Day, Nature::Day)) => {
                format!("days_between({right}, {left})")
            }
            (BinaryOperator::Plus, (Nature::Day, Nature::Other)) => {
                format!("add_days({left}, {right})")
            }
            (BinaryOperator::Minus, (Nature::Day, Nature::Other)) => {
                format!("add_days({left}, - {right})")
            }
            (BinaryOperator::PGRegexMatch, _) => format!("regexp({right}, {left})"),
            (BinaryOperator::PGRegexIMatch, _) => format!("regexp_i({right}, {left})"),
            (BinaryOperator::PGRegexNotMatch, _) => format!("(NOT regexp({right}, {left}))"),
            (BinaryOperator::PGRegexNotIMatch, _) => format!("(NOT regexp_i({right}, {left}))"),
            (BinaryOperator::PGILikeMatch, _) => format!("ilike({left}, {right})"),
            (BinaryOperator::LongArrow, _) => format!("json_text({left} -> {right})"),
            (BinaryOperator::AtArrow, _) => format!("json_contains({left}, {right})"),
            (BinaryOperator::ArrowAt, _) => format!("json_contains({right}, {left})"),
            _ => return Ok(true),
        };
        *expression = raw(text);
        Ok(true)
    }

    fn nature(&self, expression: &Expr) -> Nature {
        match expression {
            Expr::Nested(inner) => self.nature(inner),
            Expr::Interval(_) => Nature::Length,
            Expr::BinaryOp { left, op, right } => {
                let is_sum = matches!(op, BinaryOperator::Plus | BinaryOperator::Minus);
                match (self.nature(left), self.nature(right)) {
                    (Nature::Moment | Nature::Day, Nature::Length) if is_sum => Nature::Moment,
                    (Nature::Moment, Nature::Moment) if is_sum => Nature::Length,
                    (Nature::Day, Nature::Other) if is_sum => Nature::Day,
                    _ => Nature::Other,
                }
            }
            _ => match self.kind(expression) {
                Some(Kind::Timestamp { .. }) => Nature::Moment,
                Some(Kind::Date) => Nature::Day,
                Some(Kind::Interval) => Nature::Length,
                _ => Nature::Other,
            },
        }
    }

    /// The kind of an expression, where it can be told.
    pub(super) fn kind(&self, expression: &Expr) -> Option<Kind> {
        match expression {
            Expr::Nested(inner) => self.kind(inner),
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
                self.catalog.kind_everywhere(column_name(expression)?).cloned()
            }
            Expr::Cast { data_type, .. } => kind_of_type(data_type),
            Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::Exists { .. }
            | Expr::InList { .. }
            | Expr::InSubquery { .. }
            | Expr::Between { .. }
            | Expr::Like { .. }
            | Expr::ILike { .. }
            | Expr::IsTrue(_)
            | Expr::IsFalse(_) => Some(Kind::Boolean),
            Expr::BinaryOp { op, .. } => matches!(
                op,
                BinaryOperator::Eq
                    | BinaryOperator::NotEq
                    | BinaryOperator::Lt
                    | BinaryOperator::LtEq
                    | BinaryOperator::Gt
                    | BinaryOperator::GtEq
                    | BinaryOperator::And
                    | BinaryOperator::Or
            )
            .then_some(Kind::Boolean),
            Expr::Value(value) => {
                matches!(value.value, Constant::Boolean(_)).then_some(Kind::Boolean)
            }
            Expr::Function(function) => self.kind_of_call(function),
            _ => None,
        }
    }

    fn kind_of_call(&self, function: &Function) -> Option<Kind> {
        let first = arguments(function).next();
        match function.name.to_string().to_ascii_lowercase().as_str() {
            "now" | "current_timestamp" | "date_trunc" => Some(Kind::Timestamp { zoned: true }),
            "current_date" => Some(Kind::Date),
            "bool_and" | "bool_or" | "every" => Some(Kind::Boolean),
            "json_agg" | "jsonb_agg" | "array_agg" | "json_build_object" | "jsonb_build_object"
            | "json_object_agg" | "jsonb_object_agg" => Some(Kind::Json),
            "min" | "max" | "coalesce" | "nullif" | "greatest" | "least" => self.kind(first?),
            // A sum of decimals is shown with their digits, without the dust of doubles.
            "sum" => self.kind(first?).filter(|kind| matches!(kind, Kind::Numeric { .. })),
            _ => None,
        }
    }
}

fn arguments(function: &Function) -> impl Iterator<Item = &Expr> {
    let list = match &function.args {
        FunctionArguments::List(list) => list.args.as_slice(),
        _ => &[],
    };
    list.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => Some(expression),
        _ => None,
    })
}

/// Functions that are called differently; their arguments are translated already.
fn function_text(function: &Function) -> Option<String> {
    let name = function.name.to_string().to_ascii_lowercase();
    let is_plain = function.over.is_none() && function.filter.is_none();
    let renamed = match name.as_str() {
        "now"
        | "current_timestamp"
        | "localtimestamp"
        | "transaction_timestamp"
        | "statement_timestamp"
        | "clock_timestamp" => return Some("now()".to_owned()),
        "current_date" => return Some("substr(now(), 1, 10)".to_owned()),
        "json_agg" | "jsonb_agg" | "array_agg" => "json_group_array",
        "json_object_agg" | "jsonb_object_agg" => "json_group_object",
        "json_build_object" | "jsonb_build_object" => "json_object",
        "json_build_array" | "jsonb_build_array" => "json_array",
        "jsonb_array_length" | "cardinality" | "array_length" => "json_array_length",
        "char_length" | "character_length" => "length",
        "btrim" => "trim",
        "pow" => "power",
        "bool_or" => "max",
        "bool_and" | "every" => "min",
        "gen_random_uuid" | "uuid_generate_v4" => "random_uuid",
        "jsonb_typeof" => "json_typeof",
        _ => return None,
    };
    let mut renamed_function = function.clone();
    renamed_function.name = vec![sqlparser::ast::Ident::new(renamed)].into();
    if name == "array_length"
        && is_plain
        && let FunctionArguments::List(list) = &mut renamed_function.args
    {
        list.args.truncate(1);
    }
    Some(renamed_function.to_string())
}

fn kind_of_type(data_type: &DataType) -> Option<Kind> {
    Some(match data_type {
        DataType::Boolean | DataType::Bool => Kind::Boolean,
        DataType::Date => Kind::Date,
        DataType::Timestamp(..) => Kind::Timestamp { zoned: true },
        DataType::Time(..) => Kind::Time,
        DataType::JSON | DataType::JSONB => Kind::Json,
        DataType::Interval { .. } => Kind::Interval,
        _ => return None,
    })
}

fn cast(operand: &Expr, data_type: &DataType) -> Option<String> {
    let name = data_type.to_string().to_ascii_uppercase();
    let base = name.split(['(', ' ']).next().unwrap_or_default();
    Some(match base {
        "TIMESTAMP" | "TIMESTAMPTZ" => format!("cast_moment({operand})"),
        "DATE" => format!("substr(cast_moment({operand}), 1, 10)"),
        "TIME" => format!("cast_time({operand})"),
        "BOOLEAN" | "BOOL" => format!("cast_boolean({operand})"),
        "INT" | "INTEGER" | "BIGINT" | "SMALLINT" | "INT2" | "INT4" | "INT8" => {
            format!("CAST(round({operand}) AS INTEGER)")
        }
        "NUMERIC" | "DECIMAL" | "REAL" | "FLOAT" | "DOUBLE" | "FLOAT4" | "FLOAT8" => {
            let scale = name
                .split_once(',')
                .and_then(|(_, scale)| scale.trim_end_matches(')').trim().parse::<u8>().ok());
            match scale {
                Some(scale) => format!("round(CAST({operand} AS REAL), {scale})"),
                None => format!("CAST({operand} AS REAL)"),
            }
        }
        "TEXT" | "VARCHAR" | "CHAR" | "CHARACTER" => format!("CAST({operand} AS TEXT)"),
        "INTERVAL" => {
            let text = operand.to_string();
            words_seconds(text.trim_matches('\''))?.to_string()
        }
        // UUID, JSON, enums: kept as text.
        _ => format!("({operand})"),
    })
}

/// A constant interval in seconds: `INTERVAL '7 days'`, `INTERVAL '7' DAY`.
fn seconds(interval: &Interval) -> Option<f64> {
    let value = interval.value.to_string();
    let text = value.trim_matches('\'');
    match &interval.leading_field {
        Some(field) => words_seconds(&format!("{text} {field}")),
        None => words_seconds(text),
    }
}

/// `1 day 2 hours`, `02:30:00`. A month is thirty days, a year 365.25 days.
fn words_seconds(text: &str) -> Option<f64> {
    let mut total = 0.0;
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        if let Some((hours, rest)) = word.split_once(':') {
            let (minutes, seconds) = rest.split_once(':').unwrap_or((rest, "0"));
            total += hours.parse::<f64>().ok()? * 3_600.0;
            total += minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?;
            continue;
        }
        let number: f64 = word.parse().ok()?;
        let unit = words.next().unwrap_or("seconds").to_ascii_lowercase();
        total += number
            * match unit.trim_end_matches('s') {
                "microsecond" => 1e-6,
                "millisecond" => 1e-3,
                "second" | "sec" => 1.0,
                "minute" | "min" => 60.0,
                "hour" | "hr" | "h" => 3_600.0,
                "day" | "d" => 86_400.0,
                "week" => 604_800.0,
                "month" | "mon" => 2_592_000.0,
                "year" | "yr" => 31_557_600.0,
                _ => return None,
            };
    }
    Some(total)
}
