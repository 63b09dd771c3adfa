//! A small reader of the document's SELECTs: which rows one shows, worked out from the rows of its
//! tables. It says nothing where it does not understand.

use std::collections::HashMap;

use document::{
    System,
    expression::{Expression, Literal, Operator},
};
use jiff::{Span, SpanRound, Unit};
use serde_json::Value as Json;
use sqlparser::{
    ast::{self, Expr, JoinConstraint, JoinOperator, SelectItem, SetExpr, Statement, TableFactor},
    dialect::PostgreSqlDialect,
    parser::Parser,
};

use crate::{Row, evaluate, evaluate::Value, shape::shown};

/// Deepest nesting that is read.
const DEPTH_MAX: usize = 60;
/// Combinations of rows that are looked at.
const COMBINATIONS_MAX: usize = 400_000;

/// Rows by table.
pub(crate) type World = HashMap<String, Vec<Row>>;

/// A SELECT that is understood.
#[derive(Debug)]
pub(crate) struct Select {
    sources: Vec<Source>,
    condition: Option<Expression>,
    outputs: Vec<(String, What)>,
    /// What its rows are grouped by, where they are.
    group: Option<Vec<String>>,
    is_distinct: bool,
    /// It shows a part of its rows only.
    pub(crate) is_cut: bool,
}

/// A table of the SELECT. Its columns are named `alias.column`.
#[derive(Debug)]
struct Source {
    alias: String,
    table: String,
    on: Option<Expression>,
    /// A row stays where nothing is joined to it.
    is_left: bool,
}

/// What a column of the answer shows.
#[derive(Debug, PartialEq)]
enum What {
    Column(String),
    Count,
    CountOf(String),
    /// Something else, which is not compared.
    Other,
}

impl Select {
    /// Reads a SELECT; a parameter is a column whose name begins with a colon.
    ///
    /// # Errors
    /// What is not understood.
    pub(crate) fn read(sql: &str, system: &System) -> Result<Self, String> {
        let parsed = Parser::new(&PostgreSqlDialect {})
            .with_recursion_limit(DEPTH_MAX)
            .try_with_sql(sql)
            .and_then(|mut parser| parser.parse_statements())
            .map_err(|error| error.to_string())?;
        let [Statement::Query(query)] = parsed.as_slice() else {
            return Err("it is not one SELECT".to_owned());
        };
        let (SetExpr::Select(select), None) = (&*query.body, &query.with) else {
            return Err("it is made of several SELECTs".to_owned());
        };
        if select.having.is_some() || matches!(select.distinct, Some(ast::Distinct::On(_))) {
            return Err("HAVING and DISTINCT ON are not worked out here".to_owned());
        }
        let mut reader = Reader { system, sources: Vec::new() };
        reader.sources(&select.from)?;
        let condition = match &select.selection {
            Some(condition) => Some(reader.condition(condition)?),
            None => None,
        };
        let outputs = reader.outputs(&select.projection)?;
        let group = reader.group(select, &outputs)?;
        Ok(Self {
            sources: reader.sources,
            condition,
            outputs,
            group,
            is_distinct: select.distinct.is_some(),
            is_cut: query.limit_clause.is_some() || query.fetch.is_some(),
        })
    }

