//! An event on its way to an exchange.

use bytes::Bytes;

use crate::data::Verdict;
use crate::event::{Data, Event, Kind};
use crate::{Exchange, Shard};

/// An event, serialised once, with what a publisher needs to route it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// Where it goes.
    pub exchange: Exchange,
    /// The event's id.
    pub id: String,
    /// The event's type.
    pub kind: Kind,
    /// The event's shard.
    pub shard: Shard,
    /// What tells its thread from others: events with the same stay in order.
    pub lane: u64,
    /// The key by which the exchange routes it.
    pub routing_key: String,
    /// The event as structured JSON.
    pub body: Bytes,
}

impl Outgoing {
    /// Serialises an event for an exchange.
    pub fn new(exchange: Exchange, event: &Event) -> Self {
        Self::with_body(exchange, event, event.to_json())
    }

    /// Takes an event that is serialised already.
    pub fn with_body(exchange: Exchange, event: &Event, body: Bytes) -> Self {
        let shard = event.shard();
        Self {
            exchange,
            id: event.id.clone(),
            kind: event.kind(),
            shard,
            lane: event.lane(),
            routing_key: routing_key(exchange, event, shard),
            body,
        }
    }
}

fn routing_key(exchange: Exchange, event: &Event, shard: Shard) -> String {
    match exchange {
        Exchange::Inbox => String::new(),
        Exchange::Content | Exchange::Outcomes => shard.routing_key(),
        Exchange::Decisions => {
            let word = match &event.data {
                Data::CommentDecided(decision) => {
                    return decision_key(&decision.site, decision.verdict);
                }
                Data::AuthorSanctioned(_) => "sanctioned",
                _ => event.kind().short().split('.').next().unwrap_or_default(),
            };
            format!("{}.{word}", event.site().replace('.', "_"))
        }
        Exchange::Rejected => match &event.data {
            Data::EventRejected(rejected) => rejected.code.as_str().to_owned(),
            _ => event.kind().short().to_owned(),
        },
    }
}

/// Returns the routing key of a decision, `<site>.<verdict>`; dots in the site's id become `_`.
pub fn decision_key(site: &str, verdict: Verdict) -> String {
    format!("{}.{}", site.replace('.', "_"), verdict.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sanction_goes_to_those_who_listen_to_sanctions() {
        let json = include_bytes!("../examples/v1/author.sanctioned.json");
        let event = Event::from_json(json).unwrap();
        let key = |exchange| Outgoing::new(exchange, &event).routing_key;
        assert_eq!(key(Exchange::Decisions), "courrier.sanctioned");
        assert_eq!(key(Exchange::Outcomes), event.shard().routing_key());
    }
}
