//! `stoa import`: what other systems hold, as events.

pub(crate) use export::article_id;

mod export;
mod jsonl;
mod page;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Imports what other systems hold.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[command(subcommand)]
    command: ImportCommand,
}

#[derive(Debug, Subcommand)]
enum ImportCommand {
    /// The captured text of an article page with its comments.
    Page(page::PageArgs),
    /// Disqus: the XML of its export.
    Disqus(export::ExportArgs),
    /// WordPress: the XML (WXR) of its export.
    Wordpress(export::ExportArgs),
    /// Remark42: a backup that it made itself.
    Remark42(export::ExportArgs),
    /// Isso: its SQLite database, or the JSON of its generic import.
    Isso(export::ExportArgs),
    /// Commento: the JSON of its export.
    Commento(export::ExportArgs),
    /// HTML pages whose comments are marked up with schema.org, as JSON-LD or microdata.
    Html(export::ExportArgs),
    /// `CloudEvents`, one a line, each checked before it is sent.
    Jsonl(jsonl::JsonlArgs),
}

/// Runs the command.
pub(crate) async fn run(args: ImportArgs) -> anyhow::Result<ExitCode> {
    use export::{Format, run};

    match args.command {
        ImportCommand::Disqus(args) => run(Format::Disqus, args).await,
        ImportCommand::Wordpress(args) => run(Format::Wordpress, args).await,
        ImportCommand::Remark42(args) => run(Format::Remark42, args).await,
        ImportCommand::Isso(args) => run(Format::Isso, args).await,
        ImportCommand::Commento(args) => run(Format::Commento, args).await,
        ImportCommand::Html(args) => run(Format::Html, args).await,
        ImportCommand::Page(args) => page::run(args).await,
        ImportCommand::Jsonl(args) => jsonl::run(args).await,
    }
}
