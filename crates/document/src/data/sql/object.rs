//! `CREATE INDEX`, `CREATE TYPE`, `CREATE DOMAIN` and `COMMENT ON`.

use super::{
    Outcome,
    cursor::{Cursor, string_value},
    expression::sql_expression,
    kind::read_type,
    table::read_index_body,
    token::TokenKind,
};
use crate::{
    Diagnostic,
    data::{
        EnumType, codes,
        draft::{Change, ChangeAction, Domain, Draft, Parts, Remark},
    },
};

/// Reads `CREATE [UNIQUE] INDEX [CONCURRENTLY] [IF NOT EXISTS] [name] ON table …`.
pub(crate) fn read_index(
    mut cursor: Cursor<'_>,
    draft: &mut Draft,
    diagnostics: &mut Vec<Diagnostic>,
) -> Outcome {
    let statement = span_with_end(&cursor);
    let is_unique = cursor.is("CREATE UNIQUE");
    let is_fulltext = cursor.is("CREATE FULLTEXT");
    cursor.until(&["INDEX"]);
    let _ = cursor.takes("INDEX");
    let _ = cursor.takes("CONCURRENTLY");
    let _ = cursor.takes("IF NOT EXISTS");
    let name = if cursor.is("ON") { None } else { cursor.qualified_name() };
    let _ = cursor.takes("USING").then(|| cursor.name());
    let table = if cursor.takes("ON") {
        let _ = cursor.takes("ONLY");
        cursor.qualified_name()
    } else {
        None
    };
    let is_hole = name.as_ref().is_some_and(|name| name.is_hole)
        || table.as_ref().is_some_and(|table| table.is_hole);
    if is_hole {
        return Outcome::Ignored("a template's hole");
    }
    let body =
        table.and_then(|table| Some((table, read_index_body(&mut cursor, statement, is_unique)?)));
    let Some((table, mut index)) = body else {
        let has_hole = cursor
            .rest()
            .iter()
            .any(|token| matches!(token.kind, TokenKind::Hole | TokenKind::Ellipsis));
        if !has_hole {
            let name = name.map_or(String::new(), |name| format!(" `{}`", name.name));
            diagnostics.push(
                Diagnostic::new(
                    &codes::D004,
                    cursor.span_here(),
                    format!("the index{name} cannot be read"),
                )
                .label("`ON table (columns)` is expected"),
            );
        }
        return Outcome::Unknown;
    };
    index.index.span = cursor.span_of_all();
    if let Some(name) = name {
        index.index.span = name.span;
        index.index.name = name.name;
    }
    if is_fulltext {
        index.index.method = "fulltext".to_owned();
    }
    if index.columns.iter().any(|column| column.is_hole) {
        return Outcome::Ignored("a template's hole");
    }
    let parts = Parts { indexes: vec![index], ..Parts::default() };
    draft.changes.push(Change { table, action: ChangeAction::Add(parts) });
    Outcome::Declaration
}

/// A statement with its semicolon and the end of its line, for taking it out.
fn span_with_end(cursor: &Cursor<'_>) -> crate::Span {
    let (Some(first), Some(last)) = (cursor.peek(), cursor.rest().last()) else {
        return cursor.span_of_all();
    };
    let mut end = last.end;
    let rest = cursor.script.text().get(end..).unwrap_or("");
    if rest.starts_with(';') {
        end += 1;
        if rest.get(1..).is_some_and(|rest| rest.starts_with('\n')) {
            end += 1;
        }
    }
    cursor.script.span(first.start..end)
}

/// Reads `CREATE TYPE` and `CREATE DOMAIN`.
pub(crate) fn read_type_declaration(
    mut cursor: Cursor<'_>,
    draft: &mut Draft,
    diagnostics: &mut Vec<Diagnostic>,
) -> Outcome {
    let is_domain = cursor.is("CREATE DOMAIN");
    let _ = cursor.takes("CREATE");
    cursor.next();
    let _ = cursor.takes("IF NOT EXISTS");
    let Some(name) = cursor.qualified_name() else {
        diagnostics.push(
            Diagnostic::new(&codes::D004, cursor.span_here(), "a type is declared without a name")
                .label("a name is expected here"),
        );
        return Outcome::Unknown;
    };
    if name.is_hole {
        return Outcome::Ignored("a template's hole");
    }
    let _ = cursor.takes("AS");
    if is_domain {
        return read_domain(cursor, name.name, draft);
    }
    if !cursor.takes("ENUM") {
        draft.other_types.push(name.name);
        return Outcome::Ignored("a composite type, stored as text");
    }
    let values: Vec<String> = cursor
        .group()
        .map(|group| {
            group
                .tokens
                .iter()
                .filter(|token| matches!(token.kind, TokenKind::Text | TokenKind::Quoted))
                .map(|&token| string_value(cursor.text(token)))
                .collect()
        })
        .unwrap_or_default();
    if values.is_empty() {
        diagnostics.push(
            Diagnostic::new(
                &codes::D004,
                name.span,
                format!("the enumerated type `{}` has no values", name.name),
            )
            .label("`('first', 'second')` is expected after `ENUM`"),
        );
    }
    draft.enums.push(EnumType { name: name.name, values, declared: true, span: name.span });
    Outcome::Declaration
}

fn read_domain(mut cursor: Cursor<'_>, name: String, draft: &mut Draft) -> Outcome {
    let Some(written) = read_type(&mut cursor) else { return Outcome::Unknown };
    cursor.until(&["CHECK"]);
    let _ = cursor.takes("CHECK");
    let check = cursor.group().map(|group| sql_expression(cursor.script, group.tokens));
    draft.domains.push(Domain { name, kind: written.kind, check });
    Outcome::Declaration
}

/// Reads `COMMENT ON TABLE x IS '…'` and `COMMENT ON COLUMN x.y IS '…'`.
pub(crate) fn read_comment(mut cursor: Cursor<'_>, draft: &mut Draft) -> Outcome {
    let _ = cursor.takes("COMMENT ON");
    let is_column = cursor.takes("COLUMN");
    if !is_column && !cursor.takes("TABLE") {
        return Outcome::Ignored("a comment on something else");
    }
    let mut names = Vec::new();
    while let Some(name) = cursor.name() {
        names.push(name);
        if !cursor.takes_symbol(".") {
            break;
        }
    }
    let column = if is_column { names.pop() } else { None };
    let Some(mut table) = names.pop() else { return Outcome::Unknown };
    if let Some(schema) = names.pop().filter(|schema| schema.name != "public") {
        table.name = format!("{}_{}", schema.name, table.name);
    }
    let _ = cursor.takes("IS");
    let Some(text) = cursor.next() else { return Outcome::Unknown };
    draft.comments.push(Remark { table, column, text: string_value(cursor.text(text)) });
    Outcome::Declaration
}
