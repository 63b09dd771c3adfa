//! Process tests: what the built command does, seen from outside.

mod browser;
mod command;
mod copy;
mod examples;
mod generated;
mod harness;
mod hostile;
mod import;
mod page;
#[path = "../../../store/tests/support/postgres.rs"]
mod postgres;
mod postgresql;
mod reload;
mod sabotage;
mod schemathesis;
mod serve;
mod tidy;
mod verify;
