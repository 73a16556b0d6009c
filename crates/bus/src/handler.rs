//! What a service gives to the bus: functions from messages, or events, to events.

use std::collections::HashSet;
use std::future::Future;

use stoa_proto::codec::{self, Message, Part, ThreadKey};
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
    /// It is not taken as it is: it is parked with its thread, the other threads go on.
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
    ///
    /// Behind a message that it refuses it may stop, and must stop before a message of the same
    /// thread: those for which it returns no outcome are given again, unless they are parked.
    fn handle(&mut self, messages: Vec<Incoming>) -> impl Future<Output = Vec<Outcome>> + Send;

    /// Takes a message apart into its events and names their threads, so that an event that is
    /// refused holds up those of its thread and no others.
    ///
    /// One part, the message itself, means that it can't be split.
    fn parts(&self, message: &Incoming) -> Vec<Part> {
        codec::split(&message.message)
    }
}

/// Handles events, with the same duties as a [`Handler`].
pub trait EventHandler: Send {
    /// Handles events in their order and returns an outcome for each, in the same order.
    ///
    /// Behind an event that it refuses it may stop, and must stop before an event of the same
    /// thread.
    fn handle(&mut self, events: Vec<Received>) -> impl Future<Output = Vec<Outcome>> + Send;
}

/// Makes a [`Handler`] of an [`EventHandler`]: decodes messages of Stoa's own roles and flattens
/// batches.
///
/// A message that can't be decoded, or that has an event that is rejected, is refused; its events
/// are then handled one by one, what the others lead to is published, and those that are refused
/// are parked with their threads.
#[derive(Debug)]
pub struct Events<H>(pub H);

impl<H: EventHandler> Handler for Events<H> {
    async fn handle(&mut self, messages: Vec<Incoming>) -> Vec<Outcome> {
        let mut events = Vec::with_capacity(messages.len());
        let mut counts: Vec<Result<usize, HandlerError>> = Vec::with_capacity(messages.len());
        // Threads of messages that are refused: what comes behind must not overtake them.
        let mut refused = HashSet::new();
        for incoming in &messages {
            match codec::decode_trusted(&incoming.message) {
                Ok(decoded) => {
                    let behind = |event: &Received| {
                        thread(event).is_some_and(|thread| refused.contains(&thread))
                    };
                    if !refused.is_empty() && decoded.iter().any(behind) {
                        break;
                    }
                    counts.push(Ok(decoded.len()));
                    events.extend(decoded);
                }
                Err(rejection) => {
                    let parts = codec::split(&incoming.message);
                    refused.extend(parts.into_iter().filter_map(|part| part.thread));
                    counts.push(Err(HandlerError::Reject(rejection.to_string())));
                }
            }
        }
        let mut handled = if events.is_empty() {
            Vec::new().into_iter()
        } else {
            self.0.handle(events).await.into_iter()
        };
        let mut outcomes = Vec::with_capacity(counts.len());
        for count in counts {
            match count {
                Ok(count) => {
                    let own: Vec<Outcome> = handled.by_ref().take(count).collect();
                    let stopped = own.len() < count;
                    if stopped && own.iter().all(Result::is_ok) {
                        break;
                    }
                    outcomes.push(join(own));
                    if stopped {
                        break;
                    }
                }
                Err(refused) => outcomes.push(Err(refused)),
            }
        }
        outcomes
    }
}

/// Returns the thread of an event as a key.
fn thread(event: &Received) -> Option<ThreadKey> {
    event.thread().map(|thread| ThreadKey {
        site: event.site().to_owned(),
        thread: thread.to_owned(),
    })
}

/// Joins the outcomes of a message's events: one that has to wait makes the message wait, one
/// that is refused makes it refused.
fn join(outcomes: Vec<Outcome>) -> Outcome {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Passes every event, and writes down which it was given.
    #[derive(Default)]
    struct All(Vec<String>);

    impl EventHandler for All {
        async fn handle(&mut self, events: Vec<Received>) -> Vec<Outcome> {
            self.0.extend(events.iter().map(|event| event.id.clone()));
            events.iter().map(|_| Ok(Vec::new())).collect()
        }
    }

    fn message(id: &str, article: &str, version: &str) -> Incoming {
        let body = json!({
            "specversion": "1.0", "id": id, "source": "/s",
            "type": format!("stoa.comment.withdrawn.{version}"),
            "data": {"site": "s", "article": article, "comment": "c"},
        });
        Incoming {
            message: Message {
                body: body.to_string().into(),
                ..Message::default()
            },
            redelivered: false,
            user_id: None,
        }
    }

    #[tokio::test]
    async fn nothing_overtakes_what_cannot_be_read() {
        let mut events = Events(All::default());
        let outcomes = events
            .handle(vec![
                message("1", "a", "v1"),
                message("2", "a", "v2"),
                message("3", "b", "v1"),
                message("4", "b", "v2"),
                message("5", "c", "v1"),
                message("6", "a", "v1"),
                message("7", "c", "v1"),
            ])
            .await;
        // The sixth is behind the second, and the seventh is given again together with it.
        let passed: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
        assert_eq!(passed, [true, false, true, false, true]);
        assert_eq!(events.0.0, ["1", "3", "5"]);
    }

    /// Refuses the second event, and stops there.
    struct Second;

    impl EventHandler for Second {
        async fn handle(&mut self, events: Vec<Received>) -> Vec<Outcome> {
            let mut outcomes: Vec<Outcome> = events.iter().map(|_| Ok(Vec::new())).collect();
            outcomes.truncate(2);
            outcomes[1] = Err(HandlerError::Reject("no".to_owned()));
            outcomes
        }
    }

    #[tokio::test]
    async fn a_handler_that_stops_is_asked_again_for_the_rest() {
        let batch = |ids: [&str; 2]| {
            let events = ids.map(|id| message(id, "a", "v1").message.body);
            let mut incoming = message("", "a", "v1");
            incoming.message.content_type = Some(codec::BATCH.to_owned());
            incoming.message.body = codec::batch(&events);
            incoming
        };
        let whole = Events(Second)
            .handle(vec![batch(["1", "2"]), batch(["3", "4"])])
            .await;
        assert!(
            matches!(whole[..], [Err(HandlerError::Reject(_))]),
            "{whole:?}"
        );
        let cut = Events(Second)
            .handle(vec![
                message("1", "a", "v1"),
                batch(["2", "3"]),
                message("4", "b", "v1"),
            ])
            .await;
        assert!(
            matches!(cut[..], [Ok(_), Err(HandlerError::Reject(_))]),
            "{cut:?}"
        );
    }
}
