//! Api: what the document says about its endpoints.

pub mod codes;
mod model;
mod read;

pub use model::*;
pub(crate) use read::read;
