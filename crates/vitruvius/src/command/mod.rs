//! The verbs, one file each.

mod check;
mod copy;
#[cfg(any(debug_assertions, feature = "sabotage"))]
mod damage;
mod docs;
mod explain;
mod import;
mod new;
mod plan;
mod read;
#[cfg(any(debug_assertions, feature = "sabotage"))]
mod sabotage;
mod serve;
mod verify;

use clap::Subcommand;

use crate::{Failure, Outcome};

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Write a short document that serves as it is.
    New(new::New),
    /// Write a document that serves a database which is there already, without changing it.
    Import(import::Import),
    /// Say where a document is unfilled, malformed or contradicts itself.
    Check(check::Check),
    /// Show each line of a document with the meaning it was given.
    Read(read::Read),
    /// Show what a document would change in the data.
    Plan(plan::Plan),
    /// Make a document true: serve its API and its page.
    Serve(serve::Serve),
    /// Copy all rows of a document into another store, from SQLite to PostgreSQL or back.
    Copy(copy::Copy),
    /// Prove a document's claims from outside, on a system that is started or one that runs.
    Verify(verify::Verify),
    /// Explain a diagnostic by its code, or list all codes.
    Explain(explain::Explain),
    /// Print what is generated from the code: the language, or a schema.
    #[command(hide = true)]
    Docs(docs::Docs),
}

impl Command {
    pub(crate) fn run(self) -> Result<Outcome, Failure> {
        match self {
            Command::New(new) => new.run(),
            Command::Import(import) => import.run(),
            Command::Check(check) => check.run(),
            Command::Read(read) => read.run(),
            Command::Plan(plan) => plan.run(),
            Command::Serve(serve) => serve.run(),
            Command::Copy(copy) => copy.run(),
            Command::Verify(verify) => verify.run(),
            Command::Explain(explain) => explain.run(),
            Command::Docs(docs) => docs.run(),
        }
    }
}

/// The URL of a PostgreSQL database, if one is given; its text is in no message, for it may hold a
/// password.
fn database(given: Option<&str>) -> Result<Option<String>, crate::Failure> {
    match given {
        Some(url) if !engine::database::is_postgres(url) => {
            let form = "--database takes postgres://user:password@host:5432/name";
            Err(crate::Failure::new(form.to_owned()))
        }
        given => Ok(given.map(str::to_owned)),
    }
}
