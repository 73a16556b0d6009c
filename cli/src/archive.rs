//! `stoa archive`: work on an archive's data folder.

mod repair;
mod transparency;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use stoa_archive::{Part, Rebuilt};
use stoa_journal::{Repair, Repaired};

use crate::output;

/// Works on an archive's data folder.
#[derive(Debug, Args)]
pub(crate) struct ArchiveArgs {
    #[command(subcommand)]
    command: ArchiveCommand,
}

#[derive(Debug, Subcommand)]
enum ArchiveCommand {
    /// Checks every record of the journal, the chain between them, and that they lead to every
    /// checkpoint of the transparency log; the archive may be running.
    Verify(FolderArgs),
    /// Builds the view, and the search index if there is one, anew from the journal; the archive must
    /// be stopped.
    Rebuild(FolderArgs),
    /// Writes a damaged journal anew: keeps every record that is whole, restores what another role or
    /// an export still has, and says what it could not; the archive must be stopped.
    Repair(repair::RepairArgs),
    /// Prints the key with which anyone can check what the archive's transparency log signs.
    Key(transparency::KeyArgs),
    /// Writes a proof that a comment is in the archive, which holds without the archive.
    Prove(transparency::ProveArgs),
    /// Writes a proof that the archive still begins with what an older checkpoint had.
    Consistency(transparency::ConsistencyArgs),
    /// Checks a proof, offline, with nothing but the log's key.
    VerifyProof(transparency::VerifyProofArgs),
}

#[derive(Debug, Args)]
struct FolderArgs {
    /// The archive's data folder, or the one of `stoa up`.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command. It blocks.
pub(crate) fn run(args: &ArchiveArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        ArchiveCommand::Verify(folder) => verify(folder),
        ArchiveCommand::Rebuild(folder) => rebuild(folder),
        ArchiveCommand::Repair(args) => repair::run(args),
        ArchiveCommand::Key(args) => transparency::key(args),
        ArchiveCommand::Prove(args) => transparency::prove(args),
        ArchiveCommand::Consistency(args) => transparency::consistency(args),
        ArchiveCommand::VerifyProof(args) => transparency::verify_proof(args),
    }
}

/// Finds the archive's folder: the one given, or `archive` in it, as `stoa up` lays them out.
pub(crate) fn folder(data: &Path) -> anyhow::Result<PathBuf> {
    [data.to_owned(), data.join("archive")]
        .into_iter()
        .find(|folder| folder.join("journal").is_dir())
        .map_or_else(|| bail!("there is no archive in {}", data.display()), Ok)
}

/// Finds a journal: the folder given, or the one in it, or in the archive's folder of `stoa up`.
fn journal(data: &Path) -> anyhow::Result<PathBuf> {
    let is_journal = data.join("mark").is_file() || data.ends_with("journal");
    if is_journal && !data.join("journal").is_dir() {
        return Ok(data.to_owned());
    }
    Ok(folder(data)?.join("journal"))
}

