//! SQL expressions as typed ones: what lies in the subset that both stores run.

use sqlparser::{
    ast::{self, Expr},
    dialect::{Dialect, GenericDialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect},
    parser::Parser,
};

use super::{
    cursor::{Script, span_of, text_of},
    function::{
        CLAIMS, KNOWN_FUNCTIONS, canonical, claim, interval_seconds, principal_of, seconds_of,
        time_of,
    },
    token::Token,
};
use crate::{
    data::{ColumnType, SqlExpression, name::snake},
    expression::{Expression, Literal, Operator, PrincipalProperty},
};

/// Tokens of an expression that are looked at; longer ones are kept as text.
const EXPRESSION_TOKENS_MAX: usize = 2048;
/// Depth of an expression that is typed.
const EXPRESSION_DEPTH_MAX: usize = 60;

/// What a call of a function that the document declares means, by the function's name.
pub(crate) type Functions<'a> = &'a dyn Fn(&str) -> Option<Expression>;

/// What names mean where an expression stands.
#[derive(Clone, Copy, Default)]
pub(crate) struct Scope<'a> {
    /// Functions that the document declares, by name: what a call without arguments means.
    pub(crate) function: Option<Functions<'a>>,
    /// The table of the row at hand, by which a qualified column is told from an inner one.
    pub(crate) table: Option<&'a str>,
    /// Inside a sub-select: the table selected from, and its alias.
    inner: Option<(&'a str, Option<&'a str>)>,
}

impl<'a> Scope<'a> {
    /// The scope of a policy or rule on rows of `table`.
    pub(crate) fn of_table(table: &'a str) -> Self {
        Self { table: Some(table), ..Self::default() }
    }

    /// The same with what functions mean.
    pub(crate) fn with_functions(self, function: &'a dyn Fn(&str) -> Option<Expression>) -> Self {
        Self { function: Some(function), ..self }
    }
}

/// Reads tokens as one expression: its text, and its typed form where it has one.
pub(crate) fn sql_expression(script: Script<'_>, tokens: &[Token]) -> SqlExpression {
    sql_expression_in(script, tokens, Scope::default())
}

/// As [`sql_expression`], on rows of a table.
pub(crate) fn sql_expression_in(
    script: Script<'_>,
    tokens: &[Token],
    scope: Scope<'_>,
) -> SqlExpression {
    let text = text_of(script, tokens);
    let parsed = if tokens.len() <= EXPRESSION_TOKENS_MAX { parse(text) } else { None };
    let expression = parsed.and_then(|parsed| expression_of(&parsed, scope));
    SqlExpression { text: text.to_owned(), expression, span: span_of(script, tokens) }
}

/// Parses text as one expression, in PostgreSQL's dialect or else another one's.
pub(crate) fn parse(text: &str) -> Option<Expr> {
    let dialects: [&dyn Dialect; 4] =
        [&PostgreSqlDialect {}, &MySqlDialect {}, &SQLiteDialect {}, &GenericDialect {}];
    dialects.into_iter().find_map(|dialect| {
        let mut parser = Parser::new(dialect).try_with_sql(text).ok()?;
        let expression = parser.parse_expr().ok()?;
        matches!(parser.peek_token().token, sqlparser::tokenizer::Token::EOF).then_some(expression)
    })
}

/// The typed form of an expression; none where it lies outside of the subset.
pub(crate) fn expression_of(expression: &Expr, scope: Scope<'_>) -> Option<Expression> {
    Reader { scope }.read(expression, EXPRESSION_DEPTH_MAX)
}

struct Reader<'a> {
    scope: Scope<'a>,
}

