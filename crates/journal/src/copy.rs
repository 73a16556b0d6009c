//! Copying a journal that another process may own: every record as it was at one moment.
//!
//! A record may be overwritten by a redaction while a file is read. Therefore what is handed out is
//! not the file's bytes as they happen to be, but records that were checked, written again; these are
//! the same bytes.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::Error;
use crate::files::segment_path;
use crate::format::{Content, Hash, RecordHeader, SEGMENT_HEADER, Salt};
use crate::open::read_header;
use crate::scan::{Scanner, Step};

/// How often a record that looks wrong is read again, since a redaction may be under way.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(10);

/// A segment, up to the end of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The sequence of its first record.
    pub first: u64,
    /// The sequence behind its last record.
    pub next: u64,
    /// The bytes from its beginning to there.
    pub bytes: u64,
}

/// A record with everything that a journal has of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The sequence number.
    pub seq: u64,
    /// When it was appended, in microseconds since 1970.
    pub time_us: i64,
    /// What the payload is.
    pub kind: u8,
    /// What there is of it.
    pub content: Content,
    /// The length of the payload when it was written.
    pub length: u32,
    /// The random bytes before the payload in the commitment; zeros if the payload was erased.
    pub salt: Salt,
    /// SHA-256 of salt and payload, as it was when the record was written.
    pub commitment: Hash,
    /// The chain hash.
    pub chain: Hash,
    /// The content; empty if it is not there.
    pub payload: Bytes,
}

impl Kept {
    pub(crate) fn of(header: &RecordHeader, payload: Bytes) -> Self {
        Self {
            seq: header.seq,
            time_us: header.time_us,
            kind: header.kind,
            content: header.content,
            length: header.length,
            salt: header.salt,
            commitment: header.commitment,
            chain: header.chain,
            payload: if header.content.has_payload() {
                payload
            } else {
                Bytes::new()
            },
        }
    }
}

/// Reads a segment of the journal in a folder, to the end of an extent that
/// [`verify`](crate::verify()) has found to be right.
///
/// `visit` gets the bytes one piece after the other: the segment's header, then each record with what
/// it is. The first error of `visit` is the copy's.
///
/// # Errors
/// [`Error::Damaged`] if the segment is no longer what was found.
pub fn copy<E: From<Error>>(
    dir: &Path,
    extent: Extent,
    mut visit: impl FnMut(&[u8], Option<&Kept>) -> Result<(), E>,
) -> Result<(), E> {
    let path = segment_path(dir, extent.first);
    let header = read_header(&path, extent.first)?;
    visit(&header.encode(), None)?;
    let file = File::open(&path).map_err(Error::io("open", &path))?;
    let mut scanner = Scanner::new(Arc::new(file), SEGMENT_HEADER, extent.bytes);
    let mut bytes = Vec::new();
    let mut seq = extent.first;
    let mut attempt = 1;
    while seq < extent.next {
        let (offset, reason) = match scanner.next(seq).map_err(Error::io("read", &path))? {
            Step::Record {
                header, payload, ..
            } => {
                bytes.clear();
                header.encode(&mut bytes);
                bytes.extend_from_slice(payload);
                let kept = Kept::of(&header, Bytes::copy_from_slice(payload));
                visit(&bytes, Some(&kept))?;
                (seq, attempt) = (seq + 1, 1);
                continue;
            }
            Step::Bad { offset, reason } => (offset, reason),
            Step::End => (extent.bytes, "the records behind it are missing"),
        };
        if attempt == ATTEMPTS {
            let error = Error::Damaged {
                segment: path,
                seq,
                offset,
                reason,
            };
            return Err(error.into());
        }
        attempt += 1;
        std::thread::sleep(PAUSE);
        scanner.forget();
    }
    Ok(())
}
