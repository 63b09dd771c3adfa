//! How the command speaks: colours only on a terminal that wants them, log lines on standard error,
//! and silence where nobody reads any more.

use std::io::{self, IsTerminal, Write};

use crate::Failure;

/// True where standard output is a terminal and nobody asked for no colours.
pub(crate) fn wants_colour() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !refused && !is_dumb && io::stdout().is_terminal()
}

/// Writes to standard output. A reader that went away (`| head`) is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot write: {error}")))
        }
        _ => Ok(()),
    }
}

/// Log lines go to standard error; `VITRUVIUS_LOG` says which (`info`, `engine=debug`).
pub(crate) fn log_to_standard_error() {
    let wished = std::env::var("VITRUVIUS_LOG").unwrap_or_else(|_| "info".to_owned());
    let filter = tracing_subscriber::EnvFilter::try_new(&wished)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let colour = wants_colour() && io::stderr().is_terminal();
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(colour)
        .with_target(false)
        .try_init();
}

/// A line on standard error that says what is being done and is written over; only where somebody
/// watches.
pub(crate) struct StatusLine {
    is_shown: bool,
}

impl StatusLine {
    pub(crate) fn new() -> Self {
        Self { is_shown: io::stderr().is_terminal() }
    }

    /// One that nobody sees.
    pub(crate) fn hidden() -> Self {
        Self { is_shown: false }
    }

    pub(crate) fn is_shown(&self) -> bool {
        self.is_shown
    }

    /// Writes over what the line said.
    pub(crate) fn show(&self, words: &str) {
        if self.is_shown {
            // Nobody is there to be told that this failed.
            let _ = write!(io::stderr(), "\r\u{1b}[K{words}");
        }
    }

    /// Takes the line away.
    pub(crate) fn clear(&self) {
        self.show("");
    }
}

/// `1 table`, `2 tables`.
pub(crate) fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    match count.try_into().unwrap_or(u64::MAX) {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}
