//! Reads the resilience chapter's statements into claims: kinds of errors with their HTTP status.
//! Its settings are the lexicon's.

use crate::{
    Chapter, Claim, ClaimKind, Enforcement,
    compile::Reading,
    system::System,
    unit::{self, Unit, near, units},
};

/// Adds what the document says to the system, and classes each statement it understands.
pub(crate) fn read(reading: &mut Reading<'_>, system: &mut System) {
    let outline = reading.outline;
    let cover = reading.ledger.cover();
    let mut contexts = unit::Contexts::new(outline);
    for unit in units(outline) {
        if unit.fence.is_some() || unit.form == "heading" || cover.knows(unit.span) {
            continue;
        }
        let context = contexts.of(unit.node);
        if !near(&context, 2, &["error", "exception", "status code", "http status"]) {
            continue;
        }
        let Some((name, status)) = category(&unit) else { continue };
        let meaning = format!("`{name}` answers {status}");
        let claim = Claim::new(ClaimKind::ErrorCategory, Chapter::Resilience, meaning)
            .about(format!("error:{status}"))
            .enforced(Enforcement::NotYet);
        reading.ledger.bind(unit.span, unit.form, claim);
        system.resilience.error_categories.push((name, status));
    }
}

/// `Validation Errors (400): …`, `400 Bad Request: …`, `| 404 | Not found |`.
fn category(unit: &Unit<'_>) -> Option<(String, u16)> {
    let (label, value) = unit.label_value()?;
    if let Some(status) = status(label.text) {
        let name = if label.text.len() == 3 { value.text } else { label.text[3..].trim() };
        let name = name.trim_matches(['-', ' ', '–', '—', '(', ')']);
        return (!name.is_empty()).then(|| (name.to_owned(), status));
    }
    if let Some((name, rest)) = label.text.split_once('(') {
        let status = status(rest.trim_start_matches("HTTP").trim())?;
        return Some((name.trim().to_owned(), status));
    }
    let cell = unit.column(&["status", "http", "code"])?;
    let status = status(cell.trimmed())?;
    Some((label.text.to_owned(), status)).filter(|(name, _)| !name.is_empty())
}

/// The HTTP status of an error at the start of a text.
fn status(text: &str) -> Option<u16> {
    let digits = text.get(..3)?;
    let ends = !text[3..].starts_with(|c: char| c.is_alphanumeric());
    digits.parse().ok().filter(|status| ends && (400..600).contains(status))
}
