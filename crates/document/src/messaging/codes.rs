//! Diagnostics of the messaging chapter. Codes are `M` and three digits, 001 to 499, never reused.

use crate::{Chapter, code, diagnostic::CodeInfo};

code!(
    M001,
    "states-without-column",
    Some(Chapter::Messaging),
    Warning,
    "states are drawn that no column of a table holds"
);
code!(
    M002,
    "state-not-a-value",
    Some(Chapter::Messaging),
    Warning,
    "a state is drawn that the column does not take"
);
code!(
    M003,
    "state-not-drawn",
    Some(Chapter::Messaging),
    Warning,
    "the column takes a state that the drawing does not show"
);
code!(
    M004,
    "state-unreachable",
    Some(Chapter::Messaging),
    Warning,
    "no path from the start reaches a state"
);
code!(
    M005,
    "start-differs",
    Some(Chapter::Messaging),
    Warning,
    "the drawn start and the column's default differ"
);
code!(
    M006,
    "moves-disagree",
    Some(Chapter::Messaging),
    Warning,
    "two places disagree about which moves are allowed"
);

/// All codes of this chapter.
pub static CODES: &[&CodeInfo] = &[&M001, &M002, &M003, &M004, &M005, &M006];
