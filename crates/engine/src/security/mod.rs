//! Security: who asks, and what they may do.

mod principal;

pub use principal::{Principal, User};

/// Keys, verified tokens, limits: what outlives one version of the document.
#[derive(Default)]
pub struct State {}
