//! `stoa archive repair`: a damaged journal is written anew, with what others still have of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use clap::Args;
use serde_json::{Value, json};
use stoa_archive::{Salvage, Source};
use stoa_daemon::Clock;
use stoa_journal::{Content, Damage, Known, Lock, Record, Survey};
use stoa_proto::{Exchange, Outgoing};

use super::transparency;
use crate::export::line::{self, Line};
use crate::{output, publish};

/// What is repaired, and from what.
#[derive(Debug, Args)]
pub(super) struct RepairArgs {
    /// The data folder of the archive, or the one of `stoa up`. The journal of another role, or of the
    /// embedded bus, is repaired as well, and nothing is restored to it.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The data folder of ingest: what it accepted is restored.
    #[arg(long, value_name = "DIR")]
    from_ingest: Option<PathBuf>,
    /// The data folder of moderation-rules: decisions, cases and what else it made are restored.
    #[arg(long, value_name = "DIR")]
    from_moderation: Option<PathBuf>,
    /// Events byte by byte as the archive keeps them, one a line, such as `stoa export jsonl` writes
    /// them; more than once for more files. What
    /// a platform has sent and ingest has not accepted is no such event, and is left out.
    #[arg(long, value_name = "FILE")]
    from_export: Vec<PathBuf>,
    /// Says what would be done and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// A journal and what there is to know of it.
struct Patient {
    journal: PathBuf,
    /// The archive's data folder; none for another journal.
    archive: Option<PathBuf>,
}

impl Patient {
    fn find(data: &Path) -> anyhow::Result<Self> {
        let journal = super::journal(data)?;
        let folder = journal.parent().unwrap_or(&journal);
        let is_archive = journal.ends_with("journal") && !folder.join("outbox.cursor").exists();
        Ok(Self {
            archive: is_archive.then(|| folder.to_owned()),
            journal,
        })
    }

    /// Builds the view anew, or leaves that to the next start of a role that is not the archive.
    fn rebuild_view(&self) -> anyhow::Result<()> {
        // At once: its positions are the damaged journal's.
        let view = self.journal.with_file_name("view");
        match std::fs::remove_dir_all(&view) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("can't remove {}", view.display()));
            }
            _ => {}
        }
        match &self.archive {
            Some(archive) => super::rebuild_views(archive).map(|_| ()),
            None => Ok(()),
        }
    }
}

/// Runs the command. It blocks.
pub(super) fn run(args: &RepairArgs) -> anyhow::Result<ExitCode> {
    let patient = Patient::find(&args.data)?;
    let has_sources = args.from_ingest.is_some()
        || args.from_moderation.is_some()
        || !args.from_export.is_empty();
    if has_sources && patient.archive.is_none() {
        bail!(
            "{} is not an archive's: only to an archive can be restored what others have",
            patient.journal.display()
        );
    }
    let lock = Lock::take(&patient.journal)?;
    let known = match &patient.archive {
        Some(archive) => stoa_archive::known(archive)?,
        None => Known::NOTHING,
    };
    let mut salvage = Salvage::default();
    let survey = walk(&patient.journal, known, &mut |record| {
        salvage.keep(&record);
        Ok(())
    })?;
    salvage.need(&survey);
    if survey.is_whole() {
        if args.json {
            output::json(&json!({"ok": true, "damage": []}))?;
        } else {
            output::line("The journal is whole: there is nothing to repair.");
        }
        return Ok(ExitCode::SUCCESS);
    }
    offer_all(args, &mut salvage)?;
    let appended = std::mem::take(&mut salvage.appended);
    let report = Report {
        survey: &survey,
        restored: &salvage.restored,
        appended: appended.len() as u64,
        withheld: salvage.withheld,
        foreign: salvage.foreign,
    };
    let mut log_ended = None;
    let set_aside = if args.dry_run {
        None
    } else {
        let clock: stoa_journal::Clock = Arc::new(|| Clock::system().micros());
        let done = stoa_journal::repair(lock, &survey, &salvage.restored, appended, &clock)?;
        patient.rebuild_view()?;
        if let Some(archive) = &patient.archive {
            log_ended = transparency::end_if_broken(archive)?;
        }
        Some(done.set_aside)
    };
    let (set_aside, log_ended) = (set_aside.as_deref(), log_ended.as_deref());
    if args.json {
        output::json(&report.json(set_aside, log_ended))?;
    } else {
        report.print(set_aside, log_ended);
    }
    Ok(ExitCode::SUCCESS)
}

/// Walks a journal with a progress bar; the first error of `visit` is the walk's.
fn walk(
    journal: &Path,
    known: Known,
    visit: &mut dyn FnMut(Record) -> anyhow::Result<()>,
) -> anyhow::Result<Survey> {
    let bar = output::progress(0, "records");
    let mut failed = None;
    let survey = stoa_journal::survey(journal, known, &mut |record| {
        bar.inc(1);
        if failed.is_none() {
            failed = visit(record).err();
        }
    });
    bar.finish_and_clear();
    match failed {
        Some(error) => Err(error),
        None => Ok(survey?),
    }
}

/// Offers every event that the sources have.
fn offer_all(args: &RepairArgs, salvage: &mut Salvage) -> anyhow::Result<()> {
    if let Some(data) = &args.from_ingest {
        let events = |record: &Record| stoa_ingest::published(record);
        offer(data, Exchange::Content, &events, salvage)?;
    }
    if let Some(data) = &args.from_moderation {
        let events = |record: &Record| stoa_moderation_rules::published(record);
        offer(data, Exchange::Outcomes, &events, salvage)?;
    }
    for file in &args.from_export {
        for line in publish::read(file)? {
            let body = line?.body;
            match line::read(&body) {
                Ok(Line::Record(kept)) if kept.content == Content::Whole => {
                    salvage.offer(&kept.payload, Source::File);
                }
                Ok(Line::Record(_) | Line::End(_)) => {}
                Ok(Line::Other) | Err(_) => salvage.offer(&body, Source::File),
            }
        }
    }
    Ok(())
}

