//! Trials of the api chapter.

use crate::Stage;

/// Tries the chapter's claims.
pub(crate) async fn probe(_stage: &Stage<'_>) {}
