//! Examples against the tables they are bodies of: members that no column stores, values of another
//! type, required columns that are left out.

use serde_json::Value;

use super::{Api, Binding, Endpoint, Example, Operation, codes, names};
use crate::{
    Diagnostic, Level, Sources, Span,
    data::{Column, ColumnType, Data, Table},
    json,
};

/// A member of an example's row with its places.
struct Member {
    name: String,
    value: Value,
    name_span: Span,
    value_span: Span,
}

/// Compares every example of a bound endpoint with its table.
pub(super) fn check(sources: &Sources, data: &Data, api: &Api, diagnostics: &mut Vec<Diagnostic>) {
    for endpoint in &api.endpoints {
        let Binding::Table { table, operation, .. } = &endpoint.binding else { continue };
        let Some(table) = data.table(table) else { continue };
        let writes =
            matches!(operation, Operation::Create | Operation::Replace | Operation::Update);
        if let Some(request) = endpoint.request.as_ref().filter(|_| writes)
            && let Some((members, is_elided)) = members(sources, request, api)
        {
            diagnostics.extend(unknown(data, table, &members));
            diagnostics.extend(mismatch(data, table, &members));
            if *operation == Operation::Create && !is_elided {
                diagnostics.extend(missing(endpoint, table, request, &members));
            }
        }
        for response in &endpoint.responses {
            if response.status.is_some_and(|status| status >= 300) {
                continue;
            }
            if let Some((members, _)) = members(sources, response, api) {
                diagnostics.extend(mismatch(data, table, &members));
            }
        }
    }
}

/// The members of an example's row, out of its envelope; the first row of a list.
fn members(sources: &Sources, example: &Example, api: &Api) -> Option<(Vec<Member>, bool)> {
    let text = sources.text(example.span);
    let read = json::read(text).ok()?;
    let mut prefix: Vec<&str> = Vec::new();
    let mut row = &read.value;
    for _ in 0..3 {
        row = match row {
            Value::Array(rows) => rows.first()?,
            Value::Object(object) => {
                let wrappers = [api.envelope.item.as_deref(), api.envelope.list.as_deref()];
                let wrapper = wrappers.into_iter().flatten().chain(["data"]).find(|name| {
                    object.get(*name).is_some_and(|value| value.is_object() || value.is_array())
                });
                match wrapper {
                    Some(name) => {
                        prefix.push(name);
                        object.get(name)?
                    }
                    None => break,
                }
            }
            _ => return None,
        };
    }
    let object = row.as_object()?;
    let place = |range: &std::ops::Range<usize>| {
        let start = example.span.start as usize;
        Span::new(example.span.file, start + range.start, start + range.end)
    };
    let mut found: Vec<Member> = Vec::new();
    for member in &read.members {
        let Some((name, outer)) = member.path.split_last() else { continue };
        let is_of_row = outer.iter().map(String::as_str).eq(prefix.iter().copied());
        if !is_of_row || found.iter().any(|known| known.name == *name) {
            continue;
        }
        if let Some(value) = object.get(name) {
            found.push(Member {
                name: name.clone(),
                value: value.clone(),
                name_span: place(&member.name),
                value_span: place(&member.value),
            });
        }
    }
    Some((found, read.is_elided))
}

fn column_of<'a>(table: &'a Table, name: &str) -> Option<&'a Column> {
    table.column(&names::snake(name))
}

/// Members of a request that no column stores.
fn unknown(data: &Data, table: &Table, members: &[Member]) -> Option<Diagnostic> {
    let stored = members.iter().filter(|member| column_of(table, &member.name).is_some()).count();
    let strange: Vec<&Member> =
        members.iter().filter(|member| !is_accounted_for(data, table, member)).collect();
    let (first, rest) = strange.split_first()?;
    // A body that shares nothing with the table is about something else.
    if stored == 0 {
        return None;
    }
    let words: Vec<String> = strange.iter().map(|member| format!("`{}`", member.name)).collect();
    let message =
        format!("the request sends {}, and `{}` has no such column", words.join(", "), table.name);
    let mut diagnostic = Diagnostic::new(&codes::A022, first.name_span, message)
        .label("stored nowhere")
        .also(table.span, format!("table `{}`", table.name));
    for member in rest.iter().take(8) {
        diagnostic = diagnostic.also(member.name_span, "stored nowhere");
    }
    let known = table.columns.iter().map(|column| column.name.as_str());
    let near = crate::diagnostic::similar(&names::snake(&first.name), known);
    Some(match near.first() {
        Some(near) => diagnostic.help(format!("a column with a similar name exists: `{near}`")),
        None => {
            diagnostic.help(format!("add the column to `{}`, or take the member out", table.name))
        }
    })
}

/// Stored, or known to be sent without being a column.
fn is_accounted_for(data: &Data, table: &Table, member: &Member) -> bool {
    let name = names::snake(&member.name);
    let normal = names::normal(&member.name);
    let has = |test: &dyn Fn(&Column) -> bool| table.columns.iter().any(test);
    column_of(table, &member.name).is_some()
        || (name.contains("password") && has(&|column| column.name.contains("password")))
        || matches!(name.as_str(), "password" | "captcha" | "captcha_token" | "idempotency_key")
        || has(&|column| column.name.strip_suffix("_id") == Some(name.as_str()))
        || has(&|column| names::normal(&column.name) == normal)
        || member.value.is_object()
        || member.value.is_array()
        || data.tables.iter().any(|table| names::normal(&table.name) == normal)
}

