//! Settings that stand in a sentence without a label: `JWT tokens with 24-hour expiry`, `passwords
//! hashed with bcrypt (12 rounds)`, `account locked after 5 failed attempts (15 min)`.

use super::{Entry, entry, environment, value};
use crate::{setting::SettingValue, unit::Unit};

type Found = Vec<(&'static Entry, SettingValue, Option<String>)>;

/// Words that all have to stand in the sentence, words of which one has to, words that must not, and
/// the key whose form finds the value.
struct Pattern {
    all: &'static [&'static str],
    any: &'static [&'static str],
    none: &'static [&'static str],
    keys: &'static [&'static str],
}

const FOREIGN: &[&str] = &[
    "otp",
    "invitation",
    "presigned",
    "pre-signed",
    "signed url",
    "reset",
    "verification",
    "magic",
    "[ ]",
    "webhook",
    "refresh rate",
];

static PATTERNS: &[Pattern] = &[
    Pattern {
        all: &["bcrypt"],
        any: &["cost", "round", "factor"],
        none: &[],
        keys: &["security.password.algorithm", "security.password.cost"],
    },
    Pattern {
        all: &["argon2"],
        any: &["password", "hash"],
        none: &["instead of", "or argon2", "argon2 or"],
        keys: &["security.password.algorithm"],
    },
    Pattern {
        all: &["token"],
        any: &["jwt", "access token", "bearer"],
        none: FOREIGN,
        keys: &["security.token.access_seconds", "security.token.refresh_seconds"],
    },
    Pattern {
        all: &["jwt"],
        any: &["expir", "valid for", "lifetime"],
        none: FOREIGN,
        keys: &["security.token.access_seconds", "security.token.refresh_seconds"],
    },
    Pattern {
        all: &["lock"],
        any: &["failed", "attempt"],
        none: &["optimistic", "distributed"],
        keys: &["security.lockout.attempts_max", "security.lockout.seconds"],
    },
    Pattern {
        all: &[],
        any: &["page size", "per page", "items per page", "default limit"],
        none: &["load", "lighthouse"],
        keys: &["api.pagination.limit_default", "api.pagination.limit_max"],
    },
];

/// Settings that the unit's whole text states.
pub(super) fn read(unit: &Unit<'_>, context: &[String]) -> Found {
    let mut found: Found = Vec::new();
    let text = match unit.cells {
        [] => unit.text(),
        [_, value, ..] if unit.cells.len() == 2 => value.trimmed(),
        _ => return found,
    };
    // Long paragraphs tell stories; a setting stands in a line.
    if text.len() > 300 || text.contains('?') {
        return found;
    }
    let lower = text.to_lowercase();
    let has = |word: &&str| lower.contains(*word);
    for pattern in PATTERNS {
        let fits = pattern.all.iter().all(has)
            && (pattern.any.is_empty() || pattern.any.iter().any(has))
            && !pattern.none.iter().any(has);
        if !fits {
            continue;
        }
        for key in pattern.keys {
            if found.iter().any(|(known, ..)| known.key == *key) {
                continue;
            }
            let value = super::entries()
                .filter(|row| row.key == *key && needs_words(row, key))
                .find_map(|row| value::extract(row, text, None));
            if let (Some(row), Some(value)) = (entry(key), value) {
                found.push((row, value, environment(context)));
            }
        }
    }
    found
}

/// Without a label the words around a number have to say what it is.
fn needs_words(row: &Entry, key: &str) -> bool {
    use super::Form;
    match row.form {
        Form::CountNear(_) | Form::SecondsNear(_) | Form::Word(_) => true,
        Form::Seconds => key == "security.lockout.seconds",
        _ => false,
    }
}
