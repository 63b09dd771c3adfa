//! What an architecture document says: text → [`outline`] → [`statement`]s → claims →
//! [`System`] and [`Diagnostic`]s, through [`compile`].
//!
//! Knows nothing of disks, clocks, async runtimes, HTTP or stores. Never fails and never panics:
//! any bytes give a System and diagnostics.

pub mod chapter;
pub mod codes;
pub mod diagnostic;
mod escape;
pub mod expression;
mod heading;
pub mod inline;
pub mod json;
pub mod lexicon;
pub mod outline;
pub mod placeholder;
pub mod quantity;
pub mod render;
pub mod setting;
pub mod source;
pub mod statement;
pub mod suppress;
mod text;
pub mod unit;
pub mod yaml;

pub mod api;
pub mod data;
pub mod delivery;
pub mod integration;
pub mod messaging;
pub mod observability;
pub mod recovery;
pub mod resilience;
pub mod security;

mod compile;
mod finish;
pub mod system;

pub use chapter::Chapter;
pub use compile::{CompileOptions, Compiled, compile, compile_with};
pub use diagnostic::{Diagnostic, Level};
pub use source::{Place, Source, Sources, Span};
pub use statement::{Claim, ClaimKind, Class, Enforcement, Ledger, Statement};
pub use system::System;
