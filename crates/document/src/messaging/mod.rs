//! Messaging: what the document says in this chapter.

pub mod codes;
mod model;
mod read;
mod states;

pub use model::*;
pub(crate) use read::read;
