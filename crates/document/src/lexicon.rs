//! The lexicon: the one dictionary of settings. A new setting is a new row here.

use crate::{compile::Reading, system::System};

/// Reads settings from every statement that no chapter has taken.
pub(crate) fn read(_reading: &mut Reading<'_>, _system: &mut System) {}
