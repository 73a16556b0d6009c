//! The bus's inbox: the same way as HTTP, with the broker as the client.

use std::sync::Arc;

use stoa_bus::{Handler, HandlerError, Incoming};
use stoa_proto::codec::{self, Part};
use stoa_proto::limits;

use crate::budget::Budget;
use crate::engine::Handle;
use crate::intake::{Intake, Sender};

/// Handles messages of the inbox: each is answered once all of its events are durable.
pub(crate) struct Inbox {
    intake: Arc<Intake>,
    engine: Handle,
    budget: Budget,
}

impl Inbox {
    pub(crate) fn new(intake: Arc<Intake>, engine: Handle, budget: Budget) -> Self {
        Self {
            intake,
            engine,
            budget,
        }
    }
}

impl Handler for Inbox {
    async fn handle(&mut self, messages: Vec<Incoming>) -> Vec<stoa_bus::Outcome> {
        let all = |error: HandlerError| messages.iter().map(|_| Err(error.clone())).collect();
        if let Err(reason) = self.budget.check() {
            return all(HandlerError::Retry(reason));
        }
        let mut items = Vec::with_capacity(messages.len());
        let mut outcomes = Vec::with_capacity(messages.len());
        for incoming in &messages {
            let message = &incoming.message;
            let sender = Sender::Account(incoming.user_id.as_deref());
            if message.body.len() > limits::BATCH_BYTES {
                // The reason is recorded and published; the bytes are kept where there is room.
                items.push(self.intake.oversize(message, sender));
                let reason = format!("a message may have {} bytes", limits::BATCH_BYTES);
                outcomes.push(Err(HandlerError::Reject(reason)));
            } else {
                items.extend(self.intake.prepare(message, sender));
                outcomes.push(Ok(Vec::new()));
            }
        }
        match self.engine.submit(items).await {
            Ok(_) => outcomes,
            Err(stopped) => all(HandlerError::Retry(stopped.to_string())),
        }
    }

    /// A message that is too large as a whole is not taken apart: its events must not pass by
    /// themselves.
    fn parts(&self, incoming: &Incoming) -> Vec<Part> {
        let message = &incoming.message;
        if message.body.len() <= limits::BATCH_BYTES {
            let parts = codec::split(message);
            if parts.len() <= limits::BATCH_EVENTS {
                return parts;
            }
        }
        vec![Part::whole(message.clone())]
    }
}
