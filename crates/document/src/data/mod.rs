//! Data: what the document says about its tables.

pub mod codes;
mod model;
mod read;

pub use model::*;
pub(crate) use read::read;
