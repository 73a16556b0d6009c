//! The view: what is known of comments, authors, articles and cases, and where each record is.
//!
//! It holds ids, times, counts, labels and positions, no words; the journal has the rest.
//! One task writes it (the engine), through a [`State`], and everything in it follows from the
//! journal's changes again.

pub(crate) mod appeals;
pub(crate) mod feed;
pub(crate) mod limits;
pub(crate) mod memory;
mod pending;
pub(crate) mod reports;
pub(crate) mod rows;
pub(crate) mod state;
pub(crate) mod tallies;
pub(crate) mod tally;

use std::path::Path;

use stoa_journal::Journal;
use stoa_rules::Tally;
use stoa_store::{Table, View};

use self::appeals::AppealRow;
use self::feed::Feed;
use self::memory::Seen;
use self::rows::{ArticleRow, AuthorRow, BreakerRow, CaseRow, CommentRow, RuleRow};
pub(crate) use self::state::State;
use self::tallies::{ModeratorTally, RuleTally, TallyRow};
use self::tally::Tally as Counted;
use crate::metrics::Queue;
use crate::record::{ERASURE, Kept, Stored};

/// Raised when the tables or the meaning of their values change: the view is then rebuilt.
const FORMAT: u32 = 14;

/// Records that are applied in one batch while catching up.
const REPLAY_BATCH: usize = 2_048;

/// A site and an id in it.
pub(crate) type Id = (String, String);

/// The comments.
pub(crate) const COMMENTS: Table<Id, CommentRow> = Table::new(1, "comments");
/// Comment and revision → the record of its decision by rules; the highest revision's is in the
/// comment's own row.
pub(crate) const REVISIONS: Table<(String, String, u32), u64> = Table::new(2, "revisions");
/// The authors.
pub(crate) const AUTHORS: Table<Id, AuthorRow> = Table::new(3, "authors");
/// The articles.
pub(crate) const ARTICLES: Table<Id, ArticleRow> = Table::new(4, "articles");
/// The cases, by id.
pub(crate) const CASES: Table<String, CaseRow> = Table::new(5, "cases");
/// The open cases: when it is due, record that opened it → the case.
pub(crate) const OPEN: Table<(i64, u64), String> = Table::new(6, "open_cases");
/// The closed cases: record that closed it → the case.
pub(crate) const CLOSED: Table<u64, String> = Table::new(7, "closed_cases");
/// Decision, by [`decision_key`] → its record.
pub(crate) const DECISIONS: Table<[u8; 16], u64> = Table::new(8, "decisions");
/// Comment and record of each of its decisions, but those that its own row names.
pub(crate) const DECISIONS_OF: Table<(String, String, u64), ()> =
    Table::new(9, "decisions_by_comment");
/// Site, article, parent and comment, of every reply.
pub(crate) const CHILDREN: Table<(String, String, String, String), ()> = Table::new(10, "children");
/// Site, comment and report → its record.
pub(crate) const REPORTS: Table<(String, String, String), u64> = Table::new(11, "reports");
/// The appeals, by [`appeal_id`].
pub(crate) const APPEALS: Table<String, AppealRow> = Table::new(12, "appeals");
/// Rule → what it did.
pub(crate) const RULES: Table<String, RuleRow> = Table::new(13, "rules");
/// Totals by number; see [`OPEN_CASES`].
pub(crate) const TOTALS: Table<u8, u64> = Table::new(14, "totals");

/// Slice of time and rule → the comments in which it acted; without a rule, all that were judged.
pub(crate) const SLICES: Table<(i64, String), u64> = Table::new(15, "slices");
/// Rule → its breaker.
pub(crate) const BREAKERS: Table<String, BreakerRow> = Table::new(16, "breakers");
/// Day since 1970, in UTC, and rule → the comments in whose rejection it had a part.
pub(crate) const REJECTIONS: Table<(i64, String), u64> = Table::new(17, "rejections");

/// Counter and key → what it has seen.
pub(crate) const COUNTERS: Table<(u64, u64), Tally> = Table::new(18, "counters");
/// The hour in which a tally ends, counted from 1970, its counter and its key.
pub(crate) const ENDS: Table<(i64, u64, u64), ()> = Table::new(19, "counters_by_end");
/// Author → prints of their recent texts.
pub(crate) const AUTHOR_PRINTS: Table<Id, Vec<Seen>> = Table::new(20, "author_prints");
/// Thread → prints of its recent texts.
pub(crate) const THREAD_PRINTS: Table<Id, Vec<Seen>> = Table::new(21, "thread_prints");

