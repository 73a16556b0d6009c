//! What each event of a run is: decided thread by thread, from the seed and the mix alone.

use std::collections::VecDeque;

use super::chance::Chance;
use super::corpus::Corpus;
use super::poison::Poison;
use super::slots::Slots;

/// Comments of a thread that later events may be about.
const RECENT: usize = 8;

/// The position of an article that comes after its first comments.
const LATE_ARTICLE: u32 = 5;

/// Tells the streams of chance of one event apart.
const PLAN: u64 = 0x914a;
const LATE: u64 = 0x1a7e;

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The thread's article.
    Article,
    /// A new comment, named after the event's number.
    Comment {
        /// The comment that it answers.
        parent: Option<u32>,
    },
    /// A later revision of a comment.
    Edit {
        /// The comment.
        comment: u32,
        /// Its revision, from 2.
        revision: u32,
    },
    /// A reader's report of a comment.
    Report {
        /// The comment.
        comment: u32,
    },
    /// A comment is taken back.
    Withdrawal {
        /// The comment.
        comment: u32,
    },
    /// What ingest must refuse.
    Poison {
        /// What is wrong.
        poison: Poison,
        /// The comment that it conflicts with, if that is what is wrong.
        base: Option<u32>,
    },
}

impl Kind {
    /// Returns the name that ledgers and reports use.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Article => "article",
            Self::Comment { parent: None } => "comment",
            Self::Comment { .. } => "reply",
            Self::Edit { .. } => "edit",
            Self::Report { .. } => "report",
            Self::Withdrawal { .. } => "withdrawal",
            Self::Poison { .. } => "poison",
        }
    }

    /// Returns the comment and the revision that an event has the words of.
    pub(super) fn revision(self, n: u32) -> Option<(u32, u32)> {
        match self {
            Self::Comment { .. } => Some((n, 1)),
            Self::Edit { comment, revision } => Some((comment, revision)),
            _ => None,
        }
    }
}

/// Whether and when an event is sent a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Never.
    No,
    /// Right behind itself.
    AtOnce,
    /// Some batches later.
    Later,
}

/// An event as it was planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) kind: Kind,
    pub(super) repeat: Repeat,
}

/// Plans the events of each thread in turn.
#[derive(Debug)]
pub(super) struct Planner(Vec<Thread>);

/// What is known of a thread so far.
#[derive(Clone, Debug, Default)]
struct Thread {
    /// Its latest comments, the latest last, with their latest revisions.
    recent: VecDeque<(u32, u32)>,
    /// Poison that it had: the kinds take turns, and each thread begins with another one.
    poisons: u32,
}

impl Thread {
    fn remember(&mut self, comment: u32, revision: u32) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((comment, revision));
    }
}

impl Planner {
    pub(super) fn new(corpus: &Corpus) -> Self {
        let n_threads = usize::try_from(corpus.n_threads()).unwrap_or(usize::MAX);
        Self(vec![Thread::default(); n_threads])
    }

    /// Plans an event; those before it in its thread were planned before it.
    pub(super) fn plan(&mut self, n: u32, corpus: &Corpus, slots: &Slots) -> Option<Planned> {
        let slot = slots.get(n)?;
        if let Some(planned) = slot.planned.get() {
            return Some(*planned);
        }
        let thread = corpus.thread_of(n);
        let state = self.0.get_mut(usize::try_from(thread).ok()?)?;
        let mut chance = Chance::of(corpus.shape.seed ^ PLAN, n);
        let repeat = repeat(&mut chance, corpus.shape.mix.duplicates);
        let kind = state.next(n, &mut chance, corpus, slots);
        Some(*slot.planned.get_or_init(|| Planned { kind, repeat }))
    }
}

fn repeat(chance: &mut Chance, percent: u8) -> Repeat {
    match (chance.percent(percent), chance.percent(50)) {
        (false, _) => Repeat::No,
        (true, false) => Repeat::AtOnce,
        (true, true) => Repeat::Later,
    }
}

