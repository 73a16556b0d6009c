//! The log by its files alone: for the command line, whether or not the archive runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use stoa_journal::{Reader, Record};
use stoa_proto::{Data, Event, Kind, Reference, Time};
use stoa_tlog::{
    Checkpoint, ConsistencyProof, Frontier, Hash, InclusionProof, Signer, Tree, Verifier,
};

use super::{Error, FOLDER, Signed, file, hash, io, read_checkpoint};
use crate::record;

/// What a proof proves.
#[derive(Clone, Debug)]
pub struct Proven {
    /// The checkpoint that has the record.
    pub checkpoint: Checkpoint,
    /// The record's number.
    pub seq: u64,
    /// When it was archived.
    pub archived_at: Time,
    /// The type of its event, if this version knows it.
    pub kind: Option<Kind>,
    /// The event; none if its words were erased before the proof was made.
    pub event: Option<Event>,
}

/// What was found to be as it was signed.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The latest checkpoint.
    pub checkpoint: Checkpoint,
    /// Checkpoints whose records are those of the journal, the latest among them.
    pub checkpoints: u64,
}

/// Returns what others check the signatures of an archive's log with.
///
/// # Errors
/// [`Error::Io`] if there is no log.
pub fn verifier(data_dir: &Path) -> Result<Verifier, Error> {
    let path = data_dir.join(FOLDER).join("key");
    let text = std::fs::read_to_string(&path).map_err(io("read", &path))?;
    Ok(Signer::parse(&text)?.verifier())
}

/// What a log has handed out, and what others check it with.
#[derive(Clone, Debug)]
pub struct Published {
    /// What others check the log's signatures with.
    pub verifier: Verifier,
    /// The latest checkpoint.
    pub checkpoint: Checkpoint,
    /// The same, as it was signed.
    pub note: String,
    /// The signing key, as its file has it.
    pub key: String,
}

/// Returns the latest checkpoint of an archive's log; `None` if there is no log, or nothing was signed
/// yet.
///
/// # Errors
/// [`Error::Io`] and [`Error::Log`] if the log's files can't be read.
pub fn latest(data_dir: &Path) -> Result<Option<Published>, Error> {
    let path = data_dir.join(FOLDER).join("key");
    if !path.exists() {
        return Ok(None);
    }
    let key = std::fs::read_to_string(&path).map_err(io("read", &path))?;
    let verifier = Signer::parse(&key)?.verifier();
    let latest = read_checkpoint(&data_dir.join(FOLDER), &verifier)?;
    Ok(latest.map(|Signed { checkpoint, note }| Published {
        verifier,
        checkpoint,
        note,
        key,
    }))
}

/// Gives an archive that was restored its log: the signing key, and the latest checkpoint, which must
/// be by that key. The tiles are made again from the journal.
///
/// # Errors
/// [`Error::Log`] if the checkpoint is by another key; [`Error::Io`].
pub fn install(data_dir: &Path, key: &str, note: &str) -> Result<(), Error> {
    Checkpoint::open(note, &Signer::parse(key)?.verifier())?;
    let dir = data_dir.join(FOLDER);
    std::fs::create_dir_all(&dir).map_err(io("make the folder", &dir))?;
    file::write_durably(&dir.join("key"), key, 0o600)?;
    file::write_durably(&dir.join("checkpoint"), note, 0o644)
}

fn signed(data_dir: &Path) -> Result<Option<Signed>, Error> {
    let dir = data_dir.join(FOLDER);
    read_checkpoint(&dir, &verifier(data_dir)?)
}

