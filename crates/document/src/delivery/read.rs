//! Reads the delivery chapter's statements into claims.

use super::{flags, variables};
use crate::{compile::Reading, system::System};

/// Adds what the document says to the system, and classes each statement it understands.
pub(crate) fn read(reading: &mut Reading<'_>, system: &mut System) {
    variables::read(reading, system);
    flags::read(reading, system);
}
