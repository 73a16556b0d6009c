//! Messages on their way into the store.

use bytes::Bytes;
use stoa_journal::Entry;
use stoa_proto::codec::Part;

use super::index::{Index, Sizes};
use super::record::Head;
use crate::handler::Incoming;

/// What a record takes besides its payload.
const RECORD_BYTES: u64 = 120;

/// A message on its way into the store.
#[derive(Debug)]
pub(crate) struct Aside {
    pub(super) head: Head,
    pub(super) body: Bytes,
    pub(super) redelivered: bool,
}

impl Aside {
    /// Sets a part of a message aside; without a reason it waits behind its thread.
    pub(crate) fn new(part: &Part, of: &Incoming, reason: Option<String>) -> Self {
        Self {
            head: Head::new(part, of.user_id.clone(), reason),
            body: part.message.body.clone(),
            redelivered: of.redelivered,
        }
    }
}

/// Messages that are made durable together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(super) parked: Vec<(Head, Sizes, Entry)>,
    pub(super) bytes: u64,
}

impl Batch {
    /// Whether any of them was refused itself, and does not only wait behind another.
    pub(crate) fn refuses_any(&self) -> bool {
        let mut heads = self.parked.iter().map(|(head, _, _)| head);
        heads.any(|head| head.reason.is_some())
    }
}

/// Counts what a record takes.
pub(super) fn record_bytes(payload: usize) -> u64 {
    RECORD_BYTES + u64::try_from(payload).unwrap_or(u64::MAX / 2)
}

pub(super) fn sizes(index: &Index, head: &Head, body: &[u8], record: u64) -> Sizes {
    Sizes {
        body: u64::try_from(body.len()).unwrap_or(u64::MAX),
        record,
        digest: index.digest(head, body),
    }
}
