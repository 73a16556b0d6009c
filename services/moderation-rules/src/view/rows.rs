//! What the tables hold.

use serde::{Deserialize, Serialize};
use stoa_journal::Journal;
use stoa_proto::{Sanction, Verdict};

use super::reports::Reports;
use crate::record::{About, Closing, Opening, Stored};
use crate::statement::Tongue;

/// Event times that are remembered per author; `author.recent` counts up to this many.
const RECENT: usize = 64;
/// How far back `author.recent` counts, in microseconds.
const RECENT_WINDOW: i64 = 600 * 1_000_000;
/// How much earlier an escalated case is in the queue: no other one is due so early.
const ESCALATED: i64 = 1 << 61;
/// How long a case of ordinary urgency may wait that says nothing of it, in microseconds.
const LEVEL: i64 = 4 * 3_600 * 1_000_000;
/// How long a warning is remembered, in microseconds.
const WARNED: i64 = 90 * 86_400 * 1_000_000;

/// A comment: what stands about its highest revision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct CommentRow {
    pub(crate) article: String,
    pub(crate) author: String,
    pub(crate) parent: Option<String>,
    /// How many comments stand above it, if that is known.
    pub(crate) depth: Option<u32>,
    /// The highest revision that was decided; 0 before the first.
    pub(crate) revision: u32,
    /// The decision that stands.
    pub(crate) decision: String,
    pub(crate) verdict: Verdict,
    /// The rules that acted in the rules' last decision about the highest revision, and those that
    /// fired on it without acting.
    pub(crate) acted: Vec<String>,
    pub(crate) shadowed: Vec<String>,
    /// The record of the rules' decision about the highest revision.
    pub(crate) decided_seq: u64,
    /// The record of the rules' last decision about it because of a report, if there is one.
    pub(crate) rejudged_seq: Option<u64>,
    /// The record of a moderator's last decision about it, if there is one.
    pub(crate) reviewed_seq: Option<u64>,
    /// The record of its withdrawal; none after a newer revision.
    pub(crate) withdrawn_seq: Option<u64>,
    /// The record of the order to erase its words, if there is one.
    pub(crate) erased_seq: Option<u64>,
    /// Votes for and against, as they were last written down.
    pub(crate) votes: u64,
    /// All reports, ever.
    pub(crate) n_reports: u32,
    /// Those since a moderator last decided.
    pub(crate) reports: Option<Box<Reports>>,
}

impl CommentRow {
    /// Returns the records of decisions about the highest revision that stand or once stood, of
    /// each kind the last, oldest first; none before the first decision.
    pub(crate) fn decisions(&self) -> Vec<u64> {
        let first = (self.revision > 0).then_some(self.decided_seq);
        let mut seqs: Vec<u64> = first
            .into_iter()
            .chain(self.rejudged_seq)
            .chain(self.reviewed_seq)
            .collect();
        seqs.sort_unstable();
        seqs
    }

    /// Returns what was reported since a moderator last decided.
    pub(crate) fn open_reports(&self) -> Reports {
        self.reports.as_deref().cloned().unwrap_or_default()
    }

    /// Reads when ingest recorded the highest revision, in microseconds since 1970; none if that is
    /// not known, or not kept.
    pub(crate) fn recorded(&self, journal: &Journal) -> anyhow::Result<Option<i64>> {
        let record = match self.revision {
            0 => None,
            _ => journal.read_seq(self.decided_seq)?,
        };
        let stored = record.map(|record| Stored::read(&record)).transpose()?;
        Ok(stored.flatten().and_then(|stored| stored.recorded()))
    }
}

/// An author's history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuthorRow {
    /// Comments by the verdict that stands.
    pub(crate) approved: u64,
    pub(crate) held: u64,
    pub(crate) rejected: u64,
    /// Comments that they reported, by whether a moderator then rejected or approved them.
    pub(crate) upheld: u64,
    pub(crate) dismissed: u64,
    /// What a moderator put them under last, and the last warning: each holds until it ends.
    restriction: Option<SanctionRow>,
    warning: Option<SanctionRow>,
    /// The time of the earliest comment, in event time.
    pub(crate) first_seen: Option<i64>,
    /// The newest times of comments, ascending.
    recent: Vec<i64>,
    /// The language that they wrote in last, if that is known.
    pub(crate) language: Option<Tongue>,
}

