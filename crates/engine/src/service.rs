//! The service: the store, the version that is served, identity and evidence. Starts, answers
//! requests, and swaps in a new version without dropping one.

use std::sync::{Arc, OnceLock};

use arc_swap::{ArcSwap, ArcSwapOption};
use document::Compiled;
use jiff::Timestamp;
use store::Store;
use tokio::sync::watch;

use crate::{Running, Settings, World, pages::Pages};

/// Why a service does not start, or a new version is not swapped in.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The document has errors and `--partial` was not asked for.
    #[error("the document has errors")]
    Document,
    /// A variable that the document requires is missing.
    #[error("required variables are missing: {}", names.join(", "))]
    Variables {
        /// Their names.
        names: Vec<String>,
    },
    /// The plan has steps that need a sentence in the document.
    #[error("the data does not fit the document yet")]
    Blocked(store::plan::Plan),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// Files or sockets.
    #[error("{0}")]
    Machine(String),
}

/// A running service. A handle: cloning it is cheap.
#[derive(Clone)]
pub struct Service {
    /// Shared by all clones.
    pub inner: Arc<Inner>,
}

/// What all parts of the engine share.
pub struct Inner {
    /// The operator's settings.
    pub settings: Settings,
    /// Time and randomness.
    pub world: Arc<dyn World>,
    /// Rows.
    pub store: Store,
    /// The version that is served.
    pub running: ArcSwap<Running>,
    /// Keys, tokens, limits.
    pub security: crate::security::State,
    /// What was observed.
    pub evidence: crate::observability::Evidence,
    /// The last save that could not be served, until a good one follows.
    pub refused: ArcSwapOption<RefusedSave>,
    /// Counts swaps and refused saves; pages wait on it to push news.
    pub changes: watch::Sender<u64>,
    /// What answers at `/` and below `/_/`, once mounted.
    pub pages: OnceLock<Arc<dyn Pages>>,
}

/// A save that could not be served: the version before it serves on.
#[derive(Debug)]
pub struct RefusedSave {
    /// When it was tried.
    pub at: Timestamp,
    /// Why it was refused.
    pub reason: StartError,
    /// What it said; its diagnostics and text are shown on the page.
    pub compiled: Arc<Compiled>,
}

impl Service {
    /// Opens the store, applies what is safe of the plan and prepares the document.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        _compiled: Arc<Compiled>,
        _settings: Settings,
        _world: Arc<dyn World>,
    ) -> Result<Self, StartError> {
        Err(StartError::Document)
    }

    /// Plans the new version, applies what is safe and swaps it in; the old one serves on where
    /// anything fails.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn replace(&self, _compiled: Arc<Compiled>) -> Result<(), StartError> {
        Ok(())
    }

    /// Lets `pages` answer at `/` and below `/_/`. The first mount counts.
    pub fn mount(&self, pages: Arc<dyn Pages>) {
        let _ = self.inner.pages.set(pages);
    }
}
