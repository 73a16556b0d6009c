//! One run: the platform publishes, faults come, and when they have ended everything must settle.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use stoa_proto::{Exchange, Reader};
use tokio_util::sync::CancellationToken;

use super::broker::Broker;
use super::plan::{Plan, Poison, event_id, outgoing};
use super::role::{Role, Stage};
use super::verdict;
use super::world::World;
use crate::{Filter, Parked, Unanswered};

/// How long it may take to settle when there are no more faults.
const PATIENCE: Duration = Duration::from_mins(30);

/// What came of a run.
pub(super) struct Run {
    pub(super) failure: Option<String>,
    /// A number that only the same run has, and how much happened in it.
    pub(super) trace: (u64, u64),
}

/// Runs a seed.
pub(super) fn run(seed: u64, shows: bool) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let world = Arc::new(World::new(seed, shows));
        let failure = Scene::new(&world).play().await;
        Run {
            failure: world.failure().or(failure.err()),
            trace: world.trace(),
        }
    })
}

/// All that a run consists of.
pub(super) struct Scene {
    pub(super) stage: Stage,
    /// The platform, ingest, moderation, the archive, and perhaps moderation once more.
    pub(super) roles: Vec<Arc<Role>>,
    over: CancellationToken,
}

impl Scene {
    fn new(world: &Arc<World>) -> Self {
        let plan = Arc::new(Plan::new(world));
        let readers = [
            None,
            Some(Reader::Ingest),
            Some(Reader::Moderation),
            Some(Reader::Archive),
        ];
        let second = plan.two_moderators.then_some(Some(Reader::Moderation));
        let readers = readers.into_iter().chain(second).enumerate();
        let roles: Vec<_> = readers
            .map(|(index, reader)| Arc::new(Role::new(index, reader)))
            .collect();
        let broker = {
            let (roles, itself) = (
                roles.clone(),
                Arc::new(OnceLock::<std::sync::Weak<Broker>>::new()),
            );
            let known = Arc::clone(&itself);
            let broker = Arc::new(Broker::new(
                world,
                Box::new(move |role, id| {
                    let broker = known.get().and_then(std::sync::Weak::upgrade);
                    roles[role].is_done(id, |id| {
                        broker.as_ref().is_some_and(|broker| broker.has_kept(id))
                    })
                }),
            ));
            itself.set(Arc::downgrade(&broker)).ok();
            broker
        };
        for reader in Reader::ALL {
            for queue in plan.readers_queues(reader) {
                broker.declare(queue);
            }
        }
        Self {
            stage: Stage {
                world: Arc::clone(world),
                broker,
                plan,
            },
            roles,
            over: CancellationToken::new(),
        }
    }

    fn world(&self) -> &World {
        &self.stage.world
    }

    async fn play(&self) -> Result<(), String> {
        let tasks = tokio_util::task::TaskTracker::new();
        for role in &self.roles {
            tasks.spawn(Arc::clone(role).live(self.stage.clone(), self.over.clone()));
        }
        tokio::join!(self.publish(), self.faults());
        self.calm();
        // With what was dropped those behind it are free, and poison for the next role among them.
        loop {
            self.settle().await?;
            if !self.drop_poison().await? {
                break;
            }
        }
        self.over.cancel();
        for role in &self.roles {
            if let Some(alive) = role.alive() {
                alive.shutdown.cancel();
            }
        }
        tasks.close();
        tasks.wait().await;
        verdict::judge(self)
    }

    /// The platform: each thread's events in their order, now and then one of them again.
    async fn publish(&self) {
        let (world, plan) = (self.world(), &self.stage.plan);
        tokio::task::yield_now().await;
        let publisher = self.roles[0].alive().unwrap().publisher;
        let mut next = vec![0; plan.threads.len()];
        let mut confirms = Vec::new();
        while next.iter().any(|n| *n < plan.n_events) {
            let turn = usize::try_from(world.below(next.len() as u64)).unwrap();
            let again = world.percent(15) && next[turn] > 0;
            let number = if again {
                world.below(next[turn])
            } else {
                next[turn]
            };
            if number >= plan.n_events {
                continue;
            }
            next[turn] += u64::from(!again);
            let id = event_id(&plan.threads[turn], number);
            confirms.push(publisher.submit(vec![outgoing(Exchange::Inbox, &id)]));
            if world.percent(60) {
                world.sleep(1_500).await;
            }
        }
        for confirm in confirms {
            if confirm.await.is_err() {
                world.fail(|| "the platform's publisher gave up".to_owned());
            }
        }
    }

    async fn faults(&self) {
        for _ in 0..self.stage.plan.n_faults {
            self.world().sleep(3_000).await;
            self.fault().await;
        }
    }

