//! What readers reported about a comment since a moderator last decided it.

use serde::{Deserialize, Serialize};
use stoa_proto::ReportReason;

/// Reporters who are told apart; reports of further ones add nothing, so that a row stays small
/// whatever a crowd does.
const MOST: usize = 256;

/// The reports about a comment that nobody has answered yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reports {
    /// Who reported it, each once.
    reporters: Vec<String>,
    /// Reports of which nobody knows who made them.
    unknown: u32,
    /// What they weigh together.
    weight: f64,
    /// Their reasons, a bit for each.
    reasons: u8,
    /// When the first of them came.
    pub(crate) since: Option<i64>,
}

impl Reports {
    /// Takes a report in: of somebody who reported the comment before, its reason alone.
    pub(crate) fn add(
        &mut self,
        reporter: Option<&str>,
        reason: Option<ReportReason>,
        weight: f64,
    ) {
        match reporter {
            None => self.unknown = self.unknown.saturating_add(1),
            Some(id) if self.reporters.iter().any(|known| known == id) => {
                self.note(reason);
                return;
            }
            Some(_) if self.reporters.len() >= MOST => return,
            Some(id) => self.reporters.push(id.to_owned()),
        }
        self.weight += weight;
        self.note(reason);
    }

    fn note(&mut self, reason: Option<ReportReason>) {
        self.reasons |= reason.map_or(0, bit);
    }

    /// Tells whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Counts the reporters.
    pub(crate) fn count(&self) -> u64 {
        self.reporters.len() as u64 + u64::from(self.unknown)
    }

    /// Returns what the reports weigh together.
    pub(crate) fn weight(&self) -> f64 {
        self.weight
    }

    /// Returns what the comment was reported for, each reason once.
    pub(crate) fn reasons(&self) -> Vec<ReportReason> {
        let mut reasons = ReportReason::ALL.to_vec();
        reasons.retain(|reason| self.reasons & bit(*reason) != 0);
        reasons
    }

    /// Returns the reporters who are known.
    pub(crate) fn reporters(&self) -> &[String] {
        &self.reporters
    }
}

fn bit(reason: ReportReason) -> u8 {
    1 << reason as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reporter_counts_once_and_a_crowd_to_its_limit() {
        let mut reports = Reports::default();
        assert!(reports.is_empty());
        reports.add(Some("u-1"), Some(ReportReason::Other), 0.5);
        reports.add(Some("u-1"), Some(ReportReason::Spam), 0.5);
        reports.add(None, None, 1.0);
        reports.add(None, Some(ReportReason::Spam), 1.0);
        assert_eq!((reports.count(), reports.weight()), (3, 2.5));
        assert_eq!(reports.reasons(), [ReportReason::Spam, ReportReason::Other]);
        for n in 0..1_000 {
            reports.add(Some(&format!("crowd-{n}")), Some(ReportReason::Hate), 1.0);
        }
        assert_eq!(reports.reporters().len(), MOST);
        assert_eq!((reports.count(), reports.weight()), (258, 257.5));
    }

    #[test]
    fn every_reason_has_a_bit_of_its_own() {
        for reason in ReportReason::ALL {
            let mut reports = Reports::default();
            reports.add(None, Some(reason), 1.0);
            assert_eq!(reports.reasons(), [reason]);
        }
    }
}
