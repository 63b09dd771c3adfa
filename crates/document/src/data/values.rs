//! Closed lists of values, as people write them in comments: `draft, published`, `a | b | c`.

/// The values of a comment that is nothing but a list of at least two words; none where it says
/// that the list is open (`e.g.`, `etc.`, `...`) or where it is a sentence.
pub(crate) fn closed_values(text: &str) -> Option<Vec<String>> {
    let lower = text.to_lowercase();
    let is_open = ["e.g", "etc", "...", "…", "such as", "for example", "like ", "i.e", "?"]
        .iter()
        .any(|mark| lower.contains(mark));
    if is_open {
        return None;
    }
    let list = after_label(text);
    // `pending|paid (set by the webhook)`: what is in parentheses explains.
    let list = list.split('(').next().unwrap_or(list).trim().trim_end_matches('.');
    let separator = ['|', ',', '/'].into_iter().find(|&separator| list.contains(separator))?;
    let values: Vec<String> = list.split(separator).map(|value| clean(value).to_owned()).collect();
    let quoted = list.matches(['\'', '"', '`']).count() >= values.len() * 2;
    let fits = values.len() >= 2
        && values.len() <= VALUES_MAX
        && values.iter().all(|value| is_value(value))
        && (quoted || values.iter().all(|value| !is_prose(value)));
    let mut seen = std::collections::HashSet::new();
    (fits && values.iter().all(|value| seen.insert(value.as_str()))).then_some(values)
}

/// Longer lists are catalogues, not states.
const VALUES_MAX: usize = 40;

/// `Status: a, b` and `one of: a, b` are lists with a label.
fn after_label(text: &str) -> &str {
    match text.split_once(':') {
        Some((label, list)) if label.split_whitespace().count() <= 3 && !list.contains(':') => {
            list.trim()
        }
        _ => text,
    }
}

fn clean(value: &str) -> &str {
    let value = value.trim();
    let value = value.strip_prefix("or ").or_else(|| value.strip_prefix("and ")).unwrap_or(value);
    value.trim().trim_matches(['\'', '"', '`'])
}

fn is_value(value: &str) -> bool {
    value.chars().next().is_some_and(char::is_alphabetic)
        && value.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
        && value.len() <= 40
}

/// Words that no list of states has: the comment is running text with commas.
fn is_prose(value: &str) -> bool {
    const PROSE: &[&str] = &[
        "optional",
        "required",
        "nullable",
        "unique",
        "indexed",
        "encrypted",
        "hashed",
        "json",
        "uuid",
        "in",
        "the",
        "a",
        "see",
        "fk",
        "pk",
        "null",
        "cents",
        "url",
        "markdown",
        "html",
        "utc",
        "and",
        "or",
        "not",
        "primary",
        "default",
        "immutable",
        "denormalized",
        "cached",
        "plaintext",
        "bcrypt",
        "argon2",
        "s3",
        "iso",
    ];
    PROSE.iter().any(|word| word.eq_ignore_ascii_case(value))
}

#[cfg(test)]
mod tests {
    use super::closed_values;

    fn check(text: &str, expected: Option<&[&str]>) {
        let found = closed_values(text);
        let found: Option<Vec<&str>> =
            found.as_ref().map(|values| values.iter().map(String::as_str).collect());
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn a_list_of_words_is_closed() {
        check("draft, sent, paid", Some(&["draft", "sent", "paid"]));
        check("owner|admin|member", Some(&["owner", "admin", "member"]));
        check("'open', 'shut' (set by hand)", Some(&["open", "shut"]));
        check("status: OPEN / SHUT", Some(&["OPEN", "SHUT"]));
    }

    #[test]
    fn an_open_list_or_a_sentence_is_none() {
        check("e.g. draft, sent", None);
        check("draft, sent, etc.", None);
        check("hashed, never shown to clients", None);
        check("the price in cents", None);
        check("nullable, unique", None);
    }
}
