//! Where boxes and lines go: ranks by longest path with cycles cut, order within a rank by the
//! average place of neighbours, then coordinates.

use super::{Diagram, Shape};

/// Width of a character of the diagram's font, in pixels.
const CHARACTER_WIDTH: f64 = 7.2;
/// Height of a line, in pixels.
const LINE_HEIGHT: f64 = 18.0;
/// Space between ranks and between boxes of a rank, in pixels.
const GAP: (f64, f64) = (64.0, 28.0);
/// Rounds of ordering.
const ROUNDS: usize = 6;
/// Boxes side by side in one rank; more wrap into a further rank.
const ABREAST_MAX: usize = 6;

/// Where a box goes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Frame {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Frame {
    pub(super) fn centre(&self) -> (f64, f64) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }
}

/// Frames of all boxes, and the size of the whole.
pub(super) fn layout(diagram: &Diagram) -> (Vec<Frame>, f64, f64) {
    let mut frames: Vec<Frame> = diagram.boxes.iter().map(size).collect();
    let ranks = order(diagram, rows(diagram));
    place(diagram, &ranks, &mut frames);
    let width = frames.iter().map(|frame| frame.x + frame.width).fold(0.0, f64::max);
    let height = frames.iter().map(|frame| frame.y + frame.height).fold(0.0, f64::max);
    (frames, width + 16.0, height + 16.0)
}

fn size(drawn: &super::Box) -> Frame {
    if drawn.shape == Shape::Dot {
        return Frame { width: 16.0, height: 16.0, ..Frame::default() };
    }
    let longest = drawn.lines.iter().chain([&drawn.title]).map(|line| line.chars().count()).max();
    #[allow(clippy::cast_precision_loss, reason = "text lengths are small")]
    let (characters, lines) = (longest.unwrap_or(0) as f64, drawn.lines.len() as f64);
    let extra = if drawn.shape == Shape::Diamond { 36.0 } else { 24.0 };
    Frame {
        width: (characters * CHARACTER_WIDTH + extra).clamp(56.0, 420.0),
        height: 34.0 + lines * LINE_HEIGHT,
        ..Frame::default()
    }
}

/// Boxes by rank. Edges that would close a cycle are found by depth-first search and turned round.
fn rows(diagram: &Diagram) -> Vec<Vec<usize>> {
    let count = diagram.boxes.len();
    let mut leaving = vec![Vec::new(); count];
    for edge in diagram.edges.iter().filter(|edge| edge.from != edge.to) {
        leaving[edge.from].push(edge.to);
    }
    let mut rank = vec![0_usize; count];
    for &node in topological(&leaving).iter() {
        let (before, below) = (rank[node], leaving[node].clone());
        for to in below {
            if rank[to] <= before && !reaches(&leaving, to, node) {
                rank[to] = before + 1;
            }
        }
    }
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); rank.iter().max().map_or(0, |max| max + 1)];
    for (node, &rank) in rank.iter().enumerate() {
        rows[rank].push(node);
    }
    rows.into_iter()
        .flat_map(|row| row.chunks(ABREAST_MAX).map(<[usize]>::to_vec).collect::<Vec<_>>())
        .filter(|row| !row.is_empty())
        .collect()
}

/// Depth-first order, reversed: what leads comes before what follows, cycles aside.
fn topological(leaving: &[Vec<usize>]) -> Vec<usize> {
    let mut seen = vec![false; leaving.len()];
    let mut order = Vec::with_capacity(leaving.len());
    for start in 0..leaving.len() {
        let mut stack = vec![(start, 0)];
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        while let Some((node, next)) = stack.pop() {
            match leaving[node].get(next) {
                Some(&to) => {
                    stack.push((node, next + 1));
                    if !std::mem::replace(&mut seen[to], true) {
                        stack.push((to, 0));
                    }
                }
                None => order.push(node),
            }
        }
    }
    order.reverse();
    order
}

/// True where `from` leads to `to`; bounded by the number of boxes.
fn reaches(leaving: &[Vec<usize>], from: usize, to: usize) -> bool {
    let mut seen = vec![false; leaving.len()];
    let mut stack = vec![from];
    while let Some(node) = stack.pop() {
        if node == to {
            return true;
        }
        if !std::mem::replace(&mut seen[node], true) {
            stack.extend(&leaving[node]);
        }
    }
    false
}

/// Orders each row by the average place of its neighbours in other rows.
fn order(diagram: &Diagram, mut rows: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    let mut neighbours = vec![Vec::new(); diagram.boxes.len()];
    for edge in &diagram.edges {
        neighbours[edge.from].push(edge.to);
        neighbours[edge.to].push(edge.from);
    }
    for _ in 0..ROUNDS {
        let mut place = vec![0.0_f64; diagram.boxes.len()];
        for row in &rows {
            for (at, &node) in row.iter().enumerate() {
                #[allow(clippy::cast_precision_loss, reason = "rows are short")]
                let share = (at as f64 + 0.5) / row.len() as f64;
                place[node] = share;
            }
        }
        for row in &mut rows {
            row.sort_by(|&left, &right| {
                let weight = |node: usize| {
                    let near = &neighbours[node];
                    #[allow(clippy::cast_precision_loss, reason = "neighbours are few")]
                    let count = near.len() as f64;
                    let group = diagram.boxes[node].group.map_or(0.0, |_| 0.001);
                    if near.is_empty() {
                        place[node]
                    } else {
                        near.iter().map(|&other| place[other]).sum::<f64>() / count + group
                    }
                };
                weight(left).total_cmp(&weight(right)).then(left.cmp(&right))
            });
        }
    }
    rows
}

fn place(diagram: &Diagram, rows: &[Vec<usize>], frames: &mut [Frame]) {
    let along = |frame: &Frame| if diagram.sideways { frame.width } else { frame.height };
    let across = |frame: &Frame| if diagram.sideways { frame.height } else { frame.width };
    let extent = |row: &[usize]| -> f64 {
        row.iter().map(|&node| across(&frames[node]) + GAP.1).sum::<f64>() - GAP.1
    };
    let widest = rows.iter().map(|row| extent(row)).fold(0.0, f64::max);
    let starts: Vec<f64> = rows.iter().map(|row| 16.0 + (widest - extent(row)) / 2.0).collect();
    let mut depth = 16.0 + if diagram.groups.is_empty() { 0.0 } else { 16.0 };
    for (row, start) in rows.iter().zip(starts) {
        let thickest = row.iter().map(|&node| along(&frames[node])).fold(0.0, f64::max);
        let mut at = start;
        for &node in row {
            let (thick, wide) = (along(&frames[node]), across(&frames[node]));
            let middle = depth + (thickest - thick) / 2.0;
            let frame = &mut frames[node];
            (frame.x, frame.y) = if diagram.sideways { (middle, at) } else { (at, middle) };
            at += wide + GAP.1;
        }
        depth += thickest + if diagram.sideways { GAP.0 * 1.6 } else { GAP.0 };
    }
}
