//! Diagrams drawn offline as SVG: flow charts, states and entities from Mermaid's text. What is not
//! understood is shown as its source, never guessed.

mod layout;
mod parse;
mod svg;

pub use parse::parse;
pub use svg::draw;

/// What a diagram shows, whatever it was written in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diagram {
    /// Boxes in the order in which they are first named.
    pub boxes: Vec<Box>,
    /// Lines between boxes.
    pub edges: Vec<Edge>,
    /// Groups of boxes with a title (`subgraph`).
    pub groups: Vec<Group>,
    /// Left to right rather than top to bottom.
    pub sideways: bool,
}

/// A box.
#[derive(Debug, Clone, PartialEq)]
pub struct Box {
    /// Its name in the text.
    pub name: String,
    /// What is written in it.
    pub title: String,
    /// Further lines, such as an entity's attributes.
    pub lines: Vec<String>,
    /// Its outline.
    pub shape: Shape,
    /// The group it belongs to.
    pub group: Option<usize>,
}

/// A box's outline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is what its name says")]
pub enum Shape {
    Rectangle,
    Rounded,
    Cylinder,
    Diamond,
    /// The start or end of a state machine.
    Dot,
    Entity,
}

/// A line from one box to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    /// Index of the box it leaves.
    pub from: usize,
    /// Index of the box it enters.
    pub to: usize,
    /// What is written on it.
    pub label: String,
    /// Drawn with dashes.
    pub dashed: bool,
    /// Drawn with a point at its end.
    pub arrow: bool,
}

/// A titled group of boxes.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its title.
    pub title: String,
}

/// Boxes in one diagram; larger ones are shown as text.
pub const BOXES_MAX: usize = 200;
/// Lines in one diagram; larger ones are shown as text.
pub const EDGES_MAX: usize = 600;

impl Diagram {
    /// The index of the box of this name, added where it is new.
    pub fn place(&mut self, name: &str, group: Option<usize>) -> usize {
        if let Some(index) = self.boxes.iter().position(|candidate| candidate.name == name) {
            return index;
        }
        self.boxes.push(Box {
            name: name.to_owned(),
            title: name.to_owned(),
            lines: Vec::new(),
            shape: Shape::Rectangle,
            group,
        });
        self.boxes.len() - 1
    }

    /// True where the diagram is too large to be drawn.
    pub fn is_too_large(&self) -> bool {
        self.boxes.len() > BOXES_MAX || self.edges.len() > EDGES_MAX
    }
}
