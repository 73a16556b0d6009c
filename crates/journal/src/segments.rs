//! The segments of an open journal, as readers see them.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bytes::Bytes;

use crate::format::{Content, RECORD_HEADER, RECORD_HEADER_LEN, RecordHeader, SEGMENT_HEADER};
use crate::journal::{Position, Record};
use crate::scan::{Scanner, Step, read_full};
use crate::{Error, files};

/// How many segments stay open for reading.
const OPEN_FILES: usize = 64;
/// One record of so many has its place remembered.
const INDEX_STEP: u64 = 64;
/// What a read asks for at first; most records fit, so most reads are one system call.
const FIRST_READ: usize = 2048;

/// One segment.
pub(crate) struct Segment {
    pub(crate) first: u64,
    pub(crate) path: PathBuf,
    /// How many bytes of it are durable.
    end: AtomicU64,
    /// The places of `first`, `first + INDEX_STEP`, … as far as they are known.
    index: Mutex<Vec<u32>>,
}

impl Segment {
    pub(crate) fn new(dir: &Path, first: u64, end: u64) -> Segment {
        Segment {
            first,
            path: files::segment_path(dir, first),
            end: AtomicU64::new(end),
            index: Mutex::default(),
        }
    }

    pub(crate) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    pub(crate) fn set_end(&self, end: u64) {
        self.end.store(end, Ordering::Release);
    }

    pub(crate) fn damaged(&self, seq: u64, offset: u64, reason: &'static str) -> Error {
        Error::Damaged {
            segment: self.path.clone(),
            seq,
            offset,
            reason,
        }
    }
}

/// All segments, the handles of some, and the durable end.
pub(crate) struct Segments {
    list: RwLock<Vec<Arc<Segment>>>,
    open: Mutex<VecDeque<(u64, Arc<File>)>>,
    /// The sequence that the next durable record will have.
    next: AtomicU64,
    /// Held while a record is being overwritten.
    pub(crate) redacting: Mutex<()>,
}

impl Segments {
    pub(crate) fn new(list: Vec<Arc<Segment>>, next: u64) -> Segments {
        Segments {
            list: RwLock::new(list),
            open: Mutex::default(),
            next: AtomicU64::new(next),
            redacting: Mutex::default(),
        }
    }

    pub(crate) fn next(&self) -> u64 {
        self.next.load(Ordering::Acquire)
    }

    /// Lets readers see everything before `next`; the segment's end was moved before.
    pub(crate) fn set_next(&self, next: u64) {
        self.next.store(next, Ordering::Release);
    }

    pub(crate) fn first(&self) -> u64 {
        self.read_list().first().map_or(0, |segment| segment.first)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.read_list().iter().map(|segment| segment.end()).sum()
    }

    pub(crate) fn push(&self, segment: Arc<Segment>) {
        self.list
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(segment);
    }

    /// The segment that holds `seq`; the first one if `seq` was trimmed.
    pub(crate) fn find(&self, seq: u64) -> Option<Arc<Segment>> {
        let list = self.read_list();
        let after = list.partition_point(|segment| segment.first <= seq);
        list.get(after.saturating_sub(1)).cloned()
    }

    /// The segments that only have records before `before`; never the last one.
    pub(crate) fn wholly_before(&self, before: u64) -> Vec<Arc<Segment>> {
        let list = self.read_list();
        let seconds = list.iter().skip(1);
        let pairs = list.iter().zip(seconds);
        pairs
            .take_while(|(_, second)| second.first <= before)
            .map(|(segment, _)| Arc::clone(segment))
            .collect()
    }

    /// The first sequence of the segment that follows the one that starts at `first`.
    pub(crate) fn held_after(&self, first: u64) -> u64 {
        let list = self.read_list();
        let after = list.partition_point(|segment| segment.first <= first);
        list.get(after).map_or(first, |segment| segment.first)
    }

