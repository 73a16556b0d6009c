//! `stoa stress`: load with a ledger, and a checker that reads back what was acknowledged.
//!
//! From the seed to the report:
//!
//! 1. `plan` decides what each event is, `corpus` and `events` write it, `poison` spoils some.
//! 2. `load` sends them, in the closed or the open loop, and `ledger` writes down what was sent
//!    and how it was answered. Beside it `tail` follows the log of decisions, and `sample` looks
//!    for a few comments in the archive; `run` holds what all of them know.
//! 3. `check` waits until nothing moves any more and compares the archive with what was sent.
//! 4. `report` says how fast it went, what the checks found, and whether `require` is met.
//!
//! It goes on through kills of roles and of the broker: what is unknown is sent again with the
//! same event id, and what can't be read is asked for again. After a kill of its own, the ledger
//! is enough to check by.

mod chance;
mod check;
mod corpus;
mod events;
mod latency;
mod ledger;
mod load;
mod mix;
mod plan;
mod poison;
mod reader;
mod report;
mod require;
mod run;
mod sample;
mod slots;
mod tail;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use tokio_util::sync::CancellationToken;

use self::check::{Found, Readers};
use self::corpus::{Corpus, Shape};
use self::load::Pace;
use self::mix::Mix;
use self::reader::Reader;
use self::report::Report;
use self::require::Requirement;
use self::run::Run;
use self::sample::Sampler;
use crate::client::{self, Target, TokenArgs};
use crate::output;

/// Events that are sent unless it is said how many or how long.
const EVENTS: u32 = 10_000;

/// Batches in flight at a time, in the closed and in the open loop.
const CLOSED: u16 = 8;
const OPEN: u16 = 256;

/// Sends load, then checks that nothing was lost and nothing happened twice.
///
/// Exit codes: 0 passed, 1 failed or a --require is not met, 2 usage.
#[derive(Clone, Debug, Args)]
pub(crate) struct StressArgs {
    /// Where to send events: `http(s)://host:port` of ingest, or `amqp(s)://user:password@host/vhost`.
    #[arg(long, value_name = "URL", required_unless_present = "check")]
    to: Option<String>,
    #[command(flatten)]
    token: TokenArgs,
    /// How long one batch is retried while nobody answers or the answer is "later", in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
    /// Public address of the archive: what was acknowledged is looked for there.
    #[arg(long, value_name = "URL")]
    archive: Option<String>,
    /// Admin address of moderation-rules: its log gives latency, order and number of decisions.
    #[arg(long, value_name = "URL")]
    moderation: Option<String>,
    /// Admin address of ingest: what it refused is compared with the poison.
    #[arg(long, value_name = "URL")]
    ingest: Option<String>,
    /// The broker's management with its virtual host, `http://user:password@host:15672/vhost`: its
    /// queues must end empty.
    #[arg(long, value_name = "URL")]
    management: Option<String>,
    /// Site that the events are for.
    #[arg(long, default_value = "stress")]
    site: String,
    /// Events to send; 10000 unless --duration is given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    events: Option<u32>,
    /// How long to send, in seconds; the first of --events and --duration ends it.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    duration: Option<u32>,
    /// What is sent beside new comments, in percent.
    ///
    /// `edits`, `reports`, `withdrawals`: events about an earlier comment of the thread. `replies`:
    /// comments that answer one. `duplicates`: events that are sent a second time, at once or later.
    /// `disorder`: events in pairs in the wrong order. `poison`: events that ingest must refuse.
    #[arg(long, value_name = "KEY=PERCENT,…", default_value_t)]
    mix: Mix,
    /// Events a second; as fast as they are taken unless given.
    #[arg(long, value_name = "PER_SECOND", value_parser = rate)]
    rate: Option<f64>,
    /// Open loop: batches leave by the --rate whatever the answers do, and latency counts from when
    /// a batch was due. In the closed loop the next batch waits for an answer.
    #[arg(long, requires = "rate")]
    open: bool,
    /// Batches in flight at a time, at most: 8, or 256 in the open loop. In the closed loop a thread
    /// has one at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    concurrency: Option<u16>,
    /// Events in one request or message, beside repeats.
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
    /// How long to wait without any progress before the check is made as things stand, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    settle: u64,
    /// What must hold for exit code 0, such as `decide.p99<=100ms`, `rate>=1000`, `lost==0`; can be
    /// repeated.
    #[arg(long, value_name = "CONDITION")]
    require: Vec<Requirement>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// File that the report is written to as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// File that attempts and answers are written to, made durable ten times a second.
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    ledger: Option<PathBuf>,
    /// Sends nothing, and checks by the ledger of an earlier run.
    #[arg(
        long,
        value_name = "LEDGER",
        requires = "archive",
        conflicts_with_all = ["to", "events", "duration", "mix", "rate", "open", "threads", "authors", "seed", "site"]
    )]
    check: Option<PathBuf>,
}

