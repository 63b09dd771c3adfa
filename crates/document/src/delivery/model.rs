//! The typed form of the delivery chapter.

use schemars::JsonSchema;
use serde::Serialize;

use crate::Span;

/// All that the document says about delivery.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Delivery {
    /// Environment variables.
    pub variables: Vec<Variable>,
    /// Feature flags.
    pub flags: Vec<Flag>,
    /// Names of environments.
    pub environments: Vec<String>,
}

/// An environment variable.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub purpose: Option<String>,
    /// An example or default, as written.
    pub example: Option<String>,
    /// The value where none is given, as written.
    pub default: Option<String>,
    /// True where the document says that it must be there.
    pub required: bool,
    /// Where it is written.
    pub span: Span,
}

/// A feature flag.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Flag {
    /// Its key.
    pub name: String,
    /// On or off where nothing else decides.
    pub enabled: bool,
    /// Share of subjects that get it, from 0 to 1.
    pub rollout: Option<f64>,
    /// Share by environment, from 0 to 1.
    pub environments: Vec<(String, f64)>,
    /// Where it is written.
    pub span: Span,
}
