//! What of ingest's journal is overwritten when words are to be erased.

use std::future::{Future, ready};

use stoa_erase::{Before, Erasable, Targets};
use stoa_journal::Record;
use stoa_proto::{Data, Event, Kind};

use crate::record::{ACCEPTED, Accepted, REJECTED, Rejected, Unreadable};

/// The journal's records: nothing has to be known of them once they are published and overwritten.
#[derive(Debug)]
pub(crate) struct Held;

impl Erasable for Held {
    fn order(&self, record: &Record) -> anyhow::Result<Option<Data>> {
        if record.redacted || record.kind != ACCEPTED {
            return Ok(None);
        }
        let accepted = Accepted::decode(&record.payload).ok_or(unreadable(record))?;
        if !matches!(accepted.kind, Kind::CommentErased | Kind::AuthorErased) {
            return Ok(None);
        }
        let event = Event::from_json(&accepted.event)?;
        Ok(event.is_order().then_some(event.data))
    }

    fn holds(&self, record: &Record, targets: &Targets) -> anyhow::Result<bool> {
        let at = Before::Record(record.seq);
        match record.kind {
            ACCEPTED => {
                let accepted = Accepted::decode(&record.payload).ok_or(unreadable(record))?;
                Ok(targets.in_event(&accepted.event, at))
            }
            // Why it was refused may be that it can't be read: here the names in it are enough.
            REJECTED => {
                let rejected = Rejected::decode(&record.payload).ok_or(unreadable(record))?;
                Ok(targets.in_bytes(&rejected.original, at))
            }
            _ => Err(unreadable(record).into()),
        }
    }

    fn keep(&self, _: Vec<Record>) -> impl Future<Output = anyhow::Result<()>> + Send {
        ready(Ok(()))
    }
}

fn unreadable(record: &Record) -> Unreadable {
    Unreadable {
        seq: record.seq,
        kind: record.kind,
    }
}
