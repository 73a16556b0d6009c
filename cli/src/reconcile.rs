//! `stoa reconcile`: compares what was published with what arrived, and sends again what is missing.
//!
//! A confirm says that the broker had an event. A broker that loses its data, or a queue that is
//! purged, loses what was confirmed and not handled yet. The journals of the roles have it:
//!
//! 1. `pass` goes through ingest's journal, page by page, and asks moderation-rules and the archive
//!    what they don't hold. That is sent again, and waited for.
//! 2. The same for what followed from moderation's records, against the archive.
//! 3. `report` says what was found, and what is still missing.
//!
//! Readers drop repeats, so that what is sent again needlessly has no effect.

mod pass;
mod report;
mod role;
#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use stoa_proto::Time;

use self::pass::{Options, Pass};
use self::report::Report;
use self::role::Role;
use crate::client::{self, TokenArgs};

/// Compares ingest's and moderation's journals with what their readers hold, and sends again what
/// is missing: after a broker lost its data, or a queue was purged.
///
/// Exit code 0 if nothing is missing at the end, 1 otherwise.
#[derive(Debug, Args)]
pub(crate) struct ReconcileArgs {
    /// Admin address of ingest.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9081")]
    ingest: String,
    /// Admin address of moderation-rules.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9082")]
    moderation: String,
    /// Admin address of the archive.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9083")]
    archive: String,
    /// It needs the role admin, for all sites.
    #[command(flatten)]
    token: TokenArgs,
    /// Time to begin with, as RFC 3339; everything that the journals have unless given.
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    since: Option<Time>,
    /// Leaves out what was recorded within so many seconds, since it may still be in a queue.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    settle: u32,
    /// How long to wait without any progress for what was sent again, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,
    /// Says what is missing and sends nothing.
    #[arg(long)]
    dry_run: bool,
    /// Sends platforms their decisions again, too, where the archive misses them.
    #[arg(long)]
    decisions: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) async fn run(args: ReconcileArgs) -> anyhow::Result<ExitCode> {
    let json = args.json;
    reconcile(args).await?.print(json)
}

async fn reconcile(args: ReconcileArgs) -> anyhow::Result<Report> {
    let client = client::http_builder().build()?;
    let token = args.token.token()?;
    let role = |name, base: &str| Role::new(name, base, client.clone(), token.clone());
    let ingest = role("ingest", &args.ingest);
    let moderation = role("moderation-rules", &args.moderation);
    let archive = role("archive", &args.archive);
    let options = Options {
        since: args.since,
        settle: args.settle,
        wait: Duration::from_secs(args.wait),
        dry_run: args.dry_run,
    };
    let started = Instant::now();
    let mut report = Report::new(args.dry_run, args.settle);
    let content = Pass {
        journal: &ingest,
        readers: vec![&moderation, &archive],
        decisions: false,
        options: &options,
    };
    let outcomes = Pass {
        journal: &moderation,
        readers: vec![&archive],
        decisions: args.decisions,
        options: &options,
    };
    for pass in [content, outcomes] {
        pass.run(&mut report).await?;
        if report.error.is_some() {
            break;
        }
    }
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}
