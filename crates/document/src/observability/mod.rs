//! Observability: what the document says in this chapter.

mod alerts;
pub mod codes;
mod measure;
mod model;
mod read;
mod targets;

pub use model::*;
pub(crate) use read::read;
