//! What is to be sent, out of the role's journal.

use std::collections::VecDeque;

use bytes::Bytes;
use stoa_journal::{Iter, Journal, Record};
use stoa_proto::{Event, Kind};

use super::state::Place;
use crate::config::WebhookConfig;
use crate::record::Stored;

/// Records that are read at a time.
const RECORDS: usize = 256;
/// Bytes of these.
const BYTES: usize = 4 * 1024 * 1024;

/// An event to send.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) place: Place,
    pub(super) lane: u64,
    /// When its record was written.
    pub(super) since: i64,
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) site: String,
    /// As on the bus, letter for letter.
    pub(super) body: Bytes,
}

/// Which events an endpoint is sent.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    kinds: Vec<Kind>,
    /// None: all.
    sites: Option<Vec<String>>,
}

impl Filter {
    pub(super) fn new(config: &WebhookConfig) -> Self {
        let is_all = config.sites.iter().any(|site| site == "*");
        Self {
            kinds: config.kinds(),
            sites: (!is_all).then(|| config.sites.clone()),
        }
    }

    fn takes(&self, event: &Event) -> bool {
        self.kinds.contains(&event.kind())
            && self
                .sites
                .as_ref()
                .is_none_or(|sites| sites.iter().any(|site| site == event.site()))
    }

    /// Returns what a record has for the endpoint; nothing if its words were erased.
    pub(super) fn items(&self, record: &Record) -> anyhow::Result<Vec<Item>> {
        let stored = Stored::read(record)?;
        let outputs = stored.map(|stored| stored.outputs).unwrap_or_default();
        let mut items = Vec::new();
        for (body, number) in outputs.into_iter().zip(0..) {
            let event = match Event::from_json(&body) {
                Ok(event) => event,
                Err(error) => {
                    // As the outbox does: it would be no other when it is read again.
                    tracing::error!(
                        code = error.code.as_str(),
                        "an event of the journal can't be read"
                    );
                    continue;
                }
            };
            if self.takes(&event) {
                items.push(Item {
                    place: (record.seq, number),
                    lane: event.lane(),
                    since: record.time_us,
                    kind: event.kind(),
                    site: event.site().to_owned(),
                    id: event.id,
                    body,
                });
            }
        }
        Ok(items)
    }
}

/// Reads on: what was found, and the iterator, whose position is where the next reading begins.
pub(super) fn read(mut iter: Iter, filter: &Filter) -> anyhow::Result<(Iter, VecDeque<Item>)> {
    let mut found = VecDeque::new();
    let mut bytes = 0;
    for _ in 0..RECORDS {
        let Some(record) = iter.next() else { break };
        let record = record?;
        bytes += record.payload.len();
        found.extend(filter.items(&record)?);
        if bytes >= BYTES {
            break;
        }
    }
    Ok((iter, found))
}

/// Reads one event again; none if its words were erased.
pub(super) fn again(
    journal: &Journal,
    place: Place,
    filter: &Filter,
) -> anyhow::Result<Option<Item>> {
    let Some(record) = journal.read_seq(place.0)? else {
        return Ok(None);
    };
    let items = filter.items(&record)?;
    Ok(items.into_iter().find(|item| item.place == place))
}
