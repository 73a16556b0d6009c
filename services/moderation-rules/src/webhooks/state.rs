//! Where an endpoint stands: what it was sent, what waits, and when it is tried again.
//!
//! Events are read in the order of the role's journal. What an endpoint does not take is a [`Row`],
//! tried again by [`SCHEDULE`], and others go on. An endpoint that takes nothing is left alone as a
//! whole ([`PAUSES`]): nothing is read for it then but one event at a time, to try.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::entry::{Class, Entry, Then, Tried, Why};

/// An event's place: its record in the role's journal, and its number among what follows from it.
pub(crate) type Place = (u64, u32);

pub(crate) const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// How long after each failed attempt the next one is made: the schedule of Standard Webhooks,
/// three days in ten attempts.
pub(crate) const SCHEDULE: [i64; 9] = [
    5 * SECOND,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
];

/// Failures in a row after which an endpoint is left alone.
pub(crate) const MANY: u32 = 5;

/// How long it is left alone, after each further failure.
const PAUSES: [i64; 7] = [
    5 * SECOND,
    30 * SECOND,
    2 * MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
];

/// The longest wait that a `Retry-After` gets.
const MAX_RETRY_AFTER: i64 = 24 * HOUR;

/// Failures further apart than this are not failures without end: nothing was sent in between.
const APART: i64 = 30 * HOUR;

/// Rows of an endpoint at most; an event beyond them that is refused is given up at once.
pub(crate) const MAX_ROWS: usize = 10_000;

/// An event that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// What it has in common with the other events of its thread.
    pub(crate) lane: u64,
    /// When it was recorded.
    pub(crate) since: i64,
    /// Attempts so far.
    pub(crate) attempts: u32,
    /// How the last one ended.
    pub(crate) class: Option<Class>,
    /// When the next one is due.
    pub(crate) due: i64,
}

/// What is known of an endpoint. It follows from its entries alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// The first record of the role's journal that may have something that was not tried yet.
    pub(crate) next: u64,
    /// Places from there on that are done with.
    pub(crate) ahead: BTreeSet<Place>,
    /// What waits.
    pub(crate) rows: BTreeMap<Place, Row>,
    /// When it began.
    pub(crate) began: i64,
    /// Whether it had begun before and its place was lost.
    pub(crate) lost: bool,
    /// Failures since the last success.
    pub(crate) streak: u32,
    /// Since when there have been nothing but failures.
    pub(crate) failing_since: Option<i64>,
    /// Until when it is left alone.
    pub(crate) paused_until: i64,
    pub(crate) last_success: Option<i64>,
    pub(crate) last_failure: Option<i64>,
    /// How the last failure ended.
    pub(crate) last_class: Option<Class>,
    pub(crate) last_status: Option<u16>,
    /// Events that were delivered, and given up, since it began.
    pub(crate) delivered: u64,
    pub(crate) given_up: u64,
    pub(crate) disabled: Option<(Why, String, i64)>,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) class: Class,
    pub(crate) status: Option<u16>,
    pub(crate) millis: u32,
    /// Seconds of a `Retry-After`.
    pub(crate) retry_after: Option<u64>,
}

/// What follows from an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) then: Then,
    pub(crate) pause: Option<i64>,
    pub(crate) disables: Option<Why>,
}

