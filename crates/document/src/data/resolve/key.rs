//! Keys, foreign keys, indexes and checks: each names columns that must exist.

use std::collections::{HashMap, HashSet};

use super::{Entry, Names};
use crate::{
    Diagnostic, Span,
    data::{
        Column, ColumnType, ForeignKey, Index, Table, UniqueKey, codes,
        draft::{DraftForeignKey, DraftTable},
        name::snake,
        sql::cursor::Name,
    },
    diagnostic::{Applicability, similar},
};

/// What is known of all tables while one is finished.
pub(super) struct Keys {
    names: Names,
    columns: Vec<HashMap<String, ColumnType>>,
    primary_keys: Vec<Vec<String>>,
    /// Unknown tables that were reported.
    reported: HashMap<String, usize>,
    index_names: HashSet<String>,
}

impl Keys {
    pub(super) fn new(entries: &[Entry]) -> Self {
        let key = |entry: &Entry| {
            let key = entry.draft.parts.primary_key.iter().flatten();
            key.map(|name| name.name.clone()).collect()
        };
        let columns = |entry: &Entry| {
            let columns = entry.draft.parts.columns.iter();
            columns.map(|c| (c.column.name.clone(), c.column.kind.clone())).collect()
        };
        Self {
            names: Names::new(entries.iter().map(|entry| &entry.draft.name)),
            columns: entries.iter().map(columns).collect(),
            primary_keys: entries.iter().map(key).collect(),
            reported: HashMap::new(),
            index_names: HashSet::new(),
        }
    }

