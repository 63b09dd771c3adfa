//! `CREATE TABLE`, item by item: an item that cannot be read is left out with one diagnostic, and
//! the table stands without it.

use super::{
    column::read_column,
    cursor::{Cursor, Group, Name},
    exclusion::read_exclusion,
    expression::sql_expression,
    kind::known_type,
    sentence,
    token::TokenKind,
};
use crate::{
    Diagnostic, Span,
    data::{
        Check, Form, Index, IndexPart, ReferentialAction, codes,
        draft::{Draft, DraftForeignKey, DraftIndex, DraftKey, DraftTable, Parts},
    },
    diagnostic::Applicability,
};

/// Commas too many that one diagnostic shows.
const COMMAS_SHOWN_MAX: usize = 5;

/// Reads what follows `CREATE TABLE`.
pub(crate) fn read_table(
    mut cursor: Cursor<'_>,
    draft: &mut Draft,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let statement = cursor.span_of_all();
    let first = cursor.peek();
    skip_to_name(&mut cursor);
    let Some(name) = cursor.qualified_name() else {
        let here = cursor.span_here();
        diagnostics.push(
            Diagnostic::new(&codes::D001, here, "a `CREATE TABLE` has no table name")
                .label("a name is expected here"),
        );
        return;
    };
    let mut table = DraftTable {
        name,
        parts: Parts::default(),
        form: Form::Sql,
        comment: None,
        renamed_from: None,
        partition_of: None,
        partition_by: Vec::new(),
        statement,
    };
    if let Some(first) = first {
        sentence::of_table(&cursor, first.start, &mut table, draft);
    }
    if cursor.takes("PARTITION OF") {
        table.partition_of = cursor.qualified_name();
        draft.tables.push(table);
        return;
    }
    if cursor.takes("LIKE") {
        table.parts.copied.extend(cursor.qualified_name());
        draft.tables.push(table);
        return;
    }
    match cursor.group() {
        Some(group) => {
            read_items(&group, &mut table, draft, diagnostics);
            if !group.closed {
                diagnostics.push(
                    Diagnostic::new(
                        &codes::D001,
                        table.name.span,
                        format!("the definition of table `{}` is never closed", table.name.name),
                    )
                    .label("the `(` after it has no `)`")
                    .help("to close it, write `);` after the last column"),
                );
            }
            read_options(&mut cursor, &mut table);
            draft.tables.push(table);
        }
        None => report_no_body(&cursor, &table, diagnostics),
    }
}

/// Takes `CREATE [GLOBAL] [TEMP] … TABLE [IF NOT EXISTS]`.
fn skip_to_name(cursor: &mut Cursor<'_>) {
    while cursor.peek().is_some() && !cursor.takes("TABLE") {
        cursor.next();
    }
    let _ = cursor.takes("IF NOT EXISTS");
}

/// `CREATE TABLE x AS SELECT …` is a copy of data and no declaration; anything else has no body.
fn report_no_body(cursor: &Cursor<'_>, table: &DraftTable, diagnostics: &mut Vec<Diagnostic>) {
    if cursor.is("AS") || table.name.is_hole || cursor.peek().is_some_and(is_ellipsis) {
        return;
    }
    diagnostics.push(
        Diagnostic::new(
            &codes::D001,
            table.name.span,
            format!("table `{}` is declared without columns", table.name.name),
        )
        .label("`(` and its columns are expected after the name"),
    );
}

fn is_ellipsis(token: super::token::Token) -> bool {
    token.kind == TokenKind::Ellipsis
}

/// One diagnostic for all commas that part nothing; the table stands.
fn stray_commas(group: &Group<'_>, table: &str) -> Option<Diagnostic> {
    let stray = group.stray_commas();
    let (first, others) = stray.split_first()?;
    let message = format!("the definition of table `{table}` has a comma too many");
    let diagnostic = Diagnostic::new(&codes::D002, *first, message).label("nothing before it");
    let others = others.iter().take(COMMAS_SHOWN_MAX);
    let diagnostic = others.fold(diagnostic, |diagnostic, comma| diagnostic.also(*comma, "again"));
    Some(diagnostic.edit("to mend it, take the comma away", *first, "", Applicability::Safe))
}

