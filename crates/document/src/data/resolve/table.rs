//! Tables told apart: unfilled ones, partitions, and repeated declarations.

use std::collections::HashMap;

use super::{Entry, Names, Resolved};
use crate::{
    Diagnostic, Level,
    data::{
        codes,
        draft::{DraftColumn, DraftTable},
    },
};

/// True for the names that templates give to tables.
pub(crate) fn is_template_name(name: &str) -> bool {
    matches!(name, "your_table_name" | "new_table_name" | "my_table" | "your_entity")
        || crate::placeholder::is_name(name)
}

/// Joins what declares one table, and sets aside what declares none.
pub(super) fn merge(
    drafts: Vec<DraftTable>,
    resolved: &mut Resolved,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for mut draft in drafts {
        if let Some(parent) = &draft.partition_of {
            let meaning = format!("partition `{}` of table `{}`", draft.name.name, parent.name);
            resolved.partitions.push((draft.statement, meaning));
            continue;
        }
        drop_repeated_columns(&mut draft, diagnostics);
        let is_unfilled = draft.name.is_hole || is_template_name(&draft.name.name);
        if is_unfilled {
            report_unfilled(&draft, diagnostics);
            entries.push(Entry { draft, is_unfilled });
            continue;
        }
        match places.get(&draft.name.name).and_then(|&at| entries.get_mut(at)) {
            Some(first) => join(first, draft, resolved, diagnostics),
            None => {
                places.insert(draft.name.name.clone(), entries.len());
                entries.push(Entry { draft, is_unfilled });
            }
        }
    }
    entries
}

fn report_unfilled(draft: &DraftTable, diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.push(
        Diagnostic::new(
            &codes::D018,
            draft.name.span,
            "a table of the template was never filled in, so it is not declared",
        )
        .label("the template's name stands here")
        .help("to declare it, write the table's name and columns"),
    );
}

fn drop_repeated_columns(draft: &mut DraftTable, diagnostics: &mut Vec<Diagnostic>) {
    let mut seen = HashMap::new();
    let table = draft.name.name.clone();
    draft.parts.columns.retain(|column| {
        let name = column.column.name.clone();
        match seen.get(&name) {
            Some(&first) => {
                diagnostics.push(
                    Diagnostic::new(
                        &codes::D009,
                        column.column.span,
                        format!("column `{name}` is declared twice in table `{table}`"),
                    )
                    .label("again here")
                    .also(first, "first here"),
                );
                false
            }
            None => {
                seen.insert(name, column.column.span);
                true
            }
        }
    });
}

/// Joins a repeated declaration with the first one. What repeats some of the columns is an
/// excerpt; what disagrees is an error, and the one with more columns counts.
fn join(
    first: &mut Entry,
    second: DraftTable,
    resolved: &mut Resolved,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let difference = difference(&first.draft, &second);
    let name = &second.name.name;
    let is_more = second.parts.columns.len() >= first.draft.parts.columns.len();
    let diagnostic = match &difference {
        None => Diagnostic::new(
            &codes::D008,
            second.name.span,
            format!("table `{name}` is declared twice"),
        )
        .at(Level::Info)
        .label("the same columns again, or some of them"),
        Some(difference) => Diagnostic::new(
            &codes::D008,
            second.name.span,
            format!("table `{name}` is declared twice, and the two disagree: {difference}"),
        )
        .label(if is_more { "this one counts" } else { "the first one counts" })
        .help("to have one truth, keep one of them"),
    };
    diagnostics.push(diagnostic.also(first.draft.name.span, "first declared here"));
    let meaning = format!("repeats table `{name}`");
    if is_more {
        resolved.partitions.push((first.draft.statement, meaning));
        first.draft = second;
    } else {
        resolved.partitions.push((second.statement, meaning));
    }
}

/// How two declarations of one table disagree; none where one is an excerpt of the other.
fn difference(first: &DraftTable, second: &DraftTable) -> Option<String> {
    let (a, b) = (by_name(first), by_name(second));
    for (name, column) in &a {
        if let Some(other) = b.get(name)
            && column.column.kind != other.column.kind
        {
            return Some(format!("column `{name}` has two types"));
        }
    }
    let only_first = first.parts.columns.iter().find(|c| !b.contains_key(c.column.name.as_str()));
    let only_second = second.parts.columns.iter().find(|c| !a.contains_key(c.column.name.as_str()));
    match (only_first, only_second) {
        (Some(one), Some(two)) => Some(format!(
            "only the first has column `{}`, only the second `{}`",
            one.column.name, two.column.name
        )),
        _ => None,
    }
}

fn by_name(table: &DraftTable) -> HashMap<&str, &DraftColumn> {
    table.parts.columns.iter().map(|column| (column.column.name.as_str(), column)).collect()
}

/// Gives tables made by `LIKE` or `INHERITS` the columns of their parents.
pub(super) fn copy_columns(entries: &mut [Entry]) {
    let names = Names::new(entries.iter().map(|entry| &entry.draft.name));
    for at in 0..entries.len() {
        let Some(entry) = entries.get(at) else { continue };
        let sources: Vec<usize> = entry
            .draft
            .parts
            .copied
            .iter()
            .filter_map(|name| names.find(name))
            .filter(|&source| source != at)
            .collect();
        for source in sources {
            let Some(parent) = entries.get(source) else { continue };
            let columns: Vec<DraftColumn> =
                parent.draft.parts.columns.iter().map(copy_of).collect();
            let key = parent.draft.parts.primary_key.clone();
            let Some(entry) = entries.get_mut(at) else { continue };
            let parts = &mut entry.draft.parts;
            for column in columns.into_iter().rev() {
                if parts.columns.iter().all(|own| own.column.name != column.column.name) {
                    parts.columns.insert(0, column);
                }
            }
            parts.primary_key = parts.primary_key.take().or(key);
        }
    }
}

fn copy_of(column: &DraftColumn) -> DraftColumn {
    DraftColumn {
        column: column.column.clone(),
        unknown_type: column.unknown_type.clone(),
        values: None,
    }
}
