//! Functions and casts by PostgreSQL's names.

use super::{Dialect, SqlWriter, Unsupported};
use crate::{Expression, Kind};

/// Functions that are called alike, or that the store registers under the same name.
const ALIKE: &[&str] = &[
    "abs",
    "ceil",
    "ceiling",
    "coalesce",
    "concat",
    "concat_ws",
    "date_trunc",
    "exp",
    "floor",
    "greatest",
    "initcap",
    "least",
    "left",
    "length",
    "ln",
    "lower",
    "lpad",
    "ltrim",
    "mod",
    "nullif",
    "octet_length",
    "power",
    "replace",
    "reverse",
    "right",
    "round",
    "rpad",
    "rtrim",
    "sign",
    "split_part",
    "sqrt",
    "starts_with",
    "strpos",
    "substr",
    "substring",
    "trim",
    "trunc",
    "upper",
];

impl<'a> SqlWriter<'a> {
    pub(super) fn call(
        &mut self,
        function: &str,
        arguments: &'a [Expression],
    ) -> Result<(), Unsupported> {
        let name = match function {
            "now"
            | "current_timestamp"
            | "localtimestamp"
            | "transaction_timestamp"
            | "statement_timestamp"
            | "clock_timestamp"
                if arguments.is_empty() =>
            {
                self.now();
                return Ok(());
            }
            "current_date" if arguments.is_empty() => {
                self.today();
                return Ok(());
            }
            "char_length" | "character_length" => "length",
            "btrim" => "trim",
            "pow" => "power",
            "extract" | "date_part" => "date_part",
            "cardinality" | "array_length" | "jsonb_array_length" | "json_array_length" => {
                // The dimension of `array_length` is always the first here.
                let list = arguments.get(..1).unwrap_or_default();
                return self.function("json_array_length", list);
            }
            "jsonb_typeof" | "json_typeof" => "json_typeof",
            "gen_random_uuid" | "uuid_generate_v4" => "random_uuid",
            "regexp_like" => "regexp_like",
            name => match ALIKE.iter().find(|alike| **alike == name) {
                Some(alike) => alike,
                None => {
                    return Err(Unsupported(format!("the store has no function `{name}`")));
                }
            },
        };
        self.function(name, arguments)
    }

    fn function(
        &mut self,
        name: &'static str,
        arguments: &'a [Expression],
    ) -> Result<(), Unsupported> {
        match self.dialect {
            Dialect::Sqlite => self.arguments(name, arguments),
            Dialect::Postgres => self.call_typed(name, arguments),
        }
    }

    pub(super) fn arguments(
        &mut self,
        name: &str,
        arguments: &'a [Expression],
    ) -> Result<(), Unsupported> {
        self.text.push_str(name);
        self.text.push('(');
        for (place, argument) in arguments.iter().enumerate() {
            if place > 0 {
                self.text.push_str(", ");
            }
            self.expression(argument)?;
        }
        self.text.push(')');
        Ok(())
    }

    pub(super) fn cast(
        &mut self,
        operand: &'a Expression,
        target: &Kind,
    ) -> Result<(), Unsupported> {
        // A literal is read as the target's own value, which is exact.
        if let Expression::Value(crate::Value::Text(text)) = operand
            && let Ok(value) = target.parse_text(text)
        {
            match self.dialect {
                Dialect::Sqlite => self.value(std::borrow::Cow::Owned(value)),
                Dialect::Postgres => self.typed(&value, Some(target)),
            }
            return Ok(());
        }
        if self.dialect == Dialect::Postgres {
            return self.cast_typed(operand, target);
        }
        let (before, after) = match target {
            Kind::Integer { .. } | Kind::Serial { .. } => ("CAST(round(", ") AS INTEGER)"),
            Kind::Real { .. } | Kind::Numeric { precision: None, .. } => ("CAST(", " AS REAL)"),
            Kind::Numeric { scale, .. } => {
                self.text.push_str("round(CAST(");
                self.expression(operand)?;
                self.text.push_str(" AS REAL), ");
                self.text.push_str(itoa::Buffer::new().format(scale.unwrap_or(0)));
                self.text.push(')');
                return Ok(());
            }
            Kind::Boolean => ("cast_boolean(", ")"),
            Kind::Date => ("substr(cast_moment(", "), 1, 10)"),
            Kind::Time => ("cast_time(", ")"),
            Kind::Timestamp { .. } => ("cast_moment(", ")"),
            Kind::Text { .. } => match self.column_entry(operand).map(|column| &column.kind) {
                Some(Kind::Boolean) => ("(CASE ", " WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)"),
                _ => ("CAST(", " AS TEXT)"),
            },
            _ => ("(", ")"),
        };
        self.text.push_str(before);
        self.expression(operand)?;
        self.text.push_str(after);
        Ok(())
    }
}
