//! What is published of each record.

use std::borrow::Cow;

use serde::Deserialize;
use stoa_journal::Record;
use stoa_proto::{Data, Event, EventRejected, Exchange, Kind, Outgoing, Shard, shard};

use crate::digest;
use crate::record::{ACCEPTED, Accepted, REJECTED, Rejected, Unreadable};

/// The source of the events that ingest itself makes.
const SOURCE: &str = "/stoa/ingest";

/// Maps a journal record to what is published: the event itself, or the news of its rejection.
pub(crate) fn of(record: &Record) -> Result<Vec<Outgoing>, Unreadable> {
    if record.redacted {
        return Ok(Vec::new());
    }
    let unreadable = || Unreadable {
        seq: record.seq,
        kind: record.kind,
    };
    match record.kind {
        ACCEPTED => {
            let accepted = Accepted::decode(&record.payload).ok_or_else(unreadable)?;
            Ok(vec![Outgoing {
                exchange: Exchange::Content,
                id: accepted.id,
                kind: accepted.kind,
                shard: accepted.shard,
                lane: lane(&accepted.event, accepted.shard),
                routing_key: accepted.shard.routing_key(),
                body: accepted.event,
            }])
        }
        REJECTED => {
            let rejected = Rejected::decode(&record.payload).ok_or_else(unreadable)?;
            if is_news(&rejected) {
                return Ok(Vec::new());
            }
            Ok(vec![Outgoing::new(Exchange::Rejected, &news(rejected))])
        }
        _ => Err(unreadable()),
    }
}

/// The part of an event that names its thread.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    data: Thread<'a>,
}

#[derive(Deserialize)]
struct Thread<'a> {
    #[serde(borrow)]
    site: Cow<'a, str>,
    #[serde(borrow)]
    article: Option<Cow<'a, str>>,
}

/// Returns what tells an event's thread from others; without a thread that of its shard.
fn lane(event: &[u8], shard: Shard) -> u64 {
    let named = serde_json::from_slice::<Named<'_>>(event).ok();
    let thread = named.and_then(|named| Some((named.data.site, named.data.article?)));
    thread.map_or(u64::from(shard.index()), |(site, article)| {
        shard::hash(&site, &article)
    })
}

/// Whether what was refused is itself the news of a rejection.
///
/// That is kept and not told: an inbox that somebody bound to the exchange of rejections would
/// answer each with another one, for ever.
fn is_news(rejected: &Rejected) -> bool {
    rejected.refusal.kind.as_deref() == Some(Kind::EventRejected.as_str())
}

/// Makes the event that tells of a rejection; its id follows from the refused bytes and the code.
fn news(rejected: Rejected) -> Event {
    let id = format!("rejected-{}", digest::hex(rejected.key()));
    let refusal = rejected.refusal;
    let received_at = refusal.received_at.clone();
    let data = Data::EventRejected(EventRejected {
        id: refusal.id,
        source: refusal.source,
        kind: refusal.kind,
        code: refusal.rejection.code,
        field: refusal.rejection.field,
        message: refusal.rejection.message,
        limit: refusal.rejection.limit,
        received_at: refusal.received_at,
        extra: serde_json::Map::new(),
    });
    Event {
        time: Some(received_at),
        ..Event::new(id, SOURCE, data)
    }
}
