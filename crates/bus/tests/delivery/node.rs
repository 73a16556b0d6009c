//! A process, as far as the bus can tell: a runtime that can be stopped or torn down.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use stoa_bus::{
    BatchLimits, Bus, EmbeddedConfig, Env, Error, Filter, Handler, Parked, Parking, ParkingConfig,
};
use stoa_proto::Reader;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A transport that outlives the nodes on it.
pub(crate) trait Transport {
    /// Starts a node.
    fn start(&self) -> Node;
    /// A folder for what a node keeps besides.
    fn dir(&self) -> &Path;
    /// Publishes bytes that no event has.
    fn publish_garbage(&self, body: &[u8]);
    /// Returns what is parked, while no node is up.
    fn parked(&self) -> Vec<Parked> {
        let parking = open_parking(self.dir(), READER, PARKED_BYTES, &Registry::new());
        parking.page(&Filter::default(), None, usize::MAX).parked
    }
}

/// Who reads in most tests; what it counts is on the node's registry.
pub(crate) const READER: Reader = Reader::Moderation;
/// The most that a reader parks, in most tests.
pub(crate) const PARKED_BYTES: u64 = 1 << 24;

fn open_parking(dir: &Path, reader: Reader, max_bytes: u64, registry: &Registry) -> Parking {
    let config = ParkingConfig {
        dir: dir.join("parked").join(reader.name()),
        reader,
        max_bytes,
        reserve_bytes: 0,
    };
    Parking::open(&config, registry, Arc::new(|| 1_700_000_000_000_000)).unwrap()
}

/// A running bus.
pub(crate) struct Node {
    pub(crate) bus: Bus,
    pub(crate) registry: Registry,
    pub(crate) shutdown: CancellationToken,
    dir: PathBuf,
    tasks: TaskTracker,
    runtime: Runtime,
}

impl Node {
    pub(crate) fn start(dir: &Path, open: impl FnOnce(Env) -> Result<Bus, Error>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let registry = Registry::new();
        let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
        let env = Env {
            tasks: tasks.clone(),
            shutdown: shutdown.clone(),
            registry: registry.clone(),
            clock: Arc::new(|| 1_700_000_000_000_000),
        };
        let bus = {
            let _entered = runtime.enter();
            open(env).unwrap()
        };
        Self {
            bus,
            registry,
            shutdown,
            dir: dir.to_owned(),
            tasks,
            runtime,
        }
    }

    /// Runs a future to its end; no test waits longer than this.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        let limited = async { tokio::time::timeout(Duration::from_mins(1), future).await };
        self.runtime.block_on(limited).expect("it takes too long")
    }

    /// Waits for a condition.
    pub(crate) fn until(&self, what: &str, mut condition: impl FnMut() -> bool) {
        for _ in 0..3_000 {
            if condition() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("never: {what}; status {:?}", self.bus.status());
    }

    pub(crate) fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let _entered = self.runtime.enter();
        self.tasks.spawn(future)
    }

    /// Runs the consumer loop.
    pub(crate) fn read(
        &self,
        reader: Reader,
        handler: impl Handler + 'static,
    ) -> JoinHandle<Result<(), Error>> {
        self.park(reader, PARKED_BYTES, handler).1
    }

    /// Runs the consumer loop, which parks so much at most.
    pub(crate) fn park(
        &self,
        reader: Reader,
        max_bytes: u64,
        handler: impl Handler + 'static,
    ) -> (Parking, JoinHandle<Result<(), Error>>) {
        let own = Registry::new();
        let registry = if reader == READER {
            &self.registry
        } else {
            &own
        };
        let parking = open_parking(&self.dir, reader, max_bytes, registry);
        let (bus, parked) = (self.bus.clone(), parking.clone());
        let limits = BatchLimits {
            max_messages: 64,
            max_bytes: 1024 * 1024,
        };
        let running = self.spawn(async move { bus.run(reader, handler, limits, parked).await });
        (parking, running)
    }

    /// Sums a metric over its labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        self.labelled(name, "")
    }

    /// Sums a metric over what has such a label, or over all for the empty one.
    pub(crate) fn labelled(&self, name: &str, value: &str) -> f64 {
        let has = |metric: &&prometheus::proto::Metric| {
            let mut labels = metric.get_label().iter();
            value.is_empty() || labels.any(|label| label.value() == value)
        };
        self.registry
            .gather()
            .iter()
            .filter(|family| family.name() == name)
            .flat_map(prometheus::proto::MetricFamily::get_metric)
            .filter(has)
            .map(|metric| metric.get_counter().get_value() + metric.get_gauge().get_value())
            .sum()
    }

    /// Stops in order.
    pub(crate) fn stop(self) {
        self.shutdown.cancel();
        self.tasks.close();
        self.wait(self.tasks.wait());
    }

    /// Ends at once: no task gets to finish anything.
    pub(crate) fn crash(self) {
        let Self { bus, runtime, .. } = self;
        runtime.shutdown_timeout(Duration::from_secs(10));
        drop(bus);
    }
}

/// The embedded bus in a temporary folder.
pub(crate) struct Embedded {
    dir: TempDir,
}

impl Embedded {
    pub(crate) fn new() -> Self {
        Self {
            dir: TempDir::new().unwrap(),
        }
    }

    fn journal(&self, name: &str) -> stoa_journal::Journal {
        let path = self.dir.path().join("bus").join(name);
        let options = stoa_journal::Options {
            max_record_bytes: 1 << 26,
            ..Default::default()
        };
        stoa_journal::Journal::open(&path, options, Arc::new(|| 0))
            .unwrap()
            .journal
    }
}

impl Transport for Embedded {
    fn start(&self) -> Node {
        let config = EmbeddedConfig {
            batch_events: 4,
            ..EmbeddedConfig::default()
        };
        let dir = self.dir.path();
        Node::start(dir, |env| Bus::embedded(&dir.join("bus"), config, env))
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn publish_garbage(&self, body: &[u8]) {
        std::fs::create_dir_all(self.dir.path().join("bus/stoa.content")).unwrap();
        let journal = self.journal("stoa.content");
        let entry = stoa_journal::Entry {
            kind: 1,
            payload: body.to_vec().into(),
        };
        let runtime = Runtime::new().unwrap();
        runtime.block_on(journal.append(vec![entry])).unwrap();
    }
}