/// Offers what a role's journal has for the archive.
fn offer(
    data: &Path,
    exchange: Exchange,
    events: &dyn Fn(&Record) -> anyhow::Result<Vec<Outgoing>>,
    salvage: &mut Salvage,
) -> anyhow::Result<()> {
    let journal = super::journal(data)?;
    let survey = walk(&journal, Known::NOTHING, &mut |record| {
        let events =
            events(&record).with_context(|| format!("{} is not this role's", journal.display()))?;
        for event in events.iter().filter(|event| event.exchange == exchange) {
            salvage.offer(&event.body, Source::Journal);
        }
        Ok(())
    })?;
    if !survey.is_whole() {
        output::note(&format!(
            "{} is damaged too, in {} places; what is whole of it was used",
            journal.display(),
            survey.damage.len()
        ));
    }
    Ok(())
}

/// What is damaged and what becomes of it.
struct Report<'a> {
    survey: &'a Survey,
    restored: &'a HashMap<u64, Bytes>,
    appended: u64,
    withheld: u64,
    foreign: u64,
}

impl Report<'_> {
    /// How many records nothing is left of.
    fn gone(&self) -> u64 {
        let gone = self.survey.damage.iter().filter(|d| d.lost.is_none());
        gone.filter_map(|d| d.last.map(|last| last + 1 - d.first))
            .sum()
    }

    /// What becomes of damaged records.
    fn outcome(&self, damage: &Damage) -> &'static str {
        match (damage.lost, damage.last) {
            (Some(lost), _) if self.restored.contains_key(&lost.seq()) || lost.is_erased() => {
                "restored"
            }
            (Some(_), _) => "lost",
            (None, Some(_)) => "gone",
            (None, None) => "mended",
        }
    }

    fn n_lost(&self) -> usize {
        let damage = self.survey.damage.iter();
        damage.filter(|d| self.outcome(d) == "lost").count()
    }

    /// At least so many records could not be restored.
    fn missing(&self) -> u64 {
        self.n_lost() as u64 + self.gone().saturating_sub(self.appended)
    }

    fn json(&self, set_aside: Option<&Path>, log_ended: Option<&Path>) -> Value {
        let damage = self.survey.damage.iter().map(|damage| {
            let mut row = json!({
                "segment": damage.segment.display().to_string(), "byte": damage.offset,
                "first": damage.first, "last": damage.last, "reason": damage.reason,
                "outcome": self.outcome(damage),
            });
            if let (Some(lost), Some(row)) = (damage.lost, row.as_object_mut()) {
                row.insert("type".to_owned(), json!(kind(lost.kind())));
                row.insert("time".to_owned(), json!(super::time(lost.time_us())));
            }
            row
        });
        json!({
            "ok": true, "dry_run": set_aside.is_none(),
            "damage": damage.collect::<Vec<_>>(),
            "restored": self.restored.len(), "gone": self.gone(), "appended": self.appended,
            "withheld": self.withheld, "foreign": self.foreign, "missing": self.missing(),
            "set_aside": set_aside.map(|path| path.display().to_string()),
            "log_ended": log_ended.map(|path| path.display().to_string()),
        })
    }

    fn print(&self, set_aside: Option<&Path>, log_ended: Option<&Path>) {
        let row = |damage: &Damage| {
            let records = match damage.last {
                Some(last) if last > damage.first => format!("{}-{last}", damage.first),
                Some(last) => last.to_string(),
                None => String::new(),
            };
            let what = damage.lost.map_or_else(String::new, |lost| {
                format!("{} {}", kind(lost.kind()), super::time(lost.time_us()))
            });
            let place = format!("{}:{}", damage.segment.display(), damage.offset);
            let outcome = format!("{} ({})", self.outcome(damage), damage.reason);
            [place, records, what, outcome]
        };
        let rows: Vec<_> = self.survey.damage.iter().map(row).collect();
        output::table(
            ["segment:byte", "records", "what they were", "outcome"],
            &rows,
        );
        output::line(&format!(
            "{} records are what they were, {} have lost their content, of {} nothing is left; \
             {} events that the archive lacked are appended.",
            self.restored.len(),
            self.n_lost(),
            self.gone(),
            self.appended
        ));
        if self.withheld > 0 {
            output::line(&format!(
                "{} events were left out: they may be ones that were erased.",
                self.withheld
            ));
        }
        if self.foreign > 0 {
            output::line(&format!(
                "{} lines were left out: they are no events as the archive keeps them.",
                self.foreign
            ));
        }
        output::line(&match self.missing() {
            0 => "Nothing is missing.".to_owned(),
            missing => format!("At least {missing} records could not be restored."),
        });
        output::line(&match set_aside {
            Some(path) => format!(
                "The damaged journal is now {}: delete it once you do not need it any more, since \
                 what is erased later stays in it.",
                path.display()
            ),
            None => "Nothing was changed.".to_owned(),
        });
        if let Some(path) = log_ended {
            output::line(&format!(
                "The journal no longer leads to what the transparency log signed: that log ends, and is \
                 now {}. The next start begins another one with another key: tell whoever has the old \
                 one.",
                path.display()
            ));
        }
    }
}

/// The name of a record's type.
fn kind(byte: u8) -> String {
    stoa_archive::kind_of_record(byte)
        .map_or_else(|| format!("kind {byte}"), |kind| kind.short().to_owned())
}

#[cfg(test)]
mod tests;
