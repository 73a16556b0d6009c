//! The roles: what of each survives a crash, and its lives one after the other.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus::Registry;
use stoa_proto::{Exchange, Outgoing, Reader};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::broker::Broker;
use super::handler::SimHandler;
use super::journal::{Disk, Sectors};
use super::line;
use super::plan::{Plan, outgoing};
use super::process::Process;
use super::source::{SimSource, subscribe};
use super::world::{World, ids};
use crate::amqp::Shared;
use crate::amqp::publish::PublishTask;
use crate::consume::{self, Setting};
use crate::health::Health;
use crate::life::Life;
use crate::metrics::Metrics;
use crate::{
    AmqpConfig, BatchLimits, CursorFile, Env, Events, Outbox, OutboxHandle, Parking, ParkingConfig,
    Publisher,
};

/// What all roles are made with.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) world: Arc<World>,
    pub(super) broker: Arc<Broker>,
    pub(super) plan: Arc<Plan>,
}

/// A role, or one of two instances of it; the platform has no reader.
pub(super) struct Role {
    pub(super) index: usize,
    pub(super) reader: Option<Reader>,
    pub(super) disk: Disk,
    pub(super) parked: Disk,
    cursor: Sectors,
    alive: Mutex<Option<Alive>>,
}

/// A life of a role, from outside.
#[derive(Clone)]
pub(super) struct Alive {
    pub(super) process: Process,
    pub(super) publisher: Publisher,
    pub(super) parking: Option<Parking>,
    pub(super) outbox: Option<OutboxHandle>,
    pub(super) shutdown: CancellationToken,
}

