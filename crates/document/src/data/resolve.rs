//! Names resolved at the end, so that the order of declarations means nothing: types, keys,
//! foreign keys, indexes and changes find what they are about, or are reported.

mod change;
mod key;
mod kind;
pub(crate) mod table;

use std::collections::HashMap;

use super::{
    Data, Table,
    draft::{Draft, DraftTable},
    sql::cursor::Name,
};
use crate::{Diagnostic, Span, diagnostic::similar};

/// What resolving gives.
#[derive(Default)]
pub(crate) struct Resolved {
    /// The chapter.
    pub(crate) data: Data,
    /// The statement of each table, in the same order.
    pub(crate) statements: Vec<Span>,
    /// Tables that the template left unfilled, for checks of the prose about them.
    pub(crate) unfilled: Vec<Table>,
    /// Their statements.
    pub(crate) unfilled_statements: Vec<Span>,
    /// Partitions and other statements that declare no table of their own.
    pub(crate) partitions: Vec<(Span, String)>,
}

/// A table on its way: its parts may still be changed.
struct Entry {
    draft: DraftTable,
    is_unfilled: bool,
}

/// Resolves all names of a draft.
pub(crate) fn resolve(mut draft: Draft, diagnostics: &mut Vec<Diagnostic>) -> Resolved {
    let mut resolved = Resolved::default();
    let drafts = std::mem::take(&mut draft.tables);
    let mut entries = table::merge(drafts, &mut resolved, diagnostics);
    table::copy_columns(&mut entries);
    let changes = std::mem::take(&mut draft.changes);
    change::apply(&mut entries, changes, diagnostics);
    let remarks = std::mem::take(&mut draft.comments);
    change::remark(&mut entries, remarks);
    let mut kinds = kind::Kinds::new(&mut draft);
    for entry in &mut entries {
        kinds.resolve(&mut entry.draft, diagnostics);
    }
    resolved.data.enums = kinds.finish();
    resolved.data.views = draft.views;
    resolved.data.drops = draft.drops;
    resolved.data.policies = draft.policies;
    resolved.data.functions = draft.functions;
    resolved.data.protected = draft.protected.into_iter().map(|name| name.name).collect();
    let tables = key::Keys::new(&entries).tables(&entries, diagnostics);
    for (entry, table) in entries.into_iter().zip(tables) {
        if entry.is_unfilled {
            resolved.unfilled.push(table);
            resolved.unfilled_statements.push(entry.draft.statement);
        } else {
            resolved.statements.push(entry.draft.statement);
            resolved.data.tables.push(table);
        }
    }
    resolved
}

/// Table names by which a statement may find a table: as it is declared, without its schema where
/// that is unambiguous, and with a schema where it is declared without one.
struct Names {
    all: Vec<String>,
    exact: HashMap<String, usize>,
    bare: HashMap<String, Option<usize>>,
}

impl Names {
    fn new<'a>(names: impl Iterator<Item = &'a Name>) -> Self {
        let mut found = Self { all: Vec::new(), exact: HashMap::new(), bare: HashMap::new() };
        for (at, name) in names.enumerate() {
            found.all.push(name.name.clone());
            found.exact.entry(name.name.clone()).or_insert(at);
            found
                .bare
                .entry(name.bare().to_owned())
                .and_modify(|known| *known = None)
                .or_insert(Some(at));
        }
        found
    }

    fn find(&self, name: &Name) -> Option<usize> {
        let exact = self.exact.get(&name.name).copied();
        let is_identity = name.name == "auth_users";
        exact.or_else(|| match name.schema_bytes {
            0 => self.bare.get(&name.name).copied().flatten(),
            _ if is_identity => None,
            _ => self.exact.get(name.bare()).copied(),
        })
    }

    /// The name of the table at this place.
    fn name(&self, at: usize) -> Option<String> {
        self.all.get(at).cloned()
    }

    /// Names close to this one.
    fn similar(&self, name: &str) -> Vec<&str> {
        const CANDIDATES_MAX: usize = 500;
        let mut names: Vec<&str> = self.exact.keys().map(String::as_str).collect();
        names.sort_unstable();
        names.truncate(CANDIDATES_MAX);
        similar(name, names)
    }
}
