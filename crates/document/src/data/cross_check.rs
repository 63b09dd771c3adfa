//! The forms beside SQL checked against the tables: fields without columns, types that disagree,
//! relations and index sentences that name nothing.

use std::collections::{HashMap, HashSet};

use super::{
    Column, ColumnType, Index, IndexPart, SqlExpression, Table, codes,
    forms::Forms,
    index_sentence::IndexSentence,
    name::{entity_key, plural, singular},
    resolve::Resolved,
    sketch::{Field, Sketch},
};
use crate::{Diagnostic, Level, data::Form, diagnostic::similar, expression::Expression};

/// Places that one diagnostic names beside its own.
const LABELS_MAX: usize = 6;

/// Checks all forms against the tables, and adds the indexes that sentences ask for.
pub(crate) fn check(forms: &Forms, resolved: &mut Resolved, diagnostics: &mut Vec<Diagnostic>) {
    let mut by_key: HashMap<String, usize> = HashMap::new();
    for (at, table) in resolved.data.tables.iter().enumerate() {
        by_key.insert(entity_key(&table.name), at);
    }
    // `core.users` is also `users`, where that is one table.
    for (at, table) in resolved.data.tables.iter().enumerate() {
        if let Some((_, bare)) = table.name.split_once('_') {
            by_key.entry(entity_key(bare)).or_insert(at);
        }
    }
    for sketch in &forms.sketches {
        let table = by_key.get(&sketch.key()).and_then(|&at| resolved.data.tables.get(at));
        if let Some(table) = table.filter(|table| !table.span.contains(sketch.span)) {
            compare(sketch, table, diagnostics);
        }
    }
    check_relations(forms, resolved, &by_key, diagnostics);
    for sentence in &forms.indexes {
        check_index(sentence, resolved, &by_key, diagnostics);
    }
}

/// The column that a field means: `createdAt` is `created_at`, `author` is `author_id`.
fn column_of<'t>(field: &Field, table: &'t Table) -> Option<&'t Column> {
    let name = field.column();
    let id = format!("{name}_id");
    let stem = name.strip_suffix("_id").unwrap_or(&name).to_owned();
    let own_id = name == "id" || name == format!("{}_id", singular(&table.name));
    [name.clone(), id, stem, singular(&name), plural(&name)]
        .iter()
        .find_map(|name| table.column(name))
        .or_else(|| table.key().filter(|_| field.is_key || own_id))
}

fn compare(sketch: &Sketch, table: &Table, diagnostics: &mut Vec<Diagnostic>) {
    let mut missing: Vec<&Field> = Vec::new();
    let mut found = Vec::new();
    for field in &sketch.fields {
        match (column_of(field, table), &field.kind) {
            (Some(column), Some(kind)) => found.push((field, kind, column)),
            (Some(_), None) | (None, None) => {}
            // What an interface nests may be spread over several columns or tables.
            (None, Some(ColumnType::Json | ColumnType::Array { .. }))
                if sketch.form != Form::ErDiagram => {}
            (None, Some(_)) => missing.push(field),
        }
    }
    // A message or a view of an entity shares only some of its fields.
    let is_loose = !matches!(sketch.form, Form::ErDiagram | Form::ColumnTable);
    let is_other = is_loose && (!sketch.has_key() || found.len() < missing.len() * 2);
    if found.len() < 2 || is_other {
        return;
    }
    report_missing(sketch, table, &missing, diagnostics);
    for (field, kind, column) in found {
        if conflict(kind, &column.kind) {
            diagnostics.push(
                Diagnostic::new(
                    &codes::D022,
                    field.kind_span,
                    format!(
                        "`{}.{}` is {} here, but column `{}` of table `{}` is {}",
                        sketch.name,
                        field.name,
                        kind.words(),
                        column.name,
                        table.name,
                        column.kind.words()
                    ),
                )
                .label("these two disagree")
                .also(column.type_span, "the column's type"),
            );
        }
    }
}

fn report_missing(
    sketch: &Sketch,
    table: &Table,
    missing: &[&Field],
    diagnostics: &mut Vec<Diagnostic>,
) {
    let Some((first, others)) = missing.split_first() else { return };
    let message = match others.len() {
        0 => format!(
            "`{}` has `{}`, but table `{}` has no such column",
            sketch.name, first.name, table.name
        ),
        more => format!(
            "`{}` has `{}` and {more} more, but table `{}` has no such columns",
            sketch.name, first.name, table.name
        ),
    };
    let mut diagnostic = Diagnostic::new(&codes::D021, first.span, message)
        .label("no column of this name")
        .also(table.span, "the table is declared here");
    let name = first.column();
    let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let longer = columns.iter().copied().find(|column| {
        column.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('_'))
    });
    let close = longer.or_else(|| similar(&name, columns.iter().copied()).first().copied());
    if let Some(close) = close {
        diagnostic = diagnostic.help(format!("a column with a similar name exists: `{close}`"));
    }
    for other in others.iter().take(LABELS_MAX) {
        diagnostic = diagnostic.also(other.span, "nor of this one");
    }
    diagnostics.push(diagnostic);
}

/// What kind of value a type holds, as far as forms beside SQL tell them apart.
#[derive(PartialEq, Eq, Clone, Copy)]
enum Family {
    Text,
    Uuid,
    Whole,
    Decimal,
    Boolean,
    Time,
    Loose,
}