/// Proves that a comment is in the latest checkpoint: its latest revision, or the one that is named.
/// `None` if the log does not have it, or its words were erased.
///
/// `progress` is given the bytes of the journal that are read and those that there are. It blocks.
///
/// # Errors
/// Those of the log's files and of the journal.
pub fn prove(
    data_dir: &Path,
    site: &str,
    comment: &str,
    revision: Option<u32>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Option<InclusionProof>, Error> {
    let Some(latest) = signed(data_dir)? else {
        return Ok(None);
    };
    let total = latest.checkpoint.size;
    let mut tree = open_tree(data_dir, total)?;
    let mut found: Option<(u32, Record)> = None;
    each_record(data_dir, progress, &mut |record| {
        if record.seq >= tree.size() && record.seq < total {
            tree.append(hash(record))?;
        }
        let is_content = [Kind::CommentSubmitted, Kind::CommentEdited]
            .iter()
            .any(|kind| record::byte(*kind) == record.kind);
        if is_content && record.seq < total && !record.redacted {
            let event = Event::from_json(&record.payload).ok();
            let captured = event
                .as_ref()
                .map(Reference::of)
                .filter(|event| event.site == site && event.comment.as_deref() == Some(comment))
                .map(|event| event.revision.unwrap_or_default());
            if let Some(captured) = captured
                && revision.is_none_or(|wanted| wanted == captured)
                && found.as_ref().is_none_or(|(known, _)| *known <= captured)
            {
                found = Some((captured, record.clone()));
            }
        }
        Ok(())
    })?;
    let Some((_, record)) = found else {
        return Ok(None);
    };
    let path = stoa_tlog::inclusion(&tree.reading(), record.seq, total)?;
    Ok(Some(file::proof(&record, path, latest.note)))
}

/// Proves that the latest checkpoint begins with the first `old` records; `None` if it has fewer.
/// It blocks.
///
/// # Errors
/// Those of the log's files and of the journal.
pub fn consistency(
    data_dir: &Path,
    old: u64,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Option<ConsistencyProof>, Error> {
    let Some(latest) = signed(data_dir)?.filter(|latest| old <= latest.checkpoint.size) else {
        return Ok(None);
    };
    let size = latest.checkpoint.size;
    let mut tree = open_tree(data_dir, size)?;
    each_record(data_dir, progress, &mut |record| {
        if record.seq >= tree.size() && record.seq < size {
            tree.append(hash(record))?;
        }
        Ok(())
    })?;
    let path = stoa_tlog::consistency(&tree.reading(), old, size)?;
    let note = latest.note;
    Ok(Some(ConsistencyProof { old, path, note }))
}

/// Checks a proof with nothing but the log's verifier key.
///
/// # Errors
/// [`Error::Log`], which says what does not hold.
pub fn read_proof(text: &str, verifier: &Verifier) -> Result<Proven, Error> {
    let proof = InclusionProof::parse(text)?;
    let (leaf, payload) = file::extra(&proof)?;
    let checkpoint = proof.verify(&stoa_tlog::leaf(&leaf.encode()), verifier)?;
    let event = payload
        .map(|payload| Event::from_json(&payload))
        .transpose();
    let event = event.map_err(|rejection| stoa_tlog::Error::Malformed {
        what: "proof of a record",
        reason: format!("its record is no event: {rejection}"),
    })?;
    Ok(Proven {
        checkpoint,
        seq: leaf.seq,
        archived_at: Time::from_micros(leaf.time_us),
        kind: record::kind(leaf.kind),
        event,
    })
}

/// Checks that the journal leads to every checkpoint that was signed: the latest, and those that were
/// archived themselves. `None` if there is no log, or nothing was signed yet. It blocks, and reads the
/// journal twice.
///
/// # Errors
/// [`Error::Inconsistent`] names the smallest checkpoint to which it does not lead.
pub fn verify(
    data_dir: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Option<Verified>, Error> {
    if !data_dir.join(FOLDER).join("key").exists() {
        return Ok(None);
    }
    let verifier = verifier(data_dir)?;
    let Some(latest) = signed(data_dir)? else {
        return Ok(None);
    };
    let mut roots: BTreeMap<u64, Hash> = BTreeMap::new();
    let own = record::byte(Kind::CheckpointPublished);
    each_record(data_dir, progress, &mut |record| {
        if record.kind == own
            && !record.redacted
            && let Ok(event) = Event::from_json(&record.payload)
            && let Data::CheckpointPublished(published) = event.data
            && published.origin == verifier.name()
            // A log that ended may have had the same name, and another key.
            && let Ok(checkpoint) = Checkpoint::open(&published.note, &verifier)
        {
            roots.insert(checkpoint.size, checkpoint.root);
        }
        Ok(())
    })?;
    roots.insert(latest.checkpoint.size, latest.checkpoint.root);
    let mut frontier = Frontier::default();
    let mut wrong = None;
    each_record(data_dir, progress, &mut |record| {
        frontier.push(hash(record));
        let size = frontier.size();
        if wrong.is_none()
            && roots
                .get(&size)
                .is_some_and(|root| *root != frontier.root())
        {
            wrong = Some(size);
        }
        Ok(())
    })?;
    if let Some(size) = wrong {
        return Err(Error::Inconsistent { size });
    }
    if frontier.size() < latest.checkpoint.size {
        return Err(Error::Shortened {
            records: frontier.size(),
            signed: latest.checkpoint.size,
        });
    }
    Ok(Some(Verified {
        checkpoint: latest.checkpoint,
        checkpoints: roots.len() as u64,
    }))
}

/// Ends a log whose journal was repaired so that it no longer leads to what was signed: its folder is
/// set aside with its key, and the next start begins another log. Returns where it is now.
///
/// # Errors
/// Those of reading log and journal, and if the folder can't be renamed.
pub fn end_if_broken(
    data_dir: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Option<PathBuf>, Error> {
    match verify(data_dir, progress) {
        Ok(_) => return Ok(None),
        Err(Error::Inconsistent { .. } | Error::Shortened { .. }) => {}
        Err(error) => return Err(error),
    }
    let size = signed(data_dir)?.map_or(0, |signed| signed.checkpoint.size);
    let (from, to) = (
        data_dir.join(FOLDER),
        data_dir.join(format!("{FOLDER}.ended-{size}")),
    );
    std::fs::rename(&from, &to).map_err(|source| Error::Io {
        action: "set aside",
        path: from,
        source,
    })?;
    Ok(Some(to))
}

/// Opens the tree of a checkpoint; the records behind its last full tile are to be added, which writes
/// no tile.
fn open_tree(data_dir: &Path, size: u64) -> Result<Tree, Error> {
    Ok(Tree::open(&data_dir.join(FOLDER).join("tile"), size)?)
}

fn each_record(
    data_dir: &Path,
    progress: &mut dyn FnMut(u64, u64),
    visit: &mut dyn FnMut(&Record) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut records = Reader::open(&data_dir.join("journal"))?;
    while let Some(record) = records.next() {
        visit(&record?)?;
        progress(records.bytes(), records.total_bytes());
    }
    Ok(())
}
