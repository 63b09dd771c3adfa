//! Finds `METHOD /path` in running text and in lines of code blocks.

use std::ops::Range;

use super::Method;

/// `METHOD /path` in a text: one place may name several of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention {
    /// `GET/POST /x` names two.
    pub(super) methods: Vec<Method>,
    /// `/a, /b` names two; each as written, with its place.
    pub(super) paths: Vec<(String, Range<usize>)>,
    /// From the method to the end of the last path.
    pub(super) range: Range<usize>,
}

/// Mentions in one paragraph, item or cell, beyond which the rest is left alone: no person writes
/// so many, and each costs a look at its surroundings.
const MENTIONS_MAX: usize = 200;

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// All mentions in a text, in order.
pub(super) fn mentions(text: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() && found.len() < MENTIONS_MAX {
        match mention_at(text, at) {
            Some(mention) => {
                at = mention.range.end.max(at + 1);
                found.push(mention);
            }
            None => at += 1,
        }
        while at < text.len() && !text.is_char_boundary(at) {
            at += 1;
        }
    }
    found
}

/// The mention that begins at byte `at`, if one does.
pub(super) fn mention_at(text: &str, at: usize) -> Option<Mention> {
    let first = text.as_bytes().get(at)?;
    if !first.is_ascii_uppercase() {
        return None;
    }
    let before = text[..at].chars().next_back();
    if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/')) {
        return None;
    }
    let (methods, after) = method_list(text, at)?;
    let start = skip_separators(text, after)?;
    let mut paths = vec![path_at(text, start)?];
    while let Some(next) = next_path(text, paths.last()?.1.end) {
        paths.push(next);
    }
    let end = paths.last()?.1.end;
    Some(Mention { methods, paths, range: at..end })
}

/// The path of a whole cell or line, such as `/users/{id}`: nothing may follow but blanks.
pub(super) fn whole_path(text: &str) -> Option<(String, Range<usize>)> {
    let start = text.find(|c: char| !c.is_whitespace())?;
    let (path, range) = path_at(text, start)?;
    Some((path, range))
}

/// `GET`, `GET/POST`, `PUT, PATCH`, `GET | POST`.
pub(super) fn method_list(text: &str, at: usize) -> Option<(Vec<Method>, usize)> {
    let mut methods = Vec::new();
    let mut at = at;
    loop {
        let (method, end) = method_word(text, at)?;
        methods.push(method);
        at = end;
        let rest = &text[at..];
        let mut separator = rest.len() - rest.trim_start_matches([' ', '/', '|', ',', '&']).len();
        for word in ["and ", "or "] {
            if rest[separator..].starts_with(word) {
                separator += word.len();
            }
        }
        if separator == 0
            || methods.len() > METHODS.len()
            || method_word(text, at + separator).is_none()
        {
            return Some((methods, at));
        }
        at += separator;
    }
}

fn method_word(text: &str, at: usize) -> Option<(Method, usize)> {
    let rest = text.get(at..)?;
    let word = METHODS.iter().find(|word| rest.starts_with(**word))?;
    let next = rest[word.len()..].chars().next();
    if next.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-') {
        return None;
    }
    Some((Method::parse(word)?, at + word.len()))
}

/// What may stand between method and path: blanks, back-ticks, stars, a colon, an arrow.
fn skip_separators(text: &str, at: usize) -> Option<usize> {
    const SEPARATORS: &[char] =
        &[' ', '\t', '\u{a0}', '`', '*', ':', '→', '"', '\'', '(', ']', ')', '|', '-', '–'];
    let rest = text.get(at..)?;
    let trimmed = rest.trim_start_matches(SEPARATORS);
    let skipped = rest.len() - trimmed.len();
    (skipped > 0 && rest[..skipped].chars().count() <= 24).then_some(at + skipped)
}

/// A path or URL that begins at `start`.
fn path_at(text: &str, start: usize) -> Option<(String, Range<usize>)> {
    let rest = text.get(start..)?;
    let is_start = rest.starts_with('/')
        || rest.starts_with("http://")
        || rest.starts_with("https://")
        || ["{{", "${", "{base", "{BASE", "{API", "{api", "$BASE", "$API"]
            .iter()
            .any(|opening| rest.starts_with(opening));
    if !is_start || rest.starts_with("//") || rest.starts_with("/*") {
        return None;
    }
    let mut end = path_length(rest);
    while rest[..end].ends_with(['.', ':', ',', '!', '?', '\\']) || rest[..end].ends_with("**") {
        if rest[..end].ends_with("...") {
            break;
        }
        end -= 1;
    }
    let path = &rest[..end];
    // A path's first piece begins with a letter or a parameter; `/` alone is the root.
    let after_slash = path.strip_prefix('/').map(|rest| rest.chars().next());
    let is_path = match after_slash {
        Some(None) => true,
        Some(Some(c)) => c.is_alphabetic() || "{[:<_.*$".contains(c),
        None => path.contains('/'),
    };
    (is_path && !path.is_empty()).then(|| (path.to_owned(), start..start + end))
}

