//! Caching: which reads the document wants kept and served again, and for how long.

mod model;
mod read;
mod settle;
mod subject;
#[cfg(test)]
mod tests;

pub use model::*;
pub(crate) use read::read;
pub(crate) use settle::settle;
