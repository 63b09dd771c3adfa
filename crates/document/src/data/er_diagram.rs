//! Mermaid's `erDiagram`: entities with attributes and keys, and relations, line by line.

use std::collections::{HashMap, HashSet};

use super::{
    ColumnType, Form, codes,
    name::{entity_key, snake},
    relations::{End, Relation},
    sketch::{Field, Sketch, plain_type},
    values::closed_values,
};
use crate::{Diagnostic, Span, outline::Fence};

/// What a diagram says.
#[derive(Default)]
pub(crate) struct Drawing {
    /// Its entities that have attributes.
    pub(crate) entities: Vec<Sketch>,
    /// Its relations.
    pub(crate) relations: Vec<Relation>,
}

/// True where a fence is an entity-relationship diagram.
pub(crate) fn is_diagram(fence: &Fence) -> bool {
    matches!(fence.language.as_str(), "mermaid" | "" | "er" | "erdiagram")
        && fence
            .text
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty() && !line.starts_with("%%") && *line != "---")
            .is_some_and(|line| line.split_whitespace().next() == Some("erDiagram"))
}

/// Reads a diagram.
pub(crate) fn read(fence: &Fence, diagnostics: &mut Vec<Diagnostic>) -> Drawing {
    let mut reader = Reader { fence, drawing: Drawing::default(), open: None };
    let mut offset = 0;
    for line in fence.text.split_inclusive('\n') {
        let start = offset + (line.len() - line.trim_start().len());
        let text = line.split("%%").next().unwrap_or(line).trim();
        if !text.is_empty() && reader.line(text, start).is_none() {
            let span = fence.span_of(start..start + text.len());
            diagnostics.push(
                Diagnostic::new(&codes::D024, span, "a line of the diagram cannot be read")
                    .label("neither an entity, an attribute nor a relation"),
            );
        }
        offset += line.len();
    }
    reader.close();
    follow_relations(&mut reader.drawing);
    reader.drawing
}

/// A key that is called after what the other is to it (`seller_id FK`) refers to the one entity
/// that a relation joins and that no other key names.
fn follow_relations(drawing: &mut Drawing) {
    let mut parents: HashMap<String, Vec<&End>> = HashMap::new();
    for Relation { from, to, .. } in &drawing.relations {
        let (parent, child) = if from.many && !to.many { (to, from) } else { (from, to) };
        parents.entry(entity_key(&child.name)).or_default().push(parent);
    }
    let known: HashSet<String> =
        drawing.entities.iter().map(|entity| entity_key(&entity.name)).collect();
    for entity in &mut drawing.entities {
        let Some(joined) = parents.get(&entity_key(&entity.name)) else { continue };
        let named_by = |field: &Field| {
            let name = snake(&field.name);
            let stem = name.strip_suffix("_id").map(entity_key)?;
            (field.refers == Some(None)).then_some(stem)
        };
        let named: HashSet<String> = entity.fields.iter().filter_map(named_by).collect();
        let mut left = joined.iter().filter(|end| !named.contains(&entity_key(&end.name)));
        let Some(parent) = left.next() else { continue };
        if left.any(|other| entity_key(&other.name) != entity_key(&parent.name)) {
            continue;
        }
        for field in &mut entity.fields {
            if named_by(field).is_some_and(|stem| !known.contains(&stem)) {
                field.refers = Some(Some((parent.name.clone(), field.span)));
            }
        }
    }
}

struct Reader<'a> {
    fence: &'a Fence,
    drawing: Drawing,
    open: Option<Sketch>,
}

