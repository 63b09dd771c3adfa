//! Queries that stand in the document: one SELECT, read only, with named parameters.

use std::{collections::HashMap, sync::Arc, sync::PoisonError};

use deadpool_postgres::ClientWrapper;
use futures_util::{TryStreamExt, future::join};
use sqlparser::{
    ast::Statement as Parsed,
    dialect::PostgreSqlDialect,
    parser::Parser,
    tokenizer::{Token, Tokenizer},
};
use tokio_postgres::{Error, Statement};

use super::{
    bind::Bound,
    fault,
    read::{add, readable},
    show::RowPlan,
};
use crate::{
    Kind, StoreError, Value,
    catalog::{Catalog, Translated},
    query::Rows,
    sqlite::translate,
};

/// Most rows that a query gives back.
const ROWS_MAX: usize = 10_000;
/// Queries whose reading is kept.
const TRANSLATED_MAX: usize = 500;
/// Deepest nesting that is read.
const DEPTH_MAX: usize = 60;
/// Longest text that is read, in bytes.
const TEXT_BYTES_MAX: usize = 100_000;
/// Where names begin that are the database's own affair, or reach out of it.
const INTERNAL: &[&str] = &[
    "_vitruvius_",
    "current_setting",
    "cursor_to_xml",
    "database_to_xml",
    "dblink",
    "information_schema",
    "lo_",
    "pg_",
    "query_to_xml",
    "schema_to_xml",
    "set_config",
    "table_to_xml",
];

pub(super) async fn run(
    client: &ClientWrapper,
    catalog: &Catalog,
    sql: &str,
    parameters: &[(String, Value)],
) -> Result<Rows, StoreError> {
    let translated = translated(catalog, sql)?;
    let values: Vec<Bound<'_>> = translated
        .parameters
        .iter()
        .map(|name| {
            let given = parameters.iter().find(|(own, _)| own == name);
            given.map(|(_, value)| Bound(value)).ok_or_else(|| StoreError::Value {
                message: format!("parameter `{name}` is missing"),
                column: Some(name.clone()),
            })
        })
        .collect::<Result<_, _>>()?;
    let explained = |error: Error| fault::explain(&error, catalog);
    let statement = readable(client, &translated.sql).await.map_err(explained)?;
    // Sent together: the statement has begun before anybody waits.
    let (begun, (rows, ended)) = join(
        client.batch_execute("BEGIN READ ONLY"),
        join(rows(client, &statement, &values, &translated.kinds), client.batch_execute("COMMIT")),
    )
    .await;
    begun.map_err(explained)?;
    let rows = rows.map_err(|error| match fault::explain(&error, catalog) {
        StoreError::Unavailable(why) if why.contains("read-only") => {
            StoreError::Fault("the query must only read".to_owned())
        }
        other => other,
    })?;
    ended.map_err(explained)?;
    rows.ok_or_else(|| {
        let message = format!("the query has more than {ROWS_MAX} rows; give it a LIMIT");
        StoreError::Value { column: None, message }
    })
}

/// The rows; none where there are too many.
async fn rows(
    client: &ClientWrapper,
    statement: &Statement,
    values: &[Bound<'_>],
    kinds: &HashMap<String, Kind>,
) -> Result<Option<Rows>, Error> {
    let anything = Kind::Text { length_max: None };
    let plan = RowPlan::named(statement.columns().iter().map(|column| {
        (column.name(), kinds.get(column.name()).unwrap_or(&anything), column.type_())
    }));
    let stream = client.query_raw(statement, values).await?;
    let mut stream = std::pin::pin!(stream);
    let mut rows = Rows::default();
    while let Some(row) = stream.try_next().await? {
        if rows.ends.len() == ROWS_MAX {
            return Ok(None);
        }
        add(&mut rows, |json| plan.write(&row, json))?;
    }
    Ok(Some(rows))
}

/// A query as it was read before, for as long as its catalog is served.
fn translated(catalog: &Catalog, sql: &str) -> Result<Arc<Translated>, StoreError> {
    let held = || catalog.translated.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = held().get(sql) {
        return Ok(known.clone());
    }
    let fresh = Arc::new(translate(sql, catalog).map_err(StoreError::Fault)?);
    let mut held = held();
    if held.len() < TRANSLATED_MAX {
        held.insert(sql.to_owned(), fresh.clone());
    }
    Ok(fresh)
}

/// The query with numbered parameters and named collations; anything but one SELECT is refused.
fn translate(sql: &str, catalog: &Catalog) -> Result<Translated, String> {
    if sql.len() > TEXT_BYTES_MAX {
        return Err("the query is too long".to_owned());
    }
    let statements = Parser::new(&PostgreSqlDialect {})
        .with_recursion_limit(DEPTH_MAX)
        .try_with_sql(sql)
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| error.to_string())?;
    let [Parsed::Query(query)] = statements.as_slice() else {
        return Err("it must be one SELECT".to_owned());
    };
    let tokens =
        Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize().map_err(|error| error.to_string())?;
    refuse_internal(&tokens, catalog)?;
    let mut rewriting = Rewriting::default();
    rewriting.all(&tokens);
    Ok(Translated {
        sql: rewriting.sql,
        kinds: translate::kinds(query, catalog),
        parameters: rewriting.parameters,
    })
}

