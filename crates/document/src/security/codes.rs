//! Diagnostics of the security chapter. Codes are `S` and three digits, 001 to 499, never reused.

use crate::diagnostic::CodeInfo;

/// All codes of this chapter.
pub static CODES: &[&CodeInfo] = &[];
