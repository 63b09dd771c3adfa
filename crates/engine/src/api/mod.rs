//! Api: HTTP in, HTTP out.

/// Method and path to what is done.
#[derive(Default)]
pub struct Router {}
