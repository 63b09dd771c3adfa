//! Reads the messaging chapter's statements into claims.

use super::{events, jobs, states};
use crate::{compile::Reading, system::System};

/// Adds what the document says to the system, and classes each statement it understands.
pub(crate) fn read(reading: &mut Reading<'_>, system: &mut System) {
    states::read(reading, system);
    events::read(reading, system);
    jobs::read(reading, system);
}
