//! Reads the observability chapter's statements into claims.

use crate::{compile::Reading, system::System};

/// Adds what the document says to the system, and classes each statement it understands.
pub(crate) fn read(_reading: &mut Reading<'_>, _system: &mut System) {}