fn rate(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate: &f64| *rate > 0.0 && rate.is_finite())
        .ok_or_else(|| "a rate is a number of events a second, more than 0".to_owned())
}

impl StressArgs {
    fn shape(&self) -> anyhow::Result<Shape> {
        if let Some(ledger) = &self.check {
            return ledger::header(ledger);
        }
        let events = self.events.unwrap_or(match self.duration {
            Some(_) => u32::MAX,
            None => EVENTS,
        });
        Ok(Shape {
            site: self.site.clone(),
            events,
            threads: self.threads.min(events),
            authors: self.authors,
            seed: self.seed,
            mix: self.mix,
        })
    }

    fn pace(&self) -> Pace {
        Pace {
            rate: self.rate,
            open: self.open,
            duration: self
                .duration
                .map(|seconds| Duration::from_secs(seconds.into())),
            concurrency: self
                .concurrency
                .unwrap_or(if self.open { OPEN } else { CLOSED }),
            batch: self.batch,
            patience: Duration::from_secs(self.patience),
        }
    }

    fn mode(&self) -> &'static str {
        match (&self.check, self.open) {
            (Some(_), _) => "check",
            (None, true) => "open",
            (None, false) => "closed",
        }
    }

    fn readers(&self) -> anyhow::Result<Readers> {
        let client = client::http_builder().build()?;
        let token = self.token.token()?;
        if self.archive.is_some() && token.is_none() {
            bail!("--archive needs --token: without one the archive shows approved comments alone");
        }
        let role = |base: &Option<String>| {
            let base = base.as_ref()?;
            Some(Reader::new(client.clone(), base, token.clone()))
        };
        let management = self.management.as_deref().map(queues).transpose()?;
        Ok(Readers {
            archive: role(&self.archive),
            moderation: role(&self.moderation),
            ingest: role(&self.ingest),
            management: management.map(|base| Reader::with_password(client.clone(), &base)),
        })
    }
}

/// Returns the address of the list of queues, from that of the management with a virtual host.
fn queues(management: &str) -> anyhow::Result<String> {
    let mut url = reqwest::Url::parse(management)
        .with_context(|| "--management is no URL: write http://user:password@host:15672/vhost")?;
    let vhost = url.path().trim_start_matches('/').to_owned();
    let vhost = if vhost.is_empty() { "%2F" } else { &vhost };
    url.set_path(&format!("/api/queues/{vhost}"));
    Ok(url.to_string())
}

/// Runs the command: 0 if it passes, 1 otherwise.
pub(crate) async fn run(args: StressArgs) -> anyhow::Result<ExitCode> {
    let corpus = Corpus::new(args.shape()?);
    let readers = args.readers()?;
    let ledger = match &args.ledger {
        Some(path) => Some(ledger::Ledger::create(path, &corpus.shape)?),
        None => None,
    };
    let (sampler, offered) = Sampler::new();
    let sampler = readers.archive.is_some().then_some(sampler);
    let run = Run::new(corpus, ledger, sampler)?;

    let stop = CancellationToken::new();
    let work = async {
        let outcome = load_and_check(&run, &readers, &args).await;
        stop.cancel();
        outcome
    };
    let tail = async {
        match &readers.moderation {
            Some(moderation) => tail::follow(moderation, &run, &stop).await,
            None => Ok(()),
        }
    };
    let look = async {
        if let Some(archive) = &readers.archive {
            sample::look(archive, &run, offered, &stop).await;
        }
    };
    let (found, tailed, ()) = tokio::join!(work, tail, look);
    if let Some(ledger) = &run.ledger {
        ledger.close()?;
    }
    let found = found?;
    tailed.context("the log of decisions can't be followed")?;
    let report = Report::new(&run, args.mode(), found, &args.require);
    if let Some(path) = &args.report {
        std::fs::write(path, serde_json::to_vec_pretty(&report)?)
            .with_context(|| format!("{} can't be written", path.display()))?;
    }
    if args.json {
        output::json(&report)?;
    } else {
        report.print();
    }
    Ok(if report.passes() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn load_and_check(run: &Run, readers: &Readers, args: &StressArgs) -> anyhow::Result<Found> {
    readers.probe(run).await?;
    if let Some(ledger) = &args.check {
        ledger::replay(ledger, run)?;
    }
    if let Some(to) = &args.to {
        let target = Target::new(to, args.token.token()?)?;
        load::load(run, &target, &args.pace()).await?;
    }
    check::check(run, readers, Duration::from_secs(args.settle)).await
}
