//! Delivery: what the document says in this chapter.

pub mod codes;
mod model;
mod read;

pub use model::*;
pub(crate) use read::read;
