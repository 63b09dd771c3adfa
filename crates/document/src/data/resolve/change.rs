//! `ALTER TABLE`, `CREATE INDEX` and `COMMENT ON`, applied to the tables they name.

use std::collections::HashSet;

use super::{Entry, Names, table::is_template_name};
use crate::{
    Diagnostic, Level,
    codes::T009,
    data::{
        codes,
        draft::{Change, ChangeAction, DraftColumn, Parts, Remark},
        sql::cursor::Name,
    },
};

/// Applies changes in the order of the text.
pub(super) fn apply(
    entries: &mut [Entry],
    changes: Vec<Change>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut names = Names::new(entries.iter().map(|entry| &entry.draft.name));
    let mut reported = HashSet::new();
    for change in changes {
        let Some(at) = names.find(&change.table) else {
            if !is_template_name(&change.table.name) && reported.insert(change.table.name.clone()) {
                report_unknown(&names, &change, diagnostics);
            }
            continue;
        };
        if let ChangeAction::Rename(new) = &change.action {
            names.exact.insert(new.name.clone(), at);
        }
        if let Some(entry) = entries.get_mut(at) {
            change_table(entry, change.action, diagnostics);
        }
    }
}

/// A change of a table that stands in no document may be one of an existing system; a name that
/// is close to a declared one is a mistake.
fn report_unknown(names: &Names, change: &Change, diagnostics: &mut Vec<Diagnostic>) {
    let name = &change.table.name;
    let close = names.similar(name);
    let level = if close.is_empty() { Level::Warning } else { Level::Error };
    let mut diagnostic = Diagnostic::new(
        &codes::D005,
        change.table.span,
        format!("no table `{name}` is declared in this document"),
    )
    .at(level)
    .label("this statement has no effect");
    if let Some(close) = close.first() {
        diagnostic = diagnostic.edit(
            format!("a table with a similar name exists: `{close}`"),
            change.table.span,
            (*close).to_owned(),
            crate::diagnostic::Applicability::MaybeIncorrect,
        );
    }
    diagnostics.push(diagnostic);
}

fn change_table(entry: &mut Entry, action: ChangeAction, diagnostics: &mut Vec<Diagnostic>) {
    let table = entry.draft.name.name.clone();
    let parts = &mut entry.draft.parts;
    match action {
        ChangeAction::Add(added) => add(parts, added, &table, diagnostics),
        ChangeAction::Rename(new) => entry.draft.name = new,
        ChangeAction::DropColumn(name) => {
            parts.columns.retain(|column| column.column.name != name.name);
            forget_column(parts, &name.name);
        }
        ChangeAction::RenameColumn(old, new) => rename_column(parts, &old.name, &new),
        ChangeAction::SetType(name, changed) => {
            if let Some(column) = find(parts, &name, &table, diagnostics) {
                column.column.kind = changed.column.kind.clone();
                column.unknown_type = changed.unknown_type;
            }
        }
        ChangeAction::SetNullable(name, nullable) => {
            if let Some(column) = find(parts, &name, &table, diagnostics) {
                column.column.nullable = nullable;
            }
        }
        ChangeAction::SetDefault(name, default) => {
            if let Some(column) = find(parts, &name, &table, diagnostics) {
                column.column.default = default;
            }
        }
    }
}

fn find<'p>(
    parts: &'p mut Parts,
    name: &Name,
    table: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<&'p mut DraftColumn> {
    let found = parts.columns.iter_mut().find(|column| column.column.name == name.name);
    if found.is_none() {
        diagnostics.push(
            Diagnostic::new(
                &codes::D006,
                name.span,
                format!("table `{table}` has no column `{}`", name.name),
            )
            .label("no such column"),
        );
    }
    found
}

fn add(parts: &mut Parts, added: Parts, table: &str, diagnostics: &mut Vec<Diagnostic>) {
    for column in added.columns {
        if parts.columns.len() >= COLUMNS_MAX {
            let message = format!("table `{table}` has more than {COLUMNS_MAX} columns");
            if diagnostics.last().is_none_or(|last| last.message != message) {
                let told = Diagnostic::new(&T009, column.column.span, message);
                diagnostics.push(told.label("left out from here on"));
            }
            break;
        }
        // `ADD COLUMN IF NOT EXISTS` beside a table that was brought up to date.
        if parts.columns.iter().all(|own| own.column.name != column.column.name) {
            parts.columns.push(column);
        }
    }
    parts.primary_key = added.primary_key.or(parts.primary_key.take());
    parts.unique_keys.extend(added.unique_keys);
    parts.checks.extend(added.checks);
    parts.exclusions.extend(added.exclusions);
    parts.foreign_keys.extend(added.foreign_keys);
    parts.indexes.extend(added.indexes);
    parts.has_holes |= added.has_holes;
}

/// A table gets so many columns by changes at most.
const COLUMNS_MAX: usize = 2000;

/// What hangs on a dropped column goes with it.
fn forget_column(parts: &mut Parts, name: &str) {
    let has = |columns: &[Name]| columns.iter().any(|column| column.name == name);
    parts.unique_keys.retain(|key| !has(&key.columns));
    parts.foreign_keys.retain(|key| !has(&key.columns));
    parts.exclusions.retain(|own| !has(&own.columns));
    parts.indexes.retain(|index| !has(&index.columns));
    parts.checks.retain(|check| {
        check.condition.expression.as_ref().is_none_or(|e| !e.columns().contains(&name))
    });
    if parts.primary_key.as_deref().is_some_and(has) {
        parts.primary_key = None;
    }
}

fn rename_column(parts: &mut Parts, old: &str, new: &Name) {
    let columns = parts
        .unique_keys
        .iter_mut()
        .flat_map(|key| &mut key.columns)
        .chain(parts.foreign_keys.iter_mut().flat_map(|key| &mut key.columns))
        .chain(parts.indexes.iter_mut().flat_map(|index| &mut index.columns))
        .chain(parts.exclusions.iter_mut().flat_map(|own| &mut own.columns))
        .chain(parts.primary_key.iter_mut().flatten());
    for column in columns {
        if column.name == old {
            column.name.clone_from(&new.name);
        }
    }
    for own in &mut parts.exclusions {
        own.exclusion.rename(old, &new.name);
    }
    for part in parts.indexes.iter_mut().flat_map(|index| &mut index.index.parts) {
        if part.column.as_deref() == Some(old) {
            part.column = Some(new.name.clone());
            part.expression.expression = Some(crate::expression::Expression::column(&new.name));
        }
    }
    for column in &mut parts.columns {
        if column.column.name == old {
            column.column.name.clone_from(&new.name);
            column.column.renamed_from.get_or_insert_with(|| old.to_owned());
        }
    }
}

/// Gives tables and columns their comments.
pub(super) fn remark(entries: &mut [Entry], remarks: Vec<Remark>) {
    let names = Names::new(entries.iter().map(|entry| &entry.draft.name));
    for remark in remarks {
        let Some(entry) = names.find(&remark.table).and_then(|at| entries.get_mut(at)) else {
            continue;
        };
        match remark.column {
            None => entry.draft.comment = Some(remark.text),
            Some(name) => {
                let columns = &mut entry.draft.parts.columns;
                if let Some(column) = columns.iter_mut().find(|c| c.column.name == name.name) {
                    column.column.comment = Some(remark.text);
                }
            }
        }
    }
}
