//! Settings: a label and a value anywhere in a chapter, understood through the lexicon.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{Chapter, Span, statement::Enforcement};

/// A setting's value in base units.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "unit", content = "value")]
pub enum SettingValue {
    /// A length of time.
    Seconds(f64),
    /// A size.
    Bytes(u64),
    /// A share from 0 to 1.
    Ratio(f64),
    /// A number of things.
    Count(f64),
    /// Yes or no.
    Boolean(bool),
    /// One of the lexicon row's words.
    Word(String),
    /// Several lengths of time: `1s, 2s, 4s`.
    SecondsList(Vec<f64>),
    /// Text as written.
    Text(String),
}

/// A setting that the document states.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Setting {
    /// Key in the lexicon, such as `resilience.circuit_breaker.failures_max`.
    pub key: &'static str,
    /// Its chapter.
    pub chapter: Chapter,
    /// Its value.
    pub value: SettingValue,
    /// What it is about where the document says so (`login`, `Stripe`, `production`).
    pub subject: Option<String>,
    /// Whether anything enforces it.
    pub enforcement: Enforcement,
    /// The label and value where they are written.
    pub span: Span,
}
