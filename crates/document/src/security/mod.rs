//! Security: what the document says about who may do what.

mod access;
mod beside;
mod callers;
mod closed;
pub mod codes;
mod contradictions;
mod endpoints;
mod exposure;
mod identity;
mod levels;
mod matrices;
mod model;
mod moves;
mod own_only;
mod owners;
mod phrases;
mod placing;
mod policies;
mod read;
mod role_definitions;
mod roles;
mod vocabulary;
mod yaml_roles;

pub(crate) use beside::People;
pub use callers::callers_of;
pub use exposure::{Allowed, Exposure, Rows, exposure};
pub use model::*;
pub(crate) use read::read;
pub(crate) use role_definitions::lines;
pub(crate) use vocabulary::{key as name_key, name_words};

#[cfg(test)]
pub(crate) mod tests;
