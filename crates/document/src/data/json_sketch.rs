//! JSON sketches: an object whose values are names of types, `{ "email": "string" }`.

use serde_json::Value;

use super::{
    ColumnType, Form,
    sketch::{Field, Sketch, plain_type},
};
use crate::{Span, json, outline::Fence, placeholder};

/// Reads a sketch under a name; none where the fence is no sketch.
pub(crate) fn read(fence: &Fence, name: &str, name_span: Span) -> Option<Sketch> {
    if !matches!(fence.language.as_str(), "" | "json" | "jsonc" | "json5" | "javascript" | "js")
        || !fence.text.trim_start().starts_with('{')
    {
        return None;
    }
    let document = json::read(&fence.text).ok()?;
    let Value::Object(members) = &document.value else { return None };
    let mut fields = Vec::new();
    let mut strings = 0usize;
    for (member, value) in members {
        let place = document.members.iter().find(|found| {
            matches!(found.path.as_slice(), [only] if only == member)
                || found.path.last().is_some_and(|last| last == member) && found.path.len() <= 2
        })?;
        let span = fence.span_of(place.name.clone());
        let kind_span = fence.span_of(place.value.clone());
        let kind = match value {
            Value::String(text) => {
                strings += 1;
                Some(typed(text)?)
            }
            Value::Array(elements) => match elements.as_slice() {
                [Value::String(text)] => {
                    let element = typed(text)?.kind;
                    Some(Typed {
                        kind: element
                            .map(|element| ColumnType::Array { element: Box::new(element) }),
                        ..Typed::default()
                    })
                }
                _ => Some(Typed { kind: Some(ColumnType::Json), ..Typed::default() }),
            },
            Value::Object(_) => Some(Typed { kind: Some(ColumnType::Json), ..Typed::default() }),
            _ => return None,
        }?;
        let mut field = Field::new(member, span, kind.kind, kind_span);
        field.nullable = kind.nullable;
        field.is_unique = kind.is_unique;
        field.values = kind.values;
        fields.push(field);
    }
    let is_unfilled = fields.iter().any(|field| placeholder::is_member(&field.name));
    if strings < 2 || is_unfilled {
        return None;
    }
    let sketch = Sketch {
        form: Form::JsonSketch,
        name: name.to_owned(),
        span: name_span,
        fields,
        is_stored: true,
        statement: fence.body,
    };
    Some(Sketch { is_stored: sketch.has_key(), ..sketch })
}

#[derive(Default)]
struct Typed {
    kind: Option<ColumnType>,
    nullable: Option<bool>,
    is_unique: bool,
    values: Option<Vec<String>>,
}

/// `string, unique`, `uuid`, `draft | sent`; none where the text is a value and no type.
fn typed(text: &str) -> Option<Typed> {
    let mut found = Typed::default();
    let mut words = text.split([',', '(']);
    let head = words.next()?.trim();
    let (head, optional) = match head.strip_suffix('?') {
        Some(head) => (head, true),
        None => (head, false),
    };
    if head.contains('|') {
        let parts: Vec<&str> = head.split('|').map(str::trim).collect();
        let is_null = parts.contains(&"null");
        let rest: Vec<&str> = parts.iter().copied().filter(|part| *part != "null").collect();
        found.nullable = is_null.then_some(true);
        match rest.as_slice() {
            [one] => found.kind = Some(plain_type(one)?),
            _ => {
                found.values = super::values::closed_values(&rest.join("|"));
                found.values.as_ref()?;
                found.kind = Some(ColumnType::Text { length_max: None });
            }
        }
        return Some(found);
    }
    found.kind = Some(plain_type(head)?);
    let rest = text.to_lowercase();
    found.is_unique = rest.contains("unique");
    if optional || rest.contains("optional") || rest.contains("nullable") {
        found.nullable = Some(true);
    } else if rest.contains("required") || rest.contains("not null") {
        found.nullable = Some(false);
    }
    Some(found)
}
