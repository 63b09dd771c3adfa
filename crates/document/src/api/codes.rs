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

code!(
    A010,
    "doubled-prefix",
    Some(Chapter::Api),
    Warning,
    "a server's path and the paths under it say the same prefix twice"
);
code!(
    A011,
    "undefined-reference",
    Some(Chapter::Api),
    Error,
    "an OpenAPI reference points to a component that is not defined"
);
code!(
    A012,
    "undefined-graphql-type",
    Some(Chapter::Api),
    Warning,
    "a GraphQL schema uses a type that it does not define"
);
code!(
    A013,
    "surfaces-differ",
    Some(Chapter::Api),
    Info,
    "GraphQL offers what the REST endpoints of the same resource do not"
);

/// All codes of this chapter.
pub static CODES: &[&CodeInfo] = &[&A001, &A002, &A003, &A010, &A011, &A012, &A013];