/// What an author is under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SanctionRow {
    pub(crate) sanction: Sanction,
    pub(crate) until: Option<i64>,
    /// The record of it.
    pub(crate) seq: u64,
}

impl AuthorRow {
    /// Returns what the author is under at a time; a warning goes behind everything else.
    pub(crate) fn sanction(&self, at: i64) -> Option<SanctionRow> {
        let holds = |row: &SanctionRow| row.until.is_none_or(|until| at < until);
        let restriction = self.restriction.filter(holds);
        restriction.or_else(|| self.warning.filter(holds))
    }

    /// Tells whether a sanction, by its record, holds at a time, behind another one or not.
    pub(crate) fn is_under(&self, seq: u64, at: i64) -> bool {
        let rows = [self.restriction, self.warning];
        let holds = |row: &SanctionRow| row.seq == seq && row.until.is_none_or(|until| at < until);
        rows.iter().flatten().any(holds)
    }

    /// Takes in what a moderator put them under, or that it was lifted.
    pub(crate) fn sanctioned(&mut self, sanction: Sanction, until: Option<i64>, at: i64, seq: u64) {
        let row = SanctionRow {
            sanction,
            until,
            seq,
        };
        match sanction {
            Sanction::Lift => (self.restriction, self.warning) = (None, None),
            Sanction::Warn => {
                let until = Some(at.saturating_add(WARNED));
                self.warning = Some(SanctionRow { until, ..row });
            }
            _ => self.restriction = Some(row),
        }
    }

    /// Tells whether the author has earned trust by so many approved comments, if that is enough.
    pub(crate) fn is_trusted(&self, after: u64) -> bool {
        after > 0 && self.approved >= after && self.rejected == 0
    }

    /// Counts the comments in the ten minutes before a time.
    pub(crate) fn recent(&self, at: i64) -> u64 {
        let window = at.saturating_sub(RECENT_WINDOW)..=at;
        self.recent
            .iter()
            .filter(|time| window.contains(time))
            .count() as u64
    }

    /// Notes a new comment.
    pub(crate) fn seen(&mut self, at: i64) {
        self.first_seen = Some(self.first_seen.map_or(at, |first| first.min(at)));
        let place = self.recent.partition_point(|time| *time <= at);
        self.recent.insert(place, at);
        let newest = self.recent.last().copied().unwrap_or(at);
        let old = self
            .recent
            .partition_point(|time| *time < newest.saturating_sub(RECENT_WINDOW));
        let over = self.recent.len().saturating_sub(RECENT);
        self.recent.drain(..old.max(over));
    }

    /// Returns what a report of theirs is worth: Laplace's rule of succession for the next one to be
    /// upheld, doubled, so that somebody of whom nothing is known has 1.
    pub(crate) fn weight(&self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "nobody makes so many reports that it shows"
        )]
        let (upheld, all) = (self.upheld as f64, (self.upheld + self.dismissed) as f64);
        2.0 * (upheld + 1.0) / (all + 2.0)
    }

    /// Notes what a moderator made of a comment that they had reported.
    pub(crate) fn answered(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Reject => self.upheld += 1,
            Verdict::Approve => self.dismissed += 1,
            Verdict::Hold => {}
        }
    }

    /// Takes back what a moderator made of a comment that they had reported.
    pub(crate) fn unanswered(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Reject => self.upheld = self.upheld.saturating_sub(1),
            Verdict::Approve => self.dismissed = self.dismissed.saturating_sub(1),
            Verdict::Hold => {}
        }
    }

    /// Returns the count of a verdict.
    pub(crate) fn count(&mut self, verdict: Verdict) -> &mut u64 {
        match verdict {
            Verdict::Approve => &mut self.approved,
            Verdict::Hold => &mut self.held,
            Verdict::Reject => &mut self.rejected,
        }
    }
}

/// An article.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ArticleRow {
    pub(crate) published_at: Option<i64>,
    pub(crate) removed: bool,
    pub(crate) tags: Vec<String>,
    /// When ingest recorded the event that says so, in microseconds since 1970, if that is known.
    pub(crate) recorded: Option<i64>,
}