impl Thread {
    fn next(&mut self, n: u32, chance: &mut Chance, corpus: &Corpus, slots: &Slots) -> Kind {
        let mix = corpus.shape.mix;
        let (thread, position) = (corpus.thread_of(n), corpus.position_of(n));
        let is_late = Chance::of(corpus.shape.seed ^ LATE, thread).percent(mix.disorder);
        if position == if is_late { LATE_ARTICLE } else { 0 } {
            return Kind::Article;
        }
        // A pair is two events: so many pairs begin that this share of all events is in one.
        let pairs = u64::from(mix.disorder) * 10_000 / (200 - u64::from(mix.disorder.min(100)));
        let in_pair = chance.below(10_000) < pairs;
        if in_pair
            && position + 1 != LATE_ARTICLE
            && let Some(kind) = self.before_its_cause(n, chance, corpus, slots)
        {
            return kind;
        }
        let share = chance.below(100);
        let mut limit = 0;
        let mut is = |percent: u8| {
            limit += u64::from(percent);
            share < limit
        };
        let about = if is(mix.edits) {
            self.edit(chance)
        } else if is(mix.reports) {
            self.any(chance).map(|comment| Kind::Report { comment })
        } else if is(mix.withdrawals) {
            self.withdrawal(chance)
        } else if is(mix.poison) {
            Some(self.poison(thread))
        } else {
            None
        };
        about.unwrap_or_else(|| {
            let parent = chance.percent(mix.replies);
            let parent = self.any(chance).filter(|_| parent);
            self.remember(n, 1);
            Kind::Comment { parent }
        })
    }

    /// Returns one of the latest comments.
    fn any(&self, chance: &mut Chance) -> Option<u32> {
        let place = usize::try_from(chance.below(self.recent.len() as u64)).ok()?;
        self.recent.get(place).map(|(comment, _)| *comment)
    }

    fn edit(&mut self, chance: &mut Chance) -> Option<Kind> {
        let place = usize::try_from(chance.below(self.recent.len() as u64)).ok()?;
        let (comment, latest) = self.recent.get_mut(place)?;
        *latest += 1;
        Some(Kind::Edit {
            comment: *comment,
            revision: *latest,
        })
    }

    fn withdrawal(&mut self, chance: &mut Chance) -> Option<Kind> {
        let place = usize::try_from(chance.below(self.recent.len() as u64)).ok()?;
        // What was taken back is left alone afterwards.
        let (comment, _) = self.recent.remove(place)?;
        Some(Kind::Withdrawal { comment })
    }

    fn poison(&mut self, thread: u32) -> Kind {
        let poison = Poison::turn(thread.wrapping_add(self.poisons));
        self.poisons += 1;
        let base = self.recent.front().map(|(comment, _)| *comment);
        match (poison.needs_base(), base) {
            (false, _) => Kind::Poison { poison, base: None },
            (true, Some(_)) => Kind::Poison { poison, base },
            (true, None) => Kind::Poison {
                poison: Poison::MissingField,
                base: None,
            },
        }
    }

