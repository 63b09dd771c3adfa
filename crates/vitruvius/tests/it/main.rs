//! Process tests: what the built command does, seen from outside.

mod command;
mod examples;
mod generated;
mod harness;
mod hostile;
mod reload;
mod serve;
mod tidy;
