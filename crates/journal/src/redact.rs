//! Erasing a payload in place, in a way that a crash can't leave half done.
//!
//! First a small file says what will be written and where, and is made durable. Then the record is
//! overwritten and made durable, and the file removed. Opening writes again what a file asks for:
//! the same bytes to the same place. The file holds the record's new header and nothing secret.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::files;
use crate::format::{Content, RECORD_HEADER_LEN, RecordHeader, take};

pub(crate) const FILE: &str = "redaction";
const MAGIC: [u8; 8] = *b"\x89STOAR\r\n";
const ZEROS: [u8; 8192] = [0; 8192];

/// What will be written, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Intent {
    /// The first sequence of the segment.
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    /// The header after the redaction.
    pub(crate) header: RecordHeader,
}

impl Intent {
    /// Plans the redaction of a record.
    pub(crate) fn new(segment: u64, offset: u64, header: &RecordHeader) -> Intent {
        let payload_crc = crc_of_zeros(header.length);
        let header = RecordHeader {
            content: Content::Redacted,
            salt: [0; 16],
            payload_crc,
            ..*header
        };
        Intent {
            segment,
            offset,
            header,
        }
    }

    /// Makes the plan durable.
    pub(crate) fn write(&self, dir: &Path) -> io::Result<()> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&self.segment.to_le_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
        self.header.encode(&mut out);
        out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
        files::create_synced(&dir.join(FILE), &out)
    }

    /// Does what was planned, durably; a segment that was trimmed meanwhile needs nothing.
    pub(crate) fn apply(&self, dir: &Path) -> io::Result<()> {
        let path = files::segment_path(dir, self.segment);
        let file = match OpenOptions::new().write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut header = Vec::with_capacity(RECORD_HEADER_LEN);
        self.header.encode(&mut header);
        file.write_all_at(&header, self.offset)?;
        let mut at = self.offset + header.len() as u64;
        let mut left = usize::try_from(self.header.length).map_err(io::Error::other)?;
        while left > 0 {
            let zeros = ZEROS.get(..left).unwrap_or(&ZEROS);
            file.write_all_at(zeros, at)?;
            at += zeros.len() as u64;
            left -= zeros.len();
        }
        file.sync_data()
    }

    /// Forgets the plan, after it was done.
    pub(crate) fn clear(dir: &Path) -> io::Result<()> {
        match std::fs::remove_file(dir.join(FILE)) {
            Ok(()) => files::sync_dir(dir),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Does a plan that a crash interrupted. A plan that is not whole was never begun.
    pub(crate) fn resume(dir: &Path) -> io::Result<()> {
        let bytes = match std::fs::read(dir.join(FILE)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if let Some(intent) = Intent::decode(&bytes) {
            intent.apply(dir)?;
        }
        Intent::clear(dir)
    }

    fn decode(bytes: &[u8]) -> Option<Intent> {
        let (covered, crc) = bytes.split_last_chunk::<4>()?;
        let mut input = covered;
        if crc32c::crc32c(covered) != u32::from_le_bytes(*crc) || take(&mut input)? != MAGIC {
            return None;
        }
        let segment = u64::from_le_bytes(take(&mut input)?);
        let offset = u64::from_le_bytes(take(&mut input)?);
        let header = RecordHeader::decode(input).ok()?;
        Some(Intent {
            segment,
            offset,
            header,
        })
    }
}

pub(crate) fn crc_of_zeros(length: u32) -> u32 {
    let mut left = usize::try_from(length).unwrap_or(usize::MAX);
    let mut crc = 0;
    while left > 0 {
        let zeros = ZEROS.get(..left).unwrap_or(&ZEROS);
        crc = crc32c::crc32c_append(crc, zeros);
        left -= zeros.len();
    }
    crc
}