    /// The tables that it reads.
    pub(crate) fn tables(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.sources.iter().map(|one| one.table.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// True where it has an output of this name.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.outputs.iter().any(|(own, _)| own == name)
    }

    /// The columns whose values can be compared.
    pub(crate) fn names(&self) -> Vec<&str> {
        let known = self.outputs.iter().filter(|(_, what)| *what != What::Other);
        known.map(|(name, _)| name.as_str()).collect()
    }

    /// Values that columns are compared with: table, column, and the other side.
    pub(crate) fn compared(&self) -> Vec<(&str, &str, Operator, &Expression)> {
        let mut found = Vec::new();
        let on = self.sources.iter().filter_map(|source| source.on.as_ref());
        for condition in on.chain(&self.condition) {
            gather(condition, &mut found);
        }
        let named = found.into_iter().filter_map(|(name, operator, other)| {
            let (alias, column) = name.split_once('.')?;
            let source = self.sources.iter().find(|source| source.alias == alias)?;
            Some((source.table.as_str(), column, operator, other))
        });
        named.collect()
    }

    /// The rows that it shows of a world, without what cannot be compared; none where a condition
    /// is not understood or there are too many rows.
    pub(crate) fn rows(
        &self,
        system: &System,
        world: &World,
        parameters: &HashMap<String, Json>,
    ) -> Option<Vec<Row>> {
        let mut combinations: Vec<Vec<Option<&Row>>> = vec![Vec::new()];
        for source in &self.sources {
            let rows = world.get(&source.table)?;
            if combinations.len().saturating_mul(rows.len().max(1)) > COMBINATIONS_MAX {
                return None;
            }
            let mut joined = Vec::new();
            for before in &combinations {
                let mut is_joined = false;
                for row in rows {
                    let mut together = before.clone();
                    together.push(Some(row));
                    if self.holds(system, source.on.as_ref(), &together, parameters)? {
                        is_joined = true;
                        joined.push(together);
                    }
                }
                if !is_joined && source.is_left {
                    let mut alone = before.clone();
                    alone.push(None);
                    joined.push(alone);
                }
            }
            combinations = joined;
        }
        let mut kept = Vec::new();
        for together in combinations {
            if self.holds(system, self.condition.as_ref(), &together, parameters)? {
                kept.push(together);
            }
        }
        Some(self.shown(system, &kept))
    }

    fn shown(&self, system: &System, kept: &[Vec<Option<&Row>>]) -> Vec<Row> {
        let Some(keys) = &self.group else {
            let rows = kept.iter().map(|one| self.row(system, std::slice::from_ref(one)));
            let mut rows: Vec<Row> = rows.collect();
            if self.is_distinct {
                let mut seen = std::collections::HashSet::new();
                rows.retain(|row| seen.insert(crate::lists::key_of(row)));
            }
            return rows;
        };
        let mut groups: Vec<(String, Vec<Vec<Option<&Row>>>)> = Vec::new();
        if keys.is_empty() {
            groups.push((String::new(), Vec::new()));
        }
        for one in kept {
            let values = keys.iter().map(|name| self.value(system, name, one).to_string());
            let key: String = values.collect::<Vec<_>>().join("\u{0}");
            match groups.iter_mut().find(|(other, _)| *other == key) {
                Some((_, group)) => group.push(one.clone()),
                None => groups.push((key, vec![one.clone()])),
            }
        }
        groups.iter().map(|(_, group)| self.row(system, group)).collect()
    }

    fn row(&self, system: &System, group: &[Vec<Option<&Row>>]) -> Row {
        let members = self.outputs.iter().filter_map(|(name, what)| {
            let value = match what {
                What::Other => return None,
                What::Column(column) => {
                    group.first().map_or(Json::Null, |one| self.value(system, column, one))
                }
                What::Count => group.len().into(),
                What::CountOf(column) => {
                    let known =
                        group.iter().filter(|one| !self.value(system, column, one).is_null());
                    known.count().into()
                }
            };
            Some((name.clone(), value))
        });
        members.collect()
    }

    fn holds(
        &self,
        system: &System,
        condition: Option<&Expression>,
        together: &[Option<&Row>],
        parameters: &HashMap<String, Json>,
    ) -> Option<bool> {
        let Some(condition) = condition else { return Some(true) };
        let read = |name: &str| match name.strip_prefix(':') {
            Some(parameter) => parameters.get(parameter).cloned().unwrap_or(Json::Null),
            None => self.value(system, name, together),
        };
        match evaluate::value(condition, &read)? {
            Value::Boolean(truth) => Some(truth),
            Value::Null => Some(false),
            _ => None,
        }
    }

    fn value(&self, system: &System, name: &str, together: &[Option<&Row>]) -> Json {
        let found = name.split_once('.').and_then(|(alias, column)| {
            let place = self.sources.iter().position(|source| source.alias == alias)?;
            together.get(place).copied().flatten()?.get(&shown(system, column)).cloned()
        });
        found.unwrap_or(Json::Null)
    }
}

/// Columns with what they are compared with, where that has to hold.
fn gather<'e>(condition: &'e Expression, found: &mut Vec<(&'e str, Operator, &'e Expression)>) {
    let Expression::Binary { left, operator, right } = condition else { return };
    match (&**left, operator, &**right) {
        (_, Operator::And, _) => {
            gather(left, found);
            gather(right, found);
        }
        (Expression::Column { name }, _, other) if !name.starts_with(':') => {
            found.push((name, *operator, other));
        }
        (other, Operator::Equal, Expression::Column { name }) => {
            found.push((name, Operator::Equal, other));
        }
        _ => {}
    }
}

