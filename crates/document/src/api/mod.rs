//! Api: what the document says about its endpoints.

pub mod codes;
mod line;
mod model;
mod names;
mod path;
mod read;

pub use model::*;
pub(crate) use read::read;
