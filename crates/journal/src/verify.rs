//! Walking the whole chain, whether or not the journal is in use.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::declaration::{Declaration, Repair};
use crate::format::{self, Content, Hash, Links, RecordHeader, SEGMENT_HEADER};
use crate::open::{missing, read_header};
use crate::scan::{Scanner, Step, later_write};
use crate::{Error, Extent, files, mark};

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
    /// How many records have lost their payload to damage, by what repairs say.
    pub lost: u64,
    /// How many records are gone altogether, by what repairs say.
    pub gone: u64,
    /// The repairs that there were, oldest first.
    pub repairs: Vec<Repair>,
    /// The first sequence that is kept.
    pub first: u64,
    /// The sequence that the next record will have.
    pub next: u64,
    /// The chain hash of the last record.
    pub head: [u8; 32],
    /// Bytes of a write that is under way or was interrupted, behind the last record.
    pub unfinished_bytes: u64,
    /// The segments, as far as they are right.
    pub extents: Vec<Extent>,
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
            lost: 0,
            gone: 0,
            repairs: Vec::new(),
            first: 0,
            next: 0,
            head: format::GENESIS,
            unfinished_bytes: 0,
            extents: Vec::new(),
        },
        links: Links::new(format::GENESIS),
        undeclared: BTreeMap::new(),
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
    let damaged = |segment, seq, offset, reason| {
        Err(Error::Damaged {
            segment,
            seq,
            offset,
            reason,
        })
    };
    if seq < mark.next || walk.links.resumes.is_some() {
        return damaged(segment, seq, offset, "the records behind it are missing");
    }
    if let Some((seq, missing)) = walk.undeclared.pop_first() {
        let reason = "the record is missing, and no repair says so";
        return damaged(missing.segment, seq, missing.offset, reason);
    }
    walk.report.head = walk.links.head;
    Ok(walk.report)
}

/// Whether the last segment is one that was only being created.
fn unfinished_header(path: &PathBuf, may_be: bool) -> Result<bool, Error> {
    let length = std::fs::metadata(path)
        .map_err(Error::io("read", path))?
        .len();
    Ok(may_be && length < SEGMENT_HEADER)
}

/// A record without its content that no repair has declared yet; repairs stand behind it.
struct Undeclared {
    segment: PathBuf,
    offset: u64,
    chain: Hash,
}

struct Walk<'a> {
    report: VerifyReport,
    links: Links,
    undeclared: BTreeMap<u64, Undeclared>,
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
            self.links = Links::new(header.previous_chain);
        } else if first != self.report.next {
            return Err(missing(dir, self.report.next));
        } else if header.previous_chain != self.links.head {
            return damaged(first, 0, "the segment does not continue the chain");
        }
        self.report.segments += 1;
        let mut scanner = Scanner::new(Arc::clone(&file), SEGMENT_HEADER, length);
        let mut attempts = 0;
        let end = loop {
            let seq = self.report.next;
            let step = scanner.next(seq).map_err(Error::io("read", path))?;
            let (offset, reason) = match check(&step, &mut self.links) {
                Check::Right {
                    offset,
                    header,
                    repair,
                } => {
                    self.advance(path, offset, &header, repair);
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
        self.report.extents.push(Extent {
            first,
            next: self.report.next,
            bytes: end,
        });
        self.tell(0);
        Ok(end)
    }

    fn advance(
        &mut self,
        path: &Path,
        offset: u64,
        header: &RecordHeader,
        repair: Option<Declaration>,
    ) {
        self.report.records += 1;
        self.report.next += 1;
        match header.content {
            Content::Redacted => self.report.redacted += 1,
            Content::Lost => self.report.lost += 1,
            Content::Gap => self.report.gone += 1,
            Content::Whole | Content::Repair => {}
        }
        if matches!(header.content, Content::Lost | Content::Gap) {
            let missing = Undeclared {
                segment: path.to_owned(),
                offset,
                chain: header.chain,
            };
            self.undeclared.insert(header.seq, missing);
        }
        if let Some(declaration) = repair {
            self.declare(header, declaration);
        }
        if self.report.records.is_multiple_of(4096) {
            self.tell(offset);
        }
    }

    /// Takes in what a repair says is missing; the chain that ends with it must be the one here.
    fn declare(&mut self, header: &RecordHeader, declaration: Declaration) {
        for range in &declaration.ranges {
            let last = self.undeclared.get(&range.repaired.last);
            if last.is_none_or(|last| last.chain == range.chain) {
                self.undeclared
                    .retain(|seq, _| !(range.repaired.first..=range.repaired.last).contains(seq));
            }
        }
        self.report.repairs.push(declaration.report(header));
    }

    fn tell(&mut self, offset: u64) {
        let Walk {
            report,
            total_bytes,
            progress,
            ..
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
    Right {
        offset: u64,
        header: Box<RecordHeader>,
        repair: Option<Declaration>,
    },
    Wrong {
        offset: u64,
        reason: &'static str,
    },
    End,
}

/// Checks what the scanner does not: the chain, and what the chain covers.
fn check(step: &Step<'_>, links: &mut Links) -> Check {
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
    if let Err(reason) = content(header, payload) {
        return wrong(reason);
    }
    let mut repair = None;
    if header.content == Content::Repair {
        repair = Declaration::decode(payload);
        if repair.is_none() {
            return wrong("what a repair says can't be read");
        }
    }
    if !links.follow(header) {
        return wrong("the chain is broken");
    }
    Check::Right {
        offset,
        header: Box::new(*header),
        repair,
    }
}

/// Checks that a payload is what its header says it is.
pub(crate) fn content(header: &RecordHeader, payload: &[u8]) -> Result<(), &'static str> {
    let is_empty = payload.iter().all(|byte| *byte == 0);
    match header.content {
        Content::Whole | Content::Repair
            if format::commitment(&header.salt, payload) != header.commitment =>
        {
            Err("the payload is not what the commitment says")
        }
        Content::Redacted if header.salt != [0; 16] || !is_empty => {
            Err("the record is marked as redacted, and its content is there")
        }
        Content::Lost | Content::Gap if !is_empty => {
            Err("the record is marked as lost, and its content is there")
        }
        _ => Ok(()),
    }
}
