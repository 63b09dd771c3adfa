//! Values of the document's variables: from an env file and the environment, which wins.

use std::{collections::BTreeMap, path::Path};

use crate::Failure;

/// All variables that are set.
pub(crate) fn variables(file: Option<&Path>) -> Result<BTreeMap<String, String>, Failure> {
    let mut variables = match file {
        Some(path) => read(path)?,
        None => BTreeMap::new(),
    };
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    variables.extend(environment);
    Ok(variables)
}

fn read(path: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))?;
    let mut variables = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        match parsed(line) {
            Ok(None) => {}
            Ok(Some((name, value))) => {
                variables.insert(name, value);
            }
            // The line itself is not shown: it may hold a secret.
            Err(why) => {
                let place = format!("{}:{}", path.display(), index + 1);
                return Err(Failure::new(format!("{place}: {why}")));
            }
        }
    }
    Ok(variables)
}

/// `NAME=value`, `export NAME="value"`; comments and empty lines give nothing.
fn parsed(line: &str) -> Result<Option<(String, String)>, &'static str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=').ok_or("a line is NAME=value")?;
    let name = name.trim();
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if name.is_empty() || !name.chars().all(is_name) {
        return Err("a name has letters, digits and underscores");
    }
    let value = value.trim();
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
            .ok_or("a quoted value ends with the same quote")?,
        // What follows a blank and `#` is a comment, as shells have it.
        _ => value.split_once(" #").map_or(value, |(value, _)| value.trim_end()),
    };
    Ok(Some((name.to_owned(), value.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::parsed;

    fn check(line: &str, expected: Option<(&str, &str)>) {
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(parsed(line), Ok(expected), "{line}");
    }

    #[test]
    fn values_are_read_as_shells_read_them() {
        check("# a comment", None);
        check("", None);
        check("A=1", Some(("A", "1")));
        check("export B = 'two words'", Some(("B", "two words")));
        check("C=\"a#b\"", Some(("C", "a#b")));
        check("D=x # why", Some(("D", "x")));
        check("E=a=b", Some(("E", "a=b")));
        check("F=", Some(("F", "")));
    }

    #[test]
    fn a_line_without_a_name_is_refused() {
        assert!(parsed("just words").is_err());
        assert!(parsed("=1").is_err());
        assert!(parsed("A='1").is_err());
        assert!(parsed("A='").is_err());
    }
}
