//! Messaging: what the document says in this chapter.

pub mod codes;
mod events;
mod jobs;
mod model;
mod read;
pub(crate) mod schedule;
mod states;

pub use model::*;
pub(crate) use read::read;