struct Reader<'a> {
    system: &'a System,
    sources: Vec<Source>,
}

impl Reader<'_> {
    fn sources(&mut self, from: &[ast::TableWithJoins]) -> Result<(), String> {
        for one in from {
            self.source(&one.relation, None, false)?;
            for join in &one.joins {
                let (constraint, is_left) = match &join.join_operator {
                    JoinOperator::Join(on) | JoinOperator::Inner(on) => (Some(on), false),
                    JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => (Some(on), true),
                    JoinOperator::CrossJoin(_) => (None, false),
                    _ => return Err("a join of its kind is not worked out here".to_owned()),
                };
                self.source(&join.relation, constraint, is_left)?;
            }
        }
        Ok(())
    }

    fn source(
        &mut self,
        factor: &TableFactor,
        constraint: Option<&JoinConstraint>,
        is_left: bool,
    ) -> Result<(), String> {
        let TableFactor::Table { name, alias, args: None, .. } = factor else {
            return Err("it reads what is no table".to_owned());
        };
        let table = name.0.last().map(ToString::to_string).unwrap_or_default();
        let table = crate::shape::snake(table.trim_matches('"'));
        if self.system.data.table(&table).is_none() {
            return Err(format!("`{table}` is no table of the document"));
        }
        let alias =
            alias.as_ref().map_or_else(|| table.clone(), |one| one.name.value.to_lowercase());
        self.sources.push(Source { alias, table, on: None, is_left });
        let on = match constraint {
            None | Some(JoinConstraint::None) => None,
            Some(JoinConstraint::On(on)) => Some(self.condition(on)?),
            Some(_) => return Err("USING and NATURAL are not worked out here".to_owned()),
        };
        if let Some(last) = self.sources.last_mut() {
            last.on = on;
        }
        Ok(())
    }

    fn condition(&self, written: &Expr) -> Result<Expression, String> {
        let unknown = || format!("`{written}` is not worked out here");
        self.expression(written, DEPTH_MAX).ok_or_else(unknown)
    }

    /// `alias.column` of a name with or without its table; none where it is not shown.
    fn column(&self, alias: Option<&str>, name: &str) -> Option<String> {
        let name = crate::shape::snake(name);
        let mut of = self.sources.iter().filter(|source| {
            let column = self.system.data.table(&source.table).and_then(|one| one.column(&name));
            alias.is_none_or(|alias| source.alias == alias.to_lowercase())
                && column.is_some_and(|column| !column.write_only)
        });
        match (of.next(), of.next()) {
            (Some(source), None) => Some(format!("{}.{name}", source.alias)),
            _ => None,
        }
    }

    fn outputs(&self, projection: &[SelectItem]) -> Result<Vec<(String, What)>, String> {
        let mut outputs = Vec::new();
        for item in projection {
            match item {
                SelectItem::UnnamedExpr(expression) => {
                    let name = match expression {
                        Expr::Identifier(name) => name.value.clone(),
                        Expr::CompoundIdentifier(names) => {
                            names.last().map(|name| name.value.clone()).unwrap_or_default()
                        }
                        _ => continue,
                    };
                    outputs.push((name, self.what(expression)));
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    outputs.push((alias.value.clone(), self.what(expr)));
                }
                SelectItem::Wildcard(_) if self.sources.len() == 1 => {
                    outputs.extend(self.sources.iter().flat_map(|source| self.all(source)));
                }
                _ => return Err("what it shows is not worked out here".to_owned()),
            }
        }
        Ok(outputs)
    }

    fn all(&self, source: &Source) -> Vec<(String, What)> {
        let table = self.system.data.table(&source.table);
        let columns = table.into_iter().flat_map(|table| &table.columns);
        let shown = columns.filter(|column| !column.write_only);
        let what = |name: &str| What::Column(format!("{}.{name}", source.alias));
        shown.map(|column| (column.name.clone(), what(&column.name))).collect()
    }

    fn what(&self, expression: &Expr) -> What {
        if let Some(Expression::Column { name }) = self.expression(expression, 2)
            && !name.starts_with(':')
        {
            return What::Column(name);
        }
        let Expr::Function(function) = expression else { return What::Other };
        let is_plain = function.filter.is_none() && function.over.is_none();
        let ast::FunctionArguments::List(list) = &function.args else { return What::Other };
        if !function.name.to_string().eq_ignore_ascii_case("count")
            || !is_plain
            || list.duplicate_treatment.is_some()
        {
            return What::Other;
        }
        match list.args.as_slice() {
            [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Wildcard)] => What::Count,
            [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(inner))] => {
                match self.expression(inner, 2) {
                    Some(Expression::Column { name }) => What::CountOf(name),
                    _ => What::Other,
                }
            }
            _ => What::Other,
        }
    }

    fn group(
        &self,
        select: &ast::Select,
        outputs: &[(String, What)],
    ) -> Result<Option<Vec<String>>, String> {
        let ast::GroupByExpr::Expressions(keys, modifiers) = &select.group_by else {
            return Err("GROUP BY ALL is not worked out here".to_owned());
        };
        if keys.is_empty() && modifiers.is_empty() {
            let all = select.projection.iter().map(|item| item.to_string().to_lowercase());
            let aggregates = ["count(", "sum(", "avg(", "min(", "max(", "_agg("];
            let is_one = all.into_iter().any(|item| {
                aggregates.iter().any(|name| item.contains(name)) && !item.contains(" over ")
            });
            return Ok(is_one.then(Vec::new));
        }
        let unknown = "what its rows are grouped by is not worked out here";
        let keys = keys.iter().map(|key| match self.expression(key, 2) {
            Some(Expression::Column { name }) if modifiers.is_empty() => Ok(name),
            _ => {
                let text = key.to_string();
                let place = text.parse::<usize>().ok().and_then(|place| place.checked_sub(1));
                let by_place = place.and_then(|place| outputs.get(place));
                let output = by_place.or_else(|| outputs.iter().find(|(name, _)| *name == text));
                match output {
                    Some((_, What::Column(name))) => Ok(name.clone()),
                    _ => Err(unknown.to_owned()),
                }
            }
        });
        keys.collect::<Result<Vec<_>, _>>().map(Some)
    }

    fn boxed(&self, written: &Expr, depth: usize) -> Option<Box<Expression>> {
        self.expression(written, depth).map(Box::new)
    }

    fn expression(&self, written: &Expr, depth: usize) -> Option<Expression> {
        let depth = depth.checked_sub(1)?;
        let column = |name: String| Expression::Column { name };
        Some(match written {
            Expr::Identifier(name) => match name.value.to_lowercase().as_str() {
                "current_timestamp" => Expression::Now,
                "current_date" => Expression::Today,
                _ => column(self.column(None, &name.value)?),
            },
            Expr::CompoundIdentifier(names) => match names.as_slice() {
                [.., table, name] => column(self.column(Some(&table.value), &name.value)?),
                _ => return None,
            },
            Expr::Nested(inner) => self.expression(inner, depth)?,
            Expr::Value(value) => literal(&value.value)?,
            Expr::UnaryOp { op: ast::UnaryOperator::Not, expr } => {
                Expression::Not { operand: self.boxed(expr, depth)? }
            }
            Expr::UnaryOp { op: ast::UnaryOperator::Minus, expr } => {
                Expression::Negate { operand: self.boxed(expr, depth)? }
            }
            Expr::BinaryOp { left, op, right } => Expression::Binary {
                left: self.boxed(left, depth)?,
                operator: operator(op)?,
                right: self.boxed(right, depth)?,
            },
            Expr::IsNull(operand) => {
                Expression::IsNull { operand: self.boxed(operand, depth)?, negated: false }
            }
            Expr::IsNotNull(operand) => {
                Expression::IsNull { operand: self.boxed(operand, depth)?, negated: true }
            }
            Expr::InList { expr, list, negated } => Expression::In {
                operand: self.boxed(expr, depth)?,
                list: list.iter().map(|one| self.expression(one, depth)).collect::<Option<_>>()?,
                negated: *negated,
            },
            Expr::Between { expr, negated, low, high } => Expression::Between {
                operand: self.boxed(expr, depth)?,
                low: self.boxed(low, depth)?,
                high: self.boxed(high, depth)?,
                negated: *negated,
            },
            Expr::Cast { expr, .. } => match self.expression(expr, depth)? {
                // A constant or a parameter takes the type of what it is compared with.
                literal @ Expression::Literal { .. } => literal,
                Expression::Column { name } if name.starts_with(':') => column(name),
                _ => return None,
            },
            Expr::Interval(interval) => interval_of(interval)?,
            Expr::Function(function) => self.function(function, depth)?,
            _ => return None,
        })
    }

    fn function(&self, function: &ast::Function, depth: usize) -> Option<Expression> {
        let name = function.name.to_string().to_lowercase();
        if name == "now" {
            return Some(Expression::Now);
        }
        if !["coalesce", "lower", "upper", "length", "abs", "trim"].contains(&name.as_str()) {
            return None;
        }
        let ast::FunctionArguments::List(list) = &function.args else { return None };
        let arguments = list.args.iter().map(|argument| match argument {
            ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(inner)) => {
                self.expression(inner, depth)
            }
            _ => None,
        });
        Some(Expression::Call { function: name, arguments: arguments.collect::<Option<_>>()? })
    }
}

