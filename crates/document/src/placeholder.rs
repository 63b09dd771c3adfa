//! What is a hole that the author has not filled in yet, and what only looks like one. Every reader
//! asks here before it parses anything, so that a template gives no parser errors:
//! [`in_text`] for running text, cells and values, [`in_fence`] for a fence (for SQL: ask for each
//! statement through [`in_code`]), [`is_name`] and [`is_member`] for names that templates use.

use std::ops::Range;

use crate::outline::Fence;

/// The first placeholder in running text, a cell or a value: `[Feature Name]`, `{Feature}`,
/// `{{name}}`, `TBD`, `X ms`, `YYYY-MM-DD`, a template's own sentence.
pub fn in_text(text: &str) -> Option<Range<usize>> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return None;
    }
    let start = text.len() - text.trim_start().len();
    if is_unset_word(trimmed) || is_template_sentence(trimmed) {
        return Some(start..start + trimmed.len());
    }
    if let Some((label, value)) = trimmed.split_once(':') {
        let value = value.trim();
        if !label.contains('/') && (is_unset_word(value) || is_template_sentence(value)) {
            let at = text.rfind(value)?;
            return Some(at..at + value.len());
        }
    }
    bracketed(text)
        .or_else(|| curly(text, false))
        .or_else(|| letter_for_number(text))
        .or_else(|| angle(text))
}

/// The first placeholder in a fence, in bytes of [`Fence::text`].
pub fn in_fence(fence: &Fence) -> Option<Range<usize>> {
    in_code(&fence.language, &fence.text)
}

/// The first placeholder in code of this language. Languages whose own syntax is full of brackets
/// (programs, diagrams) have none.
pub fn in_code(language: &str, code: &str) -> Option<Range<usize>> {
    match language {
        "sql" | "postgresql" | "postgres" | "pgsql" | "mysql" | "sqlite" | "plpgsql" => {
            in_sql(code)
        }
        "yaml" | "yml" | "json" | "jsonc" | "json5" | "http" | "graphql" | "gql" => {
            brackets(code).find(|range| is_hole_in_data(code, range)).or_else(|| curly(code, true))
        }
        _ => None,
    }
}

/// True for names that templates give to things that the author has to name: `table_name`,
/// `Entity Name`, `Component 1`, `EntityA`, `Service A`.
pub fn is_name(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "table_name",
        "tablename",
        "your_table",
        "new_table",
        "example_table",
        "entity_name",
        "model_name",
        "class_name",
        "resource_name",
        "service name",
        "component name",
        "entity name",
        "job name",
        "flow name",
        "pattern name",
        "library name",
        "event name",
        "workflow name",
        "feature name",
        "project name",
        "system name",
        "model name",
        "table name",
        "servicename",
        "componentname",
        "entityname",
        "eventname",
        "modelname",
        "method_name",
        "workflow_name",
        "other model",
        "decision title",
    ];
    const NOUNS: &[&str] = &[
        "entity",
        "component",
        "library",
        "service",
        "risk",
        "classname",
        "step",
        "pattern",
        "class",
        "resource",
        "table",
        "model",
        "feature",
        "module",
    ];
    let lower = name.trim().trim_matches(['`', '"', '*']).to_lowercase();
    if NAMES.contains(&lower.as_str()) {
        return true;
    }
    NOUNS.iter().any(|noun| {
        lower.strip_prefix(noun).is_some_and(|rest| {
            let mark = rest.trim_start_matches([' ', '_']);
            let numbered = !mark.is_empty() && mark.chars().all(|c| c.is_ascii_digit());
            let lettered = matches!(mark, "a" | "b" | "c" | "d" | "x" | "y");
            // `Step 1` and `Table 2` are names of templates, `step1` in code is not.
            (numbered || lettered) && !rest.is_empty()
        })
    })
}

/// True for names that templates give to columns, fields and members: `field1`, `field2`,
/// `new_field`, `column_1`. (`field_name` may be a real column of an audit table.)
pub fn is_member(name: &str) -> bool {
    let lower = name.trim().trim_matches(['`', '"', '*']).to_lowercase();
    if matches!(lower.as_str(), "new_field" | "existing_field" | "your_column" | "your_field") {
        return true;
    }
    ["field", "column", "property", "attribute", "col"].iter().any(|noun| {
        lower.strip_prefix(noun).is_some_and(|rest| {
            let mark = rest.trim_start_matches('_');
            !mark.is_empty() && mark.len() <= 2 && mark.chars().all(|c| c.is_ascii_digit())
        })
    })
}

