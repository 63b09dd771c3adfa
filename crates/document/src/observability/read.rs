//! Reads the observability chapter's statements into claims.

use super::{alerts, targets};
use crate::{compile::Reading, system::System};

/// Adds what the document says to the system, and classes each statement it understands.
pub(crate) fn read(reading: &mut Reading<'_>, system: &mut System) {
    alerts::read(reading, system);
    targets::read(reading, system);
}
