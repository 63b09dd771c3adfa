//! Security: what the document says about who may do what.

mod callers;
pub mod codes;
mod model;
mod read;

pub use callers::callers_of;
pub use model::*;
pub(crate) use read::read;
