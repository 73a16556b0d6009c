//! What a service gives to the bus: functions from messages, or events, to events.

use std::future::Future;

use stoa_proto::codec::{self, Message};
use stoa_proto::{Outgoing, Received};

/// A message that a reader received.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The message.
    pub message: Message,
    /// Whether it may have been handed out before.
    pub redelivered: bool,
    /// The account that published it, as the broker vouches for it.
    pub user_id: Option<String>,
}

/// Why a message was not handled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandlerError {
    /// It may pass later: the message, and all behind it, wait.
    #[error("{0}")]
    Retry(String),
    /// It never will: the message is parked, the next one goes on.
    #[error("{0}")]
    Reject(String),
}

/// What came of a message: the events to publish, or why there are none.
pub type Outcome = Result<Vec<Outgoing>, HandlerError>;

/// Handles messages. It returns when its own writes are durable.
///
/// A handler may be given a message again, after a crash or together with one that failed, so
/// the same message must have the same effect and the same outcome.
pub trait Handler: Send {
    /// Handles messages in their order and returns an outcome for each, in the same order.
    fn handle(&mut self, messages: Vec<Incoming>) -> impl Future<Output = Vec<Outcome>> + Send;

    /// Takes a message apart, so that a part that is refused does not hold up the others.
    ///
    /// One part, the message itself, means that it can't be split.
    fn split(&self, message: &Incoming) -> Vec<Incoming> {
        vec![message.clone()]
    }
}

/// Handles events, with the same duties as a [`Handler`].
pub trait EventHandler: Send {
    /// Handles events in their order and returns an outcome for each, in the same order.
    fn handle(&mut self, events: Vec<Received>) -> impl Future<Output = Vec<Outcome>> + Send;
}

/// Makes a [`Handler`] of an [`EventHandler`]: decodes messages of Stoa's own roles and flattens
/// batches.
///
/// A message that can't be decoded is parked. A message is parked too if one of its events is
/// rejected; its events are then handled one by one, and what the others lead to is published.
#[derive(Debug)]
pub struct Events<H>(pub H);

impl<H: EventHandler> Handler for Events<H> {
    async fn handle(&mut self, messages: Vec<Incoming>) -> Vec<Outcome> {
        let mut events = Vec::with_capacity(messages.len());
        let mut counts: Vec<Result<usize, HandlerError>> = Vec::with_capacity(messages.len());
        for incoming in &messages {
            counts.push(match codec::decode_trusted(&incoming.message) {
                Ok(decoded) => {
                    let count = decoded.len();
                    events.extend(decoded);
                    Ok(count)
                }
                Err(rejection) => Err(HandlerError::Reject(format!(
                    "{}: {}",
                    rejection.code.as_str(),
                    rejection.message
                ))),
            });
        }
        let expected = events.len();
        let handled = if events.is_empty() {
            Vec::new()
        } else {
            self.0.handle(events).await
        };
        if handled.len() != expected {
            let reason = format!("{} outcomes for {expected} events", handled.len());
            return messages
                .iter()
                .map(|_| Err(HandlerError::Retry(reason.clone())))
                .collect();
        }
        let mut handled = handled.into_iter();
        counts
            .into_iter()
            .map(|count| count.and_then(|count| join(handled.by_ref().take(count))))
            .collect()
    }

    fn split(&self, message: &Incoming) -> Vec<Incoming> {
        let Ok(events) = codec::decode_trusted(&message.message) else {
            return vec![message.clone()];
        };
        events
            .iter()
            .map(|event| Incoming {
                message: Message {
                    content_type: Some(codec::STRUCTURED.to_owned()),
                    body: event.json().clone(),
                    ..message.message.clone()
                },
                redelivered: message.redelivered,
                user_id: message.user_id.clone(),
            })
            .collect()
    }
}

/// Joins the outcomes of a message's events: one that has to wait makes the message wait, one
/// that is refused makes it refused.
fn join(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
    let mut all = Vec::new();
    let mut refused = None;
    for outcome in outcomes {
        match outcome {
            Ok(outgoing) => all.extend(outgoing),
            Err(error @ HandlerError::Retry(_)) => return Err(error),
            Err(error @ HandlerError::Reject(_)) => refused = Some(error),
        }
    }
    refused.map_or(Ok(all), Err)
}
