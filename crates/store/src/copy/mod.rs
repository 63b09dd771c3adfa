//! All rows from one store into another: read in the order of their keys from one snapshot, written
//! in batches that say how far they are, checked by counts, checksums and the constraints.
//!
//! The tables are made without what is about several rows; foreign keys, unique keys and indexes
//! come when all rows are there. Until the check is done a mark keeps the target from being served.

mod checksum;
pub(crate) mod mark;
pub(crate) mod part;
pub(crate) mod side;
mod transfer;

use std::{path::PathBuf, sync::Arc};

pub use checksum::Checksum;

use mark::{Marked, Whole};
use part::{Part, Row};
use side::Side;

use crate::{
    Options, Store, StoreError,
    plan::{Class, Plan},
    schema::Schema,
};

/// How long a server that is away is waited for, in milliseconds.
const CONNECT_MS_MAX: u64 = 5_000;

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// SQLite's data directory.
    Directory(PathBuf),
    /// The URL of a PostgreSQL database.
    Server(String),
}

/// What is copied, from where to where.
#[derive(Debug, Clone)]
pub struct Order {
    /// The source.
    pub from: Place,
    /// The target.
    pub to: Place,
    /// The tables; both sides are brought to it, the source beforehand.
    pub schema: Schema,
    /// Identifies the document.
    pub document_hash: String,
    /// Forgets a copy that is not done, and what it has written.
    pub is_again: bool,
}

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is done.
    pub stage: Stage,
    /// The table at hand; empty where it is all of them.
    pub table: &'a str,
    /// Rows that are done.
    pub done: u64,
    /// Rows that there are.
    pub all: u64,
}

/// What a copy does, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Rows are copied.
    Copying,
    /// Keys and indexes are added and proven.
    Proving,
    /// Both sides are read again for their checksums.
    Checking,
}

/// Whoever is told how far a copy is.
pub type Tell = Arc<dyn Fn(&Progress<'_>) + Send + Sync>;

/// What was copied.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Tables with the checksum that both sides have.
    pub tables: Vec<(String, Checksum)>,
    /// Rows that were there already when a copy went on.
    pub rows_before: u64,
    /// Tables and columns of the source that the document no longer has: not copied.
    pub left: Vec<String>,
    /// How many keys, checks and indexes hold on the target.
    pub constraints: usize,
}

/// Why a copy is not done.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The source and the target are one.
    #[error("the source and the target are the same")]
    SamePlace,
    /// There is nothing to copy from.
    #[error("{0} holds no data")]
    NoSource(String),
    /// The source was not brought to the document yet.
    #[error("the source is not what the document says yet: serve it once, or see `plan`")]
    Behind(Plan),
    /// The target does not take the document's tables or constraints.
    #[error("the target does not fit the document")]
    DoesNotFit(Plan),
    /// The target is not empty.
    #[error("the target has rows already: {0}; a copy only goes into an empty one")]
    Occupied(String),
    /// The target holds half of something else.
    #[error("the target holds a part of another copy, from {0}; `--again` forgets it")]
    Other(String),
    /// A row that the target does not take.
    #[error("`{table}` does not take the row with {key}: {why}")]
    Refused {
        /// The table.
        table: String,
        /// The row's key.
        key: String,
        /// What the target says.
        why: String,
    },
    /// A value of the source that is none of its kind.
    #[error("`{table}.{column}` holds {value}, which is no {kind} that every store has")]
    Unreadable {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The column's kind.
        kind: String,
        /// As it is shown.
        value: String,
    },
    /// Both sides were read again, and are not the same.
    #[error("{}", difference_text(.0))]
    Differs(Vec<Difference>),
    /// Rows refer to rows that are not there.
    #[error("rows of `{0}` refer to rows that are not there, in the source too")]
    Orphaned(String),
}

/// A table whose checksums differ.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The table.
    pub table: String,
    /// Of the source.
    pub source: Checksum,
    /// Of the target.
    pub target: Checksum,
}

