//! Process tests: what the built command does, seen from outside.

mod command;
mod harness;
mod hostile;
mod reload;
mod serve;
