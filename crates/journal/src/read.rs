//! Reading a journal from front to back, whether or not it is in use.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::copy::Kept;
use crate::format::{RecordHeader, SEGMENT_HEADER};
use crate::open::{missing, read_header};
use crate::scan::{Scanner, Step, later_write};
use crate::segments::record;
use crate::{Error, Position, Record, files, mark};

/// How often a record that looks wrong is read again, since a redaction may be under way.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(10);

/// Reads the records of a journal that another process may own, from the oldest that is kept to
/// the last that was whole when its segment was reached.
///
/// It takes no lock and writes nothing. It checks each record's checksum and number; the chain is
/// checked by [`verify`](crate::verify()).
/// After an error it ends.
pub struct Reader {
    dir: PathBuf,
    /// The segments that are still to be read, the next one last.
    segments: Vec<(u64, PathBuf)>,
    current: Option<Current>,
    /// The sequence of the record that comes next.
    next: u64,
    /// What the mark promises to be there.
    promised: u64,
    /// The bytes of the segments that were read.
    bytes: u64,
    total_bytes: u64,
    ended: bool,
}

/// A record as it is in its segment.
struct Read {
    header: RecordHeader,
    offset: u32,
    payload: Bytes,
}

struct Current {
    path: PathBuf,
    file: Arc<File>,
    length: u64,
    scanner: Scanner,
}

impl Reader {
    /// Begins with the oldest record that is kept.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder can't be read, [`Error::Damaged`] if its first segment is gone.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let mark = mark::read(dir).map_err(Error::io("read the mark of", dir))?;
        let mut segments = files::list_segments(dir).map_err(Error::io("list", dir))?;
        if segments.iter().any(|(first, _)| *first == mark.first) {
            segments.retain(|(first, _)| *first >= mark.first);
        }
        if segments
            .first()
            .map_or(mark.next > 0, |(first, _)| *first > mark.first)
        {
            return Err(missing(dir, mark.first));
        }
        let length = |path: &PathBuf| std::fs::metadata(path).map_or(0, |meta| meta.len());
        Ok(Self {
            dir: dir.to_owned(),
            total_bytes: segments.iter().map(|(_, path)| length(path)).sum(),
            next: segments.first().map_or(0, |(first, _)| *first),
            segments: segments.into_iter().rev().collect(),
            current: None,
            promised: mark.next,
            bytes: 0,
            ended: false,
        })
    }

    /// Returns the bytes that were read.
    pub fn bytes(&self) -> u64 {
        let current = self.current.as_ref();
        self.bytes + current.map_or(0, |current| current.scanner.offset())
    }

    /// Returns the bytes that there were when reading began.
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// Reads the next record with everything that a copy of it needs.
    pub fn next_kept(&mut self) -> Option<Result<Kept, Error>> {
        let read = self.advance()?;
        Some(read.map(
            |Read {
                 header, payload, ..
             }| Kept::of(&header, payload),
        ))
    }

    fn advance(&mut self) -> Option<Result<Read, Error>> {
        if self.ended {
            return None;
        }
        let step = self.step().transpose();
        self.ended = !matches!(step, Some(Ok(_)));
        step
    }

    fn step(&mut self) -> Result<Option<Read>, Error> {
        loop {
            let Some(mut current) = self.current.take() else {
                if self.enter()? {
                    continue;
                }
                return if self.next < self.promised {
                    Err(missing(&self.dir, self.next))
                } else {
                    Ok(None)
                };
            };
            match self.read(&mut current)? {
                Some(read) => {
                    self.next += 1;
                    self.current = Some(current);
                    return Ok(Some(read));
                }
                None => self.bytes += current.length,
            }
        }
    }

    /// Goes on to the next segment; tells whether there is one.
    fn enter(&mut self) -> Result<bool, Error> {
        let Some((first, path)) = self.segments.pop() else {
            return Ok(false);
        };
        let io = |action| Error::io(action, &path);
        let file = File::open(&path).map_err(io("open"))?;
        let length = file.metadata().map_err(io("read"))?.len();
        if self.segments.is_empty() && length < SEGMENT_HEADER && self.promised <= first {
            // It was only being created.
            return Ok(false);
        }
        read_header(&path, first)?;
        if first != self.next {
            return Err(missing(&self.dir, self.next));
        }
        let file = Arc::new(file);
        self.current = Some(Current {
            scanner: Scanner::new(Arc::clone(&file), SEGMENT_HEADER, length),
            path,
            file,
            length,
        });
        Ok(true)
    }

    /// Reads the next record of a segment; none at its end.
    fn read(&self, current: &mut Current) -> Result<Option<Read>, Error> {
        let seq = self.next;
        let io = || Error::io("read", &current.path);
        for attempt in 1.. {
            let (offset, reason) = match current.scanner.next(seq).map_err(io())? {
                Step::End => return Ok(None),
                Step::Record {
                    offset,
                    header,
                    payload,
                } => {
                    if let Ok(offset) = u32::try_from(offset) {
                        let payload = Bytes::copy_from_slice(payload);
                        return Ok(Some(Read {
                            header,
                            offset,
                            payload,
                        }));
                    }
                    (offset, "the segment is too long")
                }
                Step::Bad { offset, reason } => (offset, reason),
            };
            if attempt < ATTEMPTS {
                std::thread::sleep(PAUSE);
                current.scanner.forget();
                continue;
            }
            // What is behind the last whole record of the last segment is being written.
            let unfinished = self.segments.is_empty()
                && seq >= self.promised
                && !later_write(&current.file, offset, current.length, seq).map_err(io())?;
            if unfinished {
                return Ok(None);
            }
            return Err(Error::Damaged {
                segment: current.path.clone(),
                seq,
                offset,
                reason,
            });
        }
        Ok(None)
    }
}

impl Iterator for Reader {
    type Item = Result<Record, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.advance()?;
        Some(read.map(
            |Read {
                 header,
                 offset,
                 payload,
             }| {
                let seq = header.seq;
                record(&header, Position { seq, offset }, payload)
            },
        ))
    }
}
