//! `stoa rules backtest`: what a draft would have made of comments that came before.

mod chart;
mod html;
mod page;
mod source;
mod tables;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use stoa_moderation_rules::backtest::{self, Labels, Options, POSITIVE, Report, Sets, Vocabulary};
use stoa_proto::Time;
use stoa_rules::RuleSet;

use self::source::Source;
use crate::output;

/// The exit code of a rule set that can't be used.
const BAD_CONFIGURATION: u8 = 78;

/// Runs a draft and the live rules over past comments, and shows which verdicts change.
///
/// Each set judges every comment with the history that follows from its own verdicts.
/// Breakers and quotas are not simulated.
#[derive(Debug, Args)]
pub(crate) struct BacktestArgs {
    /// Folder with the draft's `stoa.yaml`.
    #[arg(long, value_name = "DIR")]
    rules: PathBuf,
    /// Folder with the live rules' `stoa.yaml`; the starter rule set without.
    #[arg(long, value_name = "DIR")]
    live: Option<PathBuf>,
    /// File with events, one a line; `-` for standard input. May be given several times.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "data",
        conflicts_with = "data"
    )]
    events: Vec<PathBuf>,
    /// Data folder of the archive or of `stoa up`, which may be running.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Counts comments from this time on (RFC 3339); earlier ones are history alone.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<i64>,
    /// Passes over what happened at this time or later (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<i64>,
    /// File with site, comment and label a line, tabs between them; moderators' decisions among
    /// the events are the labels without.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Labels that say that a comment should not be published; a label such as `rude_hateful` has
    /// two words, either of which counts. Common words for abuse and rejection without.
    #[arg(long, value_name = "LABEL", value_delimiter = ',', requires = "labels")]
    positive: Vec<String>,
    /// Labels that say nothing; those that are neither positive nor ignored are negative.
    #[arg(long, value_name = "LABEL", value_delimiter = ',', requires = "labels")]
    ignore: Vec<String>,
    /// Prints the report as one JSON object.
    #[arg(long)]
    json: bool,
    /// Writes the report as a page that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Samples of each kind of flip.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(0..=1_000))]
    samples: u16,
    /// Passes over lines that ingest would refuse, and says how many they are.
    #[arg(long)]
    skip_bad: bool,
    /// Languages to tell apart in events that did not pass through ingest (ISO 639-1); ingest's
    /// own default without.
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    languages: Vec<String>,
    /// Approved comments after which an author is trusted, as moderation-rules is configured.
    #[arg(long, value_name = "N", default_value_t = 10)]
    trusted_after: u64,
    /// Threads; one for each processor without.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    threads: u16,
}

/// Reads a time as microseconds since 1970.
fn time(text: &str) -> Result<i64, String> {
    Time::parse(text).map(|time| time.micros()).map_err(|_| {
        "it is no time: write it as in 2026-11-25T12:00:00Z, with the offset from UTC".to_owned()
    })
}

/// Runs the command: 0 if the sets were compared, 78 if one of them can't be loaded, 1 if there is
/// nothing to compare.
pub(crate) fn run(args: &BacktestArgs) -> anyhow::Result<ExitCode> {
    let (Some(draft), Some(live)) = (
        load("draft", Some(&args.rules)),
        load("live rule set", args.live.as_deref()),
    ) else {
        return Ok(ExitCode::from(BAD_CONFIGURATION));
    };
    if let (Some(since), Some(until)) = (args.since, args.until)
        && since >= until
    {
        bail!("--since is not before --until: nothing is between them");
    }
    let labels = args.labels.as_deref().map(|path| labels(args, path));
    let options = Options {
        since: args.since,
        until: args.until,
        trusted_after: args.trusted_after,
        samples: args.samples.into(),
        threads: args.threads.into(),
        ..Options::default()
    };
    let source = Source::open(args)?;
    let sets = Sets {
        live: &live,
        draft: &draft,
    };
    let started = std::time::Instant::now();
    let (read, decode) = source.parts();
    let report = backtest::run(sets, &options, labels.transpose()?, read, decode)?;
    source.finish();
    if report.input.comments == 0 {
        bail!("{}", nothing(&report));
    }
    if let Some(path) = &args.html {
        std::fs::write(path, html::page(&report))
            .with_context(|| format!("{} can't be written", path.display()))?;
    }
    if args.json {
        output::json(&report)?;
    } else {
        tables::print(&report);
    }
    let seconds = started.elapsed().as_secs_f64();
    let all = report.input.comments + report.input.before;
    #[expect(clippy::cast_precision_loss, reason = "a rate is shown without digits")]
    let rate = all as f64 / seconds;
    output::note(&format!(
        "{all} comments in {seconds:.1} s, {rate:.0} comments/s"
    ));
    Ok(ExitCode::SUCCESS)
}

fn load(what: &str, folder: Option<&Path>) -> Option<RuleSet> {
    let set = folder.map_or_else(backtest::starter, RuleSet::load);
    set.map_err(|errors| {
        let n = errors.0.len();
        output::note(&format!(
            "{errors}\nthe {what} can't be loaded: {n} error{} in {}",
            if n == 1 { "" } else { "s" },
            folder.map_or_else(|| "the program".to_owned(), |f| f.display().to_string())
        ));
    })
    .ok()
}

fn labels(args: &BacktestArgs, path: &Path) -> anyhow::Result<Labels> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} can't be read", path.display()))?;
    let words = |words: &[String]| -> BTreeSet<String> {
        words.iter().map(|word| word.to_lowercase()).collect()
    };
    let positive = if args.positive.is_empty() {
        POSITIVE.iter().map(|word| (*word).to_owned()).collect()
    } else {
        words(&args.positive)
    };
    let vocabulary = Vocabulary {
        positive,
        ignored: words(&args.ignore),
    };
    Labels::read(&text, &vocabulary).with_context(|| format!("{} can't be used", path.display()))
}

/// Says why there is nothing to compare, and what to do.
fn nothing(report: &Report) -> String {
    let input = &report.input;
    if input.before + input.after > 0 {
        return format!(
            "no comment is in the range: {} are before --since, {} events are not before --until",
            input.before, input.after
        );
    }
    format!(
        "there is no comment among {} events: a backtest needs stoa.comment.submitted.v1",
        input.events
    )
}

#[cfg(test)]
mod tests;
