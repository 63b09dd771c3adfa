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
code!(
    S006,
    "access-contradiction",
    Some(Chapter::Security),
    Warning,
    "two sentences disagree about who may do something"
);
code!(
    S007,
    "policy-not-understood",
    Some(Chapter::Security),
    Warning,
    "a policy's condition is not understood, so that it allows nothing"
);
code!(
    S008,
    "permission-not-understood",
    Some(Chapter::Security),
    Warning,
    "a permission names no table with a clear action"
);
code!(
    S009,
    "roles-in-a-table",
    Some(Chapter::Security),
    Info,
    "roles are kept in a table of their own"
);

/// All codes of this chapter.
pub static CODES: &[&CodeInfo] = &[&S001, &S002, &S003, &S004, &S005, &S006, &S007, &S008, &S009];
