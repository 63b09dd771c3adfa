//! Api: HTTP in, HTTP out. Reads requests into calls, and writes answers as the document's own
//! samples show them.

mod answer;
pub(crate) mod batch;
mod built_in;
pub(crate) mod documentation;
mod explain;
pub(crate) mod idempotency;
pub(crate) mod openapi;
pub(crate) mod query;
mod read;
mod router;
mod run;
mod tag;
mod write;

pub(crate) use answer::Told;
pub use answer::{Answer, Content};
pub use router::{Found, Route, Router, Target};

pub(crate) use built_in::{built_in, unbound};
pub(crate) use explain::{explain, is_asked as is_plan_asked};
pub(crate) use query::query_fence;
pub(crate) use read::{body, call, options};
pub(crate) use run::run;
pub(crate) use write::{REQUEST_ID, problem_body, write};