/// What the brackets of a value hold, where the whole value stands in brackets:
/// `[5 failures in 10 seconds]` is not set, but says what it would mean.
pub fn proposal(value: &str) -> Option<&str> {
    let inner = value.trim().strip_prefix('[')?.strip_suffix(']')?;
    (!inner.contains(['[', ']'])).then(|| inner.trim())
}

/// `TBD`, `TODO`, `???` and a date that is only a pattern.
fn is_unset_word(text: &str) -> bool {
    let bare =
        text.trim_matches(|c: char| matches!(c, '*' | '_' | '`' | '"' | '[' | ']' | '(' | ')'));
    matches!(
        bare,
        "TBD"
            | "TBC"
            | "TODO"
            | "FIXME"
            | "???"
            | "YYYY-MM-DD"
            | "YYYY-MM"
            | "DD/MM/YYYY"
            | "MM/DD/YYYY"
            | "XXX"
            | "XX"
    ) || ["TODO:", "TBD:", "FIXME:", "TODO -", "TBD -"].iter().any(|head| bare.starts_with(head))
}

/// Sentences that only templates contain, word for word.
fn is_template_sentence(text: &str) -> bool {
    const SENTENCES: &[&str] = &[
        "what it does",
        "what it's built with",
        "key functions",
        "what initiates this job",
        "how often it runs",
        "what it accomplishes",
        "what it requires",
        "how it communicates with other components",
        "description and purpose",
        "description and constraints",
        "description and relationships",
        "description of relationship",
        "version and justification",
        "version and why chosen",
        "what happens if unavailable",
        "high/medium/low",
        "required/not required",
        "list validation rules",
        "define structure",
        "purpose and alternatives considered",
        "key dependencies and their purposes",
        "which components use this",
        "rationale for choosing this pattern",
        "how it's implemented",
        "what was the situation",
        "what was decided",
        "why this was chosen",
        "what else was considered",
        "trade-offs and implications",
        "why it exists and plan to address",
        "priority and effort estimate",
        "expansion and explanation",
        "how users authenticate",
        "how permissions are managed",
        "token/session management",
        "caching approach (redis, in-memory, etc.)",
        "critical user flows tested",
        "authentication method (jwt, api keys, etc.)",
        "hosting platform (aws, gcp, azure, etc.)",
    ];
    let bare = text.trim_end_matches('.').to_lowercase();
    SENTENCES.contains(&bare.as_str())
}

/// The end of what stands before: more of it says nothing, and would cost too much.
fn tail(before: &str) -> &str {
    const BYTES_MAX: usize = 200;
    let mut start = before.len().saturating_sub(BYTES_MAX);
    while !before.is_char_boundary(start) {
        start += 1;
    }
    &before[start..]
}

/// Byte ranges of `[…]` groups without brackets inside.
fn brackets(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let open = from + text.get(from..)?.find('[')?;
            let rest = &text[open + 1..];
            match rest.find(['[', ']', '\n']) {
                Some(end) if rest[end..].starts_with(']') => {
                    from = open + 1 + end + 1;
                    return Some(open..from);
                }
                Some(end) => from = open + 1 + end,
                None => return None,
            }
        }
    })
}

fn bracketed(text: &str) -> Option<Range<usize>> {
    brackets(text).find(|range| is_hole_in_prose(text, range))
}

