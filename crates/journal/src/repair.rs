//! Writing a journal anew from what a survey has found of it.
//!
//! The new journal is written beside the damaged one and takes its place once it is whole; the
//! damaged one is kept under another name. Records that are whole stay where they are in the
//! sequence, byte by byte. Of one that is not, its header's commitment proves what the payload was.
//! Where nothing is left of a record, an empty one says so, the chain resumes behind it, and a record
//! at the end, in the chain itself, says what the repair did: so [`verify`](crate::verify()) tells a
//! repair from a journal that somebody cut.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::declaration::{Declaration, Outcome, Repair};
use crate::files::{self, segment_path};
use crate::format::{
    self, Content, FORMAT_VERSION, GENESIS, Hash, Links, REPAIRED_VERSION, RecordHeader,
    SEGMENT_HEADER, SegmentHeader,
};
use crate::mark::{Mark, MarkFile};
use crate::open::lock_folder;
use crate::redact::{Intent, crc_of_zeros};
use crate::scan::read_full;
use crate::survey::{Lost, Piece, Span, Survey};
use crate::{Clock, Entry, Error};

/// The kind of the journal's own records.
const OWN: u8 = 0;
/// A segment with records that a repair or a restoration brings back is full at this size.
pub(crate) const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes that are copied at a time.
const PIECE: usize = 1024 * 1024;

/// A journal's folder that nobody else can open.
#[derive(Debug)]
pub struct Lock {
    dir: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes a folder, and completes a redaction that was interrupted.
    ///
    /// # Errors
    /// [`Error::Locked`] if a process has the journal open.
    pub fn take(dir: &Path) -> Result<Self, Error> {
        let file = lock_folder(dir)?;
        Intent::resume(dir).map_err(Error::io("finish a redaction in", dir))?;
        Ok(Self {
            dir: dir.to_owned(),
            _file: file,
        })
    }
}

/// A repair that was done.
#[derive(Debug)]
pub struct Done {
    /// What the journal says of it.
    pub repair: Repair,
    /// Where the damaged journal is now.
    pub set_aside: PathBuf,
}

/// Writes the journal anew and puts it in place of the damaged one.
///
/// `restored` are payloads by sequence; one that its record's commitment does not prove is not
/// taken. `appended` are records that bring back what is gone: they come at the end.
///
/// # Errors
/// [`Error::Io`]; the damaged journal is then where it was. [`Error::Damaged`] if the first header of
/// a journal that was trimmed is gone: what it says of the chain is nowhere else.
pub fn repair<S: std::hash::BuildHasher>(
    lock: Lock,
    survey: &Survey,
    restored: &HashMap<u64, Bytes, S>,
    appended: Vec<Entry>,
    clock: &Clock,
) -> Result<Done, Error> {
    // Held until the new journal is in its place.
    let Lock { dir, _file } = lock;
    let new = sibling(&dir, "repaired");
    match fs::remove_dir_all(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Error::io("remove", &new)(error));
        }
        _ => {}
    }
    fs::create_dir(&new).map_err(Error::io("create", &new))?;
    let Some(head) = survey.before else {
        return Err(Error::Damaged {
            segment: segment_path(&dir, survey.first),
            seq: survey.first,
            offset: 0,
            reason: "what it says of the chain before it can't be read, and is nowhere else",
        });
    };
    let time_us = clock();
    let mut out = Out {
        dir: new.clone(),
        links: Links::new(head),
        time_us: 0,
        previous: None,
        declaration: survey.absent.clone(),
    };
    for piece in &survey.pieces {
        out.piece(piece, restored, time_us)
            .map_err(Error::io("write", &new))?;
    }
    let (repair, next) = out
        .end(survey.next, appended, time_us)
        .map_err(Error::io("write", &new))?;
    let first = survey.first;
    MarkFile::open(&new)
        .and_then(|mut mark| mark.set(Mark { first, next }))
        .and_then(|()| files::sync_dir(&new))
        .map_err(Error::io("write the mark of", &new))?;
    let set_aside =
        swap(&dir, &new).map_err(Error::io("put the repaired journal in place of", &dir))?;
    Ok(Done { repair, set_aside })
}

fn sibling(dir: &Path, suffix: &str) -> PathBuf {
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    dir.with_file_name(format!("{name}.{suffix}"))
}

