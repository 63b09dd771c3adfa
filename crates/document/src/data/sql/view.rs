//! `CREATE VIEW`: a name and a SELECT.

use sqlparser::{
    ast::{Query, SelectItem, SetExpr, Statement, TableFactor},
    dialect::PostgreSqlDialect,
    parser::Parser,
};

use super::{
    Outcome,
    cursor::{Cursor, text_of},
    expression::object_name,
};
use crate::{
    Diagnostic,
    data::{View, codes, draft::Draft, name::snake},
};

/// Tokens of a SELECT that is looked at.
const SELECT_TOKENS_MAX: usize = 4096;

/// Reads `CREATE [OR REPLACE] [MATERIALIZED] VIEW name [(columns)] AS SELECT …`.
pub(crate) fn read_view(
    mut cursor: Cursor<'_>,
    draft: &mut Draft,
    diagnostics: &mut Vec<Diagnostic>,
) -> Outcome {
    let span = cursor.span_of_all();
    cursor.until(&["MATERIALIZED", "VIEW"]);
    let materialized = cursor.takes("MATERIALIZED");
    let _ = cursor.takes("VIEW");
    let _ = cursor.takes("IF NOT EXISTS");
    let Some(name) = cursor.qualified_name() else { return Outcome::Unknown };
    if name.is_hole {
        return Outcome::Ignored("a template's hole");
    }
    let written = cursor.group().and_then(|group| group.names());
    cursor.until(&["AS"]);
    let _ = cursor.takes("AS");
    let tokens = cursor.until(&["WITH DATA", "WITH NO DATA", "WITH CHECK OPTION"]);
    let select = text_of(cursor.script, tokens);
    let parsed = if tokens.len() <= SELECT_TOKENS_MAX { parse(select) } else { None };
    let Some(statement) = parsed else {
        diagnostics.push(
            Diagnostic::new(
                &codes::D004,
                name.span,
                format!("the view `{}` cannot be read", name.name),
            )
            .label("its `SELECT` is not understood")
            .at(crate::Level::Warning),
        );
        return Outcome::Unknown;
    };
    let columns = match written {
        Some(names) => names.into_iter().map(|name| name.name).collect(),
        None => columns_of(&statement),
    };
    draft.views.push(View {
        name: name.name,
        select: select.to_owned(),
        columns,
        tables: tables_of(&statement),
        materialized,
        span,
    });
    Outcome::Declaration
}

fn parse(select: &str) -> Option<Statement> {
    let mut statements = Parser::parse_sql(&PostgreSqlDialect {}, select).ok()?;
    match (statements.pop(), statements.is_empty()) {
        (Some(statement @ Statement::Query(_)), true) => Some(statement),
        _ => None,
    }
}

/// The names of the columns, empty where one cannot be told.
fn columns_of(statement: &Statement) -> Vec<String> {
    let Statement::Query(query) = statement else { return Vec::new() };
    let mut body = query.body.as_ref();
    while let SetExpr::SetOperation { left, .. } = body {
        body = left;
    }
    let SetExpr::Select(select) = body else { return Vec::new() };
    let names: Option<Vec<String>> = select
        .projection
        .iter()
        .map(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(snake(&alias.value)),
            SelectItem::UnnamedExpr(sqlparser::ast::Expr::Identifier(name)) => {
                Some(snake(&name.value))
            }
            SelectItem::UnnamedExpr(sqlparser::ast::Expr::CompoundIdentifier(names)) => {
                names.last().map(|name| snake(&name.value))
            }
            SelectItem::UnnamedExpr(sqlparser::ast::Expr::Function(function)) => {
                Some(object_name(&function.name))
            }
            _ => None,
        })
        .collect();
    names.unwrap_or_default()
}

fn tables_of(statement: &Statement) -> Vec<String> {
    let mut tables = Vec::new();
    if let Statement::Query(query) = statement {
        tables_of_query(query, &mut tables, DEPTH_MAX);
    }
    tables
}

/// Nesting of a SELECT that is looked into.
const DEPTH_MAX: usize = 20;

fn tables_of_query(query: &Query, tables: &mut Vec<String>, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let mut own = Vec::new();
    for with in query.with.iter().flat_map(|with| &with.cte_tables) {
        own.push(snake(&with.alias.name.value));
        tables_of_query(&with.query, tables, depth);
    }
    tables_of_body(&query.body, tables, depth);
    tables.retain(|table| !own.contains(table));
}

fn tables_of_body(body: &SetExpr, tables: &mut Vec<String>, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match body {
        SetExpr::Select(select) => {
            for from in &select.from {
                let joined = from.joins.iter().map(|join| &join.relation);
                for factor in std::iter::once(&from.relation).chain(joined) {
                    match factor {
                        TableFactor::Table { name, .. } => {
                            let name = object_name(name);
                            if !tables.contains(&name) {
                                tables.push(name);
                            }
                        }
                        TableFactor::Derived { subquery, .. } => {
                            tables_of_query(subquery, tables, depth);
                        }
                        _ => {}
                    }
                }
            }
        }
        SetExpr::Query(query) => tables_of_query(query, tables, depth),
        SetExpr::SetOperation { left, right, .. } => {
            tables_of_body(left, tables, depth);
            tables_of_body(right, tables, depth);
        }
        _ => {}
    }
}
