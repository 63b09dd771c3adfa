//! Tests of settings in all their spellings.

use super::*;
use crate::{Compiled, Sources, compile, security::LimitScope, security::LimitSubject};

fn compiled(text: &str) -> Compiled {
    compile(Sources::single("a.md", text))
}

/// Settings of a line under a heading, as `key = value`.
#[track_caller]
fn check(heading: &str, lines: &str, expected: &[&str]) {
    let compiled = compiled(&format!("# Doc\n\n## {heading}\n\n{lines}\n"));
    let found: Vec<String> = compiled
        .system
        .settings
        .iter()
        .map(|setting| {
            let subject = setting.subject.as_deref().map_or(String::new(), |s| format!(" [{s}]"));
            format!("{}{subject} = {}", setting.key, shown(&setting.value))
        })
        .collect();
    assert_eq!(found, expected, "{heading}: {lines}");
}

#[test]
fn token_settings_are_read_in_all_spellings() {
    let access = "security.token.access_seconds = 1 day";
    for line in [
        "- Token expiry: 24 hours",
        "- **Token Expiry**: 24 hours",
        "* **Token expiration:** 24h",
        "- `JWT_EXPIRES_IN`: 24h",
        "- JWT tokens with 24-hour expiry",
        "- **JWT Bearer**: 24-hour tokens with a role claim",
        "| Setting | Value |\n|---|---|\n| Access token lifetime | 24 hours |",
        "| `auth.access_token_ttl_hours` | 24 |\n|---|---|\n| `auth.access_token_ttl_hours` | 24 | ",
    ] {
        check("Authentication", line, &[access]);
    }
    let both =
        ["security.token.access_seconds = 15 minutes", "security.token.refresh_seconds = 7 days"];
    check("Authentication", "- **Access Token**: 15 minutes\n- **Refresh Token**: 7 days", &both);
    check("Authentication", "- Token Expiry: 15 min (access), 7 days (refresh)", &both);
    check(
        "Authentication",
        "- **JWT Tokens:** Access token (15 min expiry) + Refresh token (7 days)",
        &both,
    );
    check("Security", "- JWT tokens with short expiration (15 min access, 7 day refresh)", &both);
}

#[test]
fn hashing_is_read_in_all_spellings() {
    let both = ["security.password.algorithm = `bcrypt`", "security.password.cost = 12"];
    for line in [
        "- Password hashing: bcrypt (cost factor 12)",
        "- Passwords: bcrypt with 12 rounds",
        "- bcrypt, cost factor 12",
        "- **Hashing**: Bcrypt (cost=12)",
        "| Password hashing | bcrypt with cost factor 12 |\n|---|---|\n| Password hashing | bcrypt with cost factor 12 |",
    ] {
        check("Security", line, &both);
    }
    check(
        "Security",
        "- Password hashing: Argon2id",
        &["security.password.algorithm = `argon2id`"],
    );
}

#[test]
fn the_engine_gets_what_it_enforces() {
    let text = "# D\n\n## Security\n\n- Password hashing: bcrypt (cost factor 11)\n- Token type: JWT with HS256\n- Token expiry: 2 hours\n- Account locked after 5 failed attempts (10 min cooldown)\n- CORS: https://app.example.com, https://admin.example.com\n\n## API\n\n- Default page size: 25, max 50\n";
    let security = compiled(text).system.security;
    assert_eq!(security.password.cost, 11);
    assert_eq!(security.token.access_seconds, 7200);
    assert_eq!(security.token.algorithm, crate::security::TokenAlgorithm::Hs256);
    let lockout = security.lockout.expect("a lockout");
    assert_eq!((lockout.attempts_max, lockout.seconds), (5, 600));
    assert_eq!(security.cors.origins, ["https://app.example.com", "https://admin.example.com"]);
    let pagination = compiled(text).system.api.pagination;
    assert_eq!((pagination.limit_default, pagination.limit_max), (25, 50));
}

#[test]
fn a_sentence_about_pages_says_how_long_one_is_and_may_be() {
    let check = |line: &str, expected: (u32, u32)| {
        let text = format!("# D\n\n## API\n\n### Pagination\n\n{line}\n");
        let pagination = compiled(&text).system.api.pagination;
        assert_eq!((pagination.limit_default, pagination.limit_max), expected, "{line}");
    };
    check("- Pagination: 20 per page, at most 50", (20, 50));
    check("Lists come with `page` and `limit`: 25 per page, at most 75.", (25, 75));
    check("Lists come 20 per page, up to 60.", (20, 60));
    check("- 10 items per page (maximum 40)", (10, 40));
    check("- 10 items per page by default, never more than 40", (10, 40));
    check("- Page size: 30, 90 at most", (30, 90));
    check("- 25 per page", (25, 100));
}

