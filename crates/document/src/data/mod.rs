//! Data: what the document says about its tables.

pub(crate) mod cache;
mod claim;
pub mod codes;
mod column_table;
mod cross_check;
mod draft;
mod er_diagram;
mod forms;
mod index_sentence;
mod json_sketch;
mod model;
pub(crate) mod name;
mod native;
mod read;
mod relations;
mod resolve;
mod secret;
mod sketch;
pub(crate) mod sql;
#[cfg(test)]
mod tests;
mod typescript;
mod values;

pub use cache::{
    CachePart, CacheRule, CacheStrategy, CacheSubject, Caching, TTL_SECONDS_DEFAULT,
    TTL_SECONDS_MAX,
};
pub use model::*;
pub use native::{NATIVE_TYPES, Native, natives};
pub(crate) use read::read;
