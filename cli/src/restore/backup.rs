//! Restoring from what `stoa backup` made.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};
use stoa_archive::transparency;
use stoa_tlog::{Checkpoint, Verifier};

use super::{Expected, unhex};
use crate::archive::hex;
use crate::backup::manifest::{KEY, Log, Manifest};
use crate::backup::store::Store;
use crate::output;

/// Fetches a backup into an archive's folder that is being made, and returns what it must lead to.
pub(super) fn restore(store: &Store, key: Option<&Path>, new: &Path) -> anyhow::Result<Expected> {
    let manifest = Manifest::fetch(store)?;
    let journal = new.join("journal");
    std::fs::create_dir(&journal).with_context(|| format!("can't make {}", journal.display()))?;
    let bar = output::progress(manifest.bytes(), "bytes");
    for segment in &manifest.segments {
        let path = journal.join(format!("{:020}.seg", segment.first));
        let written = || format!("can't write {}", path.display());
        let file = File::create_new(&path).with_context(written)?;
        let mut file = BufWriter::with_capacity(1 << 20, file);
        segment.fetch(store, &mut |bytes| {
            bar.inc(bytes.len() as u64);
            file.write_all(bytes).with_context(written)
        })?;
        file.flush().with_context(written)?;
        file.get_ref().sync_all().with_context(written)?;
    }
    bar.finish_and_clear();
    stoa_journal::settle(&journal, manifest.records).context("nothing was restored")?;
    let checkpoint = match &manifest.log {
        Some(log) => Some(restore_log(store, log, key, new)?),
        None => None,
    };
    Ok(Expected {
        records: manifest.records,
        head: unhex(&manifest.head)?,
        root: unhex(&manifest.root)?,
        checkpoint,
    })
}

/// Brings back the log if there is a key to go on with; returns the checkpoint, which is checked in any
/// case.
fn restore_log(
    store: &Store,
    log: &Log,
    key: Option<&Path>,
    new: &Path,
) -> anyhow::Result<Checkpoint> {
    let verifier = Verifier::parse(&log.verifier).context("the manifest's `verifier`")?;
    let checkpoint = Checkpoint::open(&log.checkpoint, &verifier)?;
    let key = match (key, &log.key_sha256) {
        (Some(path), _) => Some(
            std::fs::read_to_string(path)
                .with_context(|| format!("can't read {}", path.display()))?,
        ),
        (None, Some(sha256)) => {
            let Some(bytes) = store.get(KEY)? else {
                bail!("{KEY} is missing in {store}: give the key with --key");
            };
            if hex(&Sha256::digest(&bytes)) != *sha256 {
                bail!("{KEY} in {store} is not what was put there: give the key with --key");
            }
            Some(String::from_utf8(bytes.to_vec())?)
        }
        (None, None) => None,
    };
    if let Some(key) = key {
        transparency::install(new, &key, &log.checkpoint)?;
    }
    Ok(checkpoint)
}
