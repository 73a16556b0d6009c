//! What is counted by rule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::{Counter, CounterVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry};
use stoa_rules::RuleSet;

/// Rules that have labels of their own; the rest share [`OTHER`], so that a large rule set does not
/// fill the memory of whoever collects the metrics.
const MAX_LABELS: usize = 500;

/// The label of the rules that have none of their own.
const OTHER: &str = "other";

/// One comment in so many is judged with a look at the clock before each rule.
pub(crate) const SAMPLE: u64 = 64;

/// Why a rule that rejects has held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// It is new and hits too much.
    Breaker,
    /// It has rejected as many comments today as it may.
    Quota,
}

impl Limit {
    const ALL: [Self; 2] = [Self::Breaker, Self::Quota];

    /// Returns the name that decisions and metrics use.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Breaker => "breaker",
            Self::Quota => "quota",
        }
    }
}

/// The families of metrics with a label `rule`.
#[derive(Clone, Debug)]
pub(super) struct Families {
    evaluations: IntCounterVec,
    hits: IntCounterVec,
    seconds: CounterVec,
    overrides: IntCounterVec,
    limited: IntCounterVec,
    breakers: IntGaugeVec,
    /// The rules that have labels.
    labelled: Arc<Mutex<BTreeSet<String>>>,
}

/// What is counted of one rule, or of all that share a label.
#[derive(Debug)]
struct OfRule {
    evaluations: IntCounter,
    acted: IntCounter,
    shadow: IntCounter,
    seconds: Counter,
    overrides: IntCounter,
    limited: [IntCounter; 2],
    breaker: IntGauge,
}

/// What is counted of the rules of one set. What a set counts that was replaced meanwhile goes to
/// the rules that stayed, and nowhere for those that left.
#[derive(Debug)]
pub(crate) struct RuleMetrics {
    /// By place in the rule set.
    places: Vec<Arc<OfRule>>,
    by_id: BTreeMap<String, usize>,
}

impl Families {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let opts = prometheus::Opts::new;
        let families = Self {
            evaluations: IntCounterVec::new(
                opts(
                    "stoa_rule_evaluations_total",
                    "How often each rule's conditions were evaluated.",
                ),
                &["rule"],
            )?,
            hits: IntCounterVec::new(
                opts(
                    "stoa_rule_hits_total",
                    "How often each rule fired, by whether it acted.",
                ),
                &["rule", "mode"],
            )?,
            seconds: CounterVec::new(
                opts(
                    "stoa_rule_evaluation_seconds_total",
                    "Time that each rule took, estimated from one comment in 64.",
                ),
                &["rule"],
            )?,
            overrides: IntCounterVec::new(
                opts(
                    "stoa_rule_overrides_total",
                    "How often a moderator decided otherwise than each rule that acted.",
                ),
                &["rule"],
            )?,
            limited: IntCounterVec::new(
                opts(
                    "stoa_rule_limited_total",
                    "Rejections by each rule that became holds, by what limited it.",
                ),
                &["rule", "limit"],
            )?,
            breakers: IntGaugeVec::new(
                opts(
                    "stoa_rule_breaker_open",
                    "Whether each rule's breaker is open: its rejections become holds.",
                ),
                &["rule"],
            )?,
            labelled: Arc::default(),
        };
        registry.register(Box::new(families.evaluations.clone()))?;
        registry.register(Box::new(families.hits.clone()))?;
        registry.register(Box::new(families.seconds.clone()))?;
        registry.register(Box::new(families.overrides.clone()))?;
        registry.register(Box::new(families.limited.clone()))?;
        registry.register(Box::new(families.breakers.clone()))?;
        Ok(families)
    }

    /// Makes the labels of a rule set, and lets go of those of rules that left.
    pub(super) fn live(&self, set: &RuleSet) -> RuleMetrics {
        let mut labelled = self.labelled.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept: BTreeSet<String> = set
            .rules()
            .take(MAX_LABELS)
            .map(|rule| rule.id.clone())
            .collect();
        if set.rules().len() > MAX_LABELS {
            kept.insert(OTHER.to_owned());
        }
        for left in labelled.difference(&kept) {
            self.remove(left);
        }
        *labelled = kept;
        let mut other = None;
        let mut metrics = RuleMetrics {
            places: Vec::with_capacity(set.rules().len()),
            by_id: BTreeMap::new(),
        };
        for (place, rule) in set.rules().enumerate() {
            let of_rule = if place < MAX_LABELS {
                Arc::new(self.of(&rule.id))
            } else {
                Arc::clone(other.get_or_insert_with(|| Arc::new(self.of(OTHER))))
            };
            metrics.places.push(of_rule);
            metrics.by_id.insert(rule.id.clone(), place);
        }
        metrics
    }

    fn of(&self, rule: &str) -> OfRule {
        OfRule {
            evaluations: self.evaluations.with_label_values(&[rule]),
            acted: self.hits.with_label_values(&[rule, "acted"]),
            shadow: self.hits.with_label_values(&[rule, "shadow"]),
            seconds: self.seconds.with_label_values(&[rule]),
            overrides: self.overrides.with_label_values(&[rule]),
            limited: Limit::ALL
                .map(|limit| self.limited.with_label_values(&[rule, limit.as_str()])),
            breaker: self.breakers.with_label_values(&[rule]),
        }
    }

    /// Removes a rule's labels; all were made together, so that each is there.
    fn remove(&self, rule: &str) {
        self.evaluations.remove_label_values(&[rule]).ok();
        for mode in ["acted", "shadow"] {
            self.hits.remove_label_values(&[rule, mode]).ok();
        }
        self.seconds.remove_label_values(&[rule]).ok();
        self.overrides.remove_label_values(&[rule]).ok();
        for limit in Limit::ALL {
            self.limited
                .remove_label_values(&[rule, limit.as_str()])
                .ok();
        }
        self.breakers.remove_label_values(&[rule]).ok();
    }
}

