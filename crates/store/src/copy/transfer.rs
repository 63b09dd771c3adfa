//! The way of the rows: one thread reads ahead while another writes, and both sides are read again
//! at the same time for the check.

use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use super::{
    Checksum, CopyError, Difference, Ends, Progress, Stage, Tell,
    mark::{self, Way},
    part::{Page, Part},
    side::Side,
};
use crate::{StoreError, Value};

/// Rows of the first page of a table, of which nobody knows yet how long they are.
const FIRST_ROWS: usize = 64;
/// Rows of a page, at most.
const ROWS_MAX: usize = 10_000;
/// How long a page should be, in bytes of its values.
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// Pages that may wait for the writer.
const WAITING_MAX: usize = 2;

/// How many rows to ask for, so that a page has about the length that it should have.
struct Pace {
    rows: usize,
}

impl Pace {
    fn new() -> Self {
        Self { rows: FIRST_ROWS }
    }

    fn learn(&mut self, page: &Page) {
        let bytes: usize = page.rows.iter().flatten().map(weight).sum();
        let each = (bytes / page.rows.len().max(1)).max(1);
        self.rows = (PAGE_BYTES / each).clamp(1, ROWS_MAX).min(self.rows.saturating_mul(16));
    }
}

/// About how much memory a value takes.
fn weight(value: &Value) -> usize {
    let inside = match value {
        Value::Decimal(text) | Value::Text(text) | Value::Json(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    inside + size_of::<Value>()
}

/// Copies what is not there yet; gives how many rows were there already.
pub(super) fn transfer(ends: &mut Ends, parts: &[Part], tell: &Tell) -> Result<u64, CopyError> {
    let mark = ends.target.mark()?.unwrap_or_default();
    let mut found = Vec::with_capacity(parts.len());
    let (mut all, mut done) = (0, 0);
    for part in parts {
        let rows = if ends.source.has(part)? { ends.source.count(part)? } else { 0 };
        let way = mark.way(&part.table);
        all += rows.max(way.rows);
        done += way.rows;
        found.push((part, way, rows > 0));
    }
    let before = done;
    for (part, way, has_rows) in found {
        if way.is_done {
            continue;
        }
        let (source, target) = (&mut *ends.source, &mut *ends.target);
        let mut written = |rows: u64| {
            done += rows;
            tell(&Progress { stage: Stage::Copying, table: &part.table, done, all });
        };
        if has_rows {
            table(source, target, part, &way, &mut written)?;
        } else {
            let state = mark::text(&Way { is_done: true, ..way })?;
            target.write(part, &[], &state)?;
        }
        for column in &part.serials {
            if let Some(last) = source.numbered(part, column)?.filter(|_| has_rows) {
                target.number_on(part, column, last)?;
            }
        }
    }
    Ok(before)
}

/// One table, from where it was left.
fn table(
    source: &mut dyn Side,
    target: &mut dyn Side,
    part: &Part,
    way: &Way,
    written: &mut dyn FnMut(u64),
) -> Result<(), CopyError> {
    thread::scope(|scope| {
        let (sender, pages) = sync_channel(WAITING_MAX);
        let after = way.after.clone();
        scope.spawn(move || read_ahead(source, part, after, &sender));
        write_behind(target, part, way.clone(), &pages, written)
    })
}

/// Reads until the end, an error, or until nobody wants more.
fn read_ahead(
    source: &mut dyn Side,
    part: &Part,
    mut after: Vec<Value>,
    pages: &SyncSender<Result<Page, CopyError>>,
) {
    let mut pace = Pace::new();
    loop {
        let page = source.page(part, &after, pace.rows);
        let is_last = page.as_ref().map_or(true, |page| page.rows.is_empty());
        if let Ok(page) = &page {
            after.clone_from(&page.last);
            pace.learn(page);
        }
        if pages.send(page).is_err() || is_last {
            return;
        }
    }
}

fn write_behind(
    target: &mut dyn Side,
    part: &Part,
    mut way: Way,
    pages: &Receiver<Result<Page, CopyError>>,
    written: &mut dyn FnMut(u64),
) -> Result<(), CopyError> {
    loop {
        let gone = || StoreError::Fault("reading the source ended in the middle".to_owned());
        let page = pages.recv().map_err(|_| gone())??;
        let rows = page.rows.len() as u64;
        way.rows += rows;
        way.is_done = rows == 0;
        if rows > 0 {
            way.after = page.last;
        }
        target.write(part, &page.rows, &mark::text(&way)?)?;
        written(rows);
        if way.is_done {
            return Ok(());
        }
    }
}

/// Reads both sides again; gives the checksums where they are the same.
pub(super) fn check(
    ends: &mut Ends,
    parts: &[Part],
    tell: &Tell,
) -> Result<Vec<(String, Checksum)>, CopyError> {
    let mut all = 0;
    for part in parts {
        all += ends.target.count(part)?;
    }
    let (source, target) = (&mut *ends.source, &mut *ends.target);
    let sums = thread::scope(|scope| {
        let of_source = scope.spawn(move || sums(source, parts, &mut |_, _| {}));
        let of_target = sums(target, parts, &mut |part, done| {
            tell(&Progress { stage: Stage::Checking, table: &part.table, done, all });
        });
        let panicked = |_| StoreError::Fault("reading the source panicked".to_owned());
        of_source.join().map_err(panicked)?.and_then(|source| Ok((source, of_target?)))
    });
    let (of_source, of_target): (Vec<Checksum>, Vec<Checksum>) = sums?;
    let mut same = Vec::with_capacity(parts.len());
    let mut differences = Vec::new();
    for ((part, source), target) in parts.iter().zip(of_source).zip(of_target) {
        let table = part.table.clone();
        match source == target {
            true => same.push((table, target)),
            false => differences.push(Difference { table, source, target }),
        }
    }
    if differences.is_empty() { Ok(same) } else { Err(CopyError::Differs(differences)) }
}

fn sums(
    side: &mut dyn Side,
    parts: &[Part],
    read: &mut dyn FnMut(&Part, u64),
) -> Result<Vec<Checksum>, CopyError> {
    let mut sums = Vec::with_capacity(parts.len());
    let mut bytes = Vec::new();
    let mut done = 0;
    for part in parts {
        let mut sum = Checksum::default();
        let (mut pace, mut after) = (Pace::new(), Vec::new());
        while side.has(part)? {
            let page = side.page(part, &after, pace.rows)?;
            if page.rows.is_empty() {
                break;
            }
            page.rows.iter().for_each(|row| sum.add(part, row, &mut bytes));
            pace.learn(&page);
            done += page.rows.len() as u64;
            after = page.last;
            read(part, done);
        }
        sums.push(sum);
    }
    Ok(sums)
}
