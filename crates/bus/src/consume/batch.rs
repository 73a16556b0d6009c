//! One batch through the handler, with its failures.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use stoa_proto::Outgoing;

use super::{Delivery, FIRST_PAUSE, LONGEST_PAUSE, Loop, PATIENCE, Settle, Source, Stop};
use crate::handler::{Handler, HandlerError, Incoming, Outcome};

/// The handler panicked.
struct Panicked;

/// What came of the parts of one message.
enum Parts {
    /// All were handled; those that were refused, were for this reason.
    Done(Vec<Outgoing>, Option<String>),
    /// One has to wait.
    Retry(String),
}

impl<S: Source, H: Handler> Loop<S, H> {
    /// Handles a batch to its end: until every message of it is handled, refused, or stale.
    pub(super) async fn batch(&mut self, deliveries: Vec<Delivery<S::Token>>) -> Result<(), Stop> {
        let mut rest = VecDeque::from(deliveries);
        let mut attempt = 0_u32;
        let mut alone = 0_usize;
        while let Some(first) = rest.front() {
            let take = if alone > 0 || first.suspect {
                1
            } else {
                rest.iter().take_while(|delivery| !delivery.suspect).count()
            };
            let group: Vec<_> = rest.drain(..take).collect();
            let messages = group
                .iter()
                .map(|delivery| delivery.incoming.clone())
                .collect();
            let retry = match self.guarded(messages).await {
                Ok(outcomes) => self.outcomes(group, outcomes, &mut rest).await,
                Err(Panicked) if take > 1 => {
                    // One of them did it: each is tried by itself.
                    alone = take;
                    requeue(group, &mut rest);
                    continue;
                }
                Err(Panicked) => self.panicked_alone(group, &mut rest).await,
            };
            let Some(reason) = retry else {
                alone = alone.saturating_sub(1);
                if attempt > 0 {
                    attempt = 0;
                    self.setting
                        .health
                        .problem(self.setting.reader.name(), None);
                }
                continue;
            };
            // The message that failed is tried by itself, those behind it wait.
            alone = alone.max(1);
            attempt += 1;
            self.pause(attempt, &reason).await?;
            let before = rest.len();
            rest.retain(|delivery| !self.source.is_stale(&delivery.token));
            self.setting
                .metrics
                .inflight
                .sub(crate::metrics::gauge_value(before - rest.len()));
        }
        if attempt > 0 {
            self.setting
                .health
                .problem(self.setting.reader.name(), None);
        }
        Ok(())
    }

    /// Publishes what the first messages led to. At the first that has to wait it puts that one
    /// and those behind it back, and returns the reason.
    async fn outcomes(
        &mut self,
        group: Vec<Delivery<S::Token>>,
        outcomes: Vec<Outcome>,
        rest: &mut VecDeque<Delivery<S::Token>>,
    ) -> Option<String> {
        if outcomes.len() != group.len() {
            let reason = format!("{} outcomes for {} messages", outcomes.len(), group.len());
            requeue(group, rest);
            return Some(reason);
        }
        let mut published = Vec::new();
        let mut settled = Vec::with_capacity(group.len());
        let mut retry = None;
        let mut pairs = group.into_iter().zip(outcomes);
        for (delivery, outcome) in pairs.by_ref() {
            match outcome {
                Ok(outgoing) => {
                    published.extend(outgoing);
                    settled.push((delivery, Settle::Ack));
                }
                Err(HandlerError::Retry(reason)) => {
                    retry = Some((delivery, reason));
                    break;
                }
                Err(HandlerError::Reject(reason)) => {
                    match self.parts(&delivery.incoming, reason).await {
                        Parts::Done(outgoing, refused) => {
                            published.extend(outgoing);
                            settled.push((delivery, refused.map_or(Settle::Ack, Settle::Park)));
                        }
                        Parts::Retry(reason) => {
                            retry = Some((delivery, reason));
                            break;
                        }
                    }
                }
            }
        }
        self.submit(published, settled);
        let (delivery, reason) = retry?;
        let behind = std::iter::once(delivery).chain(pairs.map(|(delivery, _)| delivery));
        requeue(behind.collect(), rest);
        Some(reason)
    }

    /// Handles a refused message part by part, so that only the refused parts are without effect.
    async fn parts(&mut self, incoming: &Incoming, reason: String) -> Parts {
        let parts = self.handler.split(incoming);
        if parts.len() < 2 {
            return Parts::Done(Vec::new(), Some(reason));
        }
        let mut published = Vec::new();
        let mut refused = None;
        for part in parts {
            let mut outcome = self.guarded(vec![part.clone()]).await;
            if outcome.is_err() {
                outcome = self.guarded(vec![part]).await;
            }
            match outcome.map(|outcomes| outcomes.into_iter().next()) {
                Ok(Some(Ok(outgoing))) => published.extend(outgoing),
                Ok(Some(Err(HandlerError::Retry(reason)))) => return Parts::Retry(reason),
                Ok(Some(Err(HandlerError::Reject(reason)))) => refused = Some(reason),
                Ok(None) => return Parts::Retry("no outcome for a message".to_owned()),
                Err(Panicked) => refused = Some("the handler panicked".to_owned()),
            }
        }
        Parts::Done(published, refused)
    }

    /// A message made the handler panic, all by itself: it gets one more chance, then it, or the
    /// part of it that does so, is refused.
    async fn panicked_alone(
        &mut self,
        group: Vec<Delivery<S::Token>>,
        rest: &mut VecDeque<Delivery<S::Token>>,
    ) -> Option<String> {
        let messages = group
            .iter()
            .map(|delivery| delivery.incoming.clone())
            .collect();
        let outcomes = self.guarded(messages).await.unwrap_or_else(|Panicked| {
            vec![Err(HandlerError::Reject("the handler panicked".to_owned()))]
        });
        self.outcomes(group, outcomes, rest).await
    }

    /// Calls the handler and catches its panic. Handlers are given messages again anyway, so
    /// whatever it left half done is as after a crash.
    async fn guarded(&mut self, messages: Vec<Incoming>) -> Result<Vec<Outcome>, Panicked> {
        let handling = AssertUnwindSafe(self.handler.handle(messages)).catch_unwind();
        handling.await.map_err(|_| {
            self.setting.metrics.panics.inc();
            tracing::error!(
                queue.reader = self.setting.reader.name(),
                "a handler panicked"
            );
            Panicked
        })
    }

    /// Waits before the next attempt; what is unconfirmed meanwhile is settled.
    async fn pause(&mut self, attempt: u32, reason: &str) -> Result<(), Stop> {
        let reader = self.setting.reader.name();
        self.setting.metrics.retries.inc();
        if attempt == 1 {
            tracing::warn!(
                queue.reader = reader,
                attempt,
                reason,
                "a message has to wait"
            );
        }
        if attempt >= PATIENCE {
            let reason = format!("a message is retried since {attempt} attempts: {reason}");
            self.setting.health.problem(reader, Some(reason));
        }
        let pause = FIRST_PAUSE
            .saturating_mul(1 << (attempt - 1).min(10))
            .min(LONGEST_PAUSE);
        let until = tokio::time::Instant::now() + pause;
        self.settle_all().await?;
        tokio::select! {
            () = tokio::time::sleep_until(until) => Ok(()),
            () = self.setting.shutdown.cancelled() => Err(Stop::Shutdown),
        }
    }
}

/// Puts messages back in front of those that wait.
fn requeue<T>(group: Vec<Delivery<T>>, rest: &mut VecDeque<Delivery<T>>) {
    for delivery in group.into_iter().rev() {
        rest.push_front(delivery);
    }
}
