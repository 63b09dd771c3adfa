//! The engine as a client meets it: a document in Markdown becomes a service, and requests go
//! through every door in one process.

mod actions;
mod cache;
mod cache_alike;
mod cache_together;
mod desk;
mod doors;
mod exclusions;
mod explain;
mod exposure;
mod lists;
mod oracle;
mod people;
#[path = "../../../store/tests/support/postgres.rs"]
mod postgres;
mod queries;
#[path = "../support/redis.rs"]
mod redis;
mod shapes;
mod two_stores;
mod writes;
