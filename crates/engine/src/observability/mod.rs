//! Observability: what the running system observed about each claim.

mod evidence;
mod histogram;
mod snapshot;

pub use evidence::{EndpointEvidence, Evidence};
pub use snapshot::{
    EndpointSnapshot, Percentile, Sample, SettingSnapshot, Snapshot, TableSnapshot, Verdict,
};
