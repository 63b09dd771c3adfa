//! Marks: which statements and diagnostics belong to which visible piece of the document. A piece is
//! a heading, a paragraph, an item's own text, a table row, or one line of a fence.

use std::collections::HashMap;

use document::{
    Class, Compiled, Diagnostic, Enforcement, Level, Span, Statement,
    outline::{NodeId, NodeKind},
};

/// What is known about one visible piece.
#[derive(Debug, Default)]
pub(crate) struct Mark<'a> {
    pub(crate) statements: Vec<&'a Statement>,
    pub(crate) diagnostics: Vec<&'a Diagnostic>,
}

/// A visible piece: a node, and the line of it where the node is a fence.
pub(crate) type Piece = (NodeId, u32);

/// Marks of all pieces.
pub(crate) struct Marks<'a> {
    by_piece: HashMap<Piece, Mark<'a>>,
}

impl<'a> Marks<'a> {
    pub(crate) fn of(compiled: &'a Compiled) -> Self {
        let units = units(compiled);
        let mut by_piece: HashMap<Piece, Mark<'a>> = HashMap::new();
        for statement in &compiled.ledger.statements {
            if let Some(piece) = piece_at(compiled, &units, statement.span) {
                by_piece.entry(piece).or_default().statements.push(statement);
            }
        }
        for diagnostic in &compiled.diagnostics {
            if let Some(piece) = piece_at(compiled, &units, diagnostic.span) {
                by_piece.entry(piece).or_default().diagnostics.push(diagnostic);
            }
        }
        Self { by_piece }
    }

    pub(crate) fn at(&self, piece: Piece) -> Option<&Mark<'a>> {
        self.by_piece.get(&piece)
    }
}

impl Mark<'_> {
    /// The style class that sums the piece up: the gravest thing known about it.
    pub(crate) fn style(&self) -> &'static str {
        let worst = self.diagnostics.iter().map(|diagnostic| diagnostic.level).min();
        let has = |class: Class| self.statements.iter().any(|statement| statement.class == class);
        match worst {
            Some(Level::Error) => "mark error",
            _ if has(Class::NotUnderstood) => "mark unread",
            Some(Level::Warning) => "mark warning",
            _ if has(Class::Placeholder) => "mark placeholder",
            _ if !has(Class::Bound) => "",
            _ if self.is_enforced() => "mark bound",
            _ => "mark unenforced",
        }
    }

    /// True where something makes at least one of the claims true.
    fn is_enforced(&self) -> bool {
        self.statements.iter().any(|statement| statement.enforcement == Some(Enforcement::Enforced))
    }
}

/// Own texts of nodes, by file and start.
fn units(compiled: &Compiled) -> Vec<(Span, NodeId)> {
    let mut units: Vec<(Span, NodeId)> = compiled
        .outline
        .nodes
        .iter()
        .enumerate()
        .filter_map(|(id, node)| match &node.kind {
            NodeKind::Item { inline, .. } => {
                // From the bullet on, so that a statement that spans the item is found too.
                let start = node.span.start.min(inline.span.start);
                Some((Span { start, ..inline.span }, id))
            }
            NodeKind::Heading { .. }
            | NodeKind::Paragraph(_)
            | NodeKind::Fence(_)
            | NodeKind::Row { .. } => Some((node.span, id)),
            NodeKind::Table { header } => {
                let start = header.first().map_or(node.span, |cell| cell.span);
                header.last().map(|last| (start.to(last.span), id))
            }
            _ => None,
        })
        .filter(|(span, _)| span.start < span.end)
        .collect();
    units.sort_by_key(|(span, _)| (span.file, span.start));
    units
}

fn piece_at(compiled: &Compiled, units: &[(Span, NodeId)], span: Span) -> Option<Piece> {
    let after =
        units.partition_point(|(unit, _)| (unit.file, unit.start) <= (span.file, span.start));
    let &(unit, node) = units.get(after.checked_sub(1)?)?;
    if unit.file != span.file || span.start > unit.end {
        return None;
    }
    let line = match &compiled.outline.nodes.get(node)?.kind {
        NodeKind::Fence(fence) if !fence.pieces.is_empty() => {
            let place =
                |at: u32| Some(compiled.sources.files.get(span.file as usize)?.place(at as usize));
            let (first, here) = (place(fence.body.start)?.line, place(span.start)?.line);
            here.saturating_sub(first)
        }
        _ => 0,
    };
    Some((node, line))
}