impl CopyError {
    pub(crate) fn refused(part: &Part, row: &Row, why: &str) -> Self {
        Self::Refused { table: part.table.clone(), key: part.key_of(row), why: why.to_owned() }
    }
}

fn difference_text(differences: &[Difference]) -> String {
    let one = |it: &Difference| match it.source.rows == it.target.rows {
        true => format!("`{}` has other values in {} rows", it.table, it.source.rows),
        false => {
            format!("`{}` has {} rows and {} were copied", it.table, it.source.rows, it.target.rows)
        }
    };
    let list: Vec<String> = differences.iter().map(one).collect();
    format!(
        "the copy is not what the source is now: {}; the source has changed since the copy began: \
         `--again` begins anew",
        list.join(", ")
    )
}

impl Place {
    /// For people, without a password.
    fn words(&self, store: &Store) -> String {
        match self {
            Place::Directory(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
            Place::Server(_) => PathBuf::from(store.place().unwrap_or_default()),
        }
        .display()
        .to_string()
    }

    async fn open(&self, marked: Marked) -> Result<Store, StoreError> {
        let options = Options { connect_ms_max: CONNECT_MS_MAX, ..Options::default() };
        match self {
            Place::Directory(path) => Store::open_marked(path, options, marked),
            Place::Server(url) => Store::open_postgres_marked(url, options, marked).await,
        }
    }

    /// How many other processes of ours use the server at the moment; a directory has a lock.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the server cannot be reached.
    pub async fn others(&self) -> Result<u64, StoreError> {
        match self {
            Place::Directory(_) => Ok(0),
            Place::Server(url) => crate::postgres::copy::others(url).await,
        }
    }

    fn is_there(&self) -> bool {
        match self {
            Place::Directory(path) => crate::sqlite::is_there(path),
            Place::Server(_) => true,
        }
    }
}

/// Copies all rows. A copy that was cut short goes on where it was.
///
/// # Errors
/// [`CopyError`]; the target is not served then.
pub async fn copy(order: Order, tell: Tell) -> Result<Report, CopyError> {
    if order.from == order.to || is_same_directory(&order.from, &order.to) {
        return Err(CopyError::SamePlace);
    }
    if let (Place::Directory(path), false) = (&order.from, order.from.is_there()) {
        return Err(CopyError::NoSource(path.display().to_string()));
    }
    let source = order.from.open(Marked::Refused).await?;
    let plan = source.plan(&order.schema).await?;
    if plan.steps.iter().any(stands_behind) {
        return Err(CopyError::Behind(plan));
    }
    let target = order.to.open(Marked::Expected).await?;
    let whole = Whole { from: order.from.words(&source), document: order.document_hash.clone() };
    let parts = part::parts(&order.schema);
    let mut ends = Ends { source: source.source().await?, target: target.target().await? };
    let is_again = order.is_again;
    let (begun, parts, mut ends) = blocking(move || {
        let begun = begin(&mut *ends.target, &parts, &whole, is_again);
        begun.map(|begun| (begun, parts, ends))
    })
    .await?;
    if !begun {
        prepare(&target, &order).await?;
    }
    let told = tell.clone();
    let (rows_before, parts, mut ends) = blocking(move || {
        let rows = transfer::transfer(&mut ends, &parts, &told)?;
        Ok((rows, parts, ends))
    })
    .await?;
    tell(&Progress { stage: Stage::Proving, table: "", done: 0, all: 0 });
    prove(&target, &order).await?;
    let report = blocking(move || {
        if let Some(table) = ends.target.orphaned()? {
            return Err(CopyError::Orphaned(table));
        }
        let tables = transfer::check(&mut ends, &parts, &tell)?;
        ends.target.lift()?;
        Ok(Report { tables, rows_before, ..Report::default() })
    })
    .await?;
    let left = source.left_behind().await?;
    Ok(Report { left, constraints: constraints(&order.schema), ..report })
}

/// Both ends of a copy.
pub(crate) struct Ends {
    pub(crate) source: Box<dyn Side>,
    pub(crate) target: Box<dyn Side>,
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CopyError> + Send + 'static,
) -> Result<T, CopyError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| CopyError::Store(StoreError::Fault(error.to_string())))?
}