fn is_hole_in_prose(text: &str, range: &Range<usize>) -> bool {
    let inner = text[range.start + 1..range.end - 1].trim();
    let before = tail(&text[..range.start]);
    let after = &text[range.end..];
    let in_object = before.rfind('{').is_some_and(|open| !before[open..].contains('}'));
    let glued = before.ends_with([':', '{']) || in_object;
    if !may_be_hole(inner, before) || after.starts_with(['(', '[']) || glued {
        return false;
    }
    // `app/[role]/page` is a route of a framework, `/api/[resource]/` is a template's.
    if after.starts_with('/') && !is_noun(inner) {
        return false;
    }
    // `[P2] fix it` is a mark, and so is `[Pending]` in a cell.
    if is_mark(inner) {
        return false;
    }
    // `100 req/min [configurable]`: the value is there, the bracket is a remark.
    let value = before.rsplit(':').next().unwrap_or(before);
    let remark = before.contains(':')
        && value.chars().any(|c| c.is_ascii_digit())
        && !value.trim_end().ends_with(['<', '>', '=', '/', '≤', '≥']);
    let at_start = before.trim_matches(['*', '-', '_', ' ', '#', '@', '`']).is_empty();
    let lead = before.trim_end_matches(['*', '_', '`', '"', '\'']).trim_end();
    let at_value = lead.ends_with([':', '=', '<', '>', '|', '/', '≤', '≥', '@', '→', '(', ','])
        || before.ends_with(['_', '/', '=']);
    let titled = inner.split_whitespace().count() >= 2
        && inner.split_whitespace().all(|word| word.starts_with(|c: char| c.is_uppercase()));
    !remark && (at_start || at_value || titled || is_noun(inner))
}

fn is_hole_in_data(text: &str, range: &Range<usize>) -> bool {
    let inner = text[range.start + 1..range.end - 1].trim();
    let before = tail(&text[..range.start]);
    if !may_be_hole(inner, before) {
        return false;
    }
    let quoted = before.ends_with('"') && text[range.end..].starts_with('"');
    // In JSON and YAML brackets hold lists: only what reads as words is a hole.
    let in_request = before.ends_with(['/', '=']) || before.ends_with("Bearer ");
    let sentence =
        inner.split_whitespace().count() >= 2 && !inner.contains([',', '"', ':', '|', '{', '!']);
    quoted || in_request || sentence
}

/// What never is a hole: array types, routes, references, lists of values, marks of tasks.
fn may_be_hole(inner: &str, before: &str) -> bool {
    let letters = inner.chars().filter(|c| c.is_alphabetic()).count();
    if inner.starts_with(['^', '*', '"', '\'', '{', '$', '!', '.', '(']) || inner.contains("://") {
        return false;
    }
    if letters == 0 {
        return inner.chars().any(|c| c.is_ascii_digit()) && inner.contains(['%', '<', '>']);
    }
    if inner.len() == 1 && inner.eq_ignore_ascii_case("x") {
        return false;
    }
    // `postgres:[password]@db.[project].example` is a pattern that everybody reads rightly.
    let token = before.rsplit(char::is_whitespace).next().unwrap_or("");
    if token.contains("://") {
        return false;
    }
    match before.chars().next_back() {
        // `users[id]`, `ARRAY[…]`, `A[Label]`.
        Some(c) if c.is_alphanumeric() || matches!(c, ']' | ')' | '$' | '\\' | '!') => false,
        Some('/') => !is_route_parameter(inner),
        _ => true,
    }
}

fn is_route_parameter(inner: &str) -> bool {
    let name = inner.trim_start_matches('.');
    name.len() < inner.len()
        || matches!(name, "id" | "slug" | "key" | "token" | "code" | "uuid" | "locale" | "handle")
        || name.ends_with("Id")
        || name.ends_with("_id")
        || name.ends_with("Slug")
}

/// Short marks: `P2`, `US-12`, `Pending`, `NEW`.
fn is_mark(inner: &str) -> bool {
    const MARKS: &[&str] = &[
        "pending",
        "done",
        "optional",
        "wip",
        "new",
        "deprecated",
        "planned",
        "in progress",
        "completed",
        "ok",
        "todo",
        "beta",
        "alpha",
        "experimental",
        "internal",
        "public",
        "required",
        "breaking",
        "note",
        "important",
        "warning",
        "tip",
        "caution",
        "your name",
        "existing",
        "future",
        "n/a",
        "yes",
        "no",
        "draft",
        "active",
    ];
    let code = inner.chars().any(|c| c.is_ascii_digit())
        && inner
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '-' | '.'));
    code || MARKS.contains(&inner.to_lowercase().as_str())
}