/// Puts the new folder in place of the old one, and returns where the old one is.
fn swap(dir: &Path, new: &Path) -> io::Result<PathBuf> {
    let aside = (1..u32::MAX)
        .map(|number| sibling(dir, &format!("damaged-{number}")))
        .find(|path| !path.exists())
        .unwrap_or_default();
    // At no moment is there no journal, where the file system can do that.
    if renameat_with(CWD, new, CWD, dir, RenameFlags::EXCHANGE).is_ok() {
        fs::rename(new, &aside)?;
    } else {
        fs::rename(dir, &aside)?;
        fs::rename(new, dir)?;
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    files::sync_dir(parent.unwrap_or(Path::new(".")))?;
    Ok(aside)
}

/// The journal that is being written.
pub(crate) struct Out {
    pub(crate) dir: PathBuf,
    pub(crate) links: Links,
    /// The time of the last record; 0 before the first.
    pub(crate) time_us: i64,
    /// First sequence and length of the last segment.
    pub(crate) previous: Option<(u64, u64)>,
    pub(crate) declaration: Declaration,
}

/// A segment that is being written.
pub(crate) struct Segment {
    file: BufWriter<File>,
    first: u64,
    pub(crate) at: u64,
}

impl Segment {
    pub(crate) fn put(&mut self, header: &RecordHeader, payload: &[u8]) -> io::Result<()> {
        let mut bytes = Vec::new();
        header.encode(&mut bytes);
        bytes.extend_from_slice(payload);
        self.at += bytes.len() as u64;
        self.file.write_all(&bytes)
    }
}

impl Out {
    /// The header of the next segment.
    pub(crate) fn header(&self, first: u64, version: u16, created_us: i64) -> SegmentHeader {
        let (previous_first, previous_bytes) = self.previous.unwrap_or((first, 0));
        SegmentHeader {
            version,
            first,
            created_us,
            previous_chain: self.links.head,
            previous_first,
            previous_bytes,
        }
    }

    pub(crate) fn begin(&self, header: &SegmentHeader) -> io::Result<Segment> {
        let file = File::create(segment_path(&self.dir, header.first))?;
        let mut file = BufWriter::with_capacity(PIECE, file);
        file.write_all(&header.encode())?;
        Ok(Segment {
            file,
            first: header.first,
            at: SEGMENT_HEADER,
        })
    }

    pub(crate) fn finish(&mut self, segment: Segment) -> io::Result<()> {
        let Segment { file, first, at } = segment;
        file.into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .sync_all()?;
        self.previous = Some((first, at));
        Ok(())
    }

    /// Writes a segment, or takes the file that there is if nothing of it changes.
    fn piece<S: std::hash::BuildHasher>(
        &mut self,
        piece: &Piece,
        restored: &HashMap<u64, Bytes, S>,
        now_us: i64,
    ) -> io::Result<()> {
        let payload = |header: &RecordHeader| payload_of(header, restored);
        let is_plain = piece.spans.iter().all(|span| match span {
            Span::Kept { .. } => true,
            Span::Lost(header) => payload(header).is_some(),
            Span::Gap { .. } => false,
        });
        let version = match piece.header {
            _ if !is_plain || self.links.resumes.is_some() => REPAIRED_VERSION,
            Some(header) => header.version,
            None if kept_as_written(piece) => FORMAT_VERSION,
            None => REPAIRED_VERSION,
        };
        let created_us = piece.header.map_or(now_us, |header| header.created_us);
        let mut header = self.header(piece.first, version, created_us);
        if let (None, Some(old)) = (self.previous, piece.header) {
            // The segment before was trimmed.
            (header.previous_first, header.previous_bytes) =
                (old.previous_first, old.previous_bytes);
        }
        if let [Span::Kept { from, to, last }] = piece.spans.as_slice()
            && (*from, *to) == (SEGMENT_HEADER, piece.length)
            && piece.header == Some(header)
        {
            let target = segment_path(&self.dir, piece.first);
            if fs::hard_link(&piece.path, &target).is_err() {
                fs::copy(&piece.path, &target)?;
                File::open(&target)?.sync_all()?;
            }
            self.after(last);
            self.previous = Some((piece.first, piece.length));
            return Ok(());
        }
        let mut segment = self.begin(&header)?;
        for span in &piece.spans {
            match span {
                Span::Kept { from, to, last } => {
                    copy(&piece.path, *from, *to, &mut segment)?;
                    self.after(last);
                }
                Span::Lost(header) => self.lost(header, payload(header), &mut segment)?,
                Span::Gap {
                    first,
                    last,
                    resumes,
                } => self.gap(*first, *last, *resumes, &mut segment)?,
            }
        }
        self.finish(segment)
    }

    fn after(&mut self, last: &RecordHeader) {
        self.links = Links::at(last);
        self.time_us = last.time_us;
    }

    /// Writes a record of which only the header is there, with its payload if that was found.
    fn lost(
        &mut self,
        header: &RecordHeader,
        payload: Option<Bytes>,
        segment: &mut Segment,
    ) -> io::Result<()> {
        let outcome = if let Some(payload) = payload {
            segment.put(header, &payload)?;
            Outcome::Restored
        } else {
            let header = RecordHeader {
                content: Content::Lost,
                payload_crc: crc_of_zeros(header.length),
                ..*header
            };
            segment.put(&header, &zeros(&header))?;
            Outcome::Lost
        };
        self.after(header);
        let seqs = header.seq..=header.seq;
        self.declaration.add(seqs, outcome, header.chain);
        Ok(())
    }

    /// Writes empty records in place of those that are gone.
    fn gap(
        &mut self,
        first: u64,
        last: u64,
        resumes: Option<Hash>,
        segment: &mut Segment,
    ) -> io::Result<()> {
        for seq in first..=last {
            let mut header = RecordHeader {
                payload_crc: 0,
                length: 0,
                seq,
                time_us: self.time_us,
                index: 0,
                kind: OWN,
                content: Content::Gap,
                salt: [0; 16],
                commitment: resumes.filter(|_| seq == last).unwrap_or(GENESIS),
                chain: GENESIS,
            };
            header.chain = self.links.next(&header);
            self.links = Links::at(&header);
            segment.put(&header, &[])?;
        }
        self.declaration
            .add(first..=last, Outcome::Gone, self.links.head);
        Ok(())
    }

    /// Writes what the repair says of itself, and what it brings back; returns the next sequence.
    fn end(mut self, seq: u64, appended: Vec<Entry>, now_us: i64) -> io::Result<(Repair, u64)> {
        self.declaration.appended = appended.len() as u64;
        let ranges = &mut self.declaration.ranges;
        ranges.sort_unstable_by_key(|range| range.repaired.first);
        let entry = Entry {
            kind: OWN,
            payload: self.declaration.encode().into(),
        };
        let header = self.header(seq, REPAIRED_VERSION, now_us);
        let mut segment = self.begin(&header)?;
        let record = self.append(&entry, Content::Repair, seq, now_us, &mut segment)?;
        let mut next = seq + 1;
        for entry in appended {
            if segment.at >= SEGMENT_BYTES {
                self.finish(segment)?;
                let header = self.header(next, FORMAT_VERSION, now_us);
                segment = self.begin(&header)?;
            }
            self.append(&entry, Content::Whole, next, now_us, &mut segment)?;
            next += 1;
        }
        self.finish(segment)?;
        Ok((self.declaration.report(&record), next))
    }

    fn append(
        &mut self,
        entry: &Entry,
        content: Content,
        seq: u64,
        time_us: i64,
        segment: &mut Segment,
    ) -> io::Result<RecordHeader> {
        let salt = rand::random();
        let mut header = RecordHeader {
            payload_crc: crc32c::crc32c(&entry.payload),
            length: u32::try_from(entry.payload.len()).map_err(io::Error::other)?,
            seq,
            time_us,
            index: 0,
            kind: entry.kind,
            content,
            salt,
            commitment: format::commitment(&salt, &entry.payload),
            chain: GENESIS,
        };
        header.chain = self.links.next(&header);
        self.after(&header);
        segment.put(&header, &entry.payload)?;
        Ok(header)
    }
}

/// Finds what a record's payload was: zeros if it had been erased before, or what was found of it.
fn payload_of<S: std::hash::BuildHasher>(
    header: &RecordHeader,
    restored: &HashMap<u64, Bytes, S>,
) -> Option<Bytes> {
    match header.content {
        Content::Redacted | Content::Lost | Content::Gap => Some(zeros(header)),
        Content::Whole | Content::Repair => {
            let payload = restored.get(&header.seq)?;
            Lost::of(*header).was(payload).then(|| payload.clone())
        }
    }
}

pub(crate) fn zeros(header: &RecordHeader) -> Bytes {
    vec![0; usize::try_from(header.length).unwrap_or_default()].into()
}

/// Whether a segment whose header is gone can be of the first version.
fn kept_as_written(piece: &Piece) -> bool {
    piece.spans.iter().all(|span| match span {
        Span::Kept { last, .. } => matches!(last.content, Content::Whole | Content::Redacted),
        Span::Lost(_) | Span::Gap { .. } => false,
    })
}

fn copy(path: &Path, from: u64, to: u64, segment: &mut Segment) -> io::Result<()> {
    let file = File::open(path)?;
    let mut at = from;
    let mut buffer = vec![0; PIECE];
    while at < to {
        let length = usize::try_from(to - at).unwrap_or(PIECE).min(PIECE);
        let piece = buffer.get_mut(..length).unwrap_or_default();
        if read_full(&file, piece, at)? < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        segment.file.write_all(piece)?;
        at += length as u64;
    }
    segment.at += to - from;
    Ok(())
}
