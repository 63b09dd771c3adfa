//! Functions and casts as PostgreSQL has them.

use super::{CODE_POINTS, INTEGER, LETTERS, MOMENT, SqlWriter, TEXT, Unsupported};
use crate::{Expression, Kind, postgres::native};

impl<'a> SqlWriter<'a> {
    /// What a function yields, where it can be told.
    pub(super) fn kind_of_call(&self, function: &str, arguments: &[Expression]) -> Option<Kind> {
        match function {
            "lower" | "upper" | "initcap" | "concat" | "concat_ws" | "left" | "right" | "lpad"
            | "rpad" | "trim" | "btrim" | "ltrim" | "rtrim" | "replace" | "reverse"
            | "split_part" | "substr" | "substring" | "jsonb_typeof" | "json_typeof" => Some(TEXT),
            "length" | "char_length" | "character_length" | "octet_length" | "strpos"
            | "cardinality" | "array_length" | "jsonb_array_length" | "json_array_length" => {
                Some(INTEGER)
            }
            "date_trunc"
            | "now"
            | "current_timestamp"
            | "localtimestamp"
            | "transaction_timestamp"
            | "statement_timestamp"
            | "clock_timestamp" => Some(MOMENT),
            "current_date" => Some(Kind::Date),
            "extract" | "date_part" => Some(Kind::Real { bits: 64 }),
            "gen_random_uuid" | "uuid_generate_v4" => Some(Kind::Uuid),
            "coalesce" | "nullif" | "greatest" | "least" | "abs" => {
                arguments.iter().find_map(|argument| self.kind_of(argument))
            }
            "starts_with" | "regexp_like" => Some(Kind::Boolean),
            _ => None,
        }
    }

    pub(in crate::sql) fn call_typed(
        &mut self,
        function: &'static str,
        arguments: &'a [Expression],
    ) -> Result<(), Unsupported> {
        match function {
            "lower" | "upper" | "initcap" => {
                // Lowered by Unicode, compared by code point.
                self.text.push('(');
                self.text.push_str(function);
                self.text.push('(');
                for argument in arguments {
                    self.as_text(argument)?;
                }
                self.text.push_str(LETTERS);
                self.text.push(')');
                self.text.push_str(CODE_POINTS);
                self.text.push(')');
                return Ok(());
            }
            "coalesce" | "nullif" | "greatest" | "least" => {
                return self.alike(function, arguments);
            }
            "round" | "trunc" if arguments.len() == 2 => {
                self.text.push_str(function);
                self.text.push('(');
                for (place, argument) in arguments.iter().enumerate() {
                    self.text.push_str(if place == 0 { "(" } else { ", (" });
                    self.expression(argument)?;
                    self.text.push_str(if place == 0 { ")::numeric" } else { ")::integer" });
                }
                self.text.push(')');
                return Ok(());
            }
            "json_array_length" => {
                let first = arguments.first().and_then(|argument| self.kind_of(argument));
                let is_list = matches!(first, Some(Kind::Array { .. }));
                let name = if is_list { "cardinality" } else { "jsonb_array_length" };
                return self.arguments(name, arguments);
            }
            _ => {}
        }
        let name = match function {
            "json_typeof" => "jsonb_typeof",
            "random_uuid" => "gen_random_uuid",
            "trim" => "btrim",
            name => name,
        };
        self.arguments(name, arguments)
    }

    /// A function whose arguments are all of one kind.
    fn alike(&mut self, name: &str, arguments: &'a [Expression]) -> Result<(), Unsupported> {
        let kind = arguments.iter().find_map(|argument| self.kind_of(argument));
        self.text.push_str(name);
        self.text.push('(');
        for (place, argument) in arguments.iter().enumerate() {
            if place > 0 {
                self.text.push_str(", ");
            }
            match argument {
                Expression::Value(value) => self.typed(value, kind.as_ref()),
                other => self.expression(other)?,
            }
        }
        self.text.push(')');
        Ok(())
    }

    pub(in crate::sql) fn cast_typed(
        &mut self,
        operand: &'a Expression,
        target: &Kind,
    ) -> Result<(), Unsupported> {
        self.text.push('(');
        self.expression(operand)?;
        self.text.push_str(")::");
        self.text.push_str(&native::type_of(target));
        Ok(())
    }
}
