//! `stoa import disqus` and the like: a whole discussion out of another system, as events.
//!
//! A reader for each format finds articles and comments ([`item`]); [`events`] makes events of
//! them, [`send`] delivers these in batches, and [`report`] tells what became of each.
//! A file is read once, from its beginning to its end, on a thread of its own; nothing waits in
//! memory but two batches, and what [`events`] says.
//!
//! **Invariant:** nothing is deleted or asked for first, and an event's id depends on what the file
//! says alone: an import that was interrupted is simply run again.

mod commento;
mod disqus;
mod events;
mod html;
mod input;
mod isso;
mod item;
mod remark42;
mod report;
mod send;
#[cfg(test)]
mod tests;
mod when;
mod wordpress;
mod xml;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;
use tokio::sync::mpsc;

use self::events::Maker;
use self::input::{Input, Opened};
pub(crate) use self::item::article_id;
use self::item::{Broken, Take};
use self::report::Report;
use self::send::Batches;
use crate::client::{Target, TokenArgs};
use crate::{output, publish};

/// Batches that wait to be sent.
const WAITING: usize = 2;

/// What other systems write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Disqus,
    Wordpress,
    Remark42,
    Isso,
    Commento,
    Html,
}

impl Format {
    /// Returns the name, as events and the command line have it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Disqus => "disqus",
            Self::Wordpress => "wordpress",
            Self::Remark42 => "remark42",
            Self::Isso => "isso",
            Self::Commento => "commento",
            Self::Html => "html",
        }
    }
}

/// Imports what another system exported.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Files with the export, also packed with gzip; `-` for standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Site that the comments belong to.
    #[arg(long)]
    site: String,
    /// Source of the events; `urn:stoa:import:FORMAT` unless given.
    #[arg(long)]
    source: Option<String>,
    /// Sends comments alone, and no articles.
    #[arg(long)]
    no_articles: bool,
    /// Encoding of a file that does not say its own, such as `latin1`.
    #[arg(long, value_name = "NAME", value_parser = input::encoding)]
    encoding: Option<&'static encoding_rs::Encoding>,
    /// Checks every event and sends nothing.
    #[arg(long)]
    dry_run: bool,
    /// Prints every item as JSON, one a line, and what came of all in the last.
    #[arg(long)]
    json: bool,
    /// File for the same lines.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Events in one request or message.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    batch: u16,
    /// Where to send events: `http(s)://host:port` of ingest, or `amqp(s)://user:password@host/vhost`.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8081")]
    to: String,
    #[command(flatten)]
    token: TokenArgs,
    /// How long one batch is retried while nobody answers or the answer is "later", in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
}

/// Runs the command: 0 if everything was taken, now or before, 1 if anything was malformed, refused
/// or not delivered.
pub(super) async fn run(format: Format, args: ExportArgs) -> anyhow::Result<ExitCode> {
    let target = if args.dry_run {
        None
    } else {
        Some(Target::new(&args.to, args.token.token()?)?)
    };
    let total = args.files.iter().map(|path| publish::size(path)).sum();
    let bar = output::progress(total, "bytes");
    let report = Report::new(args.json, args.report.as_deref())?;
    let (batches, waiting) = mpsc::channel(WAITING);
    let maker = Maker::new(
        format,
        &args.site,
        args.source.as_deref(),
        !args.no_articles,
    );
    let reading = Reading {
        format,
        files: args.files,
        encoding: args.encoding,
        bar: bar.clone(),
    };
    let size = usize::from(args.batch);
    let reader =
        tokio::task::spawn_blocking(move || reading.run(maker, Batches::new(size, batches)));
    let patience = Duration::from_secs(args.patience);
    let mut report = send::all(waiting, target, patience, report).await?;
    let ended = reader.await?;
    bar.finish_and_clear();
    report.ended(&ended)?;
    report.print()
}

/// What is read.
struct Reading {
    format: Format,
    files: Vec<PathBuf>,
    encoding: Option<&'static encoding_rs::Encoding>,
    bar: ProgressBar,
}

/// How reading came to its end.
#[derive(Debug, Default)]
struct Ended {
    /// Comments that answer one that is in none of the files.
    orphans: Vec<events::Answer>,
    /// Answers of which it is not known, because there were too many comments.
    unchecked: u64,
    /// Why a file could not be read to its end.
    error: Option<String>,
}

impl Reading {
    /// Reads the files until nobody takes what is found.
    fn run(self, mut maker: Maker, mut batches: Batches) -> Ended {
        let mut error = None;
        for path in &self.files {
            let name = match path.to_str() {
                Some("-") => "standard input".to_owned(),
                _ => path.display().to_string(),
            };
            maker.file((self.files.len() > 1).then(|| name.clone()));
            let mut take = |item| match maker.make(item) {
                Some(job) => batches.push(job),
                None => Ok(()),
            };
            let read = Input::open(path, self.encoding, self.format, &self.bar)
                .and_then(|opened| read(self.format, opened, &name, &mut take));
            match read {
                Ok(()) => {}
                Err(Broken::Stopped) => break,
                Err(Broken::At { at, message }) => {
                    let at = at.map(|at| format!("{at}: ")).unwrap_or_default();
                    error = Some(format!("{name}: {at}{message}"));
                    break;
                }
            }
        }
        // Nobody takes it if sending has failed, and that is told there.
        batches.finish().ok();
        let (orphans, unchecked) = maker.orphans();
        Ended {
            orphans,
            unchecked,
            error,
        }
    }
}

/// Reads one file in its format.
fn read(format: Format, opened: Opened, name: &str, take: Take<'_>) -> Result<(), Broken> {
    match (format, opened) {
        (Format::Isso, Opened::Database(path)) => isso::database(&path, take),
        (_, Opened::Database(_)) => Err(Broken::whole(
            "this is an SQLite database; `stoa import isso` reads those of Isso",
        )),
        (Format::Disqus, Opened::Text(input)) => disqus::read(input, take),
        (Format::Wordpress, Opened::Text(input)) => wordpress::read(input, take),
        (Format::Remark42, Opened::Text(input)) => remark42::read(input, take),
        (Format::Isso, Opened::Text(input)) => isso::json(input, take),
        (Format::Commento, Opened::Text(input)) => commento::read(input, take),
        (Format::Html, Opened::Text(input)) => html::read(input, name, take),
    }
}