impl Standing {
    /// Applies an entry.
    pub(crate) fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Began { next, at, lost, .. } => {
                *self = Self {
                    next: *next,
                    began: *at,
                    lost: *lost,
                    ..Self::default()
                };
            }
            Entry::Read { next, .. } => self.read(*next),
            Entry::Tried(tried) => self.tried(tried),
            Entry::Disabled { why, by, at, .. } => self.disabled = Some((*why, by.clone(), *at)),
            Entry::Enabled { at, .. } => {
                self.disabled = None;
                self.streak = 0;
                self.failing_since = None;
                self.paused_until = 0;
                self.lost = false;
                for row in self.rows.values_mut() {
                    row.due = row.due.min(*at);
                }
            }
            Entry::Replayed { events, at, .. } => {
                for (place, lane, since) in events {
                    let row = Row {
                        lane: *lane,
                        since: *since,
                        attempts: 0,
                        class: None,
                        due: *at,
                    };
                    self.rows.insert(*place, row);
                }
            }
            Entry::Stands { standing, .. } => *self = standing.as_ref().clone(),
            Entry::Forgotten { .. } => {}
        }
    }

    fn read(&mut self, next: u64) {
        if next > self.next {
            self.next = next;
            self.ahead = self.ahead.split_off(&(next, 0));
        }
    }

    fn tried(&mut self, tried: &Tried) {
        if let Some(place) = tried.place {
            match tried.then {
                Then::Again(due) => {
                    let row = Row {
                        lane: tried.lane,
                        since: tried.since,
                        attempts: tried.attempt,
                        class: Some(tried.class),
                        due,
                    };
                    self.rows.insert(place, row);
                }
                Then::Done | Then::GivenUp => {
                    self.rows.remove(&place);
                    self.ahead.insert(place);
                }
            }
            match (tried.class, tried.then) {
                (Class::Ok, _) => self.delivered += 1,
                (_, Then::GivenUp) => self.given_up += 1,
                _ => {}
            }
            self.count(tried);
        }
        self.read(tried.next);
        // What is before `next` is known to be done with or has a row.
        self.ahead = self.ahead.split_off(&(self.next, 0));
    }

    fn count(&mut self, tried: &Tried) {
        match tried.class {
            Class::Erased => {}
            Class::Ok => {
                if self.streak >= MANY {
                    for row in self.rows.values_mut() {
                        if row.class.is_some_and(Class::may_pass) {
                            row.due = row.due.min(tried.at);
                        }
                    }
                }
                self.streak = 0;
                self.failing_since = None;
                self.paused_until = 0;
                self.last_success = Some(tried.at);
            }
            class => {
                self.failing_since = Some(self.failing(tried.at));
                self.streak = self.streak.saturating_add(1);
                self.last_failure = Some(tried.at);
                self.last_class = Some(class);
                self.last_status = tried.status;
                if let Some(pause) = tried.pause {
                    self.paused_until = self.paused_until.max(pause);
                }
            }
        }
    }

    /// Returns since when there have been nothing but failures, if one is now.
    fn failing(&self, now: i64) -> i64 {
        let is_one = |last: &i64| now.saturating_sub(*last) < APART;
        let since = self.last_failure.filter(is_one).and(self.failing_since);
        since.unwrap_or(now)
    }

    /// Whether it takes nothing.
    pub(crate) fn is_failing(&self) -> bool {
        self.streak >= MANY
    }

    /// Whether an event was read before.
    pub(crate) fn knows(&self, place: Place) -> bool {
        place.0 < self.next || self.ahead.contains(&place) || self.rows.contains_key(&place)
    }

    /// Decides what follows from an answer; `chance` is from 0 to 1, and spreads attempts that
    /// failed together.
    pub(crate) fn judge(
        &self,
        place: Place,
        attempt: u32,
        answer: Answer,
        (now, disable_after, chance): (i64, i64, f64),
    ) -> Verdict {
        let mut verdict = Verdict {
            then: Then::Done,
            pause: None,
            disables: None,
        };
        let class = answer.class;
        if matches!(class, Class::Ok | Class::Erased) {
            return verdict;
        }
        let asked = answer.retry_after.map(|seconds| {
            let micros = i64::try_from(seconds).unwrap_or(i64::MAX);
            micros.saturating_mul(SECOND).clamp(SECOND, MAX_RETRY_AFTER)
        });
        let waits = self.rows.contains_key(&place) || self.rows.len() < MAX_ROWS;
        let step = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        verdict.then = match SCHEDULE.get(step) {
            // It is the endpoint that ends, not the event: it is the first when that is enabled.
            _ if class == Class::Gone => Then::Again(now),
            Some(delay) if waits || class.may_pass() => {
                let delay = spread(*delay, chance).max(asked.unwrap_or_default());
                Then::Again(now.saturating_add(delay))
            }
            _ => Then::GivenUp,
        };
        let streak = self.streak.saturating_add(1);
        if streak >= MANY {
            let step = usize::try_from(streak - MANY).unwrap_or(usize::MAX);
            let pause = PAUSES.get(step).or(PAUSES.last()).copied();
            verdict.pause = pause.map(|pause| now.saturating_add(spread(pause, chance)));
        }
        if let Some(asked) = asked {
            verdict.pause = verdict.pause.max(Some(now.saturating_add(asked)));
        }
        verdict.disables = if class == Class::Gone {
            Some(Why::Gone)
        } else if now.saturating_sub(self.failing(now)) >= disable_after {
            Some(Why::Failing)
        } else {
            None
        };
        verdict
    }

    /// Returns when something is due: the first row, but not while it is left alone.
    pub(crate) fn due(&self) -> Option<i64> {
        let first = self.rows.values().map(|row| row.due).min();
        first.map(|due| due.max(self.paused_until))
    }
}

