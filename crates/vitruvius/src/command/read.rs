//! `read`: every statement of a document with its class and meaning; as JSON the whole System.

use document::{
    Class, Compiled, Enforcement, Place, Statement, System,
    render::{JsonReport, report},
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Failure, Outcome, documents::Files, output::print};

/// Longest excerpt of a statement without a meaning, in characters.
const EXCERPT_CHARS_MAX: usize = 60;

/// Arguments of `read`.
#[derive(clap::Args)]
pub(crate) struct Read {
    #[command(flatten)]
    files: Files,
    /// Lines for people, or the whole System as JSON.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    /// One line per statement.
    Text,
    /// The whole System, all statements and diagnostics; see `docs/system.schema.json`.
    Json,
}

/// Everything that a document says, and how it was understood. A public contract: members are
/// added, never renamed.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "What a document says")]
pub(super) struct Meaning<'a> {
    /// Version of this shape.
    version: u32,
    /// Files of the document in the order given; spans name them by their index.
    files: Vec<&'a str>,
    /// All that the claims add up to.
    system: &'a System,
    /// How many statements there are of each class.
    counts: Counts,
    /// Every statement in the order of the text.
    statements: Vec<PlacedStatement<'a>>,
    /// What is wrong.
    report: JsonReport,
}

/// How many statements there are of each class.
#[derive(Serialize, JsonSchema)]
struct Counts {
    /// Understood.
    bound: usize,
    /// Of those, understood but not enforced yet.
    not_enforced_yet: usize,
    /// Not filled in.
    placeholder: usize,
    /// Ordinary text.
    prose: usize,
    /// Looks like a claim but was not understood.
    not_understood: usize,
}

/// A statement and where it starts.
#[derive(Serialize, JsonSchema)]
struct PlacedStatement<'a> {
    /// Where it starts, as people read it.
    place: Place,
    /// The statement.
    #[serde(flatten)]
    statement: &'a Statement,
}

impl<'a> Meaning<'a> {
    pub(super) fn of(compiled: &'a Compiled) -> Self {
        let statements = &compiled.ledger.statements;
        let of = |class: Class| statements.iter().filter(|each| each.class == class).count();
        let not_yet = |each: &&Statement| each.enforcement == Some(Enforcement::NotYet);
        Self {
            version: 1,
            files: compiled.sources.files.iter().map(|file| file.name.as_str()).collect(),
            system: &compiled.system,
            counts: Counts {
                bound: of(Class::Bound),
                not_enforced_yet: statements.iter().filter(not_yet).count(),
                placeholder: of(Class::Placeholder),
                prose: of(Class::Prose),
                not_understood: of(Class::NotUnderstood),
            },
            statements: statements
                .iter()
                .map(|statement| PlacedStatement {
                    place: compiled.sources.place(statement.span),
                    statement,
                })
                .collect(),
            report: report(compiled, &compiled.diagnostics),
        }
    }
}

impl Read {
    pub(crate) fn run(self) -> Result<Outcome, Failure> {
        let compiled = self.files.compile()?;
        match self.format {
            Format::Text => print(&text(&compiled))?,
            Format::Json => {
                let json = serde_json::to_string_pretty(&Meaning::of(&compiled))
                    .map_err(|error| Failure::new(format!("cannot write JSON: {error}")))?;
                print(&format!("{json}\n"))?;
            }
        }
        Ok(Outcome::Done)
    }
}

/// One line per statement: place, class, kind, meaning.
fn text(compiled: &Compiled) -> String {
    let mut text = String::new();
    for statement in &compiled.ledger.statements {
        let place = compiled.sources.location(statement.span);
        let class = class_word(statement.class);
        let kind = statement.kind.map(kind_word).unwrap_or_default();
        let meaning = match statement.meaning.is_empty() {
            true => excerpt(compiled.sources.text(statement.span)),
            false => statement.meaning.clone(),
        };
        let mark = match statement.enforcement {
            Some(Enforcement::NotYet) => "  [not enforced yet]",
            Some(Enforcement::NotEnforceable) => "  [no software can enforce this]",
            _ => "",
        };
        text.push_str(&format!("{place:<24}  {class:<14}  {kind:<12}  {meaning}{mark}\n"));
    }
    text.push_str(&format!("{}\n", super::check::summary(compiled)));
    text
}

fn class_word(class: Class) -> &'static str {
    match class {
        Class::Bound => "bound",
        Class::Placeholder => "unfilled",
        Class::Prose => "prose",
        Class::NotUnderstood => "not understood",
    }
}

/// The kind as JSON spells it, with blanks.
fn kind_word(kind: document::ClaimKind) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(word)) => word.replace('_', " "),
        _ => String::new(),
    }
}

/// The beginning of a text on one line.
fn excerpt(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(EXCERPT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}