/// A case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CaseRow {
    pub(crate) site: String,
    pub(crate) article: String,
    pub(crate) comment: String,
    pub(crate) author: String,
    pub(crate) reason: Opening,
    pub(crate) priority: i64,
    /// By when it is to be decided.
    pub(crate) due: i64,
    pub(crate) revision: u32,
    /// Raised whenever what a moderator would decide about changes.
    pub(crate) version: u64,
    /// How often it was opened.
    pub(crate) openings: u64,
    pub(crate) opened_seq: u64,
    pub(crate) opened_at: i64,
    /// The record of the decision that led to it, where the comment can be read.
    pub(crate) decided_seq: u64,
    pub(crate) labels: Vec<String>,
    pub(crate) rules: Vec<String>,
    pub(crate) closed: Option<ClosedRow>,
    /// Who works on it, and until when; see [`CaseRow::assignee`].
    pub(crate) claim: Option<ClaimRow>,
    pub(crate) escalated: Option<EscalatedRow>,
    /// The author's appeals that a moderator had or has to decide, oldest first.
    pub(crate) appeals: Vec<String>,
    /// Whether one of them is open.
    pub(crate) appealed: bool,
}

impl CaseRow {
    /// Returns the comment that it is about.
    pub(crate) fn about(&self) -> About {
        About {
            site: self.site.clone(),
            article: self.article.clone(),
            comment: self.comment.clone(),
        }
    }

    /// Returns its place in the queue: when it is due, and the record that opened it.
    pub(crate) fn place(&self) -> (i64, u64) {
        let ahead = self.escalated.as_ref().map_or(0, |_| ESCALATED);
        (self.due.saturating_sub(ahead), self.opened_seq)
    }

    /// Returns the narrower queues that it is in.
    pub(crate) fn queues(&self) -> Vec<Queue> {
        let mut queues = vec![
            Queue::site(&self.site),
            Queue::author(&self.site, &self.author),
            Queue::article(&self.site, &self.article),
        ];
        queues.extend(self.labels.iter().map(|label| Queue::label(label)));
        queues.extend(self.rules.iter().map(|rule| Queue::rule(rule)));
        match &self.claim {
            Some(claim) => queues.push(Queue::claimed(&claim.moderator)),
            None => queues.extend([Queue::free(""), Queue::free(&self.site)]),
        }
        queues.sort_unstable();
        queues.dedup();
        queues
    }

    /// Returns who works on it at a time: a claim that is over is nobody's.
    pub(crate) fn assignee(&self, at: i64) -> Option<&ClaimRow> {
        self.claim.as_ref().filter(|claim| at < claim.until)
    }
}

/// When a case is due that was opened at a time: the more urgent, the earlier.
pub(crate) fn due(opened: i64, level: i64, priority: i64) -> i64 {
    let wait = level.saturating_mul(10) / priority.max(1);
    opened.saturating_add(wait)
}

/// When a case is due of which nothing was written down.
pub(super) fn assumed_due(opened: i64, priority: i64) -> i64 {
    due(opened, LEVEL, priority)
}

/// A part of the queue: what it has in common, as the beginning of a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Queue(pub(crate) u8, pub(crate) String, pub(crate) String);

impl Queue {
    /// The open cases of a site.
    pub(crate) fn site(site: &str) -> Self {
        Self(1, site.to_owned(), String::new())
    }

    /// Those of an author.
    pub(crate) fn author(site: &str, author: &str) -> Self {
        Self(2, site.to_owned(), author.to_owned())
    }

    /// Those under an article.
    pub(crate) fn article(site: &str, article: &str) -> Self {
        Self(3, site.to_owned(), article.to_owned())
    }

    /// Those with a label, of all sites.
    pub(crate) fn label(label: &str) -> Self {
        Self(4, String::new(), label.to_owned())
    }

    /// Those in which a rule acted, of all sites.
    pub(crate) fn rule(rule: &str) -> Self {
        Self(5, String::new(), rule.to_owned())
    }

    /// Those that a moderator claimed last, of all sites.
    pub(crate) fn claimed(moderator: &str) -> Self {
        Self(6, String::new(), moderator.to_owned())
    }

    /// Those of a site that nobody has claimed, or whose claim was given back; without one, of all
    /// sites.
    pub(crate) fn free(site: &str) -> Self {
        Self(7, site.to_owned(), String::new())
    }

    /// Tells whether it has all cases of a site.
    pub(crate) fn is_of_site(&self) -> bool {
        self.0 == 1
    }
}

/// Who works on a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClaimRow {
    pub(crate) moderator: String,
    pub(crate) until: i64,
}