/// Adds up to a tenth.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a part of a day in microseconds is far below the range"
)]
fn spread(delay: i64, chance: f64) -> i64 {
    delay + (delay as f64 * 0.1 * chance) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * HOUR;
    const FIVE_DAYS: i64 = 5 * DAY;

    fn answer(class: Class) -> Answer {
        Answer {
            class,
            status: None,
            millis: 1,
            retry_after: None,
        }
    }

    /// Tries an event, and returns what followed.
    fn attempt(standing: &mut Standing, place: Place, answer: Answer, now: i64) -> Verdict {
        let attempt = standing.rows.get(&place).map_or(0, |row| row.attempts) + 1;
        let verdict = standing.judge(place, attempt, answer, (now, FIVE_DAYS, 0.0));
        let tried = Tried {
            endpoint: "cms".into(),
            place: Some(place),
            next: standing.next,
            event: "e".into(),
            kind: "comment.decided".into(),
            site: "courrier".into(),
            lane: 1,
            since: 0,
            attempt,
            class: answer.class,
            status: answer.status,
            millis: 1,
            at: now,
            then: verdict.then,
            pause: verdict.pause,
        };
        standing.apply(&Entry::Tried(Box::new(tried)));
        verdict
    }

    #[test]
    fn a_refused_event_goes_the_schedule_of_the_specification_and_is_given_up() {
        let mut standing = Standing::default();
        let (mut now, mut times) = (0, Vec::new());
        loop {
            let verdict = attempt(&mut standing, (0, 0), answer(Class::Refused), now);
            // Others are taken meanwhile.
            attempt(&mut standing, (1, 0), answer(Class::Ok), now);
            times.push(now / SECOND);
            match verdict.then {
                Then::Again(at) => now = at,
                then => {
                    assert_eq!(then, Then::GivenUp);
                    break;
                }
            }
        }
        let expected = [
            0, 5, 305, 2105, 9305, 27305, 63305, 113_705, 185_705, 272_105,
        ];
        assert_eq!(times, expected);
        assert!(standing.rows.is_empty() && standing.disabled.is_none());
        assert_eq!((standing.given_up, standing.streak), (1, 0));
        assert!(standing.knows((0, 0)));
    }

    #[test]
    fn an_endpoint_that_takes_nothing_is_left_alone_for_longer_and_longer() {
        let mut standing = Standing::default();
        let mut now = 0;
        let mut pauses = Vec::new();
        for seq in 0..14 {
            let verdict = attempt(&mut standing, (seq, 0), answer(Class::Failed), now);
            pauses.push(verdict.pause.map(|until| (until - now) / SECOND));
            now = standing.paused_until.max(now);
        }
        let expected = [5, 30, 120, 300, 900, 1800, 3600, 3600, 3600, 3600];
        assert_eq!(pauses[..4], [None; 4]);
        assert_eq!(pauses[4..], expected.map(Some));
        assert!(standing.is_failing());
        // At the first that it takes, everything that waits because of it is due.
        let refused = (20, 0);
        attempt(&mut standing, refused, answer(Class::Refused), now);
        attempt(&mut standing, (30, 0), answer(Class::Ok), now);
        let due = |row: &Row| row.due <= now;
        assert_eq!(standing.rows.values().filter(|row| due(row)).count(), 14);
        assert!(!due(&standing.rows[&refused]));
        assert!(!standing.is_failing() && standing.paused_until == 0);
    }

    #[test]
    fn days_of_nothing_but_failures_disable_it() {
        let mut standing = Standing::default();
        let fails = |standing: &mut Standing, now: i64| {
            let verdict = attempt(
                standing,
                (now.unsigned_abs(), 0),
                answer(Class::Timeout),
                now,
            );
            verdict.disables
        };
        for hour in 0..120 {
            assert_eq!(fails(&mut standing, hour * HOUR), None);
        }
        assert_eq!(fails(&mut standing, 120 * HOUR), Some(Why::Failing));

        // One success, or a long time without any attempt, and it counts anew.
        let mut standing = Standing::default();
        fails(&mut standing, 0);
        attempt(&mut standing, (1, 0), answer(Class::Ok), DAY);
        fails(&mut standing, 2 * DAY);
        assert_eq!(fails(&mut standing, 10 * DAY), None);
        assert_eq!(standing.failing_since, Some(10 * DAY));
    }

    #[test]
    fn gone_disables_at_once_and_keeps_the_event() {
        let mut standing = Standing::default();
        let verdict = attempt(&mut standing, (4, 0), answer(Class::Gone), 7);
        assert_eq!(verdict.disables, Some(Why::Gone));
        assert_eq!(standing.rows[&(4, 0)].due, 7);
        standing.apply(&Entry::Disabled {
            endpoint: "cms".into(),
            why: Why::Gone,
            by: "stoa".into(),
            at: 7,
        });
        assert!(standing.disabled.is_some());
        standing.apply(&Entry::Enabled {
            endpoint: "cms".into(),
            at: 9,
        });
        assert!(standing.disabled.is_none() && standing.due() == Some(7));
    }

    #[test]
    fn retry_after_is_kept_within_bounds() {
        for (asked, waits, paused) in [
            (0, 5, 1),
            (60, 60, 60),
            (3_600, 3_600, 3_600),
            (u64::MAX, 86_400, 86_400),
        ] {
            let mut standing = Standing::default();
            let limited = Answer {
                retry_after: Some(asked),
                ..answer(Class::Limited)
            };
            let verdict = attempt(&mut standing, (0, 0), limited, 0);
            assert_eq!(verdict.then, Then::Again(waits * SECOND), "{asked}");
            assert_eq!(standing.paused_until, paused * SECOND, "{asked}");
        }
    }

    #[test]
    fn beyond_the_rows_what_is_refused_is_given_up_and_what_may_pass_is_not() {
        let mut standing = Standing::default();
        for seq in 0..MAX_ROWS as u64 {
            let row = Row {
                lane: 0,
                since: 0,
                attempts: 1,
                class: Some(Class::Refused),
                due: 0,
            };
            standing.rows.insert((seq, 0), row);
        }
        let place = (u64::MAX, 0);
        let verdict = attempt(&mut standing, place, answer(Class::Refused), 0);
        assert_eq!(verdict.then, Then::GivenUp);
        let verdict = attempt(&mut standing, place, answer(Class::Failed), 0);
        assert!(matches!(verdict.then, Then::Again(_)));
    }

    #[test]
    fn what_is_done_out_of_order_is_remembered_until_all_before_it_is() {
        let mut standing = Standing::default();
        attempt(&mut standing, (2, 0), answer(Class::Ok), 0);
        attempt(&mut standing, (1, 1), answer(Class::Refused), 0);
        assert!(standing.knows((2, 0)) && standing.knows((1, 1)));
        assert!(!standing.knows((1, 0)) && !standing.knows((2, 1)));
        standing.apply(&Entry::Read {
            endpoint: "cms".into(),
            next: 3,
        });
        assert!(standing.ahead.is_empty() && standing.knows((2, 1)));
        assert_eq!(standing.rows.len(), 1);
    }
}
