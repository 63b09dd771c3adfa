//! Data: the document's tables as resources of the engine, plans over them, and the one place
//! that writes a row.

mod body;
pub mod cache;
mod change;
mod cursor;
mod given;
mod list;
mod lower;
mod machine;
mod overlap;
mod plan;
mod predicate;
mod resource;
mod run;
mod schema;
mod shown;
mod truth;
mod work;

pub use machine::Machine;
pub use resource::{Check, Field, Reference, Referrer, Resource, Resources, Rule};
pub use schema::schema;

pub(crate) use body::{Members, members};
pub(crate) use given::{filled, value_of};
pub(crate) use list::{INCLUDES_MAX, SORT_KEYS_MAX};
pub(crate) use lower::{Lowering, Users, fitting};
pub(crate) use plan::{Call, Plan, plan};
pub(crate) use resource::{camel, output, resources};
pub(crate) use run::{Failure, Page, Transaction, changed, fault};
pub(crate) use schema::{constant, kind_of, own_column};
pub(crate) use shown::shown;
pub(crate) use truth::{and, is_null, or};
pub(crate) use work::{Refusal, Work, Writing, work};
