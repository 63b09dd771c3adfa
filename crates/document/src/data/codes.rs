//! Diagnostics of the data chapter. Codes are `D` and three digits, 001 to 499, never reused.

use crate::diagnostic::CodeInfo;

/// All codes of this chapter.
pub static CODES: &[&CodeInfo] = &[];
