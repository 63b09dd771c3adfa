//! JSON as documents write it: with comments, trailing or forgotten commas, `...`, single quotes
//! and bare words. Gives a `serde_json::Value` and the bytes of every member.

use std::ops::Range;

use serde_json::{Map, Number, Value};

/// Deeper nesting than this is refused.
pub const DEPTH_MAX: usize = 64;

/// A value with the places of its members.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The value; ellipses and comments removed.
    pub value: Value,
    /// All members of all objects in the order in which they are written.
    pub members: Vec<Member>,
    /// True where `...` left something out.
    pub is_elided: bool,
    /// All of it.
    pub range: Range<usize>,
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Names from the outside in; items of lists do not count.
    pub path: Vec<String>,
    /// The name's bytes, quotes included.
    pub name: Range<usize>,
    /// The value's bytes.
    pub value: Range<usize>,
}

/// Why a text is not JSON even so.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The byte where reading stopped.
    pub at: usize,
    /// The reason, in lower case.
    pub reason: &'static str,
}

/// Reads the first object or list of a text; what stands before it is passed over, so that an HTTP
/// message's body is found too. The document's `range` says where it ended.
///
/// # Errors
/// Where there is none, or it is broken.
pub fn read(text: &str) -> Result<Document, Problem> {
    read_from(text, 0)
}

/// Reads all objects and lists of a text, one after another.
///
/// # Errors
/// Where one is broken. A text without any gives an empty list.
pub fn read_all(text: &str) -> Result<Vec<Document>, Problem> {
    let mut documents = Vec::new();
    let mut from = 0;
    while start_of(text, from).is_some() {
        let document = read_from(text, from)?;
        from = document.range.end;
        documents.push(document);
    }
    Ok(documents)
}

fn read_from(text: &str, from: usize) -> Result<Document, Problem> {
    let start = start_of(text, from).ok_or(Problem { at: from, reason: "no object or list" })?;
    let mut reader = Reader {
        text,
        at: start,
        depth: 0,
        path: Vec::new(),
        members: Vec::new(),
        is_elided: false,
    };
    let value = reader.value()?;
    let Reader { at, members, is_elided, .. } = reader;
    Ok(Document { value, members, is_elided, range: start..at })
}

