//! The open journal.

use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use bytes::Bytes;
use tokio::sync::{Semaphore, oneshot, watch};

use crate::check::Verified;
use crate::files::{self, RealDisk};
use crate::format::{RECORD_HEADER, SEGMENT_HEADER};
use crate::iter::Iter;
use crate::mark::{Mark, MarkFile};
use crate::segments::{Segments, lock};
use crate::writer::{Command, Prepared, Request};
use crate::{Error, Opened, open};

/// Gives the time of new records in microseconds since 1970.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How many bytes may wait to be written before appends wait with them.
const WAITING_BYTES: u32 = 64 * 1024 * 1024;
/// A position's offset has 32 bits; a write that starts a segment must stay well below that.
const MAX_APPEND_BYTES: u64 = 1024 * 1024 * 1024;

/// How a journal is written.
#[derive(Debug, Clone)]
pub struct Options {
    /// The size at which a segment is full, up to 1 GiB.
    /// Larger ones make fewer files, and slower opening and coarser trimming.
    pub segment_bytes: u64,
    /// The largest payload that [`Journal::append`] takes.
    pub max_record_bytes: u32,
    /// The bytes of disk that are left free: an append that would take more is refused.
    pub reserve_bytes: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            segment_bytes: 64 * 1024 * 1024,
            max_record_bytes: 16 * 1024 * 1024,
            reserve_bytes: 0,
        }
    }
}

/// A record to append.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What the payload is; the journal keeps it and gives it no meaning.
    pub kind: u8,
    /// The content.
    pub payload: Bytes,
}

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The record's sequence number; the first record of a journal has 0.
    pub seq: u64,
    /// Where it starts in its segment, in bytes.
    pub offset: u32,
}

/// A record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The sequence number.
    pub seq: u64,
    /// When it was appended, in microseconds since 1970.
    pub time_us: i64,
    /// What the payload is.
    pub kind: u8,
    /// The length of the payload when it was written.
    pub length: u32,
    /// The content; empty if it is not there.
    pub payload: Bytes,
    /// Where it is.
    pub position: Position,
    /// Whether there is no payload any more: it was erased, or was lost to damage, or the record is
    /// the journal's own, written by a repair.
    pub redacted: bool,
    /// The random bytes before the payload in the commitment; zeros if the payload was erased.
    pub salt: [u8; 16],
    /// SHA-256 of salt and payload, as it was when the record was written.
    pub commitment: [u8; 32],
}

/// An open journal; clones share it.
///
/// When the last clone is dropped, what was sent is written, and the folder is free again.
#[derive(Clone)]
pub struct Journal {
    pub(crate) shared: Arc<Shared>,
}

/// What all clones share.
pub(crate) struct Shared {
    segments: Arc<Segments>,
    durable: watch::Receiver<u64>,
    commands: Mutex<Option<mpsc::Sender<Command>>>,
    waiting: Arc<Semaphore>,
    mark: Arc<Mutex<MarkFile>>,
    dir: Box<Path>,
    options: Options,
    writer: Mutex<Option<JoinHandle<()>>>,
    pub(crate) verified: Arc<Verified>,
}

/// The parts that opening hands over.
pub(crate) struct Parts {
    pub(crate) segments: Arc<Segments>,
    pub(crate) durable: watch::Receiver<u64>,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) mark: Arc<Mutex<MarkFile>>,
    pub(crate) writer: JoinHandle<()>,
}

impl Journal {
    /// Opens the journal in a folder, or creates it.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process has it, [`Error::Damaged`] if something durable is
    /// missing or changed, [`Error::FormatVersion`] if it is of a newer version.
    pub fn open(dir: &Path, options: Options, clock: Clock) -> Result<Opened, Error> {
        open::open(dir, options, clock, Arc::new(RealDisk))
    }

    pub(crate) fn from_parts(dir: &Path, options: Options, parts: Parts) -> Journal {
        let shared = Shared {
            segments: parts.segments,
            durable: parts.durable,
            commands: Mutex::new(Some(parts.commands)),
            waiting: Arc::new(Semaphore::new(WAITING_BYTES as usize)),
            mark: parts.mark,
            dir: dir.into(),
            options,
            writer: Mutex::new(Some(parts.writer)),
            verified: Arc::default(),
        };
        Journal {
            shared: Arc::new(shared),
        }
    }

