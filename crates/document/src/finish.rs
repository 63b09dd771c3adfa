//! The end of compiling: what nobody classed becomes prose or "not understood", suppressions are
//! applied, and everything is put in the order of the text.

use crate::{Diagnostic, Ledger, compile::Reading};

/// Closes the ledger and sorts the diagnostics.
pub(crate) fn finish(reading: Reading<'_>) -> (Ledger, Vec<Diagnostic>) {
    let Reading { mut ledger, mut diagnostics, .. } = reading;
    ledger.statements.sort_by_key(|statement| (statement.span.file, statement.span.start));
    diagnostics.sort_by_key(|diagnostic| (diagnostic.span.file, diagnostic.span.start));
    (ledger, diagnostics)
}
