//! Walking the whole chain, whether or not the journal is in use.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::format::{self, Hash, SEGMENT_HEADER};
use crate::open::{missing, read_header};
use crate::scan::{Scanner, Step, later_write};
use crate::{Error, files, mark};

/// How often a record that looks wrong is read again, since a redaction may be under way.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(10);

/// How far a verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The records that were checked.
    pub records: u64,
    /// The bytes that were checked.
    pub bytes: u64,
    /// The bytes that there are to check.
    pub total_bytes: u64,
}

/// What a verification has found to be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// How many records there are.
    pub records: u64,
    /// How many bytes they and the segment headers take.
    pub bytes: u64,
    /// How many segments there are.
    pub segments: u64,
    /// How many records are redacted.
    pub redacted: u64,
    /// The first sequence that is kept.
    pub first: u64,
    /// The sequence that the next record will have.
    pub next: u64,
    /// The chain hash of the last record.
    pub head: [u8; 32],
    /// Bytes of a write that is under way or was interrupted, behind the last record.
    pub unfinished_bytes: u64,
}

/// Checks every record of a journal: checksums, numbers, commitments and the hash chain.
///
/// It takes no lock and writes nothing, so it may run beside the process that owns the journal.
///
/// # Errors
/// [`Error::Damaged`] with the first place where something durable is missing or changed.
pub fn verify(dir: &Path, progress: &mut dyn FnMut(Progress)) -> Result<VerifyReport, Error> {
    // The mark is read first: what it promises must be there by the time that the end is reached.
    let mark = mark::read(dir).map_err(Error::io("read the mark of", dir))?;
    let mut names = files::list_segments(dir).map_err(Error::io("list", dir))?;
    if names.iter().any(|(first, _)| *first == mark.first) {
        names.retain(|(first, _)| *first >= mark.first);
    }
    let lengths = names
        .iter()
        .map(|(_, path)| std::fs::metadata(path).map_or(0, |meta| meta.len()));
    let total_bytes = lengths.sum();
    let mut walk = Walk {
        report: VerifyReport {
            records: 0,
            bytes: 0,
            segments: 0,
            redacted: 0,
            first: 0,
            next: 0,
            head: format::GENESIS,
            unfinished_bytes: 0,
        },
        total_bytes,
        progress,
    };
    if names
        .first()
        .map_or(mark.next > 0, |(first, _)| *first > mark.first)
    {
        return Err(missing(dir, mark.first));
    }
    let last = names.len().saturating_sub(1);
    let mut end = (files::segment_path(dir, 0), 0);
    for (place, (first, path)) in names.iter().enumerate() {
        let is_last = place == last;
        if is_last && place > 0 && unfinished_header(path, mark.next <= *first)? {
            break;
        }
        let at = walk.segment(dir, *first, path, place == 0, is_last)?;
        end = (path.clone(), at);
    }
    let (segment, offset) = end;
    let seq = walk.report.next;
    if seq < mark.next {
        let reason = "the records behind it are missing";
        return Err(Error::Damaged {
            segment,
            seq,
            offset,
            reason,
        });
    }
    Ok(walk.report)
}

/// Whether the last segment is one that was only being created.
fn unfinished_header(path: &PathBuf, may_be: bool) -> Result<bool, Error> {
    let length = std::fs::metadata(path)
        .map_err(Error::io("read", path))?
        .len();
    Ok(may_be && length < SEGMENT_HEADER)
}

struct Walk<'a> {
    report: VerifyReport,
    total_bytes: u64,
    progress: &'a mut dyn FnMut(Progress),
}

impl Walk<'_> {
    /// Checks one segment and returns where its records end.
    fn segment(
        &mut self,
        dir: &Path,
        first: u64,
        path: &PathBuf,
        is_first: bool,
        is_last: bool,
    ) -> Result<u64, Error> {
        let header = read_header(path, first)?;
        let file = Arc::new(File::open(path).map_err(Error::io("open", path))?);
        let length = file.metadata().map_err(Error::io("read", path))?.len();
        let damaged = |seq, offset, reason| {
            Err(Error::Damaged {
                segment: path.clone(),
                seq,
                offset,
                reason,
            })
        };
        if is_first {
            (self.report.first, self.report.next) = (first, first);
            self.report.head = header.previous_chain;
        } else if first != self.report.next {
            return Err(missing(dir, self.report.next));
        } else if header.previous_chain != self.report.head {
            return damaged(first, 0, "the segment does not continue the chain");
        }
        self.report.segments += 1;
        let mut scanner = Scanner::new(Arc::clone(&file), SEGMENT_HEADER, length);
        let mut attempts = 0;
        let end = loop {
            let seq = self.report.next;
            let step = scanner.next(seq).map_err(Error::io("read", path))?;
            let (offset, reason) = match check(&step, &self.report.head) {
                Check::Right { redacted, chain } => {
                    self.advance(redacted, chain, scanner.offset());
                    attempts = 0;
                    continue;
                }
                Check::End => break length,
                Check::Wrong { offset, reason } => (offset, reason),
            };
            attempts += 1;
            if attempts < ATTEMPTS {
                std::thread::sleep(PAUSE);
                scanner = Scanner::new(Arc::clone(&file), offset, length);
                continue;
            }
            let unfinished = matches!(step, Step::Bad { .. })
                && is_last
                && !later_write(&file, offset, length, seq).map_err(Error::io("read", path))?;
            if !unfinished {
                return damaged(seq, offset, reason);
            }
            self.report.unfinished_bytes = length - offset;
            break offset;
        };
        self.report.bytes += end;
        self.tell(0);
        Ok(end)
    }

    fn advance(&mut self, redacted: bool, chain: Hash, offset: u64) {
        self.report.records += 1;
        self.report.next += 1;
        self.report.redacted += u64::from(redacted);
        self.report.head = chain;
        if self.report.records.is_multiple_of(4096) {
            self.tell(offset);
        }
    }

    fn tell(&mut self, offset: u64) {
        let Walk {
            report,
            total_bytes,
            progress,
        } = self;
        let bytes = report.bytes + offset;
        progress(Progress {
            records: report.records,
            bytes,
            total_bytes: *total_bytes,
        });
    }
}

enum Check {
    Right { redacted: bool, chain: Hash },
    Wrong { offset: u64, reason: &'static str },
    End,
}

/// Checks what the scanner does not: the chain, and what the chain covers.
fn check(step: &Step<'_>, head: &Hash) -> Check {
    let (offset, header, payload) = match step {
        Step::Record {
            offset,
            header,
            payload,
        } => (*offset, header, *payload),
        Step::Bad { offset, reason } => {
            return Check::Wrong {
                offset: *offset,
                reason,
            };
        }
        Step::End => return Check::End,
    };
    let wrong = |reason| Check::Wrong { offset, reason };
    if format::chain(head, header) != header.chain {
        return wrong("the chain is broken");
    }
    if header.redacted {
        if header.salt != [0; 16] || payload.iter().any(|byte| *byte != 0) {
            return wrong("the record is marked as redacted, and its content is there");
        }
    } else if format::commitment(&header.salt, payload) != header.commitment {
        return wrong("the payload is not what the commitment says");
    }
    Check::Right {
        redacted: header.redacted,
        chain: header.chain,
    }
}
