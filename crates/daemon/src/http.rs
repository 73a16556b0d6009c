//! HTTP listeners: limits against slow and greedy clients, and what every request and answer gets.
//!
//! Each connection has a time limit for a request's head, for its body and for reading the answer; a listener
//! has a limit of connections. Each request gets an id, a span and its place in the metrics; each answer gets
//! security headers, and each error that has no document of its own becomes a problem document.
//! The size limit of a body is its route's (`axum::extract::DefaultBodyLimit`).
//!
//! Only HTTP/1.1 is spoken: TLS and HTTP/2 are a reverse proxy's work.

mod body;
mod client;
mod io;
mod late;
mod metrics;
mod observe;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request};
use axum::{Router, middleware};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use self::io::TimedIo;
use self::metrics::Metrics;
use self::observe::Observer;
use crate::Context;

pub use self::client::{client, network};
pub use self::late::LateRouter;
pub use self::observe::RequestId;

/// The largest request head: request line and headers. What is over it is answered 431.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Why a listener could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is taken or not ours: change `listen`, or stop what holds it.
    #[error("cannot listen on {listen} for {name}")]
    Bind {
        /// The listener's name.
        name: &'static str,
        /// The address.
        listen: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// Two listeners of one context have the same name.
    #[error("the metrics of listener {name} are registered already")]
    Metrics {
        /// The listener's name.
        name: &'static str,
        /// What the registry says.
        source: prometheus::Error,
    },
}

/// What a listener gives a client at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; more wait in the kernel's queue. Each costs up to about 100 KiB.
    pub connections: usize,
    /// From connecting, or from the last answer, to the end of the next request's head.
    pub head: Duration,
    /// From one piece of a body to the next.
    pub body_idle: Duration,
    /// For a whole body.
    pub body: Duration,
    /// Bytes of a body a second, on average since it began and after the first `body_idle`, so that
    /// one byte a second is no way to hold a connection. A line of 8 kbit/s is fast enough for 1 KiB.
    pub body_rate: u32,
    /// How long a client may take no byte of an answer.
    pub write_idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            head: Duration::from_secs(10),
            body_idle: Duration::from_secs(10),
            body: Duration::from_mins(2),
            body_rate: 1024,
            write_idle: Duration::from_secs(30),
        }
    }
}

/// Serves a router on an address until shutdown, with the default [`Limits`]; see [`serve_with`].
pub async fn serve(
    listen: SocketAddr,
    router: Router,
    context: &Context,
    name: &'static str,
) -> Result<SocketAddr, Error> {
    serve_with(listen, router, context, name, Limits::default()).await
}

/// Serves a router on an address until shutdown, and returns the address that was bound.
///
/// The listener and its connections are tasks of the context. On shutdown no new connection is taken, requests in
/// flight are finished, and idle connections are closed. `name` labels its metrics, as `public` or `admin`.
pub async fn serve_with(
    listen: SocketAddr,
    router: Router,
    context: &Context,
    name: &'static str,
    limits: Limits,
) -> Result<SocketAddr, Error> {
    let bind = |source| Error::Bind {
        name,
        listen,
        source,
    };
    let listener = TcpListener::bind(listen).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    let metrics = Metrics::register(name, &context.registry)
        .map_err(|source| Error::Metrics { name, source })?;
    let observer = Arc::new(Observer {
        name,
        limits,
        metrics: metrics.clone(),
    });
    let router = router.layer(middleware::from_fn_with_state(observer, observe::observe));
    let server = Server {
        name,
        limits,
        metrics,
        router,
        connections: Arc::new(Semaphore::new(limits.connections)),
        shutdown: context.shutdown.clone(),
    };
    tracing::info!(listener = name, %address, "listening");
    let tasks = context.tasks.clone();
    context.supervise(name, async move {
        while let Some((stream, peer, permit)) = server.accept(&listener).await {
            tasks.spawn(server.connection(stream, peer, permit));
        }
        Ok(())
    });
    Ok(address)
}

struct Server {
    name: &'static str,
    limits: Limits,
    metrics: Metrics,
    router: Router,
    connections: Arc<Semaphore>,
    shutdown: CancellationToken,
}

impl Server {
    /// The next connection; `None` on shutdown.
    async fn accept(
        &self,
        listener: &TcpListener,
    ) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let accept = async {
            loop {
                let permit = Arc::clone(&self.connections).acquire_owned().await.ok()?;
                match listener.accept().await {
                    Ok((stream, peer)) => return Some((stream, peer, permit)),
                    Err(error) => {
                        // The connection was reset before it was taken, or file handles ran out: both pass.
                        tracing::warn!(listener = self.name, %error, "cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        };
        tokio::select! {
            () = self.shutdown.cancelled() => None,
            accepted = accept => accepted,
        }
    }

    /// Serves one connection to its end.
    fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        permit: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + Send + 'static {
        let open = self.metrics.connection();
        let (name, limits, shutdown) = (self.name, self.limits, self.shutdown.clone());
        let router = self.router.clone();
        async move {
            // Small answers go out at once; where that can't be set the connection still works.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(listener = name, %error, "cannot set TCP_NODELAY");
            }
            let service = router.map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(ConnectInfo(peer));
                request
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.head)
                .max_buf_size(MAX_HEAD_BYTES)
                .serve_connection(
                    TokioIo::new(TimedIo::new(stream, limits.write_idle)),
                    TowerToHyperService::new(service),
                );
            let mut connection = std::pin::pin!(connection);
            let result = tokio::select! {
                result = connection.as_mut() => result,
                () = shutdown.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = result {
                // Clients go away in many ways, and none of them is the service's fault.
                tracing::debug!(listener = name, %error, "connection ended");
            }
            drop((permit, open));
        }
    }
}
