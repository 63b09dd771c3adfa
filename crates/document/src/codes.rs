//! Diagnostics of the text itself: encoding, fences, placeholders, suppressions. Codes are `T` and
//! three digits.

use crate::{code, diagnostic::CodeInfo};

code!(T001, "invalid-utf8", None, Warning, "the file is not UTF-8");
code!(T002, "unclosed-fence", None, Error, "a fence is not closed");
code!(T003, "fence-in-fence", None, Error, "a fence opens inside a fence that is still open");
code!(
    T004,
    "fence-label",
    None,
    Warning,
    "a fence's label names another language than its content"
);
code!(T005, "yaml-syntax", None, Warning, "a YAML fence cannot be read");
code!(T006, "json-syntax", None, Warning, "a JSON fence cannot be read");
code!(T007, "duplicate-heading", None, Info, "a heading occurs twice");
code!(T008, "dead-anchor", None, Info, "a link leads to no heading");
code!(T009, "text-limit", None, Error, "the text is nested or repeated beyond a limit");
code!(T010, "placeholder", None, Info, "something is not filled in yet");
code!(T011, "unset-value", None, Info, "a value in brackets is a proposal, not a value");
code!(T012, "escaped-fence", None, Warning, "the marks of a fence are escaped");
code!(T020, "suppression-form", None, Warning, "a suppression has no reason or cannot be read");
code!(T021, "suppression-unused", None, Warning, "a suppression suppresses nothing");
code!(T022, "suppression-unknown", None, Warning, "a suppression names a code that does not exist");
code!(T023, "suppression-expired", None, Warning, "a suppression has passed its end");
code!(T024, "suppression-of-error", None, Warning, "an error cannot be suppressed");
code!(T030, "not-enforced", None, Info, "claims are understood but nothing enforces them yet");
code!(T031, "not-understood", None, Info, "something looks like a claim but is not understood");
code!(T032, "setting-conflict", None, Warning, "one setting has two values");

/// All codes of the text.
pub static CODES: &[&CodeInfo] = &[
    &T001, &T002, &T003, &T004, &T005, &T006, &T007, &T008, &T009, &T010, &T011, &T012, &T020,
    &T021, &T022, &T023, &T024, &T030, &T031, &T032,
];
