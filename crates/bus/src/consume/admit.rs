//! Keeps events of parked threads from the handler.

use stoa_proto::codec::{self, Part};
use stoa_proto::{Event, Kind};

use super::{Delivery, Loop, Source};
use crate::handler::{Handler, Incoming};
use crate::parking::Aside;

/// A message as its handler is given it.
pub(super) struct Admitted<T> {
    /// The message as it came.
    pub(super) delivery: Delivery<T>,
    /// Its events of threads that are parked: they go behind these.
    pub(super) behind: Vec<Aside>,
    /// What is left to handle; none if all of it goes behind.
    pub(super) rest: Option<Incoming>,
}

impl<S: Source, H: Handler> Loop<S, H> {
    /// Finds what of a message is not to be handled yet; while nothing is parked, that is nothing.
    pub(super) fn admit(&self, delivery: Delivery<S::Token>) -> Admitted<S::Token> {
        let parking = &self.setting.parking;
        let incoming = &delivery.incoming;
        let (mut behind, mut rest) = (Vec::new(), Some(incoming.clone()));
        if parking.is_any() {
            let (waiting, free): (Vec<_>, Vec<_>) =
                self.handler.parts(incoming).into_iter().partition(|part| {
                    part.thread
                        .as_ref()
                        .is_some_and(|thread| parking.has(thread))
                        && !is_order(part)
                });
            if !waiting.is_empty() {
                let message = codec::join_parts(&free);
                rest = (!free.is_empty()).then(|| Incoming {
                    message,
                    ..incoming.clone()
                });
                let aside = |part| Aside::new(part, incoming, None);
                behind = waiting.iter().map(aside).collect();
            }
        }
        Admitted {
            delivery,
            behind,
            rest,
        }
    }
}

/// Whether an event orders that a comment be erased: that waits for nobody, since what is parked may
/// be what is to be erased.
pub(super) fn is_order(part: &Part) -> bool {
    let is_erased = part.kind.as_deref() == Some(Kind::CommentErased.as_str());
    is_erased && Event::from_json(&part.message.body).is_ok_and(|event| event.is_order())
}