    /// Forgets the segment; its file may be removed afterwards.
    pub(crate) fn remove(&self, first: u64) {
        self.list
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|segment| segment.first != first);
        lock(&self.open).retain(|(open, _)| *open != first);
    }

    /// Opens the segment for reading, or gives the handle that is open already.
    pub(crate) fn file(&self, segment: &Segment) -> Result<Arc<File>, Error> {
        let mut open = lock(&self.open);
        if let Some(place) = open.iter().position(|(first, _)| *first == segment.first) {
            // The one that was used last is looked at first.
            if let Some(entry) = open.remove(place) {
                let file = Arc::clone(&entry.1);
                open.push_front(entry);
                return Ok(file);
            }
        }
        let file = match File::open(&segment.path) {
            Ok(file) => Arc::new(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.is_trimmed(segment) => {
                return Err(Error::Trimmed {
                    seq: segment.first,
                    first: self.first(),
                });
            }
            Err(error) => return Err(Error::io("open", &segment.path)(error)),
        };
        open.truncate(OPEN_FILES - 1);
        open.push_front((segment.first, Arc::clone(&file)));
        Ok(file)
    }

    /// Reads one record, which must be `position.seq`.
    pub(crate) fn read(&self, position: Position) -> Result<Record, Error> {
        let segment = self.held(position.seq)?;
        let read = self.read_once(&segment, position);
        if !matches!(read, Err(Error::Damaged { .. })) {
            return read;
        }
        // The record may have been read while it was being redacted.
        let _guard = lock(&self.redacting);
        self.read_once(&segment, position)
    }

    fn read_once(&self, segment: &Segment, position: Position) -> Result<Record, Error> {
        let Position { seq, offset } = position;
        let offset = u64::from(offset);
        let damaged = |reason| segment.damaged(seq, offset, reason);
        let file = self.file(segment)?;
        let mut buffer = vec![0; FIRST_READ];
        let io = |error| Error::io("read", &segment.path)(error);
        let read = read_full(&file, &mut buffer, offset).map_err(io)?;
        buffer.truncate(read);
        let header = RecordHeader::decode(&buffer).map_err(damaged)?;
        if header.seq != seq {
            return Err(damaged("the record has another number"));
        }
        if offset + header.bytes() > segment.end() {
            return Err(damaged("the record is cut short"));
        }
        let total = usize::try_from(header.bytes()).unwrap_or(usize::MAX);
        if total > read {
            buffer.resize(total, 0);
            let rest = buffer.get_mut(read..).unwrap_or_default();
            read_full(&file, rest, offset + read as u64).map_err(io)?;
        }
        buffer.truncate(total);
        let payload = Bytes::from(buffer).split_off(RECORD_HEADER_LEN);
        if crc32c::crc32c(&payload) != header.payload_crc {
            return Err(damaged("the payload's checksum is wrong"));
        }
        Ok(record(&header, position, payload))
    }

    /// Finds where `seq` is, by hops over record headers from the nearest known place.
    pub(crate) fn locate(&self, seq: u64) -> Result<Position, Error> {
        let segment = self.held(seq)?;
        let file = self.file(&segment)?;
        let mut index = lock(&segment.index);
        if index.is_empty() {
            index.push(u32::try_from(SEGMENT_HEADER).unwrap_or_default());
        }
        let wanted = usize::try_from((seq - segment.first) / INDEX_STEP).unwrap_or(usize::MAX);
        let known = wanted.min(index.len() - 1);
        let mut offset = index.get(known).copied().unwrap_or_default();
        let mut at = segment.first + known as u64 * INDEX_STEP;
        while at < seq {
            let mut header = [0; RECORD_HEADER_LEN];
            let read = read_full(&file, &mut header, u64::from(offset))
                .map_err(Error::io("read", &segment.path))?;
            let damaged = |reason| segment.damaged(at, u64::from(offset), reason);
            let header = RecordHeader::decode(header.get(..read).unwrap_or_default());
            let header = header.map_err(damaged)?;
            if header.seq != at {
                return Err(damaged("the record has another number"));
            }
            let next = u64::from(offset) + header.bytes();
            if next + RECORD_HEADER > segment.end() {
                return Err(damaged("the records behind it are missing"));
            }
            offset = u32::try_from(next).map_err(|_| damaged("the segment is too long"))?;
            at += 1;
            let step = (at - segment.first) / INDEX_STEP;
            if (at - segment.first).is_multiple_of(INDEX_STEP) && step == index.len() as u64 {
                index.push(offset);
            }
        }
        Ok(Position { seq, offset })
    }

    /// Starts to read the segment that holds `seq`, at `seq`.
    pub(crate) fn scan(&self, seq: u64) -> Result<(Arc<Segment>, Scanner), Error> {
        let position = self.locate(seq)?;
        let segment = self.held(seq)?;
        let file = self.file(&segment)?;
        let scanner = Scanner::new(file, u64::from(position.offset), segment.end());
        Ok((segment, scanner))
    }

    /// The segment that holds the durable record `seq`.
    pub(crate) fn held(&self, seq: u64) -> Result<Arc<Segment>, Error> {
        let next = self.next();
        if seq >= next {
            return Err(Error::NotWritten { seq, next });
        }
        match self.find(seq) {
            Some(segment) if segment.first <= seq => Ok(segment),
            _ => Err(Error::Trimmed {
                seq,
                first: self.first(),
            }),
        }
    }

    fn is_trimmed(&self, segment: &Segment) -> bool {
        segment.first < self.first()
    }

    fn read_list(&self) -> std::sync::RwLockReadGuard<'_, Vec<Arc<Segment>>> {
        self.list.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Builds what callers get; without its content, a record has an empty payload.
pub(crate) fn record(header: &RecordHeader, position: Position, payload: Bytes) -> Record {
    let redacted = header.content != Content::Whole;
    Record {
        seq: header.seq,
        time_us: header.time_us,
        kind: header.kind,
        length: header.length,
        payload: if redacted { Bytes::new() } else { payload },
        position,
        redacted,
        salt: header.salt,
        commitment: header.commitment,
    }
}

/// Walks a segment from its first record and tells where it stops being right.
pub(crate) fn first_bad(scanner: &mut Scanner, mut seq: u64) -> io::Result<(u64, u64)> {
    loop {
        match scanner.next(seq)? {
            Step::Record { .. } => seq += 1,
            Step::End => return Ok((seq, scanner.offset())),
            Step::Bad { offset, .. } => return Ok((seq, offset)),
        }
    }
}

/// Locks; what the lock guards is right at every moment, so a panic elsewhere changes nothing.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
