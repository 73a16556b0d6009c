//! Reading many records in order.

use std::sync::Arc;

use bytes::Bytes;

use crate::scan::{Scanner, Step};
use crate::segments::{Segment, Segments, lock, record};
use crate::{Error, Position, Record};

/// Reads durable records in order.
///
/// It returns `None` when it has caught up, and goes on from there when it is asked again later.
/// After an error it stays where it is, and every later call returns the error again.
pub struct Iter {
    segments: Arc<Segments>,
    seq: u64,
    current: Option<(Arc<Segment>, Scanner)>,
}

impl Iter {
    pub(crate) fn new(segments: Arc<Segments>, from: u64) -> Iter {
        let seq = from.max(segments.first());
        Iter {
            segments,
            seq,
            current: None,
        }
    }

    /// Returns the sequence of the record that comes next.
    pub fn position(&self) -> u64 {
        self.seq
    }

    fn step(&mut self) -> Result<Record, Error> {
        if self.current.is_none() {
            self.current = Some(self.segments.scan(self.seq)?);
        }
        match self.try_record() {
            Err(Error::Damaged { .. }) => {
                // The record may have been read while it was being redacted.
                let segments = Arc::clone(&self.segments);
                let _guard = lock(&segments.redacting);
                if let Some((_, scanner)) = &mut self.current {
                    scanner.forget();
                }
                self.try_record()
            }
            result => result,
        }
    }

    fn try_record(&mut self) -> Result<Record, Error> {
        let seq = self.seq;
        // After the end of a segment comes the start of the next: twice is enough.
        for _ in 0..2 {
            let Some((segment, scanner)) = &mut self.current else {
                break;
            };
            scanner.extend(segment.end());
            match scanner
                .next(seq)
                .map_err(Error::io("read", &segment.path))?
            {
                Step::Record {
                    offset,
                    header,
                    payload,
                } => {
                    let offset = u32::try_from(offset)
                        .map_err(|_| segment.damaged(seq, offset, "the segment is too long"))?;
                    let payload = Bytes::copy_from_slice(payload);
                    return Ok(record(&header, Position { seq, offset }, payload));
                }
                Step::Bad { offset, reason } => return Err(segment.damaged(seq, offset, reason)),
                Step::End => {
                    let (found, next) = self.segments.scan(seq)?;
                    if found.first == segment.first {
                        let offset = scanner.offset();
                        return Err(found.damaged(seq, offset, "the record is missing"));
                    }
                    self.current = Some((found, next));
                }
            }
        }
        Err(Error::NotWritten {
            seq,
            next: self.segments.next(),
        })
    }
}

impl Iterator for Iter {
    type Item = Result<Record, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.seq >= self.segments.next() {
            return None;
        }
        let result = self.step();
        match &result {
            Ok(_) => self.seq += 1,
            // A fresh start next time: the failure may have been the file handle's.
            Err(_) => self.current = None,
        }
        Some(result)
    }
}
