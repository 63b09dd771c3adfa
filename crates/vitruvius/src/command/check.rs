//! `check`: where a document is unfilled, malformed or contradicts itself.

use std::collections::HashSet;

use document::{
    ClaimKind, Class, Compiled, Enforcement, Level,
    api::Binding,
    render::{self, counts},
};

use crate::{
    Failure, Outcome,
    documents::Files,
    exposure,
    output::{counted, print, wants_colour},
};

/// Claims that are listed as not enforced yet; the rest is counted.
const NOT_YET_MAX: usize = 8;

/// Arguments of `check`.
#[derive(clap::Args)]
pub(crate) struct Check {
    #[command(flatten)]
    files: Files,
    /// How findings are shown.
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
    /// Let warnings fail the check too.
    #[arg(long)]
    strict: bool,
    /// Show who can do what with each table.
    #[arg(long)]
    exposure: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people, with the lines in question.
    Terminal,
    /// One line each: `path:line:column: level[CODE] message`.
    Concise,
    /// JSON.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Annotations of a GitHub workflow.
    Github,
}

impl Check {
    pub(crate) fn run(self) -> Result<Outcome, Failure> {
        let compiled = self.files.compile()?;
        let found = &compiled.diagnostics;
        let text = match self.format {
            Format::Terminal => render::terminal(&compiled, found, wants_colour()),
            Format::Concise => render::concise(&compiled, found),
            Format::Json => render::json(&compiled, found),
            Format::Sarif => render::sarif(&compiled, found),
            Format::Github => render::github(&compiled, found),
        };
        print(&text)?;
        let summary = summary(&compiled);
        match self.format {
            Format::Terminal => {
                print(&not_enforced_yet(&compiled))?;
                if self.exposure {
                    print(&exposure::text(&compiled.system))?;
                }
                print(&format!("{}: {summary}\n", self.files.names()))?;
            }
            // Formats that machines read stay clean; people still get their line.
            Format::Concise | Format::Github => eprintln!("{}: {summary}", self.files.names()),
            Format::Json | Format::Sarif => {}
        }
        let fails = found.iter().any(|diagnostic| match diagnostic.level {
            Level::Error => true,
            Level::Warning => self.strict,
            Level::Info => false,
        });
        Ok(if fails { Outcome::Findings } else { Outcome::Done })
    }
}

/// The counts in one line: `4 tables, 12 endpoints (11 bound) · … · 1 error, 2 warnings`.
pub(super) fn summary(compiled: &Compiled) -> String {
    let system = &compiled.system;
    let endpoints = &system.api.endpoints;
    let unbound = endpoints
        .iter()
        .filter(|endpoint| matches!(endpoint.binding, Binding::Unbound { .. }))
        .count();
    let of = |class: Class| {
        compiled.ledger.statements.iter().filter(|statement| statement.class == class).count()
    };
    let (errors, warnings, infos) = counts(&compiled.diagnostics);
    format!(
        "{}, {} ({} bound) · statements: {} bound, {} prose, {} unfilled, {} not understood · \
         {}, {}, {}",
        counted(system.data.tables.len(), "table"),
        counted(endpoints.len(), "endpoint"),
        endpoints.len() - unbound,
        of(Class::Bound),
        of(Class::Prose),
        of(Class::Placeholder),
        of(Class::NotUnderstood),
        counted(errors, "error"),
        counted(warnings, "warning"),
        counted(infos, "info"),
    )
}

/// What was understood but nothing makes true yet, each once: said, because silence would be a
/// promise. Endpoints that bind to nothing have their own diagnostics.
pub(super) fn not_enforced_yet(compiled: &Compiled) -> String {
    let mut told = HashSet::new();
    let claims: Vec<_> = compiled
        .ledger
        .statements
        .iter()
        .filter(|statement| statement.enforcement == Some(Enforcement::NotYet))
        .filter(|one| !matches!(one.kind, Some(ClaimKind::Endpoint | ClaimKind::Example)))
        .filter(|statement| told.insert(&statement.meaning))
        .collect();
    if claims.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    for claim in claims.iter().take(NOT_YET_MAX) {
        let place = compiled.sources.location(claim.span);
        text.push_str(&format!("  {place}: {}\n", claim.meaning));
    }
    if NOT_YET_MAX < claims.len() {
        let more = claims.len() - NOT_YET_MAX;
        text.push_str(&format!("  and {more} more; `vitruvius read` shows them all\n"));
    }
    format!("info: {} understood but not enforced yet:\n{text}\n", counted(claims.len(), "claim"))
}
