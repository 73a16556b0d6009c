//! Writing a journal from records that a copy has of it, each under its sequence.
//!
//! **Invariant:** what is written is what the journal had. Each record's commitment proves its payload,
//! and its chain hash everything that came before it.

use std::fs;
use std::path::Path;

use crate::Error;
use crate::copy::Kept;
use crate::declaration::Declaration;
use crate::files;
use crate::format::{
    Content, FORMAT_VERSION, GENESIS, Hash, Links, REPAIRED_VERSION, RecordHeader,
};
use crate::mark::{Mark, MarkFile};
use crate::open::lock_folder;
use crate::redact::crc_of_zeros;
use crate::repair::{Out, SEGMENT_BYTES, Segment, zeros};
use crate::verify::content;

/// The longest payload that is restored.
const MAX_RECORD_BYTES: u32 = 64 * 1024 * 1024;

/// A journal that is being restored.
pub struct Restore {
    out: Out,
    segment: Option<(Segment, u16)>,
    next: u64,
    _lock: fs::File,
}

/// A journal that was restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// How many records it has.
    pub records: u64,
    /// The chain hash of the last one.
    pub head: Hash,
}

impl Restore {
    /// Begins a journal in a folder that is made for it.
    ///
    /// # Errors
    /// [`Error::Io`], also if the folder is there already.
    pub fn begin(dir: &Path) -> Result<Self, Error> {
        fs::create_dir(dir).map_err(Error::io("create", dir))?;
        Ok(Self {
            _lock: lock_folder(dir)?,
            out: Out {
                dir: dir.to_owned(),
                links: Links::new(GENESIS),
                time_us: 0,
                previous: None,
                declaration: Declaration::default(),
            },
            segment: None,
            next: 0,
        })
    }

    /// Writes the next record.
    ///
    /// # Errors
    /// [`Error::Foreign`] if it is not the one that the journal had here.
    pub fn put(&mut self, kept: &Kept) -> Result<(), Error> {
        let foreign = |reason| Error::Foreign {
            seq: self.next,
            reason,
        };
        if kept.seq != self.next {
            return Err(foreign("it has another number"));
        }
        if kept.length > MAX_RECORD_BYTES {
            return Err(Error::TooLarge {
                what: "a record",
                bytes: kept.length.into(),
                limit: MAX_RECORD_BYTES.into(),
            });
        }
        let mut header = RecordHeader {
            payload_crc: 0,
            length: kept.length,
            seq: kept.seq,
            time_us: kept.time_us,
            index: 0,
            kind: kept.kind,
            content: kept.content,
            salt: kept.salt,
            commitment: kept.commitment,
            chain: kept.chain,
        };
        let payload = if kept.content.has_payload() {
            header.payload_crc = crc32c::crc32c(&kept.payload);
            kept.payload.clone()
        } else {
            header.payload_crc = crc_of_zeros(kept.length);
            zeros(&header)
        };
        if payload.len() as u64 != u64::from(kept.length) {
            return Err(foreign("its payload has another length"));
        }
        content(&header, &payload).map_err(foreign)?;
        let resumes = self.out.links.resumes.is_some();
        let before = self.out.links;
        if !self.out.links.follow(&header) {
            return Err(foreign("it does not continue the chain"));
        }
        let is_plain = matches!(header.content, Content::Whole | Content::Redacted) && !resumes;
        let version = if is_plain {
            FORMAT_VERSION
        } else {
            REPAIRED_VERSION
        };
        self.write(&header, &payload, version, before)
            .map_err(Error::io("write", &self.out.dir))?;
        self.next += 1;
        Ok(())
    }

    fn write(
        &mut self,
        header: &RecordHeader,
        payload: &[u8],
        version: u16,
        before: Links,
    ) -> std::io::Result<()> {
        let fits = |(segment, of): &(Segment, u16)| {
            segment.at + header.bytes() <= SEGMENT_BYTES && version <= *of
        };
        if self.segment.as_ref().is_some_and(|open| !fits(open))
            && let Some((full, _)) = self.segment.take()
        {
            self.out.finish(full)?;
        }
        if self.segment.is_none() {
            let mut begun = self.out.header(header.seq, version, header.time_us);
            begun.previous_chain = before.head;
            self.segment = Some((self.out.begin(&begun)?, version));
        }
        match &mut self.segment {
            Some((segment, _)) => segment.put(header, payload),
            None => Ok(()),
        }
    }

    /// Makes the journal durable; returns what it has.
    ///
    /// # Errors
    /// [`Error::Foreign`] if a record must follow; [`Error::Io`].
    pub fn finish(mut self) -> Result<Restored, Error> {
        if self.out.links.resumes.is_some() {
            return Err(Error::Foreign {
                seq: self.next,
                reason: "it is missing",
            });
        }
        let (dir, next, head) = (self.out.dir.clone(), self.next, self.out.links.head);
        if let Some((last, _)) = self.segment.take() {
            self.out.finish(last).map_err(Error::io("write", &dir))?;
        }
        settle(&dir, next)?;
        Ok(Restored {
            records: next,
            head,
        })
    }
}

/// Makes the segments that were put into a folder a journal whose records reach up to `next`.
///
/// # Errors
/// [`Error::Io`].
pub fn settle(dir: &Path, next: u64) -> Result<(), Error> {
    if next == 0 {
        // There is no segment, so opening begins the journal.
        return files::sync_dir(dir).map_err(Error::io("sync", dir));
    }
    MarkFile::open(dir)
        .and_then(|mut mark| mark.set(Mark { first: 0, next }))
        .and_then(|()| files::sync_dir(dir))
        .map_err(Error::io("write the mark of", dir))
}