/// Site, author and record of each of their sanctions, and of what lifted them.
pub(crate) const SANCTIONS: Table<(String, String, u64), ()> = Table::new(22, "sanctions");

/// Case and record of each of its notes → what tells whether a second request asks for the same.
pub(crate) const NOTES: Table<(String, u64), String> = Table::new(23, "notes");

/// Bulk → its record.
pub(crate) const BULKS: Table<String, u64> = Table::new(24, "bulks");

/// The open cases of a narrower queue ([`rows::Queue`]), in the order of the whole one → the case.
pub(crate) const QUEUES: Table<(u8, String, String, i64, u64), String> = Table::new(40, "queues");
/// The end of each claim of an open case, and the record that opened it → its place and id.
pub(crate) const CLAIMS: Table<(i64, u64), (i64, u64, String)> = Table::new(47, "claims_by_end");
/// Grain, slot and site → what happened there; see [`tallies`].
pub(crate) const TALLIES: Table<(u8, i64, String), TallyRow> = Table::new(35, "tallies");
/// Grain, slot, site and rule → what the rule did.
pub(crate) const RULE_TALLIES: Table<(u8, i64, String, String), RuleTally> =
    Table::new(36, "rule_tallies");
/// Day, site and moderator → what they decided.
pub(crate) const MODERATOR_TALLIES: Table<(i64, String, String), ModeratorTally> =
    Table::new(37, "moderator_tallies");
/// Site, time and record of each open case's opening.
pub(crate) const WAITING: Table<(String, i64, u64), ()> = Table::new(38, "open_cases_by_age");
/// Site → its open cases.
pub(crate) const OPEN_BY_SITE: Table<String, u64> = Table::new(39, "open_cases_by_site");
/// The open appeals: the record of each → its id.
pub(crate) const OPEN_APPEALS: Table<u64, String> = Table::new(30, "open_appeals");
/// All appeals: the record of each → its id.
pub(crate) const ALL_APPEALS: Table<u64, String> = Table::new(31, "all_appeals");
/// Decision, by [`decision_key`] → the appeal against it.
pub(crate) const APPEALED: Table<[u8; 16], String> = Table::new(32, "appealed_decisions");

/// Version of the texts of statements → its record.
pub(crate) const TEXTS: Table<u64, u64> = Table::new(33, "texts");

/// Day since 1970, in UTC, and site → what was counted.
pub(crate) const COUNTED: Table<(i64, String), Counted> = Table::new(34, "counted");
/// Day and record of each restriction → its site.
pub(crate) const RESTRICTIONS: Table<(i64, u64), String> = Table::new(45, "restrictions");
/// Record that was overwritten → the record that keeps what it changed.
pub(crate) const KEPT: Table<u64, u64> = Table::new(46, "kept");

/// Endpoint of webhooks and record of each thing that was done with it → whether it is known after.
pub(crate) const WEBHOOKS: Table<(String, u64), bool> = Table::new(48, "webhooks");

/// The total of open cases.
pub(crate) const OPEN_CASES: u8 = 1;
/// The last hour in which old slices and days were removed.
pub(crate) const TIDIED: u8 = 2;
/// The last hour in which old tallies of insights were removed.
pub(crate) const TALLIED: u8 = 3;

/// Derives the id by which an appeal is known here.
pub(crate) fn appeal_id(site: &str, comment: &str, appeal: &str) -> String {
    stoa_proto::ids::derive("appeal-", &[site, comment, appeal])
}

/// Returns the bits of a decision's id, which are written in hexadecimal behind `d-`; `None` for
/// what is no id of a decision.
///
/// There is a row of every decision, at a random place: short keys make it cheap.
pub(crate) fn decision_key(id: &str) -> Option<[u8; 16]> {
    let digits = id.strip_prefix("d-").filter(|digits| digits.len() == 32)?;
    let lower = digits
        .bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let bits = lower
        .then(|| u128::from_str_radix(digits, 16).ok())
        .flatten()?;
    Some(bits.to_be_bytes())
}

/// The view of moderation-rules.
#[derive(Debug)]
pub(crate) struct Index {
    /// The database.
    pub(crate) view: View,
    /// What happened to cases last.
    pub(crate) feed: Feed,
    /// The last hour in which old tallies were removed.
    pub(crate) tidied: std::sync::atomic::AtomicI64,
}

