//! How a document's claims are proven from outside: a client that speaks HTTP, reads the document,
//! and knows nothing of what serves it.
//!
//! [`verify`] walks the rooms, one per chapter. A room tries claims on the running system and
//! writes each trial into the [`Book`]; [`Report`] adds the trials of a claim up to its verdict.

mod about;
mod book;
mod client;
mod evaluate;
mod fixture;
mod paths;
mod people;
mod report;
mod shape;
mod stage;

mod api;
mod data;
mod delivery;
mod messaging;
mod observability;
mod security;

pub use about::About;
pub use book::{Book, Outcome, Trial};
pub use client::{Answer, Client, Request};
pub use fixture::{Fixture, Row, Unmade};
pub use paths::Paths;
pub use people::{People, Person};
pub use report::{Finding, Format, Proof, Report, Tally, Verdict};
pub use stage::{AdminAccess, CannotRun, Options, Stage, Start, Target};

use document::Compiled;

/// Tries every claim of a document on a running system. `progress` is told what is being tried.
///
/// # Errors
/// Where nothing can be tried: nobody answers, or no admin can be had.
pub async fn verify(
    compiled: &Compiled,
    target: Target,
    options: Options,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Report, CannotRun> {
    let started = std::time::Instant::now();
    progress("meeting the system");
    let stage = Stage::set(compiled, target, options).await?;
    progress("api");
    api::probe(&stage).await;
    progress("data");
    data::probe(&stage).await;
    progress("states");
    messaging::probe(&stage).await;
    delivery::probe(&stage).await;
    progress("targets");
    observability::probe(&stage).await;
    // Last: what it does to limits and sessions would disturb the others.
    progress("security");
    security::probe(&stage).await;
    let requests = stage.client.requests();
    Ok(Report::of(compiled, stage.book.trials(), requests, started.elapsed()))
}