    /// Appends records, in order and with nothing between them, and returns when they are durable.
    ///
    /// A future that is dropped after it was polled may or may not have appended.
    /// After a crash, a prefix of records that were not acknowledged may be there.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if a payload or the batch is over its limit; nothing was appended.
    /// [`Error::NoSpace`] if the disk is full down to its reserve; nothing was appended, and the
    /// same may be tried again.
    /// [`Error::Poisoned`] after any other write, or a sync, has failed; nothing was acknowledged.
    pub async fn append(&self, entries: Vec<Entry>) -> Result<Vec<Position>, Error> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let bytes = self.check(&entries)?;
        // Hashing here and not in the writer spreads it over the callers' threads.
        let records: Vec<Prepared> = entries.into_iter().map(Prepared::new).collect();
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX).min(WAITING_BYTES);
        let waiting = Arc::clone(&self.shared.waiting);
        let permit = waiting
            .acquire_many_owned(permits)
            .await
            .map_err(|_| Error::Closed)?;
        let (reply, answer) = oneshot::channel();
        let request = Request {
            records,
            bytes,
            reply,
            _permit: permit,
        };
        self.send(Command::Append(request))?;
        answer.await.map_err(|_| Error::Closed)?
    }

    fn check(&self, entries: &[Entry]) -> Result<u64, Error> {
        let max = u64::from(self.shared.options.max_record_bytes);
        let mut total = 0;
        for entry in entries {
            let bytes = entry.payload.len() as u64;
            if bytes > max {
                return Err(Error::TooLarge {
                    what: "a record",
                    bytes,
                    limit: max,
                });
            }
            total += bytes + RECORD_HEADER;
        }
        if total + SEGMENT_HEADER > MAX_APPEND_BYTES {
            let (what, limit) = ("a batch", MAX_APPEND_BYTES);
            return Err(Error::TooLarge {
                what,
                bytes: total,
                limit,
            });
        }
        Ok(total)
    }

    /// Reads the record at a position, in one system call if it is small.
    ///
    /// # Errors
    /// [`Error::NotWritten`] and [`Error::Trimmed`] if it is not there yet or not there any more;
    /// [`Error::Damaged`] if what is there is not this record.
    pub fn read(&self, position: Position) -> Result<Record, Error> {
        self.shared.segments.read(position)
    }

    /// Reads a record by its sequence; `None` if it is trimmed or not durable yet.
    ///
    /// Slower than [`Journal::read`]: it hops over the headers of up to 63 other records, and over
    /// all before it the first time that a segment is used.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the record, or one on the way to it, is not what was written.
    pub fn read_seq(&self, seq: u64) -> Result<Option<Record>, Error> {
        let found = self.shared.segments.locate(seq);
        match found.and_then(|position| self.shared.segments.read(position)) {
            Ok(record) => Ok(Some(record)),
            Err(Error::Trimmed { .. } | Error::NotWritten { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Finds the first record that is kept and was appended at a time or later; without one, the
    /// next sequence.
    ///
    /// Records are in the order of time but for steps of the clock, which move the border by no
    /// more than the step.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a record that is looked at is not what was written.
    pub fn first_since(&self, time_us: i64) -> Result<u64, Error> {
        let (mut low, mut high) = (self.first(), self.next());
        while low < high {
            let middle = low + (high - low) / 2;
            let record = self.read_seq(middle)?;
            if record.is_none_or(|record| record.time_us < time_us) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Reads records in order from a sequence on, or from the first that is kept.
    pub fn iter(&self, from: u64) -> Iter {
        Iter::new(Arc::clone(&self.shared.segments), from)
    }

    /// Watches the durable end: the sequence that the next durable record will have.
    pub fn durable(&self) -> watch::Receiver<u64> {
        self.shared.durable.clone()
    }

    /// Returns the first sequence that is kept.
    pub fn first(&self) -> u64 {
        self.shared.segments.first()
    }

    /// Checks that the first record is there, for whoever never trims: without the mark, a journal
    /// whose first segments are gone looks like one that was trimmed.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is not.
    pub fn never_trimmed(&self) -> Result<(), Error> {
        match self.first() {
            0 => Ok(()),
            _ => Err(open::missing(self.dir(), 0)),
        }
    }

    /// Returns the sequence that the next durable record will have.
    pub fn next(&self) -> u64 {
        self.shared.segments.next()
    }

    /// Returns how many bytes the journal takes on the disk.
    pub fn bytes(&self) -> u64 {
        self.shared.segments.bytes()
    }

    /// Returns how many bytes are free where the journal is; `None` where the system does not say.
    pub fn free_bytes(&self) -> Option<u64> {
        files::free_bytes(self.dir())
    }

    /// Tells whether there is room for more above the reserve.
    ///
    /// # Errors
    /// [`Error::NoSpace`] if there is none.
    pub fn room(&self) -> Result<(), Error> {
        room(self.dir(), self.shared.options.reserve_bytes, 0)
    }

    /// Returns the folder.
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// Removes the segments that only have records before `before`, and returns the new first
    /// sequence.
    ///
    /// # Errors
    /// [`Error::Io`] if the mark can't be written or a file can't be removed.
    pub fn trim(&self, before: u64) -> Result<u64, Error> {
        let segments = &self.shared.segments;
        let mut mark = lock(&self.shared.mark);
        let old = segments.wholly_before(before);
        let Some(last) = old.last() else {
            return Ok(segments.first());
        };
        let kept = segments.held_after(last.first);
        // The mark comes first: opening ends what a crash interrupts, and a missing segment that no
        // mark explains is damage.
        let next = mark.mark().next;
        mark.set(Mark { first: kept, next })
            .map_err(Error::io("write the mark of", self.dir()))?;
        for segment in &old {
            segments.remove(segment.first);
            std::fs::remove_file(&segment.path).map_err(Error::io("remove", &segment.path))?;
        }
        files::sync_dir(self.dir()).map_err(Error::io("sync", self.dir()))?;
        Ok(segments.first())
    }

    /// Overwrites the payload and the salt of a record with zeros, and returns when that is durable.
    ///
    /// The record stays, with its commitment and an empty payload. A crash in the middle is made
    /// good when the journal is opened. To redact twice is not an error.
    ///
    /// # Errors
    /// [`Error::Trimmed`] and [`Error::NotWritten`] if there is no such record;
    /// [`Error::Poisoned`] if the disk refused.
    pub async fn redact(&self, seq: u64) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Redact { seq, reply })?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Does what [`Journal::redact`] does and waits for it: call it off the runtime.
    ///
    /// # Errors
    /// Those of [`Journal::redact`].
    pub fn redact_blocking(&self, seq: u64) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Redact { seq, reply })?;
        answer.blocking_recv().map_err(|_| Error::Closed)?
    }

    /// Writes what was sent, closes the files and frees the folder.
    ///
    /// Other clones can still read; their appends fail with [`Error::Closed`].
    pub async fn close(self) {
        let (reply, answer) = oneshot::channel();
        let sent = self.send(Command::Close { reply });
        lock(&self.shared.commands).take();
        if sent.is_ok() {
            // The answer is dropped if the writer ended before: then all is done as well.
            answer.await.unwrap_or(());
        }
    }

    fn send(&self, command: Command) -> Result<(), Error> {
        let commands = lock(&self.shared.commands);
        let sender = commands.as_ref().ok_or(Error::Closed)?;
        sender.send(command).map_err(|_| Error::Closed)
    }
}

/// Tells whether so many bytes fit on the disk above a reserve.
pub(crate) fn room(dir: &Path, reserve: u64, bytes: u64) -> Result<(), Error> {
    match files::free_bytes(dir) {
        Some(free) if free < reserve.saturating_add(bytes) => Err(Error::NoSpace {
            path: dir.to_owned(),
            reserve,
        }),
        _ => Ok(()),
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Journal");
        out.field("dir", &self.dir())
            .field("next", &self.next())
            .finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        lock(&self.commands).take();
        if let Some(writer) = lock(&self.writer).take()
            && writer.join().is_err()
        {
            tracing::error!(journal.dir = %self.dir.display(), "the journal's writer panicked");
        }
    }
}
