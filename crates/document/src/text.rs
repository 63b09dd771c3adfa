//! Reads what concerns the text itself: encoding, unclosed fences, placeholders, suppressions.

use crate::compile::Reading;

/// Reports defects of the text and classes placeholders before any chapter is read.
pub(crate) fn read(_reading: &mut Reading<'_>) {}
