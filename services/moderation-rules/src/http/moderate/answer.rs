//! What a request for verdicts is answered with.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use stoa_proto::{By, Data, Decision, Event, FiredRule, Outgoing, Verdict};
use stoa_rules::{RuleInfo, RuleSet};

use crate::engine::trial::Trial;
use crate::http::judging::Judged;
use crate::http::judging::subject::Subject;

/// What `partial` says of a comment that was not judged in time.
pub(super) const LATE: &str = "deadline";

/// One comment's verdict.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Verdicted {
    /// The comment's id, if the request has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u32>,
    pub(super) verdict: Verdict,
    labels: Vec<String>,
    /// Why, by the rule that decides.
    reason: Option<Reasoned>,
    /// The deciding rule's explanation, by language.
    explain: BTreeMap<String, String>,
    /// The rules that fired, with what they found.
    rules: Vec<FiredRule>,
    /// What was missing; the verdict is at least `hold` then.
    pub(super) partial: Vec<String>,
    /// What classifiers outside said.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    scores: BTreeMap<String, f64>,
    /// The decision that was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = VerdictReason)]
struct Reasoned {
    code: String,
    ground: &'static str,
    reference: Option<String>,
    category: Option<String>,
}

impl Reasoned {
    fn of(rule: &RuleInfo) -> Option<Self> {
        let reason = rule.reason.as_ref()?;
        Some(Self {
            code: reason.code.clone(),
            ground: reason.ground.as_str(),
            reference: reason.reference.clone(),
            category: reason.category.clone(),
        })
    }
}

impl Verdicted {
    fn empty(subject: &Subject, verdict: Verdict) -> Self {
        let comment = subject.comment().filter(|_| subject.has_id);
        Self {
            comment: comment.map(|comment| comment.comment.clone()),
            revision: comment.map(|comment| comment.revision),
            verdict,
            labels: Vec::new(),
            reason: None,
            explain: BTreeMap::new(),
            rules: Vec::new(),
            partial: Vec::new(),
            scores: BTreeMap::new(),
            decision: None,
        }
    }

    /// A comment that can't be judged, and why.
    pub(super) fn held(subject: &Subject, missing: &str) -> Self {
        Self {
            partial: vec![missing.to_owned()],
            ..Self::empty(subject, Verdict::Hold)
        }
    }

    /// A comment that was judged without a decision.
    pub(super) fn tried(subject: &Subject, judged: Judged) -> Self {
        let Judged {
            trial: Trial { outcome, rules },
            scores,
        } = judged;
        let decided_by = outcome.decided_by.as_deref();
        Self {
            labels: outcome.labels,
            reason: decided_by.and_then(Reasoned::of),
            explain: decided_by
                .map(|rule| rule.explain.clone())
                .unwrap_or_default(),
            rules,
            partial: outcome.partial,
            scores: scores
                .iter()
                .map(|(name, value)| (name.to_string(), *value))
                .collect(),
            ..Self::empty(subject, outcome.verdict)
        }
    }

    /// A comment that was decided, now or before.
    pub(super) fn decided(subject: &Subject, set: &RuleSet, outgoing: &[Outgoing]) -> Option<Self> {
        let decision = outgoing.iter().find_map(decision)?;
        let rule = decided_by(set, &decision);
        let scores = decision.extra.get("scores").cloned();
        Some(Self {
            labels: decision.labels,
            reason: rule.and_then(Reasoned::of),
            explain: rule.map(|rule| rule.explain.clone()).unwrap_or_default(),
            rules: decision.rules,
            partial: decision.partial,
            scores: scores
                .and_then(|scores| serde_json::from_value(scores).ok())
                .unwrap_or_default(),
            decision: Some(decision.decision),
            ..Self::empty(subject, decision.verdict)
        })
    }
}

fn decision(outgoing: &Outgoing) -> Option<Decision> {
    match Event::from_json(&outgoing.body).ok()?.data {
        Data::CommentDecided(decision) => Some(decision),
        _ => None,
    }
}

/// Returns the hash of the rule set that decided.
pub(super) fn ruleset(outgoing: &[Outgoing]) -> Option<String> {
    match outgoing.iter().find_map(decision)?.by {
        By::Rules { ruleset } => Some(ruleset),
        By::Moderator { .. } => None,
    }
}

/// Finds the deciding rule of a decision; none if another rule set made it.
fn decided_by<'s>(set: &'s RuleSet, decision: &Decision) -> Option<&'s RuleInfo> {
    if !matches!(&decision.by, By::Rules { ruleset } if ruleset == set.hash()) {
        return None;
    }
    let fired = |info: &&Arc<RuleInfo>| {
        let mut rules = decision.rules.iter();
        rules.any(|rule| {
            let held = rule.extra.contains_key("limited");
            let verdict = if held { Verdict::Hold } else { info.verdict };
            rule.id == info.id
                && verdict == decision.verdict
                && info.acts_in(&decision.site, &decision.article)
        })
    };
    // As when it was made: the highest priority, and of these the first.
    let mut best: Option<&Arc<RuleInfo>> = None;
    for info in set.rules().filter(fired) {
        if best.is_none_or(|best| best.priority < info.priority) {
            best = Some(info);
        }
    }
    best.map(Arc::as_ref)
}
