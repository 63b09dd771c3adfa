//! Classes what is not filled in yet, and says so once for the whole document.

use crate::{
    Class, Diagnostic, Span, codes,
    compile::Reading,
    outline::Fence,
    placeholder,
    unit::{Unit, units},
};

/// So many places are shown in the one message.
const SHOWN_MAX: usize = 5;

/// Finds every placeholder of the document.
pub(super) fn read(reading: &mut Reading<'_>) {
    let mut found: Vec<Span> = Vec::new();
    for unit in units(reading.outline) {
        match unit.fence {
            Some(fence) => in_fence(reading, fence, &mut found),
            None => in_unit(reading, &unit, &mut found),
        }
    }
    let Some((&first, rest)) = found.split_first() else { return };
    let message = match found.len() {
        1 => "one thing is not filled in yet and counts as not declared".to_owned(),
        count => format!("{count} things are not filled in yet and count as not declared"),
    };
    let mut diagnostic = Diagnostic::new(&codes::T010, first, message).label("not filled in");
    for &span in rest.iter().take(SHOWN_MAX - 1) {
        diagnostic = diagnostic.also(span, "nor this");
    }
    let help = "fill them in or remove them; `vitruvius read` lists each of them";
    reading.diagnostics.push(diagnostic.help(help));
}

fn in_unit(reading: &mut Reading<'_>, unit: &Unit<'_>, found: &mut Vec<Span>) {
    let hole = if unit.cells.is_empty() {
        // A heading is never a template's sentence: those stand in for content.
        placeholder::in_text(unit.text())
            .filter(|range| {
                unit.form != "heading" || unit.text()[range.clone()].contains(['[', '{'])
            })
            .map(|range| unit.span_of(range))
    } else if is_sign_off(unit) {
        None
    } else {
        unit.cells
            .iter()
            .find_map(|cell| placeholder::in_text(&cell.text).map(|range| cell.span_of(range)))
    };
    if let Some(span) = hole {
        let text = reading.sources.text(span).to_owned();
        let meaning = format!("not filled in: `{text}`");
        reading.ledger.class(unit.span, unit.form, Class::Placeholder, meaning);
        found.push(span);
    }
}

/// Tables of signatures keep their empty places for ever.
fn is_sign_off(unit: &Unit<'_>) -> bool {
    let is_word = |words: &[&str]| {
        unit.header.iter().any(|cell| {
            let text = cell.text.to_lowercase();
            words.iter().any(|word| text.contains(word))
        })
    };
    is_word(&["signature", "approv", "sign-off", "signed"])
        || (is_word(&["date"]) && is_word(&["role", "name", "author"]))
}

fn in_fence(reading: &mut Reading<'_>, fence: &Fence, found: &mut Vec<Span>) {
    let Some(range) = placeholder::in_fence(fence) else { return };
    found.push(fence.span_of(range));
    if !fence.language.contains("sql") && !fence.language.starts_with("postgres") {
        let meaning = "a fence that is not filled in";
        reading.ledger.class(fence.body, "fence", Class::Placeholder, meaning);
        return;
    }
    // One statement with holes does not take the others of its fence along.
    let mut start = 0;
    for statement in fence.text.split_inclusive(';') {
        let bytes = start..start + statement.len();
        start = bytes.end;
        if placeholder::in_code("sql", statement).is_some() {
            let lead = statement.len() - statement.trim_start().len();
            let span = fence.span_of(bytes.start + lead..bytes.start + statement.trim_end().len());
            let meaning = "a statement that is not filled in";
            reading.ledger.class(span, "statement", Class::Placeholder, meaning);
        }
    }
}
