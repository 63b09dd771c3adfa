//! Api: HTTP in, HTTP out.

pub(crate) mod documentation;
pub(crate) mod openapi;

/// Method and path to what is done.
#[derive(Default)]
pub struct Router {}
