//! `new`: a short document that serves as it is.

use std::{fs::OpenOptions, io::Write, path::PathBuf};

use crate::{Failure, Outcome, output::print};

/// What a new document says.
pub(super) const DOCUMENT: &str = include_str!("new.md");

/// Arguments of `new`.
#[derive(clap::Args)]
pub(crate) struct New {
    /// Where to write it; an existing file is never overwritten. `-` prints it.
    #[arg(value_name = "FILE", default_value = "ARCHITECTURE.md")]
    file: PathBuf,
}

impl New {
    pub(crate) fn run(self) -> Result<Outcome, Failure> {
        if self.file.as_os_str() == "-" {
            print(DOCUMENT)?;
            return Ok(Outcome::Done);
        }
        let shown = self.file.display();
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&self.file)
            .and_then(|mut file| file.write_all(DOCUMENT.as_bytes()))
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::AlreadyExists => {
                    Failure::new(format!("{shown} is there already and was not touched"))
                }
                _ => Failure::new(format!("cannot write {shown}: {error}")),
            })?;
        print(&format!("wrote {shown}; now run: vitruvius serve {shown}\n"))?;
        Ok(Outcome::Done)
    }
}
