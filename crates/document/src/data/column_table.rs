//! Column tables (`Column | Type | Constraints | Description`) and typed lists
//! (`- **email**: string, unique`) under an entity's name.

use super::{
    ColumnType, DefaultValue, Form,
    sketch::{Field, Sketch, plain_type},
    values::closed_values,
};
use crate::{
    Span,
    expression::Literal,
    outline::{Inline, NodeId, NodeKind, Outline},
};

/// What a header's cell says of its column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Name,
    Kind,
    Constraints,
    Nullable,
    Required,
    Key,
    Default,
    Description,
    Other,
}

fn role(header: &str) -> Role {
    let header = header.trim().trim_matches('*').to_lowercase();
    match header.as_str() {
        "column" | "field" | "attribute" | "property" | "column name" | "field name" | "name"
        | "columna" | "campo" | "feld" | "spalte" | "champ" | "colonne" | "поле" | "字段"
        | "字段名" | "列名" | "フィールド" | "kolom" | "coluna" => Role::Name,
        "type" | "data type" | "datatype" | "column type" | "sql type" | "tipo" | "typ" | "тип"
        | "类型" | "数据类型" | "型" | "tipe" | "tipe data" | "tipo de dato" => Role::Kind,
        "constraint" | "constraints" | "restricciones" | "attributes" | "modifiers" | "约束"
        | "rules" | "key/constraints" => Role::Constraints,
        "null" | "nullable" | "null?" | "nullable?" | "allow null" => Role::Nullable,
        "required" | "required?" | "not null" | "mandatory" | "requerido" => Role::Required,
        "key" | "keys" | "pk/fk" | "index" => Role::Key,
        "default" | "default value" => Role::Default,
        "description" | "notes" | "note" | "comment" | "comments" | "purpose" | "details"
        | "descripción" | "说明" | "描述" | "описание" | "beschreibung" => {
            Role::Description
        }
        _ => Role::Other,
    }
}

/// Reads a Markdown table as an entity of this name; none where it is no column table.
pub(crate) fn read_table(
    outline: &Outline,
    id: NodeId,
    name: &str,
    name_span: Span,
) -> Option<Sketch> {
    let node = outline.nodes.get(id)?;
    let NodeKind::Table { header } = &node.kind else { return None };
    let roles: Vec<Role> = header.iter().map(|cell| role(&cell.text)).collect();
    let name_at = roles.iter().position(|&role| role == Role::Name)?;
    let kind_at = roles.iter().position(|&role| role == Role::Kind)?;
    let mut fields = Vec::new();
    for row in rows(outline, id) {
        let (Some(name), Some(kind)) = (row.get(name_at), row.get(kind_at)) else { continue };
        let text = name.trimmed().trim_matches(['`', '*']);
        if text.is_empty() || text.starts_with("...") {
            continue;
        }
        if !is_name(text) {
            return None;
        }
        let mut field = read_kind(text, name.span, kind.trimmed(), kind.span)?;
        for (role, cell) in roles.iter().zip(row) {
            apply_cell(&mut field, *role, cell);
        }
        fields.push(field);
    }
    let sketch = Sketch {
        form: Form::ColumnTable,
        name: name.to_owned(),
        span: name_span,
        is_stored: false,
        fields,
        statement: node.span,
    };
    (sketch.fields.len() >= 2).then(|| Sketch { is_stored: sketch.has_key(), ..sketch })
}

fn rows(outline: &Outline, table: NodeId) -> impl Iterator<Item = &[Inline]> {
    outline
        .nodes
        .iter()
        .skip(table + 1)
        .take_while(move |node| node.parent == Some(table))
        .filter_map(|node| match &node.kind {
            NodeKind::Row { cells } => Some(cells.as_slice()),
            _ => None,
        })
}