impl Reader<'_> {
    fn boxed(&self, expression: &Expr, depth: usize) -> Option<Box<Expression>> {
        self.read(expression, depth).map(Box::new)
    }

    fn list(&self, expressions: &[Expr], depth: usize) -> Option<Vec<Expression>> {
        expressions.iter().map(|expression| self.read(expression, depth)).collect()
    }

    fn read(&self, expression: &Expr, depth: usize) -> Option<Expression> {
        let depth = depth.checked_sub(1)?;
        match expression {
            Expr::Identifier(name) => Some(self.identifier(name)),
            Expr::CompoundIdentifier(names) => self.compound(names),
            Expr::Nested(inner) => self.read(inner, depth),
            Expr::Value(value) => literal(&value.value),
            Expr::TypedString(typed) => typed_string(typed),
            Expr::UnaryOp { op, expr } => self.unary(*op, expr, depth),
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right, depth),
            Expr::IsNull(operand) => {
                Some(Expression::IsNull { operand: self.boxed(operand, depth)?, negated: false })
            }
            Expr::IsNotNull(operand) => {
                Some(Expression::IsNull { operand: self.boxed(operand, depth)?, negated: true })
            }
            Expr::IsTrue(operand) => self.is_boolean(operand, true, depth),
            Expr::IsFalse(operand) => self.is_boolean(operand, false, depth),
            Expr::InList { expr, list, negated } => Some(Expression::In {
                operand: self.boxed(expr, depth)?,
                list: list
                    .iter()
                    .map(|value| constant(value).or_else(|| self.read(value, depth)))
                    .collect::<Option<Vec<_>>>()?,
                negated: *negated,
            }),
            Expr::AnyOp { left, compare_op: ast::BinaryOperator::Eq, right, .. } => {
                self.any(left, right, depth)
            }
            Expr::Between { expr, negated, low, high } => Some(Expression::Between {
                operand: self.boxed(expr, depth)?,
                low: self.boxed(low, depth)?,
                high: self.boxed(high, depth)?,
                negated: *negated,
            }),
            Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                let operator = if *negated { Operator::NotLike } else { Operator::Like };
                Some(self.read(expr, depth)?.binary(operator, self.read(pattern, depth)?))
            }
            Expr::ILike { negated, any: false, expr, pattern, escape_char: None } => {
                let operator = if *negated { Operator::NotILike } else { Operator::ILike };
                Some(self.read(expr, depth)?.binary(operator, self.read(pattern, depth)?))
            }
            Expr::Cast { expr, data_type, .. } => self.cast(expr, data_type, depth),
            Expr::Interval(interval) => {
                interval_seconds(interval).map(|seconds| Expression::Interval { seconds })
            }
            Expr::AtTimeZone { timestamp, .. } => {
                self.read(timestamp, depth).filter(|inner| *inner == Expression::Now)
            }
            Expr::Case { .. } => self.case(expression, depth),
            Expr::Array(array) => array_literal(&self.list(&array.elem, depth)?),
            _ => self.called(expression, depth),
        }
    }

    /// What reads like a call, also where SQL has a grammar of its own for it.
    fn called(&self, expression: &Expr, depth: usize) -> Option<Expression> {
        let call = |function: &str, arguments: Vec<Expression>| {
            Some(Expression::Call { function: function.to_owned(), arguments })
        };
        match expression {
            Expr::Function(function) => self.function(function, depth),
            Expr::Exists { subquery, negated: false } => self.exists(subquery, depth),
            Expr::Exists { subquery, negated: true } => self
                .exists(subquery, depth)
                .map(|inner| Expression::Not { operand: Box::new(inner) }),
            Expr::InSubquery { expr, subquery, negated } => {
                self.in_select(expr, subquery, *negated, depth)
            }
            Expr::Subquery(query) => self.scalar_subquery(query, depth),
            Expr::Extract { field, expr, .. } => call(
                "date_part",
                vec![Expression::text(field.to_string().to_lowercase()), self.read(expr, depth)?],
            ),
            Expr::Trim { expr, trim_where: None, trim_what: None, trim_characters: None } => {
                call("trim", vec![self.read(expr, depth)?])
            }
            Expr::Substring { expr, substring_from, substring_for, .. } => {
                let mut arguments = vec![self.read(expr, depth)?];
                for part in [substring_from, substring_for].into_iter().flatten() {
                    arguments.push(self.read(part, depth)?);
                }
                call("substring", arguments)
            }
            Expr::Position { expr, r#in } => {
                call("strpos", vec![self.read(r#in, depth)?, self.read(expr, depth)?])
            }
            Expr::Ceil { expr, .. } => call("ceil", vec![self.read(expr, depth)?]),
            Expr::Floor { expr, .. } => call("floor", vec![self.read(expr, depth)?]),
            _ => None,
        }
    }

    fn identifier(&self, name: &ast::Ident) -> Expression {
        if name.quote_style.is_none() {
            match name.value.to_ascii_lowercase().as_str() {
                "current_timestamp" | "localtimestamp" | "sysdate" | "systimestamp" => {
                    return Expression::Now;
                }
                "current_date" => return Expression::Today,
                _ => {}
            }
        }
        Expression::column(snake(&name.value))
    }

    /// `orders.user_id`: the row at hand, the row of a sub-select, or a row around it.
    fn compound(&self, names: &[ast::Ident]) -> Option<Expression> {
        let (column, table) = match names {
            [.., table, column] => (snake(&column.value), snake(&table.value)),
            _ => return None,
        };
        match self.scope.inner {
            Some((inner, alias)) if alias == Some(&*table) || inner == table => {
                Some(Expression::column(column))
            }
            Some(_) if self.scope.table.is_none_or(|outer| outer == table) => {
                Some(Expression::Outer { name: column })
            }
            Some(_) => None,
            None if matches!(table.as_str(), "new" | "old") => Some(Expression::column(column)),
            None if self.scope.table.is_none_or(|outer| outer == table) => {
                Some(Expression::column(column))
            }
            None => None,
        }
    }

    fn unary(
        &self,
        operator: ast::UnaryOperator,
        operand: &Expr,
        depth: usize,
    ) -> Option<Expression> {
        let operand = self.boxed(operand, depth)?;
        match (operator, operand.as_ref()) {
            (ast::UnaryOperator::Not, _) => Some(Expression::Not { operand }),
            (
                ast::UnaryOperator::Minus,
                Expression::Literal { literal: Literal::Number(number) },
            ) => Some(Expression::Literal { literal: Literal::Number(format!("-{number}")) }),
            (ast::UnaryOperator::Minus, _) => Some(Expression::Negate { operand }),
            (ast::UnaryOperator::Plus, _) => Some(*operand),
            _ => None,
        }
    }

    fn binary(
        &self,
        left: &Expr,
        operator: &ast::BinaryOperator,
        right: &Expr,
        depth: usize,
    ) -> Option<Expression> {
        let left = self.read(left, depth)?;
        let right = self.read(right, depth)?;
        // `auth.jwt() ->> 'role'`, also through its metadata, is a property of whoever asks.
        if let (Expression::Principal { property: PrincipalProperty::Column(claims) }, "->" | "->>") =
            (&left, operator.to_string().as_str())
            && claims == CLAIMS
        {
            return claim(&right);
        }
        Some(left.binary(operator_of(operator)?, right))
    }

    fn is_boolean(&self, operand: &Expr, value: bool, depth: usize) -> Option<Expression> {
        let literal = Expression::Literal { literal: Literal::Boolean(value) };
        let operand = self.read(operand, depth)?;
        let known = Expression::IsNull { operand: Box::new(operand.clone()), negated: true };
        Some(known.binary(Operator::And, operand.equals(literal)))
    }

    /// `x = ANY (ARRAY['a', 'b'])`.
    fn any(&self, left: &Expr, right: &Expr, depth: usize) -> Option<Expression> {
        let operand = self.boxed(left, depth)?;
        let mut right = right;
        while let Expr::Nested(inner) | Expr::Cast { expr: inner, .. } = right {
            right = inner;
        }
        match right {
            Expr::Array(array) => Some(Expression::In {
                operand,
                list: self.list(&array.elem, depth)?,
                negated: false,
            }),
            _ => None,
        }
    }

    fn cast(&self, inner: &Expr, target: &ast::DataType, depth: usize) -> Option<Expression> {
        let operand = self.read(inner, depth)?;
        let written = target.to_string();
        let (word, arguments) = split_type(&written);
        let kind = super::kind::known_type(&word, &arguments);
        match (&operand, kind) {
            // A principal's key has the type of the column it is compared with.
            (Expression::Principal { .. }, _) => Some(operand),
            (Expression::Literal { literal: Literal::Text(text) }, Some(ColumnType::Interval)) => {
                seconds_of(text).map(|seconds| Expression::Interval { seconds })
            }
            // A constant takes the type of what it is compared with or stored in.
            (Expression::Literal { literal: Literal::Text(_) }, _) => Some(operand),
            (_, Some(ColumnType::Other { .. })) => None,
            (_, Some(kind)) => Some(Expression::Cast { operand: Box::new(operand), target: kind }),
            // `status::text` of an enumerated type is known; a cast to one means its own values.
            (_, None) => None,
        }
    }

    fn case(&self, expression: &Expr, depth: usize) -> Option<Expression> {
        let Expr::Case { operand, conditions, else_result, .. } = expression else { return None };
        let subject = match operand {
            Some(operand) => Some(self.read(operand, depth)?),
            None => None,
        };
        let branches = conditions
            .iter()
            .map(|when| {
                let condition = self.read(&when.condition, depth)?;
                let condition = match &subject {
                    Some(subject) => subject.clone().equals(condition),
                    None => condition,
                };
                Some((condition, self.read(&when.result, depth)?))
            })
            .collect::<Option<Vec<_>>>()?;
        let otherwise = match else_result {
            Some(result) => Some(self.boxed(result, depth)?),
            None => None,
        };
        Some(Expression::Case { branches, otherwise })
    }

    fn function(&self, function: &ast::Function, depth: usize) -> Option<Expression> {
        if function.over.is_some() || function.filter.is_some() {
            return None;
        }
        let name = function.name.to_string().to_lowercase().replace(['"', '`'], "");
        let name = name.strip_prefix("pg_catalog.").unwrap_or(&name);
        let arguments = self.arguments(&function.args, depth)?;
        if let Some(principal) = principal_of(name, &arguments) {
            return Some(principal);
        }
        if let Some(found) = self.scope.function.and_then(|known| known(name)) {
            return Some(found);
        }
        time_of(name, &arguments).or_else(|| {
            KNOWN_FUNCTIONS
                .contains(&name)
                .then(|| Expression::Call { function: canonical(name).to_owned(), arguments })
        })
    }

    fn arguments(
        &self,
        arguments: &ast::FunctionArguments,
        depth: usize,
    ) -> Option<Vec<Expression>> {
        match arguments {
            ast::FunctionArguments::None => Some(Vec::new()),
            ast::FunctionArguments::Subquery(_) => None,
            ast::FunctionArguments::List(list) => list
                .args
                .iter()
                .map(|argument| match argument {
                    ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expression)) => {
                        self.read(expression, depth)
                    }
                    _ => None,
                })
                .collect(),
        }
    }

    /// `(SELECT auth.uid())`: wrapped so that it is evaluated once.
    fn scalar_subquery(&self, query: &ast::Query, depth: usize) -> Option<Expression> {
        let select = plain_select(query)?;
        match select.projection.as_slice() {
            [ast::SelectItem::UnnamedExpr(expression)] if select.from.is_empty() => {
                self.read(expression, depth)
            }
            // `(SELECT role FROM users WHERE id = auth.uid())` is a column of whoever asks.
            [ast::SelectItem::UnnamedExpr(Expr::Identifier(column))] => {
                let (_, _, condition) = self.inner_condition(select, depth)?;
                let own = Expression::column("id").equals(Expression::principal_id());
                let mirrored = Expression::principal_id().equals(Expression::column("id"));
                (condition == own || condition == mirrored).then(|| {
                    let name = snake(&column.value);
                    let property = match name.as_str() {
                        "role" => PrincipalProperty::Role,
                        _ => PrincipalProperty::Column(name),
                    };
                    Expression::Principal { property }
                })
            }
            _ => None,
        }
    }

    fn exists(&self, query: &ast::Query, depth: usize) -> Option<Expression> {
        let (table, _, condition) = self.inner_condition(plain_select(query)?, depth)?;
        Some(Expression::Exists { table, condition: Box::new(condition) })
    }

    fn in_select(
        &self,
        operand: &Expr,
        query: &ast::Query,
        negated: bool,
        depth: usize,
    ) -> Option<Expression> {
        let select = plain_select(query)?;
        let column = match select.projection.as_slice() {
            [ast::SelectItem::UnnamedExpr(Expr::Identifier(column))] => snake(&column.value),
            [ast::SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names))] => {
                snake(&names.last()?.value)
            }
            _ => return None,
        };
        let operand = self.boxed(operand, depth)?;
        let (table, _, condition) = self.inner_condition(select, depth)?;
        let found = Expression::InSelect { operand, column, table, condition: Box::new(condition) };
        Some(if negated { Expression::Not { operand: Box::new(found) } } else { found })
    }

    /// Table, alias and condition of a select from one table.
    fn inner_condition(
        &self,
        select: &ast::Select,
        depth: usize,
    ) -> Option<(String, Option<String>, Expression)> {
        let [from] = select.from.as_slice() else { return None };
        if !from.joins.is_empty() {
            return None;
        }
        let ast::TableFactor::Table { name, alias, args: None, .. } = &from.relation else {
            return None;
        };
        let table = object_name(name);
        let alias = alias.as_ref().map(|alias| snake(&alias.name.value));
        let scope = Scope { inner: Some((&table, alias.as_deref())), ..self.scope };
        let condition = match &select.selection {
            Some(condition) => Reader { scope }.read(condition, depth)?,
            None => Expression::Literal { literal: Literal::Boolean(true) },
        };
        Some((table, alias, condition))
    }
}