impl RuleMetrics {
    fn of(&self, rule: &str) -> Option<&OfRule> {
        let place = self.by_id.get(rule)?;
        self.places.get(*place).map(AsRef::as_ref)
    }

    /// Counts evaluations of the rule at a place.
    pub(crate) fn evaluated(&self, place: usize, times: u64) {
        if let Some(of_rule) = self.places.get(place).filter(|_| times > 0) {
            of_rule.evaluations.inc_by(times);
        }
    }

    /// Counts the time that the rule at a place took in a comment that stands for [`SAMPLE`].
    pub(crate) fn took(&self, place: usize, time: Duration) {
        if let Some(of_rule) = self.places.get(place) {
            // 64 is exact as a float.
            of_rule.seconds.inc_by(time.as_secs_f64() * 64.0);
        }
    }

    /// Counts a hit.
    pub(crate) fn hit(&self, rule: &str, acted: bool) {
        if let Some(of_rule) = self.of(rule) {
            let counter = if acted {
                &of_rule.acted
            } else {
                &of_rule.shadow
            };
            counter.inc();
        }
    }

    /// Counts a rejection that became a hold.
    pub(crate) fn limited(&self, rule: &str, limit: Limit) {
        if let Some(of_rule) = self.of(rule) {
            let [breaker, quota] = &of_rule.limited;
            match limit {
                Limit::Breaker => breaker.inc(),
                Limit::Quota => quota.inc(),
            }
        }
    }

    /// Counts a moderator's decision against a rule.
    pub(crate) fn overridden(&self, rule: &str) {
        if let Some(of_rule) = self.of(rule) {
            of_rule.overrides.inc();
        }
    }