fn family(kind: &ColumnType) -> Family {
    match kind {
        ColumnType::Text { .. } | ColumnType::CaseInsensitiveText | ColumnType::Enum { .. } => {
            Family::Text
        }
        ColumnType::Uuid => Family::Uuid,
        ColumnType::Integer { .. } | ColumnType::Serial { .. } => Family::Whole,
        ColumnType::Numeric { .. } | ColumnType::Real { .. } => Family::Decimal,
        ColumnType::Boolean => Family::Boolean,
        ColumnType::Timestamp { .. } | ColumnType::Date => Family::Time,
        _ => Family::Loose,
    }
}

/// True where two types surely disagree. Text stands for much: a string may carry a UUID, a time
/// or an exact number.
fn conflict(sketched: &ColumnType, stored: &ColumnType) -> bool {
    use Family::{Boolean, Decimal, Loose, Text, Time, Uuid, Whole};
    match (family(sketched), family(stored)) {
        (Loose, _) | (_, Loose) => false,
        (Text, other) => matches!(other, Whole | Boolean),
        (Uuid, other) => !matches!(other, Uuid | Text),
        (Whole | Decimal, other) => !matches!(other, Whole | Decimal),
        (Boolean, other) => !matches!(other, Boolean | Whole),
        (Time, other) => !matches!(other, Time | Text | Whole),
    }
}

/// Relations whose names are neither tables nor drawn entities.
fn check_relations(
    forms: &Forms,
    resolved: &Resolved,
    by_key: &HashMap<String, usize>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut known: HashSet<String> = by_key.keys().cloned().collect();
    known.extend(resolved.data.views.iter().map(|view| entity_key(&view.name)));
    known.extend(forms.sketches.iter().map(Sketch::key));
    let has_tables = !resolved.data.tables.is_empty();
    let mut reported: HashMap<String, usize> = HashMap::new();
    for relation in &forms.relations {
        let ends = [&relation.from, &relation.to];
        let is_known = ends.map(|end| known.contains(&entity_key(&end.name)));
        let counts = relation.is_drawn || is_known.contains(&true);
        for (end, is_known) in ends.into_iter().zip(is_known) {
            if is_known || !counts || !has_tables || crate::placeholder::is_name(&end.name) {
                continue;
            }
            let key = entity_key(&end.name);
            if let Some(first) = reported.get(&key).and_then(|&at| diagnostics.get_mut(at)) {
                if first.labels.len() < LABELS_MAX {
                    let text = "named here too".to_owned();
                    first.labels.push(crate::diagnostic::Label { span: end.span, text });
                }
                continue;
            }
            reported.insert(key, diagnostics.len());
            let names = resolved.data.tables.iter().map(|table| table.name.as_str()).take(200);
            let mut diagnostic = Diagnostic::new(
                &codes::D023,
                end.span,
                format!("a relation names `{}`, but no table is declared for it", end.name),
            )
            .label("no such table");
            if let Some(close) = similar(&end.name, names).first() {
                diagnostic =
                    diagnostic.help(format!("a table with a similar name exists: `{close}`"));
            }
            diagnostics.push(diagnostic);
        }
    }
}

/// Adds the index that a sentence asks for, or says which column does not exist.
fn check_index(
    sentence: &IndexSentence,
    resolved: &mut Resolved,
    by_key: &HashMap<String, usize>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let named = sentence.table.as_deref().and_then(|name| by_key.get(&entity_key(name)).copied());
    let unfilled =
        (sentence.table.is_none()).then(|| only(&resolved.unfilled_statements, sentence)).flatten();
    let declared = named.or_else(|| {
        (sentence.table.is_none()).then(|| only(&resolved.statements, sentence)).flatten()
    });
    let table = match (declared, unfilled) {
        (Some(at), None) => resolved.data.tables.get_mut(at),
        (None, Some(at)) => resolved.unfilled.get_mut(at),
        _ => None,
    };
    let Some(table) = table else { return };
    let unknown = sentence.columns.iter().find(|(name, _)| table.column(name).is_none());
    if let Some((name, span)) = unknown {
        if sentence.is_certain {
            diagnostics.push(
                Diagnostic::new(
                    &codes::D006,
                    *span,
                    format!(
                        "an index is asked for on `{name}`, but table `{}` has no such column",
                        table.name
                    ),
                )
                .at(Level::Warning)
                .label("no such column")
                .also(table.span, "the table is declared here"),
            );
        }
        return;
    }
    add_index(sentence, table);
}

/// The only table whose statement stands in the sentence's script.
fn only(statements: &[crate::Span], sentence: &IndexSentence) -> Option<usize> {
    let script = sentence.script?;
    let mut inside =
        statements.iter().enumerate().filter(|(_, statement)| script.contains(**statement));
    match (inside.next(), inside.next()) {
        (Some((at, _)), None) => Some(at),
        _ => None,
    }
}

fn add_index(sentence: &IndexSentence, table: &mut Table) {
    let columns: Vec<&str> = sentence.columns.iter().map(|(name, _)| name.as_str()).collect();
    let is_same = |own: &[String]| own == columns;
    let exists = is_same(&table.primary_key)
        || table.unique_keys.iter().any(|key| is_same(&key.columns))
        || table.indexes.iter().any(|index| {
            let own: Option<Vec<&str>> =
                index.parts.iter().map(|part| part.column.as_deref()).collect();
            own.is_some_and(|own| own == columns)
        });
    if exists {
        return;
    }
    let parts = sentence
        .columns
        .iter()
        .map(|(name, span)| IndexPart {
            expression: SqlExpression {
                text: name.clone(),
                expression: Some(Expression::column(name)),
                span: *span,
            },
            column: Some(name.clone()),
            descending: false,
        })
        .collect();
    table.indexes.push(Index {
        name: format!("idx_{}_{}", table.name, columns.join("_")),
        parts,
        method: "btree".to_owned(),
        condition: None,
        span: sentence.span,
    });
}
