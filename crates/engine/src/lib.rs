//! What makes a document's claims true: a [`document::System`] becomes a [`Running`] version, a
//! [`Service`] serves it, and a request becomes an answer in the seven steps of [`request`]:
//! read → who → plan → may → announce → run → write.
//!
//! Everything that meets network, disk or time lives here; time and randomness only through
//! [`World`].

// An answer is a future of futures, over a hundred deep: the compiler lays them out in one go.
#![recursion_limit = "256"]

mod answer;
pub mod database;
pub mod pages;
pub mod problem;
pub mod request;
pub mod running;
pub mod sabotage;
pub mod server;
pub mod service;
pub mod settings;
pub mod shared;
pub mod world;

pub mod api;
pub mod data;
pub mod observability;
pub mod security;

pub use pages::{Pages, Visit};
pub use problem::Problem;
pub use running::Running;
pub use security::Principal;
pub use service::{RefusedSave, Service, StartError};
pub use settings::Settings;
pub use world::{SystemWorld, World};
