//! A process of the simulation: it can crash at each thing that it does, and stand still.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, Sleep};

use super::journal::DISK_MS;
use super::world::World;

thread_local! {
    static CURRENT: RefCell<Option<Process>> = const { RefCell::new(None) };
}

/// Returns the process that is running.
pub(crate) fn current() -> Option<Process> {
    CURRENT.with_borrow(Clone::clone)
}

/// One life of a role.
#[derive(Clone)]
pub(crate) struct Process(Arc<Inner>);

struct Inner {
    world: Arc<World>,
    /// Its role's number.
    role: usize,
    state: Mutex<State>,
    died: Notify,
}

#[derive(Default)]
struct State {
    is_dead: bool,
    /// It crashes after so many steps.
    fuse: Option<u64>,
    /// It stands still until then.
    frozen: Option<Instant>,
}

impl Process {
    pub(super) fn new(world: &Arc<World>, role: usize) -> Self {
        Self(Arc::new(Inner {
            world: Arc::clone(world),
            role,
            state: Mutex::default(),
            died: Notify::new(),
        }))
    }

    pub(super) fn world(&self) -> &World {
        &self.0.world
    }

    pub(super) fn role(&self) -> usize {
        self.0.role
    }

    /// Whether both are the same life of a role.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Counts a thing that it does; if this is where it crashes, or it has, the answer is no.
    pub(super) fn goes_on(&self) -> bool {
        let mut state = self.0.state.lock().unwrap();
        if let Some(fuse) = &mut state.fuse {
            *fuse -= 1;
            if *fuse == 0 {
                state.is_dead = true;
                self.0.world.note("crashes at a step", self.0.role);
                self.0.died.notify_one();
            }
        }
        !state.is_dead
    }

    /// Does a thing, and never returns from the one at which it crashes.
    pub(super) async fn step(&self) {
        if !self.goes_on() {
            std::future::pending::<()>().await;
        }
    }

    /// Crashes now.
    pub(super) fn kill(&self) {
        self.0.state.lock().unwrap().is_dead = true;
        self.0.died.notify_one();
    }

    /// Crashes after so many steps.
    pub(super) fn set_fuse(&self, steps: Option<u64>) {
        self.0.state.lock().unwrap().fuse = steps;
    }

    /// Stands still for so long.
    pub(super) fn freeze(&self, pause: Duration) {
        self.0.state.lock().unwrap().frozen = Some(Instant::now() + pause);
    }

    /// Waits for its crash.
    pub(super) async fn died(&self) {
        self.0.died.notified().await;
    }

    /// Does what blocks on the disk.
    pub(crate) async fn blocking<T>(&self, work: impl FnOnce() -> T) -> T {
        self.step().await;
        self.0.world.sleep(DISK_MS).await;
        self.step().await;
        work()
    }

    pub(crate) fn pause(&self, most_ms: u64) -> Duration {
        Duration::from_millis(self.0.world.between(200, most_ms))
    }

    /// Runs a task as a part of this process.
    pub(super) fn run<F: Future + Send + 'static>(&self, task: F) -> Gate<F> {
        Gate {
            process: self.clone(),
            task: Box::pin(task),
            thaw: None,
        }
    }
}

/// A task of a process: it is polled while that is alive and moves.
pub(super) struct Gate<F> {
    process: Process,
    task: Pin<Box<F>>,
    thaw: Option<Pin<Box<Sleep>>>,
}

impl<F: Future> Future for Gate<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let (is_dead, frozen) = {
            let state = self.process.0.state.lock().unwrap();
            (state.is_dead, state.frozen)
        };
        if is_dead {
            return Poll::Pending;
        }
        if let Some(until) = frozen.filter(|until| *until > Instant::now()) {
            let mut thaw = Box::pin(tokio::time::sleep_until(until));
            if thaw.as_mut().poll(context).is_pending() {
                self.thaw = Some(thaw);
                return Poll::Pending;
            }
        }
        self.thaw = None;
        CURRENT.set(Some(self.process.clone()));
        let polled = self.task.as_mut().poll(context);
        CURRENT.set(None);
        polled
    }
}
