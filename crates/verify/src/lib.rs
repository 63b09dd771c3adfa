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
mod lists;
mod paths;
mod people;
mod report;
mod select;
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
pub use stage::{AdminAccess, CannotRun, Options, Stage, Start, StopsAt, Target};

use document::{Chapter, Compiled};

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
    for chapter in order(stage.options.first) {
        progress(chapter.word());
        let probing = probe(chapter, &stage);
        match stage.options.stops_at.is_some() {
            true => tokio::select! {
                () = probing => {}
                () = stage.book.is_over() => break,
            },
            false => probing.await,
        }
    }
    let requests = stage.client.requests();
    Ok(Report::of(compiled, stage.book.trials(), requests, started.elapsed()))
}

/// The chapters in the order in which they are tried. Security comes last: what it does to limits
/// and sessions would disturb the others.
fn order(first: Option<Chapter>) -> Vec<Chapter> {
    use Chapter as C;
    let mut order = vec![C::Api, C::Data, C::Messaging, C::Delivery, C::Observability, C::Security];
    // Stable: the others keep their order.
    order.sort_by_key(|chapter| Some(*chapter) != first);
    order
}

async fn probe(chapter: Chapter, stage: &Stage<'_>) {
    match chapter {
        Chapter::Api => api::probe(stage).await,
        Chapter::Data => data::probe(stage).await,
        Chapter::Messaging => messaging::probe(stage).await,
        Chapter::Observability => observability::probe(stage).await,
        Chapter::Delivery => delivery::probe(stage).await,
        Chapter::Security => Box::pin(security::probe(stage)).await,
        _ => {}
    }
}
