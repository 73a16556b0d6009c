//! The walk from segment to segment and from record to record.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::{Damage, Lost, Piece, Span, Survey};
use crate::declaration::Outcome;
use crate::format::{
    BadSegment, Content, FORMAT_VERSION, GENESIS, Links, REPAIRED_VERSION, RecordHeader,
    SEGMENT_HEADER,
};
use crate::open::header_of;
use crate::scan::{Scanner, Step, find_header, header_at, later_write, read_full};
use crate::segments::record;
use crate::verify::content;
use crate::{Error, Position, Record, files};

/// Where a segment header has the chain hash of the record before.
const PREVIOUS_CHAIN_AT: u64 = 32;

/// A walk from a journal's first segment to its last.
pub(super) struct Walk<'a> {
    pub(super) survey: Survey,
    /// All records before it were durable.
    pub(super) known: u64,
    /// The chain so far; unknown behind what is damaged.
    pub(super) links: Option<Links>,
    pub(super) visit: &'a mut dyn FnMut(Record),
}

impl Walk<'_> {
    /// Begins a journal that was trimmed behind what is gone from its front: there is no chain hash to
    /// put anything behind.
    pub(super) fn missing_front(&mut self, oldest: u64, path: &Path) -> Result<(), Error> {
        let (first, last) = (self.survey.first, oldest - 1);
        if let Ok(header) = header_of(path)? {
            let chain = header.previous_chain;
            self.survey.absent.add(first..=last, Outcome::Gone, chain);
        }
        self.survey.damage.push(Damage {
            segment: files::segment_path(&self.survey.dir, first),
            offset: 0,
            first,
            last: Some(last),
            reason: "the segment is missing",
            lost: None,
        });
        (self.survey.first, self.survey.next) = (oldest, oldest);
        Ok(())
    }

    /// Puts a segment of nothing in place of one that is not there.
    pub(super) fn missing_segment(&mut self, before: u64) {
        let first = self.survey.next;
        if first >= before {
            return;
        }
        let path = files::segment_path(&self.survey.dir, first);
        self.survey.pieces.push(Piece {
            first,
            path,
            length: 0,
            header: None,
            spans: Vec::new(),
        });
        self.gap(before, Some((0, "the segment is missing")));
    }

    /// Notes that the records up to `before` are gone.
    pub(super) fn gap(&mut self, before: u64, at: Option<(u64, &'static str)>) {
        let first = self.survey.next;
        let Some(piece) = self.survey.pieces.last_mut().filter(|_| first < before) else {
            return;
        };
        let last = before - 1;
        let resumes = None;
        piece.spans.push(Span::Gap {
            first,
            last,
            resumes,
        });
        let (offset, reason) = at.unwrap_or((piece.length, "the records behind it are missing"));
        self.survey.damage.push(Damage {
            segment: piece.path.clone(),
            offset,
            first,
            last: Some(last),
            reason,
            lost: None,
        });
        self.survey.next = before;
        self.links = None;
    }

    /// Walks a segment, up to the first record of the next one that there is, and returns where it
    /// ends.
    pub(super) fn segment(
        &mut self,
        first: u64,
        path: &Path,
        limit: Option<u64>,
    ) -> Result<u64, Error> {
        let header = match header_of(path)? {
            Ok(header) if header.first == first => Ok(header),
            Ok(_) => Err("the file's name and its header do not agree"),
            Err(BadSegment::Damaged(reason)) => Err(reason),
            Err(BadSegment::Version(found)) => {
                return Err(Error::FormatVersion {
                    segment: path.to_owned(),
                    found,
                    supported: REPAIRED_VERSION,
                });
            }
        };
        let file = Arc::new(File::open(path).map_err(Error::io("open", path))?);
        let length = file.metadata().map_err(Error::io("read", path))?.len();
        if limit.is_none() && length <= SEGMENT_HEADER && header.is_err() && self.known <= first {
            // It was only being created.
            self.survey.unfinished_bytes = length;
            return Ok(length);
        }
        self.survey.pieces.push(Piece {
            first,
            path: path.to_owned(),
            length,
            header: header.ok(),
            spans: Vec::new(),
        });
        match (header, self.links) {
            (Ok(header), Some(links)) if header.previous_chain != links.head => {
                return Err(tampered(path, first, 0));
            }
            // The chain hash of a record that is gone: from here on it is known again.
            (Ok(header), None) if header.version == FORMAT_VERSION => {
                self.links = Some(Links::new(header.previous_chain));
            }
            (Ok(_), _) => {}
            (Err(reason), links) => {
                self.aside(path, 0, reason);
                if links.is_none() {
                    self.links = links_of_damaged(&file).map_err(Error::io("read", path))?;
                }
            }
        }
        if first == self.survey.first && self.survey.before.is_none() {
            self.survey.before = self.links.map(|links| links.head);
        }
        let mut at = SEGMENT_HEADER.min(length);
        while limit.is_none_or(|limit| self.survey.next < limit) {
            match self.step(path, &file, at, length, limit)? {
                Some(next) => at = next,
                None => return Ok(length),
            }
        }
        if at < length {
            self.aside(path, at, "there is something behind the last record");
        }
        Ok(length)
    }

    /// Notes damage that no record suffers from.
    fn aside(&mut self, path: &Path, offset: u64, reason: &'static str) {
        self.survey.damage.push(Damage {
            segment: path.to_owned(),
            offset,
            first: self.survey.next,
            last: None,
            reason,
            lost: None,
        });
    }

    /// Takes in what is at a place of a segment, and returns where to go on.
    fn step(
        &mut self,
        path: &Path,
        file: &Arc<File>,
        at: u64,
        length: u64,
        limit: Option<u64>,
    ) -> Result<Option<u64>, Error> {
        let io = || Error::io("read", path);
        let mut scanner = Scanner::new(Arc::clone(file), at, length);
        loop {
            let offset = scanner.offset();
            let seq = self.survey.next;
            if limit.is_some_and(|limit| seq >= limit) {
                return Ok(Some(offset));
            }
            let reason = match scanner.next(seq).map_err(io())? {
                Step::End => return Ok(None),
                Step::Record {
                    header, payload, ..
                } => match content(&header, payload) {
                    Ok(()) => {
                        let payload = Bytes::copy_from_slice(payload);
                        self.kept(path, offset, &header, payload)?;
                        continue;
                    }
                    Err(reason) => reason,
                },
                Step::Bad { reason, .. } => reason,
            };
            let is_last = limit.is_none();
            if is_last
                && seq >= self.known
                && !later_write(file, offset, length, seq).map_err(io())?
            {
                self.survey.unfinished_bytes = length - offset;
                return Ok(None);
            }
            return self.bad(path, file, (offset, reason), length, limit);
        }
    }

    /// Takes in a record that is whole.
    fn kept(
        &mut self,
        path: &Path,
        offset: u64,
        header: &RecordHeader,
        payload: Bytes,
    ) -> Result<(), Error> {
        self.link(path, offset, header)?;
        let absent = match header.content {
            Content::Lost => Some(Outcome::Lost),
            Content::Gap => Some(Outcome::Gone),
            Content::Whole | Content::Redacted | Content::Repair => None,
        };
        if let Some(outcome) = absent {
            let seqs = header.seq..=header.seq;
            self.survey.absent.add(seqs, outcome, header.chain);
        }
        let to = offset + header.bytes();
        let last = *header;
        let spans = self.survey.pieces.last_mut().map(|piece| &mut piece.spans);
        if let Some(spans) = spans {
            match spans.last_mut() {
                Some(Span::Kept {
                    to: end, last: of, ..
                }) if *end == offset => {
                    (*end, *of) = (to, last);
                }
                _ => spans.push(Span::Kept {
                    from: offset,
                    to,
                    last,
                }),
            }
        }
        let position = Position {
            seq: header.seq,
            offset: u32::try_from(offset).unwrap_or(u32::MAX),
        };
        (self.visit)(record(header, position, payload));
        Ok(())
    }

    /// Takes in a place where a record is not what it was.
    fn bad(
        &mut self,
        path: &Path,
        file: &Arc<File>,
        (offset, reason): (u64, &'static str),
        length: u64,
        limit: Option<u64>,
    ) -> Result<Option<u64>, Error> {
        let io = || Error::io("read", path);
        let seq = self.survey.next;
        let within = |header: &RecordHeader| limit.is_none_or(|limit| header.seq < limit);
        if let Some(header) = header_at(file, offset).map_err(io())?
            && header.seq == seq
        {
            self.link(path, offset, &header)?;
            if let Some(piece) = self.survey.pieces.last_mut() {
                piece.spans.push(Span::Lost(header));
            }
            self.survey.damage.push(Damage {
                segment: path.to_owned(),
                offset,
                first: seq,
                last: Some(seq),
                reason,
                lost: Some(Lost(header)),
            });
            return Ok(Some((offset + header.bytes()).min(length)));
        }
        let later = |header: &RecordHeader| header.seq >= seq && within(header);
        let found = find_header(file, offset + 1, length, later).map_err(io())?;
        if let Some((place, header)) = found {
            if header.seq == seq {
                self.aside(path, offset, reason);
            }
            self.gap(header.seq, Some((offset, reason)));
            return Ok(Some(place));
        }
        self.gap(limit.unwrap_or(self.known), Some((offset, reason)));
        Ok(None)
    }

    /// Checks that a record continues the chain, or lets the chain resume with it.
    fn link(&mut self, path: &Path, offset: u64, header: &RecordHeader) -> Result<(), Error> {
        match &mut self.links {
            Some(links) => {
                if !links.follow(header) {
                    return Err(tampered(path, header.seq, offset));
                }
            }
            None => self.links = Some(Links::at(header)),
        }
        self.survey.next = header.seq + 1;
        let spans = self.survey.pieces.iter_mut().rev();
        let last = spans.flat_map(|piece| piece.spans.iter_mut().rev()).next();
        if let Some(Span::Gap { resumes, .. }) = last {
            *resumes = Some(header.chain);
        }
        Ok(())
    }
}

/// Whether a segment came right behind the one that starts at `first`, by what it remembers.
pub(super) fn follows(path: &Path, first: u64) -> Result<bool, Error> {
    Ok(header_of(path)?.map_or(true, |header| header.previous_first == first))
}

/// Reads the chain hash in a damaged segment header, if the first record proves that it is right.
fn links_of_damaged(file: &File) -> std::io::Result<Option<Links>> {
    let mut hash = GENESIS;
    read_full(file, &mut hash, PREVIOUS_CHAIN_AT)?;
    let links = Links::new(hash);
    let first = header_at(file, SEGMENT_HEADER)?;
    Ok(first
        .is_some_and(|first| { links }.follow(&first))
        .then_some(links))
}

/// The error for what no accident does.
fn tampered(path: &Path, seq: u64, offset: u64) -> Error {
    Error::Damaged {
        segment: path.to_owned(),
        seq,
        offset,
        reason: "the chain is broken though the checksums are right, which is no accident: \
                 another journal's segment, or a change by hand; take the file away, and the repair \
                 treats it as missing",
    }
}
