//! Judges event by event: what was sent and answered, against what was found.
//!
//! Each event is counted under the first of these that it is: duplicated, unexpected, lost,
//! undecided, reordered. If it is none of them and was acknowledged, it is ok.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::Ordering;

use serde::Serialize;

use super::found::{History, Item, Thread};
use super::refusals::Refusals;
use crate::stress::plan::Kind;
use crate::stress::poison::Poison;
use crate::stress::run::{Run, expected_code};
use crate::stress::slots::{Mark, NEVER, Slot};

/// Ids that a report names.
const NAMED: usize = 20;

/// What the comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(in crate::stress) struct Checked {
    /// Events that were sent, poison included.
    pub(in crate::stress) attempted: u64,
    /// Events that were acknowledged, poison not included.
    pub(in crate::stress) acknowledged: u64,
    /// Events that the archive has.
    pub(in crate::stress) archived: u64,
    /// Acknowledged, and the archive has them not.
    pub(in crate::stress) lost: u64,
    /// Archived twice, or decided twice by rules, or refused twice.
    pub(in crate::stress) duplicated: u64,
    /// Decided before what they follow, or an older state is shown for a newer one.
    pub(in crate::stress) reordered: u64,
    /// Never sent and there, there with other content, refused though sound, or poison that was
    /// not refused as it must be.
    pub(in crate::stress) unexpected: u64,
    /// Archived without a decision.
    pub(in crate::stress) undecided: u64,
    /// Acknowledged, archived once and decided once.
    pub(in crate::stress) ok: u64,
    /// Not acknowledged, and archived all the same.
    pub(in crate::stress) recovered: u64,
    /// Events about a comment that the archive does not have: it can't show them.
    pub(in crate::stress) hidden: u64,
    /// Poison that was refused as it must be.
    pub(in crate::stress) refused: u64,
    /// Poison that nobody has refused, of what is unexpected.
    pub(in crate::stress) not_refused: u64,
    /// Whether ingest was asked what it refused; otherwise its answers count.
    pub(in crate::stress) refusals_read: bool,
    /// Some ids of what is wrong.
    pub(in crate::stress) examples: Vec<String>,
}

/// What was found of one event.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    copies: usize,
    /// Decisions; `None` for what is not decided.
    decisions: Option<u64>,
    is_other: bool,
    is_late: bool,
}

impl Checked {
    /// Begins with what the answers said.
    pub(in crate::stress) fn begin(run: &Run) -> Self {
        let mut checked = Self {
            attempted: run.counts.attempted.load(Ordering::Relaxed),
            acknowledged: run.counts.acknowledged.load(Ordering::Relaxed),
            ..Self::default()
        };
        for (comment, revision) in run.strange_decisions() {
            let id = run.corpus.comment_id(comment);
            checked.wrong("unexpected (decided)", &format!("{id} revision {revision}"));
            checked.unexpected += 1;
        }
        checked
    }

    /// Tells whether nothing is wrong.
    pub(in crate::stress) fn is_sound(&self) -> bool {
        self.lost + self.duplicated + self.reordered + self.unexpected + self.undecided == 0
    }

    fn wrong(&mut self, what: &str, id: &str) {
        if self.examples.len() < NAMED {
            self.examples.push(format!("{what}: {id}"));
        }
    }

    fn settle(&mut self, run: &Run, n: u32, seen: Seen) {
        let Some(slot) = run.slot(n) else { return };
        let acknowledged = slot.has(Mark::Acknowledged);
        let is_there = seen.copies > 0;
        self.archived += u64::from(is_there);
        self.recovered += u64::from(is_there && !acknowledged);
        let decisions = seen.decisions.unwrap_or(1);
        let (count, what) = if seen.copies > 1 || decisions > 1 || slot.has(Mark::DecidedAgain) {
            (&mut self.duplicated, "duplicated")
        } else if is_there && seen.is_other {
            (&mut self.unexpected, "unexpected (other content)")
        } else if slot.has(Mark::RefusedWrongly) {
            (&mut self.unexpected, "unexpected (refused)")
        } else if acknowledged && !is_there {
            (&mut self.lost, "lost")
        } else if is_there && decisions == 0 {
            (&mut self.undecided, "undecided")
        } else if is_there && seen.is_late {
            (&mut self.reordered, "reordered")
        } else {
            self.ok += u64::from(acknowledged);
            return;
        };
        *count += 1;
        self.wrong(what, &run.corpus.event_id(n));
    }

    fn stranger(&mut self, id: &str) {
        self.unexpected += 1;
        self.wrong("unexpected", id);
    }
}

