//! Delivery: what the document says in this chapter.

pub mod codes;
mod flags;
mod model;
mod read;
mod variables;

pub use model::*;
pub(crate) use read::read;
