//! The live rule set, and how it is replaced.
//!
//! A rule set is compiled and checked as a whole before anybody sees it, written down as a version
//! ([`crate::versions`]), and put in place of the other one at once.
//! Whoever changed it last has the say: the folder of the configuration, or a person over HTTP. A
//! folder that is as it was when a person spoke changes nothing, also not at the next start.

mod start;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use jiff::Timestamp;
use stoa_daemon::Clock;
use stoa_rules::{Errors, RuleSet};

use crate::metrics::{Metrics, Reload, RuleMetrics};
use crate::starter;
use crate::versions::{How, Versions, Why};
use crate::view::rows::RuleRow;
use crate::watch::Stamp;

/// A rule set that decides.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) set: RuleSet,
    pub(crate) loaded_at: Timestamp,
    /// When rules were first live with the content that they have, in microseconds; those that
    /// were so before the log of versions began are left out.
    pub(crate) since: BTreeMap<String, i64>,
    pub(crate) metrics: RuleMetrics,
}

/// Where rule sets come from and are kept.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The folder of the configuration.
    pub(crate) dir: Option<PathBuf>,
    /// The folder of the versions.
    pub(crate) versions: PathBuf,
    /// How many versions keep their files.
    pub(crate) keep: usize,
    /// Whether comments were judged here before versions were kept: the first version's rules
    /// have proved themselves then.
    pub(crate) proven: bool,
    /// The scores that the configuration's scorers give.
    pub(crate) scores: Vec<String>,
}

/// The folder holds what can't be used.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) at: Timestamp,
    pub(crate) errors: Errors,
}

/// Why a rule set does not become live; the one before stays.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It has errors.
    Broken(Errors),
    /// Another one is live than the one that was to be replaced.
    Stale,
    /// It can't be kept.
    Unkept(anyhow::Error),
}

/// What the folder was when it was last looked at.
#[derive(Debug, Default)]
struct Folder {
    stamp: Stamp,
    /// The hash of its rule set, if it can be used.
    hash: Option<String>,
    pending: Option<Pending>,
}

