//! `stoa restore`: an archive out of an export or a backup, in a folder of its own.
//!
//! **Invariant:** the folder is there once everything in it was checked, and before that not at all: it
//! is made beside the place that it takes.

mod backup;
mod jsonl;
mod redactions;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::json;
use stoa_archive::transparency;
use stoa_tlog::{Checkpoint, Frontier};

use self::redactions::List;
use crate::archive::{hex, rebuild_views};
use crate::backup::store::{PlaceArgs, Store};
use crate::export::line;
use crate::output;

#[cfg(test)]
mod tests;

/// Makes an archive's data folder from an export in JSON lines or from a backup.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    #[command(flatten)]
    source: Source,
    /// The signing key of the transparency log, where the backup does not have it. Without a key, the
    /// archive begins a new log.
    #[arg(long, value_name = "FILE", requires = "from")]
    key: Option<PathBuf>,
    /// A newer list of redactions, as `stoa export redactions` wrote it: what was erased after the copy
    /// was made is erased in it, before the folder is there.
    #[arg(long, value_name = "FILE")]
    redactions: Option<PathBuf>,
    #[command(flatten)]
    place: PlaceArgs,
    /// The archive's data folder: a new one, or an empty one. Under `stoa up --data DIR` it is
    /// DIR/archive.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// What is restored.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// What `stoa export jsonl` wrote, whole; `-` for standard input.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// A backup: a folder, or `s3://bucket/prefix`, with the environment as for `stoa backup`.
    #[arg(long, value_name = "DIR|URL")]
    from: Option<String>,
}

/// What a copy says it has.
struct Expected {
    records: u64,
    head: [u8; 32],
    root: [u8; 32],
    /// A checkpoint to which the records must lead.
    checkpoint: Option<Checkpoint>,
}

/// What was restored.
struct Restored {
    records: u64,
    /// Those among them that came from the list of redactions; none without a list.
    learned: Option<u64>,
    erased: u64,
    head: [u8; 32],
    tree: Frontier,
    /// The latest checkpoint, if the archive goes on with its log.
    checkpoint: Option<Checkpoint>,
}

/// Runs the command. It blocks.
pub(crate) fn run(args: &RestoreArgs) -> anyhow::Result<ExitCode> {
    let list = args.redactions.as_deref().map(List::open).transpose()?;
    let place = Place::prepare(&args.data)?;
    let expected = match (&args.source.file, &args.source.from) {
        (Some(file), _) => jsonl::restore(file, &place.new)?,
        (None, Some(from)) => {
            let store = Store::open(from, args.place)?;
            backup::restore(&store, args.key.as_deref(), &place.new)?
        }
        (None, None) => bail!("a file or --from is needed"),
    };
    let restored =
        make_ready(&place.new, &expected, list.as_ref()).context("nothing was restored")?;
    place.take()?;
    if args.json {
        let checkpoint = restored.checkpoint.as_ref();
        output::json(&json!({
            "ok": true, "records": restored.records, "erased": restored.erased,
            "head": hex(&restored.head), "root": hex(&restored.tree.root()),
            "checkpoint": checkpoint.map(|checkpoint| checkpoint.size),
            "learned": restored.learned,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(&format!(
        "{} records, of which {} are erased, are in {}; the root of their tree is {}.",
        restored.records,
        restored.erased,
        args.data.display(),
        hex(&restored.tree.root())
    ));
    if let Some(learned) = restored.learned {
        output::line(&format!(
            "{learned} of the records are what the list of redactions has and the copy did not."
        ));
    }
    output::line(&match restored.checkpoint {
        Some(checkpoint) => format!(
            "They lead to the checkpoint over {} records, and the log {} goes on.",
            checkpoint.size, checkpoint.origin
        ),
        None => "The archive begins a new log, since the signing key is not here.".to_owned(),
    });
    Ok(ExitCode::SUCCESS)
}

/// Does what has to be done before what was restored may be served: builds the view, overwrites what
/// was ordered to be erased and is still in the copy, and checks everything.
fn make_ready(new: &Path, expected: &Expected, list: Option<&List>) -> anyhow::Result<Restored> {
    rebuild_views(new)?;
    let learned = list.map(|list| list.carry_out(new)).transpose()?;
    let journal = new.join("journal");
    let bar = output::progress(0, "bytes");
    let report = stoa_journal::verify(&journal, &mut |progress| {
        bar.set_length(progress.total_bytes);
        bar.set_position(progress.bytes);
    })?;
    let log = transparency::verify(new, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    let mut tree = Frontier::default();
    // Where the copy ends; behind it is what the list brought.
    let mut end = (expected.records == 0).then(|| ([0; 32], tree.root()));
    let mut reader = stoa_journal::Reader::open(&journal)?;
    while let Some(kept) = reader.next_kept() {
        let kept = kept?;
        tree.push(transparency::entry(&kept));
        if tree.size() == expected.records {
            end = Some((kept.chain, tree.root()));
        }
        if let Some(checkpoint) = &expected.checkpoint
            && checkpoint.size == tree.size()
            && checkpoint.root != tree.root()
        {
            bail!(
                "the first {} records are not those that the archive signed",
                checkpoint.size
            );
        }
    }
    let copied = report.next - learned.unwrap_or_default();
    if copied != expected.records || end != Some((expected.head, expected.root)) {
        bail!(
            "the copy says that it has {} records, and there are {copied}, or their hashes are others",
            expected.records
        );
    }
    Ok(Restored {
        records: report.records,
        learned,
        erased: report.redacted,
        head: report.head,
        tree,
        checkpoint: log.map(|log| log.checkpoint),
    })
}

fn unhex(text: &str) -> anyhow::Result<[u8; 32]> {
    line::unhex("a hash of the manifest", text).map_err(anyhow::Error::msg)
}

/// The folder that is restored to, and the one beside it where everything is made.
struct Place {
    data: PathBuf,
    new: PathBuf,
}

impl Place {
    /// Makes sure that nothing is there.
    fn prepare(data: &Path) -> anyhow::Result<Self> {
        let shown = data.display();
        let is_empty = match std::fs::read_dir(data) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
            Err(error) => return Err(error).with_context(|| format!("can't read {shown}")),
        };
        if !is_empty {
            bail!("{shown} is not empty: --data names a new folder, and nothing is overwritten");
        }
        let Some(name) = data.file_name() else {
            bail!("{shown} has no name of its own: --data names a new folder");
        };
        let mut name = name.to_owned();
        name.push(".restoring");
        let new = data.with_file_name(name);
        match std::fs::remove_dir_all(&new) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("can't remove {}", new.display()));
            }
            _ => {}
        }
        std::fs::create_dir_all(&new).with_context(|| format!("can't make {}", new.display()))?;
        Ok(Self {
            data: data.to_owned(),
            new,
        })
    }

    /// Puts what was made in its place.
    fn take(&self) -> anyhow::Result<()> {
        let parent = self.data.parent().filter(|dir| !dir.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        let take = || {
            std::fs::rename(&self.new, &self.data)?;
            std::fs::File::open(parent)?.sync_all()
        };
        take().with_context(|| format!("can't put the archive in {}", self.data.display()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // It is gone when it was taken.
        std::fs::remove_dir_all(&self.new).ok();
    }
}
