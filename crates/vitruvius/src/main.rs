//! The command: one verb per file in [`command`], each thin. Exit codes: 0 done, 1 the document is
//! at fault, 2 the command could not do its work, 3 something was not tested and had to be.

mod command;
mod documents;
mod environment;
mod exposure;
mod language;
mod output;
mod watch;

use std::process::ExitCode;

use clap::Parser;

/// Many small pieces of memory are taken and given back with each request: this allocator does it
/// in less time than the system's and gives back what is idle.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs an architecture document: the filled-in Markdown is the backend.
#[derive(Parser)]
#[command(name = "vitruvius", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: command::Command,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    output::log_to_standard_error();
    report_panics_as_faults();
    match std::panic::catch_unwind(|| arguments.command.run()) {
        Ok(Ok(outcome)) => outcome.into(),
        Ok(Err(failure)) => {
            eprintln!("vitruvius: {failure}");
            ExitCode::from(2)
        }
        Err(_) => ExitCode::from(2),
    }
}

/// What a verb found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// All is well.
    Done,
    /// The document is at fault, and it was said why.
    Findings,
    /// Nothing is at fault, but something that was asked for was not tried.
    Untested,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => ExitCode::SUCCESS,
            Outcome::Findings => ExitCode::from(1),
            Outcome::Untested => ExitCode::from(3),
        }
    }
}

/// Why the command could not do its work, in words for people.
#[derive(Debug)]
struct Failure(String);

impl Failure {
    fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A panic is our fault, not the author's: one line says so and where, without a backtrace.
fn report_panics_as_faults() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let words = panic.payload_as_str().unwrap_or("no words");
        // Lossy on purpose: where nobody listens any more there is nobody to tell.
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("vitruvius: a fault of ours at {place}: {words}\n"),
        );
    }));
}
