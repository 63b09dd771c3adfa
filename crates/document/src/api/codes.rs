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

code!(
    A020,
    "envelopes-disagree",
    Some(Chapter::Api),
    Warning,
    "two samples disagree on how a body is wrapped"
);
code!(
    A021,
    "error-shapes-disagree",
    Some(Chapter::Api),
    Warning,
    "two samples disagree on how errors look"
);
code!(
    A022,
    "member-without-column",
    Some(Chapter::Api),
    Warning,
    "a request example sends what no column stores"
);
code!(
    A023,
    "example-of-another-type",
    Some(Chapter::Api),
    Warning,
    "a value in an example is not of its column's type"
);
code!(
    A024,
    "example-leaves-out-required",
    Some(Chapter::Api),
    Info,
    "a create example leaves out a required column"
);
code!(
    A025,
    "error-schema-disagrees",
    Some(Chapter::Api),
    Warning,
    "the error sample has members that the error schema does not list"
);
code!(
    A026,
    "route-without-endpoint",
    Some(Chapter::Api),
    Info,
    "a gateway route leads to paths that no endpoint has"
);

/// All codes of this chapter.
pub static CODES: &[&CodeInfo] = &[
    &A001, &A002, &A003, &A010, &A011, &A012, &A013, &A020, &A021, &A022, &A023, &A024, &A025,
    &A026,
];