    /// Shows which breakers are open; of rules that share a label, how many.
    pub(crate) fn breakers(&self, open: &BTreeSet<String>) {
        for of_rule in &self.places {
            of_rule.breaker.set(0);
        }
        for of_rule in open.iter().filter_map(|rule| self.of(rule)) {
            of_rule.breaker.inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ids: impl Iterator<Item = String>) -> RuleSet {
        let rules: String = ids
            .map(|id| format!("- {{ id: {id}, when: 'comment.html', then: {{ labels: [a] }} }}\n"))
            .collect();
        let text = format!("rules:\n{rules}");
        RuleSet::from_sources(&[("stoa.yaml".to_owned(), text.into_bytes())].into()).unwrap()
    }

    /// The values of a family by rule, summed over its other labels.
    fn values(registry: &Registry, name: &str) -> BTreeMap<String, String> {
        let mut values: BTreeMap<String, f64> = BTreeMap::new();
        let families = registry.gather();
        let family = families
            .iter()
            .find(|family| family.name() == name)
            .unwrap();
        for metric in family.get_metric() {
            let label = metric
                .get_label()
                .iter()
                .find(|l| l.name() == "rule")
                .unwrap();
            let value = metric.get_counter().get_value() + metric.get_gauge().get_value();
            *values.entry(label.value().to_owned()).or_default() += value;
        }
        let text = |(rule, value): (String, f64)| (rule, value.to_string());
        values.into_iter().map(text).collect()
    }

    const NAMES: [&str; 6] = [
        "stoa_rule_evaluations_total",
        "stoa_rule_hits_total",
        "stoa_rule_evaluation_seconds_total",
        "stoa_rule_overrides_total",
        "stoa_rule_limited_total",
        "stoa_rule_breaker_open",
    ];

    #[test]
    fn rules_that_stay_keep_their_counts_and_those_that_leave_are_gone() {
        let registry = Registry::new();
        let families = Families::new(&registry).unwrap();
        let names = |names: &[&str]| set(names.iter().map(|name| (*name).to_owned()));
        let old = families.live(&names(&["stays", "leaves"]));
        old.hit("stays", true);
        old.hit("leaves", false);
        let new = families.live(&names(&["stays", "comes"]));
        // A batch that was judged by the old set.
        old.hit("stays", false);
        old.hit("leaves", true);
        new.hit("stays", true);
        new.hit("no-such-rule", true);
        let expected = BTreeMap::from([("comes", "0"), ("stays", "3")]);
        let hits = values(&registry, "stoa_rule_hits_total");
        let hits: BTreeMap<&str, &str> =
            hits.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(hits, expected);
        for name in NAMES {
            let rules: Vec<String> = values(&registry, name).into_keys().collect();
            assert_eq!(rules, ["comes", "stays"], "{name}");
        }
    }

    #[test]
    fn beyond_the_limit_rules_share_a_label() {
        let registry = Registry::new();
        let families = Families::new(&registry).unwrap();
        let metrics = families.live(&set((0..MAX_LABELS + 3).map(|n| format!("r{n}"))));
        for place in [0, 499, 500, 502] {
            metrics.evaluated(place, 2);
            metrics.took(place, Duration::from_millis(500));
            metrics.limited(&format!("r{place}"), Limit::Quota);
            metrics.overridden(&format!("r{place}"));
        }
        metrics.breakers(&["r0", "r500", "r501"].map(str::to_owned).into());
        let check = |name: &str, expected: [&str; 4]| {
            let values = values(&registry, name);
            assert_eq!(values.len(), MAX_LABELS + 1, "{name}");
            assert_eq!(
                ["r0", "r1", "r499", OTHER].map(|rule| values[rule].as_str()),
                expected,
                "{name}"
            );
        };
        check("stoa_rule_evaluations_total", ["2", "0", "2", "4"]);
        check(
            "stoa_rule_evaluation_seconds_total",
            ["32", "0", "32", "64"],
        );
        check("stoa_rule_limited_total", ["1", "0", "1", "2"]);
        check("stoa_rule_overrides_total", ["1", "0", "1", "2"]);
        check("stoa_rule_breaker_open", ["1", "0", "0", "2"]);
        metrics.breakers(&BTreeSet::new());
        check("stoa_rule_breaker_open", ["0"; 4]);
        families.live(&set(std::iter::once("r1".to_owned())));
        assert_eq!(values(&registry, "stoa_rule_hits_total").len(), 1);
    }
}
