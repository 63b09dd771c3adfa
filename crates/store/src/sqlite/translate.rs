//! A SELECT in PostgreSQL's dialect as SQLite understands it: views, and queries of the document.
//!
//! What has no counterpart is left as it is; SQLite then says what it does not know.

mod expressions;

use std::collections::HashMap;

use sqlparser::{
    ast::{
        Expr, GroupByExpr, Ident, JoinConstraint, JoinOperator, LimitClause, OrderByKind,
        OrderBySort, Query, Select, SelectItem, SetExpr, Statement, TableFactor, TableWithJoins,
    },
    dialect::PostgreSqlDialect,
    parser::Parser,
};

use crate::{
    Kind,
    catalog::{Catalog, Translated},
};

/// Deepest nesting that is read.
const DEPTH_MAX: usize = 60;
/// Longest text that is read, in bytes.
const TEXT_BYTES_MAX: usize = 100_000;

/// The text for SQLite alone.
pub(super) fn select(sql: &str, catalog: &Catalog) -> Result<String, String> {
    Ok(translate(sql, catalog)?.sql)
}

/// Translates one SELECT; anything else is refused.
pub(super) fn translate(sql: &str, catalog: &Catalog) -> Result<Translated, String> {
    if sql.len() > TEXT_BYTES_MAX {
        return Err("the query is too long".to_owned());
    }
    let statements = Parser::new(&PostgreSqlDialect {})
        .with_recursion_limit(DEPTH_MAX)
        .try_with_sql(sql)
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| error.to_string())?;
    let Ok([Statement::Query(mut query)]) = <[Statement; 1]>::try_from(statements) else {
        return Err("it must be one SELECT".to_owned());
    };
    let mut translator = Translator { catalog };
    let kinds = translator.kinds(&query.body);
    translator.query(&mut query)?;
    Ok(Translated { sql: query.to_string(), kinds, parameters: Vec::new() })
}

/// Kinds of the columns of a SELECT, by their names, where they can be told.
pub(crate) fn kinds(query: &Query, catalog: &Catalog) -> HashMap<String, Kind> {
    Translator { catalog }.kinds(&query.body)
}

struct Translator<'a> {
    catalog: &'a Catalog,
}

