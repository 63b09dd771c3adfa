//! Reads what concerns the text itself: encoding, fences, headings and links, and what is not
//! filled in yet. Runs before every chapter.

mod fences;
mod headings;
mod holes;

use crate::{
    Diagnostic, Span, codes,
    compile::Reading,
    outline::{NESTING_MAX, NODES_MAX, TEXT_BYTES_MAX},
};

/// Reports defects of the text and classes placeholders before any chapter is read.
pub(crate) fn read(reading: &mut Reading<'_>) {
    encoding(reading);
    limits(reading);
    fences::read(reading);
    headings::read(reading);
    holes::read(reading);
}

fn encoding(reading: &mut Reading<'_>) {
    for (index, source) in reading.sources.files.iter().enumerate() {
        if !source.was_invalid_utf8 {
            continue;
        }
        let file = u16::try_from(index).unwrap_or(u16::MAX);
        let at = source.text.find(char::REPLACEMENT_CHARACTER).unwrap_or(0);
        let span = Span::new(file, at, (at + 3).min(source.text.len()));
        let count = source.text.matches(char::REPLACEMENT_CHARACTER).count();
        reading.diagnostics.push(
            Diagnostic::new(&codes::T001, span, format!("`{}` is not UTF-8", source.name))
                .label(format!("the first of {count} places where bytes had to be replaced"))
                .help("save the file as UTF-8"),
        );
    }
}

fn limits(reading: &mut Reading<'_>) {
    for &beyond in reading.outline.beyond.iter().take(1) {
        let first_line = reading.sources.text(beyond).lines().next().unwrap_or("").len();
        let start = beyond.start as usize;
        let span = Span::new(beyond.file, start, start + first_line.min(80));
        let message = format!(
            "the text has more than {NODES_MAX} lines, items and rows, or more than \
             {TEXT_BYTES_MAX} bytes"
        );
        reading.diagnostics.push(
            Diagnostic::new(&codes::T009, span, message)
                .label("left out from here on")
                .help("to have all of it read, move generated tables and data out of the document"),
        );
    }
    // One message for all of them: they come from the same slip or the same malice.
    let Some((&first, rest)) = reading.outline.cut.split_first() else { return };
    let first_line = reading.sources.text(first).lines().next().unwrap_or("").len();
    let span = Span::new(first.file, first.start as usize, first.start as usize + first_line);
    let mut message = format!("lists or quotes are nested deeper than {NESTING_MAX} levels");
    if !rest.is_empty() {
        message.push_str(&format!(" in {} places", rest.len() + 1));
    }
    reading.diagnostics.push(
        Diagnostic::new(&codes::T009, span, message)
            .label("left out from here on")
            .help("write it with less nesting"),
    );
}
