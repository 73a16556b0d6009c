//! What keeps a rule from rejecting too much: the breaker of a new rule, and the quota of a day.
//!
//! Comments are evaluated side by side and limited one after the other, in the order in which they
//! are written, so that a limit holds to the comment and a batch gives what single comments give.
//! What was limited is part of the decision, which a repeat gets from the journal.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use stoa_proto::Verdict;
use stoa_rules::{Mode, Outcome, RuleInfo};
use stoa_store::Error;

use super::Parts;
use crate::config::{BreakerConfig, EngineConfig};
use crate::live::Live;
use crate::metrics::Limit;
use crate::record::{Breaker, Change, Stored, Switch};
use crate::view::limits::Hits;
use crate::view::rows::BreakerRow;
use crate::view::{BREAKERS, Index, State};

/// Returns how many comments a rule may reject in a day; none if it may reject any number.
///
/// This is the one place where a quota of the rule's own goes before the service's.
pub(crate) fn quota(rule: &RuleInfo, config: &EngineConfig) -> Option<u64> {
    let own = rule.quota.map(u64::from);
    own.or_else(|| (config.reject_quota > 0).then(|| config.reject_quota.into()))
}

/// Tells whether a rule can reject at all.
fn rejects(rule: &RuleInfo) -> bool {
    rule.verdict == Verdict::Reject && rule.mode != Mode::Shadow
}

/// Returns until when a rule is watched, in microseconds.
pub(crate) fn watched_until(live: &Live, rule: &RuleInfo, config: BreakerConfig) -> Option<i64> {
    let watch = i64::try_from(config.watch.get().as_micros()).unwrap_or(i64::MAX);
    let since = live.since.get(&rule.id).filter(|_| rejects(rule))?;
    Some(since.saturating_add(watch))
}

/// Returns the length of the breaker's window in microseconds.
pub(crate) fn window(config: BreakerConfig) -> i64 {
    i64::try_from(config.window.get().as_micros()).unwrap_or(i64::MAX)
}

fn is_over(hits: Hits, config: BreakerConfig) -> bool {
    let share = u128::from(hits.comments) * u128::from(config.percent);
    hits.hits > config.hits && u128::from(hits.hits) * 100 > share
}

/// A rule's limits, as they are at this comment of the batch.
struct Rule {
    content: String,
    breaker: Guard,
    quota: Option<u64>,
    rejections: u64,
}

enum Guard {
    /// It is neither watched nor open.
    Off,
    /// Its hits are counted; `comments` goes over those of the batch, and may be below zero.
    Watching {
        hits: u64,
        comments: i128,
    },
    Open,
}

/// The limits in one batch.
pub(crate) struct Limiter {
    live: Arc<Live>,
    breaker: BreakerConfig,
    engine: EngineConfig,
    at: i64,
    rules: HashMap<String, Rule>,
    /// Comments of the batch so far, and those among them that the state has.
    comments: u64,
    applied: u64,
}

impl Limiter {
    pub(crate) fn new(parts: &Parts, live: Arc<Live>, at: i64) -> Self {
        Self {
            live,
            breaker: parts.breaker,
            engine: parts.config.clone(),
            at,
            rules: HashMap::new(),
            comments: 0,
            applied: 0,
        }
    }

    /// Returns what begins with the batch: rules that are new here are watched from now on.
    pub(crate) fn begin(&self, state: &mut State<'_>) -> Result<Vec<Breaker>, Error> {
        let mut begins = Vec::new();
        for rule in self.live.set.rules() {
            let until = watched_until(&self.live, rule, self.breaker);
            let (Some(content), true) = (
                self.live.set.content(&rule.id),
                until.is_some_and(|until| self.at < until),
            ) else {
                continue;
            };
            let known = state.breaker(&rule.id)?;
            if known.is_none_or(|row| row.content != content) {
                begins.push(Breaker {
                    rule: rule.id.clone(),
                    content: content.to_owned(),
                    what: Switch::Watched,
                    at: self.at,
                });
            }
        }
        Ok(begins)
    }

    /// Turns rejections into holds where a limit is reached. Returns which, by the places of the
    /// rules among those that fired; breakers that open go to `opened`.
    pub(crate) fn limit(
        &mut self,
        state: &mut State<'_>,
        outcome: &mut Outcome,
        opened: &mut Vec<Breaker>,
    ) -> Result<Vec<(usize, Limit)>, Error> {
        self.comments += 1;
        let mut limited = Vec::new();
        for (place, fired) in outcome.fired.iter().enumerate() {
            if !fired.acted || fired.verdict != Verdict::Reject {
                continue;
            }
            let info = &fired.rule;
            if !self.rules.contains_key(&info.id) {
                let rule = self.load(state, info)?;
                self.rules.insert(info.id.clone(), rule);
            }
            let Some(rule) = self.rules.get_mut(&info.id) else {
                continue;
            };
            if let Guard::Watching { hits, comments } = &mut rule.breaker {
                *hits += 1;
                let seen = u64::try_from(*comments + i128::from(self.comments));
                let sum = Hits {
                    hits: *hits,
                    comments: seen.unwrap_or_default(),
                };
                if is_over(sum, self.breaker) {
                    rule.breaker = Guard::Open;
                    opened.push(Breaker {
                        rule: info.id.clone(),
                        content: rule.content.clone(),
                        what: Switch::Opened {
                            hits: sum.hits,
                            comments: sum.comments,
                        },
                        at: self.at,
                    });
                }
            }
            if matches!(rule.breaker, Guard::Open) {
                limited.push((place, Limit::Breaker));
            } else if rule.quota.is_some_and(|quota| rule.rejections >= quota) {
                limited.push((place, Limit::Quota));
            }
        }
        if !limited.is_empty() {
            resolve(outcome, &limited);
        }
        if outcome.verdict == Verdict::Reject {
            for fired in outcome.fired.iter().filter(|fired| fired.acted) {
                if let Some(rule) = self.rules.get_mut(&fired.rule.id) {
                    rule.rejections += 1;
                }
            }
        }
        Ok(limited)
    }

