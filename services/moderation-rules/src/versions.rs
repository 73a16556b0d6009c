//! The versions of the rule set: every one that was live, and when, by whom and why it became so.
//!
//! ```text
//! rulesets/
//!   activations.jsonl      one line for each time another rule set became live; append-only
//!   <64 hex digits>/       the files of the rule set with that hash, as `stoa rules check` takes them
//!   .tmp-…                 unfinished: removed at the next start
//! ```
//!
//! A version is written to a temporary folder, made durable and renamed; then its line is appended
//! and made durable; only then it judges. So what has a line has its files, until they are among
//! the old ones that are removed. A torn last line was never live and is cut.
//!
//! **Invariant:** the line of what is live is the last one.

mod files;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stoa_rules::RuleSet;

/// The name of the log.
const LOG: &str = "activations.jsonl";

/// How a rule set became live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ActivatedHow)]
pub(crate) enum How {
    /// The service started with it.
    Start,
    /// Its folder changed.
    Folder,
    /// Somebody asked for its folder to be read again.
    Reload,
    /// It was sent over HTTP.
    Put,
    /// An earlier version was asked for over HTTP.
    Rollback,
}

impl How {
    /// Tells whether it came through HTTP and not from the folder or the program.
    pub(crate) fn is_http(self) -> bool {
        matches!(self, Self::Put | Self::Rollback)
    }
}

/// Who makes a rule set live, and why.
#[derive(Clone, Debug)]
pub(crate) struct Why {
    pub(crate) how: How,
    /// The name of a token, `folder`, `start` or `starter`.
    pub(crate) by: String,
    pub(crate) note: Option<String>,
}

impl Why {
    /// Makes a reason without a note.
    pub(crate) fn new(how: How, by: &str) -> Self {
        Self {
            how,
            by: by.to_owned(),
            note: None,
        }
    }
}

/// A line of the log: a rule set became live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Activation {
    pub(crate) at: Timestamp,
    pub(crate) hash: String,
    pub(crate) how: How,
    pub(crate) by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
    /// The hash of the rule set that was live before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replaced: Option<String>,
    /// The hash that the folder of the configuration had, if it had one that could be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) folder: Option<String>,
    /// The rules that were live with this content for the first time, and its hash.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) fresh: BTreeMap<String, String>,
    /// Whether these had proved themselves before the log began.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) known: bool,
}

/// The versions of the rule set on the disk.
#[derive(Debug)]
pub(crate) struct Versions {
    dir: PathBuf,
    keep: usize,
    log: File,
    /// Oldest first; what was fresh in each is in `since`.
    activations: Vec<Activation>,
    /// When each content of a rule was first live; none if that was before the log began.
    since: HashMap<(String, String), Option<i64>>,
    /// A failed write leaves the log's end in doubt: nothing more is taken until the next start.
    failed: bool,
}

