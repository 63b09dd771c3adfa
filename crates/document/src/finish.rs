//! The end of compiling: what nobody classed becomes prose, suppressions are applied, and
//! everything is put in the order of the text.

use std::collections::BTreeMap;

use crate::{
    ClaimKind, Class, Diagnostic, Enforcement, Ledger, Sources, Span, Statement, codes,
    compile::{CompileOptions, Reading},
    suppress::{self, Suppressed},
    unit::units,
};

/// What is left when all is read.
pub(crate) struct Finished {
    pub(crate) ledger: Ledger,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) suppressed: Vec<Suppressed>,
}

/// Closes the ledger and sorts the diagnostics.
pub(crate) fn finish(reading: Reading<'_>, options: &CompileOptions) -> Finished {
    let Reading { sources, outline, ledger, mut diagnostics } = reading;
    let mut ledger = settle(ledger);
    let cover = ledger.cover();
    for unit in units(outline) {
        let span = unit.fence.map_or(unit.span, |fence| unit.span.to(fence.body));
        if unit.form != "heading" && !cover.knows(span) {
            ledger.class(with_opening(sources, unit.span), unit.form, Class::Prose, "");
        }
    }
    order(&mut ledger.statements);
    not_enforced(&ledger, &mut diagnostics);
    deduplicate(&mut diagnostics);
    let (mut diagnostics, suppressed) = suppress::apply(sources, outline, options, diagnostics);
    deduplicate(&mut diagnostics);
    Finished { ledger, diagnostics, suppressed }
}

/// A span that ends inside of bold text begins with its opening marks too.
fn with_opening(sources: &Sources, span: Span) -> Span {
    let Some(source) = sources.files.get(usize::from(span.file)) else { return span };
    let range = span.range();
    let is_odd = |mark: &str| {
        let text = source.text.get(range.clone()).unwrap_or("");
        text.matches(mark).count() % 2 == 1
    };
    let before = source.text.get(..range.start).unwrap_or("");
    let marks = ["**", "__", "`"];
    match marks.iter().find(|mark| before.ends_with(**mark) && is_odd(mark)) {
        Some(mark) => Span::new(span.file, range.start - mark.len(), range.end),
        None => span,
    }
}

/// So many places are shown of each kind of claim that nothing enforces.
const NOT_ENFORCED_SHOWN_MAX: usize = 3;

/// Says once for each kind of claim that nothing enforces it yet. Endpoints that bind to nothing are
/// told by their own diagnostics.
fn not_enforced(ledger: &Ledger, diagnostics: &mut Vec<Diagnostic>) {
    let mut kinds: BTreeMap<ClaimKind, Vec<&Statement>> = BTreeMap::new();
    for statement in &ledger.statements {
        if let (Some(kind), Some(Enforcement::NotYet)) = (statement.kind, statement.enforcement)
            && !matches!(kind, ClaimKind::Endpoint | ClaimKind::Example)
        {
            kinds.entry(kind).or_default().push(statement);
        }
    }
    for (kind, statements) in kinds {
        let [first, rest @ ..] = statements.as_slice() else { continue };
        let word = kind.word();
        let message = match statements.len() {
            1 => format!("one {word} is understood, but nothing enforces it yet"),
            count => format!("{count} {word}s are understood, but nothing enforces them yet"),
        };
        let mut diagnostic =
            Diagnostic::new(&codes::T030, first.span, message).label(first.meaning.clone());
        for statement in rest.iter().take(NOT_ENFORCED_SHOWN_MAX - 1) {
            diagnostic = diagnostic.also(statement.span, statement.meaning.clone());
        }
        diagnostics.push(diagnostic);
    }
}

/// Keeps one statement of several about the same text: a claim wins over everything else.
fn settle(ledger: Ledger) -> Ledger {
    let (bound, rest): (Vec<Statement>, Vec<Statement>) =
        ledger.statements.into_iter().partition(|statement| statement.class == Class::Bound);
    let mut settled = Ledger { statements: bound };
    let mut rest = rest;
    // The smallest first, so that a statement within a fence wins over the fence.
    rest.sort_by_key(|statement| {
        (statement.span.end - statement.span.start, statement.class as u8)
    });
    let cover = settled.cover();
    rest.retain(|statement| !cover.knows(statement.span));
    order(&mut rest);
    let mut end = None;
    for statement in rest {
        let key = (statement.span.file, statement.span.end);
        let covered = end
            .is_some_and(|(file, end)| file == statement.span.file && statement.span.start < end);
        if !covered || statement.class == Class::Placeholder {
            end = Some(end.map_or(key, |end: (u16, u32)| end.max(key)));
            settled.statements.push(statement);
        }
    }
    order(&mut settled.statements);
    settled.statements.dedup_by(|second, first| {
        first.span == second.span
            && first.class == second.class
            && first.kind == second.kind
            && first.subject == second.subject
            && first.meaning == second.meaning
    });
    settled
}

fn order(statements: &mut [Statement]) {
    statements.sort_by(|a, b| {
        (a.span.file, a.span.start, std::cmp::Reverse(a.span.end))
            .cmp(&(b.span.file, b.span.start, std::cmp::Reverse(b.span.end)))
            .then_with(|| a.kind.cmp(&b.kind))
            .then_with(|| a.meaning.cmp(&b.meaning))
    });
}

/// In the order of the text, the graver first at one place, each once.
fn deduplicate(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| {
        (a.span, a.level, a.code.code, &a.message).cmp(&(b.span, b.level, b.code.code, &b.message))
    });
    diagnostics.dedup_by(|second, first| {
        first.span == second.span
            && std::ptr::eq(first.code, second.code)
            && first.message == second.message
    });
}