/// A field whose type reads like one; none where it does not.
fn read_kind(name: &str, span: Span, kind: &str, kind_span: Span) -> Option<Field> {
    let plain = kind.trim_matches(['`', '*']).trim();
    let lower = plain.to_lowercase();
    if let Some(rest) = lower.strip_prefix("enum") {
        let mut field =
            Field::new(name, span, Some(ColumnType::Text { length_max: None }), kind_span);
        let list = plain.get(plain.len() - rest.len()..).unwrap_or("");
        let list = list.trim_matches([':', ' ', '(', ')', '`', '[', ']', '<', '>']);
        field.values = closed_values(list);
        return Some(field);
    }
    let first = plain.split([',', ';']).next().unwrap_or(plain);
    let inside = plain.find('(').zip(plain.find(')'));
    let head = match inside {
        Some((open, close)) if plain.get(open..close).is_some_and(|text| text.contains(',')) => {
            plain.get(..=close).unwrap_or(first)
        }
        _ => first,
    };
    // `UUID PK`, `VARCHAR(20) NOT NULL`: what follows the type constrains it.
    let mut kind = plain_type(head);
    let mut rest = plain.get(head.len()..).unwrap_or("");
    if kind.is_none() {
        let (word, tail) = head.split_once(' ')?;
        kind = plain_type(word);
        rest = tail;
    }
    let mut field = Field::new(name, span, Some(kind?), kind_span);
    constrain(&mut field, rest, kind_span);
    Some(field)
}

fn apply_cell(field: &mut Field, role: Role, cell: &Inline) {
    let text = cell.trimmed();
    let lower = text.trim_matches(['*', '`', ' ']).to_lowercase();
    let yes = matches!(
        lower.as_str(),
        "yes" | "y" | "true" | "✓" | "✅" | "✔" | "sí" | "si" | "是" | "x"
    );
    let no = matches!(lower.as_str(), "no" | "n" | "false" | "✗" | "❌" | "✘" | "not null" | "否");
    match role {
        Role::Nullable if yes || no => field.nullable = Some(yes),
        Role::Required if yes || no => field.nullable = Some(no),
        Role::Constraints | Role::Key => constrain(field, text, cell.span),
        Role::Default => set_default(field, text),
        Role::Description => {
            field.comment = Some(text.to_owned()).filter(|text| !text.is_empty());
            let upper = text.to_ascii_uppercase();
            if upper.starts_with("PK") || upper.starts_with("PRIMARY KEY") {
                field.is_key = true;
            } else if upper.starts_with("FK") || upper.starts_with("FOREIGN KEY") {
                constrain(field, text, cell.span);
            }
        }
        _ => {}
    }
}

/// What words beside a field say: `PK`, `NOT NULL`, `unique`, `FK → users.id`, `default 'x'`.
fn constrain(field: &mut Field, text: &str, span: Span) {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let has = |word: &str| words.contains(&word);
    field.is_key |= has("pk") || lower.contains("primary key") || lower.trim() == "primary";
    field.is_unique |= has("unique") || has("uk");
    if lower.contains("not null") || has("required") {
        field.nullable = Some(false);
    } else if has("nullable") || has("optional") || has("null") {
        field.nullable = Some(true);
    }
    if has("fk") || lower.contains("foreign key") || has("references") || has("refs") {
        field.refers = Some(referred(text).map(|table| (table, span)));
    }
    if let Some(at) = lower.find("default") {
        let value = text.get(at + 7..).unwrap_or("");
        let value = value.trim_start_matches([':', '=', ' ']);
        let end = match value.find('(') {
            Some(open) if value.find(',').is_none_or(|comma| comma > open) => {
                value.find(')').map(|close| close + 1)
            }
            _ => value.find([',', ';', '.']),
        };
        set_default(field, value.get(..end.unwrap_or(value.len())).unwrap_or(value));
    }
}

/// The table that a reference names: `FK → users.id`, `REFERENCES users(id)`, `FK (users)`.
fn referred(text: &str) -> Option<String> {
    let marks = ["→", "->", "references ", "REFERENCES ", "References ", "to ", "FK ("];
    let (mark, at) = marks.iter().find_map(|mark| text.find(mark).map(|at| (mark, at)))?;
    let rest = text.get(at + mark.len()..)?.trim_start_matches([' ', '`', '"', '(']);
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let name = rest.get(..end)?;
    (!name.is_empty()).then(|| name.to_owned())
}

