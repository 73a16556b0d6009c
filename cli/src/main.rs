//! Stoa: discussion threads, moderated and archived. The one binary.

mod appeals;
mod archive;
mod backtest;
mod backup;
mod cases;
mod client;
mod console;
mod demo;
mod desk;
mod doctor;
mod export;
#[cfg(feature = "failpoints")]
mod failpoints;
mod healthcheck;
mod import;
mod manual;
mod openapi;
mod output;
mod parked;
mod publish;
mod reconcile;
mod redact;
mod restore;
mod roles;
mod rows;
mod rules;
mod search;
mod serve;
mod stress;
mod tokens;
mod up;
mod users;
mod webhooks;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use stoa_daemon::lifecycle::Exit;

/// Rows and events are many short-lived allocations that one thread makes and another frees; this
/// allocator takes a quarter less CPU for all of it than the system's (decision 0004).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Keeps discussion threads: takes articles and comments as events, decides what may be published,
/// puts what is doubtful in front of a moderator, and archives all of it.
///
/// Exit codes: 0 ok, 1 failed, 2 usage, 78 bad configuration.
#[derive(Debug, Parser)]
#[command(name = "stoa", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(up::UpArgs),
    Serve(serve::ServeArgs),
    Publish(publish::PublishArgs),
    Import(import::ImportArgs),
    Reconcile(reconcile::ReconcileArgs),
    Archive(archive::ArchiveArgs),
    Export(export::ExportArgs),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    Search(search::SearchArgs),
    Rules(rules::RulesArgs),
    Cases(cases::CasesArgs),
    Appeals(appeals::AppealsArgs),
    Users(users::UsersArgs),
    Webhooks(webhooks::WebhooksArgs),
    Tokens(tokens::TokensArgs),
    Parked(parked::ParkedArgs),
    Redact(redact::RedactArgs),
    Stress(stress::StressArgs),
    Doctor(doctor::DoctorArgs),
    Openapi(openapi::OpenapiArgs),
    Completions(manual::CompletionsArgs),
    Man(manual::ManArgs),
    Healthcheck(healthcheck::HealthcheckArgs),
}

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _armed = match failpoints::arm() {
        Ok(armed) => armed,
        Err(error) => {
            output::note(&format!("stoa: {error:#}"));
            return ExitCode::from(2);
        }
    };
    // rustls has more than one provider to choose from; which one must be said once.
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        output::note("a TLS provider was installed before");
    }
    let result = match Cli::parse().command {
        Command::Up(args) => up::run(args),
        Command::Serve(args) => serve::run(&args),
        Command::Archive(args) => archive::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Backup(args) => backup::run(&args),
        Command::Restore(args) => restore::run(&args),
        Command::Rules(args) => rules::run(&args),
        Command::Openapi(args) => openapi::run(&args),
        Command::Completions(args) => Ok(manual::completions(&args, Cli::command())),
        Command::Man(args) => manual::man(&args, Cli::command()),
        Command::Publish(args) => on_runtime(publish::run(args)),
        Command::Import(args) => on_runtime(import::run(args)),
        Command::Search(args) => on_runtime(search::run(args)),
        Command::Cases(args) => on_runtime(cases::run(args)),
        Command::Appeals(args) => on_runtime(appeals::run(args)),
        Command::Users(args) => on_runtime(users::run(args)),
        Command::Webhooks(args) => on_runtime(webhooks::run(args)),
        Command::Tokens(args) => on_runtime(tokens::run(args)),
        Command::Parked(args) => on_runtime(parked::run(args)),
        Command::Redact(args) => on_runtime(redact::run(args)),
        Command::Reconcile(args) => on_runtime(reconcile::run(args)),
        Command::Stress(args) => on_runtime(stress::run(args)),
        Command::Doctor(args) => on_runtime(doctor::run(args)),
        Command::Healthcheck(args) => on_runtime(healthcheck::run(args)),
    };
    result.unwrap_or_else(|error| {
        output::note(&format!("stoa: {error:#}"));
        Exit::of(&error).into()
    })
}

/// Runs a tool; roles make their own runtime.
fn on_runtime(tool: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(tool)
}