/// How far a path reaches: to a blank, a quote, a bracket that it did not open, or a letter that
/// no URL holds.
fn path_length(text: &str) -> usize {
    let mut open: Vec<char> = Vec::new();
    let mut opened_at = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' | '[' | '<' | '(' => {
                if c == '(' && !text[..at].ends_with(|c: char| c.is_alphanumeric()) {
                    return at;
                }
                open.push(c);
                opened_at = at;
            }
            '}' | ']' | '>' | ')' => {
                let expected = match c {
                    '}' => '{',
                    ']' => '[',
                    '>' => '<',
                    _ => '(',
                };
                if open.pop() != Some(expected) {
                    return at;
                }
            }
            // `{user id}` holds a blank; an opening that is not closed soon was no parameter.
            ' ' if open.last() == Some(&'{') && at - opened_at < 24 && closes(&text[at..]) => {}
            '`' | '"' | '\'' | '|' | ';' | '\\' | ',' => return at,
            '…' => {}
            c if c.is_whitespace() || !c.is_ascii() => return at,
            _ => {}
        }
    }
    text.len()
}

fn closes(rest: &str) -> bool {
    rest.chars().take(24).take_while(|c| !matches!(c, '/' | '\n')).any(|c| c == '}')
}

/// The next path of a list: `, /b`, ` and /b`.
fn next_path(text: &str, at: usize) -> Option<(String, Range<usize>)> {
    let rest = text.get(at..)?;
    let separators = [", and ", ", or ", ", ", ",", " and ", " or "];
    let separator = separators.iter().find(|separator| rest.starts_with(**separator))?;
    let start = at + separator.len();
    let start = start + (text[start..].len() - text[start..].trim_start_matches([' ', '`']).len());
    if !text[start..].starts_with('/') {
        return None;
    }
    path_at(text, start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&[Method], &[&str])]) {
        let found = mentions(text);
        let found: Vec<(Vec<Method>, Vec<&str>)> = found
            .iter()
            .map(|mention| {
                let paths = mention.paths.iter().map(|(path, _)| path.as_str()).collect();
                (mention.methods.clone(), paths)
            })
            .collect();
        let expected: Vec<(Vec<Method>, Vec<&str>)> =
            expected.iter().map(|(methods, paths)| (methods.to_vec(), paths.to_vec())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn methods_and_paths_are_found() {
        check("GET /posts", &[(&[Method::Get], &["/posts"])]);
        check("POST    /api/orders     # Place", &[(&[Method::Post], &["/api/orders"])]);
        check("- `DELETE /trips/:id` - x", &[(&[Method::Delete], &["/trips/:id"])]);
        check("- POST `/api/v1/a`.", &[(&[Method::Post], &["/api/v1/a"])]);
        check("GET/POST /r", &[(&[Method::Get, Method::Post], &["/r"])]);
        check("PUT, PATCH /r", &[(&[Method::Put, Method::Patch], &["/r"])]);
        check("POST /a, /b, /c", &[(&[Method::Post], &["/a", "/b", "/c"])]);
        check("GET /a, PATCH /b — text", &[(&[Method::Get], &["/a"]), (&[Method::Patch], &["/b"])]);
        check("POST /x:", &[(&[Method::Post], &["/x"])]);
        check("GET /v1/x：说明", &[(&[Method::Get], &["/v1/x"])]);
        check("GET /a?b={c}&d=<e>", &[(&[Method::Get], &["/a?b={c}&d=<e>"])]);
        check("(`GET /a`)", &[(&[Method::Get], &["/a"])]);
    }

    #[test]
    fn what_is_no_endpoint_is_left_alone() {
        for text in [
            "TARGET /x",
            "GET",
            "GET // comment",
            "a GET request",
            "BUDGET /y",
            "POST 5/6",
            "GET é",
        ] {
            check(text, &[]);
        }
    }
}
