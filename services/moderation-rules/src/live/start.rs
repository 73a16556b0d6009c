//! Which rule set is live after a start.

use std::sync::{Arc, Mutex, RwLock};

use anyhow::Context as _;
use stoa_daemon::{Clock, ConfigError};
use stoa_rules::{Errors, RuleSet};

use super::{Folder, Live, Pending, Places, Rules, load};
use crate::metrics::Metrics;
use crate::versions::{Activation, How, Versions, Why};
use crate::watch::Stamp;

impl Rules {
    /// Makes the rule set live that is to be after a start. Blocks.
    ///
    /// | folder | what was live | is live |
    /// |---|---|---|
    /// | changed since | any | the folder |
    /// | as it was | any | what was live |
    /// | broken | came from it, or over HTTP | what was live, and the errors are shown |
    /// | broken | anything else | nothing: the configuration can't be used |
    /// | none | came over HTTP | what was live |
    /// | none | anything else | the starter rule set |
    pub(crate) fn open(places: Places, clock: Clock, metrics: Metrics) -> anyhow::Result<Self> {
        let mut versions = Versions::open(&places.versions, places.keep)?;
        let dir = places.dir.as_deref();
        let stamp = dir.map(Stamp::of).unwrap_or_default();
        let read = load(dir, &places.scores);
        let last = versions.last().cloned();
        let mut folder = Folder {
            stamp,
            ..Folder::default()
        };
        let set = match read {
            Ok(set) => {
                folder.hash = dir.map(|_| set.hash().to_owned());
                let spoken = last.as_ref().filter(|last| match dir {
                    Some(_) => last.folder == folder.hash && last.hash != set.hash(),
                    None => last.how.is_http(),
                });
                match spoken {
                    Some(last) => stored(&versions, last)?,
                    None => set,
                }
            }
            Err(errors) => {
                let had_one = |last: &&Activation| last.folder.is_some() || last.how.is_http();
                let Some(last) = last.as_ref().filter(had_one) else {
                    return Err(ConfigError::invalid("rules_dir", errors.to_string()).into());
                };
                let set = stored(&versions, last)?;
                tracing::error!(
                    %errors,
                    ruleset.hash = last.hash,
                    "rules_dir can't be used: what was live before stays live"
                );
                metrics.pending_errors(errors.0.len());
                // Mended back to what it was, it has not changed.
                folder.hash.clone_from(&last.folder);
                folder.pending = Some(Pending {
                    at: clock.now(),
                    errors,
                });
                set
            }
        };
        let loaded_at = if let Some(last) = last.filter(|last| last.hash == set.hash()) {
            versions.keep_files(&set)?;
            last.at
        } else {
            let at = clock.now();
            let is_first = versions.last().is_none();
            let by = if dir.is_some() { "start" } else { "starter" };
            // The starter rule set was tried before it was shipped.
            let known = is_first && (places.proven || dir.is_none());
            let why = Why::new(How::Start, by);
            versions.activate(&set, why, at, folder.hash.clone(), known)?;
            at
        };
        tracing::info!(
            ruleset.hash = set.hash(),
            rules = set.rules().len(),
            "rule set is live"
        );
        let live = Live {
            since: versions.since(&set),
            metrics: metrics.live(&set),
            loaded_at,
            set,
        };
        Ok(Self {
            dir: places.dir,
            scores: places.scores,
            clock,
            metrics,
            live: RwLock::new(Arc::new(live)),
            loading: Mutex::default(),
            folder: Mutex::new(folder),
            versions: Mutex::new(versions),
            since_start: Mutex::default(),
        })
    }
}

/// Reads what was live before. To judge by something else instead would let through what it kept
/// out, so it is an error if it can't be used.
fn stored(versions: &Versions, last: &Activation) -> anyhow::Result<RuleSet> {
    let hash = &last.hash;
    let remedy =
        "restore the folder `rulesets`, or change the rule set in rules_dir, which then goes first";
    let files = versions
        .files(hash)?
        .with_context(|| format!("the files of {hash}, which was live, are gone: {remedy}"))?;
    let set = RuleSet::from_sources(&files).map_err(|errors: Errors| {
        anyhow::anyhow!("{hash}, which was live, can't be used any more: {remedy}\n{errors}")
    })?;
    anyhow::ensure!(
        set.hash() == hash,
        "the files of {hash}, which was live, were changed: {remedy}"
    );
    Ok(set)
}