fn read_items(
    group: &Group<'_>,
    table: &mut DraftTable,
    draft: &mut Draft,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut typeless = Vec::new();
    let owner = table.name.name.clone();
    diagnostics.extend(stray_commas(group, &owner));
    let items = group.items();
    if let Some(first_left_out) = items.get(ITEMS_MAX) {
        diagnostics.push(
            Diagnostic::new(
                &codes::D002,
                first_left_out.span_here(),
                format!("table `{owner}` has more than {ITEMS_MAX} parts"),
            )
            .label("this and all that follow are left out"),
        );
    }
    for item in items.into_iter().take(ITEMS_MAX) {
        let before = table.parts.columns.len();
        read_item(item, &owner, &mut table.parts, &mut typeless, diagnostics);
        let added = table.parts.columns.get_mut(before..).unwrap_or_default();
        if let Some(column) = added.last_mut() {
            sentence::of_column(&item, &owner, column, draft);
        }
    }
    sentence::dropped_columns(group, &owner, draft);
    table.parts.unread.extend(typeless.iter().map(|name| name.name.clone()));
    if let Some((first, others)) = typeless.split_first() {
        let mut diagnostic = Diagnostic::new(
            &codes::D003,
            first.span,
            match others.len() {
                0 => format!("column `{}` of table `{owner}` has no type", first.name),
                more => {
                    format!("{} columns of table `{owner}` have no type", more.saturating_add(1))
                }
            },
        )
        .label("a type is expected after this name")
        .help(format!("to declare it, write a type, such as `{} TEXT`", first.name));
        for other in others.iter().take(LABELS_MAX) {
            diagnostic = diagnostic.also(other.span, "nor has this one");
        }
        diagnostics.push(diagnostic);
    }
}

/// Columns and constraints of one table; PostgreSQL stops at 1600 columns.
const ITEMS_MAX: usize = 2000;

/// Places that one diagnostic names beside its own.
const LABELS_MAX: usize = 6;

/// Reads one item of a table's body, or what follows `ADD` in an `ALTER TABLE`.
pub(crate) fn read_item(
    mut cursor: Cursor<'_>,
    table: &str,
    parts: &mut Parts,
    typeless: &mut Vec<Name>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let whole = cursor;
    let name = match cursor.takes("CONSTRAINT") {
        // `CONSTRAINT CHECK (…)` is legal in MySQL: a constraint without a name.
        true if !begins_constraint(&cursor) => cursor.name(),
        _ => None,
    };
    let Some(first) = cursor.peek() else { return };
    match first.kind {
        TokenKind::Ellipsis => return,
        TokenKind::Hole if whole.rest().len() < 2 || name.is_some() => {
            parts.has_holes = true;
            return;
        }
        _ => {}
    }
    if name.is_some() || begins_constraint(&cursor) {
        if read_constraint(&mut cursor, table, name, parts).is_none() {
            report_unread(&whole, table, diagnostics);
        }
        return;
    }
    if cursor.takes("LIKE") || cursor.takes("INHERITS") {
        parts.copied.extend(cursor.qualified_name());
        return;
    }
    read_column(cursor, table, parts, typeless, diagnostics);
}

fn report_unread(item: &Cursor<'_>, table: &str, diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.push(
        Diagnostic::new(
            &codes::D002,
            item.span_of_all(),
            format!("a constraint of table `{table}` cannot be read"),
        )
        .label("this is left out"),
    );
}

/// True where a constraint or an inline index begins, and not a column whose name is the same
/// word, such as `key TEXT` or `index INTEGER`.
fn begins_constraint(cursor: &Cursor<'_>) -> bool {
    let next_opens =
        |ahead: usize| cursor.peek_at(ahead).is_some_and(|token| cursor.text(token) == "(");
    if cursor.is("PRIMARY KEY") || cursor.is("FOREIGN KEY") || cursor.is("EXCLUDE") {
        return true;
    }
    if cursor.is("CHECK") || cursor.is("UNIQUE") {
        return next_opens(1) || cursor.is("UNIQUE") && !next_is_type(cursor);
    }
    if cursor.is("FULLTEXT") || cursor.is("SPATIAL") {
        return !next_is_type(cursor);
    }
    (cursor.is("INDEX") || cursor.is("KEY")) && (next_opens(1) || !next_is_type(cursor))
}

fn next_is_type(cursor: &Cursor<'_>) -> bool {
    cursor.peek_at(1).is_some_and(|token| {
        token.kind == TokenKind::Word
            && known_type(&cursor.text(token).to_ascii_uppercase(), &[]).is_some()
    })
}

