//! Words that several formats share.

use super::{Report, Tally};

/// `118 of 124 enforced claims proved (95 %), 0 refuted, …`.
pub(super) fn summary(report: &Report) -> String {
    let tally = report.tally();
    format!(
        "{} of {} enforced claims proved ({} %), {} refuted, {} not tested, {} not testable here · \
         {} not enforced yet · {} requests in {:.1} s",
        tally.proved,
        tally.enforced(),
        percent(tally),
        tally.refuted,
        tally.not_tested,
        tally.not_testable,
        tally.not_enforced,
        report.requests,
        report.took.as_secs_f64(),
    )
}

/// The share of enforced claims that is proved, rounded down.
pub(super) fn percent(tally: Tally) -> usize {
    (tally.proved * 100).checked_div(tally.enforced()).unwrap_or(100)
}
