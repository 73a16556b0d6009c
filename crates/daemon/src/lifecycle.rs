//! Start and stop of a process.
//!
//! The first SIGTERM or SIGINT cancels the context's token: the role stops taking work, finishes what it holds and
//! returns. A second signal, or the end of the grace period, ends the process at once with exit code 1. So does a
//! supervised task that ended early or panicked, once the rest has stopped in good order.

use std::future::Future;

use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinError, JoinHandle};

use crate::config::Duration;
use crate::{Clock, ConfigError, Context};

/// How a process ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// 0: it did what it was asked to.
    Ok,
    /// 1: it failed, or could not stop in good order.
    Failed,
    /// 2: the command line is wrong.
    Usage,
    /// 78: the configuration is wrong (`EX_CONFIG` of `sysexits.h`); starting again won't help.
    Config,
}

impl Exit {
    /// The number that the operating system gets.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Config => 78,
        }
    }

    /// How a process ends after an error: a [`ConfigError`] anywhere in its chain is 78, anything else 1.
    pub fn of(error: &anyhow::Error) -> Self {
        if error
            .chain()
            .any(<dyn std::error::Error>::is::<ConfigError>)
        {
            Self::Config
        } else {
            Self::Failed
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The `[shutdown]` section of a configuration.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShutdownConfig {
    /// How long work in flight may take to finish. Keep it below the time after which the supervisor kills the
    /// process (30 s in our compose file).
    pub grace: Duration,
}

impl Default for ShutdownConfig {
    fn default() -> Self {
        Self {
            grace: Duration::secs(25),
        }
    }
}

/// A role was told to stop before it had begun, which is no failure.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("stopped before it began")]
pub struct Stopped;

/// Runs a role until it ends or is told to stop, and says how the process is to end.
///
/// It makes the runtime and the context, and is called once, from `main`, after [`crate::telemetry::init`].
pub fn run<F, M>(role: &'static str, shutdown: ShutdownConfig, main: F) -> Exit
where
    F: FnOnce(Context) -> M,
    M: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let runtime = match Builder::new_multi_thread()
        .enable_all()
        .thread_name(role)
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "cannot start the runtime");
            return Exit::Failed;
        }
    };
    let context = Context::new(role, Clock::system());
    let (exit, stopped) = runtime.block_on(live(context, shutdown, main));
    end(runtime, stopped);
    tracing::info!(role, code = exit.code(), "stopped");
    exit
}

/// Whether everything that ran has ended by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    InOrder,
    AtOnce,
}

fn end(runtime: Runtime, stopped: End) {
    match stopped {
        // What is left are idle threads.
        End::InOrder => runtime.shutdown_timeout(std::time::Duration::from_secs(1)),
        End::AtOnce => runtime.shutdown_background(),
    }
}

async fn live<F, M>(context: Context, shutdown: ShutdownConfig, main: F) -> (Exit, End)
where
    F: FnOnce(Context) -> M,
    M: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => {
            tracing::error!(%error, "cannot listen for signals");
            return (Exit::Failed, End::InOrder);
        }
    };
    let mut main = context.tasks.spawn(main(context.clone()));
    let early = tokio::select! {
        ended = &mut main => Some(ended),
        name = signals.next() => {
            tracing::info!(signal = name, "stopping");
            None
        }
        () = context.shutdown.cancelled() => None,
    };
    context.shutdown.cancel();
    context.tasks.close();
    tokio::select! {
        ended = drain(&context, main, early) => (exit_of(ended, &context), End::InOrder),
        () = tokio::time::sleep(shutdown.grace.get()) => {
            tracing::error!(grace = %shutdown.grace, "not stopped within the grace period");
            (Exit::Failed, End::AtOnce)
        }
        name = signals.next() => {
            tracing::error!(signal = name, "stopping at once");
            (Exit::Failed, End::AtOnce)
        }
    }
}

type Ended = Result<anyhow::Result<()>, JoinError>;

async fn drain(
    context: &Context,
    main: JoinHandle<anyhow::Result<()>>,
    early: Option<Ended>,
) -> Ended {
    let ended = match early {
        Some(ended) => ended,
        None => main.await,
    };
    context.tasks.wait().await;
    ended
}

fn exit_of(ended: Ended, context: &Context) -> Exit {
    match ended {
        Ok(Ok(())) if context.failure().is_some() => Exit::Failed,
        Ok(Ok(())) => Exit::Ok,
        Ok(Err(error)) if error.is::<Stopped>() => Exit::Ok,
        Ok(Err(error)) => {
            let exit = Exit::of(&error);
            tracing::error!(error = format!("{error:#}"), code = exit.code(), "failed");
            exit
        }
        // The panic itself is in the log already.
        Err(_) => Exit::Failed,
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The name of the next signal.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
