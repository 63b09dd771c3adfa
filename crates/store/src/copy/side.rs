//! One end of a copy: what each store does for it.

use super::{
    CopyError,
    mark::Mark,
    part::{Page, Part, Row},
};
use crate::StoreError;

/// A connection of a copy's own, on a thread that may wait. The source is one snapshot from the
/// first read on.
pub(crate) trait Side: Send {
    /// Whether the table is there.
    fn has(&mut self, part: &Part) -> Result<bool, StoreError>;

    /// How many rows the table has.
    fn count(&mut self, part: &Part) -> Result<u64, StoreError>;

    /// At most so many rows after a place, in order; from the first on where the place is empty.
    fn page(
        &mut self,
        part: &Part,
        after: &[crate::Value],
        rows_max: usize,
    ) -> Result<Page, CopyError>;

    /// The last number that was handed out for a column.
    fn numbered(&mut self, part: &Part, column: &str) -> Result<Option<i64>, StoreError>;

    /// The mark that is there.
    fn mark(&mut self) -> Result<Option<Mark>, StoreError>;

    /// Puts the mark there, and takes all rows of these tables away, in one transaction.
    fn begin(&mut self, state: &str, emptied: &[&Part]) -> Result<(), StoreError>;

    /// Writes rows and how far the table is then, in one transaction.
    fn write(&mut self, part: &Part, rows: &[Row], state: &str) -> Result<(), CopyError>;

    /// The next number of a column comes after this one and after all that are there.
    fn number_on(&mut self, part: &Part, column: &str, last: i64) -> Result<(), StoreError>;

    /// A table whose rows refer to rows that are not there.
    fn orphaned(&mut self) -> Result<Option<String>, StoreError>;

    /// Takes the mark away; from then on the target is served. It is on disk afterwards.
    fn lift(&mut self) -> Result<(), StoreError>;
}
