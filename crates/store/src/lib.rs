//! Where rows live: a wished-for [`schema`] becomes tables, [`query`] values become SQL, rows
//! become JSON bytes without a tree of values between.
//!
//! Knows nothing of documents, HTTP or who asks: a rule about access arrives as one more condition.

mod catalog;
mod change;
pub mod copy;
mod decimal;
pub mod description;
pub mod error;
pub mod explain;
pub mod expression;
mod json;
pub mod kind;
mod moment;
pub mod notice;
mod parse;
pub mod plan;
mod postgres;
pub mod query;
mod range;
mod rank;
pub mod schema;
mod sql;
mod sqlite;
mod starts;
mod store;
pub mod value;

pub use error::StoreError;
pub use expression::{Expression, Operator};
pub use json::write_string as write_json_string;
pub use kind::Kind;
pub use moment::write_timestamp_bytes;
pub use range::BACKWARDS as RANGE_BACKWARDS;
pub use store::{Durability, Options, PAGE_CACHE_BYTES_DEFAULT, Store};
pub use value::Value;