fn verify(args: &FolderArgs) -> anyhow::Result<ExitCode> {
    let dir = journal(&args.data)?;
    let bar = output::progress(0, "bytes");
    let outcome = stoa_journal::verify(&dir, &mut |progress| {
        bar.set_length(progress.total_bytes);
        bar.set_position(progress.bytes);
    });
    bar.finish_and_clear();
    match outcome {
        Ok(report) => {
            let log = match dir.parent() {
                Some(data) => transparency::verify(data)?,
                None => None,
            };
            let head = hex(&report.head);
            if args.json {
                output::json(&json!({
                    "ok": true, "records": report.records, "bytes": report.bytes,
                    "segments": report.segments, "redacted": report.redacted,
                    "first": report.first, "next": report.next, "head": head,
                    "unfinished_bytes": report.unfinished_bytes,
                    "lost": report.lost, "gone": report.gone,
                    "repairs": report.repairs.iter().map(repaired).collect::<Vec<_>>(),
                    "log": log.as_ref().map(|log| json!({
                        "origin": log.checkpoint.origin, "size": log.checkpoint.size,
                        "root": hex(&log.checkpoint.root), "checkpoints": log.checkpoints,
                    })),
                }))?;
            } else {
                let row = [
                    report.records.to_string(),
                    report.segments.to_string(),
                    report.bytes.to_string(),
                    report.redacted.to_string(),
                    head,
                ];
                output::table(["records", "segments", "bytes", "redacted", "head"], &[row]);
                for repair in &report.repairs {
                    output::line(&told(repair));
                }
                output::line(if report.lost + report.gone == 0 {
                    "The journal is whole."
                } else {
                    "The journal is sound; what it lacks, repairs have said."
                });
                if let Some(log) = log {
                    output::line(&format!(
                        "It leads to all {} checkpoints of the log {}, the latest over {} records.",
                        log.checkpoints, log.checkpoint.origin, log.checkpoint.size
                    ));
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            if let stoa_journal::Error::Damaged {
                segment,
                seq,
                offset,
                reason,
                ..
            } = &error
            {
                if args.json {
                    output::json(&json!({
                        "ok": false, "segment": segment.display().to_string(), "seq": seq,
                        "byte": offset, "reason": reason,
                    }))?;
                } else {
                    let row = [
                        segment.display().to_string(),
                        seq.to_string(),
                        offset.to_string(),
                        (*reason).to_owned(),
                    ];
                    output::table(["segment", "record", "byte", "damage"], &[row]);
                    output::note(&error.to_string());
                }
                return Ok(ExitCode::FAILURE);
            }
            Err(error.into())
        }
    }
}

fn rebuild(args: &FolderArgs) -> anyhow::Result<ExitCode> {
    let rebuilt = rebuild_views(&folder(&args.data)?)?;
    let (records, documents) = (rebuilt.of.records, rebuilt.of.documents);
    if args.json {
        output::json(&json!({
            "ok": true, "records": records, "documents": documents,
            "view_records_per_second": rebuilt.view, "search_records_per_second": rebuilt.search,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let rate = rebuilt.view;
    output::line(&format!(
        "The view was built anew from {records} records, {rate} a second."
    ));
    if let (Some(documents), Some(rate)) = (documents, rebuilt.search) {
        output::line(&format!(
            "The search index was built anew: {documents} comments and articles, {rate} records a second."
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn repaired(repair: &Repair) -> Value {
    let range = |range: &Repaired| json!({"first": range.first, "last": range.last, "outcome": range.outcome.as_str()});
    json!({
        "seq": repair.seq, "time": time(repair.time_us), "appended": repair.appended,
        "ranges": repair.ranges.iter().map(range).collect::<Vec<_>>(),
    })
}

/// Tells of a repair in a sentence.
fn told(repair: &Repair) -> String {
    let range = |range: &Repaired| match range.last {
        last if last == range.first => format!("{last} {}", range.outcome.as_str()),
        last => format!("{}-{last} {}", range.first, range.outcome.as_str()),
    };
    let ranges: Vec<_> = repair.ranges.iter().map(range).collect();
    format!(
        "Repaired at {} (record {}): {}; {} records appended.",
        time(repair.time_us),
        repair.seq,
        ranges.join(", "),
        repair.appended
    )
}

/// What was rebuilt, and how many records a second it took.
pub(crate) struct Rates {
    pub(crate) of: Rebuilt,
    view: u64,
    search: Option<u64>,
}

/// Builds the views in an archive's folder anew, with a bar for each.
pub(crate) fn rebuild_views(dir: &Path) -> anyhow::Result<Rates> {
    let view = output::progress(0, "records");
    let search = output::progress(0, "records of the search index");
    let began = Instant::now();
    let mut between = None;
    let outcome = stoa_archive::rebuild(dir, &mut |part, done, total| {
        let bar = match part {
            Part::View => &view,
            Part::Search => {
                if between.is_none() {
                    between = Some(Instant::now());
                    view.finish_and_clear();
                    search.reset_elapsed();
                }
                &search
            }
        };
        bar.set_length(total);
        bar.set_position(done);
    });
    view.finish_and_clear();
    search.finish_and_clear();
    let of = outcome?;
    let rate = |took: Duration| {
        let rate = u128::from(of.records) * 1_000 / took.as_millis().max(1);
        u64::try_from(rate).unwrap_or(u64::MAX)
    };
    let end = between.unwrap_or_else(Instant::now);
    Ok(Rates {
        of,
        view: rate(end.duration_since(began)),
        search: between.map(|between| rate(between.elapsed())),
    })
}

/// Writes a time of the journal as RFC 3339.
pub(crate) fn time(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| String::new(), |at| at.to_string())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use stoa_journal::{Entry, Journal, Options};

    use super::*;

    fn check(data: &Path, expected: ExitCode) {
        let args = FolderArgs {
            data: data.to_owned(),
            json: false,
        };
        let exit = run(&ArchiveArgs {
            command: ArchiveCommand::Verify(args),
        })
        .unwrap();
        assert_eq!(format!("{exit:?}"), format!("{expected:?}"));
    }

    #[tokio::test]
    async fn tells_whole_from_damaged() {
        let data = tempfile::tempdir().unwrap();
        let dir = data.path().join("archive/journal");
        std::fs::create_dir_all(&dir).unwrap();
        let opened = Journal::open(&dir, Options::default(), Arc::new(|| 0)).unwrap();
        let entries = (0..9)
            .map(|n| Entry {
                kind: 1,
                payload: vec![n; 100].into(),
            })
            .collect();
        opened.journal.append(entries).await.unwrap();
        opened.journal.close().await;
        check(data.path(), ExitCode::SUCCESS);
        check(&data.path().join("archive"), ExitCode::SUCCESS);
        let segment = std::fs::read_dir(&dir)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .max_by_key(|path| std::fs::metadata(path).unwrap().len())
            .unwrap();
        let mut bytes = std::fs::read(&segment).unwrap();
        let middle = bytes
            .windows(100)
            .position(|window| window == [4; 100])
            .unwrap();
        bytes[middle + 50] ^= 1;
        std::fs::write(&segment, bytes).unwrap();
        check(data.path(), ExitCode::FAILURE);
    }

    #[test]
    fn refuses_a_folder_without_an_archive() {
        let data = tempfile::tempdir().unwrap();
        let args = FolderArgs {
            data: data.path().to_owned(),
            json: false,
        };
        assert!(
            run(&ArchiveArgs {
                command: ArchiveCommand::Verify(args)
            })
            .is_err()
        );
    }
}
