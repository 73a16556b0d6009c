//! Where events come from: files of lines, or the journal of an archive.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use indicatif::ProgressBar;
use stoa_ingest::Normaliser;
use stoa_journal::{Reader, Record};
use stoa_proto::codec::{self, Message};
use stoa_proto::{Code, Event, Kind, Rejection};

use super::BacktestArgs;
use crate::{output, publish};

/// Events that are handed over at once.
const BATCH: usize = 512;
/// Lines that are named when they are passed over.
const NAMED: u64 = 5;

/// What holds an event.
pub(super) enum Raw {
    /// A line of a file, with the file's place on the command line.
    Line { file: usize, line: publish::Line },
    /// A record of the archive.
    Record(Record),
    /// It could not be read.
    Failed(anyhow::Error),
}

/// Where events come from.
pub(super) struct Source {
    files: Vec<PathBuf>,
    journal: Option<PathBuf>,
    normaliser: Normaliser,
    skip_bad: bool,
    bad: AtomicU64,
    bar: ProgressBar,
}

impl Source {
    pub(super) fn open(args: &BacktestArgs) -> anyhow::Result<Self> {
        let languages = if args.languages.is_empty() {
            let config: stoa_ingest::Config =
                stoa_daemon::config::load_from("ingest", stoa_ingest::DEFAULT_CONFIG, None, [])?;
            config.languages
        } else {
            args.languages.clone()
        };
        let normaliser = Normaliser::new(&languages)
            .map_err(|message| anyhow!("--languages can't be used: {message}"))?;
        if args.events.iter().filter(|path| is_stdin(path)).count() > 1 {
            bail!("standard input can be read once: give `--events -` once");
        }
        for path in args.events.iter().filter(|path| !is_stdin(path)) {
            std::fs::File::open(path)
                .with_context(|| format!("{} can't be read", path.display()))?;
        }
        let journal = args.data.as_deref().map(journal).transpose()?;
        let total = args.events.iter().map(|path| publish::size(path)).sum();
        Ok(Self {
            files: args.events.clone(),
            journal,
            normaliser,
            skip_bad: args.skip_bad,
            bad: AtomicU64::new(0),
            bar: output::progress(total, "bytes"),
        })
    }

    /// Returns what reads and what decodes.
    #[expect(
        clippy::type_complexity,
        reason = "named types can't say what closures are"
    )]
    pub(super) fn parts(
        &self,
    ) -> (
        Box<dyn Iterator<Item = Vec<Raw>> + Send + '_>,
        impl Fn(Raw) -> anyhow::Result<Option<Event>> + Sync,
    ) {
        let raws: Box<dyn Iterator<Item = Raw> + Send + '_> = match &self.journal {
            Some(dir) => Box::new(self.records(dir)),
            None => Box::new(self.lines()),
        };
        let mut raws = raws;
        let batches = std::iter::from_fn(move || {
            let batch: Vec<Raw> = raws.by_ref().take(BATCH).collect();
            (!batch.is_empty()).then_some(batch)
        });
        (Box::new(batches), |raw| self.decode(raw))
    }

    /// Says what was passed over.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
        let bad = self.bad.load(Ordering::Relaxed);
        if bad > 0 {
            output::note(&format!("{bad} lines were passed over"));
        }
    }

    fn lines(&self) -> impl Iterator<Item = Raw> + Send + '_ {
        self.files.iter().enumerate().flat_map(move |(file, path)| {
            let lines: Box<dyn Iterator<Item = Raw> + Send> = match lines(path) {
                Ok(lines) => Box::new(lines.map(move |line| match line {
                    Ok(line) => Raw::Line { file, line },
                    Err(error) => Raw::Failed(error),
                })),
                Err(error) => Box::new(std::iter::once(Raw::Failed(error))),
            };
            lines.inspect(|raw| {
                if let Raw::Line { line, .. } = raw {
                    self.bar.inc(line.body.len() as u64 + 1);
                }
            })
        })
    }

    fn records(&self, dir: &Path) -> impl Iterator<Item = Raw> + Send + use<'_> {
        let (reader, error) = match Reader::open(dir) {
            Ok(reader) => (Some(reader), None),
            Err(error) => (None, Some(Raw::Failed(error.into()))),
        };
        if let Some(reader) = &reader {
            self.bar.set_length(reader.total_bytes());
        }
        let records = reader.into_iter().flatten().map(|record| match record {
            Ok(record) => {
                self.bar.inc(record.payload.len() as u64);
                Raw::Record(record)
            }
            Err(error) => Raw::Failed(error.into()),
        });
        error.into_iter().chain(records)
    }

    fn decode(&self, raw: Raw) -> anyhow::Result<Option<Event>> {
        match raw {
            Raw::Failed(error) => Err(error),
            Raw::Record(record) => archived(&record),
            Raw::Line { file, line } => match self.line(&line.body) {
                Ok(event) => Ok(Some(event)),
                Err(rejection) => self.bad(file, line.number, &rejection),
            },
        }
    }

    /// Judges a line as ingest would, and normalises its text.
    fn line(&self, body: &Bytes) -> Result<Event, Rejection> {
        let message = Message {
            content_type: Some(codec::STRUCTURED.to_owned()),
            body: body.clone(),
            ..Message::default()
        };
        let decoded = codec::decode(&message).into_iter().next();
        let mut event = match decoded {
            Some(Ok(event)) => event,
            // A platform can't send what Stoa itself says, such as a decision; an export has it.
            Some(Err(error)) if error.rejection.code == Code::UnknownType => {
                Event::from_json(body).map_err(|_| error.rejection)?
            }
            Some(Err(error)) => return Err(error.rejection),
            None => Event::from_json(body)?,
        };
        self.normaliser.normalise(&mut event)?;
        Ok(event)
    }

    fn bad(
        &self,
        file: usize,
        number: u64,
        rejection: &Rejection,
    ) -> anyhow::Result<Option<Event>> {
        let name = match self.files.get(file) {
            Some(path) if !is_stdin(path) => path.display().to_string(),
            _ => "standard input".to_owned(),
        };
        let field = rejection
            .field
            .as_deref()
            .map(|field| format!(" ({field})"))
            .unwrap_or_default();
        let what = format!(
            "{name}, line {number}: {}{field}: {}",
            rejection.code.as_str(),
            rejection.message
        );
        if !self.skip_bad {
            bail!("{what}\nmend the line, or pass over such lines with --skip-bad");
        }
        if self.bad.fetch_add(1, Ordering::Relaxed) < NAMED {
            output::note(&format!("passed over: {what}"));
        }
        Ok(None)
    }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

