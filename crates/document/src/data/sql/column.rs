//! One column of a `CREATE TABLE`: name, type and options.

use super::{
    cursor::{Cursor, Name, string_value},
    default::{default_value, refine_default},
    expression::sql_expression,
    kind::{WrittenType, known_type, read_type},
    table::read_references,
    token::TokenKind,
};
use crate::{
    Diagnostic,
    data::{
        Check, Column, ColumnType, SqlExpression, codes,
        draft::{DraftColumn, DraftKey, Parts, ValueList, ValueSource},
    },
    diagnostic::{Applicability, similar},
    expression::{Expression, Literal, Operator},
};

/// Reads a column and adds it with its keys and checks; one without a type goes to `typeless`.
pub(crate) fn read_column(
    mut cursor: Cursor<'_>,
    table: &str,
    parts: &mut Parts,
    typeless: &mut Vec<Name>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let whole = cursor;
    let Some(name) = cursor.name() else {
        diagnostics.push(unreadable(&whole, table));
        return;
    };
    if name.is_hole {
        parts.has_holes = true;
        return;
    }
    let Some(written) = read_type(&mut cursor) else {
        if cursor.is_done() || cursor.peek().is_some_and(|token| token.kind == TokenKind::Word) {
            typeless.push(name);
        } else {
            diagnostics.push(unreadable(&whole, table));
            parts.unread.push(name.name);
        }
        return;
    };
    if written.unknown.as_ref().is_some_and(|unknown| unknown.is_hole) {
        parts.unread.push(name.name);
        parts.has_holes = true;
        return;
    }
    let column = new_column(&name, &written);
    let mut reader = Options { name, table, parts, column };
    add_unsigned(&mut reader, &written);
    reader.read(&mut cursor, diagnostics);
    let next = missing_comma(&cursor);
    if next.is_none() && !cursor.is_done() && !reader.skip_holes(&mut cursor) {
        diagnostics.push(unknown_option(&cursor, &reader.name, table));
    }
    reader.finish();
    if let Some(next) = next {
        let end = cursor.previous().map_or(cursor.span_here(), |last| cursor.span(last));
        let end = crate::Span { start: end.end, ..end };
        diagnostics.push(
            Diagnostic::new(
                &codes::D002,
                next.span_here(),
                format!("a comma is missing before this column of table `{table}`"),
            )
            .label("a new column begins here")
            .edit(
                "to end the column before it, add a comma",
                end,
                ",",
                Applicability::Safe,
            ),
        );
        read_column(next, table, parts, typeless, diagnostics);
    }
}

fn unreadable(item: &Cursor<'_>, table: &str) -> Diagnostic {
    Diagnostic::new(
        &codes::D002,
        item.span_of_all(),
        format!("a column of table `{table}` cannot be read"),
    )
    .label("a name, a type and options are expected")
}

/// The rest of an item where it begins a line and reads like a column of its own.
fn missing_comma<'a>(cursor: &Cursor<'a>) -> Option<Cursor<'a>> {
    let first = cursor.peek().filter(|token| token.first_on_line)?;
    let second = cursor.peek_at(1)?;
    let is_column = matches!(first.kind, TokenKind::Word | TokenKind::Quoted)
        && second.kind == TokenKind::Word
        && known_type(&cursor.text(second).to_ascii_uppercase(), &[]).is_some();
    is_column.then(|| Cursor::new(cursor.script, cursor.rest()))
}

fn unknown_option(cursor: &Cursor<'_>, name: &Name, table: &str) -> Diagnostic {
    const WORDS: &[&str] = &[
        "NOT",
        "NULL",
        "PRIMARY",
        "KEY",
        "DEFAULT",
        "UNIQUE",
        "REFERENCES",
        "CHECK",
        "CASCADE",
        "CONSTRAINT",
        "GENERATED",
        "COLLATE",
        "DELETE",
        "UPDATE",
    ];
    let mut cursor = *cursor;
    if cursor.is("NOT") && cursor.peek_at(1).is_some() {
        cursor.next();
    }
    let text = cursor.peek().map_or("", |token| cursor.text(token));
    let message = format!("`{text}` is no option of column `{}` of table `{table}`", name.name);
    let diagnostic =
        Diagnostic::new(&codes::D002, cursor.span_here(), message).label("not understood");
    match similar(text, WORDS.iter().copied()).first() {
        Some(word) => diagnostic.edit(
            format!("a similar word is an option: `{word}`"),
            cursor.span_here(),
            (*word).to_owned(),
            Applicability::MaybeIncorrect,
        ),
        None => diagnostic,
    }
}