fn is_noun(inner: &str) -> bool {
    matches!(
        inner.to_lowercase().as_str(),
        "resource"
            | "resources"
            | "entity"
            | "table_name"
            | "field_name"
            | "field"
            | "value"
            | "date"
            | "name"
            | "feature"
            | "duration"
            | "description"
            | "purpose"
            | "data_type"
            | "constraints"
            | "table"
            | "token"
            | "service"
            | "endpoint"
            | "module"
            | "version"
    )
}

fn in_sql(code: &str) -> Option<Range<usize>> {
    let holes = brackets(code).find(|range| {
        let inner = code[range.start + 1..range.end - 1].trim();
        let before = tail(&code[..range.start]);
        let line = before.rsplit('\n').next().unwrap_or("");
        if line.contains("--") || line.matches('\'').count() % 2 == 1 {
            return false;
        }
        let c = before.chars().next_back();
        let subscript = c.is_some_and(|c| c.is_alphanumeric() || matches!(c, ']' | ')' | '"'));
        let words = inner.chars().any(char::is_alphabetic)
            && inner
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | ' ' | '/' | '-' | ','));
        // `[dbo].[Users]` is how T-SQL quotes; a template's words are known.
        let quoting = code[range.end..].starts_with('.') || c == Some('.');
        let array = before.len() >= 5
            && before
                .get(before.len() - 5..)
                .is_some_and(|word| word.eq_ignore_ascii_case("array"));
        !subscript && words && !quoting && !array
    });
    holes.or_else(|| curly(code, true)).or_else(|| {
        let at = code.find("[table_name]").or_else(|| code.find("<table_name>"))?;
        Some(at..at + "[table_name]".len())
    })
}

/// `{Feature}`, `{Feature Name}`, `{{name}}`; never `{id}` of a path, `${VAR}` or a list of members.
fn curly(text: &str, in_data: bool) -> Option<Range<usize>> {
    let mut from = 0;
    loop {
        let open = from + text.get(from..)?.find('{')?;
        let before = text[..open].chars().next_back();
        let double = text[open..].starts_with("{{");
        let inner_start = open + if double { 2 } else { 1 };
        let length = text[inner_start..].find(['{', '}', '\n'])?;
        let inner_end = inner_start + length;
        from = inner_end.max(open + 1);
        let closed = text[inner_end..].starts_with(if double { "}}" } else { "}" });
        let inner = text[inner_start..inner_end].trim();
        if !closed || matches!(before, Some('$' | '#' | '%' | '/')) || inner.is_empty() {
            continue;
        }
        let words = inner.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-'));
        // `import { Button }` has blanks inside, a template's hole has none.
        let tight = !text[inner_start..inner_end].starts_with(' ');
        let capital = tight && inner.starts_with(|c: char| c.is_uppercase());
        let plain = !in_data || matches!(before, Some(' ' | '"' | '-' | '_') | None);
        let identifier = inner.chars().any(|c| c.is_lowercase());
        if words && (double || (capital && plain && identifier)) {
            let end = inner_end + if double { 2 } else { 1 };
            return Some(open..end);
        }
    }
}

/// `X ms`, `Y seconds`, `XX%`: a capital letter where a number belongs.
fn letter_for_number(text: &str) -> Option<Range<usize>> {
    const UNITS: &[&str] = &[
        "ms", "s", "sec", "seconds", "second", "minutes", "min", "hours", "hour", "days", "%",
        "requests", "users", "req", "rps", "gb", "mb", "tb", "million", "k",
    ];
    let mut from = 0;
    for word in
        text.split_inclusive(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | '/'))
    {
        let start = from;
        from += word.len();
        let bare = word.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '/' | '('));
        let letters = bare.len() - bare.trim_start_matches(['X', 'Y', 'Z', 'N']).len();
        if letters == 0 || letters > 3 {
            continue;
        }
        let direct = bare[letters..].trim_end_matches([',', '.', ')', ';']);
        let spaced =
            text[from..].split(|c: char| !c.is_alphanumeric() && c != '%').next().unwrap_or("");
        let unit = if direct.is_empty() { spaced } else { direct };
        if UNITS.contains(&unit.to_lowercase().as_str()) && (direct.is_empty() || unit.len() < 4) {
            let end = if direct.is_empty() {
                from + spaced.len()
            } else {
                start + letters + direct.len()
            };
            return Some(start..end);
        }
    }
    None
}