    /// Has something go wrong, or somebody ask for something.
    async fn fault(&self) {
        let (world, broker) = (self.world(), &self.stage.broker);
        let role = world.one(&self.roles[1..]).unwrap();
        let Some(alive) = role.alive() else { return };
        let fault = world.below(13);
        world.note("fault", (fault, role.index));
        match fault {
            0 | 1 => alive.process.set_fuse(Some(world.between(1, 80))),
            2 => alive.process.kill(),
            3 => {
                let pause = Duration::from_millis(world.between(100, 40_000));
                alive.process.freeze(pause);
                if world.percent(70) {
                    world.sleep(2_000).await;
                    broker.end_lines(|process| process.is(&alive.process));
                    broker.end_consumers(|_, process| process.is(&alive.process));
                }
            }
            4 => broker.end_consumers(|_, process| process.is(&alive.process)),
            5 => broker.end_lines(|process| process.role() == role.index || process.role() == 0),
            6 => broker.cut_channels(|process| process.role() == role.index || process.role() == 0),
            7 => {
                let queues = self.stage.plan.readers_queues(role.reader.unwrap());
                let queue = world.one(&queues).unwrap();
                broker.end_consumers(|name, _| name == queue);
            }
            8 => broker.crash(Duration::from_millis(world.between(10, 5_000))),
            9 => broker.block(Duration::from_millis(world.between(10, 10_000))),
            10 => broker.refuse(Duration::from_millis(world.between(10, 1_000))),
            11 => alive.shutdown.cancel(),
            _ => {
                let Some(parking) = alive.parking else { return };
                let page = parking.page(&Filter::default(), None, 100).parked;
                let Some(one) = world.one(&page) else { return };
                let poison = self.poison(role, one);
                let id = one.id;
                let is_drop = poison == Some(Poison::Always) && world.percent(50);
                world.note("somebody asks", (role.index, id, is_drop));
                world.spawn(async move {
                    if is_drop {
                        let asked = parking.drop_message(id, "ada".to_owned(), "spam".to_owned());
                        asked.await.ok();
                    } else {
                        parking.retry(id).await.ok();
                    }
                });
            }
        }
    }

    fn poison(&self, role: &Role, parked: &Parked) -> Option<Poison> {
        self.stage
            .plan
            .refuses(role.reader?, parked.event.as_deref()?)
    }

    /// Ends the faults, and brings the later version.
    fn calm(&self) {
        self.stage.plan.is_upgraded.store(true, Ordering::Relaxed);
        for role in &self.roles {
            if let Some(alive) = role.alive() {
                alive.process.set_fuse(None);
            }
        }
        self.world().note("calm", ());
    }

    /// Waits until nothing is under way, and nothing is parked but poison and what is behind it.
    async fn settle(&self) -> Result<(), String> {
        let limit = tokio::time::Instant::now() + PATIENCE;
        let mut quiet = 0;
        while quiet < 3 {
            if let Some(failure) = self.world().failure() {
                return Err(failure);
            }
            if tokio::time::Instant::now() > limit {
                return Err(format!("it does not settle: {}", self.left()));
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
            quiet = if self.is_quiet() { quiet + 1 } else { 0 };
        }
        self.world().note("settled", ());
        Ok(())
    }

    fn is_quiet(&self) -> bool {
        let mut quiet = self.stage.broker.n_messages() == 0;
        for role in &self.roles {
            let Some(alive) = role.alive() else {
                return false;
            };
            quiet &= !alive.shutdown.is_cancelled();
            quiet &= alive
                .outbox
                .is_none_or(|outbox| outbox.pending_records() == 0);
            let Some(parking) = alive.parking else {
                continue;
            };
            let page = parking.page(&Filter::default(), None, 10_000).parked;
            let mut events: Vec<_> = page.iter().map(|one| &one.event).collect();
            events.sort();
            if !events.is_sorted_by(|one, other| one < other) {
                let index = role.index;
                self.world()
                    .fail(|| format!("role {index} parks twice: {events:?}"));
            }
            for first in page.iter().filter(|one| one.behind.is_none()) {
                if self.poison(role, first) != Some(Poison::Always) {
                    quiet = false;
                    let (parking, id) = (parking.clone(), first.id);
                    self.world().spawn(async move {
                        parking.retry(id).await.ok();
                    });
                }
            }
        }
        quiet
    }

    /// Says what is left, and where.
    fn left(&self) -> String {
        let mut left = format!("{} messages in queues", self.stage.broker.n_messages());
        for role in &self.roles {
            let Some(alive) = role.alive() else {
                left += &format!("; role {} is down", role.index);
                continue;
            };
            let pending = alive.outbox.map_or(0, |outbox| outbox.pending_records());
            let parked = alive.parking.map_or_else(Vec::new, |parking| {
                parking.page(&Filter::default(), None, 10_000).parked
            });
            let parked: Vec<_> = parked.into_iter().filter_map(|one| one.event).collect();
            left += &format!(
                "; role {}: pending {pending}, parked {parked:?}",
                role.index
            );
        }
        left
    }

    /// Drops what no later version takes; says whether there was any.
    async fn drop_poison(&self) -> Result<bool, String> {
        let mut dropped = false;
        for role in &self.roles {
            let Some(parking) = role.alive().and_then(|alive| alive.parking) else {
                continue;
            };
            for one in parking.page(&Filter::default(), None, 10_000).parked {
                if self.poison(role, &one).is_none() {
                    continue;
                }
                let asked = parking.drop_message(one.id, "ada".to_owned(), "spam".to_owned());
                match tokio::time::timeout(Duration::from_mins(5), asked).await {
                    // Somebody asked for that before.
                    Ok(Ok(_) | Err(Unanswered::Unknown)) => dropped = true,
                    other => return Err(format!("{one:?} is not dropped: {other:?}")),
                }
            }
        }
        Ok(dropped)
    }
}