/// Returns the events of a thread that were sent, by the comment that they are about.
pub(in crate::stress) fn subjects(run: &Run, thread: u32) -> BTreeMap<u32, Vec<u32>> {
    let mut subjects: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for n in events(run, thread) {
        let comment = match run.kind(n) {
            Some(Kind::Comment { .. }) => n,
            Some(
                Kind::Edit { comment, .. }
                | Kind::Report { comment }
                | Kind::Withdrawal { comment },
            ) => comment,
            Some(Kind::Article | Kind::Poison { .. }) | None => continue,
        };
        if run.slot(n).is_some_and(Slot::is_sent) {
            subjects.entry(comment).or_default().push(n);
        }
    }
    subjects
}

/// Returns the numbers of a thread's events, as far as any were sent.
fn events(run: &Run, thread: u32) -> impl Iterator<Item = u32> {
    let numbers = (0..).map_while(move |position| run.corpus.event_at(thread, position));
    numbers.take_while(|n| *n < run.end())
}

/// Judges the events of a thread.
pub(in crate::stress) fn thread(run: &Run, thread: u32, found: &Thread, checked: &mut Checked) {
    let subjects = subjects(run, thread);
    let mut items: HashMap<u32, Vec<&Item>> = HashMap::new();
    for item in found.comments.iter().filter(|item| !item.ghost) {
        let number = run.corpus.comment_of_id(&item.comment);
        match number.filter(|number| subjects.contains_key(number)) {
            Some(number) => items.entry(number).or_default().push(item),
            None => checked.stranger(&item.comment),
        }
    }
    for n in events(run, thread) {
        let Some(slot) = run.slot(n) else { continue };
        if !slot.is_sent() && slot.decided.load(Ordering::Relaxed) > 0 {
            checked.stranger(&format!("{} (decided)", run.corpus.comment_id(n)));
        }
        if slot.is_sent() && run.kind(n) == Some(Kind::Article) {
            let title = found.title.as_ref();
            let seen = Seen {
                copies: usize::from(title.is_some()),
                is_other: title.is_some_and(|title| *title != run.corpus.title(thread)),
                ..Seen::default()
            };
            checked.settle(run, n, seen);
        }
    }
    for (comment, events) in subjects {
        let items = items.get(&comment).map_or(&[][..], Vec::as_slice);
        let subject = Subject {
            run,
            comment,
            events: &events,
            items,
            history: found.histories.get(&comment),
        };
        subject.judge(checked);
    }
}

/// A comment with all that was sent about it and found of it.
struct Subject<'a> {
    run: &'a Run,
    comment: u32,
    events: &'a [u32],
    items: &'a [&'a Item],
    history: Option<&'a History>,
}