impl Versions {
    /// Opens the folder, and tidies up what a crash has left.
    pub(crate) fn open(dir: &Path, keep: usize) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        files::remove_unfinished(dir)?;
        let path = dir.join(LOG);
        let is_new = !path.exists();
        let mut log = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        if is_new {
            log.sync_all()?;
            files::sync_dir(dir)?;
            dir.parent().map_or(Ok(()), files::sync_dir)?;
        }
        let activations = read(&path, &mut log)?;
        let mut versions = Self {
            dir: dir.to_owned(),
            keep,
            log,
            activations: Vec::with_capacity(activations.len()),
            since: HashMap::new(),
            failed: false,
        };
        for activation in activations {
            versions.note(activation);
        }
        versions.prune();
        Ok(versions)
    }

    /// Takes a line into account.
    fn note(&mut self, mut activation: Activation) {
        let at = (!activation.known).then(|| activation.at.as_microsecond());
        for rule in std::mem::take(&mut activation.fresh) {
            self.since.entry(rule).or_insert(at);
        }
        self.activations.push(activation);
    }

    /// Returns the activations, oldest first.
    pub(crate) fn activations(&self) -> &[Activation] {
        &self.activations
    }

    /// Returns the last activation.
    pub(crate) fn last(&self) -> Option<&Activation> {
        self.activations.last()
    }

    /// Tells whether the files of a version are kept.
    pub(crate) fn has_files(&self, hash: &str) -> bool {
        files::folder(&self.dir, hash).is_some_and(|folder| folder.is_dir())
    }

    /// Reads the files of a version; none if they are not kept.
    pub(crate) fn files(&self, hash: &str) -> anyhow::Result<Option<BTreeMap<String, Vec<u8>>>> {
        match files::folder(&self.dir, hash) {
            Some(folder) if folder.is_dir() => files::read(&folder).map(Some),
            _ => Ok(None),
        }
    }

    /// Writes down that a rule set becomes live: its files, then its line.
    ///
    /// When it returns, both are durable. `known` says that its rules are not to be watched as new.
    pub(crate) fn activate(
        &mut self,
        set: &RuleSet,
        why: Why,
        at: Timestamp,
        folder: Option<String>,
        known: bool,
    ) -> anyhow::Result<()> {
        anyhow::ensure!(
            !self.failed,
            "an earlier write to {} failed: mend the disk and restart",
            self.dir.display()
        );
        self.keep_files(set)?;
        let fresh = set
            .rules()
            .filter_map(|rule| Some((rule.id.clone(), set.content(&rule.id)?.to_owned())))
            .filter(|rule| !self.since.contains_key(rule))
            .collect();
        let activation = Activation {
            at,
            hash: set.hash().to_owned(),
            how: why.how,
            by: why.by,
            note: why.note,
            replaced: self.last().map(|last| last.hash.clone()),
            folder,
            fresh,
            known,
        };
        let mut line = serde_json::to_vec(&activation)?;
        line.push(b'\n');
        let written = self
            .log
            .write_all(&line)
            .and_then(|()| self.log.sync_data());
        self.failed = written.is_err();
        written.with_context(|| format!("cannot write {}", self.dir.join(LOG).display()))?;
        self.note(activation);
        self.prune();
        Ok(())
    }

    /// Writes the files of a rule set, unless they are there as they should be.
    pub(crate) fn keep_files(&self, set: &RuleSet) -> anyhow::Result<()> {
        files::write(&self.dir, set)
            .with_context(|| format!("cannot keep a version in {}", self.dir.display()))
    }

    /// Returns when the rules of a set were first live with the content that they have, in
    /// microseconds; those that were so before the log began are left out.
    pub(crate) fn since(&self, set: &RuleSet) -> BTreeMap<String, i64> {
        set.rules()
            .filter_map(|rule| {
                let content = set.content(&rule.id)?;
                let key = (rule.id.clone(), content.to_owned());
                Some((key.0.clone(), self.since.get(&key).copied().flatten()?))
            })
            .collect()
    }

    /// Removes the files of all versions but the newest; what can't be removed waits.
    fn prune(&self) {
        let mut kept = HashSet::new();
        for activation in self.activations.iter().rev() {
            if kept.len() >= self.keep {
                break;
            }
            kept.insert(activation.hash.as_str());
        }
        if let Err(error) = files::retain(&self.dir, &kept) {
            tracing::warn!(%error, "old versions of the rule set can't be removed");
        }
    }
}

/// Reads the log; an unfinished last line is cut.
fn read(path: &Path, log: &mut File) -> anyhow::Result<Vec<Activation>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut activations = Vec::new();
    let mut whole = 0;
    for (number, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let is_last = whole + line.len() == bytes.len();
        match serde_json::from_slice(line) {
            Ok(activation) if line.ends_with(b"\n") => activations.push(activation),
            Ok(_) => break,
            Err(_) if is_last => break,
            Err(error) => anyhow::bail!(
                "line {} of {} can't be read: {error}; put a backup of it in its place, or take the line out",
                number + 1,
                path.display()
            ),
        }
        whole += line.len();
    }
    if whole < bytes.len() {
        tracing::warn!(
            path = %path.display(),
            bytes = bytes.len() - whole,
            "an unfinished line at the end of the log of rule sets was cut: it was never live"
        );
        log.set_len(whole as u64)?;
        log.sync_all()?;
    }
    Ok(activations)
}

#[cfg(test)]
mod tests;
