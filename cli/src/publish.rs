//! `stoa publish`: events, one a line, to ingest over HTTP or AMQP.

mod watch;

use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;
use stoa_proto::limits;

use self::watch::{Seen, Watch};
use crate::client::{Answer, Failure, Refused, Target, TargetArgs};
use crate::output;

/// Bytes of a batch: half of what ingest takes, so that a little overhead never matters.
const BATCH_BYTES: usize = limits::BATCH_BYTES / 2;

/// The longest line: a record of 64 MiB in base64. Tests get there sooner.
pub(crate) const LINE_BYTES: u64 = if cfg!(test) { 1 } else { 96 } * 1024 * 1024;
/// Refusals that are kept to be told one by one.
const KEPT: usize = if cfg!(test) { 100 } else { 10_000 };
/// Rows of refusals that a table shows.
const SHOWN: usize = 50;

/// Publishes events, one a line.
#[derive(Debug, Args)]
pub(crate) struct PublishArgs {
    /// File with `CloudEvents`, one a line; `-` for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    target: TargetArgs,
    /// Events in one request or message.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    batch: u16,
    /// Prints what is decided about each comment, as the admin listener of moderation-rules at URL tells it, until
    /// all are decided or nothing came for as long as `--patience`; it is asked with the same token.
    #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = true,
        default_missing_value = "http://127.0.0.1:9082")]
    watch: Option<String>,
    /// Prints JSON; with `--watch` each decision on a line, and then the report.
    #[arg(long)]
    json: bool,
}

/// An event on its way, with the line that it came from.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// The line, from 1.
    pub(crate) number: u64,
    /// The event as it came.
    pub(crate) body: Bytes,
}

/// A refusal, with the line that it is about.
#[derive(Debug, Serialize)]
pub(crate) struct RefusedLine {
    /// The line, from 1.
    pub(crate) line: u64,
    #[serde(flatten)]
    refused: Refused,
}

/// What became of everything.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// Events that were read.
    pub(crate) read: u64,
    /// Events that were taken.
    pub(crate) accepted: u64,
    /// Events that had been taken before.
    pub(crate) duplicate: u64,
    /// Events that were refused, the first [`KEPT`].
    pub(crate) rejected: Vec<RefusedLine>,
    /// How many more were.
    #[serde(skip_serializing_if = "is_none")]
    more_rejected: u64,
    /// Events that were not delivered.
    pub(crate) undelivered: u64,
    /// Lines of an archive's export that no platform had sent.
    #[serde(skip_serializing_if = "is_none")]
    pub(crate) passed_over: u64,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// What was heard of them, with `--watch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    watched: Option<Seen>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_none(n: &u64) -> bool {
    *n == 0
}

impl Report {
    /// Notes a refusal.
    pub(crate) fn refuse(&mut self, line: u64, refused: Refused) {
        if self.rejected.len() < KEPT {
            self.rejected.push(RefusedLine { line, refused });
        } else {
            self.more_rejected += 1;
        }
    }

    /// Notes why there is no more.
    pub(crate) fn fail(&mut self, error: &anyhow::Error) {
        self.error.get_or_insert(format!("{error:#}"));
    }

    fn settle(&mut self, lines: &[Line], answer: Answer) {
        self.accepted += answer.accepted;
        self.duplicate += answer.duplicate;
        for refused in answer.rejected {
            let line = lines.get(refused.index).map_or(0, |line| line.number);
            self.refuse(line, refused);
        }
    }

