//! A process with one task, for the tests of start and stop: `lifecycle MODE`.
//!
//! It writes `started` to standard output once it runs, and then does what `MODE` says.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use stoa_daemon::config::ConfigError;
use stoa_daemon::lifecycle::{self, Exit, ShutdownConfig};
use stoa_daemon::telemetry::{self, LogConfig};
use stoa_daemon::{Context, config};

fn main() -> ExitCode {
    let mode = std::env::args().nth(1).unwrap_or_default();
    if telemetry::init(&LogConfig::default()).is_err() {
        return Exit::Config.into();
    }
    let grace = if mode == "stuck" { 300 } else { 20_000 };
    let shutdown = ShutdownConfig {
        grace: config::Duration::millis(grace),
    };
    lifecycle::run("example", shutdown, |context| run(mode, context)).into()
}

async fn run(mode: String, context: Context) -> anyhow::Result<()> {
    let shutdown = context.shutdown.clone();
    let task = shutdown.clone();
    match mode.as_str() {
        // Flushes for a moment after it was told to stop.
        "orderly" => context.supervise("writer", async move {
            task.cancelled().await;
            tokio::time::sleep(Duration::from_millis(200)).await;
            say("flushed")
        }),
        // Never notices that it was told to stop.
        "stuck" | "hangs" => context.supervise("writer", std::future::pending()),
        "early" => context.supervise("writer", async { Ok(()) }),
        "panic" => context.supervise("writer", async { bug() }),
        "main-panic" => bug()?,
        "main-fails" => anyhow::bail!("the disk is full"),
        "main-ends" => return say("started"),
        "config" => Err(ConfigError::invalid("http.listen", "is taken"))?,
        other => anyhow::bail!("unknown mode {other}"),
    }
    say("started")?;
    shutdown.cancelled().await;
    say("stopping")
}

#[expect(
    clippy::panic,
    reason = "what the process does about a bug is what is tested"
)]
fn bug() -> anyhow::Result<()> {
    panic!("a bug that quotes \"a comment\"")
}

fn say(word: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{word}")?;
    out.flush()?;
    Ok(())
}