fn set_default(field: &mut Field, text: &str) {
    let text = text.trim().trim_matches('`').trim();
    let lower = text.to_lowercase();
    let literal = match lower.as_str() {
        "" | "-" | "—" | "none" | "null" | "n/a" => return,
        "now()" | "current_timestamp" | "now" | "current_timestamp()" | "getdate()" => {
            field.default = Some(DefaultValue::Now);
            return;
        }
        "current_date" => {
            field.default = Some(DefaultValue::Today);
            return;
        }
        "true" => Literal::Boolean(true),
        "false" => Literal::Boolean(false),
        _ if lower.contains("uuid") => {
            field.default = Some(DefaultValue::RandomUuid);
            return;
        }
        _ if text.parse::<f64>().is_ok() => Literal::Number(text.to_owned()),
        _ => {
            let inner = text.trim_matches(['\'', '"']);
            let is_word = inner.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
            if !is_word && inner == text {
                return;
            }
            Literal::Text(inner.to_owned())
        }
    };
    let is_number = matches!(literal, Literal::Number(_));
    let is_text = matches!(field.kind, Some(ColumnType::Text { .. }));
    if is_number && is_text {
        return;
    }
    field.default = Some(DefaultValue::Literal { literal });
}

/// Nodes of a list that are looked at.
const LIST_NODES_MAX: usize = 400;

/// Reads a list's items as fields of an entity of this name; none unless nearly all of them are
/// typed.
pub(crate) fn read_list(
    outline: &Outline,
    id: NodeId,
    name: &str,
    name_span: Span,
) -> Option<Sketch> {
    let node = outline.nodes.get(id)?;
    let mut fields = Vec::new();
    let mut count = 0usize;
    for item in outline.nodes.iter().skip(id + 1).take(LIST_NODES_MAX) {
        if !node.span.contains(item.span) {
            break;
        }
        let NodeKind::Item { inline, .. } = &item.kind else { continue };
        if item.parent != Some(id) {
            continue;
        }
        count += 1;
        fields.extend(read_item(inline));
    }
    let sketch = Sketch {
        form: Form::Bullets,
        name: name.to_owned(),
        span: name_span,
        is_stored: false,
        fields,
        statement: node.span,
    };
    let is_typed = sketch.fields.len() >= 3 && sketch.fields.len() * 5 >= count * 4;
    is_typed.then(|| Sketch { is_stored: sketch.has_key(), ..sketch })
}

/// `**email**: string, unique`, `` `email` (string, required) - text ``, `email - VARCHAR(80)`.
fn read_item(inline: &Inline) -> Option<Field> {
    let line = inline.text.lines().next()?;
    let length = line.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
    let name = line.get(..length)?;
    if !is_name(name) {
        return None;
    }
    let rest = line.get(length..)?;
    let kind = rest.trim_start_matches(['?', ' ', ':', '(', '-', '–', '—', '*', '`']);
    let is_marked = rest.trim_start().starts_with([':', '(', '-', '–', '—', '?']);
    if !is_marked || kind.is_empty() {
        return None;
    }
    // What follows a dash explains.
    let kind = [" - ", " – ", " — "]
        .iter()
        .filter_map(|dash| kind.find(dash))
        .min()
        .map_or(kind, |end| kind.get(..end).unwrap_or(kind));
    let kind = match (kind.find('('), kind.find(')')) {
        (None, Some(close)) => kind.get(..close).unwrap_or(kind),
        _ => kind,
    };
    let kind_at = line.find(kind)?;
    let kind_span = inline.span_of(kind_at..kind_at + kind.len());
    let mut field = read_kind(name, inline.span_of(0..length), kind, kind_span).or_else(|| {
        let word = kind.split([' ', ',', '(']).next()?;
        let mut field =
            Field::new(name, inline.span_of(0..length), Some(plain_type(word)?), kind_span);
        constrain(&mut field, kind, kind_span);
        Some(field)
    })?;
    if rest.starts_with('?') {
        field.nullable = Some(true);
    }
    Some(field)
}

fn is_name(text: &str) -> bool {
    text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
        && text.len() <= 63
}