/// Who wants a case to be looked at before others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EscalatedRow {
    pub(crate) by: String,
    pub(crate) at: i64,
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClosedRow {
    pub(crate) seq: u64,
    pub(crate) at: i64,
    pub(crate) reason: Closing,
    /// The decision that closed it.
    pub(crate) decision: Option<String>,
    /// The verdict and who gave it, if it was a moderator.
    pub(crate) verdict: Option<Verdict>,
    pub(crate) moderator: Option<String>,
    /// What the request asked for.
    pub(crate) fingerprint: Option<String>,
    /// The reports that a moderator answered by it, which wait again if it is undone.
    pub(crate) answered: Option<Box<Reports>>,
    /// The appeals that were settled by it, which are open again if it is undone.
    pub(crate) settled: Vec<String>,
}

/// What a rule did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RuleRow {
    /// How often it fired and acted.
    pub(crate) hits: u64,
    /// How often it fired without acting.
    pub(crate) shadow_hits: u64,
    /// The verdicts of the decisions in which it acted.
    pub(crate) approve: u64,
    pub(crate) hold: u64,
    pub(crate) reject: u64,
}

impl RuleRow {
    /// Counts a decision in which the rule acted.
    pub(crate) fn acted(&mut self, verdict: Verdict) {
        self.hits += 1;
        match verdict {
            Verdict::Approve => self.approve += 1,
            Verdict::Hold => self.hold += 1,
            Verdict::Reject => self.reject += 1,
        }
    }
}

/// A rule's breaker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BreakerRow {
    /// The hash of the content that it is about; it says nothing of a rule with another one.
    pub(crate) content: String,
    /// When counting began.
    pub(crate) from: i64,
    /// The comments that had been judged in that slice of time before.
    pub(crate) before: u64,
    pub(crate) opened: Option<OpenedRow>,
    /// Who reset it last, and when.
    pub(crate) reset: Option<(String, i64)>,
}

/// An open breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpenedRow {
    pub(crate) at: i64,
    /// The rule's hits, and all comments that were judged, within the window.
    pub(crate) hits: u64,
    pub(crate) comments: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reporter_weighs_what_the_record_says() {
        for (upheld, dismissed, weight) in [
            (0, 0, 1.0),
            (1, 0, 4.0 / 3.0),
            (0, 1, 2.0 / 3.0),
            (5, 5, 1.0),
            (98, 0, 1.98),
            (0, 98, 0.02),
        ] {
            let mut reporter = AuthorRow::default();
            (0..upheld).for_each(|_| reporter.answered(Verdict::Reject));
            (0..dismissed).for_each(|_| reporter.answered(Verdict::Approve));
            let found = reporter.weight();
            assert!((found - weight).abs() < 1e-12, "{found} for {weight}");
        }
    }

    #[test]
    fn a_sanction_holds_until_it_ends() {
        let sanction = |author: &AuthorRow, at| author.sanction(at).map(|row| row.sanction);
        let mut author = AuthorRow::default();
        author.sanctioned(Sanction::Warn, None, 10, 1);
        author.sanctioned(Sanction::Suspend, Some(100), 20, 2);
        assert_eq!(sanction(&author, 99), Some(Sanction::Suspend));
        assert_eq!(sanction(&author, 100), Some(Sanction::Warn));
        assert_eq!(sanction(&author, 10 + WARNED), None);
        author.sanctioned(Sanction::Ban, None, 200, 3);
        assert_eq!(sanction(&author, i64::MAX), Some(Sanction::Ban));
        author.sanctioned(Sanction::Lift, None, 300, 4);
        assert_eq!(sanction(&author, 301), None);
    }

    #[test]
    fn recent_counts_ten_minutes_of_event_time_in_any_order() {
        let minute = 60 * 1_000_000;
        let mut author = AuthorRow::default();
        for at in [5, 1, 9, 3] {
            author.seen(at * minute);
        }
        assert_eq!(author.first_seen, Some(minute));
        assert_eq!(author.recent(9 * minute), 4);
        assert_eq!(author.recent(12 * minute), 3);
        assert_eq!(author.recent(4 * minute), 2);
        author.seen(60 * minute);
        assert_eq!(author.recent(60 * minute), 1);
        for _ in 0..200 {
            author.seen(61 * minute);
        }
        assert_eq!(author.recent.len(), RECENT);
    }
}
