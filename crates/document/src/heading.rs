//! What headings say once numbers and marks are taken off, and which chapter they name.

use crate::Chapter;

/// A heading's words for comparison: lower case, without numbers, emoji, marks and punctuation at
/// its ends; `### 13.2 Role-Based Access (RBAC)` gives `role-based access (rbac)`.
pub fn heading_words(text: &str) -> String {
    let lower = text.to_lowercase();
    let trimmed =
        lower.trim_start_matches(|c: char| !c.is_alphabetic()).trim_end_matches(|c: char| {
            !c.is_alphanumeric() && c != ')' && c != ']' && c != '`' && c != '}'
        });
    trimmed.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The chapter a cleaned heading names, by synonym.
pub fn chapter_of(words: &str) -> Option<Chapter> {
    const SYNONYMS: &[(&str, Chapter)] = &[
        ("disaster recovery", Chapter::Recovery),
        ("backup", Chapter::Recovery),
        ("recovery", Chapter::Recovery),
        ("rate limit", Chapter::Security),
        ("authentication", Chapter::Security),
        ("authorization", Chapter::Security),
        ("permission", Chapter::Security),
        ("access control", Chapter::Security),
        ("roles", Chapter::Security),
        ("security", Chapter::Security),
        ("monitoring", Chapter::Observability),
        ("observability", Chapter::Observability),
        ("logging", Chapter::Observability),
        ("metrics", Chapter::Observability),
        ("alert", Chapter::Observability),
        ("tracing", Chapter::Observability),
        ("performance", Chapter::Observability),
        ("resilience", Chapter::Resilience),
        ("error handling", Chapter::Resilience),
        ("circuit breaker", Chapter::Resilience),
        ("retry", Chapter::Resilience),
        ("timeout", Chapter::Resilience),
        ("message", Chapter::Messaging),
        ("messaging", Chapter::Messaging),
        ("event", Chapter::Messaging),
        ("background job", Chapter::Messaging),
        ("workflow", Chapter::Messaging),
        ("state machine", Chapter::Messaging),
        ("queue", Chapter::Messaging),
        ("integration", Chapter::Integration),
        ("external service", Chapter::Integration),
        ("third-party", Chapter::Integration),
        ("gateway", Chapter::Integration),
        ("dependencies", Chapter::Integration),
        ("deployment", Chapter::Delivery),
        ("environment", Chapter::Delivery),
        ("feature flag", Chapter::Delivery),
        ("rollout", Chapter::Delivery),
        ("ci/cd", Chapter::Delivery),
        ("scaling", Chapter::Delivery),
        ("infrastructure", Chapter::Delivery),
        ("configuration", Chapter::Delivery),
        ("api", Chapter::Api),
        ("endpoint", Chapter::Api),
        ("contract", Chapter::Api),
        ("graphql", Chapter::Api),
        ("database", Chapter::Data),
        ("schema", Chapter::Data),
        ("data model", Chapter::Data),
        ("data", Chapter::Data),
        ("entities", Chapter::Data),
        ("caching", Chapter::Data),
        ("cache", Chapter::Data),
        ("table", Chapter::Data),
        ("model", Chapter::Data),
    ];
    SYNONYMS
        .iter()
        .filter(|(synonym, _)| contains_word(words, synonym))
        .min_by_key(|(synonym, _)| words.find(synonym).unwrap_or(usize::MAX))
        .map(|&(_, chapter)| chapter)
}

/// True where `synonym` begins a word of `words`.
fn contains_word(words: &str, synonym: &str) -> bool {
    words.match_indices(synonym).any(|(at, _)| {
        words[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric())
    })
}
