//! The context: what a process hands to everything that runs in it.

use std::fs::File;
use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::{IntGaugeVec, Opts, Registry};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{Clock, Readiness};

/// The commit that the program was built from, if the build says it in `STOA_COMMIT`.
const COMMIT: &str = match option_env!("STOA_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// What a role gets besides its configuration; clones share everything.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Context {
    /// The role's name, as `moderation-rules`.
    pub role: &'static str,
    /// Cancelled when the process is to stop.
    pub shutdown: CancellationToken,
    /// Every task of the process; shutdown waits for all of them.
    pub tasks: TaskTracker,
    /// The clock.
    pub clock: Clock,
    /// The role's metrics.
    pub registry: Registry,
    /// What the role still waits for.
    pub ready: Readiness,
    failure: Arc<OnceLock<String>>,
    /// Locks that are let go when nothing of the process runs any more.
    held: Arc<Mutex<Vec<File>>>,
}

impl Context {
    /// A context for a role, with a registry that has `process_*` and `stoa_build_info` in it.
    pub fn new(role: &'static str, clock: Clock) -> Self {
        Self {
            role,
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
            clock,
            registry: registry(role),
            ready: Readiness::default(),
            failure: Arc::default(),
            held: Arc::default(),
        }
    }

    /// A context for another role in the same process: own metrics and readiness, and everything else shared.
    #[must_use]
    pub fn for_role(&self, role: &'static str) -> Self {
        Self {
            role,
            registry: registry(role),
            ready: Readiness::default(),
            ..self.clone()
        }
    }

    /// Keeps a lock until everything that has this context has ended.
    pub(crate) fn hold(&self, lock: File) {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(lock);
    }

    /// Runs a task that should live until shutdown.
    ///
    /// When it panics or fails, or ends although nobody asked it to, the process is stopped and ends with exit
    /// code 1: half a service that looks alive is worse than none. A task that may end on its own goes on
    /// [`Context::tasks`] instead.
    pub fn supervise(
        &self,
        name: &'static str,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        let context = self.clone();
        let running = self.tasks.spawn(task);
        self.tasks.spawn(async move {
            let ended = running.await;
            tracing::debug!(role = context.role, task = name, "ended");
            match ended {
                Ok(Ok(())) if context.shutdown.is_cancelled() => {}
                Ok(Ok(())) => context.fail(format!("task {name} ended early")),
                Ok(Err(error)) => context.fail(format!("task {name} failed: {error:#}")),
                Err(error) if error.is_panic() => context.fail(format!("task {name} panicked")),
                // Aborted: the runtime is going away.
                Err(_) => {}
            }
        });
    }

    /// Stops the process, which then ends with exit code 1; the first reason is kept and logged.
    pub fn fail(&self, reason: impl Into<String>) {
        let reason = reason.into();
        if self.failure.set(reason.clone()).is_ok() {
            tracing::error!(role = self.role, reason, "stopping after a failure");
        }
        self.shutdown.cancel();
    }

    /// Why the process was stopped by itself, if it was.
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }
}

fn registry(role: &str) -> Registry {
    let registry = Registry::new();
    let build = IntGaugeVec::new(
        Opts::new(
            "stoa_build_info",
            "The running version, the commit that it was built from, and the role; always 1.",
        ),
        &["version", "commit", "role"],
    );
    if let Ok(build) = build {
        build
            .with_label_values(&[env!("CARGO_PKG_VERSION"), COMMIT, role])
            .set(1);
        register(&registry, build);
    }
    #[cfg(target_os = "linux")]
    register(&registry, ProcessCollector::for_self());
    registry
}

/// Registers a collector of a new registry, where no name can be taken yet.
fn register(registry: &Registry, collector: impl Collector + 'static) {
    if let Err(error) = registry.register(Box::new(collector)) {
        tracing::error!(%error, "cannot register a metric");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn context() -> Context {
        Context::new("test", Clock::system())
    }

    async fn ended(context: &Context) {
        context.tasks.close();
        tokio::time::timeout(Duration::from_secs(5), context.tasks.wait())
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_task_that_ends_early_stops_the_process() {
        let context = context();
        context.supervise("writer", async { Ok(()) });
        ended(&context).await;
        assert!(context.shutdown.is_cancelled());
        assert_eq!(context.failure(), Some("task writer ended early"));
    }

    #[tokio::test]
    async fn a_task_that_panics_or_fails_stops_the_process() {
        let first = context();
        first.supervise("writer", async { panic!("a bug") });
        ended(&first).await;
        assert_eq!(first.failure(), Some("task writer panicked"));

        let second = context();
        second.supervise("writer", async { anyhow::bail!("disk full") });
        ended(&second).await;
        assert_eq!(second.failure(), Some("task writer failed: disk full"));
    }

    #[tokio::test]
    async fn a_task_that_ends_after_shutdown_is_fine() {
        let context = context();
        let shutdown = context.shutdown.clone();
        context.supervise("writer", async move {
            shutdown.cancelled().await;
            Ok(())
        });
        context.shutdown.cancel();
        ended(&context).await;
        assert_eq!(context.failure(), None);
    }

    #[test]
    fn roles_of_one_process_share_its_end_and_not_their_metrics() {
        let up = context();
        let ingest = up.for_role("ingest");
        ingest.ready.set("bus", Ok(()));
        assert!(!up.ready.is_ready());
        let twice =
            prometheus::IntCounter::new("stoa_twice_total", "Registered by each role.").unwrap();
        up.registry.register(Box::new(twice.clone())).unwrap();
        ingest.registry.register(Box::new(twice)).unwrap();
        ingest.fail("broken");
        assert!(up.shutdown.is_cancelled());
        assert_eq!(up.failure(), Some("broken"));
    }
}
