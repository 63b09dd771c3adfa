//! Statements written as SQL text with parameters, for the dialect of the store at hand.

mod call;
mod condition;
mod postgres;
mod statement;

use std::{borrow::Cow, fmt::Write};

use crate::{
    Value,
    catalog::{Catalog, TableEntry},
    json, moment,
    postgres::names,
};

pub(crate) use statement::{
    WRITTEN_LIMIT_MAX, far_key, write_count, write_delete, write_insert, write_keys_before,
    write_nested, write_part, write_require, write_select, write_update,
};

/// Whose SQL is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// SQLite with the functions that the store registers.
    Sqlite,
    /// PostgreSQL 15 and later.
    Postgres,
}

/// What the dialect cannot say, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unsupported(pub(crate) String);

/// Deepest nesting of an expression.
const DEPTH_MAX: u32 = 400;

/// One statement on its way to text.
#[derive(Debug)]
pub(crate) struct SqlWriter<'a> {
    /// The text so far.
    pub(crate) text: String,
    /// Values in the order of their `?`, or of their `$n`.
    pub(crate) parameters: Vec<Cow<'a, Value>>,
    dialect: Dialect,
    catalog: &'a Catalog,
    /// In DDL values are literals and columns stand bare.
    is_definition: bool,
    scopes: Vec<Scope<'a>>,
    aliases: u32,
    depth: u32,
}

/// A table that columns may belong to.
#[derive(Debug)]
struct Scope<'a> {
    /// `tN`; none where columns stand bare.
    alias: Option<u32>,
    table: Option<&'a TableEntry>,
}

impl<'a> SqlWriter<'a> {
    /// For statements with parameters.
    pub(crate) fn new(dialect: Dialect, catalog: &'a Catalog) -> Self {
        Self {
            text: String::with_capacity(256),
            parameters: Vec::with_capacity(8),
            dialect,
            catalog,
            is_definition: false,
            scopes: Vec::with_capacity(2),
            aliases: 0,
            depth: 0,
        }
    }

    /// For a condition or expression inside the definition of `table`.
    pub(crate) fn definition(dialect: Dialect, catalog: &'a Catalog, table: &str) -> Self {
        let mut writer = Self::new(dialect, catalog);
        writer.is_definition = true;
        writer.scopes.push(Scope { alias: None, table: catalog.table(table) });
        writer
    }

    /// Opens a scope under a fresh alias, which it returns.
    fn enter(&mut self, table: &str) -> u32 {
        let alias = self.aliases;
        self.aliases += 1;
        self.scopes.push(Scope { alias: Some(alias), table: self.catalog.table(table) });
        alias
    }

    fn leave(&mut self) {
        self.scopes.pop();
    }

    /// A name in double quotes.
    pub(crate) fn identifier(&mut self, name: &str) {
        match self.dialect {
            Dialect::Sqlite => write_identifier(name, &mut self.text),
            Dialect::Postgres => write_identifier(&names::kept(name), &mut self.text),
        }
    }

    /// Names in double quotes with commas between.
    pub(crate) fn identifiers<N: AsRef<str>>(&mut self, names: impl IntoIterator<Item = N>) {
        for (place, name) in names.into_iter().enumerate() {
            if place > 0 {
                self.text.push_str(", ");
            }
            self.identifier(name.as_ref());
        }
    }

    /// A value: a parameter, or a literal in a definition.
    pub(crate) fn value(&mut self, value: Cow<'a, Value>) {
        if self.dialect == Dialect::Postgres {
            self.typed(&value, None);
        } else if self.is_definition {
            write_literal(&value, &mut self.text);
        } else if value.is_null() {
            self.text.push_str("NULL");
        } else {
            self.text.push('?');
            self.parameters.push(value);
        }
    }
}

/// ` WHERE …` of a definition; nothing where there is no condition.
pub(crate) fn covering(
    dialect: Dialect,
    catalog: &Catalog,
    table: &str,
    condition: Option<&crate::Expression>,
) -> Result<String, Unsupported> {
    let Some(condition) = condition else {
        return Ok(String::new());
    };
    let mut writer = SqlWriter::definition(dialect, catalog, table);
    writer.expression(condition)?;
    Ok(format!(" WHERE ({})", writer.text))
}

/// A name in double quotes.
pub(crate) fn write_identifier(name: &str, out: &mut String) {
    out.push('"');
    if name.contains('"') {
        out.push_str(&name.replace('"', "\"\""));
    } else {
        out.push_str(name);
    }
    out.push('"');
}

/// Names in quotes with commas between.
pub(crate) fn write_names(names: &[String], sql: &mut String) {
    for (place, name) in names.iter().enumerate() {
        if place > 0 {
            sql.push_str(", ");
        }
        write_identifier(name, sql);
    }
}

/// Text in single quotes.
pub(crate) fn write_text_literal(text: &str, out: &mut String) {
    out.push('\'');
    out.push_str(&text.replace('\'', "''"));
    out.push('\'');
}

/// A value as a literal.
pub(crate) fn write_literal(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("NULL"),
        Value::Boolean(truth) => out.push_str(if *truth { "1" } else { "0" }),
        Value::Integer(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Real(number) => {
            let mut bytes = Vec::new();
            json::write_real(*number, 64, &mut bytes);
            out.push_str(match bytes.as_slice() {
                b"\"Infinity\"" => "9e999",
                b"\"-Infinity\"" => "-9e999",
                b"\"NaN\"" => "NULL",
                digits => str::from_utf8(digits).unwrap_or("NULL"),
            });
        }
        Value::Decimal(digits) => out.push_str(digits),
        Value::Text(text) | Value::Json(text) => write_text_literal(text, out),
        Value::Bytes(bytes) => {
            out.push_str("X'");
            for byte in bytes {
                let _ = write!(out, "{byte:02x}");
            }
            out.push('\'');
        }
        Value::Uuid(_) | Value::Timestamp(_) | Value::Date(_) | Value::Time(_) => {
            let _ = write!(out, "'{value}'");
        }
    }
}

/// The time now, in microseconds since 1970.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// Now as the text in which it is stored.
pub(crate) fn now_text() -> String {
    let mut text = String::new();
    moment::write_timestamp(now(), &mut text);
    text
}