/// The rule set that is live, the folder it comes from, and what its rules did since the start.
///
/// A batch takes the set once, so that no comment is judged by half of one and half of another.
#[derive(Debug)]
pub(crate) struct Rules {
    dir: Option<PathBuf>,
    scores: Vec<String>,
    clock: Clock,
    metrics: Metrics,
    live: RwLock<Arc<Live>>,
    /// Held while the folder is read and what it holds put in place, so that two loads don't cross.
    loading: Mutex<()>,
    folder: Mutex<Folder>,
    versions: Mutex<Versions>,
    since_start: Mutex<BTreeMap<String, RuleRow>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Rules {
    /// Returns the rule set that is live.
    pub(crate) fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Refuses a rule set that reads scores which nobody gives.
    pub(crate) fn check(&self, set: RuleSet) -> Result<RuleSet, Errors> {
        set.check_scores(&self.scores)?;
        Ok(set)
    }

    /// Returns where the rule set comes from by the configuration: the folder, or `starter`.
    pub(crate) fn source(&self) -> String {
        self.dir
            .as_ref()
            .map_or_else(|| "starter".to_owned(), |dir| dir.display().to_string())
    }

    /// Returns the folder and what it was when it was last read.
    pub(crate) fn folder(&self) -> Option<(PathBuf, Stamp)> {
        let stamp = lock(&self.folder).stamp.clone();
        Some((self.dir.clone()?, stamp))
    }

    /// Returns what is wrong with the folder, if it can't be used.
    pub(crate) fn pending(&self) -> Option<Pending> {
        lock(&self.folder).pending.clone()
    }

    /// Looks at the versions. Blocks while one is being written.
    pub(crate) fn versions<T>(&self, look: impl FnOnce(&Versions) -> T) -> T {
        look(&lock(&self.versions))
    }

    /// Reads the folder again, or the starter rule set, because somebody asked for it. When it
    /// can't be used, the old rule set stays. Blocks.
    pub(crate) fn reload(&self, by: &str) -> Result<Arc<Live>, Refused> {
        let _loading = lock(&self.loading);
        let stamp = self.dir.as_deref().map(Stamp::of).unwrap_or_default();
        let set = match load(self.dir.as_deref(), &self.scores) {
            Ok(set) => set,
            Err(errors) => return Err(Refused::Broken(self.folder_broken(stamp, errors))),
        };
        self.folder_is(stamp, &set);
        self.counted(self.activate(set, Why::new(How::Reload, by), None))
    }

    /// Takes a change of the folder, whose files were at rest as the stamp says; answers whether it
    /// was dealt with. It was not if the files changed meanwhile: they are to come to rest first.
    /// Blocks.
    pub(crate) fn folder_changed(&self, expected: &Stamp) -> bool {
        let Some(dir) = self.dir.as_deref() else {
            return true;
        };
        let _loading = lock(&self.loading);
        let read = RuleSet::load(dir).and_then(|set| self.check(set));
        let stamp = Stamp::of(dir);
        if stamp != *expected {
            return false;
        }
        match read {
            Ok(set) => {
                let before = lock(&self.folder).hash.clone();
                self.folder_is(stamp, &set);
                // Touched, or mended back to what it was: a person's word is not undone by that.
                if before.as_deref() == Some(set.hash()) {
                    self.metrics.reloaded(Reload::Unchanged);
                    return true;
                }
                let why = Why::new(How::Folder, "folder");
                if let Err(Refused::Unkept(error)) = self.counted(self.activate(set, why, None)) {
                    tracing::error!(
                        error = format!("{error:#}"),
                        "the changed folder can't become live"
                    );
                    lock(&self.folder).hash = before;
                }
            }
            Err(errors) => {
                let errors = self.folder_broken(stamp, errors);
                tracing::error!(%errors, "the changed folder of the rule set can't be used");
            }
        }
        true
    }

    fn counted(&self, outcome: Result<Option<Arc<Live>>, Refused>) -> Result<Arc<Live>, Refused> {
        self.metrics.reloaded(match &outcome {
            Ok(Some(_)) => Reload::Applied,
            Ok(None) => Reload::Unchanged,
            Err(_) => Reload::Failed,
        });
        Ok(outcome?.unwrap_or_else(|| self.live()))
    }

    fn folder_is(&self, stamp: Stamp, set: &RuleSet) {
        *lock(&self.folder) = Folder {
            stamp,
            hash: self.dir.is_some().then(|| set.hash().to_owned()),
            pending: None,
        };
        self.metrics.pending_errors(0);
    }

    fn folder_broken(&self, stamp: Stamp, errors: Errors) -> Errors {
        self.metrics.reloaded(Reload::Refused);
        self.metrics.pending_errors(errors.0.len());
        tracing::warn!(
            errors = errors.0.len(),
            "the rule set has errors: the old one stays live"
        );
        let mut folder = lock(&self.folder);
        folder.stamp = stamp;
        folder.pending = Some(Pending {
            at: self.clock.now(),
            errors: errors.clone(),
        });
        errors
    }

    /// Puts a rule set in place of the live one, if that has one of the `expected` hashes. Answers
    /// nothing if it is live already. Blocks.
    pub(crate) fn activate(
        &self,
        set: RuleSet,
        why: Why,
        expected: Option<&Expected>,
    ) -> Result<Option<Arc<Live>>, Refused> {
        let mut versions = lock(&self.versions);
        let old = self.live();
        if expected.is_some_and(|expected| !expected.matches(old.set.hash())) {
            return Err(Refused::Stale);
        }
        if old.set.hash() == set.hash() {
            return Ok(None);
        }
        let (at, by, how) = (self.clock.now(), why.by.clone(), why.how);
        let folder = lock(&self.folder).hash.clone();
        versions
            .activate(&set, why, at, folder, false)
            .map_err(Refused::Unkept)?;
        let new = Arc::new(Live {
            since: versions.since(&set),
            metrics: self.metrics.live(&set),
            loaded_at: at,
            set,
        });
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&new);
        lock(&self.since_start).retain(|rule, _| new.set.content(rule).is_some());
        tracing::info!(
            ruleset.hash = new.set.hash(),
            ruleset.before = old.set.hash(),
            rules = new.set.rules().len(),
            by,
            ?how,
            "rule set is live"
        );
        Ok(Some(new))
    }

    /// Counts what rules did.
    pub(crate) fn count(&self, each: impl FnOnce(&mut BTreeMap<String, RuleRow>)) {
        each(&mut lock(&self.since_start));
    }

    /// Returns what a rule did since the start.
    pub(crate) fn since_start(&self, rule: &str) -> RuleRow {
        lock(&self.since_start)
            .get(rule)
            .copied()
            .unwrap_or_default()
    }
}

/// The hashes of which one is to be live for a change to be made, as in `If-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Whatever is live.
    Any,
    /// One of these.
    OneOf(Vec<String>),
}

impl Expected {
    /// Tells whether a hash is among them.
    pub(crate) fn matches(&self, hash: &str) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(hashes) => hashes.iter().any(|one| one == hash),
        }
    }
}

/// Reads the rule set of a folder, or the starter rule set.
fn load(dir: Option<&Path>, scores: &[String]) -> Result<RuleSet, Errors> {
    let set = match dir {
        Some(dir) => RuleSet::load(dir),
        None => RuleSet::from_sources(&starter::files()),
    }?;
    set.check_scores(scores)?;
    Ok(set)
}
