//! A TCP proxy before the broker, so that a test can cut its connections.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

#[derive(Default)]
struct Faults {
    /// Replaced at each cut.
    connections: Mutex<CancellationToken>,
    /// Whether what the broker says is swallowed.
    mute: AtomicBool,
    /// Whether new connections are refused.
    refuse: AtomicBool,
    /// What the broker says on connections up to this one is swallowed for ever.
    frozen: AtomicUsize,
    accepted: AtomicUsize,
}

/// Passes bytes on to the broker, until it is told not to.
pub(crate) struct Proxy {
    faults: Arc<Faults>,
    pub(crate) port: u16,
    /// Ends with the proxy.
    _runtime: Runtime,
}

impl Proxy {
    pub(crate) fn new(broker: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .unwrap();
        let port = listener.local_addr().unwrap().port();
        let faults = Arc::new(Faults::default());
        let (tasks, shared) = (TaskTracker::new(), Arc::clone(&faults));
        let entered = runtime.enter();
        tasks.clone().spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let number = shared.accepted.fetch_add(1, Ordering::SeqCst) + 1;
                if shared.refuse.load(Ordering::SeqCst) {
                    continue;
                }
                let token = shared.connections.lock().unwrap().clone();
                let Ok(server) = TcpStream::connect(broker).await else {
                    continue;
                };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let never = || false;
                tasks.spawn(pass(from_client, to_server, token.clone(), never));
                let faults = Arc::clone(&shared);
                let is_held = move || {
                    faults.mute.load(Ordering::SeqCst)
                        || number <= faults.frozen.load(Ordering::SeqCst)
                };
                tasks.spawn(pass(from_server, to_client, token, is_held));
            }
        });
        drop(entered);
        Self {
            faults,
            port,
            _runtime: runtime,
        }
    }

    /// Cuts every connection.
    pub(crate) fn cut(&self) {
        let mut connections = self.faults.connections.lock().unwrap();
        std::mem::take(&mut *connections).cancel();
    }

    /// Swallows what the broker says, or no longer does.
    pub(crate) fn mute(&self, mute: bool) {
        self.faults.mute.store(mute, Ordering::SeqCst);
    }

    /// Swallows for ever what the broker says on the connections that there are.
    pub(crate) fn freeze(&self) {
        let accepted = self.faults.accepted.load(Ordering::SeqCst);
        self.faults.frozen.store(accepted, Ordering::SeqCst);
    }

    /// Refuses new connections, or no longer does.
    pub(crate) fn refuse(&self, refuse: bool) {
        self.faults.refuse.store(refuse, Ordering::SeqCst);
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    token: CancellationToken,
    is_held: impl Fn() -> bool + Send,
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n = tokio::select! {
            () = token.cancelled() => return,
            read = from.read(&mut buffer) => match read {
                Ok(0) | Err(_) => return,
                Ok(n) => n,
            },
        };
        while is_held() {
            tokio::select! {
                () = token.cancelled() => return,
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
        }
        if to.write_all(&buffer[..n]).await.is_err() {
            return;
        }
    }
}
