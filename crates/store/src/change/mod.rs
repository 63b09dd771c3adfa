//! From what is there to what is wished for: the comparison of two schemas, one for all stores.
//! A store answers what its rows say ([`Ground`]) and writes its own statements ([`Script`]).

pub(crate) mod adopt;
pub(crate) mod compare;
pub(crate) mod drift;
pub(crate) mod ledger;
pub(crate) mod lineage;
pub(crate) mod measure;
mod planning;
mod refine;

pub(crate) use planning::{Draft, Wish, draft, is_destructive, refuse_stale};

pub(crate) use refine::{Trial, refine};

use std::{borrow::Cow, collections::BTreeSet};

use ledger::PhysicalTable;
use lineage::{Lineage, Source};

use crate::{
    Kind, StoreError,
    catalog::Catalog,
    plan::{Class, Step},
    schema::{Column, Exclusion, ForeignKey, Schema, Table, View},
    sql::{Dialect, Unsupported},
};

/// A database as a comparison sees it.
pub(crate) trait Ground {
    /// Whose SQL conditions are written in.
    fn dialect(&self) -> Dialect;

    /// A name as the database keeps it.
    fn kept<'n>(&self, name: &'n str) -> Cow<'n, str> {
        name.into()
    }

    /// The count that `sql` gives as its only value.
    fn count(&self, sql: &str) -> Result<u64, StoreError>;

    /// The default as an expression; none where there is none.
    fn default_text(
        &self,
        table: &Table,
        column: &Column,
        catalog: &Catalog,
    ) -> Result<Option<String>, Unsupported>;

    /// The column's value in another kind, as an expression.
    fn converted(&self, column: &str, from: &Kind, to: &Kind) -> String;

    /// How many values of `table.column`, which is of kind `from`, do not fit `to`.
    fn misfits(
        &self,
        table: &str,
        column: &str,
        from: &Kind,
        to: &Column,
    ) -> Result<u64, StoreError>;

    /// The condition under which the rows `one` and `other` stand against each other.
    fn conflict(&self, table: &Table, exclusion: &Exclusion) -> Result<String, Unsupported>;

    /// Columns that are there beyond the known ones, where nothing else changed that matters; none
    /// where a known one is gone or a new one would refuse our rows.
    fn added_columns(&self, table: &Table) -> Result<Option<Vec<Column>>, StoreError>;

    /// A table of this name that no document made, as if it had been made for this one; where it
    /// differs, in what.
    fn adopted(&self, table: &Table) -> Result<Result<PhysicalTable, Vec<String>>, StoreError>;

    /// Whether a view that no document made is the wished-for one; none where it is not there.
    fn has_view(&self, view: &View, catalog: &Catalog) -> Result<Option<bool>, StoreError>;
}

/// What writes the statements of a change.
pub(crate) trait Script {
    /// A table that is not there yet.
    fn create(
        &mut self,
        table: &Table,
        schema: &Schema,
        catalog: &Catalog,
    ) -> Result<Work, Unsupported>;

    /// Turns what is there into what is wished for. Statements are put to the findings that they
    /// serve; those that serve none are given back.
    fn change(&mut self, change: TableChange<'_>, findings: &mut [Finding])
    -> Result<Work, String>;

    /// Removes a table.
    fn drop_table(&mut self, name: &str) -> Work;

    /// What makes a view; [`Script::renew_views`] sees to it that it is done.
    fn view(&mut self, view: &View) -> Work;

    /// What removes a view.
    fn drop_view(&mut self, name: &str) -> Work;

    /// Called at the end of a plan that changes anything, with all views that are there and that
    /// will be.
    fn renew_views(&mut self, are: &[View], will_be: &[View]);
}

/// What is done for a step.
#[derive(Debug, Clone, Default)]
pub(crate) struct Work {
    pub(crate) sql: Vec<String>,
    /// As [`Step::locks`].
    pub(crate) locks: Vec<String>,
}

/// One table that changes, with what is around it.
#[derive(Clone, Copy)]
pub(crate) struct TableChange<'a> {
    pub(crate) lineage: &'a Lineage,
    pub(crate) source: &'a Source,
    /// What was served.
    pub(crate) was: &'a Schema,
    /// What will be served.
    pub(crate) will_be: &'a Schema,
    pub(crate) catalog: &'a Catalog,
}

/// A step together with what it changes.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) step: Step,
    pub(crate) change: Change,
}

/// What a step changes; names are today's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// Nothing by itself: the step is words, or brings its statements along.
    Words,
    RenameTable,
    KeepTable,
    AddColumn(String),
    DropColumn(String),
    KeepColumn(String),
    ServeColumn(String),
    RenameColumn(String),
    Kind(String),
    Nullable(String),
    Computation(String),
    Default(String),
    PrimaryKey,
    AddCheck(String),
    DropCheck(String),
    AddExclusion(String),
    DropExclusion(String),
    AddForeignKey(ForeignKey),
    DropForeignKey(ForeignKey),
    AddUniqueKey(String),
    DropUniqueKey(String),
    AddIndex(String),
    DropIndex(String),
}

impl Step {
    /// A step that nothing stands against, without statements.
    pub(crate) fn new(class: Class, summary: String, origin: &str) -> Self {
        Self {
            summary,
            sql: Vec::new(),
            origin: origin.to_owned(),
            class,
            rows: None,
            locks: Vec::new(),
            needs: None,
        }
    }

    /// Puts statements to the step.
    pub(crate) fn takes(&mut self, work: Work) {
        self.sql.extend(work.sql);
        for lock in work.locks {
            if !self.locks.contains(&lock) {
                self.locks.push(lock);
            }
        }
    }
}

/// Something declared that is not served.
#[derive(Debug, Clone)]
pub(crate) struct NotServed {
    /// In words: `view active_books`.
    pub(crate) what: String,
    pub(crate) why: String,
    pub(crate) origin: String,
    /// True where nothing can go on without it.
    pub(crate) is_fatal: bool,
}

/// True where the table referred to refers back, over however many tables: such a key waits for the
/// commit, or neither row could ever be first.
pub(crate) fn is_cyclic(schema: &Schema, table: &str, key: &ForeignKey) -> bool {
    let mut reached = BTreeSet::from([key.table.as_str()]);
    let mut open = vec![key.table.as_str()];
    while let Some(name) = open.pop() {
        let keys = schema.table(name).map_or(&[][..], |table| &table.foreign_keys);
        for next in keys {
            if reached.insert(&next.table) {
                open.push(&next.table);
            }
        }
    }
    key.table != table && reached.contains(table)
}

/// Begins the names of checks that keep a column to its kind.
const KIND_CHECK: &str = "kind of ";

/// The name of the check that keeps a column to its kind.
pub(crate) fn kind_check_name(table: &str, column: &str) -> String {
    format!("{KIND_CHECK}{table}.{column}")
}

/// Table and column of a check's name that was made here.
pub(crate) fn kind_check_column(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix(KIND_CHECK)?.split_once('.')
}
