//! The one thread that writes: it joins what is waiting into one write and one sync.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use fail::fail_point;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use crate::files::{self, Disk, Sink};
use crate::format::{
    self, Content, FORMAT_VERSION, Hash, RecordHeader, SEGMENT_HEADER, Salt, SegmentHeader,
};
use crate::journal::room;
use crate::mark::{Mark, MarkFile};
use crate::redact::Intent;
use crate::scan::Step;
use crate::segments::{Segment, Segments, lock};
use crate::{Clock, Entry, Error, Options, Position};

/// A write is sent off when it has so many bytes, even if more is waiting.
const GROUP_BYTES: u64 = 4 * 1024 * 1024;
/// After so long without work the mark is brought up to date.
const IDLE: Duration = Duration::from_secs(1);

/// What the writer is asked to do.
pub(crate) enum Command {
    Append(Request),
    Redact {
        seq: u64,
        reply: oneshot::Sender<Result<(), Error>>,
    },
    Close {
        reply: oneshot::Sender<()>,
    },
}

/// Records of one caller.
pub(crate) struct Request {
    pub(crate) records: Vec<Prepared>,
    /// What they will take on the disk.
    pub(crate) bytes: u64,
    pub(crate) reply: oneshot::Sender<Result<Vec<Position>, Error>>,
    /// Given back with the answer.
    pub(crate) _permit: OwnedSemaphorePermit,
}

/// A record with everything that does not depend on its place.
pub(crate) struct Prepared {
    kind: u8,
    payload: Bytes,
    payload_crc: u32,
    salt: Salt,
    commitment: Hash,
}

impl Prepared {
    pub(crate) fn new(entry: Entry) -> Prepared {
        let Entry { kind, payload } = entry;
        let salt: Salt = rand::random();
        let commitment = format::commitment(&salt, &payload);
        Prepared {
            kind,
            payload_crc: crc32c::crc32c(&payload),
            payload,
            salt,
            commitment,
        }
    }
}

/// The state of the writing thread.
pub(crate) struct Writer {
    pub(crate) dir: PathBuf,
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) segments: Arc<Segments>,
    pub(crate) mark: Arc<Mutex<MarkFile>>,
    pub(crate) durable: watch::Sender<u64>,
    pub(crate) segment: Arc<Segment>,
    pub(crate) sink: Box<dyn Sink>,
    /// The length of the current segment.
    pub(crate) at: u64,
    pub(crate) next: u64,
    pub(crate) chain: Hash,
    pub(crate) buffer: Vec<u8>,
    pub(crate) poison: Option<Arc<str>>,
    /// Held so that no other process opens the folder.
    pub(crate) _lock: File,
}

impl Writer {
    /// Works until it is told to close, or nobody is left to tell it anything.
    pub(crate) fn run(mut self, commands: &Receiver<Command>) {
        let mut marked = self.next;
        let closing = loop {
            let command = if marked == self.next || self.poison.is_some() {
                commands.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                commands.recv_timeout(IDLE)
            };
            match command {
                Ok(Command::Append(request)) => {
                    if let Some(reply) = self.group(request, commands) {
                        break Some(reply);
                    }
                }
                Ok(Command::Redact { seq, reply }) => {
                    // Nobody may be waiting any more, which changes nothing.
                    reply.send(self.redact(seq)).unwrap_or(());
                }
                Ok(Command::Close { reply }) => break Some(reply),
                Err(RecvTimeoutError::Timeout) => {
                    self.set_mark();
                    marked = self.next;
                }
                Err(RecvTimeoutError::Disconnected) => break None,
            }
        };
        if marked != self.next {
            self.set_mark();
        }
        // The lock goes before the answer, so that the folder can be opened at once.
        drop(self);
        if let Some(reply) = closing {
            reply.send(()).unwrap_or(());
        }
    }

    /// Collects what is waiting and writes it. Returns who asked to close meanwhile.
    fn group(
        &mut self,
        first: Request,
        commands: &Receiver<Command>,
    ) -> Option<oneshot::Sender<()>> {
        let mut bytes = first.bytes;
        let mut group = vec![first];
        let mut other = None;
        while bytes < GROUP_BYTES {
            match commands.try_recv() {
                Ok(Command::Append(request)) => {
                    bytes += request.bytes;
                    group.push(request);
                }
                Ok(command) => {
                    other = Some(command);
                    break;
                }
                Err(_) => break,
            }
        }
        self.commit(group, bytes);
        match other {
            Some(Command::Redact { seq, reply }) => {
                reply.send(self.redact(seq)).unwrap_or(());
                None
            }
            Some(Command::Close { reply }) => Some(reply),
            Some(Command::Append(_)) | None => None,
        }
    }

    /// Writes a group, syncs, lets readers see it, and answers.
    fn commit(&mut self, group: Vec<Request>, bytes: u64) {
        let written = self.check_poison().and_then(|()| {
            room(&self.dir, self.options.reserve_bytes, bytes)?;
            self.write(&group, bytes)
        });
        match written {
            Ok(positions) => {
                for (request, positions) in group.into_iter().zip(positions) {
                    // A caller that no longer waits still has its records.
                    request.reply.send(Ok(positions)).unwrap_or(());
                }
            }
            Err(error) => {
                for request in group {
                    request.reply.send(Err(error.clone())).unwrap_or(());
                }
            }
        }
    }

