//! Diagnostics of the text itself: encoding, fences, placeholders, suppressions. Codes are `T` and
//! three digits.

use crate::diagnostic::CodeInfo;

/// All codes of the text.
pub static CODES: &[&CodeInfo] = &[];
