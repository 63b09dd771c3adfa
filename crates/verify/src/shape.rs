//! How the document's own samples shape what is sent and answered: member names, envelopes, errors.

use document::{
    System,
    api::{JsonCase, PageMember},
};
use serde_json::{Map, Value as Json};

/// A column's name as members spell it.
pub(crate) fn shown(system: &System, column: &str) -> String {
    match system.api.json_case {
        JsonCase::Snake => column.to_owned(),
        JsonCase::Camel => camel(column),
    }
}

/// `created_at` as `createdAt`.
fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut raise = false;
    for letter in name.chars() {
        match letter {
            '_' if !camel.is_empty() => raise = true,
            letter if raise => {
                camel.extend(letter.to_uppercase());
                raise = false;
            }
            letter => camel.push(letter),
        }
    }
    camel
}

/// `createdAt` and `Created-At` as `created_at`.
pub(crate) fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut was_lower = false;
    for letter in name.chars() {
        if letter.is_uppercase() && was_lower {
            snake.push('_');
        }
        was_lower = letter.is_lowercase() || letter.is_ascii_digit();
        match letter {
            '-' | ' ' => snake.push('_'),
            letter => snake.extend(letter.to_lowercase()),
        }
    }
    snake
}

/// The one row of a successful body.
pub(crate) fn row<'j>(system: &System, body: &'j Json) -> Option<&'j Map<String, Json>> {
    match &system.api.envelope.item {
        Some(member) => body.get(member)?.as_object(),
        None => body.as_object(),
    }
}

/// The rows of a list.
pub(crate) fn rows<'j>(system: &System, body: &'j Json) -> Option<&'j Vec<Json>> {
    let envelope = &system.api.envelope;
    match envelope.bare_list {
        true => body.as_array(),
        false => body.get(envelope.list.as_deref().unwrap_or("data"))?.as_array(),
    }
}

/// A member of the paging block.
pub(crate) fn page_member<'j>(
    system: &System,
    body: &'j Json,
    member: PageMember,
) -> Option<&'j Json> {
    let block = match &system.api.envelope.page {
        Some(name) => body.get(name)?,
        None => body,
    };
    let declared = &system.api.pagination.members;
    if !declared.is_empty() {
        let (name, _) = declared.iter().find(|(_, other)| *other == member)?;
        return block.get(name);
    }
    let name = match member {
        PageMember::Page => "page",
        PageMember::Limit => "limit",
        PageMember::HasNext => "has_next",
        PageMember::NextCursor => "next_cursor",
        PageMember::Total => "total",
        _ => return None,
    };
    block.get(shown(system, name))
}

/// A value at a path of members.
pub(crate) fn at<'j>(body: &'j Json, path: &[String]) -> Option<&'j Json> {
    path.iter().try_fold(body, |value, member| value.get(member))
}

/// The first value below whose member's name is one of these, in any spelling.
pub(crate) fn found<'j>(body: &'j Json, names: &[&str]) -> Option<&'j Json> {
    match body {
        Json::Object(members) => {
            let own = members.iter().find(|(name, value)| {
                names.contains(&snake(name).as_str()) && !value.is_object() && !value.is_null()
            });
            match own {
                Some((_, value)) => Some(value),
                None => members.values().find_map(|value| found(value, names)),
            }
        }
        Json::Array(items) => items.iter().find_map(|item| found(item, names)),
        _ => None,
    }
}

/// Text for a path or a query string: a string without its quotes, anything else as JSON.
pub(crate) fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// One segment of a path, escaped.
pub(crate) fn segment(value: &Json) -> String {
    const UNSAFE: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    percent_encoding::utf8_percent_encode(&text(value), UNSAFE).to_string()
}

/// `a=1&b[gte]=2`, escaped.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