/// Values of another type than their column's.
fn mismatch(data: &Data, table: &Table, members: &[Member]) -> Option<Diagnostic> {
    let wrong: Vec<(&Member, &Column, String)> = members
        .iter()
        .filter_map(|member| {
            let column = column_of(table, &member.name)?;
            let expected = expected(data, &column.kind, &member.value)?;
            Some((member, column, expected))
        })
        .collect();
    let ((member, column, expected), rest) = wrong.split_first()?;
    let message = format!(
        "the example gives `{}` as {}, and `{}.{}` is {expected}",
        member.name,
        described(&member.value),
        table.name,
        column.name
    );
    let mut diagnostic = Diagnostic::new(&codes::A023, member.value_span, message)
        .label(format!("not {expected}"))
        .also(column.type_span, format!("`{}` is declared here", column.name));
    for (member, column, expected) in rest.iter().take(8) {
        diagnostic = diagnostic
            .also(member.value_span, format!("not {expected}"))
            .also(column.type_span, format!("`{}` is declared here", column.name));
    }
    Some(diagnostic.help("write the value in the example as the column's type has it"))
}

fn described(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Number(_) => "a number",
        Value::Bool(_) => "a boolean",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
        Value::Null => "null",
    }
}

/// What the column's type asks for, where the value is surely something else.
fn expected(data: &Data, kind: &ColumnType, value: &Value) -> Option<String> {
    let words = match (kind, value) {
        (ColumnType::Integer { .. } | ColumnType::Serial { .. }, Value::String(text))
            if is_key_text(text) =>
        {
            "an integer"
        }
        (ColumnType::Integer { .. } | ColumnType::Serial { .. }, Value::Bool(_)) => "an integer",
        (ColumnType::Uuid, Value::Number(_)) => "a UUID",
        (ColumnType::Boolean, Value::Number(_)) => "a boolean",
        (ColumnType::Boolean, Value::String(text)) if matches!(text.as_str(), "true" | "false") => {
            "a boolean"
        }
        (ColumnType::Numeric { .. } | ColumnType::Real { .. }, Value::Bool(_)) => "a number",
        (ColumnType::Text { .. } | ColumnType::CaseInsensitiveText, Value::Number(_)) => "text",
        (ColumnType::Timestamp { .. } | ColumnType::Date, Value::Bool(_)) => "a point in time",
        (ColumnType::Enum { name }, Value::String(text)) => {
            let values = &data.enumeration(name)?.values;
            // `"active|inactive"` and `"string"` sketch a type, they are no values.
            let is_sketch = text.contains(['|', ' ', '/', '<', '[', '{', '.'])
                || matches!(text.as_str(), "string" | "enum" | "text" | "");
            let known = values.iter().any(|value| value.eq_ignore_ascii_case(text));
            if is_sketch || known {
                return None;
            }
            return Some(format!("one of `{}`", values.join("`, `")));
        }
        _ => return None,
    };
    Some(words.to_owned())
}

/// `123` or a UUID in quotes; `integer` and `<id>` sketch a type.
fn is_key_text(text: &str) -> bool {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_uuid = text.len() == 36 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    is_number || is_uuid
}

/// Columns that a create must give and the example leaves out.
fn missing(
    endpoint: &Endpoint,
    table: &Table,
    request: &Example,
    members: &[Member],
) -> Option<Diagnostic> {
    let sent = |column: &Column| {
        members.iter().any(|member| {
            let name = names::snake(&member.name);
            name == column.name
                || column.name.strip_suffix("_id") == Some(name.as_str())
                || (column.name.contains("password") && name.contains("password"))
        })
    };
    let given_by_path = |column: &Column| match &endpoint.binding {
        Binding::Table { nested: Some(nested), .. } => nested.column == column.name,
        _ => false,
    };
    let left_out: Vec<&Column> = table
        .columns
        .iter()
        .filter(|column| {
            !column.nullable
                && column.default.is_none()
                && column.generated.is_none()
                && !table.primary_key.contains(&column.name)
                && !table.foreign_keys.iter().any(|key| key.columns.contains(&column.name))
                && !column.name.ends_with("_at")
                && !column.touched_on_update
                && !matches!(column.kind, ColumnType::Serial { .. })
                && !super::tables::is_state_name(&column.name)
                && !given_by_path(column)
                && !sent(column)
        })
        .collect();
    let (first, rest) = left_out.split_first()?;
    if !members.iter().any(|member| column_of(table, &member.name).is_some()) {
        return None;
    }
    let words: Vec<String> = left_out.iter().map(|column| format!("`{}`", column.name)).collect();
    let message =
        format!("the request leaves out {}, which `{}` requires", words.join(", "), table.name);
    let mut diagnostic = Diagnostic::new(&codes::A024, request.span, message)
        .at(Level::Info)
        .label("would be refused")
        .also(first.span, "required: not null, and without a default");
    for column in rest.iter().take(6) {
        diagnostic = diagnostic.also(column.span, "required too");
    }
    Some(diagnostic.help("add it to the example, or give the column a default"))
}

/// Names of all members of examples of bound endpoints, and whether each spells a stored column
/// of several words.
pub(super) fn spelled<'a>(data: &'a Data, api: &'a Api) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    for endpoint in &api.endpoints {
        let (Binding::Table { table, .. } | Binding::Transition { table, .. }) = &endpoint.binding
        else {
            continue;
        };
        let Some(table) = data.table(table) else { continue };
        for example in endpoint.request.iter().chain(&endpoint.responses) {
            let mut open = vec![&example.body];
            while let Some(value) = open.pop() {
                match value {
                    Value::Array(items) => open.extend(items),
                    Value::Object(object) => {
                        for (name, value) in object {
                            let snake = names::snake(name);
                            let is_column = snake.contains('_') && table.column(&snake).is_some();
                            found.push((name.clone(), is_column));
                            open.push(value);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    found
}
