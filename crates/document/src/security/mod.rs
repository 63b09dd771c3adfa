//! Security: what the document says about who may do what.

pub mod codes;
mod model;
mod read;

pub use model::*;
pub(crate) use read::read;
