//! Names: one spelling for what documents write as `userId`, `UserID`, `user_id` or `"User Id"`.

/// A name in snake case: `createdAt` is `created_at`, `UserID` is `user_id`.
pub(crate) fn snake(name: &str) -> String {
    let chars: Vec<char> = name.trim().chars().collect();
    let mut out = String::with_capacity(name.len() + 4);
    for (at, &c) in chars.iter().enumerate() {
        if !c.is_alphanumeric() {
            if !out.ends_with('_') || c == '_' {
                out.push('_');
            }
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| chars.get(before));
        let after = chars.get(at + 1);
        let begins_word = c.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
            });
        if begins_word && !out.ends_with('_') {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// An entity's name for comparison: snake case and singular, so that `User`, `users` and
/// `USERS` are one.
pub(crate) fn entity_key(name: &str) -> String {
    let name = snake(name);
    let words: Vec<&str> = name.split('_').filter(|word| !word.is_empty()).collect();
    match words.split_last() {
        Some((last, before)) => {
            let mut key: String = before.concat();
            key.push_str(&singular(last));
            key
        }
        None => String::new(),
    }
}

/// The singular of an English noun, by its ending.
pub(crate) fn singular(word: &str) -> String {
    const UNCHANGED: &[&str] = &["status", "address", "bus", "news", "series", "analysis", "gas"];
    const IRREGULAR: &[(&str, &str)] = &[
        ("people", "person"),
        ("children", "child"),
        ("men", "man"),
        ("women", "woman"),
        ("indices", "index"),
        ("statuses", "status"),
        ("addresses", "address"),
        ("analyses", "analysis"),
        ("movies", "movie"),
        ("cookies", "cookie"),
    ];
    if UNCHANGED.contains(&word) || word.ends_with("ss") || word.ends_with("us") {
        return word.to_owned();
    }
    if let Some((_, singular)) = IRREGULAR.iter().find(|(plural, _)| *plural == word) {
        return (*singular).to_owned();
    }
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return format!("{stem}y");
    }
    for ending in ["sses", "xes", "ches", "shes", "zes"] {
        if word.ends_with(ending) {
            return word[..word.len() - 2].to_owned();
        }
    }
    word.strip_suffix('s').unwrap_or(word).to_owned()
}

/// The plural of an English noun, by its ending.
pub(crate) fn plural(word: &str) -> String {
    const UNCOUNTED: &[&str] = &[
        "data",
        "metadata",
        "media",
        "information",
        "feedback",
        "equipment",
        "staff",
        "software",
        "content",
        "inventory",
        "history",
        "stock",
        "people",
        "children",
    ];
    if singular(word) != word || UNCOUNTED.contains(&word) {
        return word.to_owned();
    }
    if let Some(stem) = word.strip_suffix('y')
        && !stem.ends_with(['a', 'e', 'i', 'o', 'u'])
    {
        return format!("{stem}ies");
    }
    if ["s", "x", "ch", "sh", "z"].iter().any(|ending| word.ends_with(ending)) {
        return format!("{word}es");
    }
    format!("{word}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_one() {
        for name in ["createdAt", "created_at", "CreatedAt", "CREATED_AT", "created-at"] {
            assert_eq!(snake(name), "created_at");
        }
        assert_eq!(snake("UserID"), "user_id");
        assert_eq!(snake("HTTPServer2Name"), "http_server2_name");
    }

    #[test]
    fn an_entity_and_its_table_have_one_key() {
        for (entity, table) in [
            ("User", "users"),
            ("Category", "categories"),
            ("OrderItem", "ORDER_ITEMS"),
            ("Status", "status"),
            ("Address", "addresses"),
            ("Box", "boxes"),
        ] {
            assert_eq!(entity_key(entity), entity_key(table), "{entity} {table}");
        }
        assert_eq!(plural("category"), "categories");
        assert_eq!(plural("users"), "users");
    }
}
