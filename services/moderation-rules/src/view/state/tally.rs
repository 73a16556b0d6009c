//! What is counted of each change, by the day on which it happened.

use stoa_proto::{ReportReason, Sanction, Verdict};
use stoa_store::{Batch, Error};

use super::State;
use crate::record::{Automation, Change, Intake, Reasons, Refusal};
use crate::view::appeals::{AppealRow, Status};
use crate::view::reports::Reports;
use crate::view::tally::{DAY, Tally};
use crate::view::{COUNTED, KEPT, RESTRICTIONS};

/// How long it took until a moderator had read what was reported, and until an appeal was decided.
const NOTICES: &str = "notice";
const APPEALS: &str = "appeal";

impl State<'_> {
    /// Adds what was counted to a batch.
    pub(super) fn write_counted(&self, batch: &mut Batch) -> Result<(), Error> {
        for (key, added) in &self.counted {
            let mut tally = self.index.view.get(&COUNTED, key)?.unwrap_or_default();
            tally.add(added);
            batch.put(&COUNTED, key, &tally);
        }
        for (key, site) in &self.restrictions {
            batch.put(&RESTRICTIONS, key, site);
        }
        for (seq, by) in &self.kept {
            batch.put(&KEPT, seq, by);
        }
        Ok(())
    }

    /// Notes which record keeps what others changed that are overwritten.
    pub(crate) fn keep(&mut self, seqs: impl Iterator<Item = u64>, by: u64) {
        self.kept.extend(seqs.map(|seq| (seq, by)));
    }

    fn tally(&mut self, site: &str, at: i64) -> &mut Tally {
        let key = (at.div_euclid(DAY), site.to_owned());
        self.counted.entry(key).or_default()
    }

    /// Counts a change.
    pub(super) fn count_change(&mut self, seq: u64, change: &Change, reasons: Option<&Reasons>) {
        let site = change.site();
        if let Some(decided) = change.decided()
            && !matches!(change, Change::Imported(_))
        {
            let name = match decided.verdict {
                Verdict::Approve => "verdict/rules/approve",
                Verdict::Hold => "verdict/rules/hold",
                Verdict::Reject => "verdict/rules/reject",
            };
            self.tally(site, decided.at).count(name, 1);
            self.count_reasons(site, decided.at, seq, reasons);
        }
        match change {
            Change::Reviewed(reviewed) => {
                let name = format!("verdict/moderators/{}", reviewed.verdict.as_str());
                self.tally(site, reviewed.at).count(&name, 1);
                self.count_reasons(site, reviewed.at, seq, reasons);
            }
            Change::Undone(undone) => {
                self.tally(site, undone.at).count("undone", 1);
                let key = (undone.at.div_euclid(DAY), seq);
                if reasons.is_some() {
                    self.restrictions.push((key, site.to_owned()));
                }
            }
            Change::Reported { at, .. } => {
                let other = ReportReason::Other.as_str();
                let name = format!("notice/received/{other}");
                self.tally(site, *at).count(&name, 1);
            }
            Change::ReportedFor(report) => {
                let name = format!("notice/received/{}", report.reason.as_str());
                self.tally(site, report.at).count(&name, 1);
            }
            Change::Appeal(appeal) => {
                let tally = self.tally(site, appeal.at);
                match appeal.intake {
                    Intake::Refused(Refusal::Repeated) => {}
                    Intake::Refused(refusal) => {
                        tally.count("appeal/received", 1);
                        tally.count(&format!("appeal/refused/{}", refusal.as_str()), 1);
                    }
                    Intake::Reversed { .. } => {
                        tally.count("appeal/received", 1);
                        tally.count("appeal/outcome/reversed", 1);
                        tally.took(APPEALS, 0, 1);
                    }
                    Intake::Open => tally.count("appeal/received", 1),
                }
            }
            Change::Sanctioned(sanctioned) => {
                let name = format!("sanction/{}", sanctioned.sanction.as_str());
                self.tally(site, sanctioned.at).count(&name, 1);
                if !matches!(sanctioned.sanction, Sanction::Warn | Sanction::Lift) {
                    let key = (sanctioned.at.div_euclid(DAY), seq);
                    self.restrictions.push((key, site.to_owned()));
                }
            }
            _ => {}
        }
    }

    fn count_reasons(&mut self, site: &str, at: i64, seq: u64, reasons: Option<&Reasons>) {
        let Some(reasons) = reasons else {
            return;
        };
        let key = (at.div_euclid(DAY), seq);
        self.restrictions.push((key, site.to_owned()));
        let tally = self.tally(site, at);
        let ground = if reasons.is_legal { "legal" } else { "terms" };
        tally.count(&format!("ground/{ground}"), 1);
        let category = reasons.category.as_deref().unwrap_or("none");
        tally.count(&format!("category/{category}"), 1);
        let detected = if reasons.is_detected {
            "automated"
        } else {
            "not_automated"
        };
        tally.count(&format!("detection/{detected}"), 1);
        let automation = match reasons.automation {
            Automation::Fully => "fully",
            Automation::Partially => "partially",
            Automation::Not => "not_automated",
        };
        tally.count(&format!("automation/{automation}"), 1);
    }

    /// Counts the reports that a moderator answered, or takes that back.
    pub(super) fn count_answer(
        &mut self,
        site: &str,
        at: i64,
        verdict: Verdict,
        reports: &Reports,
        by: i64,
    ) {
        let n = i64::try_from(reports.count()).unwrap_or(i64::MAX);
        let (since, by) = (reports.since.unwrap_or(at), by.saturating_mul(n));
        let tally = self.tally(site, at);
        tally.count(&format!("notice/answered/{}", verdict.as_str()), by);
        tally.took(NOTICES, at - since, by);
    }

    /// Counts how an appeal ended, or takes that back.
    pub(super) fn count_outcome(&mut self, row: &AppealRow, by: i64) {
        let Some(ended) = &row.ended else {
            return;
        };
        let tally = self.tally(&row.about.site, ended.at);
        tally.count(&format!("appeal/outcome/{}", row.status.as_str()), by);
        if matches!(row.status, Status::Upheld | Status::Reversed) {
            tally.took(APPEALS, ended.at - row.at, by);
        }
    }
}