/// Reads a constraint; none where it cannot be read.
fn read_constraint(
    cursor: &mut Cursor<'_>,
    table: &str,
    name: Option<Name>,
    parts: &mut Parts,
) -> Option<()> {
    let span = cursor.span_of_all();
    let name = name.map(|name| name.name);
    if cursor.takes("PRIMARY KEY") {
        let _ = cursor.takes("CLUSTERED") || cursor.takes("NONCLUSTERED");
        parts.primary_key = Some(read_key(cursor)?);
    } else if cursor.takes("FOREIGN KEY") {
        if !cursor.is_symbol("(") {
            cursor.name();
        }
        let columns = cursor.group()?.names()?;
        let key = read_references(cursor, columns, span)?;
        parts.foreign_keys.push(key);
    } else if cursor.takes("CHECK") {
        let _ = cursor.takes("NOT FOR REPLICATION");
        let group = cursor.group()?;
        let condition = sql_expression(cursor.script, group.tokens);
        parts.checks.push(Check { name, condition });
    } else if cursor.takes("UNIQUE") {
        return read_unique(cursor, table, name, parts);
    } else if cursor.takes("EXCLUDE") {
        let mut whole = *cursor;
        if let Some(exclusion) = read_exclusion(&mut whole, name.clone()) {
            parts.exclusions.push(exclusion);
            return Some(());
        }
        // What compares otherwise has no counterpart in both stores.
        let condition = crate::data::SqlExpression {
            text: super::cursor::text_of(cursor.script, cursor.rest()).to_owned(),
            expression: None,
            span,
        };
        parts.checks.push(Check { name, condition });
    } else {
        let method = if cursor.takes("FULLTEXT") {
            "fulltext"
        } else if cursor.takes("SPATIAL") {
            "spatial"
        } else {
            "btree"
        };
        let _ = cursor.takes("INDEX") || cursor.takes("KEY");
        // ClickHouse's data skipping indexes (`INDEX i column TYPE minmax …`) change no answer.
        if cursor.rest().iter().any(|&token| cursor.text(token).eq_ignore_ascii_case("GRANULARITY"))
        {
            return Some(());
        }
        let mut index = read_index_body(cursor, span, false)?;
        if index.index.method == "btree" {
            index.index.method = method.to_owned();
        }
        parts.indexes.push(index);
    }
    Some(())
}

/// `(a, b)`, and Cassandra's `((a, b), c)`.
fn read_key(cursor: &mut Cursor<'_>) -> Option<Vec<Name>> {
    let _ = cursor.takes("USING HASH") || cursor.takes("USING BTREE");
    let group = cursor.group()?;
    if let Some(names) = group.names() {
        return Some(names);
    }
    let mut names = Vec::new();
    for mut item in group.items() {
        match item.group() {
            Some(inner) => names.extend(inner.names()?),
            None => names.push(item.name()?),
        }
    }
    Some(names)
}

/// `UNIQUE [KEY|INDEX] [name] [NULLS NOT DISTINCT] (…) [WHERE …]`; with an expression among its
/// parts it is a unique index.
fn read_unique(
    cursor: &mut Cursor<'_>,
    _table: &str,
    name: Option<String>,
    parts: &mut Parts,
) -> Option<()> {
    let span = cursor.span_of_all();
    let _ = cursor.takes("KEY") || cursor.takes("INDEX");
    let _ = cursor.takes("CLUSTERED") || cursor.takes("NONCLUSTERED");
    let _ = cursor.takes("NULLS NOT DISTINCT") || cursor.takes("NULLS DISTINCT");
    let written = if cursor.is_symbol("(") { None } else { Some(cursor.name()?.name) };
    let name = name.or(written);
    let group = cursor.group()?;
    let condition = read_where(cursor);
    match group.names() {
        Some(columns) => parts.unique_keys.push(DraftKey { name, columns, condition, span }),
        None => {
            let (index_parts, columns) = read_index_parts(&group);
            parts.indexes.push(DraftIndex {
                index: Index {
                    name: name.unwrap_or_default(),
                    parts: index_parts,
                    method: "btree".to_owned(),
                    condition,
                    span,
                },
                is_unique: true,
                columns,
                statement: span,
            });
        }
    }
    Some(())
}

/// `WHERE …` at the end of an index.
fn read_where(cursor: &mut Cursor<'_>) -> Option<crate::data::SqlExpression> {
    cursor.until(&["WHERE"]);
    if !cursor.takes("WHERE") {
        return None;
    }
    Some(sql_expression(cursor.script, cursor.rest()))
}

/// `[name] [USING method] (parts) [INCLUDE (…)] [WHERE …]`, after `INDEX` or `ON table`.
pub(crate) fn read_index_body(
    cursor: &mut Cursor<'_>,
    span: Span,
    is_unique: bool,
) -> Option<DraftIndex> {
    let mut name = String::new();
    if !cursor.is_symbol("(") && !cursor.is("USING") {
        name = cursor.name()?.name;
    }
    let mut method = "btree".to_owned();
    if cursor.takes("USING") {
        method = cursor.name()?.name;
    }
    let _ = cursor.takes("ON").then(|| cursor.qualified_name());
    let group = cursor.group()?;
    if cursor.takes("USING") {
        method = cursor.name()?.name;
    }
    let condition = read_where(cursor);
    let (parts, columns) = read_index_parts(&group);
    if parts.is_empty() {
        return None;
    }
    Some(DraftIndex {
        index: Index { name, parts, method, condition, span },
        is_unique,
        columns,
        statement: span,
    })
}

