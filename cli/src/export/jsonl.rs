//! `stoa export jsonl`: the journal as lines, read as it grows and never held.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use stoa_archive::transparency;
use stoa_journal::{Content, Kept, Reader};
use stoa_proto::Event;
use stoa_tlog::Frontier;

use super::line::{self, End};
use super::out::Out;
use crate::archive::{folder, hex};
use crate::output;

/// Exports events, one a line.
#[derive(Debug, Args)]
pub(super) struct JsonlArgs {
    /// The archive's data folder, or the one of `stoa up`; the archive may be running.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// File that is written; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Events of this site alone. What was erased has lost its site, and is left out. With this or a
    /// time, the file can't be restored.
    #[arg(long)]
    site: Option<String>,
    /// Events that were archived at this time or later, as RFC 3339.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Events that were archived before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Replaces a file that exists.
    #[arg(long)]
    force: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Default)]
struct Report {
    records: u64,
    written: u64,
    erased: u64,
}

impl JsonlArgs {
    fn is_whole(&self) -> bool {
        self.site.is_none() && self.from.is_none() && self.until.is_none()
    }

    fn takes(&self, kept: &Kept) -> bool {
        let after = |at: &Timestamp| kept.time_us >= at.as_microsecond();
        self.from.as_ref().is_none_or(after)
            && !self.until.as_ref().is_some_and(after)
            && self.site.as_deref().is_none_or(|site| {
                kept.content == Content::Whole
                    && Event::from_json(&kept.payload).is_ok_and(|event| event.site() == site)
            })
    }
}

/// Runs the command. It blocks.
pub(super) fn run(args: &JsonlArgs) -> anyhow::Result<ExitCode> {
    let journal = folder(&args.data)?.join("journal");
    let mut reader = Reader::open(&journal)?;
    let mut out = Out::create(&args.out, args.force)?;
    let bar = output::progress(reader.total_bytes(), "bytes");
    let (mut report, mut frontier, mut head) = (Report::default(), Frontier::default(), [0; 32]);
    let mut bytes = Vec::new();
    while let Some(kept) = reader.next_kept() {
        let kept = kept?;
        if report.records == 0 && kept.seq > 0 {
            bail!(
                "the journal in {} begins with record {}: its front is missing; see with \
                 `stoa archive verify`",
                journal.display(),
                kept.seq
            );
        }
        frontier.push(transparency::entry(&kept));
        head = kept.chain;
        report.records += 1;
        report.erased += u64::from(kept.content == Content::Redacted);
        if args.takes(&kept) {
            bytes.clear();
            line::write(&kept, &mut bytes)?;
            out.write_all(&bytes).context("can't write the export")?;
            report.written += 1;
        }
        bar.set_position(reader.bytes());
    }
    if args.is_whole() {
        let end = End {
            records: report.records,
            head,
            root: frontier.root(),
        };
        bytes.clear();
        line::write_end(&end, &mut bytes)?;
        out.write_all(&bytes).context("can't write the export")?;
    }
    let is_pipe = out.is_pipe();
    out.finish()?;
    bar.finish_and_clear();
    tell(args, &report, &frontier, is_pipe)?;
    Ok(ExitCode::SUCCESS)
}

fn tell(
    args: &JsonlArgs,
    report: &Report,
    frontier: &Frontier,
    is_pipe: bool,
) -> anyhow::Result<()> {
    let print = if is_pipe { output::note } else { output::line };
    if args.json {
        let value = json!({
            "ok": true, "records": report.records, "written": report.written,
            "erased": report.erased, "restorable": args.is_whole(),
            "root": hex(&frontier.root()),
        });
        print(&serde_json::to_string(&value)?);
    } else if args.is_whole() {
        print(&format!(
            "{} records, of which {} are erased; the root of their tree is {}.",
            report.records,
            report.erased,
            hex(&frontier.root())
        ));
    } else {
        print(&format!(
            "{} of {} records; a selection can't be restored.",
            report.written, report.records
        ));
    }
    Ok(())
}
