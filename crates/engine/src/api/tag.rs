//! Entity tags: a strong tag is a hash of the row's bytes as they are shown.

use std::{borrow::Cow, collections::HashMap};

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use store::{Expression, Kind, Operator, Value};

use crate::{
    data::{Resource, is_null, or},
    sabotage::{self, Sabotage},
};

/// The tag of a row's bytes, in quotes.
pub(crate) fn tag(row: &[u8]) -> String {
    let row = if sabotage::is(Sabotage::ConstantTag) { &[] } else { row };
    let hash = Sha256::digest(row);
    let mut tag = String::with_capacity(34);
    tag.push('"');
    for byte in hash.iter().take(16) {
        for half in [byte >> 4, byte & 15] {
            tag.push(char::from(if half < 10 { b'0' + half } else { b'a' - 10 + half }));
        }
    }
    tag.push('"');
    tag
}

/// True where a list of tags, such as `"a", W/"b"`, names this one or is `*`. `weak` lets weak tags
/// count too, as `If-None-Match` does.
pub(crate) fn names(list: &str, tag: &str, weak: bool) -> bool {
    list.split(',').map(str::trim).any(|one| {
        one == "*"
            || one == tag
            || (weak && one.strip_prefix("W/").is_some_and(|strong| strong == tag))
    })
}

/// What holds for a row that still has the values that it showed.
pub(crate) fn unchanged(resource: &Resource, row: &[u8]) -> Option<Expression> {
    let members: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_slice(row).ok()?;
    let mut same = Expression::Always(true);
    for field in resource.fields.iter().filter(|field| !field.write_only) {
        let shown = members.get(&*field.shown)?.get();
        let column = Expression::column(&*field.name);
        let is_text_of_json = matches!(field.kind, Kind::Json | Kind::Array { .. });
        let condition = match shown {
            "null" if is_text_of_json => {
                or(is_null(column.clone(), false), equals(column, Value::Json("null".to_owned())))
            }
            "null" => is_null(column, false),
            // JSON is shown as the text that it is kept as.
            json if is_text_of_json => equals(column, Value::Json(json.to_owned())),
            json => equals(column, field.kind.parse_json(&serde_json::from_str(json).ok()?).ok()?),
        };
        same = same.and(condition);
    }
    Some(same)
}

fn equals(column: Expression, value: Value) -> Expression {
    column.binary(Operator::Equal, value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(list: &str, weak: bool, expected: bool) {
        assert_eq!(names(list, "\"a\"", weak), expected, "{list}");
    }

    #[test]
    fn a_list_of_tags_names_one_of_them() {
        check("\"b\", \"a\"", false, true);
        check("*", false, true);
        check("\"b\"", false, false);
        check("W/\"a\"", false, false);
        check("W/\"a\"", true, true);
    }

    #[test]
    fn a_tag_follows_the_bytes() {
        assert_eq!(tag(b"{}"), tag(b"{}"));
        assert_ne!(tag(b"{}"), tag(b"{ }"));
    }
}