    /// Notes that the comments so far were applied to the state.
    pub(crate) fn applied(&mut self) {
        self.applied = self.comments;
    }

    /// Reads how it stands with a rule at its first hit in the batch.
    fn load(&self, state: &mut State<'_>, info: &RuleInfo) -> Result<Rule, Error> {
        let content = self.live.set.content(&info.id).unwrap_or_default();
        let quota = quota(info, &self.engine);
        let rejections = match quota {
            Some(_) => state.rejections(&info.id, self.at)?,
            None => 0,
        };
        let row = state
            .breaker(&info.id)?
            .filter(|row| row.content == content);
        let until = watched_until(&self.live, info, self.breaker);
        let breaker = match row {
            Some(row) if row.opened.is_some() => Guard::Open,
            Some(row) if until.is_some_and(|until| self.at < until) => {
                let sum = state.hits(&info.id, &row, window(self.breaker), self.at)?;
                Guard::Watching {
                    hits: sum.hits,
                    comments: i128::from(sum.comments) - i128::from(self.applied),
                }
            }
            _ => Guard::Off,
        };
        Ok(Rule {
            content: content.to_owned(),
            breaker,
            quota,
            rejections,
        })
    }
}

/// Decides again, with the verdict `hold` for the rules that are limited.
fn resolve(outcome: &mut Outcome, limited: &[(usize, Limit)]) {
    let mut deciding: Option<(Verdict, &Arc<RuleInfo>)> = None;
    for (place, fired) in outcome.fired.iter().enumerate() {
        if !fired.acted {
            continue;
        }
        let verdict = if limited.iter().any(|(limited, _)| *limited == place) {
            Verdict::Hold
        } else {
            fired.verdict
        };
        if deciding.is_none_or(|(strictest, _)| strictest < verdict) {
            deciding = Some((verdict, &fired.rule));
        }
    }
    let Some((verdict, rule)) = deciding else {
        return;
    };
    outcome.verdict = if outcome.partial.is_empty() {
        verdict
    } else {
        verdict.max(Verdict::Hold)
    };
    outcome.reason = rule.reason.clone();
    outcome.decided_by = Some(Arc::clone(rule));
}

/// Makes the record of what happened to a breaker.
pub(crate) fn stored(breaker: Breaker) -> Stored {
    Stored {
        change: Change::Breaker(breaker),
        reasons: None,
        input: bytes::Bytes::new(),
        outputs: Vec::new(),
    }
}

/// Tells in the log that a breaker opened.
pub(crate) fn report(breaker: &Breaker) {
    if let Switch::Opened { hits, comments } = breaker.what {
        tracing::warn!(
            rule.id = breaker.rule,
            hits,
            comments,
            "a new rule hits too much: its rejections become holds until it is reset or changed"
        );
    }
}

impl Parts {
    /// Resets a rule's breaker; answers whether it was open.
    pub(crate) async fn reset(&self, rule: &str, by: &str) -> anyhow::Result<bool> {
        let live = self.rules.live();
        let mut state = State::new(&self.index);
        let Some(content) = live.set.content(rule) else {
            return Ok(false);
        };
        let row = state.breaker(rule)?;
        if !row.is_some_and(|row| row.content == content && row.opened.is_some()) {
            return Ok(false);
        }
        let stored = stored(Breaker {
            rule: rule.to_owned(),
            content: content.to_owned(),
            what: Switch::Reset { by: by.to_owned() },
            at: self.clock.micros(),
        });
        state.take(self.journal.next(), &stored)?;
        self.commit(vec![stored.entry()?], state).await?;
        tracing::info!(rule.id = rule, by, "the rule's breaker was reset");
        live.metrics.breakers(&open(&self.index, &live)?);
        Ok(true)
    }
}

/// Returns the rules of a set whose breakers are open.
pub(crate) fn open(index: &Index, live: &Live) -> Result<BTreeSet<String>, Error> {
    let mut open = BTreeSet::new();
    for entry in index.view.scan(&BREAKERS, ()) {
        let (rule, row): (String, BreakerRow) = entry?;
        if row.opened.is_some() && live.set.content(&rule) == Some(row.content.as_str()) {
            open.insert(rule);
        }
    }
    Ok(open)
}

#[cfg(test)]
mod tests {
    use stoa_daemon::config::Duration;

    use super::*;

    #[test]
    fn a_budget_is_exceeded_in_number_and_in_share() {
        let config = BreakerConfig {
            watch: Duration::secs(1),
            window: Duration::secs(300),
            percent: 5,
            hits: 20,
        };
        for (hits, comments, over) in [
            (20, 20, false),
            (21, 21, true),
            (21, 419, true),
            (21, 420, false),
            (22, 420, true),
            (1_000, 20_000, false),
            (1_001, 20_000, true),
            (0, 0, false),
        ] {
            assert_eq!(
                is_over(Hits { hits, comments }, config),
                over,
                "{hits} of {comments}"
            );
        }
    }
}