    /// The finished tables, in the order of the entries.
    pub(super) fn tables(
        mut self,
        entries: &[Entry],
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Table> {
        let mut tables = Vec::with_capacity(entries.len());
        for (at, entry) in entries.iter().enumerate() {
            // What is not declared is not reported either.
            let mut ignored = Vec::new();
            let found = if entry.is_unfilled { &mut ignored } else { &mut *diagnostics };
            tables.push(self.table(at, entry, found));
        }
        tables
    }

    fn table(&mut self, at: usize, entry: &Entry, diagnostics: &mut Vec<Diagnostic>) -> Table {
        let (draft, is_unfilled) = (&entry.draft, entry.is_unfilled);
        let mut check = Mentions { keys: self, at, draft, is_unfilled, diagnostics };
        let primary_key = match &draft.parts.primary_key {
            Some(names) if check.all(names, "the primary key") => texts(names),
            _ => Vec::new(),
        };
        let mut columns: Vec<Column> =
            draft.parts.columns.iter().map(|column| column.column.clone()).collect();
        for column in &mut columns {
            column.nullable &= !primary_key.contains(&column.name);
            column.touched_on_update |= is_update_time(column);
        }
        let mut table = Table {
            name: draft.name.name.clone(),
            columns,
            primary_key,
            unique_keys: Vec::new(),
            checks: Vec::new(),
            exclusions: Vec::new(),
            foreign_keys: Vec::new(),
            indexes: Vec::new(),
            comment: draft.comment.clone(),
            form: draft.form,
            renamed_from: draft.renamed_from.clone(),
            span: draft.name.span,
        };
        check.generated(&mut table);
        check.unique_keys(&mut table);
        check.checks(&mut table);
        check.exclusions(&mut table);
        check.foreign_keys(&mut table);
        check.indexes(&mut table);
        check.key(&table);
        check.partition(&table);
        table
    }
}

/// The checks of one table's names.
struct Mentions<'a, 'd> {
    keys: &'a mut Keys,
    at: usize,
    draft: &'a DraftTable,
    is_unfilled: bool,
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl Mentions<'_, '_> {
    fn has(&self, column: &str) -> bool {
        self.keys.columns.get(self.at).is_some_and(|columns| columns.contains_key(column))
    }

    /// True where all columns exist; the first that does not is reported.
    fn all(&mut self, columns: &[Name], what: &str) -> bool {
        let at = self.at;
        columns.iter().all(|column| self.one(at, &column.name, column.span, what))
    }

    fn one(&mut self, at: usize, column: &str, span: Span, what: &str) -> bool {
        let columns = self.keys.columns.get(at);
        if columns.is_some_and(|columns| columns.contains_key(column)) {
            return true;
        }
        // A column that is a hole, or that could not be read, was reported already.
        if self.draft.parts.has_holes || self.diagnostics_cover(column) {
            return false;
        }
        let table = if at == self.at { self.draft.name.name.as_str() } else { what };
        let mut names: Vec<&str> =
            columns.into_iter().flat_map(HashMap::keys).map(String::as_str).collect();
        names.sort_unstable();
        let message = if at == self.at {
            format!("{what} of table `{table}` names a column that does not exist: `{column}`")
        } else {
            format!("table `{table}` has no column `{column}`")
        };
        let mut diagnostic = Diagnostic::new(&codes::D006, span, message).label("no such column");
        if at == self.at {
            diagnostic = diagnostic.also(self.draft.name.span, "the table is declared here");
        }
        if let Some(close) = similar(column, names).first() {
            diagnostic = diagnostic.edit(
                format!("a column with a similar name exists: `{close}`"),
                span,
                (*close).to_owned(),
                Applicability::MaybeIncorrect,
            );
        }
        self.diagnostics.push(diagnostic);
        false
    }

    /// True where the column itself is what was reported, so that nothing cascades.
    fn diagnostics_cover(&self, column: &str) -> bool {
        self.draft.parts.unread.iter().any(|unread| unread == column)
    }

    /// A generated column whose expression is not understood is an ordinary one.
    fn generated(&mut self, table: &mut Table) {
        for column in &mut table.columns {
            let Some(generated) = &column.generated else { continue };
            if generated.expression.is_some() {
                continue;
            }
            self.diagnostics.push(
                Diagnostic::new(
                    &codes::D017,
                    generated.span,
                    format!(
                        "the value of the generated column `{}` of table `{}` is not computed",
                        column.name, table.name
                    ),
                )
                .label("outside of the subset that both stores run"),
            );
            column.nullable = true;
        }
    }

    fn unique_keys(&mut self, table: &mut Table) {
        let draft = self.draft;
        for key in &draft.parts.unique_keys {
            if self.all(&key.columns, "a unique key") {
                table.unique_keys.push(UniqueKey {
                    name: key.name.clone(),
                    columns: texts(&key.columns),
                    condition: key.condition.clone(),
                    span: key.span,
                });
            }
        }
    }

    fn checks(&mut self, table: &mut Table) {
        let draft = self.draft;
        for check in &draft.parts.checks {
            let expression = check.condition.expression.clone();
            let Some(expression) = expression else {
                self.diagnostics.push(
                    Diagnostic::new(
                        &codes::D017,
                        check.condition.span,
                        format!("a check of table `{}` is not enforced", table.name),
                    )
                    .label("outside of the subset that both stores run"),
                );
                table.checks.push(check.clone());
                continue;
            };
            let at = self.at;
            let exist = expression
                .columns()
                .into_iter()
                .all(|column| self.one(at, column, check.condition.span, "a check"));
            if exist {
                table.checks.push(check.clone());
            }
        }
    }

    fn exclusions(&mut self, table: &mut Table) {
        let draft = self.draft;
        for own in &draft.parts.exclusions {
            let at = self.at;
            let condition = own.exclusion.condition.as_ref();
            let span = condition.map_or(own.exclusion.span, |condition| condition.span);
            let expression = condition.and_then(|condition| condition.expression.as_ref());
            let mut more = expression.map(|it| it.columns()).unwrap_or_default().into_iter();
            if self.all(&own.columns, "an exclusion")
                && more.all(|column| self.one(at, column, span, "an exclusion"))
            {
                table.exclusions.push(own.exclusion.clone());
            }
        }
    }

    fn foreign_keys(&mut self, table: &mut Table) {
        let draft = self.draft;
        for key in &draft.parts.foreign_keys {
            if self.all(&key.columns, "a foreign key")
                && let Some(key) = self.foreign_key(key)
            {
                table.foreign_keys.push(key);
            }
        }
    }

    fn foreign_key(&mut self, key: &DraftForeignKey) -> Option<ForeignKey> {
        let found = self.keys.names.find(&key.table);
        let mut resolved = ForeignKey {
            columns: texts(&key.columns),
            table: key.table.name.clone(),
            referred: texts(&key.referred),
            on_delete: key.on_delete,
            on_update: key.on_update,
            resolved: found.is_some(),
            span: key.span,
        };
        let Some(at) = found else {
            self.report_unknown(key);
            return Some(resolved);
        };
        resolved.table = self.keys.names.name(at).unwrap_or(resolved.table);
        if resolved.referred.is_empty() {
            resolved.referred = self.keys.primary_keys.get(at).cloned().unwrap_or_default();
        }
        let target = resolved.table.clone();
        for column in &key.referred {
            if !self.one(at, &column.name, column.span, &target) {
                return None;
            }
        }
        self.compare_types(key, at, &resolved);
        Some(resolved)
    }

    /// One diagnostic for each unknown table, with all the keys that refer to it.
    fn report_unknown(&mut self, key: &DraftForeignKey) {
        const LABELS_MAX: usize = 6;
        let name = &key.table.name;
        if name == "auth_users" || key.table.is_hole || self.is_unfilled {
            return;
        }
        let first = self.keys.reported.get(name).and_then(|&at| self.diagnostics.get_mut(at));
        if let Some(first) = first {
            if first.labels.len() < LABELS_MAX {
                let text = format!("also from table `{}`", self.draft.name.name);
                first.labels.push(crate::diagnostic::Label { span: key.table.span, text });
            }
            return;
        }
        self.keys.reported.insert(name.clone(), self.diagnostics.len());
        let mut diagnostic = Diagnostic::new(
            &codes::D010,
            key.table.span,
            format!(
                "table `{}` refers to `{name}`, which this document does not declare",
                self.draft.name.name
            ),
        )
        .label("served as an opaque id");
        diagnostic = match self.keys.names.similar(name).first() {
            Some(close) => diagnostic.edit(
                format!("a table with a similar name exists: `{close}`"),
                key.table.span,
                (*close).to_owned(),
                Applicability::MaybeIncorrect,
            ),
            None => {
                diagnostic.help(format!("to check that the row exists, declare the table `{name}`"))
            }
        };
        self.diagnostics.push(diagnostic);
    }

    fn compare_types(&mut self, key: &DraftForeignKey, at: usize, resolved: &ForeignKey) {
        for (column, referred) in key.columns.iter().zip(&resolved.referred) {
            let own = self.keys.columns.get(self.at).and_then(|c| c.get(&column.name));
            let other = self.keys.columns.get(at).and_then(|c| c.get(referred));
            let (Some(own), Some(other)) = (own, other) else { continue };
            if family(own) == family(other) {
                continue;
            }
            let message = format!(
                "column `{}` of table `{}` is {}, but `{}.{referred}` is {}",
                column.name,
                self.draft.name.name,
                own.words(),
                resolved.table,
                other.words()
            );
            self.diagnostics.push(
                Diagnostic::new(&codes::D011, key.span, message)
                    .label("these two cannot be compared"),
            );
        }
    }

    fn indexes(&mut self, table: &mut Table) {
        let draft = self.draft;
        for index in &draft.parts.indexes {
            let what = match index.index.name.as_str() {
                "" => "an index".to_owned(),
                name => format!("the index `{name}`"),
            };
            let columns: Vec<Name> = index.columns.clone();
            if !self.all(&columns, &what) {
                continue;
            }
            let is_plain = index.index.parts.iter().all(|part| part.column.is_some());
            if index.is_unique && is_plain {
                table.unique_keys.push(UniqueKey {
                    name: Some(index.index.name.clone()).filter(|name| !name.is_empty()),
                    columns: texts(&index.columns),
                    condition: index.index.condition.clone(),
                    span: index.index.span,
                });
                continue;
            }
            let mut made = index.index.clone();
            if made.name.is_empty() {
                made.name = name_for(&table.name, &made);
            }
            self.make_unique(&mut made, &table.name);
            if !index.is_unique {
                self.report_redundant(table, &made, index.statement);
            }
            table.indexes.push(made);
        }
    }

    /// Names of indexes are shared by all tables of a store.
    fn make_unique(&mut self, index: &mut Index, table: &str) {
        let written = index.name.clone();
        let mut number = 1usize;
        while !self.keys.index_names.insert(index.name.clone()) {
            index.name = match number {
                1 => format!("{table}_{written}"),
                more => format!("{table}_{written}_{more}"),
            };
            number += 1;
        }
    }

    fn report_redundant(&mut self, table: &Table, index: &Index, statement: Span) {
        if index.condition.is_some() || index.method != "btree" {
            return;
        }
        let columns: Option<Vec<&str>> =
            index.parts.iter().map(|part| part.column.as_deref()).collect();
        let Some(columns) = columns else { return };
        let unique =
            table.unique_keys.iter().find(|key| key.condition.is_none() && key.columns == columns);
        let (what, place) = match unique {
            Some(key) => ("`UNIQUE`", key.span),
            None if table.primary_key == columns => ("the primary key", table.span),
            None => return,
        };
        self.diagnostics.push(
            Diagnostic::new(
                &codes::D013,
                index.span,
                format!(
                    "the index `{}` repeats what {what} of table `{}` already makes",
                    index.name, table.name
                ),
            )
            .label("this index can be left out")
            .also(place, "already indexed by this")
            .edit("to leave it out, remove it", statement, "", Applicability::Safe),
        );
    }

    fn key(&mut self, table: &Table) {
        if !table.primary_key.is_empty()
            || self.draft.parts.primary_key.is_some()
            || self.draft.parts.has_holes
            || table.columns.is_empty()
        {
            return;
        }
        let mut diagnostic = Diagnostic::new(
            &codes::D012,
            table.span,
            format!("table `{}` has no primary key", table.name),
        )
        .label("its rows cannot be addressed one by one");
        if let Some(column) = table.columns.iter().find(|column| column.name == "id") {
            let end = Span { start: column.type_span.end, ..column.type_span };
            diagnostic = diagnostic.edit(
                "to address rows by `id`, make it the primary key",
                end,
                " PRIMARY KEY",
                Applicability::MaybeIncorrect,
            );
        }
        self.diagnostics.push(diagnostic);
    }

    fn partition(&mut self, table: &Table) {
        for column in &self.draft.partition_by {
            if !self.has(&column.name) || table.primary_key.is_empty() {
                continue;
            }
            if !table.primary_key.contains(&column.name) {
                self.diagnostics.push(
                    Diagnostic::new(
                        &codes::D014,
                        column.span,
                        format!(
                            "the primary key of table `{}` leaves out its partition column `{}`",
                            table.name, column.name
                        ),
                    )
                    .label("PostgreSQL requires it in each key")
                    .also(table.span, "the table is declared here"),
                );
            }
        }
    }
}

fn texts(names: &[Name]) -> Vec<String> {
    names.iter().map(|name| name.name.clone()).collect()
}

fn name_for(table: &str, index: &Index) -> String {
    let parts: Vec<String> = index
        .parts
        .iter()
        .map(|part| part.column.clone().unwrap_or_else(|| "expression".to_owned()))
        .collect();
    snake(&format!("idx_{table}_{}", parts.join("_")))
}

/// A timestamp that readers expect to move with each change.
fn is_update_time(column: &Column) -> bool {
    const NAMES: &[&str] = &[
        "updated_at",
        "modified_at",
        "last_updated",
        "last_updated_at",
        "last_modified",
        "last_modified_at",
        "updated_on",
        "modified_on",
        "date_updated",
        "date_modified",
        "update_time",
        "updated_date",
        "modified_date",
    ];
    matches!(column.kind, ColumnType::Timestamp { .. })
        && column.generated.is_none()
        && NAMES.contains(&column.name.as_str())
}

/// Types of one family can be compared.
fn family(kind: &ColumnType) -> u8 {
    match kind {
        ColumnType::Uuid => 0,
        ColumnType::Integer { .. } | ColumnType::Serial { .. } | ColumnType::Numeric { .. } => 1,
        ColumnType::Text { .. } | ColumnType::CaseInsensitiveText => 2,
        ColumnType::Timestamp { .. } | ColumnType::Date => 3,
        ColumnType::Enum { .. } => 4,
        _ => 5,
    }
}
