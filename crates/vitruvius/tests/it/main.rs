//! Process tests: what the built command does, seen from outside.

mod browser;
mod command;
mod copy;
mod examples;
mod failures;
mod generated;
mod harness;
mod hostile;
mod import;
mod page;
#[path = "../../../store/tests/support/postgres.rs"]
mod postgres;
mod postgresql;
#[path = "../../../engine/tests/support/redis.rs"]
mod redis;
mod reload;
mod sabotage;
mod schemathesis;
mod serve;
mod tidy;
mod together;
mod verify;