    /// Prints the report and returns the exit code: 0 only if every event was taken, now or before.
    pub(crate) fn print(&self, json: bool) -> anyhow::Result<ExitCode> {
        if json {
            output::json(self)?;
        } else {
            let rows: Vec<[String; 5]> = self
                .rejected
                .iter()
                .take(SHOWN)
                .map(|RefusedLine { line, refused }| {
                    [
                        line.to_string(),
                        refused.id.clone().unwrap_or_default(),
                        refused.code.clone(),
                        refused.field.clone().unwrap_or_default(),
                        refused.message.clone(),
                    ]
                })
                .collect();
            if !rows.is_empty() {
                output::table(["line", "id", "code", "field", "message"], &rows);
            }
            let n_rejected = self.rejected.len() as u64 + self.more_rejected;
            let n_more = n_rejected.saturating_sub(SHOWN as u64);
            if n_more > 0 {
                output::line(&format!("… and {n_more} more refusals"));
            }
            let counts = [[
                self.read.to_string(),
                self.accepted.to_string(),
                self.duplicate.to_string(),
                n_rejected.to_string(),
                self.undelivered.to_string(),
            ]];
            output::table(
                ["read", "accepted", "duplicate", "rejected", "undelivered"],
                &counts,
            );
            if self.passed_over > 0 {
                output::line(&format!(
                    "{} lines of an archive's export were passed over: no platform had sent them.",
                    self.passed_over
                ));
            }
            if let Some(Seen { decided, open }) = self.watched {
                output::line(&format!(
                    "{decided} comments were decided, {open} were not."
                ));
            }
            if let Some(error) = &self.error {
                output::note(&format!("error: {error}"));
            }
        }
        let fine = self.rejected.is_empty()
            && self.undelivered == 0
            && self.error.is_none()
            && self.watched.is_none_or(|seen| seen.open == 0);
        Ok(if fine {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// Runs the command.
pub(crate) async fn run(args: PublishArgs) -> anyhow::Result<ExitCode> {
    let mut sender = Sender::new(
        args.target.target()?,
        usize::from(args.batch),
        args.target.patience(),
        size(&args.file),
    );
    let mut watch = match &args.watch {
        Some(url) => Some(Watch::new(args.target.desk(url)?, args.json).await?),
        None => None,
    };
    let mut report = Report::default();
    for line in read(&args.file)? {
        match line {
            Ok(line) => {
                if let Some(watch) = &mut watch {
                    watch.sends(&line);
                }
                sender.push(line, &mut report).await;
            }
            Err(error) => {
                report.fail(&error);
                break;
            }
        }
        if sender.gave_up() {
            break;
        }
    }
    sender.finish(&mut report).await;
    if let Some(mut watch) = watch {
        watch.refused(report.rejected.iter().map(|refused| refused.line));
        report.watched = Some(watch.finish(args.target.patience()).await?);
    }
    report.print(args.json)
}

/// Returns a file's bytes, for the progress bar; 0 when they are not known.
pub(crate) fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Reads the lines of a file or of standard input; empty ones are passed over, and one that is longer
/// than [`LINE_BYTES`] is an error.
pub(crate) fn read(path: &Path) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Line>>> {
    let mut input: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(BufReader::new(std::io::stdin()))
    } else {
        let file = std::fs::File::open(path)
            .with_context(|| format!("{} can't be read", path.display()))?;
        Box::new(BufReader::with_capacity(1 << 20, file))
    };
    let name = path.display().to_string();
    let mut number = 0;
    let mut next = move || -> anyhow::Result<Option<Line>> {
        let mut body = Vec::new();
        number += 1;
        let read = input
            .by_ref()
            .take(LINE_BYTES + 1)
            .read_until(b'\n', &mut body);
        let read = read.with_context(|| format!("{name} can't be read"))?;
        if read as u64 > LINE_BYTES {
            bail!(
                "{name}, line {number}: it has more than {LINE_BYTES} bytes; no event is so long"
            );
        }
        let body = Bytes::from(body.trim_ascii().to_vec());
        Ok((read > 0).then_some(Line { number, body }))
    };
    let lines = std::iter::from_fn(move || next().transpose());
    Ok(lines.filter(|line| !matches!(line, Ok(line) if line.body.is_empty())))
}

/// Gathers lines into batches and sends these in order.
pub(crate) struct Sender {
    target: Target,
    batch: usize,
    patience: Duration,
    waiting: Vec<Line>,
    bytes: usize,
    bar: ProgressBar,
    gave_up: bool,
}

impl Sender {
    /// Makes a sender; `total` bytes are expected.
    pub(crate) fn new(target: Target, batch: usize, patience: Duration, total: u64) -> Self {
        Self {
            target,
            batch,
            patience,
            waiting: Vec::new(),
            bytes: 0,
            bar: output::progress(total, "bytes"),
            gave_up: false,
        }
    }

    /// Tells whether the target can't be reached, so that going on is of no use.
    pub(crate) fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// Takes a line, and sends when a batch is full.
    pub(crate) async fn push(&mut self, line: Line, report: &mut Report) {
        report.read += 1;
        if self.bytes + line.body.len() > BATCH_BYTES {
            self.flush(report).await;
        }
        // What is no JSON would spoil the batch it is in; alone it is refused alone.
        let alone = serde_json::from_slice::<serde::de::IgnoredAny>(&line.body).is_err();
        if alone {
            self.flush(report).await;
        }
        self.bytes += line.body.len();
        self.waiting.push(line);
        if alone || self.waiting.len() >= self.batch {
            self.flush(report).await;
        }
    }

    /// Sends what waits and ends the progress bar.
    pub(crate) async fn finish(&mut self, report: &mut Report) {
        self.flush(report).await;
        self.bar.finish_and_clear();
    }

    async fn flush(&mut self, report: &mut Report) {
        let lines = std::mem::take(&mut self.waiting);
        self.bytes = 0;
        let n_lines = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        if self.gave_up {
            report.undelivered += n_lines;
            return;
        }
        let bodies: Vec<Bytes> = lines.iter().map(|line| line.body.clone()).collect();
        match self.target.deliver(&bodies, self.patience).await {
            Ok(answer) => report.settle(&lines, answer),
            Err(failure @ (Failure::Later { .. } | Failure::Never(_))) => {
                self.gave_up = true;
                report.undelivered += n_lines;
                let from = lines.first().map_or(0, |line| line.number);
                report.error = Some(format!("not delivered from line {from} on: {failure}"));
            }
        }
        self.bar
            .inc(bodies.iter().map(|body| body.len() as u64 + 1).sum());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::testing::{answer, serve};

    async fn check(input: &str, answers: Vec<String>, batch: usize) -> (Report, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        std::fs::write(&path, input).unwrap();
        let server = serve(answers).await;
        let target = Target::new(&server.url, None).unwrap();
        let mut sender = Sender::new(target, batch, Duration::from_millis(300), size(&path));
        let mut report = Report::default();
        for line in read(&path).unwrap() {
            sender.push(line.unwrap(), &mut report).await;
        }
        sender.finish(&mut report).await;
        let bodies = server
            .requests
            .lock()
            .unwrap()
            .iter()
            .map(|(_, body)| body.clone())
            .collect();
        (report, bodies)
    }

    #[test]
    fn a_line_without_an_end_is_an_error_and_not_a_lot_of_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let long = "x".repeat(usize::try_from(LINE_BYTES).unwrap() + 1);
        std::fs::write(&path, format!("{{}}\n{long}\n{{}}\n")).unwrap();
        let mut lines = read(&path).unwrap();
        assert_eq!(lines.next().unwrap().unwrap().body, "{}");
        let error = lines.next().unwrap().unwrap_err().to_string();
        assert!(error.contains("line 2: it has more than"), "{error}");
    }

    #[test]
    fn refusals_are_counted_beyond_those_that_are_kept() {
        let mut report = Report::default();
        for line in 0..KEPT as u64 + 7 {
            let refused = Refused {
                index: 0,
                id: None,
                code: "invalid_json".to_owned(),
                field: None,
                message: String::new(),
            };
            report.refuse(line, refused);
        }
        let report = serde_json::to_value(&report).unwrap();
        assert_eq!(report["rejected"].as_array().unwrap().len(), KEPT);
        assert_eq!(report["more_rejected"], 7);
    }

    #[tokio::test]
    async fn sends_in_order_and_names_lines() {
        let refusal = r#"{"accepted":1,"duplicate":0,"rejected":[
            {"index":1,"id":"c","code":"missing_field","field":"data.body","message":"absent"}]}"#;
        let (report, bodies) = check(
            "{\"id\":\"a\"}\n\n{\"id\":\"b\"}\n{\"id\":\"c\"}\n{\"id\":\"d\"}",
            vec![
                answer(
                    "202 Accepted",
                    "",
                    r#"{"accepted":1,"duplicate":1,"rejected":[]}"#,
                ),
                answer(
                    "202 Accepted",
                    "",
                    &refusal.replace("\"index\":1", "\"index\":0"),
                ),
            ],
            2,
        )
        .await;
        assert_eq!(
            bodies,
            [r#"[{"id":"a"},{"id":"b"}]"#, r#"[{"id":"c"},{"id":"d"}]"#]
        );
        assert_eq!((report.read, report.accepted, report.duplicate), (4, 2, 1));
        assert_eq!(
            report
                .rejected
                .iter()
                .map(|entry| entry.line)
                .collect::<Vec<_>>(),
            [4]
        );
        let exit = report.print(true).unwrap();
        assert_eq!(format!("{exit:?}"), format!("{:?}", ExitCode::FAILURE));
    }

    #[tokio::test]
    async fn what_is_no_json_goes_alone() {
        let (report, bodies) = check(
            "{\"id\":\"a\"}\n{oops\n{\"id\":\"b\"}\n",
            vec![
                answer(
                    "202 Accepted",
                    "",
                    r#"{"accepted":1,"duplicate":0,"rejected":[]}"#,
                ),
                answer(
                    "400 Bad Request",
                    "",
                    r#"{"code":"invalid_json","detail":"no"}"#,
                ),
                answer(
                    "202 Accepted",
                    "",
                    r#"{"accepted":1,"duplicate":0,"rejected":[]}"#,
                ),
            ],
            10,
        )
        .await;
        assert_eq!(bodies, [r#"{"id":"a"}"#, "{oops", r#"{"id":"b"}"#]);
        assert_eq!(
            report
                .rejected
                .iter()
                .map(|entry| entry.line)
                .collect::<Vec<_>>(),
            [2]
        );
        assert_eq!(report.accepted, 2);
    }

    #[tokio::test]
    async fn says_from_where_nothing_was_delivered() {
        let (report, _) = check("{}\n{}\n{}\n", vec![String::new()], 1).await;
        assert_eq!(report.undelivered, 3);
        assert!(
            report
                .error
                .unwrap()
                .starts_with("not delivered from line 1 on")
        );
    }
}
