//! Diagnostics of the security chapter. Codes are `S` and three digits, 001 to 499, never reused.

use crate::{Chapter, code, diagnostic::CodeInfo};

code!(
    S001,
    "role-not-defined",
    Some(Chapter::Security),
    Warning,
    "a role is used that the document's list of roles does not have"
);
code!(
    S002,
    "only-the-admin",
    Some(Chapter::Security),
    Warning,
    "no sentence allows anybody but the admin to reach a table"
);
code!(
    S003,
    "sees-all-rows",
    Some(Chapter::Security),
    Info,
    "any signed-in user sees all rows of a table whose rows have owners"
);
code!(
    S004,
    "owner-unknown",
    Some(Chapter::Security),
    Warning,
    "a sentence speaks of owners, but the table does not say whose rows they are"
);
code!(
    S005,
    "owner-ambiguous",
    Some(Chapter::Security),
    Warning,
    "several foreign keys lead to a user, so that the owner is not clear"
);

/// All codes of this chapter.
pub static CODES: &[&CodeInfo] = &[&S001, &S002, &S003, &S004, &S005];
