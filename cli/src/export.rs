//! `stoa export`: what an archive holds, in formats of others.

mod activitystreams;
mod disqus;
mod dsa;
mod html;
mod jsonl;
pub(crate) mod line;
mod out;
mod parquet;
pub(crate) mod redactions;

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};
use stoa_archive::export::Export;

use crate::archive::folder;
use crate::output;

/// Writes what an archive holds in formats that others read.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(subcommand)]
    command: ExportCommand,
}

#[derive(Debug, Subcommand)]
enum ExportCommand {
    /// Every event as a `CloudEvent`, one a line, in the order of the journal; the archive may be
    /// running. `stoa restore` makes the same archive of it.
    Jsonl(jsonl::JsonlArgs),
    /// The list of redactions, with which `stoa restore` keeps an older backup from bringing words back;
    /// the archive may be running.
    Redactions(redactions::RedactionsArgs),
    /// Articles, comments and decisions as three Parquet files; the archive must be stopped.
    Parquet(parquet::ParquetArgs),
    /// A site as files of HTML, for a browser or any web server; the archive must be stopped.
    Html(html::HtmlArgs),
    /// A site as the XML of a Disqus export, for systems that read it; the archive must be stopped.
    Disqus(disqus::DisqusArgs),
    /// Statements of reasons as the DSA Transparency Database takes them, from a moderation-rules that is
    /// running.
    Dsa(dsa::DsaArgs),
    /// A site as objects of `ActivityStreams`, one a line; the archive must be stopped.
    #[command(name = "activitystreams")]
    ActivityStreams(activitystreams::ActivityStreamsArgs),
}

/// Runs the command. It blocks.
pub(crate) fn run(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        ExportCommand::Jsonl(args) => jsonl::run(args),
        ExportCommand::Redactions(args) => redactions::run(args),
        ExportCommand::Parquet(args) => parquet::run(args),
        ExportCommand::Html(args) => html::run(args),
        ExportCommand::Disqus(args) => disqus::run(args),
        ExportCommand::Dsa(args) => crate::on_runtime(dsa::run(args)),
        ExportCommand::ActivityStreams(args) => activitystreams::run(args),
    }
}

/// Opens a stopped archive, and brings its view up to date.
fn open(data: &Path) -> anyhow::Result<Export> {
    let bar = output::progress(0, "records");
    let export = Export::open(&folder(data)?, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    export
}

/// Makes sure that the archive has a site.
fn known(export: &Export, site: &str) -> anyhow::Result<()> {
    let sites = export.sites()?;
    if !sites.iter().any(|known| known == site) {
        bail!(
            "the archive has no site `{site}`: --site is one of {}",
            sites.join(", ")
        );
    }
    Ok(())
}
