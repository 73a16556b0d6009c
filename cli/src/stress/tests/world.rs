//! A run with what a sound system would show of it, to be doctored.

use super::super::check::found::{About, By, Decision, History, Item, Other, Revision, Thread};
use super::super::check::refusals::Refusals;
use super::super::check::{Checked, judge};
use super::super::plan::Kind;
use super::super::run::How;
use super::super::*;

/// A mix with everything in it.
pub(super) const MIX: &str =
    "edits=15,replies=30,reports=5,withdrawals=5,duplicates=5,disorder=5,poison=10";

pub(super) fn shape(mix: &str, events: u32) -> Shape {
    Shape {
        site: "stress".into(),
        events,
        threads: 3.min(events),
        authors: 5,
        seed: 1,
        mix: mix.parse().unwrap(),
    }
}

pub(in crate::stress) fn run_of(mix: &str, events: u32) -> Run {
    Run::new(Corpus::new(shape(mix, events)), None, None).unwrap()
}

/// A run with what a sound system would show of it, to be doctored.
pub(super) struct World {
    pub(super) run: Run,
    pub(super) threads: Vec<Thread>,
    pub(super) refusals: Refusals,
}

impl World {
    /// Sends everything, one batch an event, and has it taken, refused and decided as it must be.
    pub(super) fn sound(events: u32) -> Self {
        Self::of(run_of(MIX, events), |_| true)
    }

    pub(super) fn of(run: Run, is_taken: impl Fn(u32) -> bool) -> Self {
        let mut refusals = Refusals::default();
        for n in 0..run.corpus.len() {
            let kind = run.plan(n).unwrap().kind;
            run.attempt(&[n], run.batch());
            if let Kind::Poison { poison, .. } = kind {
                run.refuse(n, poison.code().as_str());
                let as_sent = judge::sent_as(n, kind);
                let key = (as_sent, poison.code().as_str().to_owned());
                *refusals.times.entry(key).or_default() += 1;
            } else if is_taken(n) {
                run.acknowledge(n, How::Accepted, false);
            }
            if let Some((comment, revision)) = kind.revision(n) {
                run.decide(comment, revision);
            }
        }
        let threads = (0..run.corpus.n_threads()).map(|thread| shown(&run, thread));
        Self {
            threads: threads.collect(),
            run,
            refusals,
        }
    }

    pub(super) fn judge(&self) -> Checked {
        let mut checked = Checked::begin(&self.run);
        for (thread, found) in (0..).zip(&self.threads) {
            judge::thread(&self.run, thread, found, &mut checked);
        }
        judge::refusals(&self.run, Some(&self.refusals), &mut checked);
        checked
    }

    /// Finds the first event after the articles that is as wanted.
    pub(super) fn find(&self, wanted: impl Fn(u32, Kind) -> bool) -> u32 {
        (3..self.run.end())
            .find(|n| wanted(*n, self.run.kind(*n).unwrap()))
            .unwrap()
    }

    pub(super) fn thread_of(&mut self, n: u32) -> &mut Thread {
        &mut self.threads[self.run.corpus.thread_of(n) as usize]
    }

    pub(super) fn item(&mut self, comment: u32) -> &mut Item {
        let id = self.run.corpus.comment_id(comment);
        let items = &mut self.thread_of(comment).comments;
        items.iter_mut().find(|item| item.comment == id).unwrap()
    }

    pub(super) fn history(&mut self, comment: u32) -> &mut History {
        self.thread_of(comment).histories.get_mut(&comment).unwrap()
    }

    /// Checks the five counters of what is wrong: lost, duplicated, reordered, unexpected,
    /// undecided.
    #[track_caller]
    pub(super) fn check(&self, expected: [u64; 5]) {
        let checked = self.judge();
        let found = [
            checked.lost,
            checked.duplicated,
            checked.reordered,
            checked.unexpected,
            checked.undecided,
        ];
        assert_eq!(found, expected, "{checked:#?}");
        assert_eq!(checked.is_sound(), expected == [0; 5]);
        let n_wrong: u64 = expected.iter().sum();
        assert_eq!(
            checked.examples.len() as u64,
            n_wrong.min(20),
            "{checked:#?}"
        );
        let found = Found {
            checked: Some(checked),
            queues: None,
        };
        let report = Report::new(&self.run, "closed", found, &[]);
        assert_eq!(report.passes(), expected == [0; 5]);
    }
}

fn decision(revision: u32) -> Decision {
    let by = By {
        kind: "rules".into(),
    };
    Decision { revision, by }
}

/// What a sound archive shows of a thread.
fn shown(run: &Run, thread: u32) -> Thread {
    let mut found = Thread {
        title: Some(run.corpus.title(thread)),
        ..Thread::default()
    };
    for (comment, events) in judge::subjects(run, thread) {
        let mut history = History {
            status: "approved".into(),
            ..History::default()
        };
        let mut parent = None;
        for n in &events {
            let kind = run.kind(*n).unwrap();
            if let Some((_, revision)) = kind.revision(*n) {
                let body = run.corpus.words(*n);
                history.revisions.push(Revision { revision, body });
                history.decisions.push(decision(revision));
            }
            match kind {
                Kind::Comment { parent: named } => {
                    parent = named.map(|named| run.corpus.comment_id(named));
                }
                Kind::Report { .. } => history.events.push(Other {
                    kind: "stoa.comment.reported.v1".into(),
                    data: About {
                        report: Some(run.corpus.report_id(*n)),
                    },
                }),
                Kind::Withdrawal { .. } => {
                    history.status = "withdrawn".into();
                    history.events.push(Other {
                        kind: "stoa.comment.withdrawn.v1".into(),
                        data: About::default(),
                    });
                }
                _ => {}
            }
        }
        history.revisions.sort_by_key(|revision| revision.revision);
        let latest = history.revisions.last().unwrap().clone();
        found.comments.push(Item {
            comment: run.corpus.comment_id(comment),
            parent,
            status: history.status.clone(),
            revision: latest.revision,
            body: latest.body,
            decisions: history.decisions.len() as u64,
            ..Item::default()
        });
        if events.len() > 1 || comment.is_multiple_of(16) {
            found.histories.insert(comment, history);
        }
    }
    found
}

/// A comment that nothing else is about, and of which no history is read.
pub(super) fn is_plain(world: &World, n: u32, kind: Kind) -> bool {
    let thread = &world.threads[world.run.corpus.thread_of(n) as usize];
    matches!(kind, Kind::Comment { .. }) && !thread.histories.contains_key(&n)
}
