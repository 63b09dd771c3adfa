//! Entity tags: a strong tag is a hash of the row's bytes as they are shown.

use sha2::{Digest, Sha256};
use store::{Expression, Operator, Value};

use crate::data::{Resource, is_null};

/// The tag of a row's bytes, in quotes.
pub(crate) fn tag(row: &[u8]) -> String {
    let hash = Sha256::digest(row);
    let mut tag = String::with_capacity(34);
    tag.push('"');
    for byte in hash.iter().take(16) {
        for half in [byte >> 4, byte & 15] {
            tag.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
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
    let members: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(row).ok()?;
    let mut same = Expression::Always(true);
    for field in resource.fields.iter().filter(|field| !field.write_only) {
        let json = members.get(&*field.shown)?;
        let column = Expression::column(&*field.name);
        let condition = match json {
            serde_json::Value::Null => is_null(column, false),
            json => {
                let value = field.kind.parse_json(json).ok()?;
                // JSON is compared as the text that it was shown as.
                match (&value, json) {
                    (Value::Json(_), _) => continue,
                    _ => column.binary(Operator::Equal, value.into()),
                }
            }
        };
        same = same.and(condition);
    }
    Some(same)
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