impl Reader<'_> {
    fn span(&self, start: usize, text: &str) -> Span {
        self.fence.span_of(start..start + text.len())
    }

    fn close(&mut self) {
        if let Some(entity) = self.open.take().filter(|entity| !entity.fields.is_empty()) {
            self.drawing.entities.push(entity);
        }
    }

    /// Reads a line; none where it is not understood.
    fn line(&mut self, text: &str, start: usize) -> Option<()> {
        const OTHERS: &[&str] = &[
            "erDiagram",
            "direction",
            "title",
            "accTitle",
            "accDescr",
            "style",
            "classDef",
            "class",
            "---",
            "config:",
        ];
        if let Some(open) = &mut self.open {
            open.statement = open.statement.to(self.fence.span_of(start..start + text.len()));
            if text == "}" {
                self.close();
                return Some(());
            }
            let (text, closes) = match text.strip_suffix('}') {
                Some(text) => (text.trim_end(), true),
                None => (text, false),
            };
            let field = attribute(self.fence, text, start);
            if let (Some(field), Some(open)) = (&field, &mut self.open) {
                open.fields.push(field.clone());
            }
            if closes {
                self.close();
            }
            return field.map(|_| ());
        }
        if text.split_whitespace().next().is_some_and(|word| OTHERS.contains(&word)) {
            return Some(());
        }
        if let Some(name) = text.strip_suffix('{').or_else(|| text.strip_suffix("{}")) {
            return self.entity(name.trim(), start, text.ends_with('}'));
        }
        if let Some(relation) = self.relation(text, start) {
            self.drawing.relations.push(relation);
            return Some(());
        }
        // An entity alone on its line.
        is_name(entity_name(text)).then_some(())
    }

    fn entity(&mut self, name: &str, start: usize, is_empty: bool) -> Option<()> {
        let name = entity_name(name);
        if !is_name(name) {
            return None;
        }
        let at = self.fence.text.get(start..)?.find(name)? + start;
        let span = self.span(at, name);
        let sketch = Sketch {
            form: Form::ErDiagram,
            name: name.to_owned(),
            span,
            fields: Vec::new(),
            is_stored: true,
            statement: span,
        };
        self.open = (!is_empty).then_some(sketch);
        Some(())
    }

    /// `A ||--o{ B : label`, `A one to many B : label`.
    fn relation(&self, text: &str, start: usize) -> Option<Relation> {
        let statement = text.split(" : ").next().unwrap_or(text);
        let statement = statement.split_once(": ").map_or(statement, |(head, _)| head).trim_end();
        let statement = statement.trim_end_matches(':').trim_end();
        let at = statement.find("--").or_else(|| statement.find(".."))?;
        let left_end = statement.get(..at)?.trim_end_matches(['|', 'o', '}', '{']);
        let rest = statement.get(at + 2..)?;
        let right = rest.trim_start_matches(['|', 'o', '}', '{']);
        // An `o` may belong to the name: cardinalities have two signs.
        let left_signs = statement.get(left_end.len()..at)?;
        let right_signs = rest.get(..rest.len() - right.len())?;
        let (from, to) = (entity_name(left_end.trim()), entity_name(right.trim()));
        if left_signs.len() < 2 || right_signs.len() < 2 || !is_name(from) || !is_name(to) {
            return None;
        }
        let to_at = statement.rfind(to)?;
        let from_at = statement.find(from)?;
        let many = |signs: &str| signs.contains(['{', '}']);
        Some(Relation {
            from: End {
                name: from.to_owned(),
                span: self.span(start + from_at, from),
                many: many(left_signs),
            },
            to: End {
                name: to.to_owned(),
                span: self.span(start + to_at, to),
                many: many(right_signs),
            },
            is_drawn: true,
            span: self.span(start, text),
        })
    }
}

/// A name without its quotes and alias: `p["Person"]` is `p`.
fn entity_name(text: &str) -> &str {
    let text = text.split('[').next().unwrap_or(text);
    text.split(":::").next().unwrap_or(text).trim().trim_matches('"')
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// `type name PK, FK "comment"`.
fn attribute(fence: &Fence, text: &str, start: usize) -> Option<Field> {
    let (head, comment) = match text.split_once('"') {
        Some((head, comment)) => (head.trim_end(), Some(comment.trim_end_matches('"'))),
        None => (text, None),
    };
    let mut words = head.split_whitespace();
    let (kind, name) = (words.next()?, words.next()?);
    if !is_name(name.trim_start_matches('*')) {
        return None;
    }
    let keys: Vec<&str> =
        words.flat_map(|word| word.split(',')).filter(|w| !w.is_empty()).collect();
    const MARKS: &[&str] = &["PK", "FK", "UK", "UNIQUE", "NOT", "NULL", "NN", "INDEX"];
    if !keys.iter().all(|key| MARKS.iter().any(|mark| mark.eq_ignore_ascii_case(key))) {
        return None;
    }
    let has = |mark: &str| keys.iter().any(|key| key.eq_ignore_ascii_case(mark));
    let name_at = start + kind.len() + head.get(kind.len()..)?.find(name)?;
    let span = fence.span_of(name_at..name_at + name.len());
    let kind_span = fence.span_of(start..start + kind.len());
    let is_list = kind.eq_ignore_ascii_case("enum");
    let written = if is_list {
        ColumnType::Text { length_max: None }
    } else {
        plain_type(kind).unwrap_or(ColumnType::Other { name: kind.to_lowercase() })
    };
    let mut field = Field::new(name.trim_start_matches('*'), span, Some(written), kind_span);
    field.is_key = has("PK");
    field.is_unique = has("UK") || has("UNIQUE");
    field.refers = has("FK").then_some(None);
    field.nullable = (has("NOT") || has("NN")).then_some(false);
    if let Some(comment) = comment {
        let lower = comment.to_lowercase();
        field.is_unique |= lower.contains("unique");
        if lower.contains("not null") || lower.contains("required") {
            field.nullable = Some(false);
        }
        let is_text = matches!(field.kind, Some(ColumnType::Text { .. }));
        field.values = closed_values(comment).filter(|_| is_text);
        field.comment = Some(comment.to_owned());
    }
    Some(field)
}
