//! Trials of the security chapter.

use crate::Stage;

/// Tries the chapter's claims.
pub(crate) async fn probe(_stage: &Stage<'_>) {}
