//! Diagnostics of the api chapter. Codes are `A` and three digits, 001 to 499, never reused.

use crate::{Chapter, code, diagnostic::CodeInfo};

code!(
    A001,
    "resource-without-table",
    Some(Chapter::Api),
    Warning,
    "endpoints name a resource for which no table is declared"
);
code!(
    A002,
    "unbound-action",
    Some(Chapter::Api),
    Warning,
    "endpoints name an action that the document does not define"
);
code!(
    A003,
    "callers-disagree",
    Some(Chapter::Api),
    Error,
    "two places disagree on who may call an endpoint"
);

/// All codes of this chapter.
pub static CODES: &[&CodeInfo] = &[&A001, &A002, &A003];
