//! Substitutions: the stack that the document names is not always the stack that runs. Each is said
//! at start and at the top of the page.

use document::{Compiled, Span, data, outline::NodeKind};

use crate::{Settings, database};

/// Components that documents name, spelled as they are shown, and what runs in their place.
const COMPONENTS: &[(&str, &str)] = &[
    ("PostgreSQL", "SQLite"),
    ("Postgres", "SQLite"),
    ("MySQL", "SQLite"),
    ("MariaDB", "SQLite"),
    ("SQL Server", "SQLite"),
    ("CockroachDB", "SQLite"),
    ("MongoDB", "SQLite"),
    ("DynamoDB", "SQLite"),
    ("Redis", "memory of the process"),
    ("Memcached", "memory of the process"),
];

/// A component that the document names and something else stands in for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Substitution {
    /// As the document names it, with its version where one follows: `PostgreSQL 15`.
    pub named: String,
    /// What runs.
    pub runs: &'static str,
    /// Where it is first named: `ARCHITECTURE.md:12`.
    pub origin: String,
    /// The statement that first names it.
    pub span: Span,
}

impl std::fmt::Display for Substitution {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { named, runs, origin, .. } = self;
        write!(formatter, "{named} is named ({origin}); {runs} runs")
    }
}

/// All components that the document names and something else stands in for, in reading order.
pub fn substitutions(compiled: &Compiled, settings: &Settings) -> Vec<Substitution> {
    let is_postgres = database::url(settings, compiled).is_some();
    let is_redis = database::redis_url(settings, compiled).is_some();
    let mut found: Vec<Substitution> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for node in &compiled.outline.nodes {
        for text in texts(&node.kind) {
            for &(word, runs) in COMPONENTS {
                let runs = match runs {
                    "SQLite" if is_postgres => "PostgreSQL",
                    "memory of the process" if is_redis => "Redis",
                    runs => runs,
                };
                // `Postgres` is `PostgreSQL` in fewer letters.
                if runs.starts_with(word) {
                    continue;
                }
                let Some(named) = named(text, word) else { continue };
                // `Postgres` and `PostgreSQL` are one component.
                let key = if word.starts_with("Postgre") { "PostgreSQL" } else { word };
                if !seen.contains(&key) {
                    seen.push(key);
                    let origin = compiled.sources.location(node.span);
                    found.push(Substitution { named, runs, origin, span: node.span });
                }
            }
        }
    }
    if !is_postgres {
        found.extend(natives(compiled));
    }
    found
}

/// What only PostgreSQL has, each once.
fn natives(compiled: &Compiled) -> impl Iterator<Item = Substitution> {
    data::natives(&compiled.system.data).into_iter().filter_map(|native| {
        let (span, _) = *native.places.first()?;
        let origin = compiled.sources.location(span);
        Some(Substitution { named: native.named, runs: native.stand_in, origin, span })
    })
}

/// True where the document's text names a component.
pub(crate) fn is_named(compiled: &Compiled, word: &str) -> bool {
    let mut nodes = compiled.outline.nodes.iter();
    nodes.any(|node| texts(&node.kind).into_iter().any(|text| named(text, word).is_some()))
}

/// Texts that may name a component.
fn texts(kind: &NodeKind) -> Vec<&str> {
    match kind {
        NodeKind::Paragraph(inline) | NodeKind::Item { inline, .. } => vec![&inline.text],
        NodeKind::Row { cells } => cells.iter().map(|cell| cell.text.as_str()).collect(),
        _ => Vec::new(),
    }
}

/// The word where it stands alone in the text, with a version that follows it.
fn named(text: &str, word: &str) -> Option<String> {
    let (start, _) = text.match_indices(word).find(|(start, _)| {
        let before = text[..*start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })?;
    let rest = &text[start + word.len()..];
    let version: String = rest
        .strip_prefix(' ')
        .unwrap_or("")
        .chars()
        .take_while(|letter| letter.is_ascii_digit() || matches!(letter, '.' | '+'))
        .collect();
    match version.starts_with(|letter: char| letter.is_ascii_digit()) {
        true => Some(format!("{word} {}", version.trim_end_matches('.'))),
        false => Some(word.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let compiled = document::compile(document::Sources::single("x.md", text));
        let settings = Settings::new("data");
        let found: Vec<_> =
            substitutions(&compiled, &settings).into_iter().map(|each| each.named).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_named_component_is_found_once_with_its_version() {
        check(
            "# X\n\n- Database: PostgreSQL 15\n- Cache: Redis 7.2+\n",
            &["PostgreSQL 15", "Redis 7.2+"],
        );
        check("We use Postgres.\n\nPostgreSQL again.\n", &["Postgres"]);
        check("| Part | With |\n| --- | --- |\n| Rows | MySQL |\n", &["MySQL"]);
    }

    #[test]
    fn a_redis_that_is_given_is_not_substituted() {
        let text = "- Cache: Redis 7\n- Sessions: Memcached\n";
        let compiled = document::compile(document::Sources::single("x.md", text));
        let mut settings = Settings::new("data");
        settings.variables.insert("REDIS_URL".into(), "redis://127.0.0.1".into());
        let found = substitutions(&compiled, &settings);
        let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["Memcached is named (x.md:2); Redis runs"]);
    }

    #[test]
    fn what_only_postgresql_has_is_named_once() {
        check(
            "# X\n\n```sql\nCREATE TABLE a (id INT PRIMARY KEY, t TSVECTOR, u TSVECTOR, d \
             DATERANGE, n INET, p JSONB);\nCREATE INDEX i ON a USING gin (p);\nCREATE INDEX j ON \
             a (n);\n```\n",
            &["type `tsvector`", "an index by `gin`"],
        );
    }

    #[test]
    fn what_the_document_calls_postgresqls_alone_is_a_type_of_the_store() {
        for name in data::NATIVE_TYPES {
            assert!(store::Kind::NATIVE.contains(name), "PostgreSQL keeps `{name}` as text");
        }
        for name in store::Kind::NATIVE {
            let text = format!("```sql\nCREATE TABLE a (id INT PRIMARY KEY, x {name});\n```\n");
            let compiled = document::compile(document::Sources::single("x.md", &text));
            let column = compiled.system.data.tables[0].column("x").expect("the column");
            let kind = crate::data::kind_of(&column.kind, &compiled.system.data);
            // Ranges are read and shown alike by every store.
            let is_kept_as_written =
                matches!(kind, store::Kind::Other { .. }) && kind.range_example().is_none();
            let natives = data::natives(&compiled.system.data);
            assert_eq!(!natives.is_empty(), is_kept_as_written, "{name}");
        }
    }

    #[test]
    fn a_word_within_a_word_and_sqlite_itself_are_not_substituted() {
        check("Rediscover SQLite.\n", &[]);
        check("```sh\nredis Redis\n```\n", &[]);
    }
}
