//! `stoa backup`: an archive's journal, segment by segment, in a folder or in S3-compatible storage.
//!
//! ```text
//! manifest.json                   what belongs to the backup, with SHA-256 of everything
//! segments/FIRST-SHA256.seg       a segment, under the number of its first record and its hash
//! tlog.key                        the signing key of the transparency log, if that was asked for
//! ```
//!
//! **Invariant:** what a manifest names is there and never changes. A segment that grew or was redacted
//! is another object; the manifest is replaced once all of them are there, and only then goes what no
//! manifest names any more.

pub(crate) mod manifest;
mod send;
pub(crate) mod store;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::json;

use self::manifest::Manifest;
use self::store::{PlaceArgs, Store};
use crate::archive::{folder, hex};
use crate::output;

/// Copies an archive's journal to a folder or to S3-compatible storage; the archive may be running.
///
/// Only what is new or was changed since the last backup in that place is sent.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct BackupArgs {
    #[command(subcommand)]
    command: Option<BackupCommand>,
    /// The archive's data folder, or the one of `stoa up`.
    #[arg(long, value_name = "DIR", required = true)]
    data: Option<PathBuf>,
    /// Where to: a folder of the backup's own, or `s3://bucket/prefix`. For S3, `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_REGION` and `AWS_ENDPOINT_URL` are read from the environment.
    #[arg(long, value_name = "DIR|URL", required = true)]
    to: Option<String>,
    /// Puts the signing key of the transparency log into the backup: whoever has it can sign in the
    /// archive's name. Without it, keep DIR/tlog/key in another place.
    #[arg(long)]
    with_key: bool,
    #[command(flatten)]
    place: PlaceArgs,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum BackupCommand {
    /// Reads everything in a backup and checks it against the hashes of its manifest.
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// The backup: a folder, or `s3://bucket/prefix`.
    #[arg(long, value_name = "DIR|URL")]
    from: String,
    #[command(flatten)]
    place: PlaceArgs,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command. It blocks.
pub(crate) fn run(args: &BackupArgs) -> anyhow::Result<ExitCode> {
    if let Some(BackupCommand::Verify(args)) = &args.command {
        return verify(args);
    }
    let (Some(data), Some(to)) = (&args.data, &args.to) else {
        bail!("--data and --to are needed");
    };
    let dir = folder(data)?;
    let store = Store::create(to, args.place)?;
    let sent = send::run(&dir, &store, args.with_key)?;
    let Manifest { records, root, .. } = &sent.manifest;
    let segments = sent.manifest.segments.len();
    if let Err(error) = stoa_archive::backup::note(&dir, sent.manifest.made_at) {
        output::note(&format!(
            "the backup is whole, but the data folder can't be written, so the archive's metrics don't tell of it: {error}"
        ));
    }
    if args.json {
        output::json(&json!({
            "ok": true, "records": records, "root": root, "segments": segments,
            "sent": sent.segments, "sent_bytes": sent.bytes, "removed": sent.removed,
        }))?;
    } else {
        output::line(&format!(
            "{records} records in {segments} segments are in {to}: {} segments were sent ({} bytes), {} \
             are as they were, and {} objects that nothing names any more were removed.",
            sent.segments,
            sent.bytes,
            segments as u64 - sent.segments,
            sent.removed
        ));
        output::line(&format!("The root of their tree is {root}."));
    }
    Ok(ExitCode::SUCCESS)
}

fn verify(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let store = Store::open(&args.from, args.place)?;
    let manifest = Manifest::fetch(&store)?;
    let bar = output::progress(manifest.bytes(), "bytes");
    let mut wrong = Vec::new();
    for segment in &manifest.segments {
        let checked = segment.fetch(&store, &mut |bytes| {
            bar.inc(bytes.len() as u64);
            Ok(())
        });
        if let Err(error) = checked {
            wrong.push(format!("{error:#}"));
        }
    }
    bar.finish_and_clear();
    if args.json {
        output::json(&json!({
            "ok": wrong.is_empty(), "records": manifest.records, "root": manifest.root,
            "segments": manifest.segments.len(), "made_at": manifest.made_at, "wrong": wrong,
        }))?;
    } else if wrong.is_empty() {
        output::line(&format!(
            "The backup of {} is whole: {} records in {} segments.",
            manifest.made_at,
            manifest.records,
            manifest.segments.len()
        ));
    } else {
        for wrong in &wrong {
            output::note(wrong);
        }
        output::note(
            "the next `stoa backup` sends again what is missing; what was changed has to be removed first",
        );
    }
    Ok(if wrong.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Writes a SHA-256 as the manifest has it.
fn digest(hash: sha2::Sha256) -> String {
    hex(&sha2::Digest::finalize(hash))
}
