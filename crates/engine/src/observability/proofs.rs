//! What `verify` found about the served document, for the page: read from the report that it left
//! in the data directory, and again whenever that changes.

use std::{
    path::Path,
    sync::{Arc, Weak},
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use serde::Deserialize;

use crate::service::Inner;

/// The report's name in the data directory.
pub const PROOFS_FILE: &str = "proofs.json";
/// A larger report is not read.
const PROOFS_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A report of `verify`, in its JSON format.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Proofs {
    /// When it was made.
    #[serde(deserialize_with = "moment")]
    pub at: Timestamp,
    /// What was found, claim by claim.
    pub claims: Vec<ProofOfClaim>,
}

/// What was found about one claim.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProofOfClaim {
    /// The statement's subject, such as `table:users`.
    pub subject: Option<String>,
    /// The first line of the statement, as it was written then.
    pub sentence: String,
    /// What came out.
    pub verdict: ProofVerdict,
}

/// Whether a claim was found to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ProofVerdict {
    /// Everything that was tried came as it says.
    #[serde(rename = "proved")]
    Proved,
    /// Something came otherwise.
    #[serde(rename = "refuted")]
    Refuted,
    /// It was not, or not wholly, tried.
    #[serde(other)]
    NotTold,
}

fn moment<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

/// Looks for a report for as long as the service lives.
pub(crate) fn watch_proofs(inner: Weak<Inner>) {
    tokio::spawn(async move {
        let mut seen: Option<SystemTime> = None;
        loop {
            let Some(strong) = inner.upgrade() else { break };
            let path = strong.settings.data_directory.join(PROOFS_FILE);
            let changed = changed(&path).await;
            if changed != seen {
                seen = changed;
                strong.evidence.proofs.store(read(&path).await.map(Arc::new));
            }
            drop(strong);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
}

/// When the report was last written; none where there is none that may be read.
async fn changed(path: &Path) -> Option<SystemTime> {
    let found = tokio::fs::metadata(path).await.ok()?;
    (found.len() <= PROOFS_BYTES_MAX).then(|| found.modified().ok())?
}

async fn read(path: &Path) -> Option<Proofs> {
    let bytes = tokio::fs::read(path).await.ok()?;
    let proofs = serde_json::from_slice(&bytes);
    if let Err(error) = &proofs {
        tracing::warn!(path = %path.display(), %error, "the report of `verify` cannot be read");
    }
    proofs.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_that_tells_nothing_is_taken_for_untold() {
        let text = r#"{"version": 1, "at": "2026-11-20T10:00:00Z", "claims": [
            {"subject": "table:users", "sentence": "CREATE TABLE users (", "verdict": "proved"},
            {"subject": null, "sentence": "x", "verdict": "not testable here", "trials": 0}]}"#;
        let proofs: Proofs = serde_json::from_str(text).expect("a report");
        assert_eq!(proofs.at, "2026-11-20T10:00:00Z".parse().expect("a moment"));
        let verdicts: Vec<_> = proofs.claims.iter().map(|claim| claim.verdict).collect();
        assert_eq!(verdicts, [ProofVerdict::Proved, ProofVerdict::NotTold]);
        assert!(serde_json::from_str::<Proofs>(r#"{"at": "yesterday", "claims": []}"#).is_err());
    }
}
