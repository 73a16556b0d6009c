//! The live rule set, and how it is replaced.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::Timestamp;
use stoa_daemon::Clock;
use stoa_rules::{Errors, RuleSet};

use crate::metrics::Metrics;
use crate::starter;
use crate::view::rows::RuleRow;

/// A rule set that decides.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) set: RuleSet,
    pub(crate) loaded_at: Timestamp,
}

/// The rule set that is live, the folder it comes from, and what its rules did since the start.
///
/// A batch takes the set once, so that no comment is judged by half of one and half of another.
#[derive(Debug)]
pub(crate) struct Rules {
    dir: Option<PathBuf>,
    clock: Clock,
    metrics: Metrics,
    live: RwLock<Arc<Live>>,
    /// Held while a set is loaded and put in place, so that two loads don't cross.
    loading: Mutex<()>,
    since_start: Mutex<BTreeMap<String, RuleRow>>,
}

impl Rules {
    /// Loads the rule set of a folder, or the starter rule set. Blocks.
    pub(crate) fn load(
        dir: Option<PathBuf>,
        clock: Clock,
        metrics: Metrics,
    ) -> Result<Self, Errors> {
        let live = read(dir.as_ref(), &clock)?;
        metrics.live(&live.set);
        tracing::info!(
            ruleset.hash = live.set.hash(),
            rules = live.set.rules().len(),
            "rule set is live"
        );
        Ok(Self {
            dir,
            clock,
            metrics,
            live: RwLock::new(Arc::new(live)),
            loading: Mutex::default(),
            since_start: Mutex::default(),
        })
    }

    /// Returns the rule set that is live.
    pub(crate) fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns where the rule set comes from: the folder, or `starter`.
    pub(crate) fn source(&self) -> String {
        self.dir
            .as_ref()
            .map_or_else(|| "starter".to_owned(), |dir| dir.display().to_string())
    }

    /// Reads the folder again. When it can't be used, the old rule set stays. Blocks.
    pub(crate) fn reload(&self) -> Result<Arc<Live>, Errors> {
        let _loading = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        let new = match read(self.dir.as_ref(), &self.clock) {
            Ok(live) => Arc::new(live),
            Err(errors) => {
                tracing::warn!(
                    errors = errors.0.len(),
                    "the rule set has errors: the old one stays live"
                );
                return Err(errors);
            }
        };
        let old = std::mem::replace(
            &mut *self.live.write().unwrap_or_else(PoisonError::into_inner),
            Arc::clone(&new),
        );
        self.metrics.live(&new.set);
        tracing::info!(
            ruleset.hash = new.set.hash(),
            ruleset.before = old.set.hash(),
            rules = new.set.rules().len(),
            "rule set is live"
        );
        Ok(new)
    }

    /// Counts what rules did.
    pub(crate) fn count(&self, each: impl FnOnce(&mut BTreeMap<String, RuleRow>)) {
        each(
            &mut self
                .since_start
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// Returns what a rule did since the start.
    pub(crate) fn since_start(&self, rule: &str) -> RuleRow {
        let counts = self
            .since_start
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        counts.get(rule).copied().unwrap_or_default()
    }
}

fn read(dir: Option<&PathBuf>, clock: &Clock) -> Result<Live, Errors> {
    let set = match dir {
        Some(dir) => RuleSet::load(dir)?,
        None => RuleSet::from_sources(&starter::files())?,
    };
    Ok(Live {
        set,
        loaded_at: clock.now(),
    })
}
