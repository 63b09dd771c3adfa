//! Api: what the document says about its endpoints.

mod action;
mod base;
mod bind;
mod built_in;
pub mod codes;
mod collect;
mod contracts;
mod describe;
mod draft;
mod envelope;
mod examples;
mod fences;
mod forms;
mod graphql;
mod labels;
mod line;
mod merge;
mod model;
mod names;
mod openapi;
mod path;
mod read;
mod report;
mod rows;
mod samples;
mod scope;
mod tables;
#[cfg(test)]
mod tests;
mod views;

pub use model::*;
pub(crate) use read::read;