fn literal(value: &ast::Value) -> Option<Expression> {
    let literal = match value {
        ast::Value::Null => Literal::Null,
        ast::Value::Boolean(truth) => Literal::Boolean(*truth),
        ast::Value::Number(digits, _) => Literal::Number(digits.to_string()),
        ast::Value::SingleQuotedString(text) => Literal::Text(text.clone()),
        ast::Value::Placeholder(name) if name.starts_with(':') => {
            return Some(Expression::Column { name: name.clone() });
        }
        _ => return None,
    };
    Some(Expression::Literal { literal })
}

fn operator(written: &ast::BinaryOperator) -> Option<Operator> {
    use ast::BinaryOperator as B;
    Some(match written {
        B::And => Operator::And,
        B::Or => Operator::Or,
        B::Eq => Operator::Equal,
        B::NotEq => Operator::NotEqual,
        B::Lt => Operator::Less,
        B::LtEq => Operator::LessOrEqual,
        B::Gt => Operator::Greater,
        B::GtEq => Operator::GreaterOrEqual,
        B::Plus => Operator::Add,
        B::Minus => Operator::Subtract,
        B::Multiply => Operator::Multiply,
        B::StringConcat => Operator::Concatenate,
        _ => return None,
    })
}

/// `INTERVAL '7 days'`: a day has 24 hours; months are not of one length.
fn interval_of(interval: &ast::Interval) -> Option<Expression> {
    let Expr::Value(value) = &*interval.value else { return None };
    let ast::Value::SingleQuotedString(text) = &value.value else { return None };
    let text = match &interval.leading_field {
        Some(unit) => format!("{text} {}", unit.to_string().to_lowercase()),
        None => text.clone(),
    };
    let span: Span = text.parse().ok()?;
    let rounded = SpanRound::new().largest(Unit::Hour).days_are_24_hours();
    let duration = span
        .round(rounded)
        .ok()?
        .to_duration(jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC).date())
        .ok()?;
    Some(Expression::Interval { seconds: duration.as_secs() })
}

#[cfg(test)]
mod tests;
