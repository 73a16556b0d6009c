//! What the publishing task needs of a connection, which the simulation has its own of.

use std::future::Future;
use std::time::Duration;

use futures_util::FutureExt;
use lapin::options::BasicPublishOptions;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel};
use stoa_proto::codec::STRUCTURED;
use stoa_proto::{Exchange, trace};

use super::window::{Confirm, Sender, short};
use crate::amqp::live::{GOODBYE, Live};
use crate::amqp::topology;
use crate::pack::Packet;

/// A connection over which is published.
pub(crate) trait Line: Send + Sync {
    /// Its channels.
    type Outlet: Outlet;

    fn is_open(&self) -> bool;

    /// Whether the broker takes nothing, for want of memory or disk.
    fn is_blocked(&self) -> bool;

    /// Opens a channel whose publishes are confirmed.
    fn open(&self, limit: Duration) -> impl Future<Output = Result<Self::Outlet, String>> + Send;

    /// Checks that an exchange is there.
    fn check(
        &self,
        exchange: Exchange,
        limit: Duration,
    ) -> impl Future<Output = Result<(), String>> + Send;
}

/// A channel over which is published.
pub(crate) trait Outlet: Send + Sync {
    fn is_open(&self) -> bool;

    /// Sends a message and waits for the broker's word. It takes its place in the channel's order
    /// when it is first polled.
    fn publish(
        &self,
        number: u64,
        packet: &Packet,
        from: &Sender,
    ) -> impl Future<Output = Confirm> + Send + 'static;

    /// Waits for the client to have resolved all confirms that it resolves together.
    fn barrier(&self);

    fn close(&self) -> impl Future<Output = ()> + Send;
}

impl Line for Live {
    type Outlet = Channel;

    fn is_open(&self) -> bool {
        self.status().connected()
    }

    fn is_blocked(&self) -> bool {
        self.status().blocked()
    }

    async fn open(&self, limit: Duration) -> Result<Channel, String> {
        topology::confirming_channel(self, limit).await
    }

    async fn check(&self, exchange: Exchange, limit: Duration) -> Result<(), String> {
        topology::check_exchange(self, exchange, limit).await
    }
}

impl Outlet for Channel {
    fn is_open(&self) -> bool {
        self.status().connected()
    }

    fn publish(
        &self,
        number: u64,
        packet: &Packet,
        from: &Sender,
    ) -> impl Future<Output = Confirm> + Send + 'static {
        let (exchange, routing_key) = (packet.exchange, packet.routing_key.as_str().into());
        let options = BasicPublishOptions {
            mandatory: exchange.mandatory(),
            ..Default::default()
        };
        let mut properties = BasicProperties::default()
            .with_content_type(packet.content_type.into())
            .with_message_id(short(&packet.id).into())
            .with_delivery_mode(2)
            .with_app_id(from.app_id.as_str().into());
        if let Some(account) = &from.account {
            properties = properties.with_user_id(account.as_str().into());
        }
        if let Some(kind) = packet.kind {
            properties = properties.with_type(kind.as_str().into());
        }
        // So that a reader which knows nothing of events goes on with the trace, too.
        if packet.content_type == STRUCTURED
            && let Some(traceparent) = trace::of_json(&packet.body)
        {
            let mut headers = FieldTable::default();
            headers.insert(
                trace::TRACEPARENT.into(),
                AMQPValue::LongString(traceparent.into()),
            );
            properties = properties.with_headers(headers);
        }
        let body = packet.body.clone();
        let channel = self.clone();
        async move {
            let publishing = channel.basic_publish(
                exchange.name().into(),
                routing_key,
                options,
                &body,
                properties,
            );
            let confirm = match publishing.await {
                Ok(confirm) => confirm.await,
                Err(error) => Err(error),
            };
            (number, confirm)
        }
    }

    /// It holds a lock meanwhile, which this call takes once.
    fn barrier(&self) {
        let polled = Box::pin(self.wait_for_confirms()).now_or_never();
        drop(polled);
    }

    async fn close(&self) {
        if self.is_open() {
            let closing = Channel::close(self, 200, "goodbye".into());
            tokio::time::timeout(GOODBYE, closing).await.ok();
        }
    }
}
