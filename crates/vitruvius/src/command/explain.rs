//! `explain`: the page of a diagnostic.

use document::diagnostic::{codes, similar};

use crate::{Failure, Outcome, output::print};

/// Arguments of `explain`.
#[derive(clap::Args)]
pub(crate) struct Explain {
    /// A code such as `D012`, or its name; without one, all codes are listed.
    code: Option<String>,
}

impl Explain {
    pub(crate) fn run(self) -> Result<Outcome, Failure> {
        let codes = codes();
        let Some(wanted) = self.code else {
            let lines = codes.iter().map(|info| {
                let level = document::render::level_word(info.level);
                format!("{}  {level:<7}  {:<34}  {}\n", info.code, info.name, info.summary)
            });
            print(&lines.collect::<String>())?;
            return Ok(Outcome::Done);
        };
        let found = codes.iter().find(|info| {
            info.code.eq_ignore_ascii_case(&wanted) || info.name.eq_ignore_ascii_case(&wanted)
        });
        if let Some(info) = found {
            print(&format!("{}\n", info.page.trim_end()))?;
            return Ok(Outcome::Done);
        }
        let known = codes.iter().flat_map(|info| [info.code, info.name]);
        let near = similar(&wanted, known);
        let hint = match near.is_empty() {
            true => "`vitruvius explain` lists all codes".to_owned(),
            false => format!("similar: {}", near.join(", ")),
        };
        Err(Failure::new(format!("there is no code `{wanted}`; {hint}")))
    }
}