/// The name of a table as the System knows it.
pub(crate) fn object_name(name: &ast::ObjectName) -> String {
    let parts: Vec<String> =
        name.0.iter().filter_map(|part| part.as_ident().map(|ident| snake(&ident.value))).collect();
    match parts.as_slice() {
        [.., schema, table] if !matches!(schema.as_str(), "public" | "dbo" | "main") => {
            format!("{schema}_{table}")
        }
        [.., table] => table.clone(),
        [] => String::new(),
    }
}

/// A constant in double quotes, as MySQL and SQLite let people write it in a list of values.
fn constant(value: &Expr) -> Option<Expression> {
    match value {
        Expr::Identifier(name) if name.quote_style == Some('"') => {
            Some(Expression::text(&name.value))
        }
        _ => None,
    }
}

/// A query that is one SELECT without grouping, ordering or limits beyond `LIMIT 1`.
fn plain_select(query: &ast::Query) -> Option<&ast::Select> {
    let ast::SetExpr::Select(select) = query.body.as_ref() else { return None };
    let is_plain = query.with.is_none()
        && select.having.is_none()
        && matches!(&select.group_by, ast::GroupByExpr::Expressions(by, _) if by.is_empty());
    is_plain.then_some(select)
}

fn literal(value: &ast::Value) -> Option<Expression> {
    let literal = match value {
        ast::Value::Number(number, _) => Literal::Number(number.clone()),
        ast::Value::SingleQuotedString(text)
        | ast::Value::EscapedStringLiteral(text)
        | ast::Value::NationalStringLiteral(text)
        | ast::Value::DoubleQuotedString(text) => Literal::Text(text.clone()),
        ast::Value::Boolean(value) => Literal::Boolean(*value),
        ast::Value::Null => Literal::Null,
        _ => return None,
    };
    Some(Expression::Literal { literal })
}

