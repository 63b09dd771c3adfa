//! What a drawing, table or arrow line says about states, before it is tied to a column.

use crate::{Span, outline::NodeId, security::name_key};

/// States of one drawing; more are left out, for nobody draws so many.
const STATES_MAX: usize = 200;
/// Moves of one drawing; more are left out.
const EDGES_MAX: usize = 400;

/// The form of a drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A state diagram.
    Diagram,
    /// A table with a row per move.
    Table,
    /// Arrows in a line of text.
    Arrows,
}

/// A name of a state where it stands.
#[derive(Debug, Clone)]
pub(super) struct Name {
    /// As written.
    pub(super) text: String,
    /// Where.
    pub(super) span: Span,
}

impl Name {
    /// For comparison: letters and digits in lower case.
    pub(super) fn key(&self) -> String {
        name_key(&self.text)
    }
}

/// A move between two states.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    /// From this state.
    pub(super) from: Name,
    /// To this state.
    pub(super) to: Name,
    /// Words at the arrow.
    pub(super) label: Option<String>,
    /// Who may do it, as written.
    pub(super) who: Vec<String>,
    /// The arrow or row.
    pub(super) span: Span,
    /// True for a move that is said not to exist.
    pub(super) is_forbidden: bool,
}

/// A drawing, table or line.
#[derive(Debug, Clone)]
pub(super) struct Drawing {
    /// Its form.
    pub(super) form: Form,
    /// Moves.
    pub(super) edges: Vec<Edge>,
    /// States with the first place that names them.
    pub(super) states: Vec<Name>,
    /// The state of a new row.
    pub(super) initial: Option<Name>,
    /// Words that say what it is about: the label before an arrow line.
    pub(super) subject: Option<String>,
    /// The node it stands in, whose headings tell more.
    pub(super) node: NodeId,
    /// All of it.
    pub(super) span: Span,
    /// `State → Action → State` by its own heading line; else the states decide.
    pub(super) is_triple: bool,
    /// The pieces between arrows of a line, for deciding between a chain and a triple.
    pub(super) segments: Vec<Vec<Name>>,
}

impl Drawing {
    /// An empty drawing.
    pub(super) fn new(form: Form, node: NodeId, span: Span) -> Self {
        Self {
            form,
            edges: Vec::new(),
            states: Vec::new(),
            initial: None,
            subject: None,
            node,
            span,
            is_triple: false,
            segments: Vec::new(),
        }
    }

    /// Notes a state at its first place.
    pub(super) fn note(&mut self, name: &Name) {
        let key = name.key();
        let is_new = self.states.len() < STATES_MAX && !key.is_empty();
        if is_new && !self.states.iter().any(|known| known.key() == key) {
            self.states.push(name.clone());
        }
    }

    /// Adds a move and its states.
    pub(super) fn connect(&mut self, edge: Edge) {
        if self.edges.len() >= EDGES_MAX {
            return;
        }
        self.note(&edge.from);
        self.note(&edge.to);
        self.edges.push(edge);
    }
}
