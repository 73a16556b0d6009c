//! `stoa export activitystreams`: a site as the objects that its archive serves, one a line.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::out::Out;
use super::{known, open};
use crate::output;

/// Exports a site as objects of `ActivityStreams`.
#[derive(Debug, Args)]
pub(super) struct ActivityStreamsArgs {
    /// The archive's data folder, or the one of `stoa up`; the archive must be stopped.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The site.
    #[arg(long)]
    site: String,
    /// What ids begin with: the archive's `http.public_url`, as <https://archive.example>.
    #[arg(long, value_name = "URL")]
    base: String,
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

/// Runs the command. It blocks.
pub(super) fn run(args: &ActivityStreamsArgs) -> anyhow::Result<ExitCode> {
    let export = open(&args.data)?;
    known(&export, &args.site)?;
    let mut out = Out::create(&args.out, args.force)?;
    let is_pipe = out.is_pipe();
    let bar = output::progress(0, "objects");
    let written = export.activity(&args.site, &args.base, &mut |object| {
        bar.inc(1);
        writeln!(out, "{object}").context("can't write the export")
    })?;
    out.finish()?;
    bar.finish_and_clear();
    if is_pipe {
        return Ok(ExitCode::SUCCESS);
    }
    if args.json {
        output::json(&json!({
            "ok": true, "objects": written.objects, "tombstones": written.tombstones,
        }))?;
    } else {
        output::line(&format!(
            "{} objects and {} tombstones are in {}.",
            written.objects,
            written.tombstones,
            args.out.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}