/// The parts of an index, and the columns that its plain parts name.
pub(crate) fn read_index_parts(group: &Group<'_>) -> (Vec<IndexPart>, Vec<Name>) {
    let mut parts = Vec::new();
    let mut columns = Vec::new();
    for item in group.items() {
        if item.peek().is_some_and(is_ellipsis) {
            continue;
        }
        let mut cursor = item;
        let name = cursor.name();
        // After a column only sort orders, operator classes and prefix lengths may follow.
        let is_prefix = cursor
            .group()
            .is_none_or(|inner| matches!(inner.tokens, [t] if t.kind == TokenKind::Number));
        let plain = is_prefix && cursor.rest().iter().all(|token| token.kind == TokenKind::Word);
        match name.filter(|_| plain) {
            Some(name) => {
                let descending = cursor
                    .rest()
                    .iter()
                    .any(|&token| cursor.text(token).eq_ignore_ascii_case("DESC"));
                parts.push(IndexPart {
                    expression: crate::data::SqlExpression {
                        text: name.name.clone(),
                        expression: Some(crate::expression::Expression::column(&name.name)),
                        span: name.span,
                    },
                    column: Some(name.name.clone()),
                    descending,
                });
                columns.push(name);
            }
            None => {
                let mut cursor = item;
                let tokens = cursor.until(&["ASC", "DESC", "NULLS"]);
                let descending = cursor.is("DESC");
                parts.push(IndexPart {
                    expression: sql_expression(item.script, tokens),
                    column: None,
                    descending,
                });
            }
        }
    }
    (parts, columns)
}

/// `REFERENCES table [(columns)] [ON DELETE …] [ON UPDATE …] …`.
pub(crate) fn read_references(
    cursor: &mut Cursor<'_>,
    columns: Vec<Name>,
    span: Span,
) -> Option<DraftForeignKey> {
    if !cursor.takes("REFERENCES") {
        return None;
    }
    let table = cursor.qualified_name()?;
    let referred = match cursor.group() {
        Some(group) => group.names().unwrap_or_default(),
        None => Vec::new(),
    };
    let mut key = DraftForeignKey {
        columns,
        table,
        referred,
        on_delete: ReferentialAction::NoAction,
        on_update: ReferentialAction::NoAction,
        span,
    };
    loop {
        if cursor.takes("ON DELETE") {
            key.on_delete = read_action(cursor);
        } else if cursor.is("ON UPDATE") && !cursor.is("ON UPDATE CURRENT_TIMESTAMP") {
            let _ = cursor.takes("ON UPDATE");
            key.on_update = read_action(cursor);
        } else if !(cursor.takes("MATCH FULL")
            || cursor.takes("MATCH SIMPLE")
            || cursor.takes("MATCH PARTIAL")
            || cursor.takes("NOT DEFERRABLE")
            || cursor.takes("DEFERRABLE")
            || cursor.takes("INITIALLY DEFERRED")
            || cursor.takes("INITIALLY IMMEDIATE")
            || cursor.takes("NOT VALID"))
        {
            return Some(key);
        }
    }
}

fn read_action(cursor: &mut Cursor<'_>) -> ReferentialAction {
    if cursor.takes("CASCADE") {
        ReferentialAction::Cascade
    } else if cursor.takes("RESTRICT") {
        ReferentialAction::Restrict
    } else if cursor.takes("SET NULL") {
        ReferentialAction::SetNull
    } else if cursor.takes("SET DEFAULT") {
        ReferentialAction::SetDefault
    } else {
        let _ = cursor.takes("NO ACTION");
        ReferentialAction::NoAction
    }
}

/// What follows the body: `PARTITION BY`, `INHERITS`, MySQL's `COMMENT='…'`; the rest says how
/// rows are stored and is nobody's business here.
fn read_options(cursor: &mut Cursor<'_>, table: &mut DraftTable) {
    while let Some(token) = cursor.peek() {
        if cursor.takes("PARTITION BY") {
            cursor.next();
            if let Some(group) = cursor.group() {
                table.partition_by = group.names().unwrap_or_default();
            }
        } else if cursor.takes("INHERITS") {
            for mut item in cursor.group().map(|group| group.items()).unwrap_or_default() {
                table.parts.copied.extend(item.qualified_name());
            }
        } else if cursor.takes("COMMENT") {
            let _ = cursor.takes_symbol("=");
            let text = cursor.next().filter(|text| text.kind == TokenKind::Text);
            table.comment = text.map(|text| super::cursor::string_value(cursor.text(text)));
        } else {
            let _ = token;
            cursor.next();
        }
    }
}
