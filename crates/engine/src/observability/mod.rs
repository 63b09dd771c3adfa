//! Observability: what the running system observed about each claim.

mod evidence;

pub use evidence::Evidence;