/// `ARRAY['a', 'b']` as PostgreSQL's text form, `{"a","b"}`.
fn array_literal(elements: &[Expression]) -> Option<Expression> {
    let parts = elements
        .iter()
        .map(|element| match element {
            Expression::Literal { literal: Literal::Text(text) } => {
                Some(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
            }
            Expression::Literal { literal: Literal::Number(number) } => Some(number.clone()),
            _ => None,
        })
        .collect::<Option<Vec<_>>>()?;
    Some(Expression::text(format!("{{{}}}", parts.join(","))))
}

/// `DATE '2026-01-01'`, `INTERVAL '1 day'`.
fn typed_string(typed: &ast::TypedString) -> Option<Expression> {
    literal(&typed.value.value)
}

fn operator_of(operator: &ast::BinaryOperator) -> Option<Operator> {
    use ast::BinaryOperator as Sql;
    Some(match operator {
        Sql::And => Operator::And,
        Sql::Or => Operator::Or,
        Sql::Eq => Operator::Equal,
        Sql::NotEq => Operator::NotEqual,
        Sql::Lt => Operator::Less,
        Sql::LtEq => Operator::LessOrEqual,
        Sql::Gt => Operator::Greater,
        Sql::GtEq => Operator::GreaterOrEqual,
        Sql::Plus => Operator::Add,
        Sql::Minus => Operator::Subtract,
        Sql::Multiply => Operator::Multiply,
        Sql::Divide => Operator::Divide,
        Sql::Modulo => Operator::Modulo,
        Sql::StringConcat => Operator::Concatenate,
        Sql::PGRegexMatch => Operator::Matches,
        Sql::PGRegexIMatch => Operator::MatchesIgnoringCase,
        Sql::PGRegexNotMatch => Operator::NotMatches,
        Sql::Arrow => Operator::JsonField,
        Sql::LongArrow => Operator::JsonText,
        Sql::AtArrow => Operator::Contains,
        _ => return None,
    })
}

/// `NUMERIC(10,2)` as its word and arguments.
fn split_type(written: &str) -> (String, Vec<String>) {
    let (word, rest) = written.split_once('(').unwrap_or((written, ""));
    let arguments = rest
        .trim_end_matches(')')
        .split(',')
        .map(str::trim)
        .filter(|argument| !argument.is_empty())
        .map(str::to_owned)
        .collect();
    let word = word.trim().to_ascii_uppercase();
    let word = word.strip_suffix(" WITH TIME ZONE").unwrap_or(&word);
    let word = word.strip_suffix(" WITHOUT TIME ZONE").unwrap_or(word);
    (word.to_owned(), arguments)
}
