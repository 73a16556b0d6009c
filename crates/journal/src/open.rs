//! Opening a journal: what is whole, what was never finished, and what is damaged.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};

use tokio::sync::watch;

use crate::files::{self, Disk};
use crate::format::{
    BadSegment, FORMAT_VERSION, GENESIS, Hash, Links, REPAIRED_VERSION, SEGMENT_HEADER,
    SEGMENT_HEADER_LEN, SegmentHeader,
};
use crate::journal::Parts;
use crate::mark::{Mark, MarkFile};
use crate::redact::Intent;
use crate::scan::{Scanner, Step, later_write, read_full};
use crate::segments::{Segment, Segments, first_bad};
use crate::writer::Writer;
use crate::{Clock, Error, Journal, Options};

/// Offsets have 32 bits, and a single large append may come on top.
const MAX_SEGMENT_BYTES: u64 = 1024 * 1024 * 1024;
const LOCK_FILE: &str = "lock";

/// An open journal and what was found while opening.
#[derive(Debug)]
pub struct Opened {
    /// The journal.
    pub journal: Journal,
    /// What was found.
    pub report: OpenReport,
}

/// What was found while opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReport {
    /// The first sequence that is kept.
    pub first: u64,
    /// The sequence that the next record will have.
    pub next: u64,
    /// The end that was cut off, if a write had been interrupted.
    pub torn: Option<Torn>,
}

/// An interrupted write: nobody had been told that its records were kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The segment.
    pub segment: PathBuf,
    /// Where it was cut, in bytes.
    pub at: u64,
    /// How much was cut off.
    pub bytes: u64,
}

pub(crate) fn open(
    dir: &Path,
    options: Options,
    clock: Clock,
    disk: Arc<dyn Disk>,
) -> Result<Opened, Error> {
    fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
    let mut options = options;
    options.segment_bytes = options.segment_bytes.min(MAX_SEGMENT_BYTES);
    let lock = lock_folder(dir)?;
    Intent::resume(dir).map_err(Error::io("finish a redaction in", dir))?;
    let mut mark = MarkFile::open(dir).map_err(Error::io("open the mark of", dir))?;
    let found = Found::read(dir, mark.mark(), &clock)?;

    let next = found.next;
    let report = OpenReport {
        first: found.first(),
        next,
        torn: found.torn,
    };
    mark.set(Mark {
        first: report.first,
        next,
    })
    .map_err(Error::io("write the mark of", dir))?;
    let mark = Arc::new(Mutex::new(mark));
    let sink = disk
        .open(&found.last.path, found.at)
        .map_err(Error::io("open", &found.last.path))?;
    let segments = Arc::new(Segments::new(found.list, next));
    let (durable, durable_end) = watch::channel(next);
    let (commands, receiver) = mpsc::channel();
    let writer = Writer {
        dir: dir.to_owned(),
        options: options.clone(),
        clock,
        disk,
        segments: Arc::clone(&segments),
        mark: Arc::clone(&mark),
        durable,
        segment: found.last,
        sink,
        at: found.at,
        next,
        chain: found.chain,
        buffer: Vec::new(),
        poison: None,
        _lock: lock,
    };
    let writer = std::thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || writer.run(&receiver))
        .map_err(Error::io("start the writer of", dir))?;
    let parts = Parts {
        segments,
        durable: durable_end,
        commands,
        mark,
        writer,
    };
    Ok(Opened {
        journal: Journal::from_parts(dir, options, parts),
        report,
    })
}

pub(crate) fn lock_folder(dir: &Path) -> Result<File, Error> {
    let path = dir.join(LOCK_FILE);
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(Error::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked {
            path: dir.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(Error::io("lock", &path)(error)),
    }
}

/// The segments of a folder, checked.
struct Found {
    list: Vec<Arc<Segment>>,
    last: Arc<Segment>,
    /// Where the last segment's records end.
    at: u64,
    next: u64,
    chain: Hash,
    torn: Option<Torn>,
}

impl Found {
    fn first(&self) -> u64 {
        self.list
            .first()
            .map_or(self.last.first, |segment| segment.first)
    }

    fn read(dir: &Path, mark: Mark, clock: &Clock) -> Result<Found, Error> {
        let mut names = files::list_segments(dir).map_err(Error::io("list", dir))?;
        finish_trim(dir, mark, &mut names)?;
        drop_unfinished(dir, mark, &mut names)?;
        if names.is_empty() {
            if mark.next > 0 {
                return Err(missing(dir, mark.first));
            }
            create_first(dir, clock)?;
            names.push((0, files::segment_path(dir, 0)));
        }
        let mut segments = Vec::with_capacity(names.len());
        let mut previous: Option<Arc<Segment>> = None;
        let mut last_chain = GENESIS;
        for (first, path) in &names {
            let header = read_header(path, *first)?;
            match &previous {
                None if *first > mark.first => return Err(missing(dir, mark.first)),
                None => {}
                Some(previous) => follows(dir, previous, &header)?,
            }
            let length = fs::metadata(path).map_err(Error::io("read", path))?.len();
            let segment = Arc::new(Segment::new(dir, *first, length));
            segments.push(Arc::clone(&segment));
            previous = Some(segment);
            last_chain = header.previous_chain;
        }
        let last = previous.ok_or_else(|| missing(dir, mark.first))?;
        let (at, next, chain, torn) = read_last(&last, last_chain, mark)?;
        last.set_end(at);
        Ok(Found {
            list: segments,
            last,
            at,
            next,
            chain,
            torn,
        })
    }
}

/// Removes what a trim had decided to remove when it was interrupted.
fn finish_trim(dir: &Path, mark: Mark, names: &mut Vec<(u64, PathBuf)>) -> Result<(), Error> {
    let kept = names.iter().any(|(first, _)| *first == mark.first);
    while let Some((first, path)) = names.first()
        && kept
        && *first < mark.first
    {
        fs::remove_file(path).map_err(Error::io("remove", path))?;
        files::sync_dir(dir).map_err(Error::io("sync", dir))?;
        names.remove(0);
    }
    Ok(())
}

/// Removes a last segment whose header was not finished, and that held nothing yet.
fn drop_unfinished(dir: &Path, mark: Mark, names: &mut Vec<(u64, PathBuf)>) -> Result<(), Error> {
    let Some((first, path)) = names.last() else {
        return Ok(());
    };
    let length = fs::metadata(path).map_err(Error::io("read", path))?.len();
    let is_only = names.len() == 1 && *first > 0;
    if length > SEGMENT_HEADER || mark.next > *first || is_only {
        return Ok(());
    }
    if matches!(header_of(path)?, Err(BadSegment::Damaged(_))) {
        fs::remove_file(path).map_err(Error::io("remove", path))?;
        files::sync_dir(dir).map_err(Error::io("sync", dir))?;
        names.pop();
    }
    Ok(())
}

fn create_first(dir: &Path, clock: &Clock) -> Result<(), Error> {
    let header = SegmentHeader {
        version: FORMAT_VERSION,
        first: 0,
        created_us: clock(),
        previous_chain: GENESIS,
        previous_first: 0,
        previous_bytes: 0,
    };
    let path = files::segment_path(dir, 0);
    files::create_synced(&path, &header.encode()).map_err(Error::io("create", &path))?;
    // The folder itself may be new as well.
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent
        .map_or(Ok(()), files::sync_dir)
        .map_err(Error::io("sync the parent of", dir))
}

pub(crate) fn header_of(path: &Path) -> Result<Result<SegmentHeader, BadSegment>, Error> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let mut bytes = [0; SEGMENT_HEADER_LEN];
    let read = read_full(&file, &mut bytes, 0).map_err(Error::io("read", path))?;
    Ok(SegmentHeader::decode(bytes.get(..read).unwrap_or_default()))
}

