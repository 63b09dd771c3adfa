//! Caching: which reads the document wants kept and served again, and for how long.

mod model;

pub use model::*;
