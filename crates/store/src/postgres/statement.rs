//! Statements in the order in which PostgreSQL takes them, each with what it locks for how long.

use crate::change::{Work, measure::counted};

/// When a statement runs. All stages but the first and the last are one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Each by itself, before the transaction; may be done twice.
    Before,
    ViewsAway,
    ConstraintsAway,
    TablesAway,
    Rename,
    Types,
    Create,
    Columns,
    ColumnsAway,
    Keys,
    ForeignKeys,
    Indexes,
    ViewsBack,
    /// Each by itself, after the transaction; what is not done is found at the next plan.
    After,
}

/// One statement.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) stage: Stage,
    pub(super) sql: String,
    /// True where it looks at rows, however many there are.
    pub(super) is_long: bool,
    /// What takes away the half that is left where it fails outside of a transaction.
    pub(super) undo: Option<String>,
}

/// How long a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    /// For as long as the catalog takes.
    Brief,
    /// While this many rows are read.
    Read(u64),
    /// While this many rows are written anew.
    Rewritten(u64),
}

/// What a statement locks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lock<'a> {
    pub(super) mode: Mode,
    pub(super) table: &'a str,
    pub(super) span: Span,
}

/// PostgreSQL's modes that statements here take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nobody reads or writes.
    AccessExclusive,
    /// Everybody reads, nobody writes.
    ShareRowExclusive,
    /// Everybody reads, nobody writes.
    Share,
    /// Everybody reads and writes.
    ShareUpdateExclusive,
}

impl Lock<'_> {
    fn words(self) -> String {
        let mode = match self.mode {
            Mode::AccessExclusive => "ACCESS EXCLUSIVE",
            Mode::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Mode::Share => "SHARE",
            Mode::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
        };
        let span = match self.span {
            Span::Brief | Span::Read(0) | Span::Rewritten(0) => "brief".to_owned(),
            Span::Read(rows) => format!("while {} rows are read", counted(rows)),
            Span::Rewritten(rows) => format!("while {} rows are rewritten", counted(rows)),
        };
        format!("{mode} on {}, {span}", self.table)
    }
}

/// The statements of a change, and what each step has of them.
#[derive(Debug, Default)]
pub(super) struct Statements(Vec<Statement>);

impl Statements {
    /// Adds a statement, once, and puts it to `work`.
    pub(super) fn add(&mut self, work: &mut Work, stage: Stage, sql: String, lock: Option<Lock>) {
        if self.0.iter().any(|own| own.stage == stage && own.sql == sql) {
            return;
        }
        let is_long = lock.is_some_and(|lock| lock.span != Span::Brief);
        work.locks.extend(lock.map(Lock::words));
        work.sql.push(sql.clone());
        self.0.push(Statement { stage, sql, is_long, undo: None });
    }

    /// Says what takes away the half of the last statement.
    pub(super) fn undone_by(&mut self, sql: String) {
        if let Some(last) = self.0.last_mut() {
            last.undo = Some(sql);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of some stages, in order.
    pub(super) fn of(&self, is_wanted: impl Fn(Stage) -> bool) -> Vec<Statement> {
        let mut some: Vec<_> = self.0.iter().filter(|own| is_wanted(own.stage)).cloned().collect();
        some.sort_by_key(|statement| statement.stage);
        some
    }
}