impl Subject<'_> {
    fn judge(&self, checked: &mut Checked) {
        if let Some(history) = self.history {
            self.strangers(history, checked);
        }
        for n in self.events {
            let seen = match self.run.kind(*n) {
                Some(Kind::Comment { .. }) => Some(self.words(*n, 1)),
                Some(Kind::Edit { revision, .. }) => Some(self.words(*n, revision)),
                Some(Kind::Report { .. }) => self.report(*n),
                Some(Kind::Withdrawal { .. }) => self.withdrawal(),
                _ => continue,
            };
            match seen {
                Some(seen) => checked.settle(self.run, *n, seen),
                None => checked.hidden += 1,
            }
        }
    }

    /// Judges an event that has the words of a revision.
    fn words(&self, n: u32, revision: u32) -> Seen {
        let words = self.run.corpus.words(n);
        let latest = self.items.first();
        let mut seen = match self.history {
            Some(history) => {
                let revisions = || history.revisions.iter().filter(|r| r.revision == revision);
                Seen {
                    copies: revisions().count(),
                    decisions: Some(history.n_decisions(revision) as u64),
                    is_other: revisions().any(|found| found.body != words),
                    // A revision is archived, and an older one is shown.
                    is_late: latest.is_none_or(|latest| latest.revision < revision),
                }
            }
            None => Seen {
                copies: self.items.len(),
                decisions: latest.map(|latest| latest.decisions),
                is_other: latest
                    .is_some_and(|latest| latest.body != words || latest.revision != revision),
                is_late: false,
            },
        };
        // The thread has it twice, whatever the history says.
        seen.copies = seen
            .copies
            .max(if seen.copies > 0 { self.items.len() } else { 0 });
        if let (Some(Kind::Comment { parent }), Some(latest)) = (self.run.kind(n), latest) {
            let parent = parent.map(|parent| self.run.corpus.comment_id(parent));
            seen.is_other |= latest.parent != parent;
        }
        seen.is_late |= self.is_decided_early(n);
        seen
    }

    /// Tells whether an event was decided before one that it follows: an earlier revision that was
    /// taken before it was sent, or the comment that it answers.
    fn is_decided_early(&self, n: u32) -> bool {
        let place = |n: u32| {
            let decided = self.run.slot(n)?.decided.load(Ordering::Relaxed);
            (decided > 0).then_some(decided)
        };
        let has_words = |n: &u32| {
            self.run
                .kind(*n)
                .is_some_and(|kind| kind.revision(*n).is_some())
        };
        let earlier = self.events.iter().copied().filter(has_words);
        let parent = match self.run.kind(n) {
            Some(Kind::Comment { parent }) => parent,
            _ => None,
        };
        let mut follows = earlier.filter(|other| *other != n).chain(parent);
        follows.any(|other| {
            self.run.is_before(other, n)
                && matches!((place(other), place(n)), (Some(other), Some(own)) if other > own)
        })
    }

    fn report(&self, n: u32) -> Option<Seen> {
        let id = self.run.corpus.report_id(n);
        let is_it = |report: &Option<String>| report.as_ref() == Some(&id);
        let events = &self.history?.events;
        Some(Seen {
            copies: events
                .iter()
                .filter(|event| is_it(&event.data.report))
                .count(),
            ..Seen::default()
        })
    }

    fn withdrawal(&self) -> Option<Seen> {
        let history = self.history?;
        let name = stoa_proto::Kind::CommentWithdrawn.as_str();
        let copies = history
            .events
            .iter()
            .filter(|event| event.kind == name)
            .count();
        Some(Seen {
            copies,
            // It is archived, and the comment is shown as if it were not.
            is_late: copies > 0 && history.status != "withdrawn",
            ..Seen::default()
        })
    }

    /// Finds what is in a history and was never sent.
    fn strangers(&self, history: &History, checked: &mut Checked) {
        let id = self.run.corpus.comment_id(self.comment);
        let is_sent = |revision: u32| {
            self.events.iter().any(|n| {
                let found = self.run.kind(*n).and_then(|kind| kind.revision(*n));
                found.is_some_and(|(_, found)| found == revision)
            })
        };
        for revision in history.revisions.iter().map(|found| found.revision) {
            if !is_sent(revision) {
                checked.stranger(&format!("{id} revision {revision}"));
            }
        }
        for decision in &history.decisions {
            if !is_sent(decision.revision) {
                checked.stranger(&format!("{id} revision {} (decided)", decision.revision));
            }
        }
        for report in history
            .events
            .iter()
            .filter_map(|event| event.data.report.as_ref())
        {
            let number = self.run.corpus.report_of_id(report);
            if number.is_none_or(|number| !self.events.contains(&number)) {
                checked.stranger(report);
            }
        }
    }
}

/// Compares what was refused with the poison: by what ingest keeps, or else by its answers.
pub(in crate::stress) fn refusals(run: &Run, refusals: Option<&Refusals>, checked: &mut Checked) {
    checked.refusals_read = refusals.is_some();
    let mut left = refusals
        .map(|refusals| refusals.times.clone())
        .unwrap_or_default();
    let mut expected = HashSet::new();
    for n in 0..run.end() {
        let (Some(slot), Some(kind)) = (run.slot(n), run.kind(n)) else {
            continue;
        };
        let Some(code) = expected_code(kind).filter(|_| slot.is_sent()) else {
            continue;
        };
        let key = (sent_as(n, kind), code.as_str().to_owned());
        let is_refused = match refusals {
            Some(_) => left.get_mut(&key).is_some_and(|times| {
                let is_left = *times > 0;
                *times = times.saturating_sub(1);
                is_left
            }),
            None => slot.has(Mark::Refused),
        };
        expected.insert(key);
        let is_answered = slot.answered.load(Ordering::Relaxed) != NEVER;
        let id = run.corpus.event_id(n);
        if slot.has(Mark::GotThrough) || slot.has(Mark::RefusedWrongly) {
            checked.unexpected += 1;
            checked.wrong("unexpected (poison was not refused by its code)", &id);
        } else if is_refused {
            checked.refused += 1;
        } else if is_answered && checked.refusals_read {
            checked.unexpected += 1;
            checked.not_refused += 1;
            checked.wrong("unexpected (poison was not refused)", &id);
        }
    }
    for (key, times) in left.into_iter().filter(|(_, times)| *times > 0) {
        let (n, code) = &key;
        let id = run.corpus.event_id(*n);
        if expected.contains(&key) {
            checked.duplicated += times;
            checked.wrong("duplicated (refused)", &id);
        } else {
            checked.unexpected += times;
            checked.wrong(&format!("unexpected (refused: {code})"), &id);
        }
    }
}

/// Returns the number of the event whose id an event has.
pub(in crate::stress) fn sent_as(n: u32, kind: Kind) -> u32 {
    match kind {
        Kind::Poison {
            poison: Poison::IdConflict,
            base: Some(base),
        } => base,
        _ => n,
    }
}
