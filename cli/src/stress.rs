//! `stoa stress`: load with a ledger, and a checker that reads back what was acknowledged.
//!
//! Four parts run in turn, and the first two side by side:
//!
//! 1. `load` sends comments that `corpus` writes: the same for the same seed.
//! 2. `tail` follows the log of decisions and notes when each comment was decided.
//! 3. `check` waits until nothing moves any more and compares the archive with the ledger, as a
//!    set: what was attempted, what was acknowledged, what is there.
//! 4. `report` says how fast it went and what the comparison found.
//!
//! It goes on through kills of roles and of the broker: what is unknown is sent again with the
//! same event id, and what can't be read is asked for again.

mod check;
mod corpus;
mod ledger;
mod load;
mod report;
mod run;
mod tail;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tokio_util::sync::CancellationToken;

use self::corpus::{Corpus, Shape};
use self::run::Run;
use crate::client::{self, TargetArgs};
use crate::output;

/// Sends load, then checks that nothing was lost and nothing happened twice.
#[derive(Clone, Debug, Args)]
pub(crate) struct StressArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Public address of the archive: what was acknowledged is looked for there.
    #[arg(long, value_name = "URL")]
    archive: Option<String>,
    /// Admin address of moderation-rules: its log of decisions gives the latency of decisions.
    #[arg(long, value_name = "URL")]
    moderation: Option<String>,
    /// Site that the comments are for.
    #[arg(long, default_value = "stress")]
    site: String,
    /// Comments to send.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    events: u32,
    /// Comments a second; as fast as they are taken unless given.
    #[arg(long, value_name = "PER_SECOND")]
    rate: Option<f64>,
    /// Batches in flight at a time.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    concurrency: u16,
    /// Comments in one request or message.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=500))]
    batch: u16,
    /// Threads that the comments are in.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    threads: u32,
    /// Authors that the comments are by.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    authors: u32,
    /// Decides what is written; the same seed gives the same events, and a second run repeats.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Comments of a hundred that are sent a second time.
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    duplicates: u8,
    /// How long to wait without any progress before the check is made as things stand, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    settle: u64,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// File that the report is written to as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// File that attempts and acknowledgements are written to, made durable ten times a second.
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
}

/// Runs the command: 0 if nothing was lost, duplicated or unexpected, 1 otherwise.
pub(crate) async fn run(args: StressArgs) -> anyhow::Result<ExitCode> {
    let corpus = Corpus::new(Shape {
        site: args.site.clone(),
        events: args.events,
        threads: args.threads.min(args.events),
        authors: args.authors,
        seed: args.seed,
    });
    let ledger = args
        .ledger
        .as_deref()
        .map(ledger::Ledger::create)
        .transpose()?;
    let run = Arc::new(Run::new(corpus, ledger));
    let client = client::http_builder().build()?;
    let token = args.target.token()?;
    let reader = |base: &String| check::Reader::new(client.clone(), base, token.clone());
    let archive = args.archive.as_ref().map(reader);
    let moderation = args.moderation.as_ref().map(reader);

    let stop = CancellationToken::new();
    let tail = async {
        match &moderation {
            Some(moderation) => tail::follow(moderation, &run, &stop).await,
            None => Ok(()),
        }
    };
    let work = async {
        let loaded = load::load(&run, &args).await;
        let outcome = match loaded {
            Ok(()) => verify(&run, archive.as_ref(), moderation.is_some(), args.settle).await,
            Err(error) => Err(error),
        };
        stop.cancel();
        outcome
    };
    let (checked, tailed) = tokio::join!(work, tail);
    if let Some(ledger) = &run.ledger {
        ledger.close()?;
    }
    let checked = checked?;
    tailed.context("the log of decisions can't be followed")?;
    let report = report::Report::new(&run, checked.as_ref());
    if let Some(path) = &args.report {
        std::fs::write(path, serde_json::to_vec_pretty(&report)?)
            .with_context(|| format!("{} can't be written", path.display()))?;
    }
    if args.json {
        output::json(&report)?;
    } else {
        report.print();
    }
    Ok(if report.is_sound() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Waits until everything is decided and archived, or nothing moves, and compares.
async fn verify(
    run: &Run,
    archive: Option<&check::Reader>,
    tailed: bool,
    settle: u64,
) -> anyhow::Result<Option<check::Checked>> {
    let patience = Duration::from_secs(settle);
    if tailed {
        check::until_decided(run, patience).await;
    }
    let Some(archive) = archive else {
        return Ok(None);
    };
    check::until_archived(archive, run, patience).await;
    check::compare(archive, run, patience).await.map(Some)
}
