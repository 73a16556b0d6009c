//! Judging a comment without deciding: over the view as it is, and without a trace.

use std::sync::Arc;

use stoa_proto::{Comment, FiredRule, Received};
use stoa_rules::Outcome;

use super::facts::Facts;
use super::limits::Limiter;
use super::{Parts, conclude, evaluate};
use crate::live::Live;
use crate::view::State;

/// What the rules would decide.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) outcome: Outcome,
    /// The rules that fired, as a decision has them.
    pub(crate) rules: Vec<FiredRule>,
}

impl Parts {
    /// Judges a comment as if it came next, breakers and quotas included. Nothing is counted,
    /// written or published. Blocks.
    pub(crate) fn try_comment(
        &self,
        live: &Arc<Live>,
        event: &Received,
        comment: &Comment,
        scores: &[(Arc<str>, f64)],
    ) -> anyhow::Result<Trial> {
        let mut state = State::new(&self.index);
        let now = self.clock.micros();
        let set = &live.set;
        let compares = set.compares_texts();
        let trusted_after = self.config.trusted_after;
        let facts = Facts::gather(&mut state, event, comment, now, trusted_after, compares)?;
        let timer = self.metrics.evaluation.start_timer();
        let subject = evaluate::Subject {
            comment,
            facts: &facts,
            counters: &state.counters(),
            scores,
            prepared: None,
        };
        let (mut outcome, _, _) = evaluate::judge(set, self.evaluate, &subject, false);
        timer.observe_duration();
        let mut limits = Limiter::new(self, Arc::clone(live), now);
        let limited = limits.limit(&mut state, &mut outcome, &mut Vec::new())?;
        let rules = conclude::fired(&outcome, &limited);
        Ok(Trial { outcome, rules })
    }
}
