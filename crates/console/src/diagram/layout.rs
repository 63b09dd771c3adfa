//! Where boxes and lines go: ranks by longest path with cycles cut, order within a rank by the
//! average place of neighbours, then coordinates. Groups are laid out first, each as one large box
//! of the whole, so that none overlaps another.

use super::{Diagram, Shape};

/// Width of a character of the diagram's font, in pixels.
const CHARACTER_WIDTH: f64 = 7.2;
/// Height of a line, in pixels.
const LINE_HEIGHT: f64 = 18.0;
/// Space between ranks and between boxes of a rank, in pixels.
const GAP: (f64, f64) = (64.0, 28.0);
/// Space around the boxes of a group: beside and below, and above where its title stands.
pub(super) const PADDING: (f64, f64) = (12.0, 26.0);
/// Space around the whole.
const MARGIN: f64 = 16.0;
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
    let blocks = blocks(diagram);
    let mut block_of = vec![0; frames.len()];
    let mut outer: Vec<Frame> = Vec::with_capacity(blocks.len());
    for (index, block) in blocks.iter().enumerate() {
        let mut inner: Vec<Frame> = block.members.iter().map(|&member| frames[member]).collect();
        let edges = inner_edges(diagram, &block.members);
        let (width, height) = arrange(&mut inner, &edges, diagram.sideways);
        let (beside, above) = if block.is_group { PADDING } else { (0.0, 0.0) };
        for (&member, frame) in block.members.iter().zip(inner) {
            frames[member] = Frame { x: frame.x + beside, y: frame.y + above, ..frame };
            block_of[member] = index;
        }
        let title = if block.is_group { title_width(diagram, block) } else { 0.0 };
        outer.push(Frame {
            width: (width + 2.0 * beside).max(title),
            height: height + above + beside,
            ..Frame::default()
        });
    }
    let edges: Vec<(usize, usize)> = diagram
        .edges
        .iter()
        .map(|edge| (block_of[edge.from], block_of[edge.to]))
        .filter(|(from, to)| from != to)
        .collect();
    let (width, height) = arrange(&mut outer, &edges, diagram.sideways);
    for (frame, &block) in frames.iter_mut().zip(&block_of) {
        frame.x += outer[block].x + MARGIN;
        frame.y += outer[block].y + MARGIN;
    }
    (frames, width + 2.0 * MARGIN, height + 2.0 * MARGIN)
}

/// What is placed as one: the boxes of a group, or a box alone.
struct Block {
    members: Vec<usize>,
    is_group: bool,
}

fn blocks(diagram: &Diagram) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut known: Vec<Option<usize>> = vec![None; diagram.groups.len()];
    for (index, drawn) in diagram.boxes.iter().enumerate() {
        match drawn.group.and_then(|group| known.get_mut(group)) {
            Some(Some(block)) => blocks[*block].members.push(index),
            Some(place) => {
                *place = Some(blocks.len());
                blocks.push(Block { members: vec![index], is_group: true });
            }
            None => blocks.push(Block { members: vec![index], is_group: false }),
        }
    }
    blocks
}

/// Edges between members, by their place among them.
fn inner_edges(diagram: &Diagram, members: &[usize]) -> Vec<(usize, usize)> {
    if members.len() < 2 {
        return Vec::new();
    }
    let place = |node: usize| members.binary_search(&node).ok();
    let edges = diagram.edges.iter().filter(|edge| edge.from != edge.to);
    edges.filter_map(|edge| Some((place(edge.from)?, place(edge.to)?))).collect()
}