/// A column of this name and type, without options.
pub(crate) fn new_column(name: &Name, written: &WrittenType) -> DraftColumn {
    DraftColumn {
        column: Column {
            name: name.name.clone(),
            kind: written.kind.clone(),
            nullable: true,
            default: None,
            generated: None,
            touched_on_update: false,
            write_only: crate::data::secret::is_secret(&name.name),
            comment: None,
            renamed_from: None,
            span: name.span,
            type_span: written.span,
        },
        unknown_type: written.unknown.clone(),
        values: written.values.clone().map(|values| ValueList {
            values,
            source: ValueSource::Inline,
            span: written.span,
        }),
    }
}

/// `UNSIGNED` is a check.
fn add_unsigned(options: &mut Options<'_>, written: &WrittenType) {
    if !written.unsigned {
        return;
    }
    let column = Expression::column(&options.name.name);
    let zero = Expression::Literal { literal: Literal::Number("0".to_owned()) };
    options.parts.checks.push(Check {
        name: None,
        condition: SqlExpression {
            text: format!("{} >= 0", options.name.name),
            expression: Some(column.binary(Operator::GreaterOrEqual, zero)),
            span: written.span,
        },
    });
}

struct Options<'p> {
    name: Name,
    table: &'p str,
    parts: &'p mut Parts,
    column: DraftColumn,
}