fn is_same_directory(from: &Place, to: &Place) -> bool {
    let real = |place: &Place| match place {
        Place::Directory(path) => std::fs::canonicalize(path).ok(),
        Place::Server(_) => None,
    };
    real(from).is_some_and(|from| real(to) == Some(from))
}

/// True for a step without which the source cannot be read as the document says.
fn stands_behind(step: &crate::plan::Step) -> bool {
    match step.class {
        Class::NotServed => false,
        Class::Safe => ["- ", "~ ", "+ column"].iter().any(|start| step.summary.starts_with(start)),
        Class::Data | Class::Permitted | Class::Blocked => true,
    }
}

/// Puts the mark there, or finds it; gives whether all rows are there already.
fn begin(
    target: &mut dyn Side,
    parts: &[Part],
    whole: &Whole,
    is_again: bool,
) -> Result<bool, CopyError> {
    let mark = target.mark()?;
    if let Some(mark) = mark.as_ref().filter(|_| !is_again) {
        return match mark.whole() {
            Some(own) if own == *whole => {
                Ok(parts.iter().all(|part| mark.way(&part.table).is_done))
            }
            other => {
                let from = other.map(|own| own.from).filter(|from| *from != whole.from);
                let words = from.unwrap_or_else(|| "another version of the document".to_owned());
                Err(CopyError::Other(words))
            }
        };
    }
    let mut there = Vec::new();
    for part in parts {
        if !target.has(part)? {
            continue;
        }
        let rows = target.count(part)?;
        // What the engine keeps of a service that never had a row is replaced.
        if rows > 0 && mark.is_none() && !part.is_own() {
            let words = crate::change::measure::amount(rows, "row");
            return Err(CopyError::Occupied(format!("{words} in `{}`", part.table)));
        }
        there.push(part);
    }
    target.begin(&mark::text(whole)?, &there)?;
    Ok(false)
}

/// Brings the target to the tables without what is about several rows.
async fn prepare(target: &Store, order: &Order) -> Result<(), CopyError> {
    let bare = part::bare(&order.schema, matches!(order.to, Place::Directory(_)));
    let plan = target.plan(&bare).await?;
    if plan.is_blocked() {
        return Err(CopyError::DoesNotFit(plan));
    }
    Ok(target.apply(&plan, &bare, &order.document_hash).await?)
}

/// Adds the rest, and sees to it that nothing is left to do.
async fn prove(target: &Store, order: &Order) -> Result<(), CopyError> {
    let plan = target.plan(&order.schema).await?;
    if plan.is_blocked() {
        return Err(CopyError::DoesNotFit(plan));
    }
    target.apply(&plan, &order.schema, &order.document_hash).await?;
    let left = target.plan(&order.schema).await?;
    match left.steps.iter().any(|step| step.class != Class::NotServed) {
        true => Err(CopyError::DoesNotFit(left)),
        false => Ok(()),
    }
}

fn constraints(schema: &Schema) -> usize {
    let of_table = |table: &crate::schema::Table| {
        usize::from(!table.primary_key.is_empty())
            + table.unique_keys.len()
            + table.checks.len()
            + table.exclusions.len()
            + table.foreign_keys.len()
    };
    schema.tables.iter().map(of_table).sum()
}

/// Keeps a store from being opened whose copy is not done.
pub(crate) fn refuse_marked(mark: Option<mark::Mark>, marked: Marked) -> Result<(), StoreError> {
    match (mark, marked) {
        (Some(mark), Marked::Refused) => Err(mark.refusal()),
        _ => Ok(()),
    }
}
