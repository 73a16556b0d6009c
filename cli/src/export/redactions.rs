//! `stoa export redactions`: what was asked to be erased and what was, as a list for older backups.
//!
//! A line is an event about a redaction; the last one says how many there are, and of which archive:
//! `docs/export.md`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_archive::Listed;
use stoa_journal::{Content, Reader};

use super::out::Out;
use crate::archive::{folder, hex};
use crate::output;

/// How the last line begins.
const LAST: &[u8] = b"{\"stoaredactions\":";

/// Exports the list of redactions.
#[derive(Debug, Args)]
pub(super) struct RedactionsArgs {
    /// The archive's data folder, or the one of `stoa up`; the archive may be running.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// File that is written; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replaces a file that exists.
    #[arg(long)]
    force: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// The last line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    /// How many lines there are before it.
    #[serde(rename = "stoaredactions")]
    pub(crate) events: u64,
    /// What tells the archive from others.
    #[serde(rename = "stoaarchive")]
    pub(crate) archive: String,
}

impl End {
    /// Reads a line, if it is a last one.
    pub(crate) fn read(line: &[u8]) -> Option<serde_json::Result<Self>> {
        line.starts_with(LAST).then(|| serde_json::from_slice(line))
    }
}

/// Returns what tells an archive from others, in hexadecimal: the chain hash of its first record, which
/// is the same in all its copies, whatever was erased.
pub(crate) fn archive(journal: &Path) -> anyhow::Result<String> {
    let first = Reader::open(journal)?.next_kept().transpose()?;
    Ok(hex(&first.map_or([0; 32], |first| first.chain)))
}

/// Runs the command. It blocks.
pub(super) fn run(args: &RedactionsArgs) -> anyhow::Result<ExitCode> {
    let journal = folder(&args.data)?.join("journal");
    let mut end = End {
        events: 0,
        archive: archive(&journal)?,
    };
    let mut reader = Reader::open(&journal)?;
    let mut out = Out::create(&args.out, args.force)?;
    let bar = output::progress(reader.total_bytes(), "bytes");
    let mut write = |line: &[u8]| {
        let written = out.write_all(line).and_then(|()| out.write_all(b"\n"));
        written.context("can't write the list")
    };
    while let Some(kept) = reader.next_kept() {
        let kept = kept?;
        if kept.content == Content::Whole
            && let Some(listed) = Listed::of_record(kept.kind, &kept.payload)
                .with_context(|| format!("record {} is no event of this version", kept.seq))?
        {
            write(&listed.to_line())?;
            end.events += 1;
        }
        bar.set_position(reader.bytes());
    }
    write(&serde_json::to_vec(&end)?)?;
    let print = if out.is_pipe() {
        output::note
    } else {
        output::line
    };
    out.finish()?;
    bar.finish_and_clear();
    if args.json {
        let value = json!({"ok": true, "events": end.events, "archive": end.archive});
        print(&serde_json::to_string(&value)?);
    } else {
        print(&format!("{} events about redactions.", end.events));
    }
    Ok(ExitCode::SUCCESS)
}
