//! Reading a segment from front to back, in large pieces.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use crate::format::{RECORD_HEADER, RECORD_HEADER_LEN, RecordHeader};

const PIECE: u64 = 256 * 1024;

/// Reads records one after the other, checking each.
pub(crate) struct Scanner {
    file: Arc<File>,
    at: u64,
    end: u64,
    piece: Vec<u8>,
    piece_at: u64,
}

/// What the scanner found.
pub(crate) enum Step<'a> {
    /// A whole record with right checksums and the expected sequence.
    Record {
        offset: u64,
        header: RecordHeader,
        payload: &'a [u8],
    },
    /// The end, with nothing left over.
    End,
    /// Bytes that are not the expected record.
    Bad { offset: u64, reason: &'static str },
}

impl Scanner {
    /// Starts at `at`, which is where a record starts, and ends before `end`.
    pub(crate) fn new(file: Arc<File>, at: u64, end: u64) -> Scanner {
        Scanner {
            file,
            at,
            end,
            piece: Vec::new(),
            piece_at: at,
        }
    }

    /// Where the next record starts.
    pub(crate) fn offset(&self) -> u64 {
        self.at
    }

    /// Moves the end, when more has become durable.
    pub(crate) fn extend(&mut self, end: u64) {
        self.end = end;
    }

    /// Drops what was read ahead, so that the next step reads from the file again.
    pub(crate) fn forget(&mut self) {
        self.piece.clear();
    }

    /// Reads the next record, which must be `seq`.
    pub(crate) fn next(&mut self, seq: u64) -> io::Result<Step<'_>> {
        let offset = self.at;
        if offset == self.end {
            return Ok(Step::End);
        }
        let header = match RecordHeader::decode(self.window(offset, RECORD_HEADER)?) {
            Ok(header) => header,
            Err(reason) => return Ok(Step::Bad { offset, reason }),
        };
        if header.seq != seq {
            return Ok(Step::Bad {
                offset,
                reason: "the record has another number",
            });
        }
        let next = offset + header.bytes();
        let record = self.window(offset, header.bytes())?;
        let Some(payload) = record.get(RECORD_HEADER_LEN..) else {
            return Ok(Step::Bad {
                offset,
                reason: "the record is cut short",
            });
        };
        if payload.len() as u64 != u64::from(header.length) {
            return Ok(Step::Bad {
                offset,
                reason: "the record is cut short",
            });
        }
        if crc32c::crc32c(payload) != header.payload_crc {
            return Ok(Step::Bad {
                offset,
                reason: "the payload's checksum is wrong",
            });
        }
        self.at = next;
        let payload = self
            .window(offset, header.bytes())?
            .get(RECORD_HEADER_LEN..);
        Ok(Step::Record {
            offset,
            header,
            payload: payload.unwrap_or_default(),
        })
    }

    /// Gives up to `length` bytes at `at`; fewer where the segment ends.
    fn window(&mut self, at: u64, length: u64) -> io::Result<&[u8]> {
        let length = length.min(self.end.saturating_sub(at));
        let held = self.piece_at + self.piece.len() as u64;
        if at < self.piece_at || at + length > held {
            self.fill(at, length)?;
        }
        let start = usize::try_from(at - self.piece_at).unwrap_or(usize::MAX);
        let tail = self.piece.get(start..).unwrap_or_default();
        Ok(tail
            .get(..usize::try_from(length).unwrap_or(usize::MAX))
            .unwrap_or(tail))
    }

    fn fill(&mut self, at: u64, length: u64) -> io::Result<()> {
        let wanted = length.max(PIECE).min(self.end.saturating_sub(at));
        self.piece.clear();
        self.piece.resize(usize::try_from(wanted).unwrap_or(0), 0);
        self.piece_at = at;
        let read = read_full(&self.file, &mut self.piece, at)?;
        self.piece.truncate(read);
        Ok(())
    }
}

/// Reads until the buffer is full or the file ends, and returns how much was read.
pub(crate) fn read_full(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..)
        && !rest.is_empty()
    {
        match file.read_at(rest, at + done as u64) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Looks behind the bad record `seq` at `from` for a record of a later write.
///
/// Writes follow one another only after a sync, so such a record proves that the bad one had been
/// durable. Without one, the bad record belongs to the last write, which nobody was told of.
pub(crate) fn later_write(file: &File, from: u64, end: u64, seq: u64) -> io::Result<bool> {
    let found = find_header(file, from, end, |header| header.group() > seq)?;
    Ok(found.is_some())
}

/// Looks for the first whole record header from a place on that is the wanted one.
pub(crate) fn find_header(
    file: &File,
    from: u64,
    end: u64,
    wanted: impl Fn(&RecordHeader) -> bool,
) -> io::Result<Option<(u64, RecordHeader)>> {
    let mut at = from;
    let mut piece = Vec::new();
    while at + RECORD_HEADER <= end {
        piece.resize(usize::try_from(PIECE.min(end - at)).unwrap_or(0), 0);
        let read = read_full(file, &mut piece, at)?;
        piece.truncate(read);
        let found = (at..)
            .zip(piece.windows(RECORD_HEADER_LEN))
            .find_map(|(at, window)| {
                let header = whole_header(window)?;
                wanted(&header).then_some((at, header))
            });
        if found.is_some() {
            return Ok(found);
        }
        if read < RECORD_HEADER_LEN {
            break;
        }
        // The next piece overlaps by one byte less than a header, so none is missed at the seam.
        at += read as u64 - (RECORD_HEADER - 1);
    }
    Ok(None)
}

/// Reads the record header at a place, if there is a whole one.
pub(crate) fn header_at(file: &File, at: u64) -> io::Result<Option<RecordHeader>> {
    let mut bytes = [0; RECORD_HEADER_LEN];
    let read = read_full(file, &mut bytes, at)?;
    Ok(bytes.get(..read).and_then(whole_header))
}

fn whole_header(bytes: &[u8]) -> Option<RecordHeader> {
    RecordHeader::decode(bytes).ok()
}