/// Where the first `{` or `[` outside of comments stands.
fn start_of(text: &str, from: usize) -> Option<usize> {
    let mut skipper = Reader {
        text,
        at: from,
        depth: 0,
        path: Vec::new(),
        members: Vec::new(),
        is_elided: false,
    };
    loop {
        skipper.space().ok()?;
        match skipper.peek()? {
            // A bracket inside of a path is a parameter of a request line.
            '{' | '[' if !text[..skipper.at].ends_with('/') => return Some(skipper.at),
            c => skipper.at += c.len_utf8(),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    path: Vec<String>,
    members: Vec<Member>,
    is_elided: bool,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn problem<T>(&self, reason: &'static str) -> Result<T, Problem> {
        Err(Problem { at: self.at.min(self.text.len()), reason })
    }

    /// Passes over white space, comments and ellipses' commas.
    fn space(&mut self) -> Result<(), Problem> {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start().len();
            if blank > 0 {
                self.at += blank;
            } else if rest.starts_with("//") || rest.starts_with('#') {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                match rest.find("*/") {
                    Some(end) => self.at += end + 2,
                    None => return self.problem("a comment is not closed"),
                }
            } else {
                return Ok(());
            }
        }
    }

    /// Passes over white space and any number of commas and ellipses.
    fn separators(&mut self) -> Result<(), Problem> {
        loop {
            self.space()?;
            let rest = self.rest();
            if rest.starts_with(',') {
                self.at += 1;
            } else if rest.starts_with("...") {
                self.at += rest.len() - rest.trim_start_matches('.').len();
                self.is_elided = true;
                self.words_after_ellipsis();
            } else if rest.starts_with('…') {
                self.at += '…'.len_utf8();
                self.is_elided = true;
                self.words_after_ellipsis();
            } else {
                return Ok(());
            }
        }
    }

    /// `... other fields` is one ellipsis.
    fn words_after_ellipsis(&mut self) {
        let line = self.rest().split('\n').next().unwrap_or("");
        let words = line.find([',', '}', ']', '{', '[', '"', ':', '/']).unwrap_or(line.len());
        self.at += words;
    }

    fn value(&mut self) -> Result<Value, Problem> {
        self.space()?;
        match self.peek() {
            Some('{') => self.nested(Self::object),
            Some('[') => self.nested(Self::list),
            Some(quote @ ('"' | '\'' | '`')) => self.string(quote).map(Value::String),
            Some(',' | '}' | ']') => self.problem("a value is missing"),
            Some(_) => Ok(self.bare()),
            None => self.problem("the text ends where a value should be"),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Problem>) -> Result<Value, Problem> {
        if self.depth >= DEPTH_MAX {
            return self.problem("nested too deeply");
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Value, Problem> {
        let mut object = Map::new();
        loop {
            self.separators()?;
            match self.peek() {
                Some('}') => {
                    self.at += 1;
                    return Ok(Value::Object(object));
                }
                Some(']') => return self.problem("`]` closes an object"),
                None => return self.problem("an object is not closed"),
                Some(_) => {}
            }
            let start = self.at;
            let name = self.name()?;
            let name_range = start..self.at;
            self.space()?;
            if self.peek() != Some(':') {
                return self.problem("a member has no `:` after its name");
            }
            self.at += 1;
            self.space()?;
            let value_start = self.at;
            let index = self.members.len();
            self.path.push(name.clone());
            self.members.push(Member { path: self.path.clone(), name: name_range, value: 0..0 });
            let elided = matches!(self.rest().get(..3), Some("..."));
            let value = if elided {
                self.separators()?;
                Value::Null
            } else {
                self.value()?
            };
            self.path.pop();
            if let Some(member) = self.members.get_mut(index) {
                member.value = value_start..self.at;
            }
            object.insert(name, value);
        }
    }

    fn list(&mut self) -> Result<Value, Problem> {
        let mut items = Vec::new();
        loop {
            self.separators()?;
            match self.peek() {
                Some(']') => {
                    self.at += 1;
                    return Ok(Value::Array(items));
                }
                Some('}') => return self.problem("`}` closes a list"),
                None => return self.problem("a list is not closed"),
                Some(_) => {}
            }
            items.push(self.value()?);
        }
    }

    fn name(&mut self) -> Result<String, Problem> {
        match self.peek() {
            Some(quote @ ('"' | '\'' | '`')) => self.string(quote),
            _ => {
                let rest = self.rest();
                let end =
                    rest.find([':', ',', '}', ']', '{', '[', '\n', '"']).unwrap_or(rest.len());
                let name = rest[..end].trim().trim_end_matches('?').to_owned();
                if name.is_empty() {
                    return self.problem("a member has no name");
                }
                self.at += end;
                Ok(name)
            }
        }
    }

    fn string(&mut self, quote: char) -> Result<String, Problem> {
        let start = self.at;
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((offset, c)) = characters.next() {
            if c == quote {
                self.at = start + offset + quote.len_utf8();
                return Ok(text);
            }
            if c == '\n' && quote != '`' {
                break;
            }
            if c != '\\' {
                text.push(c);
                continue;
            }
            match characters.next().map(|(_, c)| c) {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some('u') => {
                    let digits: String = characters.by_ref().take(4).map(|(_, c)| c).collect();
                    let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                    text.push(code.unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                Some(other) => text.push(other),
                None => break,
            }
        }
        self.at = start;
        self.problem("a string is not closed")
    }

    /// A number, a keyword, or bare words up to the next structural character.
    fn bare(&mut self) -> Value {
        let rest = self.rest();
        let mut end = rest.find([',', '}', ']', '\n', '{', '[']).unwrap_or(rest.len());
        if let Some(comment) = rest[..end].find("//")
            && !rest[..comment].ends_with(':')
        {
            end = comment;
        }
        // A structural character right here (`:` aside) would never end the loop of a caller.
        if end == 0 {
            end = rest.chars().next().map_or(0, char::len_utf8);
        }
        let word = rest[..end].trim_end();
        let value = match word {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" | "undefined" | "" => Value::Null,
            _ => number(word).map_or_else(|| Value::String(word.to_owned()), Value::Number),
        };
        self.at += word.len().max(usize::from(end > 0 && word.is_empty()));
        value
    }
}

fn number(word: &str) -> Option<Number> {
    if let Ok(whole) = word.parse::<i64>() {
        return Some(Number::from(whole));
    }
    let starts = word.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    let value = word.parse::<f64>().ok().filter(|value| starts && value.is_finite())?;
    Number::from_f64(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(text: &str, expected: Value) {
        assert_eq!(read(text).map(|document| document.value), Ok(expected), "{text}");
    }

    #[test]
    fn strict_json_is_read_as_it_is() {
        check(
            r#"{"a": [1, 2.5, "x\n\u00e9", null, true]}"#,
            json!({"a": [1, 2.5, "x\né", null, true]}),
        );
    }

    #[test]
    fn comments_ellipses_and_sloppy_commas_are_passed_over() {
        check(
            "{ // first\n \"a\": 1, # two\n /* three */ \"b\": {...},\n ...\n}",
            json!({"a": 1, "b": {}}),
        );
        check("{\"data\": [ ... ], \"more\": ...}", json!({"data": [], "more": null}));
        check("{\"a\": 1\n \"b\": 2,}", json!({"a": 1, "b": 2}));
        check("{\"a\": 1, … other members\n}", json!({"a": 1}));
    }

    #[test]
    fn bare_words_and_single_quotes_are_strings() {
        check(
            "{id: uuid, 'n': string | null, x?: 5}",
            json!({"id": "uuid", "n": "string | null", "x": 5}),
        );
    }

    #[test]
    fn the_body_of_a_message_is_found_after_its_head() {
        check("HTTP/1.1 200 OK\nX-A: b\n\n{\"a\": 1}", json!({"a": 1}));
    }

    #[test]
    fn several_values_are_read_one_after_another() {
        assert_eq!(read_all("{\"a\":1}\n// then\n[2]").map(|all| all.len()), Ok(2));
    }

    #[test]
    fn members_know_their_bytes_and_paths() {
        let text = "{\"error\": {\"code\": \"X\"}}";
        let document = read(text).expect("json");
        assert_eq!(document.members[1].path, ["error", "code"]);
        assert_eq!(&text[document.members[1].value.clone()], "\"X\"");
        assert_eq!(&text[document.members[0].value.clone()], "{\"code\": \"X\"}");
    }

    #[test]
    fn what_is_broken_is_said_where_it_is() {
        for (text, at) in [("{\"a\": 1", 7), ("{\"a\" 1}", 5), ("{\"a\": \"b\n}", 6), ("[1}", 2)] {
            assert_eq!(read(text).map_err(|problem| problem.at), Err(at), "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_without_overflow() {
        assert!(read(&"[".repeat(1_000_000)).is_err());
        assert!(read(&"{\"a\":".repeat(1_000_000)).is_err());
    }
}
