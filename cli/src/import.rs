//! `stoa import`: what other systems hold, as events.

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
    /// `CloudEvents`, one a line, each checked before it is sent.
    Jsonl(jsonl::JsonlArgs),
}

/// Runs the command.
pub(crate) async fn run(args: ImportArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        ImportCommand::Page(args) => page::run(args).await,
        ImportCommand::Jsonl(args) => jsonl::run(args).await,
    }
}