impl Options<'_> {
    fn read(&mut self, cursor: &mut Cursor<'_>, diagnostics: &mut Vec<Diagnostic>) {
        while !cursor.is_done() {
            let mut constraint = None;
            if cursor.takes("CONSTRAINT") {
                constraint = cursor.name().map(|name| name.name);
            }
            if !(self.read_key(cursor)
                || self.read_value(cursor, diagnostics)
                || self.read_check(cursor, constraint)
                || self.read_vendor(cursor))
            {
                return;
            }
        }
    }

    /// Nullability, keys and references.
    fn read_key(&mut self, cursor: &mut Cursor<'_>) -> bool {
        if cursor.takes("NOT NULL") {
            self.column.column.nullable = false;
        } else if cursor.takes("NULL") {
            self.column.column.nullable = true;
        } else if cursor.takes("PRIMARY KEY") {
            let _ = cursor.takes("ASC") || cursor.takes("DESC");
            let _ = cursor.takes("CLUSTERED") || cursor.takes("NONCLUSTERED");
            self.parts.primary_key = Some(vec![self.name.clone()]);
            self.column.column.nullable = false;
        } else if cursor.is("UNIQUE") {
            let span = cursor.span_here();
            let _ = cursor.takes("UNIQUE KEY") || cursor.takes("UNIQUE");
            let columns = vec![self.name.clone()];
            self.parts.unique_keys.push(DraftKey { name: None, columns, condition: None, span });
        } else if cursor.is("REFERENCES") || cursor.is("FOREIGN KEY REFERENCES") {
            let _ = cursor.takes("FOREIGN KEY");
            let from = cursor.span_here();
            let Some(mut key) = read_references(cursor, vec![self.name.clone()], from) else {
                return false;
            };
            let end = cursor.previous().map_or(from, |last| cursor.span(last));
            key.span = from.to(end);
            self.parts.foreign_keys.push(key);
        } else {
            return false;
        }
        true
    }

    /// Defaults, generated values and comments.
    fn read_value(&mut self, cursor: &mut Cursor<'_>, diagnostics: &mut Vec<Diagnostic>) -> bool {
        if cursor.takes("DEFAULT") {
            self.read_default(cursor, diagnostics);
        } else if cursor.takes("GENERATED ALWAYS AS IDENTITY")
            || cursor.takes("GENERATED BY DEFAULT AS IDENTITY")
            || cursor.takes("GENERATED BY DEFAULT ON NULL AS IDENTITY")
            || cursor.takes("IDENTITY")
        {
            cursor.group();
            self.make_serial();
        } else if cursor.takes("AUTO_INCREMENT") || cursor.takes("AUTOINCREMENT") {
            self.make_serial();
        } else if cursor.takes("GENERATED ALWAYS AS") || cursor.is("AS") {
            let _ = cursor.takes("AS");
            let Some(group) = cursor.group() else { return false };
            let _ = cursor.takes("STORED") || cursor.takes("VIRTUAL") || cursor.takes("PERSISTED");
            let expression = sql_expression(cursor.script, group.tokens);
            self.column.column.generated = Some(expression);
        } else if cursor.takes("COMMENT") {
            let Some(text) = cursor.next() else { return false };
            self.column.column.comment = Some(string_value(cursor.text(text)));
        } else if cursor.takes("ON UPDATE") {
            cursor.next();
            cursor.group();
            self.column.column.touched_on_update = true;
        } else {
            return false;
        }
        true
    }

    fn read_default(&mut self, cursor: &mut Cursor<'_>, diagnostics: &mut Vec<Diagnostic>) {
        const STOPS: &[&str] = &[
            "NOT NULL",
            "NULL",
            "PRIMARY KEY",
            "UNIQUE",
            "REFERENCES",
            "CHECK",
            "CONSTRAINT",
            "GENERATED",
            "COMMENT",
            "ON UPDATE",
            "AUTO_INCREMENT",
            "COLLATE",
            "ENCODE",
            "FOREIGN",
        ];
        let from = *cursor;
        if !cursor.is_symbol("(") {
            cursor.next();
        }
        cursor.until(STOPS);
        let length = from.rest().len() - cursor.rest().len();
        let mut tokens = from.rest().get(..length).unwrap_or_default();
        // A new column on the next line ends a default whose comma is missing.
        let mut probe = from;
        for taken in 1..tokens.len() {
            probe.next();
            if missing_comma(&probe).is_some() {
                tokens = &tokens[..taken];
                *cursor = probe;
                break;
            }
        }
        let value = sql_expression(cursor.script, tokens);
        if value.text.to_ascii_lowercase().starts_with("nextval") {
            self.make_serial();
            return;
        }
        match default_value(&value) {
            Some(default) => self.column.column.default = default,
            None => diagnostics.push(
                Diagnostic::new(
                    &codes::D017,
                    value.span,
                    format!(
                        "the default of column `{}` of table `{}` is not understood",
                        self.name.name, self.table
                    ),
                )
                .label("the column has no default here"),
            ),
        }
    }

    fn make_serial(&mut self) {
        let bits = match self.column.column.kind {
            ColumnType::Integer { bits } | ColumnType::Serial { bits } => bits,
            _ => 64,
        };
        self.column.column.kind = ColumnType::Serial { bits };
        // A key that counts by itself is never below zero.
        let name = &self.name.name;
        let text = format!("{name} >= 0");
        self.parts.checks.retain(|check| check.condition.text != text);
    }

    fn read_check(&mut self, cursor: &mut Cursor<'_>, constraint: Option<String>) -> bool {
        if !cursor.takes("CHECK") {
            return false;
        }
        let Some(group) = cursor.group() else { return false };
        let _ = cursor.takes("NO INHERIT") || cursor.takes("NOT VALID");
        let condition = sql_expression(cursor.script, group.tokens);
        self.parts.checks.push(Check { name: constraint, condition });
        true
    }

    /// Words of other systems that change nothing a client sees.
    fn read_vendor(&mut self, cursor: &mut Cursor<'_>) -> bool {
        const ALONE: &[&str] = &[
            "NOT DEFERRABLE",
            "DEFERRABLE",
            "INITIALLY DEFERRED",
            "INITIALLY IMMEDIATE",
            "ENCRYPTED",
            "INVISIBLE",
            "VISIBLE",
            "SPARSE",
            "ROWGUIDCOL",
            "CLUSTERED",
            "NONCLUSTERED",
            "SIGNED",
            "ZEROFILL",
            "UNSIGNED",
            "KEY",
            "INDEX",
            "INDEXED",
            "SORTKEY",
            "DISTKEY",
            "NOVALIDATE",
            "NOT ENFORCED",
            "ENFORCED",
            "NULLS NOT DISTINCT",
            "NULLS DISTINCT",
            "STATIC",
            "HIDDEN",
            "PERSISTED",
            "ON CONFLICT REPLACE",
            "ON CONFLICT IGNORE",
            "ON CONFLICT ABORT",
            "ON CONFLICT FAIL",
            "ON CONFLICT ROLLBACK",
            "USING HASH",
            "USING BTREE",
            "ENABLE",
            "IMMUTABLE",
        ];
        const WITH_VALUE: &[&str] = &[
            "COLLATE",
            "ENCODE",
            "CODEC",
            "STORAGE",
            "COMPRESSION",
            "CHARACTER SET",
            "CHARSET",
            "COLUMN_FORMAT",
            "MASKED WITH",
            "OPTIONS",
            "TTL",
        ];
        if ALONE.iter().any(|word| cursor.takes(word)) {
            return true;
        }
        if WITH_VALUE.iter().any(|word| cursor.takes(word)) {
            if cursor.group().is_none() {
                cursor.qualified_name();
                cursor.group();
            }
            return true;
        }
        false
    }

    /// `[constraints]` was never filled; the column stands without it.
    fn skip_holes(&mut self, cursor: &mut Cursor<'_>) -> bool {
        let only_holes = cursor
            .rest()
            .iter()
            .all(|token| matches!(token.kind, TokenKind::Hole | TokenKind::Ellipsis));
        self.parts.has_holes |= only_holes;
        only_holes
    }

    fn finish(mut self) {
        refine_default(&mut self.column.column);
        self.parts.columns.push(self.column);
    }
}