    /// Plans the next comment of the thread, and what is about it and comes before it.
    fn before_its_cause(
        &mut self,
        n: u32,
        chance: &mut Chance,
        corpus: &Corpus,
        slots: &Slots,
    ) -> Option<Kind> {
        let comment = n.checked_add(corpus.n_threads())?;
        if comment >= corpus.len() {
            return None;
        }
        let planned = slots.get(comment)?.planned.set(Planned {
            kind: Kind::Comment { parent: None },
            repeat: Repeat::No,
        });
        planned.ok()?;
        Some(match chance.below(3) {
            0 => {
                self.remember(comment, 2);
                Kind::Edit {
                    comment,
                    revision: 2,
                }
            }
            1 => {
                self.remember(comment, 1);
                self.remember(n, 1);
                Kind::Comment {
                    parent: Some(comment),
                }
            }
            _ => Kind::Withdrawal { comment },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::corpus::Shape;
    use super::*;

    const MIX: &str =
        "edits=10,replies=30,reports=2,withdrawals=2,duplicates=5,disorder=6,poison=4";

    fn corpus(mix: &str, seed: u64, events: u32) -> Corpus {
        Corpus::new(Shape {
            site: "stress".into(),
            events,
            threads: 20,
            authors: 5,
            seed,
            mix: mix.parse().unwrap(),
        })
    }

    /// Plans all events, in the order that is given for the threads.
    fn plan(corpus: &Corpus, by_thread: bool) -> Vec<Planned> {
        let slots = Slots::default();
        let mut planner = Planner::new(corpus);
        let mut numbers: Vec<u32> = (0..corpus.len()).collect();
        if by_thread {
            numbers.sort_by_key(|n| (corpus.thread_of(*n), *n));
        }
        for n in numbers {
            planner.plan(n, corpus, &slots).unwrap();
        }
        let read = |n| *slots.get(n).unwrap().planned.get().unwrap();
        (0..corpus.len()).map(read).collect()
    }

    #[test]
    fn the_seed_decides_and_not_who_sends_when() {
        let one = plan(&corpus(MIX, 1, 4_000), false);
        assert_eq!(one, plan(&corpus(MIX, 1, 4_000), true));
        assert_ne!(one, plan(&corpus(MIX, 2, 4_000), false));
    }

    #[test]
    fn shares_are_what_was_asked_for() {
        let corpus = corpus(MIX, 3, 40_000);
        let planned = plan(&corpus, false);
        let mut names: HashMap<&str, u32> = HashMap::new();
        let (mut n_repeats, mut n_before) = (0, 0);
        for (n, planned) in (0..).zip(&planned) {
            *names.entry(planned.kind.name()).or_default() += 1;
            n_repeats += u32::from(planned.repeat != Repeat::No);
            n_before += u32::from(match planned.kind {
                Kind::Comment { parent } => parent.is_some_and(|parent| parent > n),
                Kind::Edit { comment, .. } | Kind::Withdrawal { comment } => comment > n,
                _ => false,
            });
        }
        let near = |what: &str, found: u32, per_mille: u32| {
            let expected = per_mille * 40;
            assert!(
                found.abs_diff(expected) * 10 <= expected,
                "{what}: {found}, not about {expected}"
            );
        };
        near("repeats", n_repeats, 50);
        // Each pair has one event that comes before its cause.
        near("disorder", 2 * n_before, 60);
        near("edits", names["edit"] - n_before / 3, 94);
        near("reports", names["report"], 19);
        near("withdrawals", names["withdrawal"] - n_before / 3, 19);
        near("poison", names["poison"], 38);
        let comments = names["comment"] + names["reply"] - n_before;
        near("replies", names["reply"] - n_before / 3, comments * 3 / 400);
        assert_eq!(names["article"], 20);
    }

    #[test]
    fn revisions_rise_and_the_poison_is_of_every_kind() {
        let corpus = corpus(MIX, 4, 20_000);
        let mut latest: HashMap<u32, u32> = HashMap::new();
        let mut poisons: HashMap<Poison, u32> = HashMap::new();
        for (n, planned) in (0..).zip(plan(&corpus, false)) {
            match planned.kind {
                Kind::Edit { comment, revision } => {
                    let before = latest.insert(comment, revision).unwrap_or(1);
                    assert_eq!(revision, before + 1);
                    assert_eq!(corpus.thread_of(comment), corpus.thread_of(n));
                }
                Kind::Poison { poison, base } => {
                    assert_eq!(poison.needs_base(), base.is_some());
                    *poisons.entry(poison).or_default() += 1;
                }
                _ => {}
            }
        }
        assert_eq!(poisons.len(), Poison::ALL.len(), "{poisons:?}");
    }

    #[test]
    fn without_a_mix_there_are_articles_and_comments_alone() {
        let corpus = corpus("replies=0", 5, 2_000);
        for (n, planned) in (0..).zip(plan(&corpus, false)) {
            let expected = if n < 20 {
                Kind::Article
            } else {
                Kind::Comment { parent: None }
            };
            assert_eq!(planned.kind, expected);
            assert_eq!(planned.repeat, Repeat::No);
        }
    }
}
