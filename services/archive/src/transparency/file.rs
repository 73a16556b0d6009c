//! The log's files, and what a proof's file has beside the proof.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use stoa_journal::Record;
use stoa_tlog::{Hash, InclusionProof};

use super::leaf::{self, Leaf};
use super::{Error, io};

/// What a proof has beside the proof: the entry, and the record if it was not erased.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Extra {
    /// The entry, base64.
    pub(super) leaf: String,
    /// The random bytes before the record in the commitment, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) salt: Option<String>,
    /// The record: the event as the archive has it, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) record: Option<String>,
}

/// Makes a proof of a record.
pub(super) fn proof(record: &Record, path: Vec<Hash>, note: String) -> InclusionProof {
    let has_words = !record.redacted;
    let extra = Extra {
        leaf: STANDARD.encode(leaf::of(record)),
        salt: has_words.then(|| STANDARD.encode(record.salt)),
        record: has_words.then(|| STANDARD.encode(&record.payload)),
    };
    InclusionProof {
        extra: serde_json::to_vec(&extra).ok(),
        index: record.seq,
        path,
        note,
    }
}

/// Reads what a proof has beside the proof, and checks that the entry is about the record.
pub(super) fn extra(proof: &InclusionProof) -> Result<(Leaf, Option<Vec<u8>>), stoa_tlog::Error> {
    let malformed = |reason: &str| stoa_tlog::Error::Malformed {
        what: "proof of a record",
        reason: reason.to_owned(),
    };
    let extra: Extra = proof
        .extra
        .as_ref()
        .and_then(|extra| serde_json::from_slice(extra).ok())
        .ok_or_else(|| malformed("its `extra` is not what Stoa writes"))?;
    let decode = |text: &str| STANDARD.decode(text).ok();
    let leaf = decode(&extra.leaf)
        .and_then(|bytes| Leaf::decode(&bytes))
        .ok_or_else(|| malformed("its `leaf` is no entry of an archive's log"))?;
    if leaf.seq != proof.index {
        return Err(malformed("its entry has another number"));
    }
    let (salt, record) = match (&extra.salt, &extra.record) {
        (None, None) => return Ok((leaf, None)),
        (Some(salt), Some(record)) => (salt, record),
        _ => return Err(malformed("its record needs its salt")),
    };
    let (salt, record) = decode(salt)
        .zip(decode(record))
        .ok_or_else(|| malformed("its salt or its record is not base64"))?;
    let commitment: Hash = Sha256::new()
        .chain_update(salt)
        .chain_update(&record)
        .finalize()
        .into();
    if commitment != leaf.commitment {
        return Err(malformed("its record is not the one that was logged"));
    }
    Ok((leaf, Some(record)))
}

/// Writes a file so that it is there as a whole, or as it was before.
pub(super) fn write_durably(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    let new = path.with_extension("new");
    let write = || {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(mode);
        let mut file = options.open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        path.parent()
            .map_or(Ok(()), |dir| File::open(dir)?.sync_all())
    };
    write().map_err(io("write", path))
}
