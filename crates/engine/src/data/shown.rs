//! Members of a row that is already JSON, read without making a tree of it.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The JSON of the named members, in the order of the names; none where one is missing or the row
/// is no object.
pub(crate) fn shown<'a>(row: &'a [u8], names: &[&str]) -> Option<Vec<&'a str>> {
    if let [name] = names
        && let Some(text) = first_text(row, name)
    {
        return Some(vec![text]);
    }
    let mut found = vec![None; names.len()];
    // Nothing is read behind the last that is wanted: then the map is not at its end, which is no error.
    let _ = serde_json::Deserializer::from_slice(row)
        .deserialize_map(Wanted { names, found: &mut found });
    found.into_iter().collect()
}

/// The first member, where it is the one of this name and holds a text without a backslash: most
/// tables begin with their key.
fn first_text<'a>(row: &'a [u8], name: &str) -> Option<&'a str> {
    let after_name = row.strip_prefix(b"{\"")?.strip_prefix(name.as_bytes())?;
    let value = after_name.strip_prefix(b"\":")?;
    let inside = value.strip_prefix(b"\"")?;
    let length = inside.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    match inside.get(length) {
        Some(b'"') => str::from_utf8(value.get(..length + 2)?).ok(),
        _ => None,
    }
}

struct Wanted<'n, 'a> {
    names: &'n [&'n str],
    found: &'n mut [Option<&'a str>],
}

impl<'de> Visitor<'de> for Wanted<'_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut row: A) -> Result<(), A::Error> {
        while self.found.iter().any(Option::is_none)
            && let Some(place) = row.next_key_seed(Named(self.names))?
        {
            match place.and_then(|place| self.found.get_mut(place)) {
                Some(member) => *member = Some(row.next_value::<&RawValue>()?.get()),
                None => {
                    row.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// The place of a member's name among those that are wanted.
struct Named<'n>(&'n [&'n str]);

impl<'de> serde::de::DeserializeSeed<'de> for Named<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<Self::Value, D::Error> {
        name.deserialize_str(self)
    }
}

impl Visitor<'_> for Named<'_> {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|wanted| *wanted == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(row: &str, names: &[&str], expected: Option<&[&str]>) {
        assert_eq!(shown(row.as_bytes(), names).as_deref(), expected, "{row} {names:?}");
    }

    #[test]
    fn wanted_members_come_in_the_order_of_their_names() {
        let row = r#"{"id":"a\"b","n":{"id":[1,2]},"at":1.50}"#;
        check(row, &["at", "id"], Some(&["1.50", r#""a\"b""#]));
        check(row, &["n"], Some(&[r#"{"id":[1,2]}"#]));
        check(row, &["id"], Some(&[r#""a\"b""#]));
        check(r#"{"id":"a","n":1}"#, &["id"], Some(&[r#""a""#]));
        check(r#"{"id":"","n":1}"#, &["id"], Some(&["\"\""]));
        check(r#"{"id2":"a","id":"b"}"#, &["id"], Some(&[r#""b""#]));
        check(r#"{"id":7,"n":1}"#, &["id"], Some(&["7"]));
        check(row, &[], Some(&[]));
        check(row, &["id", "missing"], None);
        check(r#"{"caf\u00e9":1}"#, &["café"], Some(&["1"]));
    }

    #[test]
    fn what_is_no_object_has_no_members() {
        check("[1]", &["id"], None);
        check("{\"id\":", &["id"], None);
        check("{\"id\":\"a", &["id"], None);
        check("", &["id"], None);
    }
}