/// What a task that must not end by itself ended with.
type Ended = (&'static str, Result<(), crate::Error>);

impl Role {
    pub(super) fn new(index: usize, reader: Option<Reader>) -> Self {
        Self {
            index,
            reader,
            disk: Disk::default(),
            parked: Disk::default(),
            cursor: Sectors::new(),
            alive: Mutex::default(),
        }
    }

    pub(super) fn alive(&self) -> Option<Alive> {
        self.alive.lock().unwrap().clone()
    }

    /// Whether an event is done with here, as an acknowledgement of it says.
    pub(super) fn is_done(&self, id: &str, has_kept: impl Fn(&str) -> bool) -> Result<(), String> {
        if self.parked.knows(id) {
            return Ok(());
        }
        if !self.disk.knows(id) {
            return Err("it is not durable".to_owned());
        }
        let output = super::plan::output_id(id);
        if self.reader == Some(Reader::Moderation) && !has_kept(&output) {
            return Err("what follows from it is not confirmed".to_owned());
        }
        Ok(())
    }

    /// Lives, crashes and lives again, until a life ends while `over` is cancelled.
    pub(super) async fn live(self: Arc<Self>, stage: Stage, over: CancellationToken) {
        while !over.is_cancelled() {
            let (alive, mut tasks) = self.start(&stage);
            stage.world.note("starts", self.index);
            *self.alive.lock().unwrap() = Some(alive.clone());
            let crashed = tokio::select! {
                biased;
                () = alive.process.died() => true,
                () = watch_over(&stage.world, &alive, self.index, &mut tasks) => false,
            };
            *self.alive.lock().unwrap() = None;
            tasks.shutdown().await;
            stage.world.note("ends", (self.index, crashed));
            if crashed {
                for disk in [&self.disk, &self.parked] {
                    disk.crash(&stage.world);
                }
                self.cursor.crash(&stage.world);
            }
            hang_up(&stage, alive.process);
            stage.world.sleep(3_000).await;
        }
    }

    fn start(&self, stage: &Stage) -> (Alive, JoinSet<Ended>) {
        let Stage {
            world,
            broker,
            plan,
        } = stage;
        let process = Process::new(world, self.index);
        let shutdown = CancellationToken::new();
        let clock: stoa_journal::Clock = {
            let world = Arc::clone(world);
            Arc::new(move || world.now_us())
        };
        let env = Env {
            tasks: TaskTracker::new(),
            shutdown: shutdown.clone(),
            registry: Registry::new(),
            clock,
        };
        let metrics = Metrics::new(&env).unwrap();
        let config = AmqpConfig {
            confirm_window: plan.confirm_window,
            confirm_timeout: Duration::from_secs(5),
            batch_events: plan.batch_events,
            ..AmqpConfig::default()
        };
        let shared = Shared {
            config: Arc::new(config),
            env,
            metrics: metrics.clone(),
            health: Arc::new(Health::default()),
            life: Life::new(shutdown.clone()),
        };
        let (publisher, submissions) = Publisher::new(metrics);
        let mut alive = Alive {
            process: process.clone(),
            publisher,
            parking: None,
            outbox: None,
            shutdown: shutdown.clone(),
        };
        let mut tasks = JoinSet::new();
        let (sender, connected) = watch::channel(None);
        let connecting = line::connect(
            process.clone(),
            Arc::clone(broker),
            Arc::clone(world),
            sender,
        );
        tasks.spawn(process.run(async {
            connecting.await;
            ("connect", Ok(()))
        }));
        let publishing = PublishTask::new(shared.clone(), connected).run(submissions);
        tasks.spawn(process.run(async move {
            publishing.await;
            ("publish", Ok(()))
        }));
        if let Some(reader) = self.reader {
            self.read(stage, reader, &shared, &mut alive, &mut tasks);
        }
        (alive, tasks)
    }

    /// Starts what reads, and what publishes from a journal.
    fn read(
        &self,
        stage: &Stage,
        reader: Reader,
        shared: &Shared,
        alive: &mut Alive,
        tasks: &mut JoinSet<Ended>,
    ) {
        let Stage { broker, plan, .. } = stage;
        let (process, publisher) = (alive.process.clone(), alive.publisher.clone());
        let Env {
            shutdown,
            registry,
            clock,
            ..
        } = shared.env.clone();
        let running = shared.life.consumer();
        let config = ParkingConfig {
            dir: PathBuf::new(),
            reader,
            max_bytes: 1 << 20,
            reserve_bytes: 0,
        };
        let journal = self.parked.open(&process);
        let parking = Parking::over(journal, &config, &registry, clock).unwrap();
        alive.parking = Some(parking.clone());
        let journal = self.disk.open(&process);
        if reader == Reader::Ingest {
            let cursor = CursorFile::over(&PathBuf::new(), Box::new(self.cursor.clone()), 8192);
            let outbox = Outbox::over(journal.clone(), cursor.unwrap());
            alive.outbox = Some(outbox.handle());
            let running = outbox.run(
                publisher.clone(),
                |record| content(&record),
                shutdown.clone(),
            );
            tasks.spawn(process.run(async { ("outbox", running.await) }));
        }
        let (sender, arrived) = mpsc::unbounded_channel();
        let queues = plan.readers_queues(reader);
        let subscribing = subscribe(
            process.clone(),
            Arc::clone(broker),
            queues,
            plan.prefetch.into(),
            sender,
        );
        tasks.spawn(process.run(async {
            subscribing.await;
            ("subscribe", Ok(()))
        }));
        let source = SimSource {
            process: process.clone(),
            broker: Arc::clone(broker),
            arrived,
            shutdown: shutdown.clone(),
        };
        let setting = Setting {
            reader,
            publisher,
            metrics: shared.metrics.clone(),
            health: Arc::clone(&shared.health),
            limits: BatchLimits {
                max_messages: plan.max_messages,
                ..BatchLimits::default()
            },
            parking,
            shutdown,
        };
        let inflight = setting.metrics.inflight.clone();
        let handler = Events(SimHandler::new(reader, &process, plan, journal, inflight));
        tasks.spawn(process.run(async move {
            let _running = running;
            ("loop", consume::run(source, handler, setting).await)
        }));
    }
}

/// Has the broker find out that a process is gone.
fn hang_up(stage: &Stage, gone: Process) {
    let Stage { world, broker, .. } = stage.clone();
    stage.world.spawn(async move {
        world.sleep(2_000).await;
        broker.end_lines(|process| process.is(&gone));
        world.sleep(200).await;
        broker.end_consumers(|_, process| process.is(&gone));
    });
}

/// What is published of a record of ingest.
fn content(record: &stoa_journal::Record) -> Vec<Outgoing> {
    let ids = ids(&record.payload).into_iter();
    ids.map(|id| outgoing(Exchange::Content, &id)).collect()
}

/// Waits for a stop, which must be asked for, be clean, and not take for ever.
async fn watch_over(world: &World, alive: &Alive, index: usize, tasks: &mut JoinSet<Ended>) {
    let mut working = alive.working();
    while working > 0 {
        let limit = Duration::from_secs(if alive.shutdown.is_cancelled() {
            120
        } else {
            86_400
        });
        let ended = tokio::select! {
            biased;
            () = alive.shutdown.cancelled(), if limit.as_secs() > 120 => continue,
            ended = tokio::time::timeout(limit, tasks.join_next()) => ended,
        };
        match ended {
            Ok(Some(Ok((name, Ok(()))))) if alive.shutdown.is_cancelled() => {
                world.note("stops", (index, name));
                working -= 1;
            }
            other => {
                world.fail(|| format!("role {index} ends by itself: {other:?}"));
                return;
            }
        }
    }
}

impl Alive {
    /// Counts the tasks that end at a stop.
    fn working(&self) -> usize {
        1 + usize::from(self.parking.is_some()) + usize::from(self.outbox.is_some())
    }
}
