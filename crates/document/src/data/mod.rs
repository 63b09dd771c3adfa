//! Data: what the document says about its tables.

mod claim;
pub mod codes;
mod draft;
mod model;
pub(crate) mod name;
mod read;
mod resolve;
mod secret;
pub(crate) mod sql;
#[cfg(test)]
mod tests;
mod values;

pub use model::*;
pub(crate) use read::read;
