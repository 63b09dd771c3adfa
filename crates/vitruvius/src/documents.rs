//! Reads the files of a document; `-` is standard input.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use document::{Compiled, Source, Sources};

use crate::Failure;

/// Largest document, in bytes over all its files.
const DOCUMENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The files of one document, in the order given.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Files {
    /// Markdown files that make up one document; `-` reads standard input.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

impl Files {
    /// Reads and compiles the document. Any text compiles; only reading can fail.
    pub(crate) fn compile(&self) -> Result<Compiled, Failure> {
        Ok(compile(self.read()?))
    }

    /// Reads the files.
    pub(crate) fn read(&self) -> Result<Sources, Failure> {
        let mut sources = Sources::default();
        let mut left = DOCUMENT_BYTES_MAX;
        for path in &self.files {
            let (name, bytes) = if path.as_os_str() == "-" {
                ("<stdin>".to_owned(), read_at_most(std::io::stdin(), left, path)?)
            } else {
                let file = std::fs::File::open(path).map_err(|error| unreadable(path, &error))?;
                (path.display().to_string(), read_at_most(file, left, path)?)
            };
            left -= bytes.len() as u64;
            sources.files.push(Source::new(name, &bytes));
        }
        Ok(sources)
    }

    /// True where nothing is read from standard input: only files can be watched.
    pub(crate) fn can_be_watched(&self) -> bool {
        self.files.iter().all(|path| path.as_os_str() != "-")
    }

    /// The files as they are shown.
    pub(crate) fn names(&self) -> String {
        let names: Vec<_> = self.files.iter().map(|path| path.display().to_string()).collect();
        names.join(", ")
    }
}

/// Compiles with today's date, so that suppressions with an end expire.
pub(crate) fn compile(sources: Sources) -> Compiled {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().to_string();
    document::compile_with(sources, &document::CompileOptions { today: Some(today) })
}

fn read_at_most(reader: impl Read, limit: u64, path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    reader
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(path, &error))?;
    if limit < bytes.len() as u64 {
        let size = DOCUMENT_BYTES_MAX / 1024 / 1024;
        return Err(Failure::new(format!("a document has at most {size} MB in all its files")));
    }
    Ok(bytes)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot read {}: {error}", path.display()))
}
