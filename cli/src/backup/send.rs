//! Making a backup: what is new is sent, then the manifest, then goes what is old.

use std::path::Path;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use stoa_archive::transparency::{self, Published};
use stoa_daemon::Clock;
use stoa_journal::Extent;
use stoa_tlog::Frontier;

use super::manifest::{FILE, FORMAT, KEY, Log, Manifest, SEGMENTS, Segment, object};
use super::{digest, store::Store};
use crate::archive::hex;
use crate::output;

/// How often a segment is read again that was redacted while it was sent.
const ATTEMPTS: u32 = 5;

/// What was sent.
pub(super) struct Sent {
    pub(super) manifest: Manifest,
    pub(super) segments: u64,
    pub(super) bytes: u64,
    pub(super) removed: u64,
}

/// Brings a backup up to date with an archive's folder.
pub(super) fn run(dir: &Path, store: &Store, with_key: bool) -> anyhow::Result<Sent> {
    let journal = dir.join("journal");
    let old = Manifest::find(store)?;
    // The log first: the journal is never behind it.
    let log = transparency::latest(dir)?;
    let bar = output::progress(0, "bytes");
    let report = stoa_journal::verify(&journal, &mut |progress| {
        bar.set_length(progress.total_bytes);
        bar.set_position(progress.bytes);
    })
    .context("the journal is not backed up, and the backup stays as it is")?;
    bar.set_position(0);
    let mut walk = Walk {
        journal: &journal,
        store,
        present: store.list(SEGMENTS)?,
        old: old.as_ref(),
        log: log.as_ref(),
        tree: Frontier::default(),
        head: [0; 32],
        sent: 0,
        bytes: 0,
    };
    if report.first > 0 {
        bail!(
            "the journal begins with record {}: its front is missing",
            report.first
        );
    }
    walk.not_less_than_there_is(report.next)?;
    let looked = report.extents.into_iter().map(|extent| {
        bar.inc(extent.bytes);
        Ok((extent, walk.look(extent)?))
    });
    // All of them first: of another archive, nothing is sent.
    let looked = looked.collect::<anyhow::Result<Vec<_>>>()?;
    bar.set_position(0);
    let mut segments = Vec::new();
    for (extent, segment) in looked {
        segments.push(walk.send(extent, segment)?);
        bar.inc(extent.bytes);
    }
    let signed = log.as_ref().map(|log| Log {
        verifier: log.verifier.to_string(),
        checkpoint: log.note.clone(),
        key_sha256: with_key.then(|| digest(Sha256::new_with_prefix(&log.key))),
    });
    if with_key && let Some(log) = &log {
        store.put(KEY, log.key.clone().into_bytes())?;
    }
    let manifest = Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: Timestamp::from_microsecond(Clock::system().micros())?,
        records: report.next,
        head: hex(&walk.head),
        root: hex(&walk.tree.root()),
        segments,
        log: signed,
    };
    let mut text = serde_json::to_vec_pretty(&manifest)?;
    text.push(b'\n');
    store.put(FILE, text)?;
    let mut removed = 0;
    for name in store.list(SEGMENTS)?.into_keys() {
        if !manifest
            .segments
            .iter()
            .any(|segment| segment.object == name)
        {
            store.remove(&name)?;
            removed += 1;
        }
    }
    if !with_key {
        store.remove(KEY)?;
    }
    bar.finish_and_clear();
    Ok(Sent {
        segments: walk.sent,
        bytes: walk.bytes,
        manifest,
        removed,
    })
}

/// The journal on its way.
struct Walk<'a> {
    journal: &'a Path,
    store: &'a Store,
    /// The objects that are in the place, with their lengths.
    present: std::collections::HashMap<String, u64>,
    old: Option<&'a Manifest>,
    log: Option<&'a Published>,
    tree: Frontier,
    head: [u8; 32],
    sent: u64,
    bytes: u64,
}

impl Walk<'_> {
    /// Refuses to replace a longer journal by a shorter one.
    fn not_less_than_there_is(&self, records: u64) -> anyhow::Result<()> {
        match self.old {
            Some(old) if old.records > records => bail!(
                "{} has {} records, and the journal only {records}: it is another archive's backup, or \
                 the journal has lost its end. Name another place with --to, or restore",
                self.store,
                old.records
            ),
            _ => Ok(()),
        }
    }

    /// Sends a segment unless it is there as it is.
    fn send(&mut self, extent: Extent, mut segment: Segment) -> anyhow::Result<Segment> {
        for _ in 0..ATTEMPTS {
            if self.present.get(&segment.object) == Some(&segment.bytes) {
                return Ok(segment);
            }
            let mut sending = self.store.send(&segment.object);
            let mut hash = Sha256::new();
            stoa_journal::copy(self.journal, extent, |bytes, _| {
                hash.update(bytes);
                sending.write(bytes)
            })?;
            let sha256 = digest(hash);
            if sha256 == segment.sha256 {
                sending.finish()?;
                self.sent += 1;
                self.bytes += segment.bytes;
                return Ok(segment);
            }
            // Something in it was redacted since it was looked at: it is another object now.
            segment.object = object(extent.first, &sha256);
            segment.sha256 = sha256;
        }
        bail!(
            "the segment that begins with record {} is redacted all the time: try again later",
            extent.first
        )
    }

    /// Hashes a segment, and checks what it leads to.
    fn look(&mut self, extent: Extent) -> anyhow::Result<Segment> {
        let mut hash = Sha256::new();
        stoa_journal::copy(self.journal, extent, |bytes, kept| {
            hash.update(bytes);
            let Some(kept) = kept else { return Ok(()) };
            self.tree.push(transparency::entry(kept));
            self.head = kept.chain;
            if let Some(old) = self.old
                && old.records == kept.seq + 1
                && old.head != hex(&kept.chain)
            {
                bail!(
                    "{} is the backup of another archive, or one of the first {} records was changed \
                     since. Name another place with --to",
                    self.store,
                    old.records
                );
            }
            if let Some(log) = self.log
                && log.checkpoint.size == self.tree.size()
                && log.checkpoint.root != self.tree.root()
            {
                bail!(
                    "the first {} records are not those that the archive signed: see `stoa archive \
                     verify`; the backup stays as it is",
                    log.checkpoint.size
                );
            }
            Ok(())
        })?;
        let sha256 = digest(hash);
        Ok(Segment {
            object: object(extent.first, &sha256),
            bytes: extent.bytes,
            sha256,
            first: extent.first,
            next: extent.next,
        })
    }
}