fn title_width(diagram: &Diagram, block: &Block) -> f64 {
    let group = block.members.first().and_then(|&member| diagram.boxes[member].group);
    let title = group.and_then(|group| diagram.groups.get(group));
    #[allow(clippy::cast_precision_loss, reason = "titles are short")]
    let characters = title.map_or(0, |group| group.title.chars().count()) as f64;
    (characters * CHARACTER_WIDTH + 2.0 * PADDING.0).min(420.0)
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

/// Places frames from 0, 0 on and gives the size of all of them together.
fn arrange(frames: &mut [Frame], edges: &[(usize, usize)], sideways: bool) -> (f64, f64) {
    let rows = order(frames.len(), edges, rows(frames.len(), edges));
    place(&rows, frames, sideways);
    let width = frames.iter().map(|frame| frame.x + frame.width).fold(0.0, f64::max);
    let height = frames.iter().map(|frame| frame.y + frame.height).fold(0.0, f64::max);
    (width, height)
}

/// Boxes by rank: each one rank further than the furthest that leads to it, where edges that lead
/// back are left out.
fn rows(count: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut leaving = vec![Vec::new(); count];
    for &(from, to) in edges {
        leaving[from].push(to);
    }
    let (order, forward) = forward(&leaving);
    let mut rank = vec![0_usize; count];
    for &node in &order {
        for &to in &forward[node] {
            rank[to] = rank[to].max(rank[node] + 1);
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

/// What leads comes before what follows, and the edges without those that close a cycle, as a
/// depth-first walk in the order of the document meets them.
fn forward(leaving: &[Vec<usize>]) -> (Vec<usize>, Vec<Vec<usize>>) {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        Open,
        Done,
    }
    let mut seen = vec![Seen::No; leaving.len()];
    let mut forward = vec![Vec::new(); leaving.len()];
    let mut order = Vec::with_capacity(leaving.len());
    for start in 0..leaving.len() {
        if seen[start] != Seen::No {
            continue;
        }
        seen[start] = Seen::Open;
        let mut stack = vec![(start, 0)];
        while let Some((node, next)) = stack.pop() {
            let Some(&to) = leaving[node].get(next) else {
                seen[node] = Seen::Done;
                order.push(node);
                continue;
            };
            stack.push((node, next + 1));
            if seen[to] != Seen::Open {
                forward[node].push(to);
            }
            if seen[to] == Seen::No {
                seen[to] = Seen::Open;
                stack.push((to, 0));
            }
        }
    }
    order.reverse();
    (order, forward)
}

/// Orders each row by the average place of its neighbours in other rows.
fn order(count: usize, edges: &[(usize, usize)], mut rows: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    let mut neighbours = vec![Vec::new(); count];
    for &(from, to) in edges {
        neighbours[from].push(to);
        neighbours[to].push(from);
    }
    for _ in 0..ROUNDS {
        let mut place = vec![0.0_f64; count];
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
                    match near.is_empty() {
                        true => place[node],
                        false => near.iter().map(|&other| place[other]).sum::<f64>() / count,
                    }
                };
                weight(left).total_cmp(&weight(right)).then(left.cmp(&right))
            });
        }
    }
    rows
}

fn place(rows: &[Vec<usize>], frames: &mut [Frame], sideways: bool) {
    let along = |frame: &Frame| if sideways { frame.width } else { frame.height };
    let across = |frame: &Frame| if sideways { frame.height } else { frame.width };
    let extent = |row: &[usize]| -> f64 {
        row.iter().map(|&node| across(&frames[node]) + GAP.1).sum::<f64>() - GAP.1
    };
    let widest = rows.iter().map(|row| extent(row)).fold(0.0, f64::max);
    let starts: Vec<f64> = rows.iter().map(|row| (widest - extent(row)) / 2.0).collect();
    let mut depth = 0.0;
    for (row, start) in rows.iter().zip(starts) {
        let thickest = row.iter().map(|&node| along(&frames[node])).fold(0.0, f64::max);
        let mut at = start;
        for &node in row {
            let (thick, wide) = (along(&frames[node]), across(&frames[node]));
            let middle = depth + (thickest - thick) / 2.0;
            let frame = &mut frames[node];
            (frame.x, frame.y) = if sideways { (middle, at) } else { (at, middle) };
            at += wide + GAP.1;
        }
        depth += thickest + if sideways { GAP.0 * 1.6 } else { GAP.0 };
    }
}
