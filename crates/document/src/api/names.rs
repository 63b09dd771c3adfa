//! Names of one thing in many spellings: `orderItems`, `order-items` and `order_item` are one.

/// The words of a name in lower case: splits at case changes, hyphens, underscores and spaces.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut was_lower = false;
    for c in name.chars() {
        let breaks = !c.is_alphanumeric() || (c.is_uppercase() && was_lower);
        if breaks && !word.is_empty() {
            found.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase() || c.is_ascii_digit();
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

/// The name in snake case, words as written.
pub(super) fn snake(name: &str) -> String {
    words(name).join("_")
}

/// The name in snake case with every word in the singular: the form in which names are compared.
pub(super) fn normal(name: &str) -> String {
    words(name).iter().map(|word| singular(word)).collect::<Vec<_>>().join("_")
}

/// True where two names are one name in two spellings.
pub(super) fn same(left: &str, right: &str) -> bool {
    normal(left) == normal(right)
}

/// The singular of an English word; other words come out changed alike on both sides.
pub(super) fn singular(word: &str) -> String {
    const IRREGULAR: &[(&str, &str)] = &[
        ("people", "person"),
        ("children", "child"),
        ("men", "man"),
        ("women", "woman"),
        ("series", "series"),
        ("news", "news"),
        ("movies", "movie"),
        ("quizzes", "quiz"),
        ("indices", "index"),
        ("matrices", "matrix"),
        ("analyses", "analysis"),
        ("criteria", "criterion"),
    ];
    if let Some((_, singular)) = IRREGULAR.iter().find(|(plural, _)| *plural == word) {
        return (*singular).to_owned();
    }
    let cut = |count: usize| word[..word.len() - count].to_owned();
    if word.len() > 4 && word.ends_with("ies") {
        return cut(3) + "y";
    }
    if ["sses", "shes", "ches", "xes", "zzes", "uses"].iter().any(|end| word.ends_with(end))
        && !word.ends_with("ouses")
        && !word.ends_with("auses")
        && !word.ends_with("caches")
    {
        return cut(2);
    }
    if word.len() > 2
        && word.ends_with('s')
        && !["ss", "us", "is"].iter().any(|end| word.ends_with(end))
    {
        return cut(1);
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_the_same() {
        for (left, right) in [
            ("orderItems", "order-items"),
            ("order_item", "orderItems"),
            ("categories", "category"),
            ("addresses", "address"),
            ("statuses", "status"),
            ("courses", "course"),
            ("boxes", "box"),
            ("people", "person"),
            ("purchases", "purchase"),
            ("status", "status"),
            ("sales-orders", "sale_orders"),
        ] {
            assert!(same(left, right), "{left} {right}: {} {}", normal(left), normal(right));
        }
        assert!(!same("post", "poster"));
    }
}
