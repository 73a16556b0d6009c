//! How urgent a case is, and by when it is to be decided.
//!
//! ```text
//! priority = reason (rules 10, reported 20, appeal 30) + severity + reach + what reports weigh
//! due      = opened + review.service_level × 10 / priority
//! ```
//!
//! Severity is that of the label that counts most, by `review.severity`; reach is the number of
//! binary digits of the replies and votes that are known (none 0, one 1, from four 3).
//! Both numbers are in the record, so that the queue is the same whenever the view is built; time
//! alone moves nothing in it.

use super::reach::digits;
use crate::config::ReviewConfig;
use crate::record::{Opening, Step};
use crate::view::reports::Reports;
use crate::view::rows::{CaseRow, due};

impl ReviewConfig {
    /// Returns what labels add to the priority.
    fn severity(&self, labels: &[String]) -> i64 {
        let points = labels.iter().filter_map(|label| self.severity.get(label));
        points.copied().max().unwrap_or_default()
    }

    fn due(&self, opened: i64, priority: i64) -> i64 {
        let level = self.service_level.get().as_micros();
        due(opened, i64::try_from(level).unwrap_or(i64::MAX), priority)
    }

    /// Opens a case at a time.
    pub(super) fn open(&self, reason: Opening, priority: i64, at: i64) -> Step {
        Step::OpenBy {
            reason,
            priority,
            due: self.due(at, priority),
        }
    }

    /// Keeps a case open; it is never due later than before.
    pub(super) fn keep(&self, case: &CaseRow, priority: i64) -> Step {
        Step::KeepBy {
            priority,
            due: self.due(case.opened_at, priority).min(case.due),
        }
    }

    /// Returns the priority of a case that is opened.
    pub(super) fn priority(
        &self,
        reason: Opening,
        labels: &[String],
        reports: &Reports,
        reach: u64,
    ) -> i64 {
        let reach = i64::from(digits(reach));
        reason.priority() + self.severity(labels) + reach + rounded(reports)
    }

    /// Returns the priority of an open case that has other labels now.
    pub(super) fn raised(&self, case: &CaseRow, labels: &[String]) -> i64 {
        let more = self.severity(labels) - self.severity(&case.labels);
        case.priority + more.max(0)
    }
}

/// Returns what reports weigh, as priorities count it.
pub(super) fn rounded(reports: &Reports) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "each of a bounded number of reports weighs 2 at most"
    )]
    let weight = reports.weight().round() as i64;
    weight
}
