//! Trials of the api chapter: every endpoint does what it is bound to, every written example comes
//! back in its shape, and lists, envelopes, errors and OpenAPI agree with what the document shows.

mod built_in;
mod endpoint;
mod example;
mod list;
mod openapi;
mod protocol;
mod query;
mod refusal;
mod scene;
mod setting;
mod wrapping;

use futures_util::future::join_all;

use crate::Stage;

/// Tries every endpoint, all at the same time, and what they share.
pub(crate) async fn probe(stage: &Stage<'_>) {
    let endpoints = &stage.system().api.endpoints;
    join_all(endpoints.iter().map(|one| endpoint::probe(stage, one))).await;
    join_all(endpoints.iter().map(|one| example::probe(stage, one))).await;
    query::probe(stage).await;
    wrapping::probe(stage).await;
    protocol::probe(stage).await;
    setting::probe(stage).await;
    openapi::probe(stage).await;
}