/// `<your-domain>`.
fn angle(text: &str) -> Option<Range<usize>> {
    let at = text.find("<your")?;
    let end = text[at..].find('>')?;
    Some(at..at + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn hole(text: &str, expected: &str) {
        assert_eq!(in_text(text).map(|range| &text[range]), Some(expected), "{text}");
    }

    #[track_caller]
    fn legal(text: &str) {
        assert_eq!(in_text(text).map(|range| &text[range]), None, "{text}");
    }

    #[track_caller]
    fn hole_in(language: &str, code: &str, expected: Option<&str>) {
        assert_eq!(in_code(language, code).map(|range| &code[range]), expected, "{code}");
    }

    #[test]
    fn holes_in_text_are_found() {
        hole("Technical Architecture: [Feature Name]", "[Feature Name]");
        hole("Design for [Project Name].", "[Project Name]");
        hole("Max retries: [3]".replace("[3]", "[number]").as_str(), "[number]");
        hole("Error rate > [5%]", "[5%]");
        hole("{Feature Name} - Specification", "{Feature Name}");
        hole("Hello {{customer_name}}", "{{customer_name}}");
        hole("API response: < X ms", "X ms");
        hole("Uptime: XX%", "XX%");
        hole("Last Updated: YYYY-MM-DD", "YYYY-MM-DD");
        hole("Owner: TBD", "TBD");
        hole("Frequency: How often it runs", "How often it runs");
        hole("GET /api/v1/[resource]?page=1", "[resource]");
    }

    #[test]
    fn what_looks_like_a_hole_but_is_none_is_left_alone() {
        for text in [
            "tags text[]",
            "See [1] and [2].",
            "[*]",
            "[ ]",
            "[x] done",
            "GET /posts/[id]",
            "GET /posts/{id}",
            "uses ${HOME}",
            "postgresql://postgres:[password]@db.[project].host",
            "[P2] rate limits",
            "| Ana | [Pending] |",
            "100 req/min: 100 [configurable]",
            "{id, reviewed_by}",
            "2x baseline",
            "dates are YYYY-MM-DD in ISO 8601",
            "a TODO application",
            "ARRAY['a', 'b']",
            "roles: [\"admin\", \"user\"]",
            "`Bearer {token}`",
            "N+1 queries",
            "X-Request-Id",
            "the `items[index]` member",
        ] {
            legal(text);
        }
    }

    #[test]
    fn holes_in_fences_are_found_and_lists_are_not() {
        hole_in("sql", "CREATE TABLE [table_name] (id int)", Some("[table_name]"));
        hole_in("sql", "tags text[] DEFAULT ARRAY['a']::text[]", None);
        hole_in("sql", "-- [Table Name]\nCREATE TABLE t (a int)", None);
        hole_in("sql", "CREATE TABLE [dbo].[Users] (id int)", None);
        hole_in("yaml", "title: {Feature} API", Some("{Feature}"));
        hole_in("yaml", "notification: [pagerduty, slack]\na: {x: 1}", None);
        hole_in("json", "{\"[field]\": \"[value]\"}", Some("[field]"));
        hole_in("json", "{\"a\": [1, 2], \"b\": [\"x\"], \"c\": [Item, Item]}", None);
        hole_in("http", "GET /api/v1/[resource]", Some("[resource]"));
        hole_in("graphql", "posts: [Post!]!", None);
        hole_in("typescript", "import {Button} from 'x'; a: [Foo Bar]", None);
    }

    #[test]
    fn names_of_templates_are_known() {
        for name in
            ["table_name", "Entity Name", "Component 1", "EntityA", "Service A", "ClassName1"]
        {
            assert!(is_name(name), "{name}");
        }
        for name in ["users", "service", "components", "entity_type", "tables", "risk_scores"] {
            assert!(!is_name(name), "{name}");
        }
        assert!(is_member("field1") && is_member("field_2"));
        assert!(!is_member("field_name") && !is_member("column_order") && !is_member("field"));
    }

    #[test]
    fn a_bracketed_value_says_what_it_would_mean() {
        assert_eq!(proposal("[5 failures in 10 seconds]"), Some("5 failures in 10 seconds"));
        assert_eq!(proposal("[a] and [b]"), None);
    }
}
