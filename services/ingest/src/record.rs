//! The records of ingest's journal.
//!
//! - `ACCEPTED` (1): a head, then the event as it is published, byte for byte.
//! - `REJECTED` (2): a head as JSON, then the original bytes as they came.
//!
//! The head of an accepted event holds what the view and the outbox need, so that neither parses
//! the event again: not when the view is rebuilt, and not when the event is published.
//!
//! ```text
//! accepted: version u8 = 1 · shard u8 · flags u8 · kind length u8 · id length u16
//!           key [16] · content [16] · flags & 1: revision key [16] · revision u32 · content [16]
//!           kind · id · event (JSON)
//! rejected: version u8 = 1 · head length u32 · head (JSON) · original bytes
//! ```
//!
//! Numbers are little-endian.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use stoa_proto::{Kind, Rejection, Shard, Time};
use utoipa::ToSchema;

use crate::digest::{self, Digest};

/// The record kind of an accepted event.
pub(crate) const ACCEPTED: u8 = 1;
/// The record kind of a rejected event.
pub(crate) const REJECTED: u8 = 2;

const VERSION: u8 = 1;
const HAS_REVISION: u8 = 1;

/// A record that this version can't read.
#[derive(Debug, thiserror::Error)]
#[error("record {seq} of kind {kind} can't be read: its head is cut or of a newer version")]
pub(crate) struct Unreadable {
    pub(crate) seq: u64,
    pub(crate) kind: u8,
}

/// What makes an event itself: by this, repeats and conflicts are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The digest of `(source, id)`.
    pub(crate) key: Digest,
    /// The digest of type and data.
    pub(crate) content: Digest,
    /// For a comment's text: the revision that this event claims.
    pub(crate) revision: Option<Claim>,
}

/// The revision that an order to erase a comment claims: none of the comment's own has it, and while
/// it is remembered nothing is accepted that would bring words back.
pub(crate) const ERASED: u32 = 0;

/// The revision of a comment that an event claims, with its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The digest of `(site, comment)`.
    pub(crate) comment: Digest,
    /// The revision's number.
    pub(crate) revision: u32,
    /// The digest of the revision's content.
    pub(crate) content: Digest,
}

/// An accepted event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) mark: Mark,
    pub(crate) shard: Shard,
    pub(crate) kind: Kind,
    pub(crate) id: String,
    /// The event as it is published.
    pub(crate) event: Bytes,
}

impl Accepted {
    /// Writes the record's payload.
    pub(crate) fn encode(&self) -> Bytes {
        let kind = self.kind.as_str();
        let mut out = Vec::with_capacity(80 + kind.len() + self.id.len() + self.event.len());
        out.push(VERSION);
        out.push(self.shard.index());
        out.push(if self.mark.revision.is_some() {
            HAS_REVISION
        } else {
            0
        });
        // Kinds are short, and ids are limited to 256 bytes.
        out.push(u8::try_from(kind.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(
            &u16::try_from(self.id.len())
                .unwrap_or(u16::MAX)
                .to_le_bytes(),
        );
        out.extend_from_slice(&self.mark.key);
        out.extend_from_slice(&self.mark.content);
        if let Some(claim) = &self.mark.revision {
            out.extend_from_slice(&claim.comment);
            out.extend_from_slice(&claim.revision.to_le_bytes());
            out.extend_from_slice(&claim.content);
        }
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(self.id.as_bytes());
        out.extend_from_slice(&self.event);
        out.into()
    }

    /// Reads a record's payload; the event is a slice of it.
    pub(crate) fn decode(payload: &Bytes) -> Option<Self> {
        let mut reader = Reader(payload);
        let (mark, head) = reader.head()?;
        let kind = Kind::parse(std::str::from_utf8(reader.take(head.kind_len)?).ok()?)?;
        let id = std::str::from_utf8(reader.take(head.id_len)?)
            .ok()?
            .to_owned();
        let event = payload.slice_ref(reader.0);
        Some(Self {
            mark,
            shard: Shard::from_index(head.shard)?,
            kind,
            id,
            event,
        })
    }

    /// Reads only what the view needs.
    pub(crate) fn decode_mark(payload: &[u8]) -> Option<Mark> {
        Reader(payload).head().map(|(mark, _)| mark)
    }
}

struct Head {
    shard: u8,
    kind_len: usize,
    id_len: usize,
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }

    fn head(&mut self) -> Option<(Mark, Head)> {
        let [version, shard, flags, kind_len] = self.array::<4>()?;
        if version != VERSION {
            return None;
        }
        let id_len = usize::from(u16::from_le_bytes(self.array()?));
        let key = self.array()?;
        let content = self.array()?;
        let revision = if flags & HAS_REVISION == 0 {
            None
        } else {
            Some(Claim {
                comment: self.array()?,
                revision: u32::from_le_bytes(self.array()?),
                content: self.array()?,
            })
        };
        let head = Head {
            shard,
            kind_len: usize::from(kind_len),
            id_len,
        };
        Some((
            Mark {
                key,
                content,
                revision,
            },
            head,
        ))
    }
}

/// The way an event came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    /// `POST /v1/events`.
    Http,
    /// The bus's inbox.
    Bus,
}

/// What is known of a rejected event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Refusal {
    /// The event's id, if it could be read.
    pub(crate) id: Option<String>,
    /// The event's source, if it could be read.
    pub(crate) source: Option<String>,
    /// The event's type, if it could be read.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// Why it was refused.
    #[serde(flatten)]
    pub(crate) rejection: Rejection,
    /// When it came.
    pub(crate) received_at: Time,
    /// The way it came.
    pub(crate) transport: Transport,
    /// The message's content type.
    #[serde(default)]
    pub(crate) content_type: Option<String>,
    /// The token's name, where there was one.
    #[serde(default)]
    pub(crate) publisher: Option<String>,
    /// The original's length in bytes, also where it is not kept here.
    pub(crate) original_bytes: u64,
    /// The original's digest, where it was too large to be kept here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) original_digest: Option<String>,
}