    fn write(&mut self, group: &[Request], bytes: u64) -> Result<Vec<Vec<Position>>, Error> {
        if self.at + bytes > self.options.segment_bytes && self.next > self.segment.first {
            self.roll()?;
        }
        self.buffer.clear();
        let time_us = (self.clock)();
        let (mut at, mut next, mut chain) = (self.at, self.next, self.chain);
        let mut index = 0;
        let mut positions = Vec::with_capacity(group.len());
        for request in group {
            let mut places = Vec::with_capacity(request.records.len());
            for record in &request.records {
                let mut header = RecordHeader {
                    payload_crc: record.payload_crc,
                    length: u32::try_from(record.payload.len()).unwrap_or(u32::MAX),
                    seq: next,
                    time_us,
                    index,
                    kind: record.kind,
                    content: Content::Whole,
                    salt: record.salt,
                    commitment: record.commitment,
                    chain,
                };
                header.chain = format::chain(&chain, &header);
                chain = header.chain;
                header.encode(&mut self.buffer);
                self.buffer.extend_from_slice(&record.payload);
                let offset = u32::try_from(at).unwrap_or(u32::MAX);
                places.push(Position { seq: next, offset });
                at += header.bytes();
                next += 1;
                index += 1;
            }
            positions.push(places);
        }
        fail_point!("journal_before_write");
        if let Err(error) = self.sink.append(&self.buffer) {
            // The disk is full: what there was room for is taken back, and nothing has happened.
            let taken_back = files::is_full(&error) && self.sink.cut(self.at).is_ok();
            return Err(if taken_back {
                self.no_space()
            } else {
                self.poisoned(&error)
            });
        }
        fail_point!("journal_before_sync");
        self.sink.sync().map_err(|error| self.poisoned(&error))?;
        fail_point!("journal_after_sync");
        (self.at, self.next, self.chain) = (at, next, chain);
        self.segment.set_end(at);
        self.segments.set_next(next);
        self.durable.send_replace(next);
        Ok(positions)
    }

    /// Starts a new segment; the current one is durable.
    fn roll(&mut self) -> Result<(), Error> {
        let header = SegmentHeader {
            version: FORMAT_VERSION,
            first: self.next,
            created_us: (self.clock)(),
            previous_chain: self.chain,
            previous_first: self.segment.first,
            previous_bytes: self.at,
        };
        let segment = Arc::new(Segment::new(&self.dir, self.next, SEGMENT_HEADER));
        if let Err(error) = files::create_synced(&segment.path, &header.encode()) {
            let taken_back = files::is_full(&error) && files::remove(&segment.path).is_ok();
            return Err(if taken_back {
                self.no_space()
            } else {
                self.poisoned(&error)
            });
        }
        let opened = self.disk.open(&segment.path, SEGMENT_HEADER);
        self.sink = opened.map_err(|error| self.poisoned(&error))?;
        self.segments.push(Arc::clone(&segment));
        self.segment = segment;
        self.at = SEGMENT_HEADER;
        self.write_mark().map_err(|error| self.poisoned(&error))
    }

    fn redact(&mut self, seq: u64) -> Result<(), Error> {
        self.check_poison()?;
        let (segment, mut scanner) = self.segments.scan(seq)?;
        let step = scanner
            .next(seq)
            .map_err(Error::io("read", &segment.path))?;
        let (offset, header) = match step {
            Step::Record { offset, header, .. } => match header.content {
                Content::Redacted | Content::Gap | Content::Repair => return Ok(()),
                // A later repair must not restore it.
                Content::Whole | Content::Lost => (offset, header),
            },
            Step::Bad { offset, reason } => return Err(segment.damaged(seq, offset, reason)),
            Step::End => return Err(segment.damaged(seq, 0, "the record is missing")),
        };
        let intent = Intent::new(segment.first, offset, &header);
        self.overwrite(&intent)
            .map_err(|error| self.poisoned(&error))
    }

    fn overwrite(&self, intent: &Intent) -> io::Result<()> {
        intent.write(&self.dir)?;
        let redacting = lock(&self.segments.redacting);
        intent.apply(&self.dir)?;
        drop(redacting);
        Intent::clear(&self.dir)
    }

    fn set_mark(&mut self) {
        if self.poison.is_none()
            && let Err(error) = self.write_mark()
        {
            self.poisoned(&error);
        }
    }

    fn write_mark(&self) -> io::Result<()> {
        let mut mark = lock(&self.mark);
        let first = mark.mark().first;
        mark.set(Mark {
            first,
            next: self.next,
        })
    }

    fn check_poison(&self) -> Result<(), Error> {
        match &self.poison {
            Some(reason) => Err(Error::Poisoned {
                reason: Arc::clone(reason),
            }),
            None => Ok(()),
        }
    }

    fn no_space(&self) -> Error {
        Error::NoSpace {
            path: self.dir.clone(),
            reserve: self.options.reserve_bytes,
        }
    }

    fn poisoned(&mut self, error: &io::Error) -> Error {
        let reason: Arc<str> = error.to_string().into();
        tracing::error!(
            journal.dir = %self.dir.display(),
            journal.next = self.next,
            error = %reason,
            "a write failed: the journal takes no more records"
        );
        self.poison = Some(Arc::clone(&reason));
        Error::Poisoned { reason }
    }
}
