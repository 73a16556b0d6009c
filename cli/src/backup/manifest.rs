//! What belongs to a backup.

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::digest;
use super::store::Store;

pub(super) const FILE: &str = "manifest.json";
pub(super) const SEGMENTS: &str = "segments";
pub(crate) const KEY: &str = "tlog.key";
/// The version of the manifest that this program reads and writes.
pub(super) const FORMAT: u32 = 1;

/// The backup's table of contents.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The version of the format.
    pub(crate) format: u32,
    /// The version of the program that made it.
    pub(crate) version: String,
    /// When it was made.
    pub(crate) made_at: Timestamp,
    /// How many records there are.
    pub(crate) records: u64,
    /// The chain hash of the last record.
    pub(crate) head: String,
    /// The root of their tree.
    pub(crate) root: String,
    /// The segments, in order.
    pub(crate) segments: Vec<Segment>,
    /// The transparency log, if something was signed.
    pub(crate) log: Option<Log>,
}

/// A segment of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Segment {
    /// The object.
    pub(crate) object: String,
    /// Its length.
    pub(crate) bytes: u64,
    /// Its hash.
    pub(crate) sha256: String,
    /// The sequence of its first record.
    pub(crate) first: u64,
    /// The sequence behind its last record.
    pub(crate) next: u64,
}

/// The archive's log, as it was when the backup was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Log {
    /// What its signatures are checked with.
    pub(crate) verifier: String,
    /// The latest checkpoint, as it was signed.
    pub(crate) checkpoint: String,
    /// The hash of the signing key's file, if that is in the backup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_sha256: Option<String>,
}

impl Manifest {
    /// Reads the manifest of a backup; `None` if there is none yet.
    pub(super) fn find(store: &Store) -> anyhow::Result<Option<Self>> {
        let Some(bytes) = store.get(FILE)? else {
            return Ok(None);
        };
        let read = || -> anyhow::Result<Self> {
            #[derive(Deserialize)]
            struct Version {
                format: u32,
            }
            let Version { format } = serde_json::from_slice(&bytes)?;
            if format != FORMAT {
                bail!(
                    "it has format {format}, and this program knows {FORMAT}: use the version that \
                     wrote it, or a newer one"
                );
            }
            let manifest: Self = serde_json::from_slice(&bytes)?;
            let mut next = 0;
            for segment in &manifest.segments {
                let is_hash = |byte: u8| byte.is_ascii_hexdigit();
                if segment.sha256.len() != 64 || !segment.sha256.bytes().all(is_hash) {
                    bail!("`sha256` of {} is no hash", segment.object);
                }
                if segment.first != next || segment.object != object(segment.first, &segment.sha256)
                {
                    bail!("{} does not follow record {next}", segment.object);
                }
                next = segment.next;
            }
            if next != manifest.records {
                bail!(
                    "its segments have {next} records, and it says {}",
                    manifest.records
                );
            }
            Ok(manifest)
        };
        read()
            .with_context(|| format!("{FILE} in {store} can't be read"))
            .map(Some)
    }

    /// Reads the manifest of a backup that must be there.
    pub(crate) fn fetch(store: &Store) -> anyhow::Result<Self> {
        match Self::find(store)? {
            Some(manifest) => Ok(manifest),
            None => bail!("there is no backup in {store}: it has no {FILE}"),
        }
    }

    /// Returns the bytes of all segments.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }
}

impl Segment {
    /// Reads the segment, and fails at its end if it is not what the manifest says.
    pub(crate) fn fetch(
        &self,
        store: &Store,
        visit: &mut dyn FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        let found = store.read(&self.object, &mut |piece| {
            hash.update(piece);
            bytes += piece.len() as u64;
            visit(piece)
        })?;
        if !found {
            bail!("{} is missing in {store}", self.object);
        }
        if bytes != self.bytes || digest(hash) != self.sha256 {
            bail!(
                "{} in {store} is not what was put there: it has {bytes} bytes where {} were written, \
                 or another hash",
                self.object,
                self.bytes
            );
        }
        Ok(())
    }
}

/// Returns the name of a segment's object: another one whenever its bytes are others.
pub(super) fn object(first: u64, sha256: &str) -> String {
    format!("{SEGMENTS}/{first:020}-{sha256}.seg")
}
