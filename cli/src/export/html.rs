//! `stoa export html`: a site's pages as files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::json;

use super::{known, open};
use crate::output;

/// Exports a site as files of HTML.
#[derive(Debug, Args)]
pub(super) struct HtmlArgs {
    /// The archive's data folder, or the one of `stoa up`; the archive must be stopped.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The site.
    #[arg(long)]
    site: String,
    /// Folder that is made; its `index.html` is the list of threads.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Writes what reviewers see: comments that were held or rejected, and who decided. Not for the
    /// public.
    #[arg(long)]
    all: bool,
    /// Replaces a folder that an earlier export has written.
    #[arg(long)]
    force: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command. It blocks.
pub(super) fn run(args: &HtmlArgs) -> anyhow::Result<ExitCode> {
    let shown = args.out.display();
    let is_there = fs::read_dir(&args.out).is_ok_and(|mut entries| entries.next().is_some());
    if is_there && !args.force {
        bail!("{shown} is not empty: name another folder with --out, or replace it with --force");
    }
    if is_there && !args.out.join("assets/thread.css").is_file() {
        bail!("{shown} was not written by `stoa export html`, so --force does not replace it");
    }
    let export = open(&args.data)?;
    known(&export, &args.site)?;
    let part = Part::begin(&args.out)?;
    let bar = output::progress(0, "files");
    let written = export.html(&args.site, args.all, &mut |path, text| {
        bar.inc(1);
        part.put(path, text)
    })?;
    bar.finish_and_clear();
    part.take(&args.out)?;
    if args.json {
        output::json(&json!({
            "ok": true, "threads": written.threads, "comments": written.comments,
            "files": written.files,
        }))?;
    } else {
        output::line(&format!(
            "{} threads with {} comments are in {shown}: begin with index.html.",
            written.threads, written.comments
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// The folder under another name until it is whole.
struct Part(PathBuf);

impl Part {
    fn begin(out: &Path) -> anyhow::Result<Self> {
        let Some(name) = out.file_name() else {
            bail!(
                "{} has no name of its own: --out names a new folder",
                out.display()
            );
        };
        let mut name = name.to_owned();
        name.push(".part");
        let part = Self(out.with_file_name(name));
        part.clear();
        fs::create_dir_all(&part.0).with_context(|| format!("can't make {}", part.0.display()))?;
        Ok(part)
    }

    fn put(&self, path: &str, text: &str) -> anyhow::Result<()> {
        let path = self.0.join(path);
        let write = || {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(&path, text)
        };
        write().with_context(|| format!("can't write {}", path.display()))
    }

    fn take(&self, out: &Path) -> anyhow::Result<()> {
        let take = || {
            match fs::remove_dir_all(out) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            fs::rename(&self.0, out)
        };
        take().with_context(|| format!("can't write {}", out.display()))
    }

    fn clear(&self) {
        // It is gone when it was taken.
        fs::remove_dir_all(&self.0).ok();
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.clear();
    }
}
