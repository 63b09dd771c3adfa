//! What PostgreSQL has and SQLite has not, and what stands in for it there. One list for `check`, which
//! does not know what will serve, and for whoever serves.

use super::{ColumnType, Data, codes};
use crate::{Diagnostic, Span};

/// Types of PostgreSQL that no other store has, as a document's columns name them. Those that every
/// store keeps alike (`citext`, `inet`, lists, ranges) are not among them.
pub const NATIVE_TYPES: &[&str] = &[
    "bit",
    "box",
    "circle",
    "datemultirange",
    "hstore",
    "int4multirange",
    "int8multirange",
    "line",
    "lseg",
    "ltree",
    "macaddr",
    "macaddr8",
    "nummultirange",
    "path",
    "point",
    "polygon",
    "timetz",
    "tsmultirange",
    "tsquery",
    "tstzmultirange",
    "tsvector",
    "varbit",
];

/// Methods of indexes that SQLite has too, or that a search without them answers as fast.
const SHARED_METHODS: &[&str] = &["", "btree", "hash", "brin", "fulltext"];

/// Places that one note shows beside its own.
const LABELS_MAX: usize = 6;

/// Something that PostgreSQL has and SQLite has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Native {
    /// What it is: ``type `tsvector` ``, ``an index by `gin` ``.
    pub named: String,
    /// What SQLite has in its place.
    pub stand_in: &'static str,
    /// Where the document has it, and what is there, in reading order.
    pub places: Vec<(Span, String)>,
}

/// Everything of the document that PostgreSQL has and SQLite has not, each once.
pub fn natives(data: &Data) -> Vec<Native> {
    let mut found: Vec<Native> = Vec::new();
    let mut add = |named: String, stand_in: &'static str, span: Span, what: String| match found
        .iter_mut()
        .find(|own| own.named == named)
    {
        Some(own) => own.places.push((span, what)),
        None => found.push(Native { named, stand_in, places: vec![(span, what)] }),
    };
    for table in &data.tables {
        for column in &table.columns {
            if let Some(name) = native_type(&column.kind) {
                let what = format!("column `{}` of table `{}`", column.name, table.name);
                add(format!("type `{name}`"), "text as it is written", column.type_span, what);
            }
        }
        for index in &table.indexes {
            if !SHARED_METHODS.contains(&index.method.as_str()) {
                let named = format!("an index by `{}`", index.method);
                let what = format!("an index of table `{}`", table.name);
                add(named, "a search without it", index.span, what);
            }
        }
    }
    found
}

fn native_type(kind: &ColumnType) -> Option<&str> {
    match kind {
        ColumnType::Other { name } => {
            let base = name.split('(').next().unwrap_or_default().trim();
            NATIVE_TYPES.iter().find(|known| known.eq_ignore_ascii_case(base)).copied()
        }
        ColumnType::Array { element } => native_type(element),
        _ => None,
    }
}

/// Notes what SQLite would stand in for: which of the two serves is not the document's to say.
pub(super) fn report(data: &Data, diagnostics: &mut Vec<Diagnostic>) {
    for native in natives(data) {
        let Some(((span, what), others)) = native.places.split_first() else { continue };
        let message = format!(
            "{} is PostgreSQL's alone; where SQLite serves, {} stands in for it",
            native.named, native.stand_in
        );
        let mut diagnostic = Diagnostic::new(&codes::D026, *span, message).label(what.clone());
        for (span, what) in others.iter().take(LABELS_MAX) {
            diagnostic = diagnostic.also(*span, format!("also {what}"));
        }
        diagnostics.push(diagnostic);
    }
}
