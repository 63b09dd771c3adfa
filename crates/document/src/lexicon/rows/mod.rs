//! The rows of the lexicon, chapter by chapter. A new setting is a new row here.

mod data;
mod operations;
mod resilience;
mod security;

pub(super) use data::DATA_AND_API;
pub(super) use operations::OPERATIONS;
pub(super) use resilience::RESILIENCE;
pub(super) use security::SECURITY;
