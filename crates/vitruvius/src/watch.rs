//! Watches the files of a document: says when their content may have changed, once the editor is
//! done with them.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use crate::Failure;

/// Editors write, rename and write again: what settles within this time is one save.
const SETTLE: Duration = Duration::from_millis(100);

/// Watches until dropped.
pub(crate) struct Watch {
    _watcher: RecommendedWatcher,
    touched: Arc<Notify>,
}

impl Watch {
    /// Watches the directories of the files, because editors replace files instead of writing them.
    pub(crate) fn start(files: &[PathBuf]) -> Result<Self, Failure> {
        let touched = Arc::new(Notify::new());
        let mut names = BTreeSet::new();
        let mut directories = BTreeSet::new();
        for file in files {
            // A link may be pointed elsewhere, and what it points to may be written: both count.
            let target = std::fs::canonicalize(file).unwrap_or_else(|_| file.clone());
            for path in [file, &target] {
                names.extend(path.file_name().map(OsString::from));
                directories.insert(directory_of(path));
            }
        }
        let notice = touched.clone();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let is_ours = match &event {
                Ok(event) => !event.kind.is_access() && concerns(event, &names),
                // Events were lost: look rather than miss a save.
                Err(_) => true,
            };
            if is_ours {
                notice.notify_one();
            }
        })
        .map_err(|error| Failure::new(format!("cannot watch files: {error}")))?;
        for directory in &directories {
            watcher.watch(directory, RecursiveMode::NonRecursive).map_err(|error| {
                Failure::new(format!("cannot watch {}: {error}", directory.display()))
            })?;
        }
        Ok(Self { _watcher: watcher, touched })
    }

    /// Waits until a file may have changed and nothing more happens for a moment.
    pub(crate) async fn saved(&self) {
        self.touched.notified().await;
        while tokio::time::timeout(SETTLE, self.touched.notified()).await.is_ok() {}
    }
}

fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// True for events about our files. Mounted volumes swap a whole directory behind `..data`.
fn concerns(event: &Event, names: &BTreeSet<OsString>) -> bool {
    event
        .paths
        .iter()
        .filter_map(|path| path.file_name())
        .any(|name| names.contains(name) || name.to_string_lossy().starts_with("..data"))
}
