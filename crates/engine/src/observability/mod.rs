//! Observability: what the running system observed about each claim.

mod access_log;
mod built_in;
mod cache;
mod evidence;
mod histogram;
mod in_flight;
mod metrics;
mod proofs;
mod rows;
mod snapshot;
mod substitution;

pub use access_log::{AccessLog, AccessLogTo, Line};
pub(crate) use built_in::Readiness;
pub use built_in::{BuiltInCall, built_in};
pub use cache::{CacheEvidence, CacheSnapshot};
pub(crate) use evidence::SLICE_SECONDS;
pub use evidence::{EndpointEvidence, Evidence};
pub(crate) use proofs::watch_proofs;
pub use proofs::{PROOFS_FILE, ProofOfClaim, ProofVerdict, Proofs};
pub(crate) use rows::watch_tables;
pub use snapshot::{
    EndpointSnapshot, Percentile, Sample, SettingSnapshot, Snapshot, TableSnapshot, Verdict,
};
pub(crate) use substitution::is_named;
pub use substitution::{Substitution, substitutions};
