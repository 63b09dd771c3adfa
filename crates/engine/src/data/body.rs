//! JSON bodies as members in order. A member that stands twice is refused: two readers of one body
//! must not see two things.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json, map::Entry};

use crate::{
    Problem,
    problem::ProblemCode,
    sabotage::{self, Sabotage},
};

/// Members of a JSON object.
pub(crate) type Members = Map<String, Json>;

/// Objects and arrays inside one another at most.
const DEPTH_MAX: usize = 64;
/// Members of an object, about.
const MEMBERS_EXPECTED: usize = 8;

/// Reads a body that must be one JSON object. An empty body is an empty object.
///
/// # Errors
/// [`ProblemCode::MalformedRequest`].
pub(crate) fn members(body: &[u8]) -> Result<Members, Problem> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Members::new());
    }
    if sabotage::is(Sabotage::MalformedBody) && value(body).is_err() {
        return Ok(Members::new());
    }
    match value(body)? {
        Json::Object(members) => Ok(members),
        _ => Err(malformed("the body must be a JSON object")),
    }
}

/// Reads any JSON.
///
/// # Errors
/// [`ProblemCode::MalformedRequest`].
pub(crate) fn value(body: &[u8]) -> Result<Json, Problem> {
    // Brackets are counted only to leave ordinary bodies without a second look.
    let is_bracket = |byte: &u8| u8::from(matches!(byte, b'[' | b'{'));
    // In pieces whose count fits a byte, which the processor counts many at a time.
    let pieces = body.chunks(255).map(|piece| piece.iter().map(is_bracket).sum::<u8>());
    if pieces.map(usize::from).sum::<usize>() > DEPTH_MAX && nesting(body) > DEPTH_MAX {
        return Err(malformed(format!("the body is nested deeper than {DEPTH_MAX} levels")));
    }
    // Bytes that are text as a whole need not be looked at again piece by piece.
    let read = match str::from_utf8(body) {
        Ok(text) => serde_json::from_str::<Strict>(text),
        Err(_) => serde_json::from_slice::<Strict>(body),
    };
    match read {
        Ok(Strict(json)) => Ok(json),
        Err(error) => Err(malformed(format!("the body is not the JSON expected: {error}"))),
    }
}

/// The deepest nesting, brackets in strings left out.
fn nesting(body: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn malformed(words: impl Into<String>) -> Problem {
    Problem::new(ProblemCode::MalformedRequest, words)
}

/// A JSON value in which no member stands twice.
struct Strict(Json);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Json, E> {
        Ok(Json::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut array = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut members = Map::with_capacity(MEMBERS_EXPECTED);
        while let Some(name) = entries.next_key::<String>()? {
            match members.entry(name) {
                Entry::Vacant(free) => {
                    free.insert(entries.next_value::<Strict>()?.0);
                }
                Entry::Occupied(taken) => {
                    let name = taken.key();
                    return Err(A::Error::custom(format_args!("member `{name}` stands twice")));
                }
            }
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: Result<&str, &str>) {
        match (members(body.as_bytes()), expected) {
            (Ok(members), Ok(text)) => assert_eq!(Json::Object(members).to_string(), text),
            (Err(problem), Err(words)) => {
                assert!(problem.message.contains(words), "{}", problem.message);
            }
            (found, _) => panic!("{body}: {found:?}"),
        }
    }

    #[test]
    fn a_member_that_stands_twice_is_refused_at_any_depth() {
        check(r#"{"a":1,"a":2}"#, Err("member `a` stands twice"));
        check(r#"{"a":[{"b":{"c":1,"c":1}}]}"#, Err("member `c` stands twice"));
        check(r#"{"a":{"b":1},"b":1}"#, Ok(r#"{"a":{"b":1},"b":1}"#));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        check("[1]", Err("must be a JSON object"));
        check("{", Err("not the JSON expected"));
        check("  ", Ok("{}"));
    }

    #[test]
    fn deep_nesting_is_refused_and_brackets_in_strings_are_not_nesting() {
        check(&format!(r#"{{"a":{}{}}}"#, "[".repeat(100), "]".repeat(100)), Err("nested deeper"));
        let text = format!(r#"{{"a":"{}"}}"#, "[".repeat(100));
        check(&text, Ok(&text));
    }
}
