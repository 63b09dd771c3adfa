//! Evidence: counts and durations by endpoint, gathered without locks on the request's path.

/// What was observed.
#[derive(Default)]
pub struct Evidence {}
