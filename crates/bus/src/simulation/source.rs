//! The receiving half over the simulated broker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::broker::{Broker, NET_MS, Subscribed, Token};
use super::process::Process;
use crate::consume::{Delivery, Source};
use crate::publisher::Lease;
use crate::{BatchLimits, Error};

/// What a process consumes with.
pub(super) struct SimSource {
    pub(super) process: Process,
    pub(super) broker: Arc<Broker>,
    pub(super) arrived: mpsc::UnboundedReceiver<Delivery<Token>>,
    pub(super) shutdown: CancellationToken,
}

/// Subscribes to queues, and anew to each whose consumer has ended.
pub(super) async fn subscribe(
    process: Process,
    broker: Arc<Broker>,
    queues: Vec<String>,
    prefetch: usize,
    sender: mpsc::UnboundedSender<Delivery<Token>>,
) {
    let ended = Arc::new(Notify::new());
    let mut subscribed: Vec<Subscribed> = Vec::new();
    loop {
        process.step().await;
        process.world().sleep(4 * NET_MS).await;
        if broker.is_down() {
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        }
        subscribed.retain(|one| one.usable.load(Ordering::Relaxed));
        for queue in &queues {
            if !subscribed.iter().any(|one| one.queue == *queue) {
                subscribed.push(broker.subscribe(queue, &process, prefetch, &sender, &ended));
            }
        }
        ended.notified().await;
    }
}

impl Source for SimSource {
    type Token = Token;

    async fn receive(
        &mut self,
        limits: BatchLimits,
    ) -> Result<Option<Vec<Delivery<Token>>>, Error> {
        self.process.step().await;
        self.process.world().sleep(NET_MS).await;
        loop {
            let first = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Ok(None),
                first = self.arrived.recv() => first,
            };
            let mut next = first;
            let mut deliveries = Vec::new();
            while let Some(delivery) = next {
                if !self.is_stale(&delivery.token) {
                    deliveries.push(delivery);
                }
                next = if deliveries.len() < limits.max_messages {
                    self.arrived.try_recv().ok()
                } else {
                    None
                };
            }
            if !deliveries.is_empty() {
                return Ok(Some(deliveries));
            }
        }
    }

    fn is_stale(&self, token: &Token) -> bool {
        !token.usable.load(Ordering::Relaxed)
    }

    fn channel(&self, token: &Token) -> u64 {
        token.epoch
    }

    fn lease(&self, token: &Token) -> Lease {
        let usable = Arc::clone(&token.usable);
        Lease::while_holds(move || usable.load(Ordering::Relaxed))
    }

    async fn settle(&mut self, settled: Vec<Delivery<Token>>) -> Result<(), Error> {
        self.process.step().await;
        // As over the real one: an acknowledgement per channel, of its last message.
        let mut last = BTreeMap::new();
        for delivery in settled {
            last.insert(delivery.token.epoch, delivery.token.tag);
        }
        for (epoch, tag) in last {
            self.broker.acknowledge(&self.process, epoch, tag);
        }
        self.process.world().sleep(2).await;
        Ok(())
    }

    async fn close(self) -> Result<(), Error> {
        Ok(())
    }
}