impl Translator<'_> {
    fn query(&mut self, query: &mut Query) -> Result<(), String> {
        if let Some(with) = &mut query.with {
            for table in &mut with.cte_tables {
                table.materialized = None;
                self.query(&mut table.query)?;
            }
        }
        // Nobody else writes while a query reads its snapshot.
        query.locks.clear();
        self.set(&mut query.body)?;
        if let Some(order) = &mut query.order_by
            && let OrderByKind::Expressions(parts) = &mut order.kind
        {
            for part in parts {
                self.expression(&mut part.expr)?;
                // PostgreSQL takes NULL for the greatest value, SQLite for the least.
                if part.options.nulls_first.is_none() {
                    part.options.nulls_first =
                        Some(matches!(part.options.sort, Some(OrderBySort::Desc)));
                }
            }
        }
        if let Some(LimitClause::LimitOffset { limit, offset, .. }) = &mut query.limit_clause {
            if limit.is_none() && offset.is_some() {
                *limit = Some(raw("-1".to_owned()));
            }
            if let Some(limit) = limit {
                self.expression(limit)?;
            }
            if let Some(offset) = offset {
                offset.rows = sqlparser::ast::OffsetRows::None;
                self.expression(&mut offset.value)?;
            }
        }
        Ok(())
    }

    fn set(&mut self, set: &mut SetExpr) -> Result<(), String> {
        match set {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Query(query) => self.query(query),
            SetExpr::SetOperation { left, right, .. } => {
                self.set(left)?;
                self.set(right)
            }
            SetExpr::Values(_) | SetExpr::Table(_) => Ok(()),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err("it must only read".to_owned())
            }
        }
    }

    fn select(&mut self, select: &mut Select) -> Result<(), String> {
        if select.into.is_some() {
            return Err("it must only read".to_owned());
        }
        for item in &mut select.projection {
            name(item);
            match item {
                SelectItem::UnnamedExpr(expression)
                | SelectItem::ExprWithAlias { expr: expression, .. } => {
                    self.expression(expression)?;
                }
                _ => {}
            }
        }
        for table in &mut select.from {
            self.joined(table)?;
        }
        for part in [&mut select.selection, &mut select.having].into_iter().flatten() {
            self.expression(part)?;
        }
        if let GroupByExpr::Expressions(parts, _) = &mut select.group_by {
            for part in parts {
                self.expression(part)?;
            }
        }
        Ok(())
    }

    fn joined(&mut self, table: &mut TableWithJoins) -> Result<(), String> {
        self.factor(&mut table.relation)?;
        for join in &mut table.joins {
            self.factor(&mut join.relation)?;
            if let JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::Left(constraint)
            | JoinOperator::LeftOuter(constraint)
            | JoinOperator::Right(constraint)
            | JoinOperator::RightOuter(constraint)
            | JoinOperator::FullOuter(constraint)
            | JoinOperator::CrossJoin(constraint) = &mut join.join_operator
                && let JoinConstraint::On(condition) = constraint
            {
                self.expression(condition)?;
            }
        }
        Ok(())
    }

    fn factor(&mut self, factor: &mut TableFactor) -> Result<(), String> {
        match factor {
            TableFactor::Table { name, .. } => {
                // A schema's name (`public.posts`) means nothing here.
                if let Some(last) = name.0.pop() {
                    name.0 = vec![last];
                }
                let own = name.to_string().trim_matches('"').to_ascii_lowercase();
                let is_internal = ["sqlite_", "pragma_", "_vitruvius_schema", "_vitruvius_history"]
                    .iter()
                    .any(|start| own.starts_with(start));
                if is_internal { Err(format!("no such table: {own}")) } else { Ok(()) }
            }
            TableFactor::Derived { subquery, .. } => self.query(subquery),
            TableFactor::NestedJoin { table_with_joins, .. } => self.joined(table_with_joins),
            _ => Ok(()),
        }
    }

    /// Kinds of the columns of a select, by name.
    fn kinds(&self, set: &SetExpr) -> HashMap<String, Kind> {
        let mut kinds = HashMap::new();
        let select = match set {
            SetExpr::Select(select) => select,
            SetExpr::SetOperation { left, .. } => return self.kinds(left),
            SetExpr::Query(query) => return self.kinds(&query.body),
            _ => return kinds,
        };
        for item in &select.projection {
            let mut item = item.clone();
            name(&mut item);
            match &item {
                SelectItem::UnnamedExpr(expression) => {
                    if let (Some(name), Some(kind)) =
                        (column_name(expression), self.kind(expression))
                    {
                        kinds.insert(name.to_owned(), kind);
                    }
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    if let Some(kind) = self.kind(expr) {
                        kinds.insert(alias.value.clone(), kind);
                    }
                }
                SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => {
                    for column in self.catalog.tables().flat_map(|table| table.column_names()) {
                        if let Some(kind) = self.catalog.kind_everywhere(column) {
                            kinds.entry(column.to_owned()).or_insert_with(|| kind.clone());
                        }
                    }
                }
                SelectItem::ExprWithAliases { .. } => {}
            }
        }
        kinds
    }
}

/// SQL that is written already.
fn raw(sql: String) -> Expr {
    Expr::Identifier(Ident::new(sql))
}

/// The column that an expression is.
fn column_name(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Identifier(name) => Some(&name.value),
        Expr::CompoundIdentifier(parts) => parts.last().map(|name| name.value.as_str()),
        Expr::Nested(inner) => column_name(inner),
        _ => None,
    }
}

/// Gives an unnamed column the name that PostgreSQL gives it.
fn name(item: &mut SelectItem) {
    let SelectItem::UnnamedExpr(expression) = item else {
        return;
    };
    let name = match &*expression {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => return,
        other => name_of(other).unwrap_or_else(|| "?column?".to_owned()),
    };
    let alias = Ident::with_quote('"', name);
    *item = SelectItem::ExprWithAlias { expr: expression.clone(), alias };
}

/// The name that PostgreSQL gives an expression, where it finds one.
fn name_of(expression: &Expr) -> Option<String> {
    Some(match expression {
        Expr::Function(function) => function.name.to_string().to_ascii_lowercase(),
        Expr::Cast { expr, .. } => {
            column_name(expr).map(str::to_owned).or_else(|| name_of(expr))?
        }
        Expr::Case { .. } => "case".to_owned(),
        Expr::Extract { .. } => "extract".to_owned(),
        Expr::Exists { .. } => "exists".to_owned(),
        _ => return None,
    })
}