/// Reads a segment's header and holds it against the file's name.
pub(crate) fn read_header(path: &Path, first: u64) -> Result<SegmentHeader, Error> {
    let damaged = |reason| Error::Damaged {
        segment: path.to_owned(),
        seq: first,
        offset: 0,
        reason,
    };
    match header_of(path)? {
        Ok(header) if header.first == first => Ok(header),
        Ok(_) => Err(damaged("the file's name and its header do not agree")),
        Err(BadSegment::Damaged(reason)) => Err(damaged(reason)),
        Err(BadSegment::Version(found)) => {
            let (segment, supported) = (path.to_owned(), REPAIRED_VERSION);
            Err(Error::FormatVersion {
                segment,
                found,
                supported,
            })
        }
    }
}

/// The error for a segment that is not there.
pub(crate) fn missing(dir: &Path, first: u64) -> Error {
    let segment = files::segment_path(dir, first);
    Error::Damaged {
        segment,
        seq: first,
        offset: 0,
        reason: "the segment is missing",
    }
}

/// Checks that a full segment has the name and the length that its successor remembers.
fn follows(dir: &Path, previous: &Segment, header: &SegmentHeader) -> Result<(), Error> {
    if header.previous_first != previous.first {
        return Err(missing(dir, header.previous_first));
    }
    if header.previous_bytes == previous.end() {
        return Ok(());
    }
    // Its length is wrong; a walk from the front tells which record is the first to suffer.
    let file = File::open(&previous.path).map_err(Error::io("open", &previous.path))?;
    let mut scanner = Scanner::new(Arc::new(file), SEGMENT_HEADER, previous.end());
    let (seq, offset) =
        first_bad(&mut scanner, previous.first).map_err(Error::io("read", &previous.path))?;
    Err(previous.damaged(
        seq,
        offset,
        "the segment does not have the length that it had when full",
    ))
}

/// Reads every record of the last segment and cuts off an interrupted write.
fn read_last(
    last: &Segment,
    previous_chain: Hash,
    mark: Mark,
) -> Result<(u64, u64, Hash, Option<Torn>), Error> {
    let path = &last.path;
    let length = last.end();
    let file = Arc::new(File::open(path).map_err(Error::io("open", path))?);
    let mut scanner = Scanner::new(Arc::clone(&file), SEGMENT_HEADER, length);
    let (mut seq, mut links) = (last.first, Links::new(previous_chain));
    let (at, reason) = loop {
        match scanner.next(seq).map_err(Error::io("read", path))? {
            Step::Record { offset, header, .. } => {
                if !links.follow(&header) {
                    return Err(last.damaged(seq, offset, "the chain is broken"));
                }
                seq += 1;
            }
            Step::End => break (length, "the records behind it are missing"),
            Step::Bad { offset, reason } => {
                let later = later_write(&file, offset, length, seq);
                if later.map_err(Error::io("read", path))? {
                    return Err(last.damaged(seq, offset, reason));
                }
                break (offset, reason);
            }
        }
    };
    if seq < mark.next || links.resumes.is_some() {
        return Err(last.damaged(seq, at, reason));
    }
    if at == length {
        return Ok((at, seq, links.head, None));
    }
    let file = OpenOptions::new()
        .write(true)
        .open(path)
        .map_err(Error::io("open", path))?;
    file.set_len(at)
        .and_then(|()| file.sync_all())
        .map_err(Error::io("cut", path))?;
    let torn = Torn {
        segment: path.clone(),
        at,
        bytes: length - at,
    };
    Ok((at, seq, links.head, Some(torn)))
}
