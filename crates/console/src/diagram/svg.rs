//! A laid-out diagram as SVG. All text is escaped by the template; colours come from the page's
//! style sheet, so that the diagram follows a dark theme.

use maud::{Markup, html};

use super::{
    Box, Diagram, Edge, Shape,
    layout::{Frame, PADDING, layout},
};

/// How far an edge and its counterpart the other way round are moved out of the middle, in pixels.
const ASIDE: f64 = 14.0;

/// Draws a diagram. `name` tells one diagram of a page from another and labels it for readers that
/// do not see it.
pub fn draw(diagram: &Diagram, name: &str) -> Markup {
    let (frames, width, height) = layout(diagram);
    let view = format!("0 0 {width:.0} {height:.0}");
    let marker = format!("arrow-{}", name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    html! {
        svg class="diagram" role="img" aria-label=(name) viewBox=(view)
            width=(format!("{width:.0}")) height=(format!("{height:.0}")) {
            defs {
                marker id=(marker) viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7"
                    markerHeight="7" orient="auto-start-reverse" {
                    path class="point" d="M 0 0 L 10 5 L 0 10 z" {}
                }
            }
            @for (index, group) in diagram.groups.iter().enumerate() {
                @if let Some(frame) = around(diagram, &frames, index) {
                    rect class="group" x=(one(frame.x)) y=(one(frame.y)) rx="8"
                        width=(one(frame.width)) height=(one(frame.height)) {}
                    text class="group-title" x=(one(frame.x + 8.0)) y=(one(frame.y + 14.0)) { (group.title) }
                }
            }
            @for edge in &diagram.edges { (line(diagram, edge, &frames, &marker)) }
            @for (drawn, frame) in diagram.boxes.iter().zip(&frames) { (shape(drawn, frame)) }
            @for edge in &diagram.edges { (label(diagram, edge, &frames)) }
        }
    }
}

fn one(value: f64) -> String {
    format!("{value:.1}")
}

/// The frame around all boxes of a group.
fn around(diagram: &Diagram, frames: &[Frame], group: usize) -> Option<Frame> {
    let members = diagram.boxes.iter().zip(frames).filter(|(drawn, _)| drawn.group == Some(group));
    let mut edges: Option<(f64, f64, f64, f64)> = None;
    for (_, frame) in members {
        let here = (frame.x, frame.y, frame.x + frame.width, frame.y + frame.height);
        edges = Some(edges.map_or(here, |known| {
            (known.0.min(here.0), known.1.min(here.1), known.2.max(here.2), known.3.max(here.3))
        }));
    }
    /// Width of a character of a group's title, in pixels.
    const CHARACTER_WIDTH: f64 = 6.8;
    let (beside, above) = PADDING;
    let characters = diagram.groups.get(group)?.title.chars().count();
    #[allow(clippy::cast_precision_loss, reason = "titles are short")]
    let title = characters as f64 * CHARACTER_WIDTH + 16.0;
    edges.map(|(left, top, right, bottom)| Frame {
        x: left - beside,
        y: top - above,
        width: (right - left + 2.0 * beside).max(title),
        height: bottom - top + above + beside,
    })
}

/// The path of an edge and the middle of it.
fn route(diagram: &Diagram, edge: &Edge, frames: &[Frame]) -> Option<(String, (f64, f64))> {
    let (from, to) = (frames.get(edge.from)?, frames.get(edge.to)?);
    // Two edges between the same boxes in both directions must not hide each other.
    let back = |other: &Edge| other.from == edge.to && other.to == edge.from;
    let aside = if diagram.edges.iter().any(back) { ASIDE } else { 0.0 };
    let aside = if edge.from < edge.to { aside } else { -aside };
    Some(if edge.from == edge.to { loop_path(from) } else { curve(diagram, from, to, aside) })
}

fn line(diagram: &Diagram, edge: &Edge, frames: &[Frame], marker: &str) -> Markup {
    let Some((path, _)) = route(diagram, edge, frames) else { return html! {} };
    let end = edge.arrow.then(|| format!("url(#{marker})"));
    html! {
        path class=(if edge.dashed { "edge dashed" } else { "edge" }) d=(path) marker-end=[end] {}
    }
}

/// Labels come last, so that no box hides one.
fn label(diagram: &Diagram, edge: &Edge, frames: &[Frame]) -> Markup {
    let Some((_, middle)) = route(diagram, edge, frames).filter(|_| !edge.label.is_empty()) else {
        return html! {};
    };
    html! {
        text class="edge-label" x=(one(middle.0)) y=(one(middle.1)) { (shortened(&edge.label)) }
    }
}

/// A label as short as it may be drawn; the whole text stands in the document.
fn shortened(label: &str) -> String {
    const CHARACTERS_MAX: usize = 36;
    if label.chars().count() <= CHARACTERS_MAX {
        return label.to_owned();
    }
    label.chars().take(CHARACTERS_MAX - 1).chain(['…']).collect()
}

fn loop_path(frame: &Frame) -> (String, (f64, f64)) {
    let (x, y) = (frame.x + frame.width, frame.y + frame.height / 2.0);
    let path = format!(
        "M {x:.1} {:.1} C {:.1} {:.1} {:.1} {:.1} {x:.1} {:.1}",
        y - 8.0,
        x + 40.0,
        y - 30.0,
        x + 40.0,
        y + 30.0,
        y + 8.0
    );
    (path, (x + 34.0, y - 16.0))
}

/// A curve between the sides that face each other.
fn curve(diagram: &Diagram, from: &Frame, to: &Frame, aside: f64) -> (String, (f64, f64)) {
    let ((from_x, from_y), (to_x, to_y)) = (from.centre(), to.centre());
    let level = if diagram.sideways {
        from.x < to.x + to.width && to.x < from.x + from.width
    } else {
        from.y < to.y + to.height && to.y < from.y + from.height
    };
    let horizontal = diagram.sideways != level;
    let (start, end) = if horizontal {
        let side = |frame: &Frame, right: bool| if right { frame.x + frame.width } else { frame.x };
        ((side(from, from_x < to_x), from_y), (side(to, from_x >= to_x), to_y))
    } else {
        let side = |frame: &Frame, low: bool| if low { frame.y + frame.height } else { frame.y };
        ((from_x, side(from, from_y < to_y)), (to_x, side(to, from_y >= to_y)))
    };
    let moved = |(x, y): (f64, f64)| if horizontal { (x, y + aside * 0.7) } else { (x + aside, y) };
    let (start, end) = (moved(start), moved(end));
    let middle = (f64::midpoint(start.0, end.0), f64::midpoint(start.1, end.1));
    let (first, second) = if horizontal {
        ((middle.0, start.1), (middle.0, end.1))
    } else {
        ((start.0, middle.1), (end.0, middle.1))
    };
    let path = format!(
        "M {:.1} {:.1} C {:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
        start.0, start.1, first.0, first.1, second.0, second.1, end.0, end.1
    );
    // The label stands further out than its line, beside that of the way back.
    (path, moved(middle))
}

fn shape(drawn: &Box, frame: &Frame) -> Markup {
    let Frame { x, y, width, height } = *frame;
    let (centre_x, centre_y) = frame.centre();
    let title_y = if drawn.lines.is_empty() { centre_y + 4.5 } else { y + 21.0 };
    html! {
        @match drawn.shape {
            Shape::Dot => circle class="dot" cx=(one(centre_x)) cy=(one(centre_y)) r="8" {},
            Shape::Diamond => path class="box" d=(format!(
                "M {:.1} {y:.1} L {:.1} {centre_y:.1} L {centre_x:.1} {:.1} L {x:.1} {centre_y:.1} z",
                centre_x, x + width, y + height)) {},
            Shape::Cylinder => {
                path class="box" d=(format!(
                    "M {x:.1} {:.1} A {:.1} 6 0 0 1 {:.1} {:.1} V {:.1} A {:.1} 6 0 0 1 {x:.1} {:.1} z",
                    y + 6.0, width / 2.0, x + width, y + 6.0, y + height - 6.0, width / 2.0, y + height - 6.0)) {}
                path class="rim" d=(format!(
                    "M {x:.1} {:.1} A {:.1} 6 0 0 0 {:.1} {:.1}", y + 6.0, width / 2.0, x + width, y + 6.0)) {}
            },
            Shape::Rounded => rect class="box" x=(one(x)) y=(one(y)) rx="14" width=(one(width)) height=(one(height)) {},
            Shape::Rectangle | Shape::Entity =>
                rect class="box" x=(one(x)) y=(one(y)) rx="3" width=(one(width)) height=(one(height)) {},
        }
        @if !drawn.title.is_empty() {
            text class="box-title" x=(one(centre_x)) y=(one(title_y)) { (drawn.title) }
        }
        @if !drawn.lines.is_empty() {
            path class="rim" d=(format!("M {x:.1} {:.1} H {:.1}", y + 30.0, x + width)) {}
            @for (index, text) in drawn.lines.iter().enumerate() {
                text class="box-line" x=(one(x + 10.0)) y=(line_y(y, index)) { (text) }
            }
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "an entity has few lines")]
fn line_y(top: f64, index: usize) -> String {
    one(top + 46.0 + index as f64 * 18.0)
}
