//! `docs`: what is generated from the code and kept in `docs/`.

use crate::{Failure, Outcome, output::print};

/// Arguments of `docs`.
#[derive(clap::Args)]
pub(crate) struct Docs {
    /// What to print.
    #[arg(value_enum)]
    what: What,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum What {
    /// `docs/system.schema.json`: the JSON Schema of `read --format json`.
    Schema,
    /// `docs/language.md`: what binds.
    Language,
}

impl Docs {
    pub(crate) fn run(self) -> Result<Outcome, Failure> {
        match self.what {
            What::Schema => print(&schema())?,
            What::Language => print(&crate::language::page())?,
        }
        Ok(Outcome::Done)
    }
}

/// The JSON Schema of what `read --format json` prints.
fn schema() -> String {
    let schema = schemars::schema_for!(super::read::Meaning<'_>);
    let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    format!("{text}\n")
}