#[test]
fn resilience_is_read_under_its_headings_only() {
    check(
        "Circuit Breaker",
        "- Failure threshold: 5 failures in 10 seconds\n- Open circuit duration: 30 seconds\n- Half-open state: Try 1 request",
        &[
            "resilience.circuit_breaker.failures_max = 5",
            "resilience.circuit_breaker.window_seconds = 10 s",
            "resilience.circuit_breaker.open_seconds = 30 s",
            "resilience.circuit_breaker.probes = 1",
        ],
    );
    check(
        "Circuit Breaker",
        "- Failure threshold: 50% error rate over 1 minute",
        &[
            "resilience.circuit_breaker.failure_ratio = 50 %",
            "resilience.circuit_breaker.window_seconds = 1 minute",
        ],
    );
    check("Kubernetes Probes", "- Failure threshold: 3 attempts", &[]);
    check(
        "Retry Logic",
        "- Exponential backoff: 1s, 2s, 4s, 8s\n- Max retries: 3",
        &[
            "resilience.retry.delays_seconds = 1 s, 2 s, 4 s, 8 s",
            "resilience.retry.attempts_max = 3",
        ],
    );
    check(
        "Timeout Configuration",
        "- API request timeout: 30 seconds\n- External service timeout: 15 seconds\n- Stripe timeout: 20s",
        &[
            "api.timeout_seconds = 30 s",
            "resilience.timeout_seconds = 15 s",
            "resilience.timeout_seconds [stripe] = 20 s",
        ],
    );
}

#[test]
fn a_label_that_names_callers_is_a_limit_below_security_alone() {
    let of = |heading: &str| {
        let text =
            format!("# D\n\n## {heading}\n\n- API endpoints: 100 requests per minute per IP\n");
        let found = compiled(&text).system.security.rate_limits;
        found.iter().map(|limit| (limit.requests, limit.scope.clone())).collect::<Vec<_>>()
    };
    assert_eq!(of("Security"), [(Some(100), LimitScope::All)]);
    assert_eq!(of("Performance targets"), []);
}

#[test]
fn limits_are_read_with_their_scope_and_subject() {
    let of = |lines: &str| {
        let compiled = compiled(&format!("# D\n\n## Rate Limiting\n\n{lines}\n"));
        compiled
            .system
            .security
            .rate_limits
            .into_iter()
            .map(|limit| (limit.requests, limit.window_seconds, limit.subject, limit.scope))
            .collect::<Vec<_>>()
    };
    use LimitSubject::{Address, User};
    assert_eq!(
        of("- **Rate Limiting**: 100 requests per 15 minutes per IP"),
        [(Some(100), 900, Address, LimitScope::All)]
    );
    assert_eq!(
        of("- Auth endpoints: 5 requests/minute per IP"),
        [(Some(5), 60, Address, LimitScope::Authentication)]
    );
    assert_eq!(
        of("- **Authenticated**: 1,000 requests per minute per user"),
        [(Some(1000), 60, User, LimitScope::Authenticated)]
    );
    assert_eq!(
        of("- Limits: 100 req/min per user, 20 req/min per IP for auth endpoints"),
        [
            (Some(100), 60, User, LimitScope::All),
            (Some(20), 60, Address, LimitScope::Authentication),
        ]
    );
    let login = LimitScope::Endpoint { method: None, path: "/api/v1/auth/login".to_owned() };
    assert_eq!(
        of(
            "| Endpoint | Who | Limit |\n|---|---|---|\n| /api/v1/auth/login | all users | 10 requests/minute |"
        ),
        [(Some(10), 60, User, login)]
    );
    assert_eq!(of("The provider answers quickly."), []);
}

#[test]
fn the_same_setting_with_two_values_shows_both_places() {
    let codes =
        |text: &str| compiled(text).diagnostics.iter().filter(|d| d.code.code == "T032").count();
    let two = "# D\n\n## Authentication\n\n- Token expiry: 24 hours\n\n## Security\n\n- Token expiry: 1 hour\n";
    assert_eq!(codes(two), 1);
    let kept_apart = "# D\n\n## Authentication\n\n### Production\n\n- Token expiry: 24 hours\n\n### Development\n\n- Token expiry: 1 hour\n";
    assert_eq!(codes(kept_apart), 0);
}

#[test]
fn a_value_in_brackets_is_a_proposal() {
    let compiled = compiled("# D\n\n## Retry\n\n- Exponential backoff: [1s, 2s, 4s]\n");
    assert!(compiled.system.settings.is_empty());
    assert_eq!(compiled.diagnostics.iter().filter(|d| d.code.code == "T011").count(), 1);
}

#[test]
fn what_looks_like_a_setting_but_is_none_is_said() {
    for line in ["- Token expiry: soon", "- Acces token expiry: 24 hours"] {
        let compiled = compiled(&format!("# D\n\n## Authentication\n\n{line}\n"));
        assert_eq!(compiled.tally().not_understood, 1, "{line}");
        assert!(compiled.diagnostics.iter().any(|d| d.code.code == "T031"), "{line}");
    }
}

#[test]
fn every_spelling_is_in_the_form_in_which_labels_are_compared() {
    let wrong: Vec<&str> = entries()
        .flat_map(|entry| entry.spellings)
        .filter(|spelling| {
            let bare = spelling.replace('*', "x");
            normal(&bare).words != bare
        })
        .copied()
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_key_begins_with_its_chapter_and_what_is_enforced_says_by_what() {
    for entry in entries() {
        let chapter = entry.key.split('.').next();
        assert_eq!(chapter, Some(entry.chapter.word()), "{}", entry.key);
        let enforced = entry.enforcement == Enforcement::Enforced;
        assert_eq!(enforced, !entry.enforced_by.is_empty(), "{}", entry.key);
    }
}