type Lines = Box<dyn Iterator<Item = anyhow::Result<publish::Line>> + Send>;

/// Reads lines as [`publish::read`] does, on a thread of its own.
fn lines(path: &Path) -> anyhow::Result<Lines> {
    let name = path.display().to_string();
    let input: Box<dyn BufRead + Send> = if is_stdin(path) {
        Box::new(std::io::BufReader::new(std::io::stdin()))
    } else {
        let file = std::fs::File::open(path).with_context(|| format!("{name} can't be read"))?;
        Box::new(std::io::BufReader::with_capacity(1 << 20, file))
    };
    let lines = input.split(b'\n').zip(1_u64..).map(move |(line, number)| {
        let body = line.with_context(|| format!("{name} can't be read"))?;
        Ok(publish::Line {
            number,
            body: body.into(),
        })
    });
    let blank = |line: &anyhow::Result<publish::Line>| matches!(line, Ok(line) if line.body.trim_ascii().is_empty());
    Ok(Box::new(lines.filter(move |line| !blank(line))))
}

/// Finds the archive's journal in a data folder.
fn journal(data: &Path) -> anyhow::Result<PathBuf> {
    [data.join("journal"), data.join("archive/journal")]
        .into_iter()
        .find(|folder| folder.is_dir())
        .with_context(|| {
            format!(
                "there is no archive in {}: give the data folder of the archive or of `stoa up`",
                data.display()
            )
        })
}

/// Reads a record of the archive, if it is one that the rules or their history need.
fn archived(record: &Record) -> anyhow::Result<Option<Event>> {
    let kind = stoa_archive::kind_of_record(record.kind);
    let needed = match kind {
        Some(
            Kind::ArticlePublished
            | Kind::ArticleUpdated
            | Kind::CommentSubmitted
            | Kind::CommentEdited
            | Kind::CommentReported
            | Kind::CommentWithdrawn
            | Kind::AuthorSanctioned,
        ) => true,
        // The rules' own decisions are made anew; there is one of them for each comment.
        Some(Kind::CommentDecided) => std::str::from_utf8(&record.payload)
            .is_ok_and(|text| text.contains(r#""kind":"moderator""#)),
        _ => false,
    };
    if !needed || record.redacted {
        return Ok(None);
    }
    let event = Event::from_json(&record.payload).map_err(|rejection| {
        anyhow!(
            "record {} of the archive can't be read: {}",
            record.seq,
            rejection.message
        )
    })?;
    Ok(Some(event))
}