impl Index {
    /// Opens the view and applies what the journal has beyond it. Blocks: call it off the runtime.
    pub(crate) fn open(
        dir: &Path,
        config: &crate::config::ViewConfig,
        journal: &Journal,
    ) -> anyhow::Result<Self> {
        let options = stoa_store::Options {
            format: FORMAT,
            next_seq: journal.next(),
            watchdog: config.open_timeout.get(),
            cache_bytes: config.cache.get(),
            ..stoa_store::Options::default()
        };
        let view = View::open(dir, options)?;
        let index = Self {
            feed: Feed::new(view.applied()),
            view,
            tidied: i64::MIN.into(),
        };
        index.catch_up(journal)?;
        Ok(index)
    }

    fn catch_up(&self, journal: &Journal) -> anyhow::Result<()> {
        let from = self.view.applied().max(journal.first());
        let total = journal.next().saturating_sub(from);
        if total == 0 {
            return Ok(());
        }
        tracing::info!(from, total, "the view catches up with the journal");
        let mut state = State::new(self);
        let (mut next, mut waiting) = (from, 0_usize);
        // Read at the first record that was overwritten: mostly there is none.
        let mut kept = None;
        for record in journal.iter(from) {
            let record = record?;
            if let Some(stored) = Stored::read(&record)? {
                state.take(record.seq, &stored)?;
            } else if record.redacted {
                let kept = match &mut kept {
                    Some(kept) => kept,
                    none => none.insert(Kept::read(journal, record.seq)?),
                };
                if let Some(change) = kept.change(&record)? {
                    state.apply(record.seq, &change)?;
                }
            } else if record.kind == ERASURE {
                state.keep(Kept::of(&record)?.seqs(), record.seq);
            }
            next = record.seq + 1;
            waiting += 1;
            if waiting >= REPLAY_BATCH {
                std::mem::replace(&mut state, State::new(self)).commit(next)?;
                waiting = 0;
                if (next - from) % 500_000 < REPLAY_BATCH as u64 {
                    tracing::info!(done = next - from, total, "the view catches up");
                }
            }
        }
        state.commit(next)?;
        tracing::info!(applied = next, "the view has caught up");
        Ok(())
    }

    /// Returns the records of a comment's decisions, oldest first, up to a number.
    pub(crate) fn decisions_of(
        &self,
        site: &str,
        comment: &str,
        limit: usize,
    ) -> Result<Vec<u64>, stoa_store::Error> {
        let row = self
            .view
            .get(&COMMENTS, &(site, comment))?
            .unwrap_or_default();
        let mut seqs = row.decisions();
        for entry in self.view.scan(&DECISIONS_OF, (site, comment)).take(limit) {
            let ((_, _, seq), ()) = entry?;
            seqs.push(seq);
        }
        seqs.sort_unstable();
        Ok(seqs)
    }

    /// Returns the records of a case's notes, oldest first, with their fingerprints.
    pub(crate) fn notes(&self, case: &str) -> Result<Vec<(u64, String)>, stoa_store::Error> {
        let notes = self.view.scan(&NOTES, (case,));
        notes
            .map(|entry| entry.map(|((_, seq), fingerprint)| (seq, fingerprint)))
            .collect()
    }

    /// Returns how many cases are open.
    pub(crate) fn open_cases(&self) -> Result<u64, stoa_store::Error> {
        Ok(self.view.get(&TOTALS, &OPEN_CASES)?.unwrap_or_default())
    }

    /// Returns how the queue of cases stands at a time in microseconds, of those that are due first.
    pub(crate) fn queue(&self, now: i64, at_most: usize) -> Result<Queue, stoa_store::Error> {
        let mut queue = Queue::default();
        for entry in self.view.range(&OPEN, (i64::MIN, 0)..).take(at_most) {
            let (_, id) = entry?;
            let Some(case) = self.view.get(&CASES, &id)? else {
                continue;
            };
            queue.oldest_us = queue.oldest_us.max(now.saturating_sub(case.opened_at));
            let over = now.saturating_sub(case.due);
            if over > 0 {
                queue.overdue += 1;
                queue.overdue_us = queue.overdue_us.max(over);
            }
        }
        Ok(queue)
    }
}

#[cfg(test)]
mod tests {
    use super::decision_key;

    #[test]
    fn only_ids_of_decisions_have_a_key() {
        let id = stoa_proto::ids::decision_id("courrier", "c-2", 1, "sha256:00");
        let other = stoa_proto::ids::decision_id("courrier", "c-2", 2, "sha256:00");
        assert!(decision_key(&id).is_some());
        assert_ne!(decision_key(&id), decision_key(&other));
        for wrong in ["", "d-", "d-12", &id.to_uppercase(), &format!("{id}0")] {
            assert_eq!(decision_key(wrong), None, "{wrong}");
        }
    }
}
