//! One batch through the handler, with its failures.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::panic::AssertUnwindSafe;

use fail::fail_point;
use futures_util::FutureExt;
use stoa_proto::Outgoing;
use stoa_proto::codec::{Part, ThreadKey};

use super::admit::{Admitted, is_order};
use super::{Delivery, FIRST_PAUSE, LONGEST_PAUSE, Loop, PATIENCE, Source, Stop};
use crate::handler::{Handler, HandlerError, Incoming, Outcome};
use crate::parking::{Aside, Batch};

/// The handler panicked.
pub(super) struct Panicked;

/// Why a message waits for which the handler has no outcome.
const NO_OUTCOME: &str = "the handler has no outcome for a message";

/// Why an event is refused that makes the handler panic.
pub(super) const PANICKED: &str = "the handler panicked";

/// What came of one message.
enum Made {
    /// It is handled; these events follow from it, and these of its own are parked.
    Done(Vec<Outgoing>, Vec<Aside>),
    /// It has to wait.
    Retry(String),
    /// The handler stopped before it.
    Left,
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
            let group: Vec<_> = rest
                .drain(..take)
                .map(|delivery| self.admit(delivery))
                .collect();
            let messages: Vec<_> = group.iter().filter_map(|one| one.rest.clone()).collect();
            let retry = match self.guarded(messages).await {
                Ok(outcomes) => self.outcomes(group, outcomes, &mut rest).await?,
                Err(Panicked) if take > 1 => {
                    // One of them did it: each is tried by itself.
                    alone = take;
                    requeue(group, &mut rest);
                    continue;
                }
                Err(Panicked) => self.panicked_alone(group, &mut rest).await?,
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

    /// Parks what was refused and publishes what the first messages led to. At the first that has
    /// to wait it puts that one and those behind it back, and returns the reason.
    async fn outcomes(
        &mut self,
        group: Vec<Admitted<S::Token>>,
        outcomes: Vec<Outcome>,
        rest: &mut VecDeque<Delivery<S::Token>>,
    ) -> Result<Option<String>, Stop> {
        let mut outcomes = outcomes.into_iter();
        let mut group = VecDeque::from(group);
        let mut published: BTreeMap<u64, Vec<Outgoing>> = BTreeMap::new();
        let mut settled = Vec::with_capacity(group.len());
        let mut parked = Batch::default();
        let mut refused = HashSet::new();
        let mut retry = None;
        while let Some(mut admitted) = group.pop_front() {
            let behind = std::mem::take(&mut admitted.behind);
            let made = match &admitted.rest {
                None => Made::Done(Vec::new(), Vec::new()),
                Some(incoming) => match outcomes.next() {
                    Some(Ok(outgoing)) => Made::Done(outgoing, Vec::new()),
                    Some(Err(HandlerError::Retry(reason))) => Made::Retry(reason),
                    Some(Err(HandlerError::Reject(reason))) => {
                        self.parts(incoming, &reason, &mut refused).await
                    }
                    None if settled.is_empty() => Made::Retry(NO_OUTCOME.to_owned()),
                    None => Made::Left,
                },
            };
            match made {
                Made::Done(outgoing, mut asides) => {
                    asides.extend(behind);
                    match self.setting.parking.stage(&mut parked, asides) {
                        Ok(()) => {
                            let channel = self.source.channel(&admitted.delivery.token);
                            published.entry(channel).or_default().extend(outgoing);
                            settled.push(admitted.delivery);
                            continue;
                        }
                        Err(full) => retry = Some(full),
                    }
                }
                Made::Retry(reason) => retry = Some(reason),
                Made::Left => {}
            }
            group.push_front(admitted);
            break;
        }
        if parked.refuses_any() {
            // What comes before it is through first: otherwise it would be handed out again after a
            // crash, and go behind what it precedes.
            self.settle_all().await?;
            if settled
                .iter()
                .any(|one: &Delivery<S::Token>| self.source.is_stale(&one.token))
            {
                // Something before it may have been given up: all of it comes again, in order.
                requeue(group.into(), rest);
                for delivery in settled.into_iter().rev() {
                    if self.source.is_stale(&delivery.token) {
                        self.setting.metrics.inflight.dec();
                    } else {
                        rest.push_front(delivery);
                    }
                }
                return Ok(None);
            }
            let published = std::mem::take(&mut published);
            let published = published.into_values().flatten().collect();
            if self.setting.publisher.submit(published).await.is_err() {
                return Err(self.closed());
            }
        }
        let lanes = self.setting.parking.park(parked).await?;
        if !lanes.is_empty() {
            fail_point!("bus_after_park");
        }
        self.retries.parked(lanes);
        self.submit(published, settled);
        requeue(group.into(), rest);
        Ok(retry)
    }

    /// Handles a refused message part by part, so that only the refused parts, and those of their
    /// threads, are without effect.
    async fn parts(
        &mut self,
        incoming: &Incoming,
        reason: &str,
        refused: &mut HashSet<ThreadKey>,
    ) -> Made {
        let parts = self.handler.parts(incoming);
        let is_one = parts.len() < 2;
        let (mut published, mut asides) = (Vec::new(), Vec::new());
        for part in parts {
            if part
                .thread
                .as_ref()
                .is_some_and(|thread| refused.contains(thread))
                && !is_order(&part)
            {
                asides.push(Aside::new(&part, incoming, None));
                continue;
            }
            let outcome = if is_one {
                Err(HandlerError::Reject(reason.to_owned()))
            } else {
                self.part(&part, incoming).await
            };
            match outcome {
                Ok(outgoing) => published.extend(outgoing),
                Err(HandlerError::Retry(reason)) => return Made::Retry(reason),
                Err(HandlerError::Reject(reason)) => {
                    refused.extend(part.thread.clone());
                    asides.push(Aside::new(&part, incoming, Some(reason)));
                }
            }
        }
        Made::Done(published, asides)
    }

    /// Handles a part of a message by itself; one that makes the handler panic gets another try.
    async fn part(&mut self, part: &Part, of: &Incoming) -> Outcome {
        let alone = vec![Incoming {
            message: part.message.clone(),
            ..of.clone()
        }];
        let mut outcomes = self.guarded(alone.clone()).await;
        if outcomes.is_err() {
            outcomes = self.guarded(alone).await;
        }
        match outcomes.map(|outcomes| outcomes.into_iter().next()) {
            Ok(Some(outcome)) => outcome,
            Ok(None) => Err(HandlerError::Retry(NO_OUTCOME.to_owned())),
            Err(Panicked) => Err(HandlerError::Reject(PANICKED.to_owned())),
        }
    }

    /// A message made the handler panic, all by itself: it gets one more chance, then it, or the
    /// part of it that does so, is refused.
    async fn panicked_alone(
        &mut self,
        group: Vec<Admitted<S::Token>>,
        rest: &mut VecDeque<Delivery<S::Token>>,
    ) -> Result<Option<String>, Stop> {
        let messages = group.iter().filter_map(|one| one.rest.clone()).collect();
        let outcomes = self
            .guarded(messages)
            .await
            .unwrap_or_else(|Panicked| vec![Err(HandlerError::Reject(PANICKED.to_owned()))]);
        self.outcomes(group, outcomes, rest).await
    }

    /// Calls the handler and catches its panic. Handlers are given messages again anyway, so
    /// whatever it left half done is as after a crash.
    pub(super) async fn guarded(
        &mut self,
        messages: Vec<Incoming>,
    ) -> Result<Vec<Outcome>, Panicked> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
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
        loop {
            tokio::select! {
                biased;
                () = self.setting.shutdown.cancelled() => return Err(Stop::Shutdown),
                () = tokio::time::sleep_until(until) => return Ok(()),
                // What is parked comes before what waits, and may make room for it.
                () = self.retries.wanted() => self.attend().await?,
            }
        }
    }
}

/// Puts messages back in front of those that wait.
fn requeue<T>(group: Vec<Admitted<T>>, rest: &mut VecDeque<Delivery<T>>) {
    for admitted in group.into_iter().rev() {
        rest.push_front(admitted.delivery);
    }
}