fn refuse_internal(tokens: &[Token], catalog: &Catalog) -> Result<(), String> {
    for token in tokens {
        let Token::Word(word) = token else { continue };
        let name = word.value.to_ascii_lowercase();
        let is_own = || {
            let mut tables = catalog.tables();
            tables.any(|table| table.name == word.value || table.column(&word.value).is_some())
        };
        if INTERNAL.iter().any(|start| name.starts_with(start)) && !is_own() {
            return Err(format!("a query of the document must not use `{name}`"));
        }
    }
    Ok(())
}

/// A query on its way to PostgreSQL, token by token.
#[derive(Default)]
struct Rewriting {
    sql: String,
    /// Names in the order of their `$n`.
    parameters: Vec<String>,
    /// For each open parenthesis, what follows when it is closed.
    open: Vec<&'static str>,
}

impl Rewriting {
    fn all(&mut self, tokens: &[Token]) {
        let mut tokens = tokens.iter().peekable();
        let (mut after_case, mut is_collated) = (false, false);
        while let Some(token) = tokens.next() {
            let is_case = std::mem::take(&mut after_case);
            match token {
                Token::Colon if matches!(tokens.peek(), Some(Token::Word(_))) => {
                    if let Some(Token::Word(word)) = tokens.next() {
                        self.parameter(&word.value);
                    }
                }
                Token::Placeholder(name) if name.starts_with(':') => {
                    self.parameter(name.trim_start_matches(':'));
                }
                Token::SemiColon | Token::EOF => {}
                Token::LParen => {
                    self.sql.push_str(if is_case { "((" } else { "(" });
                    self.open.push(match is_case {
                        // Lowered by Unicode, compared by code point.
                        true => ")::text COLLATE \"und-x-icu\") COLLATE \"C\")",
                        false => ")",
                    });
                }
                Token::RParen => {
                    let end = self.open.pop().unwrap_or(")");
                    self.sql.push_str(end);
                }
                Token::Word(word) if is_ilike(token, tokens.clone()) => {
                    if !std::mem::take(&mut is_collated) {
                        self.sql.push_str(" COLLATE \"und-x-icu\" ");
                    }
                    is_collated = word.value.eq_ignore_ascii_case("not");
                    self.sql.push_str(&word.value);
                }
                Token::Tilde
                | Token::TildeAsterisk
                | Token::ExclamationMarkTilde
                | Token::ExclamationMarkTildeAsterisk => {
                    self.sql.push_str(" COLLATE \"und-x-icu\" ");
                    self.sql.push_str(&token.to_string());
                }
                Token::Word(word)
                    if word.quote_style.is_none()
                        && ["lower", "upper", "initcap"]
                            .iter()
                            .any(|name| word.value.eq_ignore_ascii_case(name))
                        && matches!(tokens.peek(), Some(Token::LParen)) =>
                {
                    after_case = true;
                    self.sql.push('(');
                    self.sql.push_str(&word.value);
                }
                other => self.sql.push_str(&other.to_string()),
            }
        }
    }

    fn parameter(&mut self, name: &str) {
        let known = self.parameters.iter().position(|own| own == name);
        let place = known.unwrap_or_else(|| {
            self.parameters.push(name.to_owned());
            self.parameters.len() - 1
        });
        self.sql.push_str(&format!("${}", place + 1));
    }
}

/// True where the left side of an `ILIKE` ends: at the word, or at the `NOT` before it.
fn is_ilike<'t>(token: &Token, mut after: impl Iterator<Item = &'t Token>) -> bool {
    let is = |token: Option<&Token>, name: &str| {
        matches!(token, Some(Token::Word(word))
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(name))
    };
    if is(Some(token), "not") {
        return is(after.find(|token| !matches!(token, Token::Whitespace(_))), "ilike");
    }
    is(Some(token), "ilike")
}