/// A rejected event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rejected {
    pub(crate) refusal: Refusal,
    /// The bytes as they came.
    pub(crate) original: Bytes,
}

impl Rejected {
    /// The key by which the same refusal of the same message is known.
    ///
    /// In binary mode the bytes are the data alone: two events with the same data differ by what
    /// their headers say.
    pub(crate) fn key(&self) -> Digest {
        let refusal = &self.refusal;
        let text = |part: &Option<String>| part.clone().unwrap_or_default().into_bytes();
        let (held, bytes): (&[u8], &[u8]) = match &refusal.original_digest {
            None => (b"held", &self.original),
            Some(absent) => (b"absent", absent.as_bytes()),
        };
        digest::of(&[
            refusal.rejection.code.as_str().as_bytes(),
            &text(&refusal.rejection.field),
            &text(&refusal.id),
            &text(&refusal.source),
            &text(&refusal.kind),
            held,
            bytes,
        ])
    }

    /// Writes the record's payload.
    pub(crate) fn encode(&self) -> Bytes {
        // Serialising plain data to memory can't fail; an empty head would only lose the reason.
        let head = serde_json::to_vec(&self.refusal).unwrap_or_default();
        let mut out = Vec::with_capacity(5 + head.len() + self.original.len());
        out.push(VERSION);
        out.extend_from_slice(&u32::try_from(head.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(&head);
        out.extend_from_slice(&self.original);
        out.into()
    }

    /// Reads a record's payload; the original is a slice of it.
    pub(crate) fn decode(payload: &Bytes) -> Option<Self> {
        let mut reader = Reader(payload);
        let [version] = reader.array()?;
        if version != VERSION {
            return None;
        }
        let length = usize::try_from(u32::from_le_bytes(reader.array()?)).ok()?;
        let refusal = serde_json::from_slice(reader.take(length)?).ok()?;
        Some(Self {
            refusal,
            original: payload.slice_ref(reader.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stoa_proto::Code;

    use super::*;

    fn accepted(revision: Option<Claim>, id: &str, event: &[u8]) -> Accepted {
        Accepted {
            mark: Mark {
                key: [1; 16],
                content: [2; 16],
                revision,
            },
            shard: Shard::of("courrier", "a-1"),
            kind: Kind::CommentSubmitted,
            id: id.to_owned(),
            event: Bytes::copy_from_slice(event),
        }
    }

    proptest! {
        #[test]
        fn an_accepted_event_comes_back(
            claim in any::<Option<([u8; 16], u32, [u8; 16])>>(),
            id in "[a-zé]{1,100}",
            event in any::<Vec<u8>>(),
        ) {
            let revision = claim.map(|(comment, revision, content)| Claim { comment, revision, content });
            let record = accepted(revision, &id, &event);
            let payload = record.encode();
            prop_assert_eq!(Accepted::decode_mark(&payload), Some(record.mark));
            prop_assert_eq!(Accepted::decode(&payload), Some(record));
        }

        #[test]
        fn a_rejected_event_comes_back(original in any::<Vec<u8>>(), id in any::<Option<String>>()) {
            let rejected = Rejected {
                refusal: Refusal {
                    id,
                    source: None,
                    kind: Some("stoa.comment.submitted.v1".to_owned()),
                    rejection: Rejection::too_large("data.body", 70_000, 65_536, "bytes"),
                    received_at: Time::parse("2026-11-24T12:00:00Z").unwrap(),
                    transport: Transport::Http,
                    content_type: None,
                    publisher: Some("courrier".to_owned()),
                    original_bytes: original.len() as u64,
                    original_digest: None,
                },
                original: original.into(),
            };
            prop_assert_eq!(Rejected::decode(&rejected.encode()), Some(rejected));
        }

        #[test]
        fn what_is_no_record_is_refused(payload in any::<Vec<u8>>()) {
            let payload = Bytes::from(payload);
            let _either = (Accepted::decode(&payload), Rejected::decode(&payload));
        }
    }

    #[test]
    fn a_cut_head_is_refused() {
        let claim = Claim {
            comment: [3; 16],
            revision: 7,
            content: [4; 16],
        };
        let payload = accepted(Some(claim), "e-1", b"{}").encode();
        for end in 0..payload.len() - 2 {
            assert_eq!(Accepted::decode(&payload.slice(..end)), None, "{end}");
        }
    }

    #[test]
    fn the_same_bytes_refused_for_another_reason_are_another_refusal() {
        let refusal_of = |id: Option<&str>, code| Rejected {
            refusal: Refusal {
                id: id.map(str::to_owned),
                source: None,
                kind: None,
                rejection: Rejection::whole(code, "x"),
                received_at: Time::parse("2026-11-24T12:00:00Z").unwrap(),
                transport: Transport::Bus,
                content_type: None,
                publisher: None,
                original_bytes: 2,
                original_digest: None,
            },
            original: Bytes::from_static(b"{}"),
        };
        let refusal = |code| refusal_of(None, code);
        assert_ne!(
            refusal_of(Some("e-1"), Code::UnknownSite).key(),
            refusal_of(Some("e-2"), Code::UnknownSite).key(),
            "in binary mode, the same data under two ids"
        );
        assert_eq!(
            refusal(Code::UnknownSite).key(),
            refusal(Code::UnknownSite).key()
        );
        assert_ne!(
            refusal(Code::UnknownSite).key(),
            refusal(Code::InvalidJson).key()
        );
    }
}
